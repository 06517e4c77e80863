/* Origins of the web, such as https://app.example.com: which pages may call what is served here.
 *
 * An origin is a scheme, a host and perhaps a port, as browsers write it into the header Origin:
 * in lower case, without the scheme's own port, without a slash behind. Pure.
 *
 * A list is its maker's until vb_origins_free, copies its text and is never changed, so any thread
 * may ask. VB_INVALID names the entry, VB_NO_MEMORY.
 */
#ifndef VERBATIM_RULES_ORIGIN_H
#define VERBATIM_RULES_ORIGIN_H

#include "verbatim/buffer.h"

struct vb_origins;
/* Joined by commas; `*` alone is every origin. NULL or "" is a list of none. */
enum vb_status vb_origins_new(const char *text, struct vb_origins **ret_origins,
                              struct vb_error *err) vb_must_check;
void vb_origins_free(struct vb_origins *origins);
/* These are false for a NULL list. */
bool vb_origins_any(const struct vb_origins *origins);   /* there is one at least */
bool vb_origins_every(const struct vb_origins *origins); /* `*` */
bool vb_origins_have(const struct vb_origins *origins, struct vb_view origin);

#endif
