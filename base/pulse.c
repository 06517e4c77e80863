/* See pulse.h. One waiter; anybody may wake.
 *
 * A wake-up is kept until a wait takes it, so one that comes while the thread is at work is not
 * lost; several before a wait count as one. Who wakes must therefore have made his change visible
 * before (a commit, a row), and the thread looks for all there is after each wait. `stopping` is
 * never taken back: a pulse is for one life of its thread.
 */
#include "verbatim/pulse.h"

#include "verbatim/clock.h"
#include "verbatim/thread.h"

void vb_pulse_init(struct vb_pulse *pulse)
{
    *pulse = (struct vb_pulse){.woken = false};
    pthread_mutex_init(&pulse->mutex, NULL);
    vb_condition_init(&pulse->changed);
}

void vb_pulse_done(struct vb_pulse *pulse)
{
    pthread_cond_destroy(&pulse->changed);
    pthread_mutex_destroy(&pulse->mutex);
}

void vb_pulse_wake(struct vb_pulse *pulse)
{
    if (!pulse)
        return;
    pthread_mutex_lock(&pulse->mutex);
    pulse->woken = true;
    pthread_cond_signal(&pulse->changed);
    pthread_mutex_unlock(&pulse->mutex);
}

void vb_pulse_request_stop(struct vb_pulse *pulse)
{
    pthread_mutex_lock(&pulse->mutex);
    pulse->stopping = true;
    pthread_cond_signal(&pulse->changed);
    pthread_mutex_unlock(&pulse->mutex);
}

bool vb_pulse_stopping(struct vb_pulse *pulse)
{
    pthread_mutex_lock(&pulse->mutex);
    bool stopping = pulse->stopping;
    pthread_mutex_unlock(&pulse->mutex);
    return stopping;
}

/* A wait of 0 or less takes a wake-up that lies there and returns. A wake-up is taken also when the
 * wait ended by time. */
bool vb_pulse_wait(struct vb_pulse *pulse, int64_t microseconds)
{
    int64_t until = vb_clock_monotonic() + microseconds;
    bool in_time = true;
    pthread_mutex_lock(&pulse->mutex);
    while (!pulse->woken && !pulse->stopping && in_time)
        in_time = vb_condition_wait(&pulse->changed, &pulse->mutex, until);
    pulse->woken = false;
    bool stopping = pulse->stopping;
    pthread_mutex_unlock(&pulse->mutex);
    return stopping;
}
