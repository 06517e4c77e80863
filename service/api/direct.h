/* Exports answered at once: the one way from a specification to a streamed answer, for every door
 * that has such. A door is an offer: how its one parameter, its formats and its words become a
 * specification.
 *
 * Looks up what the specification names, reserves a thread, notes the export in the audit, then
 * streams. How it ended, and how many conversations had been written, is noted behind the entry.
 *
 * The state belongs to the exchange, offers are constant. The loop's thread. Errors are answers:
 * 404 for what cannot be seen, 503 where all threads are busy, and before the first byte whatever
 * the reader says; after it the connection breaks.
 */
#ifndef VERBATIM_API_DIRECT_H
#define VERBATIM_API_DIRECT_H

#include "direct/direct.h"
#include "http/query.h"
#include "resolve.h"

/* What a door offers at once: constant tables. */
struct vb_api_direct_offer {
    struct vb_http_parameter format; /* json, unless it says another */
    const char *missing; /* what is told where the one thing that is asked for cannot be seen */
    /* The specification as a JSON document; NULL: no memory. */
    struct json_t *(*document)(const struct vb_http_exchange *exchange, const char *format);
    const char *json_layout; /* of a renderer that no specification may name; NULL: its own */
};
/* Judges the key by the route, and takes it from there. */
void vb_api_direct_enter(struct vb_http_exchange *exchange,
                         const struct vb_api_direct_offer *offer);
bool vb_api_direct_format(struct vb_view text); /* "json" or "csv" */

struct export;

/* The exchange's state meanwhile. */
struct vb_api_direct {
    struct vb_api_lookup lookup; /* first, as api/resolve.h asks */
    const struct vb_api_direct_offer *offer;
    const struct vb_renderer *renderer;
    struct export *export; /* while its entry in the audit is made; not owned */
    struct vb_buffer shown, audience;
    const char *audience_text;
};

#endif
