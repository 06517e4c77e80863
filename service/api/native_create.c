/* POST of the native door: a specification becomes an export, once for each Idempotency-Key. See
 * INTERFACE 7. The key is compared within the workspace, and the body by what it means, both by the
 * order (queue/order.h). */
#include "export.h"
#include "order.h"

static void answer_export(struct vb_http_exchange *exchange, const PGresult *job)
{
    const struct vb_api_export export = {job, 0};
    vb_api_order_locate(exchange, vb_api_export_id(&export));
    vb_api_export_answer(exchange, 202, &export);
}

/* The header is judged before the body: it is cheaper, and its refusal says more. */
static void on_body(struct vb_http_exchange *exchange)
{
    struct vb_api_order *order = vb_api_order_new(exchange);
    if (!order || !vb_api_order_same(exchange))
        return;
    struct vb_problems problems;
    enum vb_status status =
        vb_specification_parse((struct vb_view){exchange->body.data, exchange->body.length},
                               &order->wish.resolution.specification, &problems);
    order->created = answer_export;
    if (status == VB_OK)
        vb_api_order_begin(exchange);
    else if (status == VB_INVALID)
        vb_http_answer_problems(exchange, &problems);
    else
        vb_http_answer_status(exchange, status, "the specification");
    vb_problems_done(&problems);
}

static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    vb_api_receive_json(exchange, on_body);
}

void vb_api_native_create_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
