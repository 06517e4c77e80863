/* Texts in HTML: escaped, told apart from the text around them, and addresses that may be links.
 *
 * Private to export/. Owns nothing: texts are borrowed for the call, the buffer is the caller's.
 * Any thread: no state. VB_INVALID for text that is not UTF-8, VB_LIMIT and VB_NO_MEMORY as the
 * buffer says; what was appended before a failure stays, the row is taken back by its renderer.
 */
#ifndef VERBATIM_EXPORT_FORMAT_HTML_TEXT_H
#define VERBATIM_EXPORT_FORMAT_HTML_TEXT_H

#include "verbatim/buffer.h"

#include <string.h>

/* For text between tags, not for attributes. Line ends and tabs stay, other controls of ASCII
 * become their pictures (U+2400 and up), which a reader sees and a parser does not stumble over. */
enum vb_status vb_html_append(struct vb_buffer *out, struct vb_view text) vb_must_check;

/* `open` such as "<p", then ">", the text and `close`. Where the text may run from right to left
 * the element says dir=auto, which also keeps its direction from what stands beside it. */
enum vb_status vb_html_put_element(struct vb_buffer *out, struct vb_view open, struct vb_view text,
                                   struct vb_view close) vb_must_check;
/* Words among others of a line: bare between `lead` and `trail`, or an element <bdi> of their own
 * where they may run from right to left. */
enum vb_status vb_html_put_words(struct vb_buffer *out, struct vb_view lead, struct vb_view text,
                                 struct vb_view trail) vb_must_check;

/* The same with literals, whose lengths the compiler then knows. */
static inline enum vb_status vb_html_element(struct vb_buffer *out, const char *open,
                                             struct vb_view text, const char *close)
{
    return vb_html_put_element(out, (struct vb_view){open, strlen(open)}, text,
                               (struct vb_view){close, strlen(close)});
}

static inline enum vb_status vb_html_words(struct vb_buffer *out, const char *lead,
                                           struct vb_view text, const char *trail)
{
    return vb_html_put_words(out, (struct vb_view){lead, strlen(lead)}, text,
                             (struct vb_view){trail, strlen(trail)});
}

/* What both id= and a link to it can hold unquoted: letters, digits, - and _ of ASCII, every other
 * byte as `.XX`. Equal only for equal ids. */
enum vb_status vb_html_append_id(struct vb_buffer *out, struct vb_view id) vb_must_check;

/* An absolute address of http or https: nothing else is ever made a link. */
bool vb_html_is_link(struct vb_view url);
/* `lead` such as `<a href=`, then the text as a quoted attribute. */
enum vb_status vb_html_append_quoted(struct vb_buffer *out, const char *lead,
                                     struct vb_view text) vb_must_check;

#endif
