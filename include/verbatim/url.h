/* Addresses as they may be shown in messages, logs and files: without what may be a secret in them.
 *
 * No owner and no state; any thread. Nothing here decides whether an address is valid.
 */
#ifndef VERBATIM_URL_H
#define VERBATIM_URL_H

#include "verbatim/buffer.h"

/* Appends a URL without its user and password, and without the values of its query and its
 * fragment: those of links that are signed open what the link opens. "..." stands in their place.
 * Text that is no URL is appended as it is. VB_LIMIT, VB_NO_MEMORY: of the buffer. */
enum vb_status vb_url_show(struct vb_buffer *out, struct vb_view url) vb_must_check;

/* Appends what somebody gave for a setting that is an address and was not understood: whatever
 * stands before the last '@' may belong to a password, however it is spelt. */
enum vb_status vb_url_show_setting(struct vb_buffer *out, struct vb_view text) vb_must_check;

#endif
