/* The pieces of an HTML archive, each in a file of its own: html_head.c, html_summary.c,
 * html_media.c. The threads are html.c's.
 *
 * Private to export/. Contexts and rows are borrowed for the call. One thread for each context.
 * Errors are those of html_text.h; a piece that fails leaves what it wrote, for the caller to take
 * back.
 */
#ifndef VERBATIM_EXPORT_FORMAT_HTML_H
#define VERBATIM_EXPORT_FORMAT_HTML_H

#include "html_text.h"
#include "row.h"

/* From the doctype to the beginning of <main>. */
enum vb_status vb_html_begin(const struct vb_render_context *context,
                             struct vb_buffer *out) vb_must_check;
/* The same of the page that leads to an archive's files, which are listed behind it. */
enum vb_status vb_html_begin_index(const struct vb_render_context *context,
                                   struct vb_buffer *out) vb_must_check;
enum vb_status vb_html_index_file(struct vb_view name, struct vb_buffer *out) vb_must_check;
enum vb_status vb_html_end_index(const struct vb_render_context *context,
                                 struct vb_buffer *out) vb_must_check;
/* What stands behind the last thread: the rest of the page, and its script. */
enum vb_status vb_html_end(const struct vb_render_context *context,
                           struct vb_buffer *out) vb_must_check;

/* A number with its name, as a row of a list. */
enum vb_status vb_html_append_figure(struct vb_buffer *out, const char *name,
                                     uint64_t number) vb_must_check;
/* The statistics of the whole export, as numbers, charts and tables. */
enum vb_status vb_html_summary(const struct vb_statistics *statistics,
                               struct vb_buffer *out) vb_must_check;

/* From <article> up to the list of its messages, which is not opened yet. */
enum vb_status vb_html_conversation(const struct vb_render_context *context,
                                    const struct vb_conversation *c,
                                    struct vb_buffer *out) vb_must_check;
/* A time of the zone, as <time>. */
enum vb_status vb_html_append_time(const struct vb_render_context *context, vb_instant at,
                                   struct vb_buffer *out) vb_must_check;
/* `what` and the time; nothing where it is not set. */
enum vb_status vb_html_append_done(const struct vb_render_context *context, const char *what,
                                   struct vb_maybe_instant time,
                                   struct vb_buffer *out) vb_must_check;

/* Lists behind a message's text; nothing where there is nothing to list. */
enum vb_status vb_html_media(const struct vb_render_context *context,
                             const struct vb_conversation *conversation,
                             const struct vb_message *message, struct vb_buffer *out) vb_must_check;
enum vb_status vb_html_citations(const struct vb_message *message,
                                 struct vb_buffer *out) vb_must_check;

#endif
