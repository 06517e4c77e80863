/* What a specification names, looked up in the source, for requests: asks by the loop's pool, and
 * answers why nothing came of it. For doors that answer at once; those that make jobs order them
 * (api/order.h).
 *
 * The look-up stands first in the exchange's state, whose owner ends its resolution. On the loop's
 * thread. Errors are answers: 404 for what is missing or out of sight, 409 where a phone number has
 * several channels, 422 for a crowd or a filter that the source cannot answer, 503 while it is
 * away.
 */
#ifndef VERBATIM_API_RESOLVE_H
#define VERBATIM_API_RESOLVE_H

#include "api.h"

#include "specification/resolve.h"

/* `member`: "select.assistant_id". It has to answer. */
typedef void vb_api_missing(struct vb_http_exchange *exchange, const char *member);

/* Stands first in whatever exchange->state is. */
struct vb_api_lookup {
    struct vb_resolution resolution; /* its specification is set by the door */
    /* once everything is there; it has to answer */
    void (*found)(struct vb_http_exchange *exchange);
    vb_api_missing *missing; /* NULL: 404, naming the member */
};

/* Sends the look-ups for exchange->state's specification and takes exchange->request->access for
 * who asks. What is missing, or is another workspace's, or cannot be seen, is answered in the same
 * way. */
void vb_api_resolve(struct vb_http_exchange *exchange);

/* Answers anything but VB_RESOLVED. */
void vb_api_resolve_answer(struct vb_http_exchange *exchange,
                           const struct vb_resolution *resolution, enum vb_resolved how,
                           vb_api_missing *missing);

#endif
