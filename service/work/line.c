/* The straight line of one claim: reader, renderer, archive. See work/line.h.
 *
 * All of it runs on the worker's thread. What the line opens it closes; reader, session, uploader
 * and row buffer are the runner's. Ends of stretches are work/end.c's, parts work/parts.c's,
 * cuts work/cut.c's.
 *
 * Only the claim says what is read: the stretch is half open, (low, high], and the source is read
 * as of the job's own moment, so another thread that reads the same stretch later writes the same
 * bytes, but for rows that have gone since. That is what makes it safe to drop work at any place
 * and begin it again.
 */
#include "line.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

/* Rows collect to about a block of the deflate before they are handed on. */
#define OUT_FLUSH (64u * 1024u)

/* Everything that shapes the bytes comes from the job, nothing from this process's options: another
 * worker that goes on with the archive must write the same. */
static enum vb_status open_renderer(struct vb_line *line, struct vb_error *err)
{
    const struct vb_job *job = &line->claim->job;
    const struct vb_specification *specification = &job->specification;
    enum vb_csv_profile profile = VB_CSV_SAFE;
    line->renderer = vb_job_renderer(job);
    if (!line->renderer)
        return vb_fail(err, VB_INVALID,
                       "this version of the worker does not know what the job asks for");
    if (vb_csv_profile_parse(vb_view_of(job->csv_profile), &profile) != VB_OK)
        return vb_fail(err, VB_INVALID, "the CSV profile \"%s\" is not known here",
                       job->csv_profile);
    enum vb_status status = vb_job_zone(job, &line->zone, err);
    if (status != VB_OK)
        return status;
    line->files = job->specification.files;
    line->context =
        (struct vb_render_context){.zone = line->zone,
                                   .csv_profile = profile,
                                   .csv_quote = vb_specification_quote(specification),
                                   .csv_mark = specification->csv_mark,
                                   .csv_delimiter = vb_specification_delimiter(specification),
                                   .include = job->specification.include,
                                   .channel = vb_job_channel(job),
                                   .state = &line->state,
                                   .zone_name = job->time_zone,
                                   .fonts = line->crew->service->options->fonts};
    if (line->renderer->has_brand)
        status = vb_brand_of_job(line->pg, job->job_id, &line->brand, err);
    line->context.brand = &line->brand.brand;
    if (status != VB_OK)
        return status;
    return vb_namer_new(line->zone, line->context.channel, line->renderer->extension, &line->namer,
                        err);
}

/* Said in the log, on the job, and so by every door and in the mail. A replica that lags may have
 * the order fail instead: it is tried again as any source that is away. */
static enum vb_status note_lag(struct vb_line *line, enum vb_source_lag lag, struct vb_error *err)
{
    static const char *const reasons[] = {
        [VB_LAG_WRITERS] = "Transactions of the platform that were open when the export was "
                           "ordered had not ended when it was read: what they wrote may be "
                           "missing.",
        [VB_LAG_REPLICA] = "The copy of the platform's database that is read had not caught up "
                           "with the moment of the order: what was written last may be missing.",
    };
    if (lag == VB_LAG_REPLICA && line->crew->service->options->on_lag == VB_ON_LAG_FAIL)
        return vb_fail(err, VB_DATABASE_AWAY,
                       "source: the replica has not caught up with the moment of the order");
    vb_warn("the source has not caught up with the moment the job was created: %s", reasons[lag]);
    return vb_job_note_incomplete(line->pg, &line->crew->claimer, line->claim, reasons[lag], err);
}

static enum vb_status open_reader(struct vb_line *line, struct vb_error *err)
{
    enum vb_source_lag lag = VB_LAG_NONE;
    line->selection = vb_job_selection(&line->claim->job);
    /* A file without an archive has no place for the list. */
    line->selection.lists_bad_rows = line->files != VB_FILES_SINGLE &&
                                     line->crew->service->options->on_bad_row == VB_ON_BAD_ROW_LIST;
    enum vb_status status =
        vb_reader_begin(line->reader, &line->selection, &line->claim->stretch, &lag, err);
    if (status == VB_OK && lag != VB_LAG_NONE)
        status = note_lag(line, lag, err);
    return status;
}

/* Decided while the whole job is one segment: parts of others would have other sizes. */
static bool wants_equal_parts(const struct vb_line *line)
{
    const struct vb_stretch *stretch = &line->claim->stretch;
    bool is_whole = !stretch->has_low && !stretch->has_high;
    return line->claim->job.equal_parts ||
           (is_whole && (line->crew->tuning.one_segment ||
                         vb_storage_wants_equal_parts(line->crew->service->storage)));
}

/* Of a job that is one segment yet, and was looked at before: by the express thread, or by an
 * archive that had to begin anew. */
static enum vb_status plan_part_size(struct vb_line *line, struct vb_error *err)
{
    struct vb_claim *claim = line->claim;
    uint64_t count = 0;
    enum vb_status status = VB_OK;
    if (line->express || claim->job.upload_id || claim->estimate <= 0 || claim->stretch.has_low ||
        claim->stretch.has_high)
        return VB_OK;
    if (claim->expected < 0) {
        status = vb_reader_count(line->reader, &count, err);
        if (status != VB_OK)
            return status;
        claim->expected = claim->job.conversations_total = (int64_t)count;
    }
    line->part_size =
        vb_line_part_size(line, (uint64_t)claim->expected * (uint64_t)claim->estimate / 1000);
    return VB_OK;
}

static enum vb_status open_archive(struct vb_line *line, struct vb_error *err)
{
    /* The express thread gives up at the first part, so it needs no room behind one. */
    struct vb_archive_options options = {
        .part_size = line->express ? VB_PART_MINIMUM : line->part_size,
        .equal_parts = line->express || line->equal_parts,
        .plain = line->claim->job.specification.files == VB_FILES_SINGLE,
        .sink = vb_line_sink(line),
        .sha256 = line->claim->job.manifest_key != NULL,
        /* Entries of many conversations are too large to gain by common tables. */
        .tables = {.begins =
                       line->files == VB_FILES_PER_CONVERSATION && !line->claim->stretch.has_low,
                   .is_noted = line->claim->job.upload_id != NULL,
                   .text = line->claim->job.deflate_tables},
    };
    return vb_archive_new(&options, &line->archive, err);
}

/* Files of many conversations have too few heads to gain by it. */
static enum vb_status open_front(struct vb_line *line, struct vb_error *err)
{
    struct vb_buffer *out = line->out;
    if (!line->renderer->has_front || line->files != VB_FILES_PER_CONVERSATION)
        return VB_OK;
    enum vb_status status = line->renderer->begin_file(&line->context, out, err);
    if (status == VB_OK)
        status = vb_archive_set_front(line->archive, (struct vb_view){out->data, out->length}, err);
    vb_buffer_reset(out);
    return status;
}

enum vb_status vb_line_open(struct vb_line *line, struct vb_error *err)
{
    /* The first worker notes the size of parts on the job; others follow it, whatever their own
     * option says. */
    uint64_t noted = line->claim->job.part_size;
    line->part_size = noted > 0 ? noted : line->crew->tuning.part_size;
    line->equal_parts = line->claim->job.equal_parts = wants_equal_parts(line);
    vb_render_state_init(&line->state);
    vb_line_bad_rows_begin(line);
    enum vb_status status = vb_line_bound_numbers(line, err);
    if (status == VB_OK)
        status = open_renderer(line, err);
    if (status == VB_OK)
        status = vb_line_manifest_open(line, err);
    if (status == VB_OK)
        status = open_reader(line, err);
    if (status == VB_OK)
        status = plan_part_size(line, err);
    if (status == VB_OK)
        status = open_archive(line, err);
    if (status == VB_OK)
        status = vb_line_media_begin(line, err);
    if (status == VB_OK)
        status = vb_line_about(line, err);
    if (status == VB_OK)
        status = open_front(line, err);
    if (status == VB_OK)
        status = vb_line_file_start(line, err);
    return status;
}

void vb_line_done(struct vb_line *line)
{
    vb_line_media_drop(line);
    vb_line_bad_rows_done(line);
    vb_archive_free(line->archive);
    vb_namer_free(line->namer);
    vb_zone_free(line->zone);
    vb_render_state_done(&line->state);
    vb_statistics_done(&line->statistics);
    vb_brand_done(&line->brand);
    if (line->whole.release)
        line->whole.release(&line->whole);
}

/* For looks: a short outage is waited out on the spot while the lease lasts,
 * so that it costs no attempt and no work. */
bool vb_line_may_retry(const struct vb_line *line, enum vb_status status,
                       const struct vb_error *err)
{
    return !line->crew->stopping && vb_claim_may_retry(line->claim, status, err);
}

enum vb_status vb_line_flush(struct vb_line *line, size_t below, struct vb_error *err)
{
    struct vb_buffer *out = line->out;
    if (out->length <= below)
        return VB_OK;
    enum vb_status status = vb_line_entry_write(line, out->data, out->length, err);
    vb_buffer_reset(out);
    if (out->capacity > 8 * OUT_FLUSH) /* an oversized row leaves no memory behind */
        vb_buffer_done(out);
    return status;
}

/* A job of one channel keeps that channel's facts as they were at its creation. */
static enum vb_status begin_conversation(struct vb_line *line, struct vb_conversation *conversation,
                                         struct vb_error *err)
{
    bool first = false;
    if (!conversation->channel.id.data)
        conversation->channel = line->context.channel;
    enum vb_status status = vb_line_file_before(line, conversation, &first, err);
    if (status == VB_OK)
        status = line->renderer->conversation(&line->context, conversation, first, line->out, err);
    return status;
}

/* The lease's counters are what the heartbeat folds into the job's progress. */
static enum vb_status end_conversation(struct vb_line *line,
                                       const struct vb_conversation *conversation,
                                       struct vb_error *err)
{
    enum vb_status status =
        line->renderer->end_conversation(&line->context, conversation, line->out, err);
    if (status == VB_OK)
        status = vb_line_file_after(line, err);
    line->conversations++;
    line->lease->conversations = line->conversations;
    line->lease->bytes = vb_archive_totals(line->archive).size;
    return status;
}

/* A row's call of the renderer; `message` NULL: of the reader's extra. */
static enum vb_status render_row(struct vb_line *line, const struct vb_conversation *conversation,
                                 const struct vb_message *message, struct vb_error *err)
{
    const struct vb_renderer *renderer = line->renderer;
    if (message)
        return renderer->message(&line->context, conversation, message, line->out, err);
    return renderer->extra(&line->context, conversation, vb_reader_extra(line->reader), line->out,
                           err);
}

/* Whether a row fits does not depend on those that are still on their way before it. Pages and
 * workbooks are drawn as they come: no row of theirs is tried twice or taken back. VB_AGAIN: it was
 * listed instead. */
static enum vb_status put_row(struct vb_line *line, const struct vb_conversation *conversation,
                              const struct vb_message *message, struct vb_error *err)
{
    struct vb_error own;
    vb_error_clear(&own);
    enum vb_status status = render_row(line, conversation, message, &own);
    bool may_go_back = status == VB_LIMIT && !line->state.document;
    if (may_go_back && line->out->length > 0) {
        status = vb_line_flush(line, 0, err);
        if (status != VB_OK)
            return status;
        status = render_row(line, conversation, message, &own);
    }
    if (may_go_back && status == VB_LIMIT && line->selection.lists_bad_rows)
        status = vb_line_unfit_row_note(line, conversation->id,
                                        message ? message->id : (struct vb_view){NULL, 0}, &own);
    if (status != VB_OK && status != VB_AGAIN)
        *err = own;
    return status;
}

static enum vb_status add_message(struct vb_line *line, const struct vb_conversation *conversation,
                                  const struct vb_message *message, struct vb_error *err)
{
    enum vb_status status = put_row(line, conversation, message, err);
    if (status == VB_AGAIN)
        return VB_OK;
    line->messages++;
    line->lease->messages = line->messages;
    if (status == VB_OK && line->work)
        status = vb_line_media_note(line, conversation, message, err);
    return status == VB_OK ? vb_line_flush(line, OUT_FLUSH, err) : status;
}

/* A format that shows none did not ask for them. */
static enum vb_status add_extra(struct vb_line *line, const struct vb_conversation *conversation,
                                struct vb_error *err)
{
    enum vb_status status = put_row(line, conversation, NULL, err);
    if (status == VB_AGAIN)
        return VB_OK;
    return status == VB_OK ? vb_line_flush(line, OUT_FLUSH, err) : status;
}

/* No transaction is open on the source here. */
static enum vb_status end_page(struct vb_line *line, struct vb_error *err)
{
    if (line->express && !vb_reader_exhausted(line->reader)) {
        struct vb_archive_totals totals = vb_archive_totals(line->archive);
        if (line->conversations > 0)
            line->claim->estimate = (int64_t)(totals.size * 1000 / line->conversations);
        return VB_AGAIN;
    }
    enum vb_status status = vb_line_catch_up(line, err);
    if (status == VB_OK)
        status = vb_line_follow(line, err);
    return status == VB_OK ? vb_line_consider_split(line, err) : status;
}

enum vb_status vb_line_read(struct vb_line *line, struct vb_error *err)
{
    struct vb_conversation conversation = {0};
    struct vb_message message = {0};
    enum vb_reader_event event = VB_READ_END_PAGE;
    enum vb_status status = VB_OK;
    while (status == VB_OK) {
        if (vb_lease_stop(line->lease))
            return vb_fail(err, VB_STOPPED, "the work on the segment was stopped");
        status = vb_reader_next(line->reader, &event, &conversation, &message, err);
        if (status != VB_OK)
            return status;
        switch (event) {
        case VB_READ_CONVERSATION:
            status = begin_conversation(line, &conversation, err);
            break;
        case VB_READ_MESSAGE:
            status = add_message(line, &conversation, &message, err);
            break;
        case VB_READ_EXTRA:
            status = add_extra(line, &conversation, err);
            break;
        case VB_READ_BAD_ROW:
            status = vb_line_bad_row_note(line, err);
            break;
        case VB_READ_END_CONVERSATION:
            status = end_conversation(line, &conversation, err);
            break;
        case VB_READ_END_PAGE:
            status = end_page(line, err);
            break;
        /* The border may have moved outwards (a neighbour was absorbed) after the reader saw the
         * old one. */
        case VB_READ_END:
            status = vb_line_catch_up(line, err);
            if (status == VB_OK && !line->high_moved)
                return VB_OK;
            if (status == VB_OK)
                status = vb_line_follow(line, err);
            break;
        }
    }
    return status;
}
