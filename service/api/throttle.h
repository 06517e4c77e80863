/* How often somebody may try: of one client address, and of all together, in this process.
 *
 * Each try takes a token of a bucket that fills up by itself; whoever turns out right gives it
 * back, so that only mistakes count. Addresses share buckets by the hash that the server counts
 * their connections by; behind a proxy all people have its address.
 *
 * A zeroed struct is a full one, and needs no end. Any thread; no locks. No errors: a refusal is a
 * time to wait. Takes its time from the caller, a monotonic clock.
 */
#ifndef VERBATIM_API_THROTTLE_H
#define VERBATIM_API_THROTTLE_H

#include "verbatim/clock.h"

#include <stdatomic.h>

#define VB_API_THROTTLE_SLOTS 1024u
/* Tokens of a full bucket, and what one more takes. */
#define VB_API_THROTTLE_EACH 20
#define VB_API_THROTTLE_EACH_TIME (3 * VB_SECOND)
#define VB_API_THROTTLE_ALL 200
#define VB_API_THROTTLE_ALL_TIME (VB_SECOND / 10)

/* Of each bucket the time at which it will be full again. */
struct vb_api_throttle {
    _Atomic int64_t all, each[VB_API_THROTTLE_SLOTS];
};

/* 0: taken. Else nothing was, and that long it takes until one is there. */
int64_t vb_api_throttle_take(struct vb_api_throttle *throttle, unsigned slot, int64_t now);
/* Back into both buckets, once for each that was taken. */
void vb_api_throttle_give(struct vb_api_throttle *throttle, unsigned slot);

#endif
