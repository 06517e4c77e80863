/* See upkeep/herald.h. A beat every third of a lease, as workers have it, so that the same span
 * says of every process whether it is gone; more often where leases are long, for it looks as
 * well. */
#include "herald.h"

#include "queue/presence.h"
#include "storage/storage.h"
#include "verbatim/log.h"
#include "verbatim/pulse.h"
#include "verbatim/thread.h"

#include <stdlib.h>

#define LOOK_MOST (10 * VB_SECOND)

struct vb_herald {
    const struct vb_service *service;
    struct vb_pg *pg;
    struct vb_pulse pulse;
    struct vb_thread thread;
    bool is_unmanned, is_failing; /* as the log said last */
};

/* The first look comes before a worker that starts at the same moment has beaten: what waits since
 * a moment ago is no news, but the next look tells. */
static enum vb_status tell_unmanned(struct vb_herald *herald, bool is_first, struct vb_error *err)
{
    int64_t jobs = 0;
    char stores[1024];
    enum vb_status status = vb_presence_unmanned(herald->pg, &jobs, stores, sizeof stores, err);
    if (status != VB_OK || is_first || (jobs > 0) == herald->is_unmanned)
        return status;
    herald->is_unmanned = jobs > 0;
    if (jobs == 0)
        vb_info("every export has workers again");
    else if (stores[0])
        vb_warn(
            "%lld exports wait and no worker lives that writes to where they were ordered (%s): "
            "start verbatim worker with the same storage",
            (long long)jobs, stores);
    else
        vb_warn("%lld exports wait and no worker lives: start verbatim worker", (long long)jobs);
    return VB_OK;
}

static void *run(void *context)
{
    struct vb_herald *herald = context;
    const struct vb_service *service = herald->service;
    const struct vb_presence presence = {.process_id = service->process_id,
                                         .storage = vb_storage_identity(service->storage),
                                         .fingerprint = "",
                                         .lease = service->options->lease,
                                         .serves = true};
    int64_t third = service->options->lease / 3;
    bool is_first = true;
    vb_log_set(VB_LOG_THREAD, "herald");
    do {
        struct vb_error err;
        vb_error_clear(&err);
        enum vb_status status = vb_presence_beat(herald->pg, &presence, &err);
        if (status == VB_OK)
            status = tell_unmanned(herald, is_first, &err);
        if (status != VB_OK && !herald->is_failing)
            vb_warn("no heartbeat: %s", err.text);
        herald->is_failing = status != VB_OK;
        is_first = is_first && status != VB_OK;
    } while (!vb_pulse_wait(&herald->pulse, third < LOOK_MOST ? third : LOOK_MOST));
    vb_presence_forget(herald->pg, service->process_id);
    return NULL;
}

static void herald_free(struct vb_herald *herald)
{
    vb_pg_free(herald->pg);
    vb_pulse_done(&herald->pulse);
    free(herald);
}

enum vb_status vb_herald_start(const struct vb_service *service, struct vb_herald **ret_herald,
                               struct vb_error *err)
{
    const struct vb_pg_options options = {.connection_string = service->options->database_url,
                                          .application_name = "verbatim herald",
                                          .role = VB_PG_WORKER,
                                          .prepared_statements =
                                              service->options->prepared_statements};
    struct vb_herald *herald = calloc(1, sizeof *herald);
    if (!herald)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the herald");
    herald->service = service;
    vb_pulse_init(&herald->pulse);
    enum vb_status status = vb_pg_new(&options, &herald->pg, err);
    if (status == VB_OK)
        status = vb_thread_start(&herald->thread, "vb-herald", run, herald, err);
    if (status == VB_OK)
        *ret_herald = herald;
    else
        herald_free(herald);
    return status;
}

void vb_herald_connections(const struct vb_service *service, struct vb_connections *sum)
{
    (void)service;
    sum->database++;
}

void vb_herald_request_stop(struct vb_herald *herald)
{
    if (herald)
        vb_pulse_request_stop(&herald->pulse);
}

void vb_herald_stop(struct vb_herald *herald)
{
    if (!herald)
        return;
    vb_pulse_request_stop(&herald->pulse);
    vb_thread_join(&herald->thread);
    herald_free(herald);
}
