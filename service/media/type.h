/* Whether what a server answered is a medium, not too large, and not its login page.
 *
 * Looks at 64 bytes, decodes nothing. Source: WHATWG "MIME Sniffing", sections 6 and 7. Nothing is
 * owned; texts are borrowed for the call, names of types are static. Any thread: pure. VB_NOT_FOUND
 * with the reason in words, as media.h has it.
 */
#ifndef VERBATIM_MEDIA_TYPE_H
#define VERBATIM_MEDIA_TYPE_H

#include "verbatim/buffer.h"

#define VB_MEDIA_HEAD 64u /* bytes of the beginning that are looked at */

/* The type that the first bytes are a sign of (WHATWG MIME Sniffing 6, and the formats' own
 * specifications); NULL: none that is known here. */
const char *vb_media_sniff(struct vb_view head);

/* `answered` is the Content-Type of the answer, `declared` what the platform says of the
 * attachment; either may be empty. VB_NOT_FOUND: it is none, and `err` says why in words for
 * media/errors.csv. */
enum vb_status vb_media_check_type(struct vb_view answered, struct vb_view declared,
                                   struct vb_view head, struct vb_error *err) vb_must_check;

/* VB_NOT_FOUND, likewise, for what is larger than `most` bytes. */
enum vb_status vb_media_too_large(uint64_t most, struct vb_error *err);

#endif
