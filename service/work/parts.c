/* The part sink of a segment: where the archive of `export` meets the storage.
 *
 * Nothing is put into the store before a row tells of it: first key, epoch and part size, then the
 * upload, then its id, then that parts come, then parts. A crash anywhere in between leaves the
 * janitor a key to look at. A file that fits one body never gets that far, and costs one PUT. On
 * the worker's thread.
 */
#include "line.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* In which a store usually takes a part; and what the source then gets to end its statement. */
#define QUICK_STORE (VB_SECOND / 10)
#define SETTLE_MOST (VB_SECOND / 5)

/* The body may lie in the memory that it gives back: it is not touched afterwards. */
static void drop_body(struct vb_body *body)
{
    if (body->release)
        body->release(body);
}

/* The upload is begun after its key is noted and before its id is: a crash between leaves the key
 * to the janitor. If the segment was lost meanwhile, nobody else knows the upload and it goes at
 * once. */
static enum vb_status begin_noted(struct vb_line *line, struct vb_buffer *upload_id,
                                  struct vb_error *err)
{
    struct vb_claim *claim = line->claim;
    struct vb_error ignored;
    bool clean = false;
    enum vb_status status = vb_storage_begin(line->session, claim->job.object_key,
                                             vb_job_file_name(&claim->job), upload_id, err);
    if (status != VB_OK)
        return status;
    const char *id = upload_id->data ? upload_id->data : "";
    status = vb_job_note_upload(line->pg, &line->crew->claimer, claim, id, err);
    if (status == VB_FENCED &&
        vb_storage_clean(line->session, claim->job.object_key, id, true, &clean, &ignored) != VB_OK)
        vb_warn("an upload that is not needed stays for the janitor: %s", ignored.text);
    return status;
}

/* Whoever writes another segment goes by the tables that are noted with the archive. */
static enum vb_status keep_tables(struct vb_line *line, struct vb_error *err)
{
    struct vb_job *job = &line->claim->job;
    const char *tables = vb_archive_tables(line->archive);
    assert(vb_archive_is_settled(line->archive));
    free(job->deflate_tables);
    job->deflate_tables = tables ? strdup(tables) : NULL;
    return tables && !job->deflate_tables ? vb_fail(err, VB_NO_MEMORY, "no memory for tables")
                                          : VB_OK;
}

/* The note is made before anything is created, so there is no moment in which a crash leaves an
 * upload without a trail. */
enum vb_status vb_line_begin_upload(struct vb_line *line, uint64_t part_size, struct vb_error *err)
{
    struct vb_claim *claim = line->claim;
    struct vb_buffer upload_id;
    enum vb_status status = VB_OK;
    if (!claim->job.upload_id) {
        vb_buffer_init(&upload_id, 4096);
        status = keep_tables(line, err);
        if (status == VB_OK)
            status = vb_job_note_archive(line->pg, &line->crew->claimer, claim, part_size, err);
        if (status == VB_OK)
            status = begin_noted(line, &upload_id, err);
        vb_buffer_done(&upload_id);
    }
    if (status == VB_OK && !line->uploading) {
        vb_uploader_begin(line->uploader, claim->job.object_key, claim->job.upload_id, claim->epoch,
                          &claim->trace);
        line->uploading = true;
    }
    return status;
}

/* No number is left, nor a segment that has some: with what is known by now the parts of the next
 * beginning are larger. */
static enum vb_status run_out(struct vb_line *line, struct vb_error *err)
{
    struct vb_claim *claim = line->claim;
    uint64_t size = vb_archive_totals(line->archive).size;
    if (line->conversations > 0)
        claim->estimate = (int64_t)(size * 1000 / line->conversations);
    return vb_fail(err, VB_CONFLICT, "the archive needs more than %u parts", claim->part_last);
}

/* Numbers run out where a segment grew beyond its estimate; the successor's follow our own. */
static enum vb_status make_number(struct vb_line *line, uint32_t index, uint32_t *ret_number,
                                  struct vb_error *err)
{
    uint64_t number = (uint64_t)line->claim->number_first + index;
    while (number > line->claim->part_last) {
        enum vb_status status = vb_line_absorb(line, err);
        if (status == VB_END)
            return run_out(line, err);
        if (status != VB_OK)
            return status;
    }
    *ret_number = (uint32_t)number;
    return VB_OK;
}

static enum vb_status take_part(void *context, uint32_t index, struct vb_body *body, bool last,
                                struct vb_error *err)
{
    struct vb_line *line = context;
    const struct vb_stretch *stretch = &line->claim->stretch;
    uint32_t number = 0;
    /* The whole archive in one body: kept for the single PUT, no upload is begun. */
    if (last && index == 0 && !stretch->has_low && !stretch->has_high) {
        line->whole = *body;
        return VB_OK;
    }
    if (line->express) {
        drop_body(body);
        return VB_AGAIN;
    }
    /* The end of a raw file's segment may fall just behind a part; no store is asked to keep
     * nothing. */
    if (body->size == 0) {
        drop_body(body);
        return VB_OK;
    }
    enum vb_status status = make_number(line, index, &number, err);
    if (status == VB_OK)
        status = vb_line_begin_upload(line, line->part_size, err);
    if (status == VB_OK && !vb_storage_small_parts(line->crew->service->storage))
        status = vb_segment_note_sent(line->pg, &line->crew->claimer, line->claim, err);
    if (status != VB_OK) {
        drop_body(body);
        return status;
    }
    /* A slow store must not keep a statement open on the source: what it holds back, vacuum
     * misses. */
    bool is_sent = vb_uploader_wait(line->uploader, QUICK_STORE);
    if (!is_sent)
        vb_reader_settle(line->reader, SETTLE_MOST);
    while (!is_sent && !vb_uploader_wait(line->uploader, VB_PAGE_STALL))
        vb_reader_pause(line->reader);
    return vb_uploader_put(line->uploader, number, body, err);
}

/* Kept in the database as it fills: at the end it may be larger than all our memory. */
static enum vb_status take_directory(void *context, const void *records, size_t length,
                                     struct vb_error *err)
{
    struct vb_line *line = context;
    enum vb_status status = vb_piece_add(line->pg, &line->crew->claimer, line->claim,
                                         VB_PIECE_DIRECTORY, line->pieces, records, length, err);
    if (status == VB_OK)
        line->pieces++;
    return status;
}

struct vb_part_sink vb_line_sink(struct vb_line *line)
{
    return (struct vb_part_sink){.context = line, .part = take_part, .directory = take_directory};
}
