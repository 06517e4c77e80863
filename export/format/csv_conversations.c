/* CSV with one row a conversation: the layouts `conversations` (14 columns) and `leads` (13).
 *
 * A row is written at the end of its conversation; until then the count and the two texts that it
 * quotes are kept in the caller's struct vb_render_state. Cells of what is not included stay empty.
 * A row that fails leaves the buffer as it was. Ids, times and numbers are never guarded.
 *
 * Memory is that of the two longest messages, each up to 64 MiB (render.c); what a large one took
 * is freed at the next conversation, so that one of them does not stay for the whole export. A
 * conversation whose messages are read in several pages needs no more.
 */
#include "cell.h"
#include "renderers.h"
#include "row.h"

#include "verbatim/text.h"

#include <inttypes.h>
#include <stdio.h>

/* Memory that a text may leave behind for the next conversation. */
#define KEPT_CAPACITY (256u * 1024u)

/* The contract's names and order (docs/formats.md); append_conversation and append_lead write in
 * it. */
static const char conversations_header[] =
    "conversation_id,customer_email,channel,started_at,ended_at,status,priority,tags,"
    "message_count,agent_assigned,csat_rating,csat_comment,first_message,last_message\r\n";
static const char leads_header[] =
    "conversation_id,agent_id,channel,status,started_at,ended_at,lead_name,lead_email,lead_phone,"
    "lead_status,message_count,first_user_message,last_assistant_message\r\n";

/* Of messages a row tells their number and two texts. Without messages among what is included none
 * is read at all: then an export of a million conversations is a walk over one table. */
static unsigned columns(unsigned include)
{
    unsigned wanted = VB_COLUMNS_CHANNEL | VB_COLUMNS_DETAILS | VB_COLUMNS_BRIEF;
    if (include & VB_INCLUDE_CUSTOMER)
        wanted |= VB_COLUMNS_CUSTOMER;
    return include & VB_INCLUDE_MESSAGES ? wanted : wanted | VB_COLUMNS_NO_MESSAGES;
}

/* What a text of ordinary size took is kept for the next one. */
static void forget(struct vb_buffer *kept)
{
    if (kept->capacity > KEPT_CAPACITY)
        vb_buffer_done(kept);
    else
        vb_buffer_reset(kept);
}

/* Nothing is written yet: what the row needs of the messages comes behind this. */
static enum vb_status begin_conversation(const struct vb_render_context *context,
                                         const struct vb_conversation *conversation,
                                         bool first_in_file, struct vb_buffer *out,
                                         struct vb_error *err)
{
    struct vb_render_state *state = context->state;
    (void)conversation, (void)first_in_file, (void)out, (void)err;
    state->messages = 0;
    state->has_first = state->has_last = false;
    forget(&state->first);
    forget(&state->last);
    return VB_OK;
}

/* Looked at here and not when the row is written, so that an error names the message. */
static enum vb_status keep(struct vb_buffer *kept, struct vb_view text)
{
    if (!vb_utf8_valid(text))
        return VB_SOURCE;
    vb_buffer_reset(kept);
    return vb_buffer_append(kept, text.data, text.length);
}

/* Counts the message; keeps its text if it may be the first, or the last so far. A first one that
 * is empty or NULL is still the first: its cell stays empty. */
static enum vb_status take_message(const struct vb_render_context *context,
                                   const struct vb_conversation *conversation,
                                   const struct vb_message *message, bool first, bool last,
                                   struct vb_buffer *out, struct vb_error *err)
{
    struct vb_render_state *state = context->state;
    enum vb_status status = VB_OK;
    state->messages++;
    if (first && !state->has_first) {
        status = keep(&state->first, message->text);
        state->has_first = true;
    }
    if (last && status == VB_OK) {
        status = keep(&state->last, message->text);
        state->has_last = true;
    }
    return status == VB_OK ? VB_OK
                           : vb_row_fail(status, out, out->length, conversation, &message->id, err);
}

/* So that a cell and what stands behind it are one step; a failure is passed on. */
static enum vb_status end_cell(struct vb_buffer *out, struct vb_cell_form form,
                               enum vb_status status)
{
    return status == VB_OK ? vb_buffer_append_byte(out, form.delimiter) : status;
}

/* Behind it the delimiter; a number that is not there is an empty cell, and none is a text. */
static enum vb_status append_number(struct vb_buffer *out, struct vb_cell_form form, bool has,
                                    int64_t number)
{
    return end_cell(out, form, has ? vb_buffer_printf(out, "%" PRId64, number) : VB_OK);
}

/* When it began and when it ended, with a delimiter behind each. */
static enum vb_status append_times(const struct vb_render_context *context,
                                   const struct vb_conversation *c, struct vb_cell_form form,
                                   struct vb_buffer *out)
{
    enum vb_status status = vb_csv_append_time(context, c->created_at, form, out);
    if (status == VB_OK && c->has_ended_at)
        return vb_csv_append_time(context, c->ended_at, form, out);
    return end_cell(out, form, status);
}

/* A buffer without a byte gives the NULL view, whether it has memory of an earlier text or not. */
static struct vb_view kept_view(const struct vb_buffer *kept)
{
    return kept->length > 0 ? (struct vb_view){kept->data, kept->length} : vb_row_nothing;
}

/* The first text, the last one. */
static enum vb_status append_texts(const struct vb_render_context *context,
                                   struct vb_cell_form form, struct vb_buffer *out)
{
    const struct vb_render_state *state = context->state;
    const struct vb_view first = kept_view(&state->first);
    enum vb_status status = vb_cell_append_run(out, &first, 1, form);
    return status == VB_OK ? vb_cell_append(out, kept_view(&state->last), form) : status;
}

/* In the order of conversations_header; whoever changes one changes the other. Without messages the
 * count is empty and not 0: nobody counted. */
static enum vb_status append_conversation(const struct vb_render_context *context,
                                          const struct vb_conversation *c, struct vb_cell_form form,
                                          struct vb_buffer *out)
{
    bool customer = vb_row_includes(context, VB_INCLUDE_CUSTOMER);
    const struct vb_view who[] = {customer ? c->contact_email : vb_row_nothing,
                                  vb_row_channel(context, c)->name};
    const struct vb_view state[] = {c->status, c->priority};
    enum vb_status status = vb_cell_append_run(out, &c->id, 1, vb_cell_unguarded(form));
    if (status == VB_OK)
        status = vb_cell_append_run(out, who, 2, form);
    if (status == VB_OK)
        status = append_times(context, c, form, out);
    if (status == VB_OK)
        status = vb_cell_append_run(out, state, 2, form);
    if (status == VB_OK && vb_row_includes(context, VB_INCLUDE_TAGS))
        status = vb_cell_append_list(out, c->tags, form);
    status = end_cell(out, form, status);
    if (status == VB_OK)
        status = append_number(out, form, vb_row_includes(context, VB_INCLUDE_MESSAGES),
                               (int64_t)context->state->messages);
    if (status == VB_OK)
        status = vb_cell_append_run(out, &c->assigned_agent, 1, form);
    if (status == VB_OK)
        status = append_number(out, form, c->has_csat_rating, c->csat_rating);
    if (status == VB_OK)
        status = vb_cell_append_run(out, &c->csat_comment, 1, form);
    return status == VB_OK ? append_texts(context, form, out) : status;
}

/* In the order of leads_header. */
static enum vb_status append_lead(const struct vb_render_context *context,
                                  const struct vb_conversation *c, struct vb_cell_form form,
                                  struct vb_buffer *out)
{
    static const struct vb_conversation nobody;
    const struct vb_conversation *lead =
        vb_row_includes(context, VB_INCLUDE_CUSTOMER) ? c : &nobody;
    const struct vb_view ids[] = {c->id, c->assistant_id};
    const struct vb_view facts[] = {vb_row_channel(context, c)->name, c->status};
    const struct vb_view person[] = {lead->contact_name, lead->contact_email};
    enum vb_status status = vb_cell_append_run(out, ids, 2, vb_cell_unguarded(form));
    if (status == VB_OK)
        status = vb_cell_append_run(out, facts, 2, form);
    if (status == VB_OK)
        status = append_times(context, c, form, out);
    if (status == VB_OK)
        status = vb_cell_append_run(out, person, 2, form);
    if (status == VB_OK)
        status = vb_cell_append_phone(out, lead->contact_phone, form);
    if (status == VB_OK)
        status = vb_cell_append_run(out, &lead->contact_lead_status, 1, form);
    if (status == VB_OK)
        status = append_number(out, form, vb_row_includes(context, VB_INCLUDE_MESSAGES),
                               (int64_t)context->state->messages);
    return status == VB_OK ? append_texts(context, form, out) : status;
}

/* The cells of a row. The two layouts differ in this step alone. */
typedef enum vb_status append_row(const struct vb_render_context *context,
                                  const struct vb_conversation *conversation,
                                  struct vb_cell_form form, struct vb_buffer *out);

/* The start is noted here, so a row that fails is taken back whole. */
static enum vb_status end_row(const struct vb_render_context *context,
                              const struct vb_conversation *conversation, append_row *append,
                              struct vb_buffer *out, struct vb_error *err)
{
    size_t before = out->length;
    enum vb_status status = append(context, conversation, vb_csv_form(context), out);
    if (status == VB_OK)
        status = vb_buffer_append(out, "\r\n", 2);
    return status == VB_OK ? VB_OK : vb_row_fail(status, out, before, conversation, NULL, err);
}

static enum vb_status begin_conversations(const struct vb_render_context *context,
                                          struct vb_buffer *out, struct vb_error *err)
{
    const struct vb_view header = {conversations_header, sizeof conversations_header - 1};
    return vb_csv_begin_file(context, header, out, err);
}

/* The first message and the last, whoever wrote them. */
static enum vb_status take_any(const struct vb_render_context *context,
                               const struct vb_conversation *conversation,
                               const struct vb_message *message, struct vb_buffer *out,
                               struct vb_error *err)
{
    if (!vb_row_includes(context, VB_INCLUDE_MESSAGES))
        return VB_OK;
    return take_message(context, conversation, message, true, true, out, err);
}

static enum vb_status end_conversation(const struct vb_render_context *context,
                                       const struct vb_conversation *conversation,
                                       struct vb_buffer *out, struct vb_error *err)
{
    return end_row(context, conversation, append_conversation, out, err);
}

const struct vb_renderer vb_csv_conversations_renderer = {
    .format = "csv",
    .layout = "conversations",
    .extension = ".csv",
    .content_type = "text/csv; charset=utf-8",
    .columns = columns,
    .begin_file = begin_conversations,
    .conversation = begin_conversation,
    .message = take_any,
    .end_conversation = end_conversation,
    .end_file = vb_row_write_nothing,
};

static enum vb_status begin_leads(const struct vb_render_context *context, struct vb_buffer *out,
                                  struct vb_error *err)
{
    const struct vb_view header = {leads_header, sizeof leads_header - 1};
    return vb_csv_begin_file(context, header, out, err);
}

/* A lead's first word and the assistant's last; what a human agent says is in neither. By the
 * contract's speaker types and not by direction, which an agent's and a bot's messages share. */
static enum vb_status take_pair(const struct vb_render_context *context,
                                const struct vb_conversation *conversation,
                                const struct vb_message *message, struct vb_buffer *out,
                                struct vb_error *err)
{
    if (!vb_row_includes(context, VB_INCLUDE_MESSAGES))
        return VB_OK;
    bool user = vb_view_equals(message->speaker_type, VB_VIEW("customer"));
    bool assistant = vb_view_equals(message->speaker_type, VB_VIEW("bot"));
    return take_message(context, conversation, message, user, assistant, out, err);
}

static enum vb_status end_lead(const struct vb_render_context *context,
                               const struct vb_conversation *conversation, struct vb_buffer *out,
                               struct vb_error *err)
{
    return end_row(context, conversation, append_lead, out, err);
}

const struct vb_renderer vb_csv_leads_renderer = {
    .format = "csv",
    .layout = "leads",
    .extension = ".csv",
    .content_type = "text/csv; charset=utf-8",
    .columns = columns,
    .begin_file = begin_leads,
    .conversation = begin_conversation,
    .message = take_pair,
    .end_conversation = end_lead,
    .end_file = vb_row_write_nothing,
};
