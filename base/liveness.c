/* See liveness.h. A list of some twenty, walked some times a minute; beats take no lock.
 *
 * A change must not break: a loop that is gone is out of the list before its memory is, so join and
 * leave hold the mutex that the look holds.
 */
#include "verbatim/liveness.h"

#include "verbatim/clock.h"

#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct vb_liveness *first; /* under the mutex */

void vb_liveness_join(struct vb_liveness *one, const char *name, int64_t patience)
{
    vb_liveness_beat(one);
    pthread_mutex_lock(&mutex);
    one->name = name;
    one->patience = patience;
    one->joined = true;
    one->next = first;
    first = one;
    pthread_mutex_unlock(&mutex);
}

void vb_liveness_beat(struct vb_liveness *one)
{
    atomic_store_explicit(&one->seen_at, vb_clock_monotonic(), memory_order_relaxed);
}

/* A time that no clock reaches, so that the look needs no second member. */
void vb_liveness_rest(struct vb_liveness *one)
{
    atomic_store_explicit(&one->seen_at, INT64_MAX, memory_order_relaxed);
}

void vb_liveness_leave(struct vb_liveness *one)
{
    pthread_mutex_lock(&mutex);
    for (struct vb_liveness **at = &first; one->joined && *at; at = &(*at)->next)
        if (*at == one) {
            *at = one->next;
            break;
        }
    one->joined = false;
    pthread_mutex_unlock(&mutex);
}

const char *vb_liveness_silent(int64_t now, int64_t *ret_silence)
{
    const char *name = NULL;
    pthread_mutex_lock(&mutex);
    for (const struct vb_liveness *one = first; one && !name; one = one->next) {
        int64_t silence = now - atomic_load_explicit(&one->seen_at, memory_order_relaxed);
        if (silence <= one->patience)
            continue;
        name = one->name;
        if (ret_silence)
            *ret_silence = silence;
    }
    pthread_mutex_unlock(&mutex);
    return name;
}
