/* A vb_order driven by the loop's pools. See api/order.h.
 *
 * The order says what it needs next and is fed with what came; which pool that is, and how a state
 * becomes an answer, is all that stands here. The exchange is answered in exactly one branch of
 * go_on.
 */
#include "order.h"

#include "specification/body_check.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs when the exchange ends in any way, also when the client leaves in the middle. */
static void free_order(void *state)
{
    struct vb_api_order *order = state;
    vb_order_done(&order->wish);
    free(order);
}

struct vb_api_order *vb_api_order_new(struct vb_http_exchange *exchange)
{
    struct vb_api_order *order = calloc(1, sizeof(*order));
    if (!order) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the request");
        return NULL;
    }
    vb_order_init(&order->wish);
    exchange->state = order;
    exchange->free_state = free_order;
    return order;
}

static void answer_range(struct vb_http_exchange *exchange)
{
    const struct vb_api_order *order = exchange->state;
    const struct vb_order *wish = &order->wish;
    if (order->refused)
        order->refused(exchange, wish->member, wish->message);
    else
        vb_api_range_answer(exchange, &wish->resolution.specification, wish->member, wish->message);
}

static void on_answered(void *context, const struct vb_pg_outcome *outcome);

/* Sends what is next, or answers. */
static void go_on(struct vb_http_exchange *exchange, enum vb_order_state state)
{
    const struct vb_api_order *order = exchange->state;
    const struct vb_order *wish = &order->wish;
    switch (state) {
    case VB_ORDER_ASK_MAIN:
        vb_api_send(exchange, exchange->loop->site->main_pool, wish->steps, wish->step_count,
                    on_answered);
        break;
    case VB_ORDER_ASK_SOURCE:
        vb_api_send(exchange, exchange->loop->site->source_pool, wish->steps, wish->step_count,
                    on_answered);
        break;
    case VB_ORDER_MADE:
    case VB_ORDER_FOUND:
        order->created(exchange, wish->job);
        break;
    case VB_ORDER_ACTIVE:
        order->active(exchange, vb_view_of(wish->job_id));
        break;
    case VB_ORDER_DIFFERS:
        order->differs(exchange);
        break;
    case VB_ORDER_NO_RANGE:
        answer_range(exchange);
        break;
    case VB_ORDER_UNRESOLVED:
        vb_api_resolve_answer(exchange, &wish->resolution, wish->resolved, order->missing);
        break;
    case VB_ORDER_FAILED:
        vb_http_answer_error(exchange, &wish->error);
        break;
    }
}

/* The loop keeps few zones, so the one of before may be gone. False: answered. */
static bool take_zone(struct vb_http_exchange *exchange)
{
    struct vb_api_order *order = exchange->state;
    order->wish.zone = vb_api_zone(exchange);
    return order->wish.zone;
}

static void on_answered(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    struct vb_api_order *order = exchange->state;
    if (vb_api_ended(exchange, outcome) && take_zone(exchange))
        go_on(exchange, vb_order_feed(&order->wish, outcome->results));
}

bool vb_api_order_may_mail(struct vb_http_exchange *exchange)
{
    const struct vb_api_order *order = exchange->state;
    const struct vb_api_site_loop *site = exchange->loop->site;
    const struct vb_specification *wanted = &order->wish.resolution.specification;
    const char *address = wanted->notification_email;
    bool is_good = !address || vb_api_mail_may_go_to(site, address);
    if (is_good && (!address || vb_api_mail_is_sent(site)))
        return true;
    const struct vb_problem problem = {
        .type = "value_error",
        .member = "notification_email",
        .index = -1,
        .message = is_good ? "Value error, this installation sends no mail" : vb_body_mail.message,
        .input = json_object_get(wanted->root, "notification_email")};
    vb_api_words_refuse(exchange, &problem);
    return false;
}

void vb_api_order_begin(struct vb_http_exchange *exchange)
{
    struct vb_api_order *order = exchange->state;
    const struct vb_api_site_loop *site = exchange->loop->site;
    struct vb_order *wish = &order->wish;
    wish->door = exchange->request->route->door->name;
    wish->caller = vb_access_caller(&exchange->request->access);
    wish->contract = site->service->contract;
    wish->source_statements = site->source_statements;
    wish->usual_link_ttl = site->service->options->link_ttl;
    wish->storage = vb_storage_identity(site->service->storage);
    wish->trace_parent = vb_api_trace_parent(exchange);
    if (vb_api_order_may_mail(exchange) && take_zone(exchange))
        go_on(exchange, vb_order_begin(wish));
}

/* A route ends in no slash, and its own words need no escape. */
void vb_api_order_locate(struct vb_http_exchange *exchange, struct vb_view id)
{
    const struct vb_view path = exchange->head.path;
    const char *slash = memrchr(path.data, '/', path.length);
    size_t before = slash ? (size_t)(slash + 1 - path.data) : 0;
    char location[128];
    (void)snprintf(location, sizeof location, "%.*s/%.*s", (int)(path.length - before),
                   path.data + before, (int)id.length, id.data);
    vb_http_answer_header(exchange, "Location", location);
}
