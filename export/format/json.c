/* JSON: an array of conversations; NDJSON: one conversation a line, the same members.
 *
 * Written as it comes, so a conversation of any size needs no memory: the lists of a conversation
 * stand in the order of `parts`, and state->part says which one is open. `include` leaves out is
 * absent, what the source lacks is null. Strings of the source go in unchanged or fail the row; a
 * row that fails leaves buffer and state as they were.
 *
 * A renderer cannot look ahead, so nothing that depends on later rows stands before them: there is
 * no count, and the lists come last. The reader must hand rows out in the order of `parts`; a list
 * that was passed is closed for good. Names are part of a contract (docs/schemas): members are
 * added, never renamed or moved. Sources: RFC 8259; NDJSON is one such text a line, ended by LF.
 */
#include "json_row.h"
#include "renderers.h"
#include "row.h"

#include "verbatim/json.h"
#include "verbatim/names.h"

#include <inttypes.h>

/* What of a conversation is being written; lists in the order of the file. END closes the last
 * list; the object is closed by whoever knows what stands behind it. */
enum part { HEAD, MESSAGES, NOTES, EVENTS, SKILLS, PARTICIPANTS, REACTIONS, REVISIONS, END };

static const struct {
    unsigned include; /* 0: no list */
    const char *opening;
} parts[] = {
    [HEAD] = {0, ""},
    [MESSAGES] = {VB_INCLUDE_MESSAGES, ",\"messages\":["},
    [NOTES] = {VB_INCLUDE_NOTES, ",\"notes\":["},
    [EVENTS] = {VB_INCLUDE_EVENTS, ",\"events\":["},
    [SKILLS] = {VB_INCLUDE_SKILLS, ",\"skills\":["},
    [PARTICIPANTS] = {VB_INCLUDE_PARTICIPANTS, ",\"participants\":["},
    [REACTIONS] = {VB_INCLUDE_REACTIONS, ",\"reactions\":["},
    [REVISIONS] = {VB_INCLUDE_REVISIONS, ",\"revisions\":["},
    [END] = {0, ""},
};

/* Lists of things store what is NULL as an empty text, since an array of groups has no room for
 * NULL; so an empty text of the source becomes null too. */
static struct vb_view or_null(struct vb_view text)
{
    return text.length > 0 ? text : vb_row_nothing;
}

/* Who and where, when and how. An assistant without id and name is null as a whole; a channel
 * always is an object, as a conversation always has one. */
static enum vb_status append_identity(const struct vb_render_context *context,
                                      const struct vb_conversation *c, struct vb_buffer *out)
{
    const struct vb_channel *channel = vb_row_channel(context, c);
    const struct vb_json_member front[] = {
        {VB_VIEW("{\"id\":"), c->id},
        {VB_VIEW(",\"channel\":{\"id\":"), channel->id},
        {VB_VIEW(",\"name\":"), channel->name},
        {VB_VIEW(",\"type\":"), channel->type},
        {VB_VIEW(",\"phone_number\":"), channel->phone_number},
        {VB_VIEW("},\"assistant\":{\"id\":"), c->assistant_id},
        {VB_VIEW(",\"name\":"), c->assistant_name},
    };
    const struct vb_json_member back[] = {{VB_VIEW(",\"status\":"), c->status},
                                          {VB_VIEW(",\"priority\":"), c->priority}};
    bool assisted = c->assistant_id.data || c->assistant_name.data;
    enum vb_status status = vb_json_append_members(out, front, assisted ? 7 : 5);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, assisted ? "}" : "},\"assistant\":null");
    if (status == VB_OK)
        status = vb_json_row_time(context, VB_VIEW(",\"created_at\":"), c->created_at, out);
    if (status == VB_OK && c->has_ended_at)
        status = vb_json_row_time(context, VB_VIEW(",\"ended_at\":"), c->ended_at, out);
    else if (status == VB_OK)
        status = vb_buffer_append_text(out, ",\"ended_at\":null");
    return status == VB_OK ? vb_json_append_members(out, back, 2) : status;
}

/* Always an object where customers are included, also of somebody unknown: its members are null
 * then. */
static enum vb_status append_customer(const struct vb_conversation *c, struct vb_buffer *out)
{
    const struct vb_json_member members[] = {
        {VB_VIEW(",\"customer\":{\"id\":"), c->contact_id},
        {VB_VIEW(",\"name\":"), c->contact_name},
        {VB_VIEW(",\"email\":"), c->contact_email},
        {VB_VIEW(",\"phone\":"), c->contact_phone},
        {VB_VIEW(",\"company\":"), c->contact_company},
        {VB_VIEW(",\"address\":"), c->contact_address},
        {VB_VIEW(",\"website\":"), c->contact_website},
        {VB_VIEW(",\"lead_status\":"), c->contact_lead_status},
    };
    enum vb_status status = vb_json_append_members(out, members, 8);
    return status == VB_OK ? vb_buffer_append_byte(out, '}') : status;
}

/* Closes the "csat" object inside the lead of the member behind it. */
static enum vb_status append_satisfaction(const struct vb_conversation *c, struct vb_buffer *out)
{
    const struct vb_json_member members[] = {{VB_VIEW(",\"comment\":"), c->csat_comment},
                                             {VB_VIEW("},\"feedback\":"), c->feedback}};
    enum vb_status status =
        c->has_csat_rating ? vb_buffer_printf(out, ",\"csat\":{\"rating\":%" PRId64, c->csat_rating)
                           : vb_buffer_append_text(out, ",\"csat\":{\"rating\":null");
    return status == VB_OK ? vb_json_append_members(out, members, 2) : status;
}

/* Who may see it, where the platform says so apart from the tags. An empty list of its own is []
 * and hides the conversation from all who are restricted; null leaves that to the tags. */
static enum vb_status append_tags(const struct vb_conversation *c, struct vb_buffer *out)
{
    enum vb_status status = vb_row_append_list(out, ",\"tags\":", c->tags);
    if (status != VB_OK)
        return status;
    return c->has_audience ? vb_row_append_list(out, ",\"audience\":", c->audience)
                           : vb_buffer_append_text(out, ",\"audience\":null");
}

/* Everything but the lists; the object stays open. */
static enum vb_status append_head(const struct vb_render_context *context,
                                  const struct vb_conversation *c, struct vb_buffer *out)
{
    enum vb_status status = append_identity(context, c, out);
    if (status == VB_OK && vb_row_includes(context, VB_INCLUDE_TAGS))
        status = append_tags(c, out);
    if (status == VB_OK && vb_row_includes(context, VB_INCLUDE_CUSTOMER))
        status = append_customer(c, out);
    if (status == VB_OK)
        status = append_satisfaction(c, out);
    return status == VB_OK ? vb_json_row_conversation_marks(context, c, out) : status;
}

/* Closes what is open and opens what is included, up to `part`. Lists that are included but empty
 * come out as [] so, since every part between is passed through. */
static enum vb_status move_to(const struct vb_render_context *context, enum part part,
                              struct vb_buffer *out)
{
    struct vb_render_state *state = context->state;
    enum vb_status status = VB_OK;
    while (state->part < (int)part && status == VB_OK) {
        if (context->include & parts[state->part].include)
            status = vb_buffer_append_byte(out, ']');
        state->part++;
        state->comma = false;
        if (status == VB_OK && context->include & parts[state->part].include)
            status = vb_buffer_append_text(out, parts[state->part].opening);
    }
    return status;
}

/* Ready for an element of the list. The comma is noted before the element is written: vb_row_end
 * takes it back where that fails. */
static enum vb_status begin_element(const struct vb_render_context *context, enum part part,
                                    struct vb_buffer *out)
{
    enum vb_status status = move_to(context, part, out);
    if (status == VB_OK && context->state->comma)
        status = vb_buffer_append_byte(out, ',');
    context->state->comma = true;
    return status;
}

/* `separator` belongs to the row: it is taken back with it. The state is set anew first, whatever
 * the last conversation left there. */
static enum vb_status begin_conversation(const struct vb_render_context *context,
                                         const struct vb_conversation *conversation,
                                         const char *separator, struct vb_buffer *out,
                                         struct vb_error *err)
{
    const struct vb_row_start start = vb_row_start(context, out);
    context->state->part = HEAD;
    context->state->comma = false;
    enum vb_status status = vb_buffer_append_text(out, separator);
    if (status == VB_OK)
        status = append_head(context, conversation, out);
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

/* Groups of three texts. A title stays a text also where it is empty; the other two become null. */
static enum vb_status append_citations(const struct vb_message *m, struct vb_buffer *out)
{
    struct vb_text_list list = m->citations;
    struct vb_view v[3], lead = VB_VIEW("{\"title\":");
    enum vb_status status = vb_buffer_append_text(out, ",\"citations\":[");
    while (status == VB_OK && vb_text_list_next_group(&list, v, 3)) {
        const struct vb_json_member members[] = {{lead, v[0]},
                                                 {VB_VIEW(",\"url\":"), or_null(v[1])},
                                                 {VB_VIEW(",\"snippet\":"), or_null(v[2])}};
        status = vb_json_append_members(out, members, 3);
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, '}');
        lead = VB_VIEW(",{\"title\":");
    }
    return status == VB_OK ? vb_buffer_append_byte(out, ']') : status;
}

/* The entry's name is computed here as the segment's writer computes it, from the same values, so
 * both agree without talking. A medium that could not be had keeps it; media/errors.csv says
 * why. */
static enum vb_status append_media(const struct vb_conversation *c, const struct vb_message *m,
                                   struct vb_buffer *out)
{
    struct vb_text_list list = m->attachments;
    struct vb_view v[4], lead = VB_VIEW("{\"id\":");
    char entry[VB_MEDIA_NAME_BYTES + 1];
    enum vb_status status = vb_buffer_append_text(out, ",\"media\":[");
    while (status == VB_OK && vb_text_list_next_group(&list, v, 4)) {
        status = vb_media_entry_name(c->id, v[0], v[2], v[3], entry);
        if (status != VB_OK)
            return status;
        const struct vb_json_member members[] = {{lead, v[0]},
                                                 {VB_VIEW(",\"url\":"), v[1]},
                                                 {VB_VIEW(",\"file_name\":"), or_null(v[2])},
                                                 {VB_VIEW(",\"content_type\":"), or_null(v[3])},
                                                 {VB_VIEW(",\"entry\":"), vb_view_of(entry)}};
        status = vb_json_append_members(out, members, 5);
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, '}');
        lead = VB_VIEW(",{\"id\":");
    }
    return status == VB_OK ? vb_buffer_append_byte(out, ']') : status;
}

/* In the order of docs/schemas. */
static enum vb_status append_message(const struct vb_render_context *context,
                                     const struct vb_conversation *c, const struct vb_message *m,
                                     struct vb_buffer *out)
{
    const struct vb_json_member id = {VB_VIEW("{\"id\":"), m->id};
    const struct vb_json_member front[] = {
        {VB_VIEW(",\"direction\":"), m->direction},
        {VB_VIEW(",\"speaker_type\":"), m->speaker_type},
        {VB_VIEW(",\"speaker_name\":"), vb_row_speaker_name(context, c, m)},
        {VB_VIEW(",\"text\":"), m->text},
    };
    bool urls = m->media_urls.count > 0;
    const struct vb_json_member back[] = {
        {urls ? VB_VIEW(",\"status\":") : VB_VIEW(",\"media_urls\":[],\"status\":"), m->status},
        {VB_VIEW(",\"sender_account\":"), m->sender_account},
        {VB_VIEW(",\"feedback\":"), m->feedback}};
    enum vb_status status = begin_element(context, MESSAGES, out);
    if (status == VB_OK)
        status = vb_json_append_members(out, &id, 1);
    if (status == VB_OK)
        status = vb_json_row_time(context, VB_VIEW(",\"created_at\":"), m->created_at, out);
    if (status == VB_OK)
        status = vb_json_append_members(out, front, 4);
    if (status == VB_OK && urls)
        status = vb_row_append_list(out, ",\"media_urls\":", m->media_urls);
    if (status == VB_OK)
        status = vb_json_append_members(out, back, 3);
    if (status == VB_OK && m->marks)
        status = vb_json_row_message_marks(context, m, out);
    if (status == VB_OK && vb_row_includes(context, VB_INCLUDE_CITATIONS))
        status = append_citations(m, out);
    if (status == VB_OK && vb_row_includes(context, VB_INCLUDE_MEDIA))
        status = append_media(c, m, out);
    return status == VB_OK ? vb_buffer_append_byte(out, '}') : status;
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

/* The members of each kind of row, in the order of struct vb_extra; `time` opens the object where
 * there is no id. */
static const struct {
    enum part part;
    bool has_id;
    const char *time, *first, *second, *third; /* third NULL: the kind has none */
} extras[] = {
    [VB_EXTRA_NOTE] = {NOTES, true, ",\"created_at\":", ",\"author\":", ",\"text\":", NULL},
    [VB_EXTRA_EVENT] = {EVENTS, true,
                        ",\"created_at\":", ",\"kind\":", ",\"actor\":", ",\"detail\":"},
    [VB_EXTRA_SKILL] = {SKILLS, false,
                        "{\"created_at\":", ",\"name\":", ",\"outcome\":", ",\"message_id\":"},
    [VB_EXTRA_PARTICIPANT] = {PARTICIPANTS, false,
                              "{\"joined_at\":", ",\"name\":", ",\"role\":", ",\"contact_id\":"},
    [VB_EXTRA_REACTION] = {REACTIONS, false,
                           "{\"created_at\":", ",\"name\":", ",\"by\":", ",\"message_id\":"},
    [VB_EXTRA_REVISION] = {REVISIONS, false,
                           "{\"created_at\":", ",\"editor\":", ",\"text\":", ",\"message_id\":"},
};

static enum vb_status append_extra(const struct vb_render_context *context,
                                   const struct vb_extra *x, struct vb_buffer *out)
{
    const struct vb_json_member members[] = {{vb_view_of(extras[x->kind].first), x->first},
                                             {vb_view_of(extras[x->kind].second), x->second},
                                             {vb_view_of(extras[x->kind].third), x->third}};
    const struct vb_maybe_instant at = {!x->undated, x->created_at};
    enum vb_status status = begin_element(context, extras[x->kind].part, out);
    if (status == VB_OK && extras[x->kind].has_id)
        status = vb_json_append(out, VB_VIEW("{\"id\":"), x->id);
    if (status == VB_OK)
        status = vb_json_row_maybe_time(context, vb_view_of(extras[x->kind].time), at, out);
    if (status == VB_OK)
        status = vb_json_append_members(out, members, extras[x->kind].third ? 3 : 2);
    if (status == VB_OK && x->kind == VB_EXTRA_PARTICIPANT)
        status = vb_json_row_maybe_time(context, VB_VIEW(",\"left_at\":"), x->left_at, out);
    return status == VB_OK ? vb_buffer_append_byte(out, '}') : status;
}

static enum vb_status extra(const struct vb_render_context *context,
                            const struct vb_conversation *conversation, const struct vb_extra *x,
                            struct vb_buffer *out, struct vb_error *err)
{
    if (!(context->include & parts[extras[x->kind].part].include))
        return VB_OK;
    const struct vb_row_start start = vb_row_start(context, out);
    enum vb_status status = append_extra(context, x, out);
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

static enum vb_status close_conversation(const struct vb_render_context *context,
                                         const struct vb_conversation *conversation,
                                         const char *closing, struct vb_buffer *out,
                                         struct vb_error *err)
{
    const struct vb_row_start start = vb_row_start(context, out);
    enum vb_status status = move_to(context, END, out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, closing);
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

static enum vb_status begin_array(const struct vb_render_context *context, struct vb_buffer *out,
                                  struct vb_error *err)
{
    (void)context;
    enum vb_status status = vb_buffer_append_byte(out, '[');
    return status == VB_OK ? status : vb_fail(err, status, "no room for the start of a JSON file");
}

static enum vb_status end_array(const struct vb_render_context *context, struct vb_buffer *out,
                                struct vb_error *err)
{
    (void)context;
    enum vb_status status = vb_buffer_append_text(out, "]\n");
    return status == VB_OK ? status : vb_fail(err, status, "no room for the end of a JSON file");
}

static enum vb_status begin_object(const struct vb_render_context *context,
                                   const struct vb_conversation *conversation, bool first_in_file,
                                   struct vb_buffer *out, struct vb_error *err)
{
    return begin_conversation(context, conversation, first_in_file ? "" : ",\n", out, err);
}

static enum vb_status end_object(const struct vb_render_context *context,
                                 const struct vb_conversation *conversation, struct vb_buffer *out,
                                 struct vb_error *err)
{
    return close_conversation(context, conversation, "}", out, err);
}

static unsigned columns(unsigned include)
{
    return vb_row_columns(include) | VB_COLUMNS_EXTRA;
}

const struct vb_renderer vb_json_renderer = {
    .format = "json",
    .extension = ".json",
    .content_type = "application/json",
    .columns = columns,
    .begin_file = begin_array,
    .conversation = begin_object,
    .message = message,
    .extra = extra,
    .end_conversation = end_object,
    .end_file = end_array,
};

/* Lines need nothing around them, so NDJSON files can be cut and put together at line ends. */
static enum vb_status begin_line(const struct vb_render_context *context,
                                 const struct vb_conversation *conversation, bool first_in_file,
                                 struct vb_buffer *out, struct vb_error *err)
{
    (void)first_in_file;
    return begin_conversation(context, conversation, "", out, err);
}

static enum vb_status end_line(const struct vb_render_context *context,
                               const struct vb_conversation *conversation, struct vb_buffer *out,
                               struct vb_error *err)
{
    return close_conversation(context, conversation, "}\n", out, err);
}

const struct vb_renderer vb_ndjson_renderer = {
    .format = "ndjson",
    .extension = ".ndjson",
    .content_type = "application/x-ndjson",
    .columns = columns,
    .begin_file = vb_row_write_nothing,
    .conversation = begin_line,
    .message = message,
    .extra = extra,
    .end_conversation = end_line,
    .end_file = vb_row_write_nothing,
};
