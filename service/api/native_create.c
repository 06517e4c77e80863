/* POST of the native door: a specification becomes an export, once for each Idempotency-Key. See
 * INTERFACE 7. The key is compared within the workspace, and the body by what it means, both by the
 * order (queue/order.h). */
#include "export.h"
#include "order.h"

#include <string.h>

#define SAME "idempotency-key"
#define SAME_MOST 255u

static void answer_export(struct vb_http_exchange *exchange, const PGresult *job)
{
    vb_api_export_answer(exchange, 202, &(struct vb_api_export){job, 0});
}

/* A broken rule about the header, in the shape of those about the body. */
static void refuse_header(struct vb_http_exchange *exchange, const char *message)
{
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "detail");
    vb_json_begin_array(&json);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "type", "value_error");
    vb_json_name(&json, "loc");
    vb_json_begin_array(&json);
    vb_json_text(&json, "header");
    vb_json_text(&json, "Idempotency-Key");
    vb_json_end_array(&json);
    vb_json_member_text(&json, "msg", message);
    vb_json_member_text(&json, "input", NULL);
    vb_json_end_object(&json);
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 422, &json);
}

static void answer_differs(struct vb_http_exchange *exchange)
{
    refuse_header(exchange, "Value error, this Idempotency-Key was sent before with another body");
}

/* False: answered. The NULL view where there is none. */
static bool take_header(struct vb_http_exchange *exchange, struct vb_view *ret_key)
{
    size_t count = 0;
    struct vb_view key = vb_http_header_value(&exchange->head, SAME, &count);
    bool is_good = count == 0 || (count == 1 && key.length > 0 && key.length <= SAME_MOST);
    for (size_t i = 0; count == 1 && i < key.length; i++)
        is_good = is_good && key.data[i] > ' ' && key.data[i] < 0x7f;
    if (!is_good)
        refuse_header(exchange, "Value error, Idempotency-Key must be sent once, as 1 to 255 "
                                "visible ASCII characters");
    *ret_key = count == 0 ? (struct vb_view){NULL, 0} : key;
    return is_good;
}

/* The header is judged before the body: it is cheaper, and its refusal says more. */
static void on_body(struct vb_http_exchange *exchange)
{
    struct vb_api_order *order = vb_api_order_new(exchange);
    if (!order || !take_header(exchange, &order->wish.same))
        return;
    struct vb_problems problems;
    enum vb_status status =
        vb_specification_parse((struct vb_view){exchange->body.data, exchange->body.length},
                               &order->wish.resolution.specification, &problems);
    order->created = answer_export;
    order->differs = answer_differs;
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
