/* JSON of turns: what the agents' export endpoint answers, an object with a list of conversations,
 * each with its metadata and its turns. A turn is a run of messages of one side.
 *
 * The notes come first (VB_COLUMNS_NOTES_FIRST) and are joined into one string, which stays open
 * until the first message or the end: state->part says which, state->side whose turn is open.
 *
 * Sides: customer is `user`, bot and agent are themselves; of any other speaker what comes in is
 * the user's, what goes out the agent's. A message with media URLs and no text is of type `media`,
 * every other one `text`; payloads of messages with media URLs carry them in `urls`, as an
 * addition. A lead field that is missing or not included is an empty string. A row that fails
 * leaves buffer and state as they were.
 *
 * The form is another program's contract: its members, their order and its English dates are kept
 * as they are, also where JSON of our own (json.c) does better.
 */
#include "renderers.h"
#include "row.h"
#include "time_text.h"

#include "verbatim/json.h"

#include <strings.h>

/* Of state->part and state->side; NOBODY while no turn is open. */
enum part { NOTES, TURNS };
enum side { NOBODY, USER, AGENT, BOT };

/* The channel is not asked for: the form has no place for it. */
static unsigned columns(unsigned include)
{
    unsigned wanted = VB_COLUMNS_DETAILS;
    if (include & VB_INCLUDE_CUSTOMER)
        wanted |= VB_COLUMNS_CUSTOMER;
    if (include & VB_INCLUDE_NOTES)
        wanted |= VB_COLUMNS_NOTES | VB_COLUMNS_NOTES_FIRST;
    return include & VB_INCLUDE_MESSAGES ? wanted : wanted | VB_COLUMNS_NO_MESSAGES;
}

static enum vb_status begin_file(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err)
{
    static const char opening[] =
        "{\"success\":true,\"message\":\"Conversations exported successfully\",\"data\":[";
    (void)context;
    enum vb_status status = vb_buffer_append(out, opening, sizeof opening - 1);
    return status == VB_OK ? status : vb_fail(err, status, "no room for the start of a JSON file");
}

static enum vb_status end_file(const struct vb_render_context *context, struct vb_buffer *out,
                               struct vb_error *err)
{
    (void)context;
    enum vb_status status = vb_buffer_append_text(out, "]}\n");
    return status == VB_OK ? status : vb_fail(err, status, "no room for the end of a JSON file");
}

/* One of three words, whatever the source's case: the contract's readers know no fourth. */
static struct vb_view feedback_word(struct vb_view feedback)
{
    static const struct vb_view words[] = {{"Positive", 8}, {"Negative", 8}};
    for (size_t i = 0; i < 2; i++)
        if (feedback.length == words[i].length &&
            strncasecmp(feedback.data, words[i].data, words[i].length) == 0)
            return words[i];
    return VB_VIEW("Unset");
}

/* Fields of a lead are strings in the contract, never null. */
static struct vb_view or_empty(struct vb_view text)
{
    return text.data ? text : VB_VIEW("");
}

/* Up to the opening quote of the notes. A lead that is not included is one of whom nothing is
 * known. */
static enum vb_status append_head(const struct vb_render_context *context,
                                  const struct vb_conversation *c, struct vb_buffer *out)
{
    static const struct vb_conversation nobody;
    const struct vb_conversation *lead =
        vb_row_includes(context, VB_INCLUDE_CUSTOMER) ? c : &nobody;
    const struct vb_json_member members[] = {
        {VB_VIEW("{\"metadata\":{\"feedback\":"), feedback_word(c->feedback)},
        {VB_VIEW(",\"convo\":{\"id\":"), c->id},
        {VB_VIEW(",\"userName\":"), or_empty(lead->contact_name)},
        {VB_VIEW(",\"userEmail\":"), or_empty(lead->contact_email)},
        {VB_VIEW(",\"userPhone\":"), or_empty(lead->contact_phone)},
        {VB_VIEW(",\"userCompany\":"), or_empty(lead->contact_company)},
        {VB_VIEW(",\"userAddress\":"), or_empty(lead->contact_address)},
        {VB_VIEW(",\"userWebsite\":"), or_empty(lead->contact_website)},
    };
    enum vb_status status = vb_json_append_members(out, members, 8);
    return status == VB_OK ? vb_buffer_append_text(out, ",\"notes\":\"") : status;
}

static enum vb_status begin_conversation(const struct vb_render_context *context,
                                         const struct vb_conversation *conversation,
                                         bool first_in_file, struct vb_buffer *out,
                                         struct vb_error *err)
{
    const struct vb_row_start start = vb_row_start(context, out);
    struct vb_render_state *state = context->state;
    state->part = NOTES;
    state->side = NOBODY;
    state->comma = false;
    enum vb_status status = vb_buffer_append_text(out, first_in_file ? "" : ",\n");
    if (status == VB_OK)
        status = append_head(context, conversation, out);
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

/* Notes are joined by line feeds. Once turns have begun their string is closed, and a note that
 * came then would be lost: hence VB_COLUMNS_NOTES_FIRST. */
static enum vb_status extra(const struct vb_render_context *context,
                            const struct vb_conversation *conversation, const struct vb_extra *x,
                            struct vb_buffer *out, struct vb_error *err)
{
    struct vb_render_state *state = context->state;
    if (x->kind != VB_EXTRA_NOTE || state->part != NOTES ||
        !vb_row_includes(context, VB_INCLUDE_NOTES))
        return VB_OK;
    const struct vb_row_start start = vb_row_start(context, out);
    enum vb_status status =
        vb_json_append_inside(out, state->comma ? VB_VIEW("\\n") : VB_VIEW(""), x->second);
    if (status == VB_OK)
        state->comma = true;
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

/* Tags stand behind the notes in the contract's form, so they wait here until those are closed. */
static enum vb_status begin_turns(const struct vb_render_context *context,
                                  const struct vb_conversation *c, struct vb_buffer *out)
{
    static const struct vb_text_list none;
    bool tags = vb_row_includes(context, VB_INCLUDE_TAGS);
    if (context->state->part == TURNS)
        return VB_OK;
    context->state->part = TURNS;
    enum vb_status status = vb_row_append_list(out, "\",\"tags\":", tags ? c->tags : none);
    return status == VB_OK ? vb_buffer_append_text(out, "},\"sessions\":[]},\"turns\":[") : status;
}

/* What has neither a known speaker nor a direction is an agent's: nothing is put into a customer's
 * mouth on a guess. */
static enum side side_of(const struct vb_message *m)
{
    if (vb_view_equals(m->speaker_type, VB_VIEW("customer")))
        return USER;
    if (vb_view_equals(m->speaker_type, VB_VIEW("bot")))
        return BOT;
    if (vb_view_equals(m->speaker_type, VB_VIEW("agent")))
        return AGENT;
    return vb_view_equals(m->direction, VB_VIEW("inbound")) ? USER : AGENT;
}

/* Opens a turn where the side changes; a comma between turns or between messages of one. The
 * openings hold the end of the turn before, which the first one passes over (3 bytes: "]},"). */
static enum vb_status begin_message(struct vb_render_state *state, enum side side,
                                    struct vb_buffer *out)
{
    static const char *const openings[] = {
        [NOBODY] = "",
        [USER] = "]},{\"from\":\"user\",\"messages\":[",
        [AGENT] = "]},{\"from\":\"agent\",\"messages\":[",
        [BOT] = "]},{\"from\":\"bot\",\"messages\":[",
    };
    int before = state->side;
    if (before == (int)side)
        return vb_buffer_append_byte(out, ',');
    state->side = (int)side;
    /* The first turn closes none. */
    return vb_buffer_append_text(out, openings[side] + (before == NOBODY ? 3 : 0));
}

/* A message with text and media has both; the type says what it mainly is. */
static enum vb_status append_message(const struct vb_render_context *context,
                                     const struct vb_conversation *c, const struct vb_message *m,
                                     struct vb_buffer *out)
{
    struct vb_text_list urls = m->media_urls;
    struct vb_view url;
    bool media = vb_text_list_next(&urls, &url);
    const struct vb_json_member payload[] = {
        {VB_VIEW("\",\"payload\":{\"message\":"), or_empty(m->text)},
        {VB_VIEW(",\"feedback\":"), feedback_word(m->feedback)}};
    enum vb_status status = begin_turns(context, c, out);
    if (status == VB_OK)
        status = begin_message(context->state, side_of(m), out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, media && m->text.length == 0
                                                ? "{\"type\":\"media\",\"ts\":\""
                                                : "{\"type\":\"text\",\"ts\":\"");
    if (status == VB_OK)
        status = vb_time_append_words(out, context->zone, m->created_at);
    if (status == VB_OK)
        status = vb_json_append_members(out, payload, 2);
    if (status == VB_OK && media)
        status = vb_row_append_list(out, ",\"urls\":", m->media_urls);
    return status == VB_OK ? vb_buffer_append_text(out, "}}") : status;
}

static enum vb_status message(const struct vb_render_context *context,
                              const struct vb_conversation *conversation,
                              const struct vb_message *m, struct vb_buffer *out,
                              struct vb_error *err)
{
    if (!vb_row_includes(context, VB_INCLUDE_MESSAGES))
        return VB_OK;
    const struct vb_row_start start = vb_row_start(context, out);
    enum vb_status status = append_message(context, conversation, m, out);
    return vb_row_end(status, context, &start, out, conversation, &m->id, err);
}

static enum vb_status end_conversation(const struct vb_render_context *context,
                                       const struct vb_conversation *conversation,
                                       struct vb_buffer *out, struct vb_error *err)
{
    const struct vb_row_start start = vb_row_start(context, out);
    enum vb_status status = begin_turns(context, conversation, out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, context->state->side == NOBODY ? "]}" : "]}]}");
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

const struct vb_renderer vb_turns_renderer = {
    .format = "json",
    .layout = "turns",
    .extension = ".json",
    .content_type = "application/json",
    .columns = columns,
    .begin_file = begin_file,
    .conversation = begin_conversation,
    .message = message,
    .extra = extra,
    .end_conversation = end_conversation,
    .end_file = end_file,
};
