/* UUIDs (RFC 9562): version 4, and the canonical text.
 *
 * For ids that this program makes; ids of the source are opaque text. A plain value without an
 * owner; any thread. Only parsing fails, with VB_INVALID. The text is lower-case.
 */
#ifndef VERBATIM_UUID_H
#define VERBATIM_UUID_H

#include "verbatim/buffer.h"

#define VB_UUID_TEXT 37 /* with the NUL */

struct vb_uuid {
    unsigned char bytes[16];
};

/* From the kernel's generator, so no secret is guessed from another id. */
struct vb_uuid vb_uuid_random(void);
void vb_uuid_format(struct vb_uuid uuid, char text[VB_UUID_TEXT]);
/* 8-4-4-4-12 hex digits of either case; anything else is VB_INVALID. */
enum vb_status vb_uuid_parse(struct vb_view text, struct vb_uuid *ret_uuid) vb_must_check;

#endif
