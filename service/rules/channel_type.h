/* Coarse channel types: what a caller may name, and which of the platform's detailed types belong
 * to it. */
#ifndef VERBATIM_RULES_CHANNEL_TYPE_H
#define VERBATIM_RULES_CHANNEL_TYPE_H

#include "verbatim/buffer.h"

/* The coarse type of a detailed one ("LOCAL" gives "sms"), without regard to case; NULL for one
 * that is not known. */
const char *vb_channel_type_coarse(struct vb_view detailed);
/* "sms", "whatsapp", "messenger", "instagram", "line". */
bool vb_channel_type_known(struct vb_view coarse);

#endif
