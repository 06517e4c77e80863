/* Entries of an archive that wait for the media before them.
 *
 * A conversation's media stand behind its file, before the next one's, and are not there yet when
 * the next one is rendered. What is rendered meanwhile is kept as what it would have been to the
 * archive: entries that begin, bytes, entries that end. So the media of many small conversations
 * are fetched side by side, and the archive still sees everything in its order. Where nothing waits
 * everything goes straight through.
 *
 * Memory is bounded: with more than BACKLOG_MOST bytes behind it, a medium is waited for. At the
 * end of a page nothing waits, since sizes are looked at there. An entry of many conversations
 * waits for its media at its end, as another would be longer than the backlog anyway. On the
 * worker's thread.
 */
#include "media_work.h"

#include <string.h>

#define BACKLOG_MOST (512u * 1024u)
#define COMPACT_AT (256u * 1024u)

/* A record: this, then `length` bytes (of the name or of the entry). */
struct record {
    enum { BEGIN, BYTES, END } kind;
    size_t length;
    struct vb_entry_time time; /* BEGIN */
    uint64_t due;              /* END: up to where the list is of entries that have ended */
};

static size_t waiting(const struct vb_media_work *work)
{
    return work->backlog.length - work->replayed;
}

static bool is_behind(const struct vb_line *line)
{
    const struct vb_media_work *work = line->work;
    return work && (waiting(work) > 0 || work->taken < work->due);
}

static enum vb_status keep(struct vb_media_work *work, const struct record *record,
                           const void *data, struct vb_error *err)
{
    enum vb_status status = vb_buffer_append(&work->backlog, record, sizeof *record);
    if (status == VB_OK && record->length > 0)
        status = vb_buffer_append(&work->backlog, data, record->length);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no memory for what waits for media");
}

/* --- catching up --- */

static enum vb_status do_record(struct vb_line *line, const struct record *record, const char *data,
                                struct vb_error *err)
{
    switch (record->kind) {
    case BEGIN:
        return vb_archive_begin_entry(line->archive, (struct vb_view){data, record->length},
                                      record->time, err);
    case BYTES:
        return vb_archive_write(line->archive, data, record->length, err);
    case END:
        line->work->due = record->due;
        return vb_archive_end_entry(line->archive, err);
    }
    return VB_OK;
}

static enum vb_status replay_one(struct vb_line *line, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    struct record record;
    const char *at = work->backlog.data + work->replayed;
    memcpy(&record, at, sizeof record);
    enum vb_status status = do_record(line, &record, at + sizeof record, err);
    work->replayed += sizeof record + record.length;
    if (work->replayed == work->backlog.length || work->replayed > COMPACT_AT) {
        vb_buffer_consume(&work->backlog, work->replayed);
        work->replayed = 0;
    }
    return status;
}

/* Until at most so many bytes wait, and beyond that as far as no server is waited for. */
static enum vb_status catch_up(struct vb_line *line, bool wholly, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    enum vb_status status = vb_media_ask(work, err);
    if (status == VB_OK && !wholly && work->taken < work->asked)
        (void)vb_fetcher_look(work->fetcher);
    while (status == VB_OK && is_behind(line)) {
        bool is_due = work->taken < work->due;
        if (is_due && !wholly && waiting(work) <= BACKLOG_MOST && !vb_media_is_ready(work))
            break;
        status = is_due ? vb_media_take(line, err) : replay_one(line, err);
    }
    return status;
}

enum vb_status vb_line_catch_up(struct vb_line *line, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    if (!work)
        return VB_OK;
    enum vb_status status = catch_up(line, true, err);
    return status == VB_OK && work->list.size > 0 && work->taken == work->list.size
               ? vb_media_begin_list(work, err)
               : status;
}

/* --- entries --- */

enum vb_status vb_line_entry_begin(struct vb_line *line, struct vb_view name,
                                   struct vb_entry_time time, struct vb_error *err)
{
    const struct record record = {.kind = BEGIN, .length = name.length, .time = time};
    return is_behind(line) ? keep(line->work, &record, name.data, err)
                           : vb_archive_begin_entry(line->archive, name, time, err);
}

enum vb_status vb_line_entry_write(struct vb_line *line, const void *data, size_t length,
                                   struct vb_error *err)
{
    const struct record record = {.kind = BYTES, .length = length};
    enum vb_status status = VB_OK;
    /* A row larger than the backlog. */
    if (is_behind(line) && length > BACKLOG_MOST)
        status = catch_up(line, true, err);
    if (status != VB_OK)
        return status;
    if (!is_behind(line))
        status = vb_archive_write(line->archive, data, length, err);
    else if (length > 0)
        status = keep(line->work, &record, data, err);
    return status == VB_OK && line->work ? catch_up(line, false, err) : status;
}

enum vb_status vb_line_entry_end(struct vb_line *line, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    if (!work)
        return vb_archive_end_entry(line->archive, err);
    const struct record record = {.kind = END, .due = work->list.size};
    enum vb_status status = VB_OK;
    if (is_behind(line))
        status = keep(work, &record, NULL, err);
    else
        status = do_record(line, &record, NULL, err);
    if (status != VB_OK)
        return status;
    return line->files == VB_FILES_CHUNKS ? vb_line_catch_up(line, err)
                                          : catch_up(line, false, err);
}
