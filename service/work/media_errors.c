/* Why media could not be had: the rows of media/errors.csv (list.c). On the worker's thread. */
#include "media_work.h"

#include "verbatim/media_errors.h"

static const struct vb_line_list_form form = {VB_PIECE_MEDIA_ERRORS, VB_VIEW(VB_MEDIA_ERRORS_NAME),
                                              vb_media_errors_begin};

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
    enum vb_status status = vb_media_errors_add(&line->context, &error, &work->errors.rows, err);
    work->failed++;
    return status == VB_OK ? vb_line_list_settle(line, &form, &work->errors, err) : status;
}

enum vb_status vb_line_media_record(struct vb_line *line, struct vb_error *err)
{
    return line->work ? vb_line_list_record(line, &form, &line->work->errors, err) : VB_OK;
}

enum vb_status vb_line_media_close(struct vb_line *line, struct vb_error *err)
{
    return line->work ? vb_line_list_close(line, &form, &line->work->errors, err) : VB_OK;
}
