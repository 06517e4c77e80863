/* Health and metrics: whether the process lives, whether what it stands on answers, and figures for
 * Prometheus.
 *
 * Source: Prometheus text exposition format 0.0.4. Health asks for no key and tells no more than
 * yes or no; figures need one with the scope of metrics.
 */
#include "api.h"
#include "http/waits.h"
#include "settings/usage.h"
#include "source_watch.h"
#include "storage/watch.h"
#include "tally.h"

#include "verbatim/metrics.h"
#include "verbatim/version.h"
#include "verbatim/zone.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define METRICS (1u << 20) /* a route that is asked for has some 2 KB */

/* Looks at nothing on purpose: a database that is away is no reason to restart this process. */
void vb_api_alive_begin(struct vb_http_exchange *exchange)
{
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "status", "ok");
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

/* Which of them does not answer is all that is told. */
static void answer_unready(struct vb_http_exchange *exchange, const char *detail)
{
    vb_http_answer_error_header(exchange, "Retry-After", "2");
    vb_http_answer_detail(exchange, 503, detail);
}

/* What readiness can ask for beside the database, by the bits of enum part. */
enum part { STORAGE = 1, SOURCE = 2 };
#define PARTS 2
static const char *const part_names[PARTS] = {"storage", "source"};

/* Both are looked at every few seconds; only the last findings are read here. */
static unsigned degraded_of(const struct vb_api_site_loop *site)
{
    return (vb_storage_watch_ready(site->watch) ? 0u : (unsigned)STORAGE) |
           (vb_api_source_watch_good(site->source_watch) ? 0u : (unsigned)SOURCE);
}

/* "?storage", "?source" or both, with any value. What else stands there asks for nothing: probes
 * add parameters against caches. */
static unsigned asked_of(struct vb_view query)
{
    unsigned asked = 0;
    for (size_t at = 0; at < query.length;) {
        const char *begin = query.data + at, *end = memchr(begin, '&', query.length - at);
        size_t length = end ? (size_t)(end - begin) : query.length - at;
        const char *equals = memchr(begin, '=', length);
        struct vb_view name = {begin, equals ? (size_t)(equals - begin) : length};
        for (size_t i = 0; i < PARTS; i++)
            asked |= vb_view_equals(name, vb_view_of(part_names[i])) ? 1u << i : 0u;
        at += length + 1;
    }
    return asked;
}

/* Orders are taken and polls answered without either. */
static void answer_ready(struct vb_http_exchange *exchange, unsigned degraded)
{
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "status", "ready");
    vb_json_name(&json, "degraded");
    vb_json_begin_array(&json);
    for (size_t i = 0; i < PARTS; i++)
        if (degraded & 1u << i)
            vb_json_text(&json, part_names[i]);
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

static void on_pong(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    exchange->ticket = NULL;
    unsigned degraded = degraded_of(exchange->loop->site);
    unsigned missed = degraded & asked_of(exchange->head.query);
    if (outcome->status != VB_OK)
        answer_unready(exchange, "The database does not answer.");
    else if (missed & STORAGE)
        answer_unready(exchange, "The storage does not answer.");
    else if (missed & SOURCE)
        answer_unready(exchange, "The source does not answer.");
    else
        answer_ready(exchange, degraded);
}

void vb_api_ready_begin(struct vb_http_exchange *exchange)
{
    if (vb_http_is_leaving(exchange->loop->http)) {
        answer_unready(exchange, "The process is stopping.");
        return;
    }
    struct vb_pg_step step = {&vb_api_sql[VB_API_SQL_PING], NULL};
    struct vb_error err;
    if (vb_pg_pool_send(exchange->loop->site->main_pool, &step, 1, on_pong, exchange,
                        &exchange->ticket, &err) != VB_OK)
        answer_unready(exchange, "The database does not answer.");
}

/* `row`: a sample's name with its labels, and its value. The type line stands before the first of a
 * name. */
static enum vb_status put_gauge(struct vb_buffer *out, const PGresult *rows, int row,
                                struct vb_view *last)
{
    struct vb_view name = vb_pg_view(rows, row, 0), value = vb_pg_view(rows, row, 1);
    const char *brace = memchr(name.data, '{', name.length);
    struct vb_view family = {name.data, brace ? (size_t)(brace - name.data) : name.length};
    if (!vb_view_equals(family, *last)) {
        *last = family;
        enum vb_status status =
            vb_buffer_printf(out, "# TYPE %.*s gauge\n", (int)family.length, family.data);
        if (status != VB_OK)
            return status;
    }
    return vb_buffer_printf(out, "%.*s %.*s\n", (int)name.length, name.data, (int)value.length,
                            value.data);
}

/* Of all loops, which live as long as the server. */
static enum vb_status put_answers(const struct vb_http_exchange *exchange, struct vb_buffer *out)
{
    const struct vb_http *http = exchange->loop->http;
    const struct vb_api_tally **tallies =
        calloc(http->loop_count, sizeof(const struct vb_api_tally *));
    if (!tallies)
        return VB_NO_MEMORY;
    for (size_t i = 0; i < http->loop_count; i++)
        tallies[i] = http->loops[i].site->tally;
    enum vb_status status =
        vb_api_tally_write(tallies, http->loop_count, exchange->loop->site->table, out);
    free(tallies);
    return status;
}

static enum vb_status put_own(const struct vb_http_exchange *exchange, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_printf(
        out,
        "# HELP verbatim_build_info Which build this is.\n"
        "# TYPE verbatim_build_info gauge\nverbatim_build_info{version=\"%s\",revision=\"%s\"} 1\n",
        vb_version_number, vb_version_revision);
    if (status == VB_OK)
        status = vb_usage_write(out);
    if (status == VB_OK)
        status = vb_metrics_write(out);
    return status == VB_OK ? put_answers(exchange, out) : status;
}

/* As this process finds them. */
static enum vb_status put_degraded(const struct vb_api_site_loop *site, struct vb_buffer *out)
{
    unsigned degraded = degraded_of(site);
    enum vb_status status = vb_buffer_append_text(out, "# TYPE verbatim_degraded gauge\n");
    for (size_t i = 0; i < PARTS && status == VB_OK; i++)
        status = vb_buffer_printf(out, "verbatim_degraded{part=\"%s\"} %d\n", part_names[i],
                                  (degraded & 1u << i) != 0);
    return status;
}

/* "NaN" where the server does not tell: no comparison with it holds. */
static enum vb_status put_lag(const struct vb_api_site_loop *site, struct vb_buffer *out)
{
    double lag = vb_api_source_watch_lag(site->source_watch);
    enum vb_status status = vb_buffer_append_text(
        out, "# HELP verbatim_source_lag_seconds How far the replica that is read lies behind.\n"
             "# TYPE verbatim_source_lag_seconds gauge\nverbatim_source_lag_seconds ");
    if (status == VB_OK)
        status =
            isnan(lag) ? vb_buffer_append_text(out, "NaN\n") : vb_buffer_printf(out, "%.3f\n", lag);
    return status;
}

/* Read anew each time: the system may replace its files below a process that runs. */
static enum vb_status put_zone_data(struct vb_buffer *out)
{
    char release[VB_ZONE_RELEASE] = "";
    bool is_told = vb_zone_release(release);
    enum vb_status status = vb_buffer_printf(
        out,
        "# HELP verbatim_zone_data_age_seconds Since the release of the time zones came out.\n"
        "# TYPE verbatim_zone_data_age_seconds gauge\n"
        "verbatim_zone_data_age_seconds{release=\"%s\"} ",
        is_told ? release : "");
    if (status == VB_OK && is_told)
        return vb_buffer_printf(out, "%" PRId64 "\n",
                                (vb_clock_now() - vb_zone_release_time(release)) / VB_SECOND);
    return status == VB_OK ? vb_buffer_append_text(out, "NaN\n") : status;
}

static void on_gauges(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (!vb_api_ended(exchange, outcome))
        return;
    struct vb_buffer text;
    vb_buffer_init(&text, METRICS);
    enum vb_status status = put_own(exchange, &text);
    struct vb_view last = {NULL, 0};
    for (int i = 0; i < PQntuples(outcome->results[1]) && status == VB_OK; i++)
        status = put_gauge(&text, outcome->results[1], i, &last);
    if (status == VB_OK)
        status = put_degraded(exchange->loop->site, &text);
    if (status == VB_OK)
        status = put_lag(exchange->loop->site, &text);
    if (status == VB_OK)
        status = put_zone_data(&text);
    if (status == VB_OK)
        status = vb_buffer_printf(&text,
                                  "# TYPE verbatim_http_connections gauge\n"
                                  "verbatim_http_connections %u\n"
                                  "# TYPE verbatim_http_waiting gauge\n"
                                  "verbatim_http_waiting %zu\n",
                                  atomic_load(&exchange->loop->http->connections),
                                  vb_http_waits_count(exchange->loop->http->waits));
    if (status == VB_OK)
        vb_http_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
                       (struct vb_view){text.data, text.length});
    else
        vb_http_answer_detail(exchange, 500, "Internal Server Error");
    vb_buffer_done(&text);
}

/* Counting comes after who asks is known to be good, as a round trip of its own: it costs
 * something. */
static void ask_gauges(struct vb_http_exchange *exchange)
{
    const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_AS_WORKER], NULL},
                                       {&vb_api_sql[VB_API_SQL_GAUGES], NULL}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_gauges);
}

static void on_key(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    ask_gauges(exchange);
}

/* By the token of the process, or by a key of its own scope, of whatever workspace: gauges are over
 * all of them. */
void vb_api_metrics_begin(struct vb_http_exchange *exchange)
{
    const char *token = exchange->loop->site->service->options->metrics_token;
    struct vb_api_entry entry = {.then = on_key};
    if (token && vb_api_bearer_is(exchange, token))
        ask_gauges(exchange);
    else
        vb_api_enter(exchange, &entry);
}
