/* See verbatim/trace.h. The ring holds what some seconds of heavy use make; its memory is taken
 * when somebody begins to export, and given back at the end of that. The id of a job's span is the
 * first half of its UUID, which is random but for six bits, and never zero. */
#include "verbatim/trace.h"

#include "verbatim/hash.h"
#include "verbatim/metrics.h"
#include "verbatim/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING 2048u

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_made; /* the condition */
    struct vb_span *spans;
    size_t first, count;
    bool woken;
} ring = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static atomic_bool is_on;

static _Thread_local struct vb_trace_place here;

/* --- ids --- */

/* Small letters alone, as the standard wants them, and no id of zeros. */
static bool take_hex(const char *text, uint8_t *bytes, size_t count)
{
    uint8_t any = 0;
    for (size_t i = 0; i < 2 * count; i++)
        if (text[i] >= 'A' && text[i] <= 'F')
            return false;
    if (vb_hex_decode((struct vb_view){text, 2 * count}, bytes, count) != VB_OK)
        return false;
    for (size_t i = 0; i < count; i++)
        any |= bytes[i];
    return any != 0 || count == 1;
}

/* Later versions may be longer, and begin the same way. */
bool vb_trace_parse(struct vb_view text, struct vb_trace_place *ret_place)
{
    struct vb_trace_place place = {.is_sampled = false};
    uint8_t version = 0, flags = 0;
    const char *at = text.data;
    if (text.length < 55 || !take_hex(at, &version, 1) || version == 0xff ||
        (version == 0 ? text.length != 55 : text.length > 55 && at[55] != '-') || at[2] != '-' ||
        at[35] != '-' || at[52] != '-' || !take_hex(at + 3, place.trace_id, VB_TRACE_ID) ||
        !take_hex(at + 36, place.span_id, VB_SPAN_ID) || !take_hex(at + 53, &flags, 1))
        return false;
    place.is_sampled = flags & 1;
    *ret_place = place;
    return true;
}

void vb_trace_print(const struct vb_trace_place *place, char ret_text[VB_TRACE_PARENT])
{
    char trace[2 * VB_TRACE_ID + 1], span[2 * VB_SPAN_ID + 1];
    vb_hex_encode(place->trace_id, VB_TRACE_ID, trace);
    vb_hex_encode(place->span_id, VB_SPAN_ID, span);
    (void)snprintf(ret_text, VB_TRACE_PARENT, "00-%s-%s-0%d", trace, span, place->is_sampled);
}

struct vb_trace_place vb_trace_below(const struct vb_trace_place *parent)
{
    struct vb_trace_place place = {.is_sampled = true};
    if (parent)
        place = *parent;
    else
        vb_random_bytes(place.trace_id, sizeof place.trace_id);
    vb_random_bytes(place.span_id, sizeof place.span_id);
    return place;
}

struct vb_trace_place vb_trace_job(const char *job_id, const char *parent)
{
    struct vb_trace_place place = {.is_sampled = true};
    struct vb_uuid uuid = {{0}};
    bool is_job = vb_uuid_parse(vb_view_of(job_id), &uuid) == VB_OK;
    if (!parent || !*parent || !vb_trace_parse(vb_view_of(parent), &place))
        memcpy(place.trace_id, uuid.bytes, sizeof place.trace_id);
    memcpy(place.span_id, uuid.bytes, sizeof place.span_id);
    place.is_sampled = place.is_sampled && is_job;
    return place;
}

/* --- spans --- */

void vb_span_begin(struct vb_span *span, enum vb_span_kind kind, const char *name,
                   const struct vb_trace_place *place, const struct vb_trace_place *parent)
{
    *span = (struct vb_span){.place = *place, .kind = kind, .start = vb_clock_now()};
    (void)snprintf(span->name, sizeof span->name, "%s", name);
    if (parent && parent->is_sampled)
        memcpy(span->parent, parent->span_id, sizeof span->parent);
}

/* Not in the middle of a character: what is exported is UTF-8. */
static void keep_text(char to[VB_SPAN_TEXT], const char *text)
{
    size_t length = strnlen(text, VB_SPAN_TEXT);
    if (length == VB_SPAN_TEXT)
        for (length--; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
            length--;
    memcpy(to, text, length);
    to[length] = '\0';
}

void vb_span_text(struct vb_span *span, const char *name, const char *text)
{
    if (!text || span->attribute_count == VB_SPAN_ATTRIBUTES)
        return;
    span->attributes[span->attribute_count].name = name;
    keep_text(span->attributes[span->attribute_count++].text, text);
}

void vb_span_number(struct vb_span *span, const char *name, int64_t number)
{
    if (span->attribute_count == VB_SPAN_ATTRIBUTES)
        return;
    span->attributes[span->attribute_count].name = name;
    span->attributes[span->attribute_count].is_number = true;
    span->attributes[span->attribute_count++].number = number;
}

void vb_span_fail(struct vb_span *span, const char *message)
{
    span->has_failed = true;
    keep_text(span->message, message ? message : "");
}

bool vb_trace_is_on(void)
{
    return atomic_load_explicit(&is_on, memory_order_relaxed);
}

void vb_span_end(struct vb_span *span)
{
    if (!span->place.is_sampled || !vb_trace_is_on())
        return;
    if (span->end == 0)
        span->end = vb_clock_now();
    pthread_mutex_lock(&ring.mutex);
    bool has_room = ring.spans && ring.count < RING;
    if (has_room) {
        ring.spans[(ring.first + ring.count++) % RING] = *span;
        if (ring.count == 1)
            pthread_cond_signal(&ring.changed);
    }
    pthread_mutex_unlock(&ring.mutex);
    if (!has_room)
        vb_count(VB_COUNT_SPANS_DROPPED, 1);
}

/* --- the exporter's end --- */

void vb_trace_switch(bool on)
{
    pthread_mutex_lock(&ring.mutex);
    if (!ring.is_made)
        vb_condition_init(&ring.changed);
    ring.is_made = true;
    if (on && !ring.spans)
        ring.spans = calloc(RING, sizeof *ring.spans); /* NULL: all are dropped, and counted */
    if (!on) {
        vb_count(VB_COUNT_SPANS_DROPPED, ring.count);
        free(ring.spans);
        ring.spans = NULL;
        ring.count = 0;
    }
    pthread_mutex_unlock(&ring.mutex);
    atomic_store(&is_on, on);
}

size_t vb_trace_take(struct vb_span *ret_spans, size_t most)
{
    size_t taken = 0;
    pthread_mutex_lock(&ring.mutex);
    for (; taken < most && ring.count > 0; ring.count--, taken++) {
        ret_spans[taken] = ring.spans[ring.first];
        ring.first = (ring.first + 1) % RING;
    }
    pthread_mutex_unlock(&ring.mutex);
    return taken;
}

void vb_trace_wait(int64_t microseconds)
{
    int64_t until = vb_clock_monotonic() + microseconds;
    bool in_time = true;
    pthread_mutex_lock(&ring.mutex);
    while (ring.count == 0 && !ring.woken && in_time)
        in_time = vb_condition_wait(&ring.changed, &ring.mutex, until);
    ring.woken = false;
    pthread_mutex_unlock(&ring.mutex);
}

void vb_trace_wake(void)
{
    pthread_mutex_lock(&ring.mutex);
    ring.woken = true;
    pthread_cond_signal(&ring.changed);
    pthread_mutex_unlock(&ring.mutex);
}

/* --- the thread's own place --- */

void vb_trace_enter(const struct vb_trace_place *place)
{
    here = place ? *place : (struct vb_trace_place){.is_sampled = false};
}

bool vb_trace_here(char ret_text[VB_TRACE_PARENT])
{
    if (here.is_sampled)
        vb_trace_print(&here, ret_text);
    return here.is_sampled;
}
