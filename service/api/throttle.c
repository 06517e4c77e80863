/* Token buckets, each of them one number: a bucket that is full again at T holds as many tokens as
 * fit between T and the time at which an empty one would be full (the generic cell rate
 * algorithm). */
#include "throttle.h"

static int64_t take(_Atomic int64_t *full_at, int64_t most, int64_t time, int64_t now)
{
    int64_t held = atomic_load(full_at), wanted;
    do {
        wanted = (held > now ? held : now) + time;
        if (wanted - now > most * time)
            return wanted - now - most * time;
    } while (!atomic_compare_exchange_weak(full_at, &held, wanted));
    return 0;
}

int64_t vb_api_throttle_take(struct vb_api_throttle *throttle, unsigned slot, int64_t now)
{
    _Atomic int64_t *each = &throttle->each[slot % VB_API_THROTTLE_SLOTS];
    int64_t wait = take(each, VB_API_THROTTLE_EACH, VB_API_THROTTLE_EACH_TIME, now);
    if (wait == 0) {
        wait = take(&throttle->all, VB_API_THROTTLE_ALL, VB_API_THROTTLE_ALL_TIME, now);
        if (wait > 0)
            atomic_fetch_sub(each, VB_API_THROTTLE_EACH_TIME);
    }
    return wait;
}

void vb_api_throttle_give(struct vb_api_throttle *throttle, unsigned slot)
{
    atomic_fetch_sub(&throttle->each[slot % VB_API_THROTTLE_SLOTS], VB_API_THROTTLE_EACH_TIME);
    atomic_fetch_sub(&throttle->all, VB_API_THROTTLE_ALL_TIME);
}
