/* Making a job for a request: the one way for every door. Drives a vb_order by the loop's pools and
 * calls the door back, once.
 *
 * The order is the exchange's state: a door makes it, fills in what it wants, and is called back;
 * it is freed with the exchange. On the loop's thread. Errors are answers: a broken range, what
 * cannot be seen, and a database that is away, each in the door's own shape.
 */
#ifndef VERBATIM_API_ORDER_H
#define VERBATIM_API_ORDER_H

#include "queue/order.h"
#include "range.h"
#include "resolve.h"

struct vb_api_order {
    /* What is wanted: resolution.specification, one_active, link_ttl (0: the
     * workspace's or the option), retention, same, body, wanted_name, kept_for. */
    struct vb_order wish;
    /* Made, or made before by the same key and body. `job`: VB_JOB_VIEW of row 0; NULL where
     * one_active. */
    void (*created)(struct vb_http_exchange *exchange, const PGresult *job);
    /* Where one_active: this one is in the way. */
    void (*active)(struct vb_http_exchange *exchange, struct vb_view job_id);
    /* The Idempotency-Key came with another body before. */
    void (*differs)(struct vb_http_exchange *exchange);
    /* The range is none: `member` is from or to of the filter. NULL: 422, naming it so. */
    vb_api_range_refused *refused;
    vb_api_missing *missing; /* NULL: 404, naming the member */
};

/* Where what was ordered can be read, below the route it was ordered at: a header of the answer.
 * Relative to it, so that the path of a proxy stays. */
void vb_api_order_locate(struct vb_http_exchange *exchange, struct vb_view id);
/* exchange->state becomes an empty order. NULL: 503 was answered. */
struct vb_api_order *vb_api_order_new(struct vb_http_exchange *exchange);
/* Whether the request may be sent again: by its header Idempotency-Key, where it has one; another
 * body with the same is 422. False: the header breaks its rule, and 422 was answered. */
bool vb_api_order_same(struct vb_http_exchange *exchange);
/* 422 where a mail is asked for and nobody would send it. False: answered. */
bool vb_api_order_may_mail(struct vb_http_exchange *exchange);
/* Takes it from here, vb_api_order_may_mail first. A range that ends before it begins is answered
 * as a broken rule. */
void vb_api_order_begin(struct vb_http_exchange *exchange);

#endif
