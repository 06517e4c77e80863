/* Why media could not be had: rows that go to the database as pieces of their segment, and
 * media/errors.csv, which is made of all segments' rows by whoever closes the archive.
 *
 * A segment that is the whole job keeps few rows in memory and costs no statement more. On the
 * worker's thread.
 */
#include "media_work.h"

#include "verbatim/media_errors.h"

static enum vb_status flush_errors(struct vb_line *line, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    enum vb_status status = VB_OK;
    /* A row may be larger than a piece. */
    for (size_t done = 0; done < work->errors.length && status == VB_OK; work->pieces++) {
        size_t left = work->errors.length - done;
        size_t step = left < VB_MEDIA_ERRORS_FLUSH ? left : VB_MEDIA_ERRORS_FLUSH;
        status = vb_piece_add(line->pg, &line->crew->claimer, line->claim, VB_PIECE_MEDIA_ERRORS,
                              work->pieces, work->errors.data + done, step, err);
        done += step;
    }
    vb_media_empty(&work->errors);
    return status;
}

enum vb_status vb_media_note_error(struct vb_line *line, const struct vb_media_item *item,
                                   const char *entry, const char *reason, struct vb_error *err)
{
    struct vb_media_work *work = line->work;
    const struct vb_media_error error = {.conversation_id = item->texts[VB_ITEM_CONVERSATION],
                                         .message_id = item->texts[VB_ITEM_MESSAGE],
                                         .attachment_id = item->texts[VB_ITEM_ATTACHMENT],
                                         .url = item->texts[VB_ITEM_URL],
                                         .entry = entry,
                                         .reason = reason};
    enum vb_status status = vb_media_errors_add(&line->context, &error, &work->errors, err);
    work->failed++;
    return status == VB_OK && work->errors.length >= VB_MEDIA_ERRORS_FLUSH ? flush_errors(line, err)
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
            status = vb_close_listed(line->pg, line->claim, VB_PIECE_MEDIA_ERRORS, &visitor, err);
    } else {
        status = write_errors(line, work->errors.data, work->errors.length, err);
    }
    if (status == VB_OK && line->file_open)
        status = vb_archive_end_entry(line->archive, err);
    line->file_open = false;
    return status;
}
