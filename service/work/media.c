/* Media of a segment: remembered as their messages go by, then fetched and stored behind the file
 * that names them.
 *
 * What is remembered lies in a temporary file, for an entry of 5,000 conversations may have any
 * number of attachments. Each medium is fetched whole before its entry begins: what could not be
 * had leaves no trace in the archive but its row in media/errors.csv. On the worker's thread.
 */
#include "line.h"

#include "verbatim/log.h"
#include "verbatim/media_errors.h"
#include "verbatim/metrics.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_CEILING (64u * 1024u * 1024u) /* of one attachment's texts, as of a row */
#define KEPT_CAPACITY (256u * 1024u)
#define COPY_BYTES (64u * 1024u)
#define ERRORS_FLUSH (64u * 1024u)
#define ERRORS_CEILING (ITEM_CEILING + 2 * ERRORS_FLUSH)
/* Longer than this in all, and the statement on the source is let go of: what it holds back, vacuum
 * misses. */
#define HELD_MOST VB_SECOND

struct vb_media_work {
    struct vb_lease *lease;
    struct vb_reader *reader; /* of the claim at work */
    struct vb_fetcher *fetcher;
    struct vb_spool medium;  /* the one being fetched */
    struct vb_spool list;    /* attachments whose file is not finished yet */
    struct vb_buffer item;   /* one of them, read back */
    struct vb_buffer errors; /* rows of media/errors.csv that are not in the database */
    uint32_t pieces;         /* of those that are */
    uint64_t stored, failed, bytes;
    uint64_t left; /* bytes of the export's limit */
    int64_t held;  /* microseconds of fetching since the source was let go of, */
    int64_t begun; /* before the one that began here (monotonic) */
};

/* An attachment in the list: the lengths, then the texts, each with a NUL. */
enum { CONVERSATION, ATTACHMENT, MESSAGE, URL, FILE_NAME, CONTENT_TYPE, TEXTS };
struct item_head {
    vb_instant at;
    size_t lengths[TEXTS];
};
struct item {
    vb_instant at;
    struct vb_view texts[TEXTS];
};

/* Asked all the while that something is waited for: the time to let go of the source may come in
 * the middle of it. */
static bool stop_fetching(void *context)
{
    struct vb_media_work *work = context;
    int64_t now = vb_clock_monotonic();
    if (work->held + now - work->begun > HELD_MOST) {
        vb_reader_pause(work->reader);
        work->held = 0;
        work->begun = now;
    }
    return vb_lease_stop(work->lease);
}

enum vb_status vb_media_work_new(struct vb_crew *crew, struct vb_lease *lease,
                                 struct vb_media_work **ret_work, struct vb_error *err)
{
    struct vb_media_work *work = calloc(1, sizeof *work);
    if (!work)
        return vb_fail(err, VB_NO_MEMORY, "no memory for media");
    work->lease = lease;
    vb_spool_init(&work->medium);
    vb_spool_init(&work->list);
    vb_buffer_init(&work->item, ITEM_CEILING);
    vb_buffer_init(&work->errors, ERRORS_CEILING);
    enum vb_status status = vb_fetcher_new(crew->media, stop_fetching, work, &work->fetcher, err);
    if (status == VB_OK)
        *ret_work = work;
    else
        vb_media_work_free(work);
    return status;
}

void vb_media_work_free(struct vb_media_work *work)
{
    if (!work)
        return;
    vb_fetcher_free(work->fetcher);
    vb_spool_done(&work->medium);
    vb_spool_done(&work->list);
    vb_buffer_done(&work->item);
    vb_buffer_done(&work->errors);
    free(work);
}

/* An oversized text leaves no memory behind. */
static void empty(struct vb_buffer *buffer)
{
    if (buffer->capacity > KEPT_CAPACITY)
        vb_buffer_done(buffer);
    else
        vb_buffer_reset(buffer);
}

/* Segments count when they are recorded, so threads that share an export may exceed its limit by
 * what they have under way. */
enum vb_status vb_line_media_begin(struct vb_line *line, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    uint64_t so_far = 0, limit = line->crew->service->options->media_export_limit;
    if (!work)
        return VB_OK;
    empty(&work->item);
    empty(&work->errors);
    work->pieces = 0;
    work->stored = work->failed = work->bytes = 0;
    work->held = 0;
    work->reader = line->reader;
    enum vb_status status = vb_spool_reset(&work->list, err);
    if (status == VB_OK)
        status = vb_close_media_bytes(line->pg, line->claim, &so_far, err);
    work->left = so_far < limit ? limit - so_far : 0;
    return status;
}

void vb_line_media_count(const struct vb_line *line, struct vb_segment_result *result)
{
    if (!line->work)
        return;
    result->media = line->work->stored;
    result->media_failed = line->work->failed;
    result->media_bytes = line->work->bytes;
}

/* --- the list --- */

static enum vb_status remember(struct vb_media_work *work, vb_instant at,
                               const struct vb_view texts[TEXTS], struct vb_error *err)
{
    struct item_head head = {.at = at};
    for (size_t i = 0; i < TEXTS; i++)
        head.lengths[i] = texts[i].length;
    enum vb_status status = vb_spool_append(&work->list, &head, sizeof head, err);
    for (size_t i = 0; i < TEXTS && status == VB_OK; i++) {
        if (texts[i].length > 0)
            status = vb_spool_append(&work->list, texts[i].data, texts[i].length, err);
        if (status == VB_OK)
            status = vb_spool_append(&work->list, "", 1, err);
    }
    return status;
}

enum vb_status vb_line_media_note(struct vb_line *line, const struct vb_conversation *conversation,
                                  const struct vb_message *message, struct vb_error *err)
{
    struct vb_text_list list = message->attachments;
    struct vb_view v[4];
    enum vb_status status = VB_OK;
    if (!line->work)
        return VB_OK;
    while (status == VB_OK && vb_text_list_next_group(&list, v, 4)) {
        const struct vb_view texts[TEXTS] = {conversation->id, v[0], message->id, v[1], v[2], v[3]};
        status = remember(line->work, conversation->created_at, texts, err);
    }
    return status;
}

/* The item at *offset, which moves on behind it. Its texts live in work->item. */
static enum vb_status recall(struct vb_media_work *work, uint64_t *offset, struct item *ret_item,
                             struct vb_error *err)
{
    struct item_head head;
    size_t total = 0;
    enum vb_status status = vb_spool_read(&work->list, *offset, &head, sizeof head, err);
    if (status != VB_OK)
        return status;
    for (size_t i = 0; i < TEXTS; i++)
        total += head.lengths[i] + 1;
    empty(&work->item);
    if (vb_buffer_reserve(&work->item, total) != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an attachment");
    status = vb_spool_read(&work->list, *offset + sizeof head, work->item.data, total, err);
    const char *at = work->item.data;
    ret_item->at = head.at;
    for (size_t i = 0; i < TEXTS; i++) {
        ret_item->texts[i] = (struct vb_view){at, head.lengths[i]};
        at += head.lengths[i] + 1;
    }
    *offset += sizeof head + total;
    return status;
}

/* --- what could not be had --- */

static enum vb_status flush_errors(struct vb_line *line, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    enum vb_status status = VB_OK;
    /* A row may be larger than a piece. */
    for (size_t done = 0; done < work->errors.length && status == VB_OK; work->pieces++) {
        size_t left = work->errors.length - done;
        size_t step = left < ERRORS_FLUSH ? left : ERRORS_FLUSH;
        status = vb_piece_add(line->pg, &line->crew->claimer, line->claim, VB_PIECE_MEDIA_ERRORS,
                              work->pieces, work->errors.data + done, step, err);
        done += step;
    }
    empty(&work->errors);
    return status;
}

static enum vb_status note_error(struct vb_line *line, const struct item *item, const char *entry,
                                 const char *reason, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    const struct vb_media_error error = {.conversation_id = item->texts[CONVERSATION],
                                         .message_id = item->texts[MESSAGE],
                                         .attachment_id = item->texts[ATTACHMENT],
                                         .url = item->texts[URL],
                                         .entry = entry,
                                         .reason = reason};
    enum vb_status status = vb_media_errors_add(&line->context, &error, &work->errors, err);
    work->failed++;
    return status == VB_OK && work->errors.length >= ERRORS_FLUSH ? flush_errors(line, err)
                                                                  : status;
}

enum vb_status vb_line_media_record(struct vb_line *line, struct vb_error *err)
{
    return line->work ? flush_errors(line, err) : VB_OK;
}

/* The entry begins with its first row. Its time is one of the rows' like any other entry's, so that
 * another export of the same rows has the same bytes. */
static enum vb_status write_errors(void *context, const void *data, size_t length,
                                   struct vb_error *err)
{
    struct vb_line *line = context;
    enum vb_status status = VB_OK;
    if (length == 0)
        return VB_OK;
    if (!line->file_open) {
        status = vb_archive_begin_entry(line->archive, VB_VIEW(VB_MEDIA_ERRORS_NAME),
                                        vb_line_time(line, vb_line_last_time(line)), err);
        if (status == VB_OK)
            status = vb_media_errors_begin(&line->context, line->out, err);
        if (status == VB_OK)
            status = vb_line_flush(line, 0, err);
        line->file_open = true;
    }
    return status == VB_OK ? vb_archive_write(line->archive, data, length, err) : status;
}

enum vb_status vb_line_media_close(struct vb_line *line, struct vb_error *err)
{
    const struct vb_piece_visitor visitor = {write_errors, line};
    struct vb_media_work *work = line->work;
    enum vb_status status = VB_OK;
    if (!work)
        return VB_OK;
    /* A segment that is the whole job, with few reasons: no statement is needed for them. */
    if (line->claim->stretch.has_low || work->pieces > 0) {
        status = flush_errors(line, err);
        if (status == VB_OK)
            status = vb_close_media_errors(line->pg, line->claim, &visitor, err);
    } else {
        status = write_errors(line, work->errors.data, work->errors.length, err);
    }
    if (status == VB_OK && line->file_open)
        status = vb_archive_end_entry(line->archive, err);
    line->file_open = false;
    return status;
}

/* --- fetching and storing --- */

static enum vb_status store(struct vb_line *line, const struct item *item, const char *entry,
                            struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    char bytes[COPY_BYTES];
    enum vb_status status =
        vb_archive_begin_stored(line->archive, vb_view_of(entry), vb_line_time(line, item->at),
                                work->medium.size, work->medium.crc, err);
    for (uint64_t done = 0; status == VB_OK && done < work->medium.size;) {
        uint64_t left = work->medium.size - done;
        size_t step = left < sizeof bytes ? (size_t)left : sizeof bytes;
        status = vb_spool_read(&work->medium, done, bytes, step, err);
        if (status == VB_OK)
            status = vb_archive_write(line->archive, bytes, step, err);
        done += step;
    }
    if (status == VB_OK)
        status = vb_archive_end_entry(line->archive, err);
    work->stored++;
    work->bytes += work->medium.size;
    work->left -= work->medium.size;
    return status;
}

/* VB_NOT_FOUND: it cannot be had, for the reason in `err`. After the first that would exceed the
 * limit no other is asked for: it would be fetched to be thrown away. */
static enum vb_status fetch(struct vb_line *line, const struct item *item, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    const struct vb_medium medium = {item->texts[URL].data, item->texts[CONTENT_TYPE]};
    enum vb_status status = VB_OK;
    if (work->left > 0)
        status = vb_fetcher_get(work->fetcher, &medium, &work->medium, err);
    if (status == VB_OK && (work->left == 0 || work->medium.size > work->left)) {
        work->left = 0;
        return vb_fail(err, VB_NOT_FOUND, "the export's media exceed the %llu bytes allowed",
                       (unsigned long long)line->crew->service->options->media_export_limit);
    }
    return status;
}

static enum vb_status take(struct vb_line *line, const struct item *item, struct vb_error *err)
{
    char entry[VB_MEDIA_NAME_BYTES + 1];
    struct vb_error reason = {0};
    const struct vb_view *texts = item->texts;
    if (vb_media_entry_name(texts[CONVERSATION], texts[ATTACHMENT], texts[FILE_NAME],
                            texts[CONTENT_TYPE], entry) != VB_OK)
        return vb_fail(err, VB_SOURCE, "conversation %.*s: an attachment's name is not valid UTF-8",
                       (int)texts[CONVERSATION].length, texts[CONVERSATION].data);
    /* The reason has a place of its own, for a medium that is missing is no error of the
     * segment's. */
    enum vb_status status = fetch(line, item, &reason);
    vb_count(status == VB_OK ? VB_COUNT_MEDIA_STORED : VB_COUNT_MEDIA_FAILED,
             status == VB_OK || status == VB_NOT_FOUND);
    if (status == VB_OK)
        return store(line, item, entry, err);
    if (status == VB_NOT_FOUND)
        return note_error(line, item, entry, reason.text, err);
    *err = reason;
    return status;
}

enum vb_status vb_line_media_store(struct vb_line *line, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    struct item item;
    enum vb_status status = VB_OK;
    if (!work || work->list.size == 0)
        return VB_OK;
    for (uint64_t offset = 0; offset < work->list.size && status == VB_OK;) {
        work->begun = vb_clock_monotonic();
        if (stop_fetching(work))
            return vb_fail(err, VB_STOPPED, "the work on the segment was stopped");
        status = recall(work, &offset, &item, err);
        if (status == VB_OK)
            status = take(line, &item, err);
        work->held += vb_clock_monotonic() - work->begun;
        line->lease->bytes = vb_archive_totals(line->archive).size;
    }
    return status == VB_OK ? vb_spool_reset(&work->list, err) : status;
}
