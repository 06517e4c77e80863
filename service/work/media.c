/* Media of a segment: remembered as their messages go by, asked for ahead of their turn, then
 * stored behind the file that names them.
 *
 * What is remembered lies in a temporary file, for an entry of 5,000 conversations may have any
 * number of attachments. Each medium is fetched whole before its entry begins: what could not be
 * had leaves no trace in the archive but its row in media/errors.csv. On the worker's thread.
 */
#include "media_work.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_CAPACITY (256u * 1024u)
#define COPY_BYTES (64u * 1024u)
#define ERRORS_CEILING (VB_MEDIA_ITEM_CEILING + 2 * VB_LINE_LIST_FLUSH)
#define BACKLOG_CEILING (4u * 1024u * 1024u)
/* Of a medium on its way into the archive: others are under way meanwhile. */
#define LOOK_EVERY (UINT64_C(1024) * 1024)
/* Longer than this in all, and the statement on the source is let go of: what it holds back, vacuum
 * misses. */
#define HELD_MOST VB_SECOND

/* An attachment in the list: the lengths, then the texts, each with a NUL. */
struct item_head {
    vb_instant at;
    size_t lengths[VB_ITEM_TEXTS];
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
    vb_spool_init(&work->list);
    vb_buffer_init(&work->item, VB_MEDIA_ITEM_CEILING);
    vb_buffer_init(&work->ahead, VB_MEDIA_ITEM_CEILING);
    vb_buffer_init(&work->backlog, BACKLOG_CEILING);
    vb_buffer_init(&work->errors.rows, ERRORS_CEILING);
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
    vb_spool_done(&work->list);
    vb_buffer_done(&work->item);
    vb_buffer_done(&work->ahead);
    vb_buffer_done(&work->backlog);
    vb_buffer_done(&work->errors.rows);
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

enum vb_status vb_media_begin_list(struct vb_media_work *work, struct vb_error *err)
{
    work->asked = work->taken = work->due = 0;
    return vb_spool_reset(&work->list, err);
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
    vb_line_list_begin(&work->errors);
    work->stored = work->failed = work->bytes = 0;
    work->held = 0;
    work->reader = line->reader;
    enum vb_status status = vb_media_begin_list(work, err);
    if (status == VB_OK)
        status = vb_close_media_bytes(line->pg, line->claim, &so_far, err);
    work->left = so_far < limit ? limit - so_far : 0;
    vb_fetcher_want(work->fetcher, work->left);
    return status;
}

/* However the claim ended: what is under way for it has no use any more. */
void vb_line_media_drop(struct vb_line *line)
{
    if (!line->work)
        return;
    vb_fetcher_drop(line->work->fetcher);
    vb_buffer_reset(&line->work->backlog);
    line->work->replayed = 0;
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
                               const struct vb_view texts[VB_ITEM_TEXTS], struct vb_error *err)
{
    struct item_head head = {.at = at};
    for (size_t i = 0; i < VB_ITEM_TEXTS; i++)
        head.lengths[i] = texts[i].length;
    enum vb_status status = vb_spool_append(&work->list, &head, sizeof head, err);
    for (size_t i = 0; i < VB_ITEM_TEXTS && status == VB_OK; i++) {
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
    while (status == VB_OK && vb_text_list_next_group(&list, v, 4)) {
        const struct vb_view texts[VB_ITEM_TEXTS] = {
            conversation->id, v[0], message->id, v[1], v[2], v[3]};
        status = remember(line->work, conversation->created_at, texts, err);
    }
    return status;
}

static size_t length_of(const struct item_head *head)
{
    size_t total = 0;
    for (size_t i = 0; i < VB_ITEM_TEXTS; i++)
        total += head->lengths[i] + 1;
    return total;
}

/* The texts of the item at `offset`, whose head was read. */
static enum vb_status recall(const struct vb_media_work *work, uint64_t offset,
                             const struct item_head *head, struct vb_buffer *texts,
                             struct vb_media_item *ret_item, struct vb_error *err)
{
    size_t total = length_of(head);
    empty(texts);
    if (vb_buffer_reserve(texts, total) != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an attachment");
    enum vb_status status =
        vb_spool_read(&work->list, offset + sizeof *head, texts->data, total, err);
    const char *at = texts->data;
    ret_item->at = head->at;
    for (size_t i = 0; i < VB_ITEM_TEXTS; i++) {
        ret_item->texts[i] = (struct vb_view){at, head->lengths[i]};
        at += head->lengths[i] + 1;
    }
    return status;
}

/* --- asking --- */

/* Not for what would be fetched to be thrown away: the export's limit is reached. */
enum vb_status vb_media_ask(struct vb_media_work *work, struct vb_error *err)
{
    struct vb_media_item item;
    struct item_head head;
    enum vb_status status = VB_OK;
    while (work->asked < work->list.size && work->left > 0) {
        status = vb_spool_read(&work->list, work->asked, &head, sizeof head, err);
        if (status != VB_OK)
            return status;
        if (!vb_fetcher_has_place(work->fetcher,
                                  head.lengths[VB_ITEM_URL] + head.lengths[VB_ITEM_CONTENT_TYPE]))
            return VB_OK;
        status = recall(work, work->asked, &head, &work->ahead, &item, err);
        const struct vb_medium medium = {item.texts[VB_ITEM_URL].data,
                                         item.texts[VB_ITEM_CONTENT_TYPE]};
        if (status == VB_OK)
            status = vb_fetcher_ask(work->fetcher, &medium, err);
        if (status != VB_OK)
            return status;
        work->asked += sizeof head + length_of(&head);
    }
    return VB_OK;
}

bool vb_media_is_ready(struct vb_media_work *work)
{
    return work->left == 0 || vb_fetcher_look(work->fetcher);
}

/* --- taking and storing --- */

static enum vb_status copy(struct vb_line *line, const struct vb_spool *medium,
                           struct vb_error *err)
{
    char bytes[COPY_BYTES];
    enum vb_status status = VB_OK;
    for (uint64_t done = 0; status == VB_OK && done < medium->size;) {
        uint64_t left = medium->size - done;
        size_t step = left < sizeof bytes ? (size_t)left : sizeof bytes;
        status = vb_spool_read(medium, done, bytes, step, err);
        if (status == VB_OK)
            status = vb_archive_write(line->archive, bytes, step, err);
        done += step;
        if (done % LOOK_EVERY == 0)
            (void)vb_fetcher_look(line->work->fetcher);
    }
    return status;
}

static enum vb_status store(struct vb_line *line, const struct vb_media_item *item,
                            const char *entry, const struct vb_spool *medium, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    enum vb_status status =
        vb_archive_begin_stored(line->archive, vb_view_of(entry), vb_line_time(line, item->at),
                                medium->size, medium->crc, err);
    if (status == VB_OK)
        status = copy(line, medium, err);
    if (status == VB_OK)
        status = vb_archive_end_entry(line->archive, err);
    work->stored++;
    work->bytes += medium->size;
    work->left -= medium->size;
    vb_fetcher_want(work->fetcher, work->left);
    return status;
}

/* VB_NOT_FOUND: it cannot be had, for the reason in `err`. After the first that would exceed the
 * limit no other is asked for: it would be fetched to be thrown away. */
static enum vb_status fetch(struct vb_line *line, const struct vb_spool **ret_medium,
                            struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    enum vb_status status = VB_OK;
    if (work->left > 0) {
        status = vb_media_ask(work, err);
        if (status == VB_OK)
            status = vb_fetcher_take(work->fetcher, ret_medium, err);
    }
    if (status == VB_OK && (work->left == 0 || (*ret_medium)->size > work->left)) {
        work->left = 0;
        return vb_fail(err, VB_NOT_FOUND, "the export's media exceed the %llu bytes allowed",
                       (unsigned long long)line->crew->service->options->media_export_limit);
    }
    return status;
}

static enum vb_status take(struct vb_line *line, const struct vb_media_item *item,
                           struct vb_error *err)
{
    char entry[VB_MEDIA_NAME_BYTES + 1];
    struct vb_error reason = {0};
    const struct vb_spool *medium = NULL;
    const struct vb_view *texts = item->texts;
    if (vb_media_entry_name(texts[VB_ITEM_CONVERSATION], texts[VB_ITEM_ATTACHMENT],
                            texts[VB_ITEM_FILE_NAME], texts[VB_ITEM_CONTENT_TYPE], entry) != VB_OK)
        return vb_fail(err, VB_SOURCE, "conversation %.*s: an attachment's name is not valid UTF-8",
                       (int)texts[VB_ITEM_CONVERSATION].length, texts[VB_ITEM_CONVERSATION].data);
    /* The reason has a place of its own, for a medium that is missing is no error of the
     * segment's. */
    enum vb_status status = fetch(line, &medium, &reason);
    vb_count(status == VB_OK ? VB_COUNT_MEDIA_STORED : VB_COUNT_MEDIA_FAILED,
             status == VB_OK || status == VB_NOT_FOUND);
    if (status == VB_OK)
        return store(line, item, entry, medium, err);
    if (status == VB_NOT_FOUND)
        return vb_media_note_error(line, item, entry, reason.text, err);
    *err = reason;
    return status;
}

/* Its place in the window is free for the next. */
static enum vb_status move_on(struct vb_media_work *work, uint64_t next, struct vb_error *err)
{
    work->taken = next;
    if (work->left == 0) {
        vb_fetcher_drop(work->fetcher);
        work->asked = next;
        return VB_OK;
    }
    vb_fetcher_done(work->fetcher);
    return vb_media_ask(work, err);
}

enum vb_status vb_media_take(struct vb_line *line, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    struct vb_media_item item;
    struct item_head head;
    work->begun = vb_clock_monotonic();
    if (stop_fetching(work))
        return vb_fail(err, VB_STOPPED, "the work on the segment was stopped");
    enum vb_status status = vb_spool_read(&work->list, work->taken, &head, sizeof head, err);
    if (status == VB_OK)
        status = recall(work, work->taken, &head, &work->item, &item, err);
    if (status == VB_OK)
        status = take(line, &item, err);
    if (status == VB_OK)
        status = move_on(work, work->taken + sizeof head + length_of(&head), err);
    work->held += vb_clock_monotonic() - work->begun;
    line->lease->bytes = vb_archive_totals(line->archive).size;
    return status;
}
