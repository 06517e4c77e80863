/* Threads that their owner waits for. See thread.h.
 *
 * No thread is detached and none is cancelled: each has an owner who asks it to end in its own way
 * (a pulse, a flag, a closed socket) and joins it, so that at exit nothing runs that still uses
 * what is being freed.
 */
#include "verbatim/thread.h"

#include "verbatim/clock.h"

#include <time.h>

enum vb_status vb_thread_start(struct vb_thread *thread, const char *name, void *(*run)(void *),
                               void *context, struct vb_error *err)
{
    int code = pthread_create(&thread->id, NULL, run, context);
    if (code != 0)
        return vb_fail_system(err, VB_NO_MEMORY, code, "cannot start the thread %s", name);
    thread->runs = true;
    (void)pthread_setname_np(thread->id, name); /* a name too long is only a thread without one */
    return VB_OK;
}

/* So that owners may tear down a half-made set without keeping account of how far they came. */
void vb_thread_join(struct vb_thread *thread)
{
    if (!thread->runs)
        return;
    (void)pthread_join(thread->id, NULL);
    thread->runs = false;
}

void vb_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    /* None of these can fail here: POSIX leaves room for systems where they allocate. */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

bool vb_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline)
{
    const struct timespec end = {.tv_sec = (time_t)(deadline / VB_SECOND),
                                 .tv_nsec = (long)(deadline % VB_SECOND) * 1000};
    return pthread_cond_timedwait(condition, mutex, &end) == 0;
}
