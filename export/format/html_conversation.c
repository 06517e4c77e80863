/* What stands above a thread: who it is with, when and where, its tags and its summary. See html.h.
 *
 * A fact that the source lacks is left out together with its word. What is not included is neither
 * shown nor was it read.
 */
#include "html.h"

#include "time_text.h"

#include "verbatim/lanes.h"
#include "verbatim/names.h"

#include <inttypes.h>

/* `lead`, the text and an end, unless there is nothing to be told. */
static enum vb_status append_fact(struct vb_buffer *out, const char *lead, struct vb_view text)
{
    if (text.length == 0)
        return VB_OK;
    enum vb_status status = vb_buffer_append_text(out, "<span>");
    if (status == VB_OK)
        status = vb_buffer_append_text(out, lead);
    return status == VB_OK ? vb_html_element(out, "<bdi", text, "</bdi></span>") : status;
}

enum vb_status vb_html_append_time(const struct vb_render_context *context, vb_instant at,
                                   struct vb_buffer *out)
{
    static const char open[] = "<time>", close[] = "</time>";
    enum vb_status status = vb_buffer_reserve(out, sizeof open + VB_TIME_ROOM + sizeof close);
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length, *to = start;
    to = vb_lanes_put(to, open, sizeof open - 1);
    to = vb_time_put_seconds(to, context->zone, at);
    to = vb_lanes_put(to, close, sizeof close - 1);
    vb_buffer_grown(out, (size_t)(to - start));
    return VB_OK;
}

enum vb_status vb_html_append_done(const struct vb_render_context *context, const char *what,
                                   struct vb_maybe_instant time, struct vb_buffer *out)
{
    if (!time.is_set)
        return VB_OK;
    enum vb_status status = vb_buffer_append_text(out, what);
    return status == VB_OK ? vb_html_append_time(context, time.at, out) : status;
}

static enum vb_status append_duration(const struct vb_render_context *context,
                                      const struct vb_conversation *c, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(out, "<span>");
    if (status == VB_OK)
        status = vb_html_append_time(context, c->created_at, out);
    if (status == VB_OK && c->has_ended_at)
        status = vb_buffer_append_text(out, " \xE2\x80\x93 ");
    if (status == VB_OK && c->has_ended_at)
        status = vb_html_append_time(context, c->ended_at, out);
    if (status == VB_OK)
        status = vb_html_append_done(context, ", deleted ", c->deleted_at, out);
    return status == VB_OK ? vb_buffer_append_text(out, "</span>") : status;
}

/* Its name and number: two channels may have one name. */
static enum vb_status append_channel(const struct vb_render_context *context,
                                     const struct vb_conversation *c, struct vb_buffer *out)
{
    const struct vb_channel *channel = vb_row_channel(context, c);
    bool both = channel->name.length > 0 && channel->phone_number.length > 0;
    enum vb_status status = append_fact(out, "", vb_channel_title(*channel));
    if (status == VB_OK && both)
        status = append_fact(out, "", channel->phone_number);
    return status == VB_OK ? append_fact(out, "", channel->type) : status;
}

static enum vb_status append_satisfaction(const struct vb_conversation *c, struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    if (c->has_csat_rating)
        status = vb_buffer_printf(out, "<span>rating %" PRId64 "</span>", c->csat_rating);
    if (status == VB_OK)
        status = append_fact(out, "comment ", c->csat_comment);
    return status == VB_OK ? append_fact(out, "feedback ", c->feedback) : status;
}

static enum vb_status append_facts(const struct vb_render_context *context,
                                   const struct vb_conversation *c, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(out, "<p class=meta>");
    if (status == VB_OK)
        status = append_fact(out, "", c->title);
    if (status == VB_OK)
        status = append_duration(context, c, out);
    if (status == VB_OK)
        status = append_channel(context, c, out);
    if (status == VB_OK)
        status = append_fact(out, "assistant ", c->assistant_name);
    if (status == VB_OK)
        status = append_fact(out, "agent ", c->assigned_agent);
    if (status == VB_OK)
        status = append_fact(out, "status ", c->status);
    if (status == VB_OK)
        status = append_fact(out, "priority ", c->priority);
    return status == VB_OK ? append_satisfaction(c, out) : status;
}

static enum vb_status append_words(struct vb_buffer *out, const char *opening,
                                   struct vb_text_list list)
{
    struct vb_view word;
    enum vb_status status = VB_OK;
    bool first = true;
    while (status == VB_OK && vb_text_list_next(&list, &word)) {
        status = vb_buffer_append_text(out, first ? opening : " ");
        if (status == VB_OK)
            status = vb_html_element(out, "<b", word, "</b>");
        first = false;
    }
    return status;
}

/* Who may see it stands beside the tags, where the platform says so apart from them. */
static enum vb_status append_tags(const struct vb_conversation *c, struct vb_buffer *out)
{
    enum vb_status status = append_words(out, "<p class=tags>", c->tags);
    if (status == VB_OK && c->has_audience)
        status = append_words(out, "<p class=audience>", c->audience);
    return status;
}

static enum vb_status append_customer(const struct vb_conversation *c, struct vb_buffer *out)
{
    const struct {
        const char *lead;
        struct vb_view text;
    } facts[] = {
        {"", c->contact_email},   {"", c->contact_phone},   {"", c->contact_company},
        {"", c->contact_address}, {"", c->contact_website}, {"lead ", c->contact_lead_status},
    };
    enum vb_status status = VB_OK;
    bool open = false;
    for (size_t i = 0; i < sizeof facts / sizeof *facts && status == VB_OK; i++) {
        if (facts[i].text.length == 0)
            continue;
        status = vb_buffer_append_text(out, open ? "" : "<p class=who>");
        open = true;
        if (status == VB_OK)
            status = append_fact(out, facts[i].lead, facts[i].text);
    }
    return status;
}

/* The contact, as in the names of files; where customers are left out, the time. */
static enum vb_status append_title(const struct vb_render_context *context,
                                   const struct vb_conversation *c, struct vb_buffer *out)
{
    const struct vb_view names[] = {c->contact_name, c->contact_phone, c->contact_email};
    if (vb_row_includes(context, VB_INCLUDE_CUSTOMER))
        for (size_t i = 0; i < 3; i++)
            if (names[i].length > 0)
                return vb_html_element(out, "", names[i], "</a></h2>\n");
    return vb_buffer_append_text(out, vb_row_includes(context, VB_INCLUDE_CUSTOMER)
                                          ? ">Unknown</a></h2>\n"
                                          : ">Conversation</a></h2>\n");
}

enum vb_status vb_html_conversation(const struct vb_render_context *context,
                                    const struct vb_conversation *c, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(out, "<article id=c-");
    if (status == VB_OK)
        status = vb_html_append_id(out, c->id);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "><h2><a href=#c-");
    if (status == VB_OK)
        status = vb_html_append_id(out, c->id);
    if (status == VB_OK)
        status = append_title(context, c, out);
    if (status == VB_OK)
        status = append_facts(context, c, out);
    if (status == VB_OK && vb_row_includes(context, VB_INCLUDE_CUSTOMER))
        status = append_customer(c, out);
    if (status == VB_OK && vb_row_includes(context, VB_INCLUDE_TAGS))
        status = append_tags(c, out);
    if (status == VB_OK && c->summary.length > 0)
        status = vb_html_element(out, "<p class=sum", c->summary, "");
    return status;
}
