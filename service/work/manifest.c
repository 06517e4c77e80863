/* manifest.json: what an archive holds, signed, as its last entry. See work/line.h and
 * verbatim/manifest.h.
 *
 * Whether an archive has one, and by which key, is decided where it begins and noted with it: every
 * segment has to keep the digests of its entries, whatever its process's option says. At the close
 * the directory records of all segments are gone through twice, first for the digest of the text,
 * whose signature stands before it, then for the text itself, in the memory of a piece.
 */
#include "line.h"

#include "queue/manifest_key.h"

#include "verbatim/manifest.h"

#include <stdlib.h>
#include <string.h>

#define FLUSH (64u * 1024u)

/* One pass over the entries. */
struct listing {
    struct vb_line *line;
    struct vb_digest *digest; /* NULL: the text goes to the archive */
    struct vb_manifest_counts counts;
};

/* The text so far goes where the pass puts it. */
static enum vb_status pass_on(struct listing *listing, size_t below, struct vb_error *err)
{
    struct vb_buffer *out = listing->line->out;
    if (!listing->digest)
        return vb_line_flush(listing->line, below, err);
    if (out->length > 0)
        vb_digest_add(listing->digest, out->data, out->length);
    vb_buffer_reset(out);
    return VB_OK;
}

static enum vb_status add_entry(struct listing *listing, const struct vb_archive_record *record,
                                struct vb_error *err)
{
    struct vb_buffer *out = listing->line->out;
    enum vb_status status = VB_OK;
    if (vb_manifest_is_own(record->name))
        return VB_OK;
    if (!record->has_sha256)
        return vb_fail(err, VB_CORRUPT, "a segment kept no digests of its entries");
    if (listing->counts.entries > 0)
        status = vb_buffer_append_text(out, ",\n");
    if (status == VB_OK)
        status = vb_manifest_line(out, record->name, record->size, record->sha256);
    listing->counts.entries++;
    listing->counts.bytes += record->size;
    return status == VB_OK ? pass_on(listing, FLUSH, err)
                           : vb_fail(err, status, "no memory for " VB_MANIFEST_NAME);
}

static enum vb_status list_records(void *context, const void *data, size_t length,
                                   struct vb_error *err)
{
    struct vb_view records = {data, length};
    struct vb_archive_record record;
    enum vb_status status;
    while ((status = vb_archive_record_next(&records, &record)) == VB_OK) {
        status = add_entry(context, &record, err);
        if (status != VB_OK)
            return status;
    }
    return status == VB_END ? VB_OK
                            : vb_fail(err, status, "the archive's directory records are damaged");
}

/* Those of a small export never left the archive. */
static enum vb_status list_all(struct listing *listing, struct vb_error *err)
{
    struct vb_line *line = listing->line;
    const struct vb_piece_visitor visitor = {list_records, listing};
    enum vb_status status = vb_buffer_append_text(line->out, VB_MANIFEST_HEAD);
    if (status != VB_OK)
        return vb_fail(err, status, "no memory for " VB_MANIFEST_NAME);
    if (line->claim->stretch.has_low || line->pieces > 0)
        status = vb_close_records(line->pg, line->claim, &visitor, err);
    struct vb_view own = vb_archive_own_records(line->archive);
    if (status == VB_OK)
        status = list_records(listing, own.data, own.length, err);
    if (status == VB_OK &&
        vb_manifest_tail(line->out, &listing->counts, line->claim->job.manifest_key) != VB_OK)
        status = vb_fail(err, VB_NO_MEMORY, "no memory for " VB_MANIFEST_NAME);
    return status == VB_OK ? pass_on(listing, 0, err) : status;
}

static enum vb_status digest_text(struct listing *listing, char text[VB_MANIFEST_DIGEST_TEXT],
                                  struct vb_error *err)
{
    unsigned char sha256[VB_SHA256];
    enum vb_status status = vb_digest_new(&listing->digest, err);
    if (status != VB_OK)
        return status;
    vb_digest_begin(listing->digest);
    status = list_all(listing, err);
    vb_digest_end(listing->digest, sha256);
    vb_digest_free(listing->digest);
    listing->digest = NULL;
    vb_manifest_digest(sha256, text);
    return status;
}

static enum vb_status write_entry(struct vb_line *line, const char *name, const void *data,
                                  size_t length, struct vb_error *err)
{
    enum vb_status status = vb_archive_begin_entry(
        line->archive, vb_view_of(name), vb_line_time(line, vb_line_last_time(line)), err);
    if (status == VB_OK)
        status = vb_archive_write(line->archive, data, length, err);
    return status == VB_OK ? vb_archive_end_entry(line->archive, err) : status;
}

static enum vb_status sign(struct vb_line *line, struct vb_view text,
                           unsigned char signature[VB_ED25519_SIGNATURE], struct vb_error *err)
{
    unsigned char key[VB_ED25519_KEY];
    enum vb_status status =
        vb_manifest_key_private(line->pg, line->claim->job.manifest_key, key, err);
    if (status == VB_OK)
        status = vb_ed25519_sign(key, text, signature, err);
    explicit_bzero(key, sizeof key);
    return status;
}

static enum vb_status write_text(struct vb_line *line, struct listing *listing,
                                 struct vb_error *err)
{
    enum vb_status status = vb_archive_begin_entry(
        line->archive, VB_VIEW(VB_MANIFEST_NAME), vb_line_time(line, vb_line_last_time(line)), err);
    if (status == VB_OK)
        status = list_all(listing, err);
    return status == VB_OK ? vb_archive_end_entry(line->archive, err) : status;
}

enum vb_status vb_line_manifest_close(struct vb_line *line, struct vb_error *err)
{
    char text[VB_MANIFEST_DIGEST_TEXT];
    unsigned char signature[VB_ED25519_SIGNATURE];
    struct vb_manifest_counts counts = {.conversations = line->conversations,
                                        .messages = line->messages};
    struct listing first = {.line = line}, second = {.line = line};
    if (!line->claim->job.manifest_key)
        return VB_OK;
    enum vb_status status = VB_OK;
    if (line->claim->stretch.has_low)
        status =
            vb_close_counts(line->pg, line->claim, &counts.conversations, &counts.messages, err);
    first.counts = second.counts = counts;
    if (status == VB_OK)
        status = digest_text(&first, text, err);
    if (status == VB_OK)
        status = sign(line, vb_view_of(text), signature, err);
    if (status == VB_OK)
        status = write_entry(line, VB_MANIFEST_DIGEST_NAME, text, strlen(text), err);
    if (status == VB_OK)
        status = write_entry(line, VB_MANIFEST_SIGNATURE_NAME, signature, sizeof signature, err);
    return status == VB_OK ? write_text(line, &second, err) : status;
}

/* Where others may have begun the archive, its row has decided. */
enum vb_status vb_line_manifest_open(struct vb_line *line, struct vb_error *err)
{
    struct vb_job *job = &line->claim->job;
    char id[VB_ED25519_ID];
    if (line->claim->stretch.has_low || job->upload_id)
        return VB_OK;
    free(job->manifest_key);
    job->manifest_key = NULL;
    if (!line->crew->service->options->manifest || job->specification.files == VB_FILES_SINGLE)
        return VB_OK;
    enum vb_status status = vb_manifest_key_now(line->pg, id, err);
    if (status != VB_OK)
        return status;
    job->manifest_key = strdup(id);
    return job->manifest_key ? VB_OK : vb_fail(err, VB_NO_MEMORY, "no memory for a job");
}
