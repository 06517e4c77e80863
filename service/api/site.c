/* The site's side of the HTTP server, and its start and stop. See api/site.h.
 *
 * Parts start in the order in which they are needed and stop in the other: the server first, so
 * that no loop asks anything; then the connectors, the streams, the watch. Each may be missing
 * where the start failed half-way.
 */
#include "site.h"
#include "storage/short_link.h"

#include "audit_end.h"
#include "events.h"
#include "source_watch.h"
#include "tally.h"
#include "throttle.h"

#include "direct/direct.h"
#include "http/cors.h"
#include "http/waits.h"
#include "queue/queue.h"
#include "rules/origin.h"
#include "storage/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITS_LINKS 1u

struct vb_api {
    const struct vb_service *service;
    const struct vb_api_table *table;
    struct vb_http_site site;
    struct vb_pg_statement source_statements[VB_RESOLVE_STATEMENTS];
    struct vb_pg_connector *main_connector, *source_connector;
    struct vb_storage_watch *watch;
    struct vb_api_source_watch source_watch; /* of the first loop */
    struct vb_direct_pool *streams;
    struct vb_http *http;
    struct vb_api_throttle sign_ins; /* of all loops */
    struct vb_api_known known;       /* likewise */
    struct vb_api_events *events;
    struct vb_networks *proxies;
    struct vb_origins *origins;
};

/* --- beside a loop --- */

/* Links and cursors are good from the first request on; without secrets the loops ask for them. */
static void take_secrets(struct vb_api_site_loop *site)
{
    const struct vb_link_secrets *secrets = site->service->secrets;
    if (!secrets || secrets->count == 0)
        return;
    site->secrets = *secrets;
    site->secrets_at = vb_clock_monotonic();
}

/* Before the loop's thread: whatever is half made is ended by loop_done. */
static enum vb_status loop_init(struct vb_http_loop *loop, struct vb_error *err)
{
    struct vb_api *api = loop->http->site->context;
    struct vb_api_site_loop *site = loop->site = calloc(1, sizeof(*site));
    if (!site)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an HTTP loop");
    site->service = api->service;
    site->table = api->table;
    site->source_statements = api->source_statements;
    site->streams = api->streams;
    site->watch = api->watch;
    site->source_watch = &api->source_watch;
    site->sign_ins = &api->sign_ins;
    site->known = &api->known;
    site->events = api->events;
    vb_buffer_init(&site->list.target, VB_HTTP_TARGET + 2);
    vb_buffer_init(&site->list.body, VB_API_SHOWN);
    take_secrets(site);
    site->tally = calloc(1, sizeof(*site->tally));
    if (!site->tally)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an HTTP loop");
    return vb_api_pools_init(loop, api->main_connector, api->source_connector, err);
}

static void loop_tick(struct vb_http_loop *loop, int64_t now)
{
    vb_api_pools_tick(loop, now);
    vb_api_source_watch_tick(loop, now);
    vb_api_end_tick(loop->site, now);
    vb_api_events_tick(loop, now);
}

/* All requests of a round have been read: what they ask alike goes together. */
static bool loop_round(struct vb_http_loop *loop, bool is_quiet)
{
    return vb_pg_pool_round(loop->site->main_pool, is_quiet);
}

/* Notes to the audit hold a stop up; answers are connections, and counted by the server. */
static bool loop_is_busy(const struct vb_http_loop *loop)
{
    return loop->site->notes > 0;
}

/* No pool may go while a connector could still answer it. */
static void loops_ended(void *context)
{
    struct vb_api *api = context;
    vb_pg_connector_stop(api->main_connector);
    vb_pg_connector_stop(api->source_connector);
    api->main_connector = api->source_connector = NULL;
}

/* Pools before ends: without them nothing answers an end any more. */
static void loop_done(struct vb_http_loop *loop)
{
    struct vb_api_site_loop *site = loop->site;
    if (!site)
        return;
    vb_api_events_leave(site);
    vb_api_source_watch_leave(loop);
    vb_api_pools_done(site);
    vb_api_end_done(site);
    for (size_t i = 0; i < sizeof(site->zones) / sizeof(site->zones[0]); i++)
        vb_zone_free(site->zones[i].zone);
    explicit_bzero(&site->secrets, sizeof(site->secrets));
    vb_buffer_done(&site->list.target);
    vb_buffer_done(&site->list.body);
    free(site->tally);
    free(site);
    loop->site = NULL;
}

/* Loops have caches of their own, so no lock; the oldest entry makes room. */
static struct vb_zone *loop_zone(struct vb_http_loop *loop, const char *name, struct vb_error *err)
{
    struct vb_api_site_loop *site = loop->site;
    size_t slots = sizeof(site->zones) / sizeof(site->zones[0]);
    for (size_t i = 0; i < slots; i++)
        if (site->zones[i].zone && strcmp(site->zones[i].name, name) == 0)
            return site->zones[i].zone;
    struct vb_api_zone *slot = &site->zones[site->zone_turn++ % slots];
    struct vb_zone *zone;
    if (strlen(name) >= sizeof(slot->name) || vb_zone_new(name, &zone, err) != VB_OK) {
        (void)vb_fail(err, VB_INVALID, "the workspace's time zone %s is unknown", name);
        return NULL;
    }
    vb_zone_free(slot->zone);
    slot->zone = zone;
    (void)snprintf(slot->name, sizeof(slot->name), "%s", name);
    return zone;
}

struct vb_zone *vb_api_zone(struct vb_http_exchange *exchange)
{
    const char *name = exchange->request->access.time_zone;
    struct vb_error err = {0};
    char detail[256];
    struct vb_zone *zone = loop_zone(exchange->loop, name, &err);
    if (zone)
        return zone;
    (void)snprintf(detail, sizeof(detail),
                   "The workspace's time zone %.64s is not known on this server.", name);
    vb_log_set(VB_LOG_REQUEST, exchange->request_id);
    vb_error_log("request failed: %s", err.text);
    vb_log_set(VB_LOG_REQUEST, NULL);
    vb_http_answer_error_header(exchange, "Retry-After", "60");
    vb_http_answer_detail(exchange, 503, detail);
    return NULL;
}

/* --- beside an exchange --- */

/* Ceilings only; nothing is allocated before it is used. */
static struct vb_api_site_request *request_new(void)
{
    struct vb_api_site_request *request = calloc(1, sizeof(*request));
    for (size_t i = 0; request && i < VB_API_ARGUMENTS; i++)
        vb_buffer_init(&request->arguments[i], VB_HTTP_TARGET);
    return request;
}

/* Between two requests of a loop: nothing of who asked before may be left. */
static void request_reset(struct vb_api_site_request *request)
{
    request->route = NULL;
    request->on_entered = NULL;
    request->credential = (struct vb_api_credential){.is_taken = false};
    request->trace.is_read = false;
    vb_access_done(&request->access);
    for (size_t i = 0; i < VB_API_ARGUMENTS; i++)
        vb_buffer_reset(&request->arguments[i]);
}

static void request_free(struct vb_api_site_request *request)
{
    vb_access_done(&request->access);
    for (size_t i = 0; i < VB_API_ARGUMENTS; i++)
        vb_buffer_done(&request->arguments[i]);
    free(request);
}

static bool begins_with(struct vb_view path, struct vb_view prefix)
{
    return path.length >= prefix.length && memcmp(path.data, prefix.data, prefix.length) == 0;
}

/* A browser, on behalf of a page of another origin. */
static bool asks_leave(const struct vb_http_exchange *exchange)
{
    return !exchange->is_for_own_pages &&
           vb_http_cors_asked(exchange->loop->http->origins, &exchange->head).data != NULL;
}

static void answer_leave(struct vb_http_exchange *exchange, const char *allow)
{
    enum vb_status status = vb_http_cors_put_leave(allow, &exchange->headers);
    if (status == VB_OK)
        vb_http_answer(exchange, 204, "", (struct vb_view){NULL, 0});
    else
        vb_http_answer_status(exchange, status, "the headers of an answer");
}

/* A path that nobody knows is told before a key is asked for: the routes are no secret. */
static void begin(struct vb_http_exchange *exchange)
{
    struct vb_api_site_request *request = exchange->request;
    char allow[VB_API_ALLOW];
    const struct vb_view path = exchange->head.path;
    static const struct vb_view links = VB_VIEW(VB_SHORT_LINK_PATH);
    if (begins_with(path, links))
        exchange->path_shown = links.length; /* what follows is the right to a file */
    exchange->is_for_own_pages =
        begins_with(path, VB_VIEW("/console")) || begins_with(path, VB_VIEW("/api/v1/console/"));
    request->route = exchange->loop->site->table->find(exchange->head.method, exchange->head.path,
                                                       request->arguments, allow);
    if (request->route) {
        request->route->begin(exchange);
    } else if (*allow && asks_leave(exchange)) {
        answer_leave(exchange, allow);
    } else if (*allow) {
        vb_http_answer_error_header(exchange, "Allow", allow);
        vb_http_answer_detail(exchange, 405, "Method Not Allowed");
    } else {
        vb_http_answer_detail(exchange, 404, "Not Found");
    }
}

static const struct vb_api_door *door_of(const struct vb_http_exchange *exchange)
{
    const struct vb_api_table *table = exchange->loop->site->table;
    const struct vb_api_route *route = exchange->request->route;
    if (!route)
        return table->of_path(exchange->head.path);
    return route->door ? route->door : table->operations;
}

static void put_error(const struct vb_http_exchange *exchange, struct vb_json *json, int status,
                      const char *detail)
{
    door_of(exchange)->put_error(json, status, detail);
}

static int put_problems(const struct vb_http_exchange *exchange, struct vb_json *json,
                        const struct vb_problems *problems)
{
    const struct vb_api_door *door = door_of(exchange);
    door->put_problems(json, problems);
    return door->problem_status;
}

/* The one that was asked for, also where it was refused; else the key's. */
static const char *workspace_of(const struct vb_http_exchange *exchange)
{
    const struct vb_api_site_request *request = exchange->request;
    const struct vb_api_door *door = request->route ? request->route->door : NULL;
    return door && door->names_workspace ? request->arguments[0].data : request->access.workspace;
}

/* What only looks is asked for again and again. */
static bool is_poll(const struct vb_http_exchange *exchange)
{
    const struct vb_api_route *route = exchange->request->route;
    return route && route->right != VB_RIGHT_EXPORT &&
           vb_view_equals(exchange->head.method, VB_VIEW("GET"));
}

/* What failed here is worth more than a line of access; what is refused is told with what changes
 * something. */
static enum vb_log_level log_level(const struct vb_http_exchange *exchange)
{
    const struct vb_api_route *route = exchange->request->route;
    int wanted = exchange->loop->site->service->options->access_log;
    enum vb_access_log rank = VB_ACCESS_CHANGES;
    if (exchange->status >= 500)
        return VB_LOG_WARN;
    if (exchange->status < 400 && is_poll(exchange))
        rank = route->is_polled ? VB_ACCESS_ALL : VB_ACCESS_READS;
    return (int)rank <= wanted ? VB_LOG_INFO : VB_LOG_DEBUG;
}

/* Rows of the table lie one behind the other. */
static void answered(struct vb_http_exchange *exchange, int64_t microseconds)
{
    const struct vb_api_site_loop *site = exchange->loop->site;
    const struct vb_api_route *route = exchange->request->route;
    vb_api_tally_add(site->tally, route ? (size_t)(route - site->table->at(0)) : SIZE_MAX,
                     exchange->status, microseconds);
    if (vb_trace_is_on())
        vb_api_trace_answered(exchange, microseconds);
}

static const struct vb_http_site callbacks = {
    .loop_init = loop_init,
    .loop_tick = loop_tick,
    .loop_round = loop_round,
    .loop_is_busy = loop_is_busy,
    .loops_ended = loops_ended,
    .loop_done = loop_done,
    .request_new = request_new,
    .request_reset = request_reset,
    .request_free = request_free,
    .begin = begin,
    .put_error = put_error,
    .put_problems = put_problems,
    .workspace = workspace_of,
    .is_poll = is_poll,
    .log_level = log_level,
    .answered = answered,
};

/* --- start and stop --- */

void vb_site_connections(struct vb_connections *sum)
{
    vb_api_pools_connections(sum);
    sum->database += WAITS_LINKS;
    sum->source += VB_DIRECT_STREAMS;
}

/* Ended, or gone altogether. $1 the jobs that are waited for. */
static const char ask_ended[] = "SELECT w.job_id::text"
                                " FROM unnest($1::uuid[]) AS w(job_id)"
                                " LEFT JOIN verbatim.job AS j ON j.job_id = w.job_id"
                                " WHERE j.status IS NULL"
                                " OR j.status NOT IN ('queued', 'started')";

static enum vb_status start_http(struct vb_api *api, const struct vb_http_times *times,
                                 unsigned connections, struct vb_error *err)
{
    const struct vb_options *options = api->service->options;
    const struct vb_http_waits_options waits = {
        .pg = {.connection_string = options->database_url,
               .application_name = "verbatim waits",
               .role = VB_PG_WORKER,
               .prepared_statements = options->prepared_statements},
        .channel = VB_ENDED_CHANNEL,
        .ask = ask_ended,
    };
    const struct vb_tls_files tls = {options->tls_cert_file, options->tls_key_file,
                                     options->tls_client_ca_file};
    const struct vb_http_options http = {.listen = options->listen,
                                         .tls = tls.certificate ? &tls : NULL,
                                         .site = &api->site,
                                         .waits = &waits,
                                         .times = times,
                                         .idle = options->idle_timeout,
                                         .progress = options->client_timeout,
                                         .proxies = api->proxies,
                                         .origins = api->origins,
                                         .connections = connections};
    return vb_http_start(&http, &api->http, err);
}

enum vb_status vb_site_start(const struct vb_service *service, const struct vb_api_table *table,
                             const struct vb_http_times *times, unsigned connections,
                             struct vb_api **ret_api, struct vb_error *err)
{
    struct vb_api *api = calloc(1, sizeof(*api));
    if (!api)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the API");
    pthread_mutex_init(&api->known.mutex, NULL);
    api->service = service;
    api->table = table;
    api->site = callbacks;
    api->site.context = api;
    vb_resolve_statements(service->contract, api->source_statements);
    enum vb_status status = vb_networks_new(service->options->trusted_proxies, &api->proxies, err);
    if (status == VB_OK)
        status = vb_origins_new(service->options->cors_origins, &api->origins, err);
    if (status == VB_OK)
        status = vb_pg_connector_start(&api->main_connector, err);
    if (status == VB_OK)
        status = vb_pg_connector_start(&api->source_connector, err);
    if (status == VB_OK)
        status = vb_storage_watch_start(service->storage, &api->watch, err);
    if (status == VB_OK)
        status = vb_direct_pool_start(service, &api->streams, err);
    if (status == VB_OK)
        status = vb_api_events_new(&api->events, err);
    if (status == VB_OK)
        status = start_http(api, times, connections, err);
    if (status == VB_OK)
        *ret_api = api;
    else
        vb_site_stop(api);
    return status;
}

void vb_site_leave(struct vb_api *api)
{
    vb_http_leave(api->http);
}

void vb_site_request_stop(struct vb_api *api)
{
    if (api)
        vb_http_request_stop(api->http);
}

void vb_site_stop(struct vb_api *api)
{
    if (!api)
        return;
    vb_http_stop(api->http);
    loops_ended(api);                  /* where the server has not started */
    vb_direct_pool_stop(api->streams); /* no loop holds one any more */
    vb_storage_watch_stop(api->watch);
    vb_api_events_free(api->events);
    vb_networks_free(api->proxies);
    vb_origins_free(api->origins);
    pthread_mutex_destroy(&api->known.mutex);
    explicit_bzero(&api->known.secrets, sizeof(api->known.secrets));
    free(api);
}
