/* The waiting of a background thread: for time to pass, for a wake-up, or for the end.
 *
 * One thread waits, any number wake. The struct belongs to the waiting thread's owner, who outlives
 * both it and everyone who wakes it: vb_pulse_done comes after the thread was joined. vb_pulse_wait
 * is the thread's alone, all else is for any thread. No errors. A wake-up that nobody waits for is
 * kept, as one, until the next wait.
 */
#ifndef VERBATIM_PULSE_H
#define VERBATIM_PULSE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vb_pulse {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool woken, stopping; /* under the mutex */
};

void vb_pulse_init(struct vb_pulse *pulse);
void vb_pulse_done(struct vb_pulse *pulse);
/* Ends the wait that runs, or else the next one. Any thread; NULL is nobody to wake. */
void vb_pulse_wake(struct vb_pulse *pulse);
/* Every wait ends at once from here on. Any thread. */
void vb_pulse_request_stop(struct vb_pulse *pulse);
bool vb_pulse_stopping(struct vb_pulse *pulse);
/* Waits; true: the thread is asked to end. */
bool vb_pulse_wait(struct vb_pulse *pulse, int64_t microseconds);

#endif
