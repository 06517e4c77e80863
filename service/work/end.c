/* The end of a stretch: a record for the one that closes, or the close itself.
 *
 * A stretch with an end is recorded and done. The one without an end belongs to the closing owner:
 * see queue/close.c for the sequence. All parts are stored before the segment is recorded, so that
 * a crash leaves parts without a record, which the next owner writes over, and never a record
 * without its parts.
 */
#include "line.h"
#include "spans.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

/* The closing owner keeps its bytes and waits while all others run. Should one of them be waiting
 * for a worker for longer than this, then perhaps for this very thread: the closing segment goes
 * back. */
#define PATIENCE (2 * VB_SECOND)
#define LOOK_EVERY (VB_SECOND / 4)

/* Only recorded work counts, so work that is done twice is counted once. */
static void count_work(const struct vb_line *line)
{
    vb_count(VB_COUNT_CONVERSATIONS, line->conversations);
    vb_count(VB_COUNT_MESSAGES, line->messages);
    vb_count(VB_COUNT_BAD_ROWS, line->bad.total);
    vb_count(VB_COUNT_BYTES_READ, vb_archive_totals(line->archive).raw_size);
}

/* Everything is with the uploader; what it stored is the segment's result. */
static enum vb_status collect(struct vb_line *line, struct vb_segment_result *ret_result,
                              struct vb_error *err)
{
    *ret_result = (struct vb_segment_result){.size = vb_archive_totals(line->archive).size,
                                             .conversations = line->conversations,
                                             .messages = line->messages,
                                             .bad_rows = line->bad.total};
    vb_line_media_count(line, ret_result);
    if (!line->uploading)
        return VB_OK;
    enum vb_status status = vb_uploader_drain(line->uploader, err);
    if (status == VB_OK)
        ret_result->parts = vb_uploader_parts(line->uploader, &ret_result->part_count);
    return status;
}

static enum vb_status record(struct vb_line *line, struct vb_error *err)
{
    struct vb_segment_result result;
    enum vb_status status = vb_line_file_end(line, false, err);
    if (status == VB_OK)
        status = vb_line_media_record(line, err);
    if (status == VB_OK)
        status = vb_line_bad_rows_record(line, err);
    if (status == VB_OK)
        status = vb_archive_end_segment(line->archive, err);
    if (status == VB_OK)
        status = collect(line, &result, err);
    if (status != VB_OK)
        return status;
    status = vb_segment_record(line->pg, &line->crew->claimer, line->claim, &result, err);
    if (status != VB_OK)
        return status;
    count_work(line);
    vb_info("recorded: parts %u-%u hold %llu conversations, %llu bytes", line->claim->part_first,
            line->claim->part_last, (unsigned long long)result.conversations,
            (unsigned long long)result.size);
    return VB_OK;
}

/* VB_AGAIN: somebody else's segment needs a worker first. */
static enum vb_status wait_for_others(struct vb_line *line, struct vb_error *err)
{
    int64_t waiting_since = 0;
    for (;;) {
        struct vb_others others = {0};
        uint64_t seen = vb_crew_generation(line->crew);
        enum vb_status status =
            vb_close_look(line->pg, &line->crew->claimer, line->claim, &others, err);
        if (vb_line_may_retry(line, status, err))
            continue;
        if (status != VB_OK)
            return status;
        if (!others.still_ours)
            return vb_fence_fail(err);
        if (others.open == 1)
            return VB_OK;
        if (vb_lease_stop(line->lease))
            return vb_fail(err, VB_STOPPED, "the work on the segment was stopped");
        int64_t now = vb_clock_monotonic();
        if (!others.claimable)
            waiting_since = 0;
        else if (waiting_since == 0)
            waiting_since = now;
        else if (now - waiting_since > PATIENCE)
            return VB_AGAIN;
        vb_crew_wait(line->crew, seen, LOOK_EVERY);
    }
}

static enum vb_status write_directory(struct vb_line *line, uint64_t *ret_base,
                                      struct vb_error *err)
{
    if (!line->claim->stretch.has_low && line->pieces == 0)
        return vb_archive_add_own_directory(line->archive, 0, err);
    enum vb_status status = vb_archive_flush_directory(line->archive, err);
    if (status == VB_OK)
        status = vb_close_directories(line->pg, line->claim, line->archive, ret_base, err);
    return status;
}

/* A first stretch that lost all its rows to the platform would leave the file with a separator too
 * many. */
static enum vb_status check_plain(struct vb_line *line, uint64_t *ret_base, struct vb_error *err)
{
    enum vb_status status = vb_close_plain(line->pg, line->claim, ret_base, err);
    if (status != VB_END)
        return status;
    const struct vb_restart restart = {.reason = "rows of its first stretch went away meanwhile"};
    status = vb_job_restart(line->pg, &line->crew->claimer, line->claim, &restart, err);
    return status == VB_OK ? VB_END : status;
}

/* Writes the end of the file, and in a ZIP the central directory. *ret_size: of the whole archive.
 * VB_END: the job begins anew. */
static enum vb_status write_end(struct vb_line *line, uint64_t *ret_size, struct vb_error *err)
{
    uint64_t base = 0;
    bool nothing = false;
    enum vb_status status = vb_line_file_end(line, true, err);
    /* Where they are all there is, something was found. */
    if (status == VB_OK)
        status = vb_line_bad_rows_close(line, err);
    if (status == VB_OK)
        status = vb_line_nothing_close(line, &nothing, err);
    if (status == VB_OK && !nothing)
        status = vb_line_media_close(line, err);
    if (status == VB_OK && !nothing)
        status = vb_line_index_close(line, err);
    if (status == VB_OK)
        status = vb_line_manifest_close(line, err);
    if (status == VB_OK && line->files == VB_FILES_SINGLE)
        status = check_plain(line, &base, err);
    else if (status == VB_OK)
        status = write_directory(line, &base, err);
    if (status == VB_OK)
        status = vb_archive_close(line->archive, base, err);
    if (status == VB_OK)
        *ret_size = base + vb_archive_totals(line->archive).size;
    return status;
}

/* The mail need not wait until the outbox looks by itself. */
static void wake_mail(const struct vb_line *line)
{
    if (line->claim->job.notification_email)
        vb_pulse_wake(line->crew->service->outbox);
}

static enum vb_status put_whole(struct vb_line *line, struct vb_error *err)
{
    const struct vb_claim *claim = line->claim;
    struct vb_span span;
    vb_upload_span_begin(&span, &claim->trace, 0, line->whole.size);
    enum vb_status status =
        vb_storage_put(line->session, claim->job.object_key, vb_job_file_name(&claim->job),
                       line->whole.pieces, line->whole.count, line->whole.size, err);
    vb_upload_span_end(&span, &claim->trace, status, err);
    return status;
}

/* The small path: one object in one piece, and the finish. The key is one of this claim's own
 * epoch, so that a stalled earlier owner cannot write over it. */
static enum vb_status store_whole(struct vb_line *line, struct vb_error *err)
{
    struct vb_claim *claim = line->claim;
    struct vb_segment_result result = {.size = line->whole.size,
                                       .conversations = line->conversations,
                                       .messages = line->messages,
                                       .bad_rows = line->bad.total};
    struct vb_finished finished = {.size = line->whole.size, .crc = line->whole.crc};
    enum vb_status status = VB_OK;
    vb_line_media_count(line, &result);
    if (claim->job.archive_epoch != claim->epoch)
        status = vb_job_note_archive(line->pg, &line->crew->claimer, claim, line->part_size, err);
    if (status == VB_OK)
        status = put_whole(line, err);
    if (status != VB_OK)
        return status;
    vb_count(VB_COUNT_BYTES_STORED, line->whole.size);
    finished.version = vb_storage_version(line->session);
    status = vb_job_finish(line->pg, &line->crew->claimer, claim, &result, &finished, err);
    if (status == VB_OK)
        wake_mail(line);
    return status;
}

static enum vb_status store_parts(struct vb_line *line, uint64_t size, struct vb_error *err)
{
    struct vb_segment_result result;
    enum vb_status status = collect(line, &result, err);
    if (status != VB_OK)
        return status;
    status =
        vb_segment_record_closing(line->pg, &line->crew->claimer, line->claim, &result, size, err);
    if (status != VB_OK)
        return status;
    return vb_line_complete(line, err);
}

static enum vb_status close_archive(struct vb_line *line, enum vb_segment_release *ret_back,
                                    struct vb_error *err)
{
    uint64_t size = 0;
    enum vb_status status = VB_OK;
    *ret_back = VB_RELEASE_WAIT;
    if (line->claim->stretch.has_low)
        status = wait_for_others(line, err);
    if (status != VB_OK)
        return status;
    *ret_back = VB_RELEASE_EXPRESS;
    status = write_end(line, &size, err);
    if (status == VB_OK)
        status = line->whole.release ? store_whole(line, err) : store_parts(line, size, err);
    if (status != VB_OK)
        return status;
    count_work(line);
    vb_info("finished: %llu bytes", (unsigned long long)size);
    return VB_OK;
}

enum vb_status vb_line_complete(struct vb_line *line, struct vb_error *err)
{
    enum vb_status status =
        vb_job_complete(line->pg, &line->crew->claimer, line->claim, line->session, err);
    if (status == VB_OK)
        wake_mail(line);
    return status == VB_AGAIN ? VB_END : status;
}

/* Too small for a legal part, or its last part would have no number: what is absorbed only while
 * the rest is handed over could not be read any more. An open file may cut one part more. */
static bool must_absorb(const struct vb_line *line)
{
    const struct vb_claim *claim = line->claim;
    struct vb_archive_totals totals = vb_archive_totals(line->archive);
    uint32_t needed = totals.parts + (line->files == VB_FILES_PER_CONVERSATION ? 1 : 2);
    return claim->stretch.has_high && (totals.size < line->crew->tuning.absorb_below ||
                                       needed > claim->part_last - claim->number_first + 1);
}

enum vb_status vb_line_end(struct vb_line *line, enum vb_segment_release *ret_back,
                           struct vb_error *err)
{
    enum vb_status status = vb_line_file_settle(line, err);
    /* Media of the last entry may have used up the part numbers, and absorbed for more. */
    while (status == VB_OK && (line->high_moved || must_absorb(line))) {
        if (!line->high_moved)
            status = vb_line_absorb(line, err);
        if (status == VB_END)
            return vb_fail(err, VB_INVALID, "a segment with an end must have a successor");
        if (status == VB_OK)
            status = vb_line_follow(line, err);
        if (status == VB_OK)
            status = vb_line_read(line, err);
        if (status == VB_OK)
            status = vb_line_file_settle(line, err);
    }
    if (status != VB_OK)
        return status;
    return line->claim->stretch.has_high ? record(line, err) : close_archive(line, ret_back, err);
}
