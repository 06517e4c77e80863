/* Cookies of a request, and those that an answer sets. Knows no session.
 *
 * Pure; any thread; views point into the head. No errors: what cannot be read is no cookie.
 *
 * Source: RFC 6265, 4.1 and 4.2.
 */
#ifndef VERBATIM_API_COOKIE_H
#define VERBATIM_API_COOKIE_H

#include "http/head.h"

/* The value of the cookie of that name among all that were sent; the NULL view where there is none,
 * or several with different values, of which a neighbour site may have set one. */
struct vb_view vb_api_cookie(const struct vb_http_head *head, const char *name);

/* The Path of a cookie for `below`, as a browser sees it: the path of base_url stands before it.
 * What cannot stand in the attribute leaves "/". VB_LIMIT, VB_NO_MEMORY of the buffer. */
enum vb_status vb_api_cookie_path(const char *base_url, const char *below,
                                  struct vb_buffer *out) vb_must_check;
/* Whether the cookie is for TLS alone: people reach base_url by it. */
bool vb_api_cookie_is_secure(const char *base_url);

#endif
