/* Rows of media/errors.csv; see media_errors.h. Cells are guarded like those of the other CSV
 * files.
 *
 * The reason must be UTF-8, or the row fails like any other: who writes a peer's words into it
 * makes them so first.
 */
#include "verbatim/media_errors.h"

#include "cell.h"
#include "row.h"
#include "verbatim/url.h"

static const char header[] = "conversation_id,message_id,attachment_id,media_url,entry,reason\r\n";

enum vb_status vb_media_errors_begin(const struct vb_render_context *context, struct vb_buffer *out,
                                     struct vb_error *err)
{
    return vb_csv_begin_file(context, (struct vb_view){header, sizeof header - 1}, out, err);
}

enum vb_status vb_media_errors_add(const struct vb_render_context *context,
                                   const struct vb_media_error *error, struct vb_buffer *out,
                                   struct vb_error *err)
{
    const struct vb_cell_form form = vb_csv_form(context);
    size_t before = out->length;
    const struct vb_view ids[] = {error->conversation_id, error->message_id, error->attachment_id};
    struct vb_buffer url;
    /* Only for the name in an error's text. */
    const struct vb_conversation conversation = {.id = error->conversation_id};
    vb_buffer_init(&url, 4 * error->url.length + 16);
    enum vb_status status = vb_url_show(&url, error->url);
    const struct vb_view texts[] = {{url.data, url.length}, vb_view_of(error->entry)};
    if (status == VB_OK)
        status = vb_cell_append_run(out, ids, 3, vb_cell_unguarded(form));
    if (status == VB_OK)
        status = vb_cell_append_run(out, texts, 2, form);
    vb_buffer_done(&url);
    if (status == VB_OK)
        status = vb_cell_append(out, vb_view_of(error->reason), form);
    if (status == VB_OK)
        status = vb_buffer_append(out, "\r\n", 2);
    return status == VB_OK
               ? VB_OK
               : vb_row_fail(status, out, before, &conversation, &error->message_id, err);
}
