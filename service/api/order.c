/* From a resolved specification to a queued job. See api/order.h.
 *
 * The range is judged first, then an earlier job of the same Idempotency-Key is looked for, then the source is asked,
 * then the job is written: insert or read, in a loop, since what was in the way may have gone in between.
 */
#include "order.h"

#include "verbatim/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSERTS 5 /* tries, where the active job ends between insert and read */
#define STORED (2u << 20)
#define AUDIENCE (256u << 10)

/* Runs when the exchange ends in any way, also when the client leaves in the middle. */
static void free_order(void *state)
{
    struct http_order *order = state;
    http_resolution_done(&order->resolution);
    vb_buffer_done(&order->stored);
    vb_buffer_done(&order->shown);
    vb_buffer_done(&order->audience);
    free(order);
}

struct http_order *http_order_new(struct http_exchange *exchange)
{
    struct http_order *order = calloc(1, sizeof(*order));
    if (!order) {
        http_answer_status(exchange, VB_NO_MEMORY, "the request");
        return NULL;
    }
    vb_buffer_init(&order->stored, STORED);
    vb_buffer_init(&order->shown, STORED);
    vb_buffer_init(&order->audience, AUDIENCE);
    exchange->state = order;
    exchange->free_state = free_order;
    return order;
}

/* --- the job's row --- */

/* The day in the workspace's zone on which an end of the range lies; NULL: it is open. */
static const char *day_text(struct vb_zone *zone, const struct vb_moment *moment, vb_instant within,
                            char text[40])
{
    if (!moment->is_given)
        return NULL;
    struct vb_date date = moment->is_instant ? vb_zone_day_of(zone, within) : moment->date;
    (void)snprintf(text, 40, "%04d-%02d-%02d", date.year, date.month, date.day);
    return text;
}

static const char *number_text(int64_t number, char text[24])
{
    (void)snprintf(text, 24, "%" PRId64, number);
    return text;
}

/* What makes two exports the same for "one at a time": the channel, however it was named, the range, the audience. */
static enum vb_status make_active_key(struct http_order *order, const char *start, const char *end)
{
    const char *channel = http_resolution_channel(&order->resolution, CHANNEL_ID);
    char hash[VB_SHA256_HEX];
    struct vb_buffer text;
    if (!order->one_active || !channel)
        return VB_OK;
    vb_sha256_hex(channel, strlen(channel), hash);
    vb_buffer_init(&text, AUDIENCE + 256);
    enum vb_status status =
        vb_buffer_printf(&text, "%s main %s %s", hash, start ? start : "", end ? end : "");
    if (status == VB_OK && order->audience_text)
        status = vb_buffer_printf(&text, " %s", order->audience_text);
    if (status == VB_OK)
        vb_sha256_hex(text.data, text.length, order->active_key);
    vb_buffer_done(&text);
    return status;
}

static const char *given(const char *text)
{
    return *text ? text : NULL;
}

static int64_t link_ttl_of(const struct http_exchange *exchange)
{
    const struct http_order *order = exchange->state;
    int64_t asked = order->resolution.specification.link_ttl;
    return asked > 0             ? asked
           : order->link_ttl > 0 ? order->link_ttl
                                 : exchange->loop->http->service->options->link_ttl;
}

static void insert_job(struct http_exchange *exchange);

/* Either our row, or the one that already holds a key; neither, if that one ended between the two statements. */
static void on_inserted(void *context, const struct pg_outcome *outcome)
{
    struct http_exchange *exchange = context;
    const struct http_order *order = exchange->state;
    if (!http_ended(exchange, outcome))
        return;
    bool is_made = PQntuples(outcome->results[1]) == 1;
    const PGresult *found = outcome->results[2];
    if (is_made)
        vb_count(VB_COUNT_JOBS_CREATED, 1);
    if (order->one_active && is_made)
        order->created(exchange, NULL);
    else if (order->one_active && PQntuples(found) == 1)
        order->active(exchange, pg_view(found, 0, 0));
    else if (!order->one_active && PQntuples(found) == 1 &&
             (is_made ||
              vb_view_equals(pg_view(found, 0, ORDERED_HASH), vb_view_of(order->request_hash))))
        order->created(exchange, found);
    else if (!order->one_active && PQntuples(found) == 1)
        order->differs(exchange);
    else if (order->inserts < INSERTS)
        insert_job(exchange); /* the one in the way has ended meanwhile */
    else
        http_answer_status(exchange, VB_CONFLICT, "the job could neither be made nor found");
}

static void send_job(struct http_exchange *exchange, const char *const *job)
{
    const struct http_order *order = exchange->state;
    const char *workspace = exchange->access.workspace;
    const char *const enter[] = {workspace};
    const char *const active[] = {workspace, order->active_key};
    const char *const ordered[] = {workspace, order->job_id, given(order->same_key)};
    const struct pg_step steps[] = {
        {&http_sql[HTTP_SQL_ENTER_WRITE], enter},
        {&http_sql[HTTP_SQL_CREATE], job},
        {&http_sql[order->one_active ? HTTP_SQL_ACTIVE : HTTP_SQL_ORDERED],
         order->one_active ? active : ordered}};
    http_ask(exchange, exchange->loop->main_pool, steps, 3, on_inserted);
}

/* The facts are copied into the row: a channel renamed later changes neither bytes nor names. */
static void write_job(struct http_exchange *exchange, struct vb_zone *zone)
{
    struct http_order *order = exchange->state;
    const struct http_resolution *resolution = &order->resolution;
    const struct vb_specification *specification = &resolution->specification;
    const struct http_access *access = &exchange->access;
    char start[40], end[40], from[24], to[24], as_of[24], ttl[24], retention[24];
    const char *first = day_text(zone, &specification->filter.from, order->from, start);
    const char *last = day_text(zone, &specification->filter.to, order->to - 1, end);
    const char *snapshot = http_resolution_channel(resolution, CHANNEL_SNAPSHOT);
    enum vb_status status = make_active_key(order, first, last);
    if (status != VB_OK) {
        http_answer_status(exchange, status, "the job");
        return;
    }
    vb_uuid_format(vb_uuid_random(), order->job_id);
    const char *const job[] = {
        order->job_id,
        access->workspace,
        exchange->route->door->name,
        order->stored.data,
        given(order->active_key),
        specification->notification_email,
        access->source_id,
        http_resolution_channel(resolution, CHANNEL_ID),
        http_resolution_channel(resolution, CHANNEL_NAME),
        http_resolution_channel(resolution, CHANNEL_TYPE),
        http_resolution_channel(resolution, CHANNEL_PHONE),
        first,
        last,
        number_text(order->from, from),
        number_text(order->to, to),
        access->time_zone,
        specification->csv_profile ? specification->csv_profile : access->csv_profile,
        number_text(resolution->as_of, as_of),
        resolution->snapshot ? resolution->snapshot : snapshot,
        number_text(link_ttl_of(exchange), ttl),
        resolution->title,
        access->author,
        access->key_id,
        order->audience_text,
        given(order->same_key),
        given(order->request_hash),
        order->retention > 0 ? number_text(order->retention, retention) : NULL,
        order->shown.data,
        specification->format};
    send_job(exchange, job);
}

static void insert_job(struct http_exchange *exchange)
{
    struct http_order *order = exchange->state;
    struct vb_error err = {0};
    struct vb_zone *zone = http_loop_zone(exchange->loop, exchange->access.time_zone, &err);
    order->inserts++;
    if (zone)
        write_job(exchange, zone);
    else
        http_answer_error(exchange, &err);
}

/* The moment is known: so is the range, and the stored form. */
static void on_found(struct http_exchange *exchange)
{
    struct http_order *order = exchange->state;
    const struct http_resolution *resolution = &order->resolution;
    if (!http_range_of(exchange, &resolution->specification, resolution->as_of, &order->from,
                       &order->to))
        return;
    enum vb_status status =
        vb_specification_write(&resolution->specification, true, &order->stored);
    if (status == VB_OK)
        insert_job(exchange);
    else
        http_answer_status(exchange, status, "the specification");
}

/* --- before the source is asked --- */

/* An earlier job of the same key is found even where what it named has gone since. */
static void on_same(void *context, const struct pg_outcome *outcome)
{
    struct http_exchange *exchange = context;
    const struct http_order *order = exchange->state;
    if (!http_ended(exchange, outcome))
        return;
    const PGresult *found = outcome->results[1];
    if (PQntuples(found) == 0)
        http_resolve(exchange);
    else if (vb_view_equals(pg_view(found, 0, ORDERED_HASH), vb_view_of(order->request_hash)))
        order->created(exchange, found);
    else
        order->differs(exchange);
}

static void find_same(struct http_exchange *exchange)
{
    const struct http_order *order = exchange->state;
    const char *const enter[] = {exchange->access.workspace};
    const char *const values[] = {exchange->access.workspace, NULL, order->same_key};
    const struct pg_step steps[] = {{&http_sql[HTTP_SQL_ENTER], enter},
                                    {&http_sql[HTTP_SQL_ORDERED], values}};
    http_ask(exchange, exchange->loop->main_pool, steps, 2, on_same);
}

/* A key is good within its door, workspace and audience; bodies are compared by what they mean. */
static enum vb_status make_same_key(struct http_exchange *exchange)
{
    struct http_order *order = exchange->state;
    if (!order->same.data)
        return VB_OK;
    struct vb_buffer text;
    vb_buffer_init(&text, AUDIENCE + 1024);
    enum vb_status status = vb_buffer_printf(&text, "%s %s ", exchange->route->door->name,
                                             order->audience_text ? order->audience_text : "");
    if (status == VB_OK)
        status = vb_buffer_append(&text, order->same.data, order->same.length);
    if (status == VB_OK) {
        vb_sha256_hex(text.data, text.length, order->same_key);
        vb_sha256_hex(order->shown.data, order->shown.length, order->request_hash);
    }
    vb_buffer_done(&text);
    return status;
}

void http_order_begin(struct http_exchange *exchange)
{
    struct http_order *order = exchange->state;
    if (!http_range_judge(exchange, &order->resolution.specification, order->refused))
        return;
    order->resolution.found = on_found;
    enum vb_status status =
        http_access_audience(&exchange->access, &order->audience, &order->audience_text);
    if (status == VB_OK)
        status = vb_specification_write(&order->resolution.specification, false, &order->shown);
    if (status == VB_OK)
        status = make_same_key(exchange);
    if (status != VB_OK)
        http_answer_status(exchange, status, "the request");
    else if (order->same.data)
        find_same(exchange);
    else
        http_resolve(exchange);
}
