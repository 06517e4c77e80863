/* PDF: a transcript a conversation, for people; see docs/formats.md. Pages are verbatim/pdf.h's.
 *
 * A file is one conversation. The press is made at the first one of a state and serves all that
 * follow. A file without any is one page that says so, since no bytes would be no PDF.
 *
 * Times are local, to the second; the offset stands with each day, and with each time that has
 * another one.
 */
#include "phrase.h"
#include "recent.h"
#include "renderers.h"
#include "row.h"

#include "verbatim/names.h"
#include "verbatim/pdf.h"

#include <stdio.h>

/* What the state's `side` and `part` are here. */
enum {
    NO_SECTION,
    IN_MESSAGES,
    IN_NOTES,
    IN_EVENTS,
    IN_SKILLS,
    IN_PARTICIPANTS,
    IN_REACTIONS,
    IN_REVISIONS
};
enum { EMPTY_FILE, HAS_CONVERSATION };

/* --- the head --- */

static struct vb_civil civil_of(const struct vb_render_context *context, vb_instant at)
{
    return vb_civil_of(at, vb_zone_offset(context->zone, at));
}

#define FACTS 24

struct head {
    struct vb_pdf_fact facts[FACTS];
    size_t count;
    struct vb_phrase started, ended, zone, channel, tags, csat;
};

static void put(struct head *head, const char *label, struct vb_view value)
{
    if (value.length > 0 && head->count < FACTS)
        head->facts[head->count++] = (struct vb_pdf_fact){label, value};
}

/* The contact's name, or what else there is of a person. */
static struct vb_view title_of(const struct vb_render_context *context,
                               const struct vb_conversation *c)
{
    if (!vb_row_includes(context, VB_INCLUDE_CUSTOMER))
        return VB_VIEW("Conversation");
    const struct vb_view names[] = {c->contact_name, c->contact_phone, c->contact_email};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].length > 0)
            return names[i];
    return VB_VIEW("Unknown contact");
}

static void put_customer(struct head *head, const struct vb_conversation *c)
{
    put(head, "Phone", c->contact_phone);
    put(head, "E-mail", c->contact_email);
    put(head, "Company", c->contact_company);
    put(head, "Address", c->contact_address);
    put(head, "Website", c->contact_website);
    put(head, "Lead status", c->contact_lead_status);
}

static void put_times(struct head *head, const struct vb_render_context *context,
                      const struct vb_conversation *c)
{
    vb_phrase_add_moment(&head->started, context->zone, c->created_at);
    put(head, "Started", vb_phrase_view(&head->started));
    if (c->has_ended_at)
        vb_phrase_add_moment(&head->ended, context->zone, c->ended_at);
    put(head, "Ended", vb_phrase_view(&head->ended));
    put(head, "Time zone", vb_view_of(context->zone_name ? context->zone_name : "UTC"));
}

static void put_outcome(struct head *head, const struct vb_render_context *context,
                        const struct vb_conversation *c)
{
    char rating[32];
    put(head, "Assistant", c->assistant_name);
    put(head, "Agent", c->assigned_agent);
    put(head, "Title", c->title);
    put(head, "Status", c->status);
    put(head, "Priority", c->priority);
    if (c->has_csat_rating) {
        (void)snprintf(rating, sizeof rating, "%lld", (long long)c->csat_rating);
        vb_phrase_add(&head->csat, vb_view_of(rating));
        vb_phrase_join(&head->csat, " · ", c->csat_comment);
    }
    put(head, "Rating", vb_phrase_view(&head->csat));
    if (vb_row_includes(context, VB_INCLUDE_TAGS))
        vb_phrase_add_list(&head->tags, c->tags);
    put(head, "Tags", vb_phrase_view(&head->tags));
}

static void add_channel(struct vb_phrase *words, const struct vb_channel *channel)
{
    vb_phrase_add(words, channel->name);
    if (channel->phone_number.length > 0 && !vb_view_equals(channel->phone_number, channel->name))
        vb_phrase_join(words, " · ", channel->phone_number);
}

static enum vb_status open_document(struct vb_pdf *pdf, const struct vb_render_context *context,
                                    const struct vb_conversation *c, struct vb_buffer *out,
                                    struct vb_error *err)
{
    struct head head = {0};
    struct vb_phrase about = {0};
    add_channel(&head.channel, vb_row_channel(context, c));
    put(&head, "Channel", vb_phrase_view(&head.channel));
    put_outcome(&head, context, c);
    if (vb_row_includes(context, VB_INCLUDE_CUSTOMER))
        put_customer(&head, c);
    put_times(&head, context, c);
    put(&head, "Conversation", c->id);
    vb_phrase_join(&about, " · ", vb_row_channel(context, c)->name);
    if (about.length > 0)
        vb_phrase_add(&about, VB_VIEW(" · "));
    vb_phrase_add_date(&about, civil_of(context, c->created_at).date);
    const struct vb_pdf_head page = {.title = title_of(context, c),
                                     .about = vb_phrase_view(&about),
                                     .facts = head.facts,
                                     .fact_count = head.count,
                                     .created_at = c->created_at};
    return vb_pdf_open(pdf, &page, out, err);
}

/* --- the state --- */

static void free_press(void *press)
{
    vb_pdf_free(press);
}

static enum vb_status open_press(const struct vb_render_context *context, struct vb_error *err)
{
    struct vb_render_state *state = context->state;
    struct vb_pdf *pdf;
    if (state->document)
        return VB_OK;
    enum vb_status status =
        vb_pdf_new(context->fonts ? context->fonts : VB_PDF_FONTS, context->brand, &pdf, err);
    if (status == VB_OK) {
        state->document = pdf;
        state->document_free = free_press;
    }
    return status;
}

/* --- the calls --- */

static enum vb_status begin_file(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err)
{
    (void)out;
    context->state->part = EMPTY_FILE;
    return open_press(context, err);
}

static enum vb_status begin_conversation(const struct vb_render_context *context,
                                         const struct vb_conversation *conversation,
                                         bool first_in_file, struct vb_buffer *out,
                                         struct vb_error *err)
{
    struct vb_render_state *state = context->state;
    struct vb_row_start start = vb_row_start(context, out);
    (void)first_in_file;
    enum vb_status status = open_press(context, err);
    if (status != VB_OK)
        return status;
    state->messages = 0;
    vb_recent_forget(state);
    state->part = HAS_CONVERSATION;
    state->side = NO_SECTION;
    state->day = INT64_MIN;
    status = open_document(state->document, context, conversation, out, err);
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

/* A new day, by the workspace's calendar. */
static enum vb_status put_day(const struct vb_render_context *context, vb_instant at,
                              struct vb_buffer *out)
{
    static const char *const days[] = {"Thursday", "Friday",  "Saturday", "Sunday",
                                       "Monday",   "Tuesday", "Wednesday"};
    struct vb_render_state *state = context->state;
    int64_t day = vb_date_to_days(civil_of(context, at).date);
    struct vb_phrase words = {0};
    if (state->day == day)
        return VB_OK;
    state->day = day;
    state->offset = vb_zone_offset(context->zone, at);
    vb_phrase_add(&words, vb_view_of(days[(day % 7 + 7) % 7]));
    vb_phrase_add(&words, VB_VIEW(", "));
    vb_phrase_add_date(&words, vb_date_from_days(day));
    vb_phrase_add(&words, VB_VIEW("  ("));
    vb_phrase_add_offset(&words, state->offset);
    vb_phrase_add(&words, VB_VIEW(")"));
    return vb_pdf_add_heading(state->document, VB_PDF_DAY, vb_phrase_view(&words), out);
}

static const struct voice {
    const char *type, *role;
    enum vb_pdf_voice voice;
} voices[] = {
    {"customer", "Customer", VB_PDF_CUSTOMER},
    {"bot", "Bot", VB_PDF_BOT},
    {"agent", "Agent", VB_PDF_AGENT},
};

/* Other speakers stand on the side that the direction says. */
static struct voice voice_of(const struct vb_message *m)
{
    for (size_t i = 0; i < sizeof voices / sizeof *voices; i++)
        if (vb_view_equals(m->speaker_type, vb_view_of(voices[i].type)))
            return voices[i];
    if (vb_view_equals(m->direction, VB_VIEW("outbound")))
        return (struct voice){NULL, "Sent", VB_PDF_AGENT};
    if (vb_view_equals(m->direction, VB_VIEW("inbound")))
        return (struct voice){NULL, "Received", VB_PDF_CUSTOMER};
    return (struct voice){NULL, "Unknown speaker", VB_PDF_UNKNOWN};
}

static enum vb_status begin_message(const struct vb_render_context *context,
                                    const struct vb_conversation *c, const struct vb_message *m,
                                    struct vb_buffer *out)
{
    const struct vb_render_state *state = context->state;
    struct voice voice = voice_of(m);
    struct vb_view name = vb_row_speaker_name(context, c, m);
    struct vb_phrase detail = {0};
    int offset = vb_zone_offset(context->zone, m->created_at);
    if (name.length > 0)
        vb_phrase_add(&detail, vb_view_of(voice.role));
    if (detail.length > 0)
        vb_phrase_add(&detail, VB_VIEW(" · "));
    vb_phrase_add_clock(&detail, vb_civil_of(m->created_at, offset));
    if (offset != state->offset) {
        vb_phrase_add(&detail, VB_VIEW(" "));
        vb_phrase_add_offset(&detail, offset);
    }
    return vb_pdf_begin_entry(state->document, voice.voice,
                              name.length > 0 ? name : vb_view_of(voice.role),
                              vb_phrase_view(&detail), out);
}

/* --- media and citations --- */

/* The name of the archive's entry, which leads to where it came from. */
static enum vb_status put_media(const struct vb_render_context *context,
                                const struct vb_conversation *c, const struct vb_message *m,
                                struct vb_buffer *out)
{
    struct vb_text_list attachments = m->attachments, urls = m->media_urls;
    struct vb_pdf *pdf = context->state->document;
    struct vb_view v[4], url;
    char entry[VB_MEDIA_NAME_BYTES + 1];
    enum vb_status status = VB_OK;
    while (status == VB_OK && vb_text_list_next_group(&attachments, v, 4)) {
        status = vb_media_entry_name(c->id, v[0], v[2], v[3], entry);
        if (status == VB_OK)
            status = vb_pdf_add_link(pdf, vb_view_of(entry), v[1], out);
    }
    while (status == VB_OK && vb_text_list_next(&urls, &url))
        if (!vb_row_is_attached(m, url))
            status = vb_pdf_add_link(pdf, url, url, out);
    return status;
}

static enum vb_status put_citations(struct vb_pdf *pdf, struct vb_text_list citations,
                                    struct vb_buffer *out)
{
    struct vb_view v[3];
    enum vb_status status = VB_OK;
    unsigned number = 0;
    while (status == VB_OK && vb_text_list_next_group(&citations, v, 3)) {
        struct vb_phrase words = {0};
        char mark[32];
        (void)snprintf(mark, sizeof mark, "[%u] ", ++number);
        vb_phrase_add(&words, vb_view_of(mark));
        vb_phrase_add(&words, v[0].length > 0 ? v[0] : v[1]);
        status = vb_pdf_add_link(pdf, vb_phrase_view(&words), v[1], out);
        if (status == VB_OK && v[2].length > 0)
            status = vb_pdf_add_small(pdf, v[2], out);
    }
    return status;
}

static void add_done(struct vb_phrase *words, const struct vb_render_context *context,
                     const char *what, struct vb_maybe_instant time)
{
    if (!time.is_set)
        return;
    if (words->length > 0)
        vb_phrase_add(words, VB_VIEW(" · "));
    vb_phrase_add(words, vb_view_of(what));
    vb_phrase_add_moment(words, context->zone, time.at);
}

/* Which message it answers: by its time, where it stands above. */
static void add_reply(struct vb_phrase *words, const struct vb_render_context *context,
                      const struct vb_message *m)
{
    if (m->reply_to.length == 0)
        return;
    struct vb_maybe_instant at = vb_recent_find(context->state, m->reply_to);
    if (at.is_set)
        add_done(words, context, "in reply to ", at);
    else
        vb_phrase_join(words, " · ", VB_VIEW("in reply to an earlier message"));
}

/* What kind of message it is, what became of it, and what was thought of it. */
static enum vb_status put_fate(const struct vb_render_context *context, const struct vb_message *m,
                               struct vb_buffer *out)
{
    struct vb_pdf *pdf = context->state->document;
    struct vb_phrase words = {0};
    vb_phrase_add(&words, m->status);
    if (m->feedback.length > 0) {
        vb_phrase_join(&words, " · ", VB_VIEW("feedback: "));
        vb_phrase_add(&words, m->feedback);
    }
    if (!vb_view_equals(m->kind, VB_VIEW("message")))
        vb_phrase_join(&words, " · ", m->kind);
    add_reply(&words, context, m);
    add_done(&words, context, "edited ", m->edited_at);
    add_done(&words, context, "deleted ", m->deleted_at);
    return words.length > 0 ? vb_pdf_add_small(pdf, vb_phrase_view(&words), out) : VB_OK;
}

static enum vb_status put_message(const struct vb_render_context *context,
                                  const struct vb_conversation *c, const struct vb_message *m,
                                  struct vb_buffer *out)
{
    struct vb_pdf *pdf = context->state->document;
    enum vb_status status = put_day(context, m->created_at, out);
    if (status == VB_OK)
        status = begin_message(context, c, m, out);
    if (status == VB_OK)
        status = vb_pdf_add_text(pdf, m->text, out);
    if (status == VB_OK)
        status = put_media(context, c, m, out);
    if (status == VB_OK)
        status = put_citations(pdf, m->citations, out);
    if (status == VB_OK)
        status = put_fate(context, m, out);
    if (status == VB_OK)
        status = vb_recent_note(context->state, m);
    return status == VB_OK ? vb_pdf_end_entry(pdf, out) : status;
}

static enum vb_status append_message(const struct vb_render_context *context,
                                     const struct vb_conversation *conversation,
                                     const struct vb_message *message, struct vb_buffer *out,
                                     struct vb_error *err)
{
    struct vb_row_start start = vb_row_start(context, out);
    context->state->messages++;
    if (vb_pdf_pages(context->state->document) > VB_PDF_PAGES)
        return vb_fail(err, VB_LIMIT,
                       "conversation %.*s: a transcript (PDF) has at most %u pages; export the "
                       "conversation in another format",
                       (int)conversation->id.length, conversation->id.data, VB_PDF_PAGES);
    enum vb_status status = put_message(context, conversation, message, out);
    return vb_row_end(status, context, &start, out, conversation, &message->id, err);
}

/* --- notes, events, skills --- */

static const struct section {
    const char *title;
    int section;
    enum vb_pdf_voice voice;
} sections[] = {
    [VB_EXTRA_NOTE] = {"Internal notes", IN_NOTES, VB_PDF_NOTE},
    [VB_EXTRA_EVENT] = {"Events", IN_EVENTS, VB_PDF_LINE},
    [VB_EXTRA_SKILL] = {"Skills", IN_SKILLS, VB_PDF_LINE},
    [VB_EXTRA_PARTICIPANT] = {"Participants", IN_PARTICIPANTS, VB_PDF_LINE},
    [VB_EXTRA_REACTION] = {"Reactions", IN_REACTIONS, VB_PDF_LINE},
    [VB_EXTRA_REVISION] = {"Earlier texts", IN_REVISIONS, VB_PDF_NOTE},
};

/* A note has its author and its text, an event what happened and by whom, a skill its name and what
 * came of it. */
static enum vb_status put_extra(const struct vb_render_context *context,
                                const struct vb_extra *extra, struct vb_buffer *out)
{
    struct vb_pdf *pdf = context->state->document;
    const struct section *section = &sections[extra->kind];
    bool is_text = section->voice == VB_PDF_NOTE;
    struct vb_phrase detail = {0};
    enum vb_status status = VB_OK;
    if (context->state->side != section->section)
        status = vb_pdf_add_heading(pdf, VB_PDF_SECTION, vb_view_of(section->title), out);
    context->state->side = section->section;
    if (!is_text)
        vb_phrase_add(&detail, extra->second);
    add_done(&detail, context, "", (struct vb_maybe_instant){!extra->undated, extra->created_at});
    add_done(&detail, context, "left ", extra->left_at);
    if (status == VB_OK)
        status =
            vb_pdf_begin_entry(pdf, section->voice, extra->first, vb_phrase_view(&detail), out);
    if (status == VB_OK && is_text)
        status = vb_pdf_add_text(pdf, extra->second, out);
    if (status == VB_OK && extra->kind == VB_EXTRA_EVENT)
        status = vb_pdf_add_text(pdf, extra->third, out);
    return status == VB_OK ? vb_pdf_end_entry(pdf, out) : status;
}

static enum vb_status append_extra(const struct vb_render_context *context,
                                   const struct vb_conversation *conversation,
                                   const struct vb_extra *extra, struct vb_buffer *out,
                                   struct vb_error *err)
{
    struct vb_row_start start = vb_row_start(context, out);
    return vb_row_end(put_extra(context, extra, out), context, &start, out, conversation, NULL,
                      err);
}

static enum vb_status end_conversation(const struct vb_render_context *context,
                                       const struct vb_conversation *conversation,
                                       struct vb_buffer *out, struct vb_error *err)
{
    struct vb_row_start start = vb_row_start(context, out);
    struct vb_render_state *state = context->state;
    enum vb_status status = VB_OK;
    if (state->messages == 0 && vb_row_includes(context, VB_INCLUDE_MESSAGES))
        status = vb_pdf_add_heading(state->document, VB_PDF_SECTION, VB_VIEW("No messages"), out);
    if (status == VB_OK)
        status = vb_pdf_close(state->document, out);
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

/* A file that was asked for alone, of a conversation that is not there any more. */
static enum vb_status end_file(const struct vb_render_context *context, struct vb_buffer *out,
                               struct vb_error *err)
{
    const struct vb_pdf_head head = {.title = VB_VIEW("No conversation"), .about = VB_VIEW("")};
    struct vb_render_state *state = context->state;
    if (state->part == HAS_CONVERSATION)
        return VB_OK;
    enum vb_status status = open_press(context, err);
    if (status == VB_OK)
        status = vb_pdf_open(state->document, &head, out, err);
    if (status == VB_OK && (status = vb_pdf_close(state->document, out)) != VB_OK)
        return vb_fail(err, status, "no room for the page of a file without conversations");
    return status;
}

const struct vb_renderer vb_pdf_renderer = {
    .format = "pdf",
    .extension = ".pdf",
    .content_type = "application/pdf",
    .has_brand = true,
    .columns = vb_row_columns,
    .begin_file = begin_file,
    .conversation = begin_conversation,
    .message = append_message,
    .extra = append_extra,
    .end_conversation = end_conversation,
    .end_file = end_file,
};
