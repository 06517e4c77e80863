/* Start and stop of the HTTP front end: sockets, loops, connectors, the storage's watch.
 *
 * vb_http owns all of them. Stopping goes in two steps: ask closes the listening sockets and idle connections, stop waits
 * for the answers under way and then ends the threads.
 */
#include "api/api.h"
#include "direct/stream.h"
#include "settings/process.h"
#include "waits.h"

#include "verbatim/cores.h"
#include "verbatim/hash.h"
#include "verbatim/log.h"

#include <stdlib.h>
#include <string.h>

#define LOOPS 16u
#define CONNECTIONS 4096u
#define SPARE_FILES 256u /* descriptors left to the rest of the process */
#define STOP_TIME (8 * VB_SECOND)

static const struct http_times contract_times = {
    .head = 10 * VB_SECOND,
    .body = 10 * VB_SECOND,
    .answer = 30 * VB_SECOND,
    .progress = 15 * VB_SECOND,
    .idle = 60 * VB_SECOND,
    .linger = 2 * VB_SECOND,
};

/* As many connections as the process may have descriptors for, less what others need. */
static unsigned connection_limit(void)
{
    unsigned files = vb_process_files();
    if (files > CONNECTIONS + SPARE_FILES)
        return CONNECTIONS;
    return files > 2 * SPARE_FILES ? files - SPARE_FILES : SPARE_FILES / 2;
}

static size_t loop_count(void)
{
    unsigned cores = vb_cores_count();
    return cores < LOOPS ? cores : LOOPS;
}

void vb_http_connections(const struct vb_service *service, struct vb_connections *sum)
{
    unsigned loops = (unsigned)loop_count();
    (void)service;
    sum->database += loops * HTTP_MAIN_LINKS + HTTP_WAITS_LINKS;
    sum->source += loops * (HTTP_SOURCE_LINKS + HTTP_COUNT_LINKS) + STREAMS;
}

static enum vb_status make_loops(struct vb_http *http, struct vb_error *err)
{
    int listeners[LOOPS];
    http->loops = calloc(http->loop_count, sizeof(*http->loops));
    if (!http->loops)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the HTTP loops");
    for (size_t i = 0; i < http->loop_count; i++)
        http->loops[i].wake_fd = http->loops[i].ring_fd = http->loops[i].listener =
            http->loops[i].spare_fd = -1;
    enum vb_status status =
        http_listen(http->service->options->listen, listeners, http->loop_count, err);
    if (status != VB_OK)
        return status;
    for (size_t i = 0; i < http->loop_count; i++) {
        http->loops[i].listener = listeners[i]; /* owned, whatever fails below */
        /* Links and cursors are good from the first request on; without secrets the loops ask for them. */
        if (http->service->secrets && http->service->secrets->count > 0) {
            http->loops[i].secrets = *http->service->secrets;
            http->loops[i].secrets_at = vb_clock_monotonic();
        }
    }
    for (size_t i = 0; i < http->loop_count && status == VB_OK; i++)
        status = http_loop_init(&http->loops[i], http, listeners[i], err);
    for (size_t i = 0; i < http->loop_count && status == VB_OK; i++)
        status = http_loop_start(&http->loops[i], err);
    return status;
}

enum vb_status http_start_with(const struct vb_service *service, const struct http_times *times,
                               struct vb_http **ret_http, struct vb_error *err)
{
    struct vb_http *http = calloc(1, sizeof(*http));
    if (!http)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the HTTP front end");
    http->service = service;
    http->times = *times;
    http->loop_count = loop_count();
    atomic_store(&http->connection_limit, connection_limit());
    vb_random_bytes(&http->address_seed, sizeof(http->address_seed));
    vb_resolve_statements(service->contract, http->source_statements);
    enum vb_status status = pg_connector_start(&http->main_connector, err);
    if (status == VB_OK)
        status = pg_connector_start(&http->source_connector, err);
    if (status == VB_OK)
        status = http_watch_start(service->storage, &http->watch, err);
    if (status == VB_OK)
        status = stream_pool_start(service, &http->streams, err);
    if (status == VB_OK)
        status = http_waits_start(service, &http->waits, err);
    if (status == VB_OK)
        status = make_loops(http, err);
    if (status != VB_OK) {
        vb_http_stop(http);
        return status;
    }
    vb_info("listening on %s with %zu loops", service->options->listen, http->loop_count);
    *ret_http = http;
    return VB_OK;
}

enum vb_status vb_http_start(const struct vb_service *service, struct vb_http **ret_http,
                             struct vb_error *err)
{
    return http_start_with(service, &contract_times, ret_http, err);
}

static void wake_all(struct vb_http *http)
{
    for (size_t i = 0; i < http->loop_count && http->loops; i++)
        if (http->loops[i].has_thread)
            http_loop_wake(&http->loops[i]);
}

void vb_http_ask(struct vb_http *http)
{
    if (!http)
        return;
    atomic_store(&http->asked, true);
    wake_all(http);
}

void vb_http_stop(struct vb_http *http)
{
    if (!http)
        return;
    http->stop_by = vb_clock_monotonic() + STOP_TIME; /* published by the store below */
    atomic_store(&http->asked, true);
    atomic_store(&http->stopping, true);
    wake_all(http);
    for (size_t i = 0; i < http->loop_count && http->loops; i++)
        if (http->loops[i].has_thread)
            (void)pthread_join(http->loops[i].thread, NULL);
    /* No pool may go while a connector could still answer it. */
    pg_connector_stop(http->main_connector);
    pg_connector_stop(http->source_connector);
    for (size_t i = 0; i < http->loop_count && http->loops; i++)
        http_loop_done(&http->loops[i]);
    stream_pool_stop(http->streams); /* no loop holds one any more */
    http_watch_stop(http->watch);
    http_waits_stop(http->waits);
    free(http->loops);
    free(http);
}
