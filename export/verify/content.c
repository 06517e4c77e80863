/* One entry's contents; see content.h. Text is UTF-8 in every format but PDF and media. */
#include "content.h"

#include "format/file_name.h"

#include "verbatim/manifest.h"
#include "verbatim/media_errors.h"
#include "verbatim/names.h"
#include "verbatim/nothing_found.h"
#include "verbatim/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool begin_character(struct vb_utf8_feed *feed, unsigned char byte)
{
    feed->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    feed->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    feed->left = byte < 0x80 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    return byte < 0x80 || (byte >= 0xC2 && byte <= 0xF4);
}

static bool feed_utf8(struct vb_utf8_feed *feed, unsigned char byte)
{
    if (feed->left == 0)
        return begin_character(feed, byte);
    bool good = byte >= feed->low && byte <= feed->high;
    feed->left--;
    feed->low = 0x80;
    feed->high = 0xBF;
    return good;
}

void vb_content_begin(struct vb_content *content, enum vb_content_kind kind)
{
    *content = (struct vb_content){.kind = kind};
    vb_json_feed_begin(&content->json);
}

static void refuse(struct vb_content *content, const char *problem)
{
    if (!*content->problem)
        (void)snprintf(content->problem, sizeof content->problem, "%s", problem);
}

/* Between the pieces, so that ends are seen wherever they were cut. */
static void keep_edges(struct vb_content *content, const char *data, size_t length)
{
    if (content->size < VB_CONTENT_EDGE) {
        size_t room = VB_CONTENT_EDGE - (size_t)content->size;
        memcpy(content->head + content->size, data, length < room ? length : room);
    }
    if (length >= VB_CONTENT_EDGE) {
        memcpy(content->tail, data + length - VB_CONTENT_EDGE, VB_CONTENT_EDGE);
    } else {
        memmove(content->tail, content->tail + length, VB_CONTENT_EDGE - length);
        memcpy(content->tail + VB_CONTENT_EDGE - length, data, length);
    }
}

static void feed_csv(struct vb_content *content, unsigned char byte, uint64_t place)
{
    static const unsigned char mark[3] = {0xEF, 0xBB, 0xBF};
    char text[100];
    if (place < 3 && byte == mark[place])
        return;
    const char *problem = vb_csv_feed(&content->csv, byte, text);
    if (problem)
        refuse(content, problem);
}

static void refuse_json(struct vb_content *content, uint64_t place)
{
    char text[100];
    if (content->kind == VB_CONTENT_NDJSON)
        (void)snprintf(text, sizeof text, "line %" PRIu64 " is no JSON object", content->items + 1);
    else
        (void)snprintf(text, sizeof text, "no JSON at byte %" PRIu64, place);
    refuse(content, text);
}

static void feed_ndjson(struct vb_content *content, unsigned char byte, uint64_t place)
{
    if (byte != '\n') {
        content->in_line = true;
        if (!vb_json_feed(&content->json, byte))
            refuse_json(content, place);
        return;
    }
    if (!content->in_line || !vb_json_feed_end(&content->json) || content->json.is_list)
        refuse_json(content, place);
    content->items++;
    content->in_line = false;
    vb_json_feed_begin(&content->json);
}

static void feed_byte(struct vb_content *content, unsigned char byte, uint64_t place)
{
    if (!feed_utf8(&content->utf8, byte)) {
        char text[100];
        (void)snprintf(text, sizeof text, "byte %" PRIu64 " is no UTF-8", place);
        refuse(content, text);
        return;
    }
    if (content->kind == VB_CONTENT_CSV)
        feed_csv(content, byte, place);
    else if (content->kind == VB_CONTENT_NDJSON)
        feed_ndjson(content, byte, place);
    else if (content->kind == VB_CONTENT_JSON && !vb_json_feed(&content->json, byte))
        refuse_json(content, place);
}

static bool is_text(enum vb_content_kind kind)
{
    return kind != VB_CONTENT_PDF && kind != VB_CONTENT_XLSX && kind != VB_CONTENT_MEDIUM &&
           kind != VB_CONTENT_SIGNATURE && kind != VB_CONTENT_UNKNOWN;
}

void vb_content_feed(struct vb_content *content, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    if (length == 0)
        return;
    keep_edges(content, data, length);
    for (size_t i = 0; i < length && is_text(content->kind) && !*content->problem; i++)
        feed_byte(content, bytes[i], content->size + i);
    content->size += length;
}

static bool begins_with(const struct vb_content *content, const char *text)
{
    size_t length = strlen(text);
    return content->size >= length && memcmp(content->head, text, length) == 0;
}

/* "</html>\n" or "%%EOF\n", the line end as it comes. */
static bool ends_with(const struct vb_content *content, const char *text)
{
    size_t end = VB_CONTENT_EDGE, length = strlen(text);
    while (end > 0 && (content->tail[end - 1] == '\n' || content->tail[end - 1] == '\r'))
        end--;
    return content->size >= length && end >= length &&
           memcmp(content->tail + end - length, text, length) == 0;
}

static void end_csv(struct vb_content *content)
{
    const char *problem = vb_csv_feed_end(&content->csv);
    if (problem)
        refuse(content, problem);
    content->items = content->csv.rows > 0 ? content->csv.rows - 1 : 0;
}

void vb_content_end(struct vb_content *content)
{
    if (is_text(content->kind) && content->utf8.left > 0)
        refuse(content, "the last character is cut");
    switch (content->kind) {
    case VB_CONTENT_CSV:
        end_csv(content);
        break;
    case VB_CONTENT_JSON:
        if (!vb_json_feed_end(&content->json))
            refuse(content, "the JSON has no end");
        content->items = content->json.is_list ? content->json.elements : 0;
        break;
    case VB_CONTENT_NDJSON:
        if (content->in_line)
            refuse(content, "the last line has no end");
        break;
    case VB_CONTENT_HTML:
        if (!begins_with(content, "<!DOCTYPE html>") || !ends_with(content, "</html>"))
            refuse(content, "is no whole page");
        break;
    case VB_CONTENT_PDF:
        if (!begins_with(content, "%PDF-1.") || !ends_with(content, "%%EOF"))
            refuse(content, "is no whole PDF");
        break;
    case VB_CONTENT_XLSX: /* a ZIP without a comment: its end record is the last */
        if (!begins_with(content, "PK\3\4") || memcmp(content->tail + 2, "PK\5\6", 4) != 0)
            refuse(content, "is no whole workbook");
        break;
    case VB_CONTENT_TEXT:
    case VB_CONTENT_MEDIUM:
    case VB_CONTENT_SIGNATURE:
    case VB_CONTENT_UNKNOWN:
        break;
    }
}

static bool has_end(struct vb_view name, const char *end)
{
    size_t length = strlen(end);
    return name.length > length && memcmp(name.data + name.length - length, end, length) == 0;
}

enum vb_content_kind vb_content_kind_of(struct vb_view name)
{
    static const struct {
        const char *end;
        enum vb_content_kind kind;
    } ends[] = {{".csv", VB_CONTENT_CSV},       {".json", VB_CONTENT_JSON},
                {".ndjson", VB_CONTENT_NDJSON}, {".html", VB_CONTENT_HTML},
                {".pdf", VB_CONTENT_PDF},       {".xlsx", VB_CONTENT_XLSX}};
    if (vb_view_equals(name, VB_VIEW(VB_MEDIA_ERRORS_NAME)))
        return VB_CONTENT_CSV;
    if (name.length > 6 && memcmp(name.data, "media/", 6) == 0)
        return VB_CONTENT_MEDIUM;
    if (vb_view_equals(name, VB_VIEW(VB_MANIFEST_SIGNATURE_NAME)))
        return VB_CONTENT_SIGNATURE;
    if (vb_view_equals(name, VB_VIEW(VB_NOTHING_FOUND_NAME)) || vb_manifest_is_own(name))
        return VB_CONTENT_TEXT;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!memchr(name.data, '/', name.length) && has_end(name, ends[i].end))
            return ends[i].kind;
    return VB_CONTENT_UNKNOWN;
}

/* --- names --- */

/* What a file system refuses or a person cannot see is what names are cleaned of. */
static bool is_clean(struct vb_view part)
{
    struct vb_buffer clean;
    vb_buffer_init(&clean, part.length + 1);
    bool same = vb_file_name_append(&clean, part) == VB_OK && clean.length == part.length &&
                memcmp(clean.data, part.data, part.length) == 0;
    vb_buffer_done(&clean);
    return same;
}

static const char *judge_part(struct vb_view part)
{
    if (part.length == 0)
        return "a part of the path is empty";
    if ((part.length == 1 && *part.data == '.') ||
        (part.length == 2 && memcmp(part.data, "..", 2) == 0))
        return "the path leads elsewhere";
    if (!is_clean(part))
        return "has a character that file systems refuse or people cannot see";
    if (vb_file_name_skip(part) > 0)
        return "does not begin with a letter or digit";
    if (strchr(". ", part.data[part.length - 1]))
        return "ends in a dot or blank";
    if (part.length > VB_NAME_BYTES)
        return "a part of the path has more than 255 bytes";
    return vb_file_name_is_device(part) ? "is a device for Windows" : NULL;
}

static const char *judge(struct vb_view name)
{
    bool in_media = name.length > 6 && memcmp(name.data, "media/", 6) == 0;
    struct vb_view rest = name;
    if (!vb_utf8_valid(name))
        return "the name is no UTF-8";
    for (;;) {
        const char *slash = rest.length > 0 ? memchr(rest.data, '/', rest.length) : NULL;
        struct vb_view part = {rest.data, slash ? (size_t)(slash - rest.data) : rest.length};
        const char *problem = judge_part(part);
        if (problem)
            return problem;
        if (!slash && in_media && vb_file_name_units(part) > VB_MEDIA_CHARACTERS)
            return "the medium's name has more than 60 characters";
        if (!slash)
            break;
        rest = (struct vb_view){slash + 1, rest.length - part.length - 1};
    }
    return vb_file_name_units(name) > VB_NAME_CHARACTERS ? "has more than 120 characters" : NULL;
}

void vb_entry_name_judge(struct vb_view name, char problem[160])
{
    const char *found = judge(name);
    (void)snprintf(problem, 160, "%s", found ? found : "");
}
