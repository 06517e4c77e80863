/* Threads that their owner waits for: started with a name, joined once.
 *
 * No cancelling and no result: what a thread has to tell lies in its context. The struct and the
 * context belong to the owner, who keeps both where they are until the join; the struct is zeroed
 * before the start. Start and join are the owner's thread's. Errors: VB_NO_MEMORY alone. Signals
 * are blocked in all threads by whoever runs the process (settings/process.h).
 */
#ifndef VERBATIM_THREAD_H
#define VERBATIM_THREAD_H

#include "verbatim/status.h"

#include <pthread.h>
#include <stdint.h>

struct vb_thread {
    pthread_t id;
    bool runs;
};

/* `name` is what tools for processes show, at most 15 bytes. VB_NO_MEMORY: the system gives no
 * thread now. */
enum vb_status vb_thread_start(struct vb_thread *thread, const char *name, void *(*run)(void *),
                               void *context, struct vb_error *err) vb_must_check;
/* Returns when it has ended; does nothing where none was started. */
void vb_thread_join(struct vb_thread *thread);

/* A condition whose timed waits count CLOCK_MONOTONIC: a clock that is set shortens or lengthens no
 * wait. */
void vb_condition_init(pthread_cond_t *condition);
/* With the mutex held: until it is signalled, or vb_clock_monotonic shows `deadline`. False: it
 * does. As with any condition, what was waited for has to be looked at either way. */
bool vb_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline);

#endif
