/* Coarse channel types: what a caller may name, and which of the platform's detailed types belong
 * to it.
 *
 * Static data, owned by nobody; names live as long as the program. Any thread: pure. No errors:
 * what is not known is NULL or false.
 */
#ifndef VERBATIM_RULES_CHANNEL_TYPE_H
#define VERBATIM_RULES_CHANNEL_TYPE_H

#include "verbatim/buffer.h"

/* The coarse type of a detailed one ("LOCAL" gives "sms"), without regard to case; NULL for one
 * that is not known. */
const char *vb_channel_type_coarse(struct vb_view detailed);
/* "sms", "whatsapp", "messenger", "instagram", "line". */
bool vb_channel_type_known(struct vb_view coarse);

#endif
