/* The CSV of the main contract: twelve columns, one row a message; see INTERFACE, "The archive".
 *
 * Appends to the caller's buffer and keeps nothing. A row that fails leaves the buffer as it was.
 *
 * The columns, their order and their names are a contract: people's imports go by them, so none is
 * renamed or moved. Rows end with CR LF as in RFC 4180. Without `messages` among what is included
 * there would be nothing to write; the specification refuses that for this layout.
 */
#include "cell.h"
#include "media_cell.h"
#include "renderers.h"
#include "row.h"

static const char header[] =
    "message_id,conversation_id,contact_name,contact_phone,direction,speaker_type,speaker_name,"
    "message_time,message_text,media_url,status,sender_account\r\n";

static enum vb_status begin_file(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err)
{
    return vb_csv_begin_file(context, (struct vb_view){header, sizeof header - 1}, out, err);
}

/* Every row names its conversation: nothing stands between the header and the rows, so a file of
 * many conversations is one table. */
static enum vb_status begin_conversation(const struct vb_render_context *context,
                                         const struct vb_conversation *conversation,
                                         bool first_in_file, struct vb_buffer *out,
                                         struct vb_error *err)
{
    (void)context, (void)conversation, (void)first_in_file, (void)out, (void)err;
    return VB_OK;
}

static enum vb_status end_conversation(const struct vb_render_context *context,
                                       const struct vb_conversation *conversation,
                                       struct vb_buffer *out, struct vb_error *err)
{
    (void)context, (void)conversation, (void)out, (void)err;
    return VB_OK;
}

static unsigned columns(unsigned include)
{
    return include & VB_INCLUDE_MEDIA ? VB_COLUMNS_MEDIA : 0;
}

/* URLs; with media in the archive the names of its entries, and the URLs that became none. Without
 * attachments the cell is the same in both kinds of export. */
static enum vb_status append_media(const struct vb_render_context *context,
                                   const struct vb_conversation *c, const struct vb_message *m,
                                   struct vb_cell_form form, struct vb_buffer *out)
{
    if (context->include & VB_INCLUDE_MEDIA && m->attachments.count > 0)
        return vb_media_append_cell(out, c->id, m, form);
    return vb_cell_append_list(out, m->media_urls, form);
}

/* The twelve columns in the contract's order. Ids and the time are never guarded: their forms
 * cannot be formulas, and importers join by them. The last cell has no delimiter, which is why it
 * is appended by itself. */
static enum vb_status append_row(const struct vb_render_context *context,
                                 const struct vb_conversation *c, const struct vb_message *m,
                                 struct vb_buffer *out)
{
    const struct vb_cell_form form = vb_csv_form(context);
    bool customer = context->include & VB_INCLUDE_CUSTOMER;
    const struct vb_view ids[] = {m->id, c->id};
    const struct vb_view people[] = {m->direction, m->speaker_type,
                                     vb_row_speaker_name(context, c, m)};
    enum vb_status status = vb_cell_append_run(out, ids, 2, vb_cell_unguarded(form));
    if (status == VB_OK)
        status = vb_cell_append_run(out, customer ? &c->contact_name : &vb_row_nothing, 1, form);
    if (status == VB_OK)
        status = vb_cell_append_phone(out, customer ? c->contact_phone : vb_row_nothing, form);
    if (status == VB_OK)
        status = vb_cell_append_run(out, people, 3, form);
    if (status == VB_OK)
        status = vb_csv_append_time(context, m->created_at, form, out);
    if (status == VB_OK)
        status = vb_cell_append_run(out, &m->text, 1, form);
    if (status == VB_OK)
        status = append_media(context, c, m, form, out);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, form.delimiter);
    if (status == VB_OK)
        status = vb_cell_append_run(out, &m->status, 1, form);
    if (status == VB_OK)
        status = vb_cell_append(out, m->sender_account, form);
    return status == VB_OK ? vb_buffer_append(out, "\r\n", 2) : status;
}

/* The start is noted here, so a row that fails is taken back whole. */
static enum vb_status append_message(const struct vb_render_context *context,
                                     const struct vb_conversation *conversation,
                                     const struct vb_message *message, struct vb_buffer *out,
                                     struct vb_error *err)
{
    size_t before = out->length;
    enum vb_status status = append_row(context, conversation, message, out);
    return status == VB_OK ? VB_OK
                           : vb_row_fail(status, out, before, conversation, &message->id, err);
}

const struct vb_renderer vb_csv_renderer = {
    .format = "csv",
    .layout = "messages",
    .extension = ".csv",
    .content_type = "text/csv; charset=utf-8",
    .columns = columns,
    .begin_file = begin_file,
    .conversation = begin_conversation,
    .message = append_message,
    .end_conversation = end_conversation,
    .end_file = vb_row_write_nothing,
};
