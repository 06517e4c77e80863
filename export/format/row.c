/* What the renderers share; see row.h.
 *
 * Rows are all or nothing: a renderer notes where it began, appends piece by piece without looking
 * back, and hands the first failure here, where buffer and state are put back. A file thus always
 * ends at a whole row, which is what lets an export stop, split or go on anywhere between rows.
 */
#include "row.h"

#include "verbatim/json.h"

#include <stdio.h>

const struct vb_view vb_row_nothing = {NULL, 0};

/* A customer's name is left out where customers are; agents without a name have none to be
 * given. */
struct vb_view vb_row_speaker_name(const struct vb_render_context *context,
                                   const struct vb_conversation *conversation,
                                   const struct vb_message *message)
{
    if (message->speaker_name.length > 0)
        return message->speaker_name;
    if (vb_view_equals(message->speaker_type, VB_VIEW("customer")))
        return vb_row_includes(context, VB_INCLUDE_CUSTOMER) ? conversation->contact_name
                                                             : vb_row_nothing;
    if (vb_view_equals(message->speaker_type, VB_VIEW("bot")))
        return conversation->assistant_name;
    return vb_row_nothing;
}

/* The same rule as that of the statistics' statement. */
enum vb_speaker vb_row_speaker(const struct vb_message *message)
{
    struct vb_view type = message->speaker_type;
    if (vb_view_equals(type, VB_VIEW("customer")))
        return VB_SPEAKER_CUSTOMER;
    if (vb_view_equals(type, VB_VIEW("bot")))
        return VB_SPEAKER_BOT;
    return vb_view_equals(type, VB_VIEW("agent")) ? VB_SPEAKER_AGENT : VB_SPEAKER_OTHER;
}

/* An id is what tells whether the source gave one: its other columns may be NULL. */
const struct vb_channel *vb_row_channel(const struct vb_render_context *context,
                                        const struct vb_conversation *conversation)
{
    return conversation->channel.id.data ? &conversation->channel : &context->channel;
}

/* The ids are the source's text and are cut by the error's own ceiling, at a character. */
enum vb_status vb_row_fail(enum vb_status status, struct vb_buffer *out, size_t before,
                           const struct vb_conversation *conversation,
                           const struct vb_view *message_id, struct vb_error *err)
{
    const struct vb_view id = conversation->id;
    out->length = before;
    if (out->data)
        out->data[before] = '\0';
    /* What writers of text call invalid came from the source. */
    if (status == VB_INVALID)
        status = VB_SOURCE;
    char large[96];
    snprintf(large, sizeof large, "too large for one row: written it has more than %zu bytes",
             out->ceiling);
    const char *reason = status == VB_SOURCE  ? "text that is not valid UTF-8"
                         : status == VB_LIMIT ? large
                                              : "no memory for a row";
    if (!message_id)
        return vb_fail(err, status, "conversation %.*s: %s", (int)id.length, id.data, reason);
    return vb_fail(err, status, "conversation %.*s, message %.*s: %s", (int)id.length, id.data,
                   (int)message_id->length, message_id->data, reason);
}

enum vb_status vb_row_end(enum vb_status status, const struct vb_render_context *context,
                          const struct vb_row_start *start, struct vb_buffer *out,
                          const struct vb_conversation *conversation,
                          const struct vb_view *message_id, struct vb_error *err)
{
    struct vb_render_state *state = context->state;
    if (status == VB_OK)
        return VB_OK;
    state->part = start->part;
    state->side = start->side;
    state->comma = start->comma;
    return vb_row_fail(status, out, start->length, conversation, message_id, err);
}

enum vb_status vb_row_write_nothing(const struct vb_render_context *context, struct vb_buffer *out,
                                    struct vb_error *err)
{
    (void)context, (void)out, (void)err;
    return VB_OK;
}

struct vb_cell_form vb_csv_form(const struct vb_render_context *context)
{
    return (struct vb_cell_form){
        .delimiter = context->csv_delimiter ? context->csv_delimiter : ',',
        .quotes = context->csv_quote == VB_CSV_QUOTE_ALL,
        .guard = context->csv_profile != VB_CSV_RAW,
    };
}

/* A time is a text: what takes texts in quotes as they are leaves it alone. */
char *vb_csv_put_time(char *to, const struct vb_render_context *context, vb_instant at,
                      const struct vb_cell_form *form)
{
    if (form->quotes)
        *to++ = '"';
    to = vb_time_put(to, context->zone, at);
    if (form->quotes)
        *to++ = '"';
    *to++ = form->delimiter;
    return to;
}

enum vb_status vb_csv_append_time(const struct vb_render_context *context, vb_instant at,
                                  struct vb_cell_form form, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_reserve(out, VB_CSV_TIME_ROOM);
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length;
    vb_buffer_grown(out, (size_t)(vb_csv_put_time(start, context, at, &form) - start));
    return VB_OK;
}

/* Names of columns hold neither delimiters nor quotes. */
static enum vb_status append_header(struct vb_buffer *out, struct vb_view header,
                                    struct vb_cell_form form)
{
    struct vb_view rest = vb_view_trim(header, "\r\n");
    enum vb_status status = VB_OK;
    while (rest.length > 0 && status == VB_OK) {
        const struct vb_view name = vb_view_cut(&rest, ',');
        status = rest.length > 0 ? vb_cell_append_run(out, &name, 1, form)
                                 : vb_cell_append(out, name, form);
    }
    return status == VB_OK ? vb_buffer_append_text(out, "\r\n") : status;
}

/* The mark is for Excel, which takes UTF-8 for its own code page without it. */
enum vb_status vb_csv_begin_file(const struct vb_render_context *context, struct vb_view header,
                                 struct vb_buffer *out, struct vb_error *err)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    enum vb_status status = VB_OK;
    bool marked =
        context->csv_mark == VB_CSV_MARK_ON ||
        (context->csv_mark == VB_CSV_MARK_OF_PROFILE && context->csv_profile == VB_CSV_EXCEL);
    if (marked)
        status = vb_buffer_append_text(out, byte_order_mark);
    if (status == VB_OK)
        status = append_header(out, header, vb_csv_form(context));
    return status == VB_OK ? status : vb_fail(err, status, "no room for the header of a CSV file");
}

/* A failure may leave a part of the list: the row is taken back by its renderer. */
enum vb_status vb_row_append_list(struct vb_buffer *out, const char *lead, struct vb_text_list list)
{
    enum vb_status status = vb_buffer_append_text(out, lead);
    struct vb_view element, comma = VB_VIEW("");
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, '[');
    while (status == VB_OK && vb_text_list_next(&list, &element)) {
        status = vb_json_append(out, comma, element);
        comma = VB_VIEW(",");
    }
    return status == VB_OK ? vb_buffer_append_byte(out, ']') : status;
}

unsigned vb_row_columns(unsigned include)
{
    unsigned wanted = VB_COLUMNS_CHANNEL | VB_COLUMNS_DETAILS | VB_COLUMNS_MARKS;
    static const struct {
        unsigned include, columns;
    } pairs[] = {{VB_INCLUDE_CUSTOMER, VB_COLUMNS_CUSTOMER},
                 {VB_INCLUDE_NOTES, VB_COLUMNS_NOTES},
                 {VB_INCLUDE_EVENTS, VB_COLUMNS_EVENTS},
                 {VB_INCLUDE_SKILLS, VB_COLUMNS_SKILLS},
                 {VB_INCLUDE_CITATIONS, VB_COLUMNS_CITATIONS},
                 {VB_INCLUDE_MEDIA, VB_COLUMNS_MEDIA},
                 {VB_INCLUDE_PARTICIPANTS, VB_COLUMNS_PARTICIPANTS},
                 {VB_INCLUDE_REACTIONS, VB_COLUMNS_REACTIONS},
                 {VB_INCLUDE_REVISIONS, VB_COLUMNS_REVISIONS}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (include & pairs[i].include)
            wanted |= pairs[i].columns;
    if (include & VB_INCLUDE_MESSAGES)
        return wanted;
    /* These belong to messages. */
    wanted &= ~(unsigned)(VB_COLUMNS_CITATIONS | VB_COLUMNS_MEDIA);
    return wanted | VB_COLUMNS_NO_MESSAGES;
}

/* Message by message a handful of attachments, so a search through all of them is enough. */
bool vb_row_is_attached(const struct vb_message *message, struct vb_view url)
{
    struct vb_text_list attachments = message->attachments;
    struct vb_view v[4];
    while (vb_text_list_next_group(&attachments, v, 4))
        if (vb_view_equals(v[1], url))
            return true;
    return false;
}
