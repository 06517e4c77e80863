/* Whether a request that changes something comes from a page of our own: what keeps other sites
 * from using a session that a browser holds.
 *
 * A form or picture of another site cannot send a header of its own making, and a script of one
 * would have to ask for leave first, which nobody gives. What the browser says about where a
 * request comes from is believed as well. Requests that only read need none of it: another site
 * does not see the answer.
 *
 * Pure; any thread. No errors: a refusal is a static text.
 *
 * Source: Fetch Metadata Request Headers (W3C), RFC 6454.
 */
#ifndef VERBATIM_API_OWN_PAGE_H
#define VERBATIM_API_OWN_PAGE_H

#include "http/head.h"

/* Why not; NULL: it is one, or need not be. `base_url`: where people reach us. */
const char *vb_api_own_page_refusal(const struct vb_http_head *head, const char *base_url);

#endif
