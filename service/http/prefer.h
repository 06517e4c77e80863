/* The header Prefer, of which one preference is known: `wait=N`, in seconds. Borrows the head;
 * pure, any thread. No errors: what cannot be read says nothing.
 *
 * Source: RFC 7240.
 */
#ifndef VERBATIM_HTTP_PREFER_H
#define VERBATIM_HTTP_PREFER_H

#include "head.h"

/* Seconds that the client is willing to wait; -1: it says nothing that can be read. Of several the
 * first counts. Numbers too large for an int are INT_MAX. */
int vb_http_prefer_wait(const struct vb_http_head *head);

#endif
