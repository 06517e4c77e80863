/* The header Idempotency-Key of an order. See api/order.h. A view of the head: it lives as long as
 * the exchange. */
#include "order.h"

#define SAME "idempotency-key"
#define SAME_MOST 255u

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

bool vb_api_order_same(struct vb_http_exchange *exchange)
{
    struct vb_api_order *order = exchange->state;
    size_t count = 0;
    struct vb_view key = vb_http_header_value(&exchange->head, SAME, &count);
    bool is_good = count == 0 || (count == 1 && key.length > 0 && key.length <= SAME_MOST);
    for (size_t i = 0; count == 1 && i < key.length; i++)
        is_good = is_good && key.data[i] > ' ' && key.data[i] < 0x7f;
    if (!is_good)
        refuse_header(exchange, "Value error, Idempotency-Key must be sent once, as 1 to 255 "
                                "visible ASCII characters");
    order->wish.same = count == 0 ? (struct vb_view){NULL, 0} : key;
    order->differs = answer_differs;
    return is_good;
}
