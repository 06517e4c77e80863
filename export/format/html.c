/* HTML: a page that people read from disk, without network and without script.
 *
 * The head says what the export is and what it holds; behind it each conversation is an article
 * with its messages as a list, in the order of the source. What belongs to a conversation and is no
 * message (notes, events, skills) stands behind its messages. The markup is as lean as HTML allows
 * (no closing tags where they are optional, attributes unquoted), since a browser builds every node
 * of it: the classes of the list's elements are all that style and script go by, and words about a
 * row stand bare before and behind its time. A list ends after so many rows and another begins,
 * since a browser can leave out whole lists that are not in sight. Measured with 250,000 messages:
 * links in place of times, and elements around words, take it a fifth longer to read the file.
 *
 * Written as it comes, so a conversation of any size needs no memory: state->part counts the rows
 * of the open list, 0 before the first. A row that fails leaves buffer and state as they were.
 */
#include "html.h"

#include "recent.h"
#include "renderers.h"
#include "time_text.h"

#define LIST_ROWS 100

static unsigned columns(unsigned include)
{
    return vb_row_columns(include) | VB_COLUMNS_SUMMARY;
}

static enum vb_status begin_conversation(const struct vb_render_context *context,
                                         const struct vb_conversation *conversation,
                                         bool first_in_file, struct vb_buffer *out,
                                         struct vb_error *err)
{
    const struct vb_row_start start = vb_row_start(context, out);
    (void)first_in_file;
    context->state->part = 0;
    vb_recent_forget(context->state);
    enum vb_status status = vb_html_conversation(context, conversation, out);
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

/* Before the first row its list; a full one is followed by the next. */
static enum vb_status begin_row(const struct vb_render_context *context, struct vb_buffer *out)
{
    int rows = context->state->part;
    bool full = rows == LIST_ROWS;
    context->state->part = full ? 1 : rows + 1;
    return vb_buffer_append_text(out, full ? "\n</ol>\n<ol>\n" : rows == 0 ? "\n<ol>\n" : "\n");
}

/* How a row of each kind of speaker begins, what it is called without a name, and the word that
 * tells it from the others of its side. */
static const struct {
    const char *opening, *nameless, *role;
} speakers[] = {
    [VB_SPEAKER_CUSTOMER] = {"<li class=in id=m-", "Customer", ""},
    [VB_SPEAKER_BOT] = {"<li class=bot id=m-", "Bot", "bot "},
    [VB_SPEAKER_AGENT] = {"<li class=agent id=m-", "Agent", "agent "},
    [VB_SPEAKER_OTHER] = {"<li class=other id=m-", "Unknown", ""},
};

static enum vb_status append_speaker(const struct vb_render_context *context,
                                     const struct vb_conversation *c, const struct vb_message *m,
                                     struct vb_buffer *out)
{
    enum vb_speaker speaker = vb_row_speaker(m);
    struct vb_view name = vb_row_speaker_name(context, c, m);
    bool comes_in = vb_view_equals(m->direction, VB_VIEW("inbound"));
    /* Whoever it is, what comes in stands on the customer's side. */
    enum vb_status status = vb_buffer_append_text(out, speaker == VB_SPEAKER_OTHER && comes_in
                                                           ? "<li class=\"in other\" id=m-"
                                                           : speakers[speaker].opening);
    if (status == VB_OK)
        status = vb_html_append_id(out, m->id);
    if (status == VB_OK)
        status = name.length > 0 ? vb_html_element(out, "><b", name, " </b>")
                                 : vb_buffer_printf(out, "><b>%s </b>", speakers[speaker].nameless);
    if (status == VB_OK && speaker == VB_SPEAKER_OTHER && m->speaker_type.length > 0)
        return vb_html_words(out, "", m->speaker_type, " ");
    return status == VB_OK && name.length > 0 ? vb_buffer_append_text(out, speakers[speaker].role)
                                              : status;
}

/* Which message it answers, as a link where that one stands above. */
static enum vb_status append_reply(const struct vb_render_context *context,
                                   const struct vb_message *m, struct vb_buffer *out)
{
    if (m->reply_to.length == 0)
        return VB_OK;
    if (!vb_recent_find(context->state, m->reply_to).is_set)
        return vb_buffer_append_text(out, " in reply to an earlier message");
    enum vb_status status = vb_buffer_append_text(out, " in reply to <a class=re href=#m-");
    if (status == VB_OK)
        status = vb_html_append_id(out, m->reply_to);
    return status == VB_OK ? vb_buffer_append_text(out, ">an earlier message</a>") : status;
}

/* What kind of message it is, where it is not simply said, and what was done to it later. */
static enum vb_status append_marks(const struct vb_render_context *context,
                                   const struct vb_message *m, struct vb_buffer *out)
{
    bool is_plain = m->kind.length == 0 || vb_view_equals(m->kind, VB_VIEW("message"));
    enum vb_status status = is_plain ? VB_OK : vb_html_words(out, " ", m->kind, "");
    if (status == VB_OK)
        status = append_reply(context, m, out);
    if (status == VB_OK)
        status = vb_html_append_done(context, " edited ", m->edited_at, out);
    return status == VB_OK ? vb_html_append_done(context, " deleted ", m->deleted_at, out) : status;
}

static enum vb_status append_message(const struct vb_render_context *context,
                                     const struct vb_conversation *c, const struct vb_message *m,
                                     struct vb_buffer *out)
{
    enum vb_status status = begin_row(context, out);
    if (status == VB_OK)
        status = append_speaker(context, c, m, out);
    if (status == VB_OK)
        status = vb_html_append_time(context, m->created_at, out);
    if (status == VB_OK && m->status.length > 0)
        status = vb_html_words(out, " ", m->status, "");
    if (status == VB_OK && m->feedback.length > 0)
        status = vb_html_words(out, m->status.length > 0 ? " \xC2\xB7 " : " ", m->feedback, "");
    if (status == VB_OK)
        status = append_marks(context, m, out);
    if (status == VB_OK && m->text.length > 0)
        status = vb_html_element(out, "<p", m->text, "");
    if (status == VB_OK)
        status = vb_html_media(context, c, m, out);
    if (status == VB_OK && vb_row_includes(context, VB_INCLUDE_CITATIONS))
        status = vb_html_citations(m, out);
    return status;
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
    if (status == VB_OK)
        status = vb_recent_note(context->state, m);
    return vb_row_end(status, context, &start, out, conversation, &m->id, err);
}

static const struct {
    unsigned include;
    bool has_id;
    const char *opening, *nameless, *role;
} extras[] = {
    [VB_EXTRA_NOTE] = {VB_INCLUDE_NOTES, true, "<li class=note id=n-", "Note", "note "},
    [VB_EXTRA_EVENT] = {VB_INCLUDE_EVENTS, true, "<li class=event id=e-", "Event", "event "},
    [VB_EXTRA_SKILL] = {VB_INCLUDE_SKILLS, false, "<li class=skill", "Skill", "skill "},
    [VB_EXTRA_PARTICIPANT] = {VB_INCLUDE_PARTICIPANTS, false, "<li class=event", "Participant",
                              "participant "},
    [VB_EXTRA_REACTION] = {VB_INCLUDE_REACTIONS, false, "<li class=event", "Reaction", "reaction "},
    [VB_EXTRA_REVISION] = {VB_INCLUDE_REVISIONS, false, "<li class=event", "Unknown",
                           "earlier text "},
};

static enum vb_status append_extra_head(const struct vb_render_context *context,
                                        const struct vb_extra *x, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(out, extras[x->kind].opening);
    if (status == VB_OK && extras[x->kind].has_id)
        status = vb_html_append_id(out, x->id);
    if (status == VB_OK && x->first.length > 0)
        status = vb_html_element(out, "><b", x->first, " </b>");
    else if (status == VB_OK)
        status = vb_buffer_printf(out, "><b>%s </b>", extras[x->kind].nameless);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, extras[x->kind].role);
    if (status == VB_OK && !x->undated)
        status = vb_html_append_time(context, x->created_at, out);
    return status == VB_OK ? vb_html_append_done(context, " left ", x->left_at, out) : status;
}

/* Whether the second text is what was written, and not a word about it. */
static bool is_text(enum vb_extra_kind kind)
{
    return kind == VB_EXTRA_NOTE || kind == VB_EXTRA_SKILL || kind == VB_EXTRA_REVISION;
}

static enum vb_status append_extra(const struct vb_render_context *context,
                                   const struct vb_extra *x, struct vb_buffer *out)
{
    enum vb_status status = begin_row(context, out);
    if (status == VB_OK)
        status = append_extra_head(context, x, out);
    if (status == VB_OK && x->second.length > 0)
        status = vb_html_element(out, is_text(x->kind) ? "<p" : " <small", x->second,
                                 is_text(x->kind) ? "" : "</small>");
    if (status == VB_OK && x->kind == VB_EXTRA_EVENT && x->third.length > 0)
        status = vb_html_element(out, "<p", x->third, "");
    return status;
}

static enum vb_status extra(const struct vb_render_context *context,
                            const struct vb_conversation *conversation, const struct vb_extra *x,
                            struct vb_buffer *out, struct vb_error *err)
{
    if (!(context->include & extras[x->kind].include))
        return VB_OK;
    const struct vb_row_start start = vb_row_start(context, out);
    enum vb_status status = append_extra(context, x, out);
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

static enum vb_status end_conversation(const struct vb_render_context *context,
                                       const struct vb_conversation *conversation,
                                       struct vb_buffer *out, struct vb_error *err)
{
    const struct vb_row_start start = vb_row_start(context, out);
    enum vb_status status = vb_buffer_append_text(
        out, context->state->part > 0 ? "\n</ol></article>\n" : "\n</article>\n");
    return vb_row_end(status, context, &start, out, conversation, NULL, err);
}

/* Of what is no row: `what` says for which part there was no room. */
static enum vb_status told(enum vb_status status, const char *what, struct vb_error *err)
{
    return status == VB_OK ? status : vb_fail(err, status, "no room for %s", what);
}

static enum vb_status told_head(enum vb_status status, struct vb_error *err)
{
    if (status == VB_INVALID)
        return vb_fail(err, VB_SOURCE, "the name of what is exported is not valid UTF-8");
    return told(status, "the head of an HTML file", err);
}

static enum vb_status begin_file(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err)
{
    return told_head(vb_html_begin(context, out), err);
}

static enum vb_status end_file(const struct vb_render_context *context, struct vb_buffer *out,
                               struct vb_error *err)
{
    return told(vb_html_end(context, out), "the end of an HTML file", err);
}

static enum vb_status begin_index(const struct vb_render_context *context, struct vb_buffer *out,
                                  struct vb_error *err)
{
    return told_head(vb_html_begin_index(context, out), err);
}

static enum vb_status index_file(const struct vb_render_context *context, struct vb_view name,
                                 struct vb_buffer *out, struct vb_error *err)
{
    (void)context;
    return told(vb_html_index_file(name, out), "a link to a file", err);
}

static enum vb_status end_index(const struct vb_render_context *context, struct vb_buffer *out,
                                struct vb_error *err)
{
    return told(vb_html_end_index(context, out), "the end of an HTML file", err);
}

const struct vb_renderer vb_html_renderer = {
    .format = "html",
    .extension = ".html",
    .content_type = "text/html; charset=utf-8",
    .has_statistics = true,
    .has_front = true,
    .columns = columns,
    .begin_file = begin_file,
    .conversation = begin_conversation,
    .message = message,
    .extra = extra,
    .end_conversation = end_conversation,
    .end_file = end_file,
    .begin_index = begin_index,
    .index_file = index_file,
    .end_index = end_index,
};
