/* The text of nothing-found.txt; see nothing_found.h. Lines end in CRLF, as in the CSV files.
 *
 * The range is told as the heads of pages tell it: days where it is cut at days, and an open end in
 * words, for its instant would be the job's.
 */
#include "verbatim/nothing_found.h"

#include "phrase.h"

#include "verbatim/names.h"
#include "verbatim/text.h"

#include <string.h>

#define LINE_END "\r\n"

/* A name may hold anything; a line of it stays one line. */
static enum vb_status append_clean(struct vb_buffer *out, struct vb_view text)
{
    enum vb_status status = VB_OK;
    while (text.length > 0 && status == VB_OK) {
        const char *start = text.data;
        bool whole = vb_utf8_width(text.data, text.length) > 0;
        uint32_t c = whole ? vb_utf8_next(&text) : 0;
        if (!whole)
            text = (struct vb_view){text.data + 1, text.length - 1};
        bool is_line = c >= 0x20 && (c < 0x7F || c > 0x9F) && c != 0x2028 && c != 0x2029;
        status = is_line ? vb_buffer_append(out, start, (size_t)(text.data - start))
                         : vb_buffer_append_byte(out, '?');
    }
    return status;
}

static enum vb_status append_line(struct vb_buffer *out, const char *name, struct vb_view text)
{
    if (text.length == 0)
        return VB_OK;
    enum vb_status status = vb_buffer_printf(out, "%s: ", name);
    if (status == VB_OK)
        status = append_clean(out, text);
    return status == VB_OK ? vb_buffer_append_text(out, LINE_END) : status;
}

static enum vb_status append_list(struct vb_buffer *out, const char *name,
                                  const struct vb_words *words)
{
    enum vb_status status = VB_OK;
    if (!words->items)
        return VB_OK;
    status = vb_buffer_printf(out, "%s: ", name);
    for (size_t i = 0; i < words->count && status == VB_OK; i++) {
        status = vb_buffer_append_text(out, i > 0 ? ", " : "");
        if (status == VB_OK)
            status = append_clean(out, vb_view_of(words->items[i]));
    }
    return status == VB_OK ? vb_buffer_append_text(out, LINE_END) : status;
}

/* By name where the export knows it, else by the id that was given. */
static enum vb_status append_subject(const struct vb_render_context *context, struct vb_buffer *out)
{
    const struct vb_render_about *about = context->about;
    const struct vb_selection *selection = about->selection;
    struct vb_view channel = vb_channel_title(context->channel);
    const struct {
        const char *name, *id;
    } ids[] = {{"Assistant", selection->assistant_id}, {"Contact", selection->contact_id}};
    enum vb_status status = append_line(
        out, "Channel", channel.length > 0 ? channel : vb_view_of(selection->channel_id));
    if (status == VB_OK && context->channel.name.length > 0)
        status = append_line(out, "Channel's number", context->channel.phone_number);
    for (size_t i = 0; i < 2 && status == VB_OK; i++) {
        bool named = about->what && strcmp(about->what, ids[i].name) == 0;
        status =
            append_line(out, ids[i].name,
                        named && about->title.length > 0 ? about->title : vb_view_of(ids[i].id));
    }
    return status == VB_OK ? append_list(out, "Conversations", &selection->conversation_ids)
                           : status;
}

static void add_border(const struct vb_render_context *context, bool by_day, vb_instant day,
                       vb_instant at, struct vb_phrase *phrase)
{
    if (by_day)
        vb_phrase_add_date(phrase, vb_zone_day_of(context->zone, day));
    else
        vb_phrase_add_moment(phrase, context->zone, at);
}

/* Days are inclusive, as people say them; instants are half open. */
static enum vb_status append_range(const struct vb_render_context *context, struct vb_buffer *out)
{
    const struct vb_render_about *about = context->about;
    const struct vb_selection *selection = about->selection;
    struct vb_phrase phrase = {0};
    bool by_day = (!about->has_from || vb_zone_is_border(context->zone, selection->from)) &&
                  (!about->has_to || vb_zone_is_border(context->zone, selection->to));
    if (!about->has_from && !about->has_to)
        return append_line(out, "Time range", VB_VIEW("everything until the export"));
    if (about->has_from) {
        vb_phrase_add(&phrase, VB_VIEW("from "));
        add_border(context, by_day, selection->from, selection->from, &phrase);
    }
    vb_phrase_join(&phrase, " ",
                   !about->has_to ? VB_VIEW("until the export")
                   : by_day       ? VB_VIEW("to the end of ")
                                  : VB_VIEW("until before "));
    if (about->has_to)
        add_border(context, by_day, selection->to - 1, selection->to, &phrase);
    vb_phrase_add(&phrase, VB_VIEW(" ("));
    vb_phrase_add(&phrase, vb_view_of(about->time_zone));
    vb_phrase_add(&phrase, VB_VIEW(")"));
    return append_line(out, "Time range", vb_phrase_view(&phrase));
}

enum vb_status vb_nothing_found(const struct vb_render_context *context, struct vb_buffer *out)
{
    const struct vb_selection *selection = context->about->selection;
    enum vb_status status = vb_buffer_append_text(
        out, "Nothing was found: no conversation matches what was asked for." LINE_END LINE_END);
    if (status == VB_OK)
        status = append_subject(context, out);
    if (status == VB_OK)
        status = append_range(context, out);
    if (status == VB_OK)
        status = append_list(out, "Only of channels", &selection->channel_ids);
    if (status == VB_OK)
        status = append_list(out, "Only with status", &selection->statuses);
    if (status == VB_OK)
        status = append_list(out, "Only tagged", &selection->tags);
    if (status == VB_OK && selection->completed_only)
        status = append_line(out, "Only", VB_VIEW("completed conversations"));
    if (status == VB_OK && selection->activity)
        status = append_line(out, "Only", VB_VIEW("messages of the time range"));
    return status;
}
