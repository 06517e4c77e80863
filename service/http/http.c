/* Start and stop of the HTTP front end: sockets, loops, and what tells them of ended jobs.
 *
 * vb_http owns all of them. Stopping goes in three steps: from vb_http_leave on each answer ends
 * its connection, vb_http_request_stop closes the listening sockets and idle connections,
 * vb_http_stop waits for the answers under way and then ends the threads.
 */
#include "http.h"

#include "settings/process.h"
#include "settings/reload.h"
#include "waits.h"

#include "verbatim/cores.h"
#include "verbatim/hash.h"
#include "verbatim/log.h"

#include <stdlib.h>
#include <string.h>

/* Each has database connections of its own, so cores beyond these get no loop. */
#define LOOPS 8u
#define CONNECTIONS 4096u
#define SPARE_FILES 256u /* descriptors left to the rest of the process */
#define STOP_TIME (8 * VB_SECOND)

static const struct vb_http_times contract_times = {
    .head = 10 * VB_SECOND,
    .body = 10 * VB_SECOND,
    .answer = 30 * VB_SECOND,
    .progress = 300 * VB_SECOND,
    .idle = 75 * VB_SECOND,
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

unsigned vb_http_loops(void)
{
    unsigned cores = vb_cores_count();
    return cores < LOOPS ? cores : LOOPS;
}

/* Every descriptor is -1 before the first failure, so that vb_http_stop may close what there is. */
static enum vb_status make_loops(struct vb_http *http, const char *listen, struct vb_error *err)
{
    int listeners[LOOPS];
    http->loops = calloc(http->loop_count, sizeof(*http->loops));
    if (!http->loops)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the HTTP loops");
    for (size_t i = 0; i < http->loop_count; i++) {
        http->loops[i].http = http; /* also for the end of one that has not begun */
        http->loops[i].wake_fd = http->loops[i].ring_fd = http->loops[i].listener =
            http->loops[i].spare_fd = -1;
    }
    enum vb_status status = vb_http_listen(listen, listeners, http->loop_count, err);
    if (status != VB_OK)
        return status;
    for (size_t i = 0; i < http->loop_count; i++)
        http->loops[i].listener = listeners[i]; /* owned, whatever fails below */
    for (size_t i = 0; i < http->loop_count && status == VB_OK; i++)
        status = vb_http_loop_init(&http->loops[i], http, listeners[i], err);
    for (size_t i = 0; i < http->loop_count && status == VB_OK; i++)
        status = vb_http_loop_start(&http->loops[i], err);
    return status;
}

static enum vb_status renew_tls(void *context, const struct vb_options *fresh, bool *ret_changed,
                                struct vb_error *err)
{
    struct vb_http *http = context;
    (void)fresh; /* other paths take a restart */
    return vb_tls_renew(http->tls, ret_changed, err);
}

static enum vb_status start_tls(struct vb_http *http, const struct vb_tls_files *files,
                                struct vb_error *err)
{
    const struct vb_reload reload = {"certificates", renew_tls, http};
    if (!files)
        return VB_OK;
    enum vb_status status = vb_tls_open(files, &http->tls, err);
    return status == VB_OK ? vb_reload_register(&reload, err) : status;
}

enum vb_status vb_http_start(const struct vb_http_options *options, struct vb_http **ret_http,
                             struct vb_error *err)
{
    struct vb_http *http = calloc(1, sizeof(*http));
    if (!http)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the HTTP front end");
    http->site = options->site;
    http->times = options->times ? *options->times : contract_times;
    if (!options->times && options->idle > 0)
        http->times.idle = options->idle;
    if (!options->times && options->progress > 0)
        http->times.progress = options->progress;
    http->proxies = options->proxies;
    http->origins = options->origins;
    http->loop_count = vb_http_loops();
    atomic_store(&http->connection_limit,
                 options->connections > 0 ? options->connections : connection_limit());
    vb_random_bytes(&http->address_seed, sizeof(http->address_seed));
    enum vb_status status = start_tls(http, options->tls, err);
    if (status == VB_OK)
        status = vb_http_waits_start(options->waits, &http->waits, err);
    if (status == VB_OK)
        status = make_loops(http, options->listen, err);
    if (status != VB_OK) {
        vb_http_stop(http);
        return status;
    }
    vb_info("listening on %s%s with %zu loops", options->listen, http->tls ? " by TLS" : "",
            http->loop_count);
    *ret_http = http;
    return VB_OK;
}

/* Else the stop would wait for the next tick. */
static void wake_all(struct vb_http *http)
{
    for (size_t i = 0; i < http->loop_count && http->loops; i++)
        if (http->loops[i].thread.runs)
            vb_http_loop_wake(&http->loops[i]);
}

void vb_http_leave(struct vb_http *http)
{
    atomic_store(&http->leaving, true);
}

bool vb_http_is_leaving(const struct vb_http *http)
{
    return atomic_load_explicit(&http->leaving, memory_order_relaxed);
}

void vb_http_request_stop(struct vb_http *http)
{
    if (!http)
        return;
    vb_http_leave(http);
    atomic_store(&http->asked, true);
    wake_all(http);
}

/* Also of one that was only half started. The site hears of the end of all threads before any of
 * its loops' parts goes: a connector serves the pools of all of them. */
void vb_http_stop(struct vb_http *http)
{
    if (!http)
        return;
    vb_reload_unregister(http);
    http->stop_by = vb_clock_monotonic() + STOP_TIME; /* published by the store below */
    vb_http_leave(http);
    atomic_store(&http->asked, true);
    atomic_store(&http->stopping, true);
    wake_all(http);
    for (size_t i = 0; i < http->loop_count && http->loops; i++)
        vb_thread_join(&http->loops[i].thread);
    http->site->loops_ended(http->site->context);
    for (size_t i = 0; i < http->loop_count && http->loops; i++)
        vb_http_loop_done(&http->loops[i]);
    vb_http_waits_stop(http->waits);
    vb_tls_close(http->tls);
    free(http->loops);
    free(http);
}
