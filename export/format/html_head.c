/* The head of a page and its end; see html.h.
 *
 * Style and script stand in the page itself, which has to be opened from a disk, and their digests
 * in its Content-Security-Policy: whatever a message says, nothing else of the page is a style or
 * runs, and nothing is loaded but the media that lie beside the file. All of it depends on the
 * export alone, so every worker writes the same head.
 */
#include "html.h"

#include "time_text.h"

#include "verbatim/embedded.h"
#include "verbatim/hash.h"
#include "verbatim/names.h"
#include "verbatim/text.h"

#include <string.h>

/* archive.css and archive.js, in this order. */
extern const struct vb_embedded vb_html_files[];
enum { STYLE, SCRIPT };

/* Base64 of a digest: 32 bytes, so there is one `=` at the end. */
static void digest_text(const struct vb_embedded *file, char text[45])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char digest[VB_SHA256 + 1] = {0};
    char *to = text;
    if (vb_hex_decode(vb_view_of(file->sha256), digest, VB_SHA256) != VB_OK)
        memset(digest, 0, sizeof digest);
    for (size_t i = 0; i < sizeof digest; i += 3) {
        uint32_t bits = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *to++ = letters[bits >> shift & 63];
    }
    to[-1] = '=';
    *to = '\0';
}

/* One conversation is searched by the browser itself, and an archive has very many such files. */
static bool has_script(const struct vb_render_context *context)
{
    return !context->about || context->about->kind != VB_FILE_CONVERSATION;
}

/* Nothing but what stands in the page, and media beside it. */
static enum vb_status append_policy(const struct vb_render_context *context, struct vb_buffer *out)
{
    char style[45], script[45];
    bool media = vb_row_includes(context, VB_INCLUDE_MEDIA);
    digest_text(&vb_html_files[STYLE], style);
    digest_text(&vb_html_files[SCRIPT], script);
    enum vb_status status =
        vb_buffer_printf(out,
                         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                         "'none'; style-src 'sha256-%s'; ",
                         style);
    if (status == VB_OK && has_script(context))
        status = vb_buffer_printf(out, "script-src 'sha256-%s'; ", script);
    if (status == VB_OK && media)
        status = vb_buffer_append_text(out, "img-src 'self'; media-src 'self'; ");
    return status == VB_OK ? vb_buffer_append_text(out, "base-uri 'none'; form-action 'none'\">")
                           : status;
}

/* What the page is called where nothing is known of the export. */
static struct vb_view title_of(const struct vb_render_context *context)
{
    const struct vb_render_about *about = context->about;
    return about && about->title.length > 0 ? about->title : VB_VIEW("All conversations");
}

static enum vb_status append_head(const struct vb_render_context *context, struct vb_buffer *out)
{
    static const char start[] =
        "<!DOCTYPE html>\n<html lang=en data-verbatim=1><head><meta charset=utf-8>";
    static const char metas[] =
        "<meta name=viewport content=\"width=device-width, initial-scale=1\">"
        "<meta name=referrer content=no-referrer>"
        "<meta name=color-scheme content=\"light dark\">";
    enum vb_status status = vb_buffer_append_text(out, start);
    if (status == VB_OK)
        status = append_policy(context, out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, metas);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "<title>");
    if (status == VB_OK)
        status = vb_html_append(out, title_of(context));
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "</title>\n<style>");
    if (status == VB_OK)
        status = vb_buffer_append(out, vb_html_files[STYLE].bytes, vb_html_files[STYLE].length);
    return status == VB_OK ? vb_buffer_append_text(out, "</style></head>\n") : status;
}

/* --- what is exported --- */

static enum vb_status append_row(struct vb_buffer *out, const char *name, struct vb_view text)
{
    if (text.length == 0)
        return VB_OK;
    enum vb_status status = vb_buffer_printf(out, "<div><dt>%s</dt>", name);
    return status == VB_OK ? vb_html_element(out, "<dd", text, "</dd></div>") : status;
}

/* Where all of it is of one. */
static enum vb_status append_channel(const struct vb_channel *channel, struct vb_buffer *out)
{
    enum vb_status status = append_row(out, "Channel", vb_channel_title(*channel));
    if (status == VB_OK && channel->name.length > 0)
        status = append_row(out, "Channel's number", channel->phone_number);
    return status == VB_OK ? append_row(out, "Channel's type", channel->type) : status;
}

static enum vb_status append_exported(const struct vb_render_context *context,
                                      struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(out, "<div><dt>Exported</dt><dd>");
    if (status == VB_OK)
        status = vb_html_append_time(context, context->about->selection->as_of, out);
    return status == VB_OK ? vb_buffer_append_text(out, "</dd></div>") : status;
}

/* A day where the range is cut at one, else the instant. */
static enum vb_status append_border(const struct vb_render_context *context, bool by_day,
                                    vb_instant day, vb_instant at, struct vb_buffer *out)
{
    struct vb_date date = vb_zone_day_of(context->zone, day);
    return by_day ? vb_buffer_printf(out, "<time>%04d-%02d-%02d</time>", date.year, date.month,
                                     date.day)
                  : vb_html_append_time(context, at, out);
}

/* Days are inclusive, as people say them; instants are half open. A side that is open, or lies
 * behind the export, ends with it. */
static enum vb_status append_range(const struct vb_render_context *context, struct vb_buffer *out)
{
    const struct vb_selection *selection = context->about->selection;
    bool has_from = context->about->has_from, has_to = context->about->has_to;
    bool by_day = (!has_from || vb_zone_is_border(context->zone, selection->from)) &&
                  (!has_to || vb_zone_is_border(context->zone, selection->to));
    enum vb_status status = vb_buffer_append_text(out, "<div><dt>Time range</dt><dd>");
    if (status == VB_OK && has_from)
        status = append_border(context, by_day, selection->from, selection->from, out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, !has_from          ? "Until "
                                            : by_day && has_to ? " to "
                                            : has_to           ? " until before "
                                                               : " until ");
    if (status == VB_OK && has_to)
        status = append_border(context, by_day, selection->to - 1, selection->to, out);
    else if (status == VB_OK)
        status = vb_buffer_append_text(out, "the export");
    if (status == VB_OK)
        status = vb_buffer_append_text(out, " <span>(");
    if (status == VB_OK)
        status = vb_html_append(out, vb_view_of(context->about->time_zone));
    return status == VB_OK ? vb_buffer_append_text(out, ")</span></dd></div>") : status;
}

static enum vb_status append_list(struct vb_buffer *out, const char *name,
                                  const struct vb_words *words)
{
    enum vb_status status = VB_OK;
    if (!words->items)
        return VB_OK;
    status = vb_buffer_printf(out, "<div><dt>%s</dt><dd>", name);
    for (size_t i = 0; i < words->count && status == VB_OK; i++) {
        status = vb_buffer_append_text(out, i > 0 ? ", " : "");
        if (status == VB_OK)
            status = vb_html_element(out, "<bdi", vb_view_of(words->items[i]), "</bdi>");
    }
    return status == VB_OK ? vb_buffer_append_text(out, "</dd></div>") : status;
}

/* What narrows the export, so that nobody takes a part for all. */
static enum vb_status append_filters(const struct vb_selection *selection, struct vb_buffer *out)
{
    enum vb_status status = append_list(out, "Only with status", &selection->statuses);
    if (status == VB_OK)
        status = append_list(out, "Only tagged", &selection->tags);
    if (status == VB_OK && selection->completed_only)
        status = append_row(out, "Only", VB_VIEW("completed conversations"));
    if (status == VB_OK && selection->activity)
        status = append_row(out, "Only", VB_VIEW("messages of the time range"));
    return status;
}

/* One of an archive's files. */
static bool is_part(const struct vb_render_about *about)
{
    return about->kind == VB_FILE_CHUNK || about->kind == VB_FILE_CONVERSATION;
}

static enum vb_status append_totals(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    enum vb_status status = vb_html_append_figure(out, "Conversations", statistics->conversations);
    return status == VB_OK
               ? vb_html_append_figure(out, "Messages", vb_statistics_messages(statistics))
               : status;
}

/* The numbers are of the whole export, so they stand only where all of it follows. */
static bool tells_all(const struct vb_render_about *about)
{
    return about && about->statistics && !is_part(about);
}

static enum vb_status append_about(const struct vb_render_context *context, struct vb_buffer *out)
{
    const struct vb_render_about *about = context->about;
    enum vb_status status = vb_html_element(out, "<header id=top><h1", title_of(context), "</h1>");
    if (status != VB_OK || !about)
        return status == VB_OK ? vb_buffer_append_text(out, "</header>\n") : status;
    status = vb_buffer_append_text(out, "<dl class=about>");
    if (status == VB_OK)
        status = append_row(out, "Workspace", about->workspace);
    if (status == VB_OK && about->what)
        status = append_row(out, about->what, about->title);
    if (status == VB_OK)
        status = append_channel(&context->channel, out);
    if (status == VB_OK)
        status = append_exported(context, out);
    if (status == VB_OK)
        status = append_range(context, out);
    if (status == VB_OK)
        status = append_filters(about->selection, out);
    if (status == VB_OK && tells_all(about))
        status = append_totals(about->statistics, out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "</dl>");
    if (status == VB_OK && is_part(about))
        status = vb_buffer_append_text(out, "<p class=up><a href=" VB_INDEX_NAME
                                            ".html>All files of this export</a>");
    return status == VB_OK ? vb_buffer_append_text(out, "</header>\n") : status;
}

/* --- the page --- */

static const char *const body_classes[] = {
    [VB_FILE_WHOLE] = "single",
    [VB_FILE_CHUNK] = "chunk",
    [VB_FILE_CONVERSATION] = "one",
    [VB_FILE_INDEX] = "index",
};

/* The bar for searching, and the script that fills it before the first of the page is painted. */
static enum vb_status append_tools(struct vb_buffer *out)
{
    const struct vb_embedded *script = &vb_html_files[SCRIPT];
    enum vb_status status = vb_buffer_append_text(out, "<nav id=tools hidden></nav>\n<script>");
    if (status == VB_OK)
        status = vb_buffer_append(out, script->bytes, script->length);
    return status == VB_OK ? vb_buffer_append_text(out, "</script>\n") : status;
}

/* Up to <main>. */
static enum vb_status append_page(const struct vb_render_context *context, struct vb_buffer *out)
{
    const struct vb_render_about *about = context->about;
    enum vb_status status = append_head(context, out);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "<body class=%s>\n",
                                  body_classes[about ? about->kind : VB_FILE_WHOLE]);
    if (status == VB_OK)
        status = append_about(context, out);
    if (status == VB_OK && has_script(context))
        status = append_tools(out);
    if (status == VB_OK && tells_all(about) && about->statistics->conversations > 0)
        status = vb_html_summary(about->statistics, out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "<main>\n");
    if (status == VB_OK && tells_all(about) && about->statistics->conversations == 0)
        status = vb_buffer_append_text(
            out, "<p class=none>Nothing was found: no conversation of this time range matches.\n");
    return status;
}

static enum vb_status append_end(bool part, struct vb_buffer *out)
{
    return vb_buffer_append_text(
        out, part ? "</main>\n<footer>End of this file.</footer></body></html>\n"
                  : "</main>\n<footer>End of the export.</footer></body></html>\n");
}

enum vb_status vb_html_begin(const struct vb_render_context *context, struct vb_buffer *out)
{
    return append_page(context, out);
}

enum vb_status vb_html_end(const struct vb_render_context *context, struct vb_buffer *out)
{
    return append_end(context->about && is_part(context->about), out);
}

/* Without an export to tell of it is a bare list. */
enum vb_status vb_html_begin_index(const struct vb_render_context *context, struct vb_buffer *out)
{
    struct vb_render_context whole = *context;
    struct vb_render_about about;
    if (context->about) {
        about = *context->about;
        about.kind = VB_FILE_INDEX;
        whole.about = &about;
    }
    enum vb_status status = append_page(&whole, out);
    return status == VB_OK ? vb_buffer_append_text(out, "<ol class=files>\n") : status;
}

/* Names of files hold what an address may not. */
enum vb_status vb_html_index_file(struct vb_view name, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(out, "<li><a href=\"");
    if (status == VB_OK)
        status = vb_percent_encode(out, name, false);
    if (status == VB_OK)
        status = vb_html_element(out, "\"", name, "</a>\n");
    return status;
}

enum vb_status vb_html_end_index(const struct vb_render_context *context, struct vb_buffer *out)
{
    (void)context;
    enum vb_status status = vb_buffer_append_text(out, "</ol>\n");
    return status == VB_OK ? append_end(false, out) : status;
}
