/* POST of the main contract: its body as a specification, and what became of it in the contract's
 * own words.
 *
 * The order of checks is INTERFACE.md's: key and workspace, body, today, channel, job.
 */
#include "order.h"

#include "specification/request.h"

static void answer_created(struct vb_http_exchange *exchange, const PGresult *job)
{
    (void)job;
    const struct vb_api_order *order = exchange->state;
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "export_job_id", order->wish.job_id);
    vb_json_member_text(&json, "status", "queued");
    vb_json_member_text(
        &json, "message",
        order->wish.resolution.specification.notification_email
            ? "Export job created. You will be emailed a download link when it is ready."
            : "Export job created.");
    vb_json_end_object(&json);
    vb_api_order_locate(exchange, vb_view_of(order->wish.job_id));
    vb_http_answer_json(exchange, 202, &json);
}

/* The body of the contract: the message, and the job that is in the way. */
static void answer_running(struct vb_http_exchange *exchange, struct vb_view job)
{
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "detail");
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "message",
                        "An export for this channel and date range is already in progress.");
    vb_json_name(&json, "export_job_id");
    vb_json_view(&json, job);
    vb_json_end_object(&json);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 409, &json);
}

/* The contract has a text for each way of naming a channel. */
static void answer_no_channel(struct vb_http_exchange *exchange, const char *member)
{
    (void)member;
    const struct vb_api_order *order = exchange->state;
    vb_http_answer_detail(exchange, 404,
                          order->wish.resolution.specification.kind == VB_SELECT_CHANNEL
                              ? "No channel found for the given channel_id."
                              : "No channel found for the phone number.");
}

/* Today is the workspace's today: in Auckland tomorrow has begun when UTC says today. */
static void judge_start(struct vb_http_exchange *exchange, struct vb_date start)
{
    struct vb_api_order *order = exchange->state;
    struct vb_zone *zone = vb_api_zone(exchange);
    if (!zone)
        return;
    if (vb_date_compare(start, vb_zone_day_of(zone, vb_clock_now())) > 0) {
        vb_http_answer_detail(exchange, 400, "start_date is in the future.");
    } else {
        order->wish.one_active = true;
        order->created = answer_created;
        order->active = answer_running;
        order->missing = answer_no_channel;
        vb_api_order_begin(exchange);
    }
}

/* `none` is never told: a body that keeps the contract's rules makes a specification that keeps its
 * own. */
static void on_body(struct vb_http_exchange *exchange)
{
    struct vb_api_order *order = vb_api_order_new(exchange);
    if (!order)
        return;
    struct vb_export_request request = {0};
    struct vb_problems problems, none;
    vb_problems_init(&none);
    enum vb_status status = vb_export_request_parse(
        (struct vb_view){exchange->body.data, exchange->body.length}, &request, &problems);
    bool is_refused = status == VB_INVALID;
    if (status == VB_OK)
        status =
            vb_export_request_specification(&request, &order->wish.resolution.specification, &none);
    if (status == VB_OK) {
        if (vb_api_order_may_mail(exchange))
            judge_start(exchange, request.start);
    } else if (is_refused) {
        vb_http_answer_problems(exchange, &problems);
    } else {
        vb_http_answer_status(exchange, status, "the request");
    }
    vb_export_request_done(&request);
    vb_problems_done(&problems);
    vb_problems_done(&none);
}

static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    vb_api_receive_json(exchange, on_body);
}

void vb_api_create_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
