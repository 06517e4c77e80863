/* UTF-8 (RFC 3629) and percent-encoding (RFC 3986, section 2.1).
 *
 * No normalization, no case, no locale. Pure functions over borrowed views: nothing is owned, any
 * thread. Errors are the buffer's (VB_LIMIT, VB_NO_MEMORY) and VB_INVALID for a bad escape; what
 * was appended before a failure stays.
 */
#ifndef VERBATIM_TEXT_H
#define VERBATIM_TEXT_H

#include "verbatim/buffer.h"

/* Bytes of the well-formed character at the start, 1 to 4; 0 if there is none: overlong forms,
 * surrogates, values past U+10FFFF and cut sequences are not well-formed. */
size_t vb_utf8_width(const char *text, size_t length);
bool vb_utf8_valid(struct vb_view text);
/* Well-formed and without the controls of ASCII, so it stays within its line. */
bool vb_utf8_is_line(struct vb_view text);
/* Decodes one character and moves the view past it; a bad byte gives U+FFFD and moves by one. */
uint32_t vb_utf8_next(struct vb_view *text);
/* Appends the character as UTF-8. */
enum vb_status vb_utf8_append(struct vb_buffer *buffer, uint32_t character) vb_must_check;
/* The largest prefix length <= limit that ends at a character. For well-formed text; other text is
 * only not cut before a continuation byte. */
size_t vb_utf8_cut(struct vb_view text, size_t limit);

/* Octets outside A-Z a-z 0-9 - _ . ~ become %XX, upper-case; '/' stays when keep_slash. */
enum vb_status vb_percent_encode(struct vb_buffer *out, struct vb_view text,
                                 bool keep_slash) vb_must_check;
/* For XML and HTML, text and quoted attributes: & < > " ' become references. */
enum vb_status vb_markup_escape(struct vb_buffer *out, const char *text) vb_must_check;
/* VB_INVALID on a bad escape. '+' stays '+'. */
enum vb_status vb_percent_decode(struct vb_buffer *out, struct vb_view text) vb_must_check;

#endif
