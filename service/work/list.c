/* A list of what segments had to leave out: its rows go to the database as pieces of their segment,
 * and whoever closes the archive makes one entry of those of all segments.
 *
 * A segment that is the whole job keeps few rows in memory and costs no statement more. On the
 * worker's thread.
 */
#include "line.h"

struct writing {
    struct vb_line *line;
    const struct vb_line_list_form *form;
};

void vb_line_list_begin(struct vb_line_list *list)
{
    vb_buffer_done(&list->rows);
    list->pieces = 0;
}

enum vb_status vb_line_list_record(struct vb_line *line, const struct vb_line_list_form *form,
                                   struct vb_line_list *list, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    /* A row may be larger than a piece. */
    for (size_t done = 0; done < list->rows.length && status == VB_OK; list->pieces++) {
        size_t left = list->rows.length - done;
        size_t step = left < VB_LINE_LIST_FLUSH ? left : VB_LINE_LIST_FLUSH;
        status = vb_piece_add(line->pg, &line->crew->claimer, line->claim, form->kind, list->pieces,
                              list->rows.data + done, step, err);
        done += step;
    }
    vb_buffer_done(&list->rows);
    return status;
}

enum vb_status vb_line_list_settle(struct vb_line *line, const struct vb_line_list_form *form,
                                   struct vb_line_list *list, struct vb_error *err)
{
    return list->rows.length >= VB_LINE_LIST_FLUSH ? vb_line_list_record(line, form, list, err)
                                                   : VB_OK;
}

/* The entry begins with its first row. Its time is one of the rows' like any other entry's, so that
 * another export of the same rows has the same bytes. */
static enum vb_status write_rows(void *context, const void *data, size_t length,
                                 struct vb_error *err)
{
    const struct writing *writing = context;
    struct vb_line *line = writing->line;
    enum vb_status status = VB_OK;
    if (length == 0)
        return VB_OK;
    if (!line->file_open) {
        status = vb_archive_begin_entry(line->archive, writing->form->name,
                                        vb_line_time(line, vb_line_last_time(line)), err);
        if (status == VB_OK)
            status = writing->form->begin(&line->context, line->out, err);
        if (status == VB_OK)
            status = vb_line_flush(line, 0, err);
        line->file_open = true;
    }
    return status == VB_OK ? vb_archive_write(line->archive, data, length, err) : status;
}

enum vb_status vb_line_list_close(struct vb_line *line, const struct vb_line_list_form *form,
                                  struct vb_line_list *list, struct vb_error *err)
{
    struct writing writing = {line, form};
    const struct vb_piece_visitor visitor = {write_rows, &writing};
    enum vb_status status = VB_OK;
    if (line->claim->stretch.has_low || list->pieces > 0) {
        status = vb_line_list_record(line, form, list, err);
        if (status == VB_OK)
            status = vb_close_listed(line->pg, line->claim, form->kind, &visitor, err);
    } else {
        status = write_rows(&writing, list->rows.data, list->rows.length, err);
    }
    if (status == VB_OK && line->file_open)
        status = vb_archive_end_entry(line->archive, err);
    line->file_open = false;
    return status;
}
