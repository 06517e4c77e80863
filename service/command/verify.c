/* verbatim verify: whether a file of an export is whole, offline.
 *
 * Needs neither database nor storage, so it can be run years later on any machine. Exit status 0:
 * whole; 1: it has faults; 2: it could not be looked at. Names come from whoever made the archive,
 * so controls in them never reach the terminal.
 */
#include "command.h"

#include "verbatim/file_read.h"
#include "verbatim/json.h"
#include "verbatim/text.h"
#include "verbatim/verify.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOWN 100u /* findings; the others are counted */
#define FINDINGS_CEILING (4u * 1024u * 1024u)

enum { AS_JSON, MANIFEST, KEY };
#define KEY_CEILING 65536u

struct report {
    bool as_json;
    uint64_t shown, left_off;
    struct vb_buffer findings; /* lines, or the elements of a list */
    enum vb_status status;
};

static const char *const words[] = {[VB_VERIFY_FAILED] = "failed", [VB_VERIFY_WARNING] = "warning"};

/* A name on one line, whatever is in it. */
static enum vb_status append_name(struct vb_buffer *out, struct vb_view name)
{
    enum vb_status status = VB_OK;
    while (name.length > 0 && status == VB_OK) {
        const char *start = name.data;
        bool whole = vb_utf8_width(name.data, name.length) > 0;
        uint32_t c = vb_utf8_next(&name);
        bool plain = whole && c >= 0x20 && (c < 0x7F || c > 0x9F) && (c < 0x2028 || c > 0x202E);
        status = plain ? vb_buffer_append(out, start, (size_t)(name.data - start))
                       : vb_buffer_append_byte(out, '?');
    }
    return status;
}

static enum vb_status add_line(struct vb_buffer *out, enum vb_verify_level level, const char *entry,
                               const char *problem)
{
    enum vb_status status = vb_buffer_printf(out, "%-8s ", words[level]);
    if (status == VB_OK && entry)
        status = append_name(out, vb_view_of(entry));
    if (status == VB_OK)
        status = vb_buffer_printf(out, "%s%s\n", entry ? ": " : "", problem);
    return status;
}

static enum vb_status add_element(struct vb_buffer *out, enum vb_verify_level level,
                                  const char *entry, const char *problem)
{
    struct vb_json json;
    enum vb_status status = out->length > 0 ? vb_buffer_append_byte(out, ',') : VB_OK;
    if (status != VB_OK)
        return status;
    vb_json_init(&json, out);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "level", words[level]);
    vb_json_member_text(&json, "entry", entry);
    vb_json_member_text(&json, "problem", problem);
    vb_json_end_object(&json);
    return vb_json_status(&json);
}

static void take_finding(void *context, enum vb_verify_level level, const char *entry,
                         const char *problem)
{
    struct report *report = context;
    if (report->status != VB_OK)
        return;
    if (report->shown == SHOWN) {
        report->left_off++;
        return;
    }
    report->shown++;
    report->status = report->as_json ? add_element(&report->findings, level, entry, problem)
                                     : add_line(&report->findings, level, entry, problem);
}

/* --- the end --- */

static const struct {
    const char *name, *one, *many; /* in JSON; for people */
    size_t offset;
} counted[] = {
    {"entries", "entry", "entries", offsetof(struct vb_verify_counts, entries)},
    {"bytes", "byte", "bytes", offsetof(struct vb_verify_counts, bytes)},
    {"csv_files", "CSV file", "CSV files", offsetof(struct vb_verify_counts, csv)},
    {"csv_rows", "row", "rows", offsetof(struct vb_verify_counts, csv_rows)},
    {"json_files", "JSON file", "JSON files", offsetof(struct vb_verify_counts, json)},
    {"conversations", "conversation", "conversations",
     offsetof(struct vb_verify_counts, conversations)},
    {"html_files", "page", "pages", offsetof(struct vb_verify_counts, html)},
    {"pdf_files", "PDF", "PDFs", offsetof(struct vb_verify_counts, pdf)},
    {"xlsx_files", "workbook", "workbooks", offsetof(struct vb_verify_counts, xlsx)},
    {"media", "medium", "media", offsetof(struct vb_verify_counts, media)},
    {"failed", NULL, NULL, offsetof(struct vb_verify_counts, failed)},
    {"warnings", "warning", "warnings", offsetof(struct vb_verify_counts, warnings)},
};

static uint64_t number_of(const struct vb_verify_counts *counts, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)counts + counted[i].offset);
}

static enum vb_status print_json(const char *path, const struct report *report,
                                 const struct vb_verify_counts *counts, struct vb_error *err)
{
    struct vb_buffer out;
    struct vb_json json;
    vb_buffer_init(&out, FINDINGS_CEILING + 4096);
    vb_json_init(&json, &out);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "file", path);
    vb_json_member_boolean(&json, "whole", counts->failed == 0);
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        vb_json_member_integer(&json, counted[i].name, (int64_t)number_of(counts, i));
    vb_json_member_integer(&json, "findings_left_off", (int64_t)report->left_off);
    vb_json_member_integer(&json, "listed", (int64_t)counts->listed);
    vb_json_member_text(&json, "manifest_key", *counts->key_id ? counts->key_id : NULL);
    vb_json_name(&json, "findings");
    vb_json_begin_array(&json);
    if (report->findings.length > 0)
        vb_json_raw(&json, report->findings.data);
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    enum vb_status status = vb_json_status(&json);
    if (status == VB_OK)
        status = vb_buffer_append_byte(&out, '\n');
    status = status == VB_OK ? vb_command_print(out.data, err)
                             : vb_fail(err, status, "no memory for the report");
    vb_buffer_done(&out);
    return status;
}

static enum vb_status print_text(const struct report *report, const struct vb_verify_counts *counts,
                                 struct vb_error *err)
{
    struct vb_buffer out;
    vb_buffer_init(&out, FINDINGS_CEILING + 4096);
    enum vb_status status =
        vb_buffer_append_text(&out, report->findings.length > 0 ? report->findings.data : "");
    if (status == VB_OK && report->left_off > 0)
        status = vb_buffer_printf(&out, "... and %" PRIu64 " more\n", report->left_off);
    if (status == VB_OK)
        status = vb_buffer_printf(&out, "%-8s ", counts->failed == 0 ? "ok" : "failed");
    bool first = true;
    for (size_t i = 0; i < sizeof counted / sizeof *counted && status == VB_OK; i++) {
        uint64_t number = number_of(counts, i);
        if (!counted[i].one || number == 0)
            continue;
        status = vb_buffer_printf(&out, "%s%" PRIu64 " %s", first ? "" : ", ", number,
                                  number == 1 ? counted[i].one : counted[i].many);
        first = false;
    }
    if (status == VB_OK && first)
        status = vb_buffer_append_text(&out, "nothing was read");
    if (status == VB_OK && *counts->key_id)
        status = vb_buffer_printf(&out, "; %" PRIu64 " as listed in the manifest of key %.16s",
                                  counts->listed, counts->key_id);
    if (status == VB_OK)
        status = vb_buffer_append_text(&out, "\n");
    status = status == VB_OK ? vb_command_print(out.data, err)
                             : vb_fail(err, status, "no memory for the report");
    vb_buffer_done(&out);
    return status;
}

/* What could not be read at all is a wrong word of the command. */
static enum vb_status settle(const char *path, const struct vb_verify_counts *counts,
                             enum vb_status status, struct vb_error *err)
{
    if (status == VB_NOT_FOUND || status == VB_DENIED || status == VB_IO) {
        err->status = VB_INVALID;
        return VB_INVALID;
    }
    if (status == VB_OK && counts->failed > 0)
        return vb_fail(err, VB_CORRUPT, "%s has %" PRIu64 " fault%s", path, counts->failed,
                       counts->failed == 1 ? "" : "s");
    return status;
}

/* What is no key at all is a wrong word too. */
static enum vb_status read_key(const char *path, unsigned char key[VB_ED25519_KEY],
                               struct vb_error *err)
{
    struct vb_buffer text;
    vb_buffer_init(&text, KEY_CEILING);
    enum vb_status status = vb_file_read(path, &text, err);
    if (status == VB_OK &&
        vb_ed25519_read((struct vb_view){text.data, text.length}, key, err) != VB_OK)
        status = vb_fail_within(err, VB_INVALID, "%s", path);
    vb_buffer_done(&text);
    return status == VB_LIMIT ? VB_INVALID : status;
}

enum vb_status vb_command_verify(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct report report = {.as_json = vb_argument(arguments, AS_JSON) != NULL};
    struct vb_verify_counts counts = {0};
    unsigned char key[VB_ED25519_KEY];
    const char *key_file = vb_argument(arguments, KEY);
    const struct vb_verify_options options = {
        .context = &report,
        .found = take_finding,
        .manifest = key_file || vb_argument(arguments, MANIFEST),
        .public_key = key_file ? key : NULL,
    };
    vb_buffer_init(&report.findings, FINDINGS_CEILING);
    enum vb_status status = key_file ? read_key(key_file, key, err) : VB_OK;
    if (status == VB_OK)
        status = vb_verify_file(arguments->word, &options, &counts, err);
    bool looked = status == VB_OK;
    if (looked && report.status != VB_OK)
        status = vb_fail(err, report.status, "no memory for the report");
    else if (looked)
        status = report.as_json ? print_json(arguments->word, &report, &counts, err)
                                : print_text(&report, &counts, err);
    vb_buffer_done(&report.findings);
    return settle(arguments->word, &counts, status, err);
}
