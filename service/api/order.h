/* Making a job from a specification: the one way for every door.
 *
 * Resolves on the source, then writes job, first segment and audit entry in one transaction. An order is the exchange's
 * state: a door makes it, fills in what it wants, and is called back.
 */
#ifndef VERBATIM_API_ORDER_H
#define VERBATIM_API_ORDER_H

#include "range.h"
#include "resolve.h"

#include "verbatim/hash.h"
#include "verbatim/uuid.h"

struct http_order {
    struct http_resolution
        resolution; /* first, as api/resolve.h asks; `found` is the order's own */

    /* What the door wants, beside resolution.specification, .same_person, .several and .missing. */
    bool one_active;     /* one queued or started job for a channel, a range and an audience */
    int64_t link_ttl;    /* where the specification names none; 0: the option */
    int64_t retention;   /* microseconds after the creation; 0: the option, after the end */
    struct vb_view same; /* Idempotency-Key; NULL: none. Of one workspace and audience */
    /* Made, or made before by the same key and body. `job`: EXPORT_COLUMNS of row 0; NULL where one_active. */
    void (*created)(struct http_exchange *exchange, const PGresult *job);
    /* Where one_active: this one is in the way. */
    void (*active)(struct http_exchange *exchange, struct vb_view job_id);
    /* The Idempotency-Key came with another body before. */
    void (*differs)(struct http_exchange *exchange);
    /* The range is none: `member` is from or to of the filter. NULL: 422, naming it so. */
    http_range_refused *refused;

    /* The order's own. */
    char job_id[VB_UUID_TEXT];
    char active_key[VB_SHA256_HEX], same_key[VB_SHA256_HEX], request_hash[VB_SHA256_HEX];
    struct vb_buffer stored, shown, audience;
    const char *audience_text;
    vb_instant from, to;
    int inserts;
};

/* exchange->state becomes an empty order. NULL: 503 was answered. */
struct http_order *http_order_new(struct http_exchange *exchange);
/* Takes it from here. A range that ends before it begins is answered as a broken rule. */
void http_order_begin(struct http_exchange *exchange);

#endif
