/* A file of an export, entry by entry; see verify.h.
 *
 * libzip reads the archive: it compares the two headers of every entry at the opening (CHECKCONS)
 * and each entry's CRC at its end. Sizes, names, contents and kinds are judged here. A fault of the
 * archive is a finding; only what keeps it from being read at all, or us from reading, is an error.
 */
#include "verbatim/verify.h"

#include "content.h"
#include "format/name_numbers.h"
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#define PIECE (64u * 1024u)
#define FINDING_TEXT 256u
/* What an archive on Unix says of an entry: the upper half of its attributes is a mode. */
#define MODE_KIND 0170000u
#define MODE_FILE 0100000u

struct check {
    const struct vb_verify_options *options;
    struct vb_verify_counts counts;
    struct vb_name_numbers names; /* seen so far, without regard to case or spelling */
    char *piece;
    struct vb_listed listed;  /* where a manifest is demanded */
    struct vb_digest *digest; /* likewise; of the entry being read */
};

static void tell(struct check *check, enum vb_verify_level level, const char *entry,
                 const char *problem)
{
    if (level == VB_VERIFY_FAILED)
        check->counts.failed++;
    else
        check->counts.warnings++;
    check->options->found(check->options->context, level, entry, problem);
}

static void fail(struct check *check, const char *entry, const char *problem)
{
    tell(check, VB_VERIFY_FAILED, entry, problem);
}

/* --- one entry --- */

static enum vb_status check_name(struct check *check, const char *name, struct vb_error *err)
{
    char problem[160];
    uint32_t uses = 0;
    vb_entry_name_judge(vb_view_of(name), problem);
    if (*problem)
        fail(check, name, problem);
    if (vb_name_numbers_next(&check->names, vb_view_of(name), &uses) != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an archive's names");
    if (uses > 1)
        fail(check, name, "the name was there before, but for case or spelling");
    return VB_OK;
}

static void check_kind(struct check *check, zip_t *zip, const struct zip_stat *stat,
                       const char *name)
{
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(zip, stat->index, 0, &system, &attributes) == 0 &&
        system == ZIP_OPSYS_UNIX && (attributes >> 16 & MODE_KIND) != 0 &&
        (attributes >> 16 & MODE_KIND) != MODE_FILE)
        fail(check, name, "is no plain file");
    if (stat->encryption_method != ZIP_EM_NONE)
        fail(check, name, "is encrypted");
    if (stat->comp_method != ZIP_CM_STORE && stat->comp_method != ZIP_CM_DEFLATE)
        fail(check, name, "is compressed by a method that exports do not use");
}

static void count(struct vb_verify_counts *counts, const struct vb_content *content)
{
    switch (content->kind) {
    case VB_CONTENT_CSV:
        counts->csv++;
        counts->csv_rows += content->items;
        break;
    case VB_CONTENT_JSON:
    case VB_CONTENT_NDJSON:
        counts->json++;
        counts->conversations += content->items;
        break;
    case VB_CONTENT_HTML:
        counts->html++;
        break;
    case VB_CONTENT_PDF:
        counts->pdf++;
        break;
    case VB_CONTENT_XLSX:
        counts->xlsx++;
        break;
    case VB_CONTENT_TEXT:
        counts->text++;
        break;
    case VB_CONTENT_MEDIUM:
        counts->media++;
        break;
    case VB_CONTENT_SIGNATURE:
    case VB_CONTENT_UNKNOWN:
        break;
    }
}

static void end_content(struct check *check, struct vb_content *content, const char *name)
{
    vb_content_end(content);
    check->counts.bytes += content->size;
    count(&check->counts, content);
    if (*content->problem)
        fail(check, name, content->problem);
    else if (content->kind == VB_CONTENT_UNKNOWN)
        tell(check, VB_VERIFY_WARNING, name, "is of no kind that exports have");
}

/* What libzip says of an entry or archive, in its words. */
static void fail_by_zip(struct check *check, const char *name, const char *what, zip_error_t *error)
{
    char text[FINDING_TEXT];
    (void)snprintf(text, sizeof text, "%s: %s", what, zip_error_strerror(error));
    fail(check, name, text);
}

/* What was read of an entry against the manifest. */
static enum vb_status compare(struct check *check, const char *name, uint64_t size,
                              struct vb_error *err)
{
    unsigned char sha256[VB_SHA256];
    if (!check->digest || vb_manifest_is_own(vb_view_of(name)))
        return VB_OK;
    vb_digest_end(check->digest, sha256);
    return vb_listed_entry(&check->listed, name, size, sha256, err);
}

/* Its CRC is compared when its last byte has been read. */
static enum vb_status read_entry(struct check *check, zip_t *zip, const struct zip_stat *stat,
                                 const char *name, struct vb_error *err)
{
    struct vb_content content;
    zip_file_t *file = zip_fopen_index(zip, stat->index, 0);
    zip_int64_t got = 0;
    if (!file) {
        fail_by_zip(check, name, "cannot be read", zip_get_error(zip));
        return VB_OK;
    }
    vb_content_begin(&content, vb_content_kind_of(vb_view_of(name)));
    if (check->digest)
        vb_digest_begin(check->digest);
    while ((got = zip_fread(file, check->piece, PIECE)) > 0) {
        vb_content_feed(&content, check->piece, (size_t)got);
        if (check->digest)
            vb_digest_add(check->digest, check->piece, (size_t)got);
    }
    if (got < 0)
        fail_by_zip(check, name, "cannot be read to its end", zip_file_get_error(file));
    else if (content.size != stat->size)
        fail(check, name, "has another size than the directory says");
    zip_fclose(file);
    end_content(check, &content, name);
    return compare(check, name, content.size, err);
}

static enum vb_status check_entry(struct check *check, zip_t *zip, zip_uint64_t index,
                                  struct vb_error *err)
{
    struct zip_stat stat;
    const char *name = zip_get_name(zip, index, ZIP_FL_ENC_RAW);
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (!name || zip_stat_index(zip, index, 0, &stat) != 0 || (stat.valid & needed) != needed) {
        fail_by_zip(check, name, "its directory record cannot be read", zip_get_error(zip));
        return VB_OK;
    }
    stat.index = index;
    check->counts.entries++;
    enum vb_status status = check_name(check, name, err);
    if (status != VB_OK)
        return status;
    check_kind(check, zip, &stat, name);
    return stat.encryption_method == ZIP_EM_NONE ? read_entry(check, zip, &stat, name, err) : VB_OK;
}

/* --- the file --- */

static enum vb_status check_entries(struct check *check, zip_t *zip, struct vb_error *err)
{
    zip_int64_t total = zip_get_num_entries(zip, 0);
    enum vb_status status = VB_OK;
    if (total == 0)
        fail(check, NULL, "the archive has no entry");
    for (zip_int64_t i = 0; i < total && status == VB_OK; i++) {
        status = check_entry(check, zip, (zip_uint64_t)i, err);
        if (check->options->progress)
            check->options->progress(check->options->context, (uint64_t)i + 1, (uint64_t)total);
    }
    return status;
}

/* Ours have neither a comment nor anything in front, and a reader that scans from the end may be
 * led elsewhere by either. */
static void check_frame(struct check *check, zip_t *zip)
{
    int length = 0;
    if (zip_get_archive_comment(zip, &length, ZIP_FL_ENC_RAW) && length > 0)
        fail(check, NULL, "the archive has a comment, which exports never have");
}

static void fail_listed(void *context, const char *entry, const char *problem)
{
    fail(context, entry, problem);
}

static enum vb_status check_open(struct check *check, zip_t *zip, struct vb_error *err)
{
    bool listed = check->options->manifest;
    enum vb_status status = VB_OK;
    check_frame(check, zip);
    check->listed.context = check;
    check->listed.fail = fail_listed;
    if (listed)
        status = vb_listed_open(&check->listed, zip, err);
    if (status == VB_OK && listed)
        status = vb_digest_new(&check->digest, err);
    if (status == VB_OK)
        status = check_entries(check, zip, err);
    if (status == VB_OK && listed)
        status = vb_listed_end(&check->listed, check->options->public_key, err);
    if (listed && !check->options->public_key && *check->listed.key_id)
        tell(check, VB_VERIFY_WARNING, VB_MANIFEST_SIGNATURE_NAME,
             "was not checked: no public key was named");
    check->counts.listed = check->listed.counts.entries;
    (void)snprintf(check->counts.key_id, sizeof check->counts.key_id, "%s", check->listed.key_id);
    vb_listed_close(&check->listed);
    vb_digest_free(check->digest);
    check->digest = NULL;
    return status;
}

static enum vb_status check_archive(struct check *check, const char *path, struct vb_error *err)
{
    int code = 0;
    zip_error_t error;
    zip_t *zip = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code);
    if (zip) {
        enum vb_status status = check_open(check, zip, err);
        zip_discard(zip);
        return status;
    }
    zip_error_init_with_code(&error, code);
    enum vb_status status = VB_OK;
    if (code == ZIP_ER_MEMORY)
        status = vb_fail(err, VB_NO_MEMORY, "no memory for the directory of %s", path);
    else if (code == ZIP_ER_OPEN || code == ZIP_ER_READ || code == ZIP_ER_NOENT)
        status = vb_fail(err, VB_IO, "cannot read %s: %s", path, zip_error_strerror(&error));
    else
        fail_by_zip(check, NULL, "the archive is damaged", &error);
    zip_error_fini(&error);
    return status;
}

static enum vb_status read_plain(struct check *check, int fd, struct vb_content *content,
                                 const char *path, struct vb_error *err)
{
    ssize_t got;
    do {
        got = read(fd, check->piece, PIECE);
        if (got > 0)
            vb_content_feed(content, check->piece, (size_t)got);
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0 ? VB_OK
                    : vb_fail_system(err, vb_status_of_errno(errno), errno, "cannot read %s", path);
}

static enum vb_status check_plain(struct check *check, int fd, enum vb_content_kind kind,
                                  const char *path, struct vb_error *err)
{
    struct vb_content content;
    vb_content_begin(&content, kind);
    enum vb_status status = read_plain(check, fd, &content, path, err);
    if (status == VB_OK)
        end_content(check, &content, NULL);
    if (status == VB_OK && check->options->manifest)
        fail(check, NULL, "a single file has no manifest");
    return status;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

enum vb_status vb_verify_file(const char *path, const struct vb_verify_options *options,
                              struct vb_verify_counts *ret_counts, struct vb_error *err)
{
    struct check check = {.options = options, .piece = malloc(PIECE)};
    if (!check.piece)
        return vb_fail(err, VB_NO_MEMORY, "no memory for reading %s", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum vb_content_kind kind = vb_content_kind_of(vb_view_of(last_part(path)));
    enum vb_status status = VB_OK;
    struct stat facts = {0};
    if (fd < 0 || fstat(fd, &facts) != 0)
        status = vb_fail_system(err, vb_status_of_errno(errno), errno, "cannot open %s", path);
    else if (!S_ISREG(facts.st_mode))
        status = vb_fail(err, VB_INVALID, "%s is no file that can be read from its end", path);
    else if (kind == VB_CONTENT_UNKNOWN)
        status = check_archive(&check, path, err);
    else
        status = check_plain(&check, fd, kind, path, err);
    if (fd >= 0)
        (void)close(fd);
    vb_name_numbers_done(&check.names);
    free(check.piece);
    if (status == VB_OK)
        *ret_counts = check.counts;
    return status;
}
