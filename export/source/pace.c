/* The turns of a gentle pace: see pace.h. Owns nothing but its list of waiters, who lie on the
 * stacks of their threads.
 *
 * A pause stands between two statements and in no transaction. It is waited for in slices, between
 * which the owner of the reader is asked whether to go on, outside of the mutex: a stop is heard at
 * once, and what it asks may have locks of its own.
 */
#include "pace.h"

#include "verbatim/clock.h"
#include "verbatim/thread.h"

#include <stdlib.h>

#define AIM_FAST (VB_SECOND / 10)
#define AIM_GENTLE (VB_SECOND / 50)
#define GIANT_FAST 4096u
#define GIANT_GENTLE 1024u
/* A pause for the time of a statement; two of them leave the source a third of the time. */
#define REST 2
/* One that takes minutes has to look at the whole table: there are few of them. */
#define LONGEST_REST (60 * VB_SECOND)
#define SLICE (VB_SECOND / 20) /* how late a stop may be heard */

struct waiter {
    struct waiter *next;
};

struct vb_pace {
    pthread_mutex_t mutex;  /* guards all of it */
    pthread_cond_t changed; /* somebody left, or gave up waiting */
    struct waiter *first;   /* whose turn is next */
    bool is_taken;          /* a statement runs */
    int64_t free_at;        /* monotonic: the pause ends */
};

int64_t vb_pace_aim(const struct vb_pace *pace)
{
    return pace ? AIM_GENTLE : AIM_FAST;
}

size_t vb_pace_giant(const struct vb_pace *pace)
{
    return pace ? GIANT_GENTLE : GIANT_FAST;
}

bool vb_pace_reads_ahead(const struct vb_pace *pace)
{
    return pace != NULL;
}

enum vb_status vb_pace_new(struct vb_pace **ret_pace, struct vb_error *err)
{
    struct vb_pace *pace = calloc(1, sizeof *pace);
    if (!pace)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the source's pace");
    pthread_mutex_init(&pace->mutex, NULL); /* cannot fail without attributes */
    vb_condition_init(&pace->changed);
    *ret_pace = pace;
    return VB_OK;
}

void vb_pace_free(struct vb_pace *pace)
{
    if (!pace)
        return;
    pthread_cond_destroy(&pace->changed);
    pthread_mutex_destroy(&pace->mutex);
    free(pace);
}

static void line_up(struct vb_pace *pace, struct waiter *own)
{
    struct waiter **last = &pace->first;
    while (*last)
        last = &(*last)->next;
    *last = own;
}

static void step_out(struct vb_pace *pace, const struct waiter *own)
{
    struct waiter **at = &pace->first;
    while (*at != own)
        at = &(*at)->next;
    *at = own->next;
}

/* One slice, or to the end of the pause where that comes first. */
static void wait_slice(struct vb_pace *pace, int64_t now)
{
    int64_t until = now + SLICE;
    if (!pace->is_taken && pace->free_at > now && pace->free_at < until)
        until = pace->free_at;
    (void)vb_condition_wait(&pace->changed, &pace->mutex, until);
}

static bool is_turn(const struct vb_pace *pace, const struct waiter *own, int64_t now)
{
    return pace->first == own && !pace->is_taken && now >= pace->free_at;
}

enum vb_status vb_pace_enter(struct vb_pace *pace, const struct vb_stop *stop, struct vb_error *err)
{
    struct waiter own = {NULL};
    enum vb_status status = VB_OK;
    if (!pace)
        return VB_OK;
    pthread_mutex_lock(&pace->mutex);
    line_up(pace, &own);
    for (int64_t now = vb_clock_monotonic(); status == VB_OK && !is_turn(pace, &own, now);
         now = vb_clock_monotonic()) {
        wait_slice(pace, now);
        pthread_mutex_unlock(&pace->mutex);
        status = vb_stop_check(stop, err);
        pthread_mutex_lock(&pace->mutex);
    }
    step_out(pace, &own);
    if (status == VB_OK)
        pace->is_taken = true;
    else
        pthread_cond_broadcast(&pace->changed);
    pthread_mutex_unlock(&pace->mutex);
    return status;
}

void vb_pace_leave(struct vb_pace *pace, int64_t took)
{
    if (!pace)
        return;
    int64_t rest = took > LONGEST_REST / REST ? LONGEST_REST : took * REST;
    pthread_mutex_lock(&pace->mutex);
    pace->is_taken = false;
    pace->free_at = vb_clock_monotonic() + rest;
    pthread_cond_broadcast(&pace->changed);
    pthread_mutex_unlock(&pace->mutex);
}
