/* Rows of errors.csv; see bad_rows.h. Cells are guarded like those of the other CSV files. */
#include "verbatim/bad_rows.h"

#include "cell.h"
#include "row.h"

static const char header[] = "conversation_id,message_id,reason\r\n";

enum vb_status vb_bad_rows_begin(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err)
{
    return vb_csv_begin_file(context, (struct vb_view){header, sizeof header - 1}, out, err);
}

enum vb_status vb_bad_rows_add(const struct vb_render_context *context,
                               const struct vb_bad_row *row, struct vb_buffer *out,
                               struct vb_error *err)
{
    const struct vb_cell_form form = vb_csv_form(context);
    const struct vb_view ids[] = {vb_view_of(row->conversation_id), vb_view_of(row->message_id)};
    /* Only for the name in an error's text. */
    const struct vb_conversation conversation = {.id = ids[0]};
    size_t before = out->length;
    enum vb_status status = vb_cell_append_run(out, ids, 2, vb_cell_unguarded(form));
    if (status == VB_OK)
        status = vb_cell_append(out, vb_view_of(row->reason), form);
    if (status == VB_OK)
        status = vb_buffer_append(out, "\r\n", 2);
    return status == VB_OK ? VB_OK : vb_row_fail(status, out, before, &conversation, &ids[1], err);
}
