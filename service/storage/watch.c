/* Asks the storage whether it answers. See storage/watch.h.
 *
 * /readyz tells the last result. A look that takes too long counts as no while it lasts: a store
 * that hangs in the middle of a call is not ready either, and is found out within 5 s. The atomics
 * are written one after the other and may be read between: each by itself is true then.
 */
#include "watch.h"

#include "driver.h"

#include "verbatim/log.h"
#include "verbatim/pulse.h"
#include "verbatim/thread.h"

#include <stdatomic.h>
#include <stdlib.h>

#define WATCH_EVERY (2 * VB_SECOND)
#define PATIENCE (5 * VB_SECOND / 2)

/* The atomics are all that other threads read. */
struct vb_storage_watch {
    struct vb_storage *storage;
    struct vb_thread thread;
    struct vb_pulse pulse;
    atomic_bool is_ready, has_looked;
    atomic_llong looks_since; /* monotonic; of the look that is under way, 0: none is */
    bool is_late;             /* the thread's: it has told of this look */
};

static bool takes_long(struct vb_storage_watch *watch)
{
    int64_t since = atomic_load(&watch->looks_since);
    return since > 0 && vb_clock_monotonic() - since > PATIENCE;
}

/* Asked by the storage in the middle of a call, so a stop never waits for a store, and a look that
 * takes long is told of while it lasts. */
static bool is_stopping(void *context)
{
    struct vb_storage_watch *watch = context;
    if (!watch->is_late && atomic_load(&watch->is_ready) && takes_long(watch)) {
        watch->is_late = true;
        vb_warn("storage does not answer: it has been asked for seconds");
        atomic_store(&watch->is_ready, false);
    }
    return vb_pulse_stopping(&watch->pulse);
}

/* Logs the change only, not every look. */
static void look(struct vb_storage_watch *watch, struct vb_storage_session **session)
{
    struct vb_error err = {0};
    enum vb_status status = VB_OK;
    watch->is_late = false;
    atomic_store(&watch->looks_since, vb_clock_monotonic());
    if (!*session)
        status = vb_storage_session_new(watch->storage, is_stopping, watch, session, &err);
    if (status == VB_OK)
        status = vb_storage_ready(*session, &err);
    bool is_ready = status == VB_OK;
    if (!is_ready && atomic_load(&watch->is_ready) && !is_stopping(watch))
        vb_warn("storage does not answer: %s -> %s", err.text,
                vb_storage_remedy(watch->storage->options, &err));
    if (is_ready && !atomic_load(&watch->is_ready))
        vb_info("storage answers again");
    atomic_store(&watch->is_ready, is_ready);
    atomic_store(&watch->has_looked, true);
    atomic_store(&watch->looks_since, 0);
}

/* The session is made at the first look, and kept: so is its connection. */
static void *run(void *context)
{
    struct vb_storage_watch *watch = context;
    struct vb_storage_session *session = NULL;
    do
        look(watch, &session);
    while (!vb_pulse_wait(&watch->pulse, WATCH_EVERY));
    vb_storage_session_free(session);
    return NULL;
}

enum vb_status vb_storage_watch_start(struct vb_storage *storage,
                                      struct vb_storage_watch **ret_watch, struct vb_error *err)
{
    struct vb_storage_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the storage's watch");
    watch->storage = storage;
    atomic_store(&watch->is_ready, true); /* so that the first failure is logged */
    vb_pulse_init(&watch->pulse);
    enum vb_status status = vb_thread_start(&watch->thread, "vb-watch", run, watch, err);
    if (status != VB_OK) {
        vb_pulse_done(&watch->pulse);
        free(watch);
        return status;
    }
    *ret_watch = watch;
    return VB_OK;
}

/* The session is freed by its thread, which is waited for. */
void vb_storage_watch_stop(struct vb_storage_watch *watch)
{
    if (!watch)
        return;
    vb_pulse_request_stop(&watch->pulse);
    vb_thread_join(&watch->thread);
    vb_pulse_done(&watch->pulse);
    free(watch);
}

/* By the monotonic clock: a clock that is set must not make a store look dead. */
bool vb_storage_watch_ready(struct vb_storage_watch *watch)
{
    return atomic_load(&watch->has_looked) && atomic_load(&watch->is_ready) && !takes_long(watch);
}
