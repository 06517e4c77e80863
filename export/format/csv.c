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
    enum vb_status status = context->include & VB_INCLUDE_MEDIA && m->attachments.count > 0
                                ? vb_media_append_cell(out, c->id, m, form)
                                : vb_cell_append_list(out, m->media_urls, form);
    return status == VB_OK ? vb_buffer_append_byte(out, form.delimiter) : status;
}

/* Writes cells in the order given, each by its own form; their room is made at once. */
struct cell {
    struct vb_view text;
    const struct vb_cell_form *form;
};

/* `more` bytes of room besides, for what the caller puts behind. *ret_to: there. Nothing counts as
 * written yet. */
static enum vb_status put_cells(struct vb_buffer *out, const struct cell cells[], size_t count,
                                size_t more, char **ret_to)
{
    size_t room = more;
    for (size_t i = 0; i < count; i++)
        room += vb_cell_room(cells[i].text);
    enum vb_status status = vb_buffer_reserve(out, room);
    if (status != VB_OK)
        return status;
    char *to = out->data + out->length;
    for (size_t i = 0; i < count && to; i++)
        to = vb_cell_put(to, cells[i].text, cells[i].form);
    *ret_to = to;
    return to ? VB_OK : VB_SOURCE;
}

static void keep(struct vb_buffer *out, const char *to)
{
    vb_buffer_grown(out, (size_t)(to - (out->data + out->length)));
}

/* The twelve columns in the contract's order. Ids and the time are never guarded: their forms
 * cannot be formulas, and importers join by them. Nor are telephone numbers in E.164's form. The
 * last cell's delimiter gives way to the end of the row. */
static enum vb_status append_row(const struct vb_render_context *context,
                                 const struct vb_conversation *c, const struct vb_message *m,
                                 struct vb_buffer *out)
{
    const struct vb_cell_form form = vb_csv_form(context), plain = vb_cell_unguarded(form);
    bool customer = context->include & VB_INCLUDE_CUSTOMER;
    bool media = m->media_urls.count > 0 || m->attachments.count > 0;
    struct vb_view phone = customer ? c->contact_phone : vb_row_nothing;
    const struct vb_cell_form form_of_phone = vb_cell_phone_form(phone, form);
    const struct cell before[] = {{m->id, &plain},
                                  {c->id, &plain},
                                  {customer ? c->contact_name : vb_row_nothing, &form},
                                  {phone, &form_of_phone},
                                  {m->direction, &form},
                                  {m->speaker_type, &form},
                                  {vb_row_speaker_name(context, c, m), &form}};
    const struct cell behind[] = {{m->status, &form}, {m->sender_account, &form}};
    char *to = NULL;
    enum vb_status status = put_cells(out, before, sizeof before / sizeof *before,
                                      VB_CSV_TIME_ROOM + vb_cell_room(m->text) + 1, &to);
    if (status == VB_OK) {
        to = vb_csv_put_time(to, context, m->created_at, &form);
        to = vb_cell_put(to, m->text, &form);
        status = to ? VB_OK : VB_SOURCE;
    }
    if (status != VB_OK)
        return status;
    if (!media)
        *to++ = form.delimiter;
    keep(out, to);
    if (media)
        status = append_media(context, c, m, form, out);
    if (status == VB_OK)
        status = put_cells(out, behind, 2, 1, &to);
    if (status != VB_OK)
        return status;
    to[-1] = '\r'; /* in place of the last delimiter */
    *to++ = '\n';
    keep(out, to);
    return VB_OK;
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
