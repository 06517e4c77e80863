/* One line of words, put together of pieces: for formats that people read.
 *
 * A phrase is a value of fixed size that begins as zeros and owns its bytes; what does not fit is
 * left out at a character. Pure; any thread with phrases of its own. No errors. Views of a phrase
 * live as long as it does and is not added to.
 */
#ifndef VERBATIM_EXPORT_FORMAT_PHRASE_H
#define VERBATIM_EXPORT_FORMAT_PHRASE_H

#include "verbatim/conversation.h"
#include "verbatim/zone.h"

#define VB_PHRASE_BYTES 512u

struct vb_phrase {
    char text[VB_PHRASE_BYTES];
    size_t length;
};

void vb_phrase_add(struct vb_phrase *phrase, struct vb_view text);
/* `between` stands before the text unless that is the first; an empty text adds nothing. */
void vb_phrase_join(struct vb_phrase *phrase, const char *between, struct vb_view text);
void vb_phrase_add_list(struct vb_phrase *phrase, struct vb_text_list list);
void vb_phrase_add_offset(struct vb_phrase *phrase, int offset);           /* "UTC+02:00" */
void vb_phrase_add_date(struct vb_phrase *phrase, struct vb_date date);    /* "8 April 2026" */
void vb_phrase_add_clock(struct vb_phrase *phrase, struct vb_civil civil); /* "05:24:43" */
/* "8 April 2026, 05:24:43 UTC+02:00" */
void vb_phrase_add_moment(struct vb_phrase *phrase, struct vb_zone *zone, vb_instant at);
struct vb_view vb_phrase_view(const struct vb_phrase *phrase);

#endif
