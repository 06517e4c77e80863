/* Which threads still go round, for whoever has to prove it: a watchdog.
 *
 * A thread that runs in a loop joins with the longest silence it may keep, tells of itself at each
 * round, and leaves before it ends. The struct is the loop's owner's, and stays where it is from
 * join to leave; the list of them is the process's, as the counters of metrics.h are. Any thread;
 * a beat is one atomic store. No errors.
 *
 * Waiting for another system without a limit of one's own is a rest: a process must not be killed
 * for a database's or a store's fault.
 */
#ifndef VERBATIM_LIVENESS_H
#define VERBATIM_LIVENESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vb_liveness {
    const char *name; /* borrowed; for the log */
    int64_t patience; /* microseconds of silence that mean nothing */
    atomic_llong seen_at;
    struct vb_liveness *next;
    bool joined; /* under the list's mutex */
};

/* All zero before; counts as a beat. */
void vb_liveness_join(struct vb_liveness *one, const char *name, int64_t patience);
void vb_liveness_beat(struct vb_liveness *one);
/* It waits for another system, as long as that takes: no silence, until the next beat. */
void vb_liveness_rest(struct vb_liveness *one);
/* Does nothing for one that never joined. */
void vb_liveness_leave(struct vb_liveness *one);

/* The name of one that has been silent for longer than it may at this time of the monotonic clock,
 * and for how long; NULL: all go round. `ret_silence` may be NULL. */
const char *vb_liveness_silent(int64_t now, int64_t *ret_silence);

#endif
