/* See api/tally.h. A row belongs to one writer, so a load and a store are enough to count: on the
 * machines this runs on they are plain moves, and no line of a cache wanders between cores but when
 * somebody reads. */
#include "tally.h"

#include <inttypes.h>

/* From what a poll takes to what a reader of a large export takes. Seconds as Prometheus has them,
 * in the same order as the microseconds. */
static const int64_t bounds[VB_TALLY_BOUNDS] = {
    500,    1000,   2500,    5000,    10000,   25000,    50000,
    100000, 250000, 1000000, 2500000, 5000000, 10000000, 30000000,
};
static const char *const bound_texts[VB_TALLY_BOUNDS + 1] = {
    "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1",
    "0.25",   "1",     "2.5",    "5",     "10",   "30",    "+Inf",
};

static void add(_Atomic uint64_t *number, uint64_t by)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static size_t slot_of(int64_t microseconds)
{
    size_t slot = 0;
    while (slot < VB_TALLY_BOUNDS && microseconds > bounds[slot])
        slot++;
    return slot;
}

void vb_api_tally_add(struct vb_api_tally *tally, size_t place, int status, int64_t microseconds)
{
    struct vb_api_tally_row *row =
        &tally->rows[place < VB_TALLY_ROUTES ? place : VB_TALLY_ROUTES - 1];
    if (status < 100 || status >= 600)
        return;
    add(&row->classes[status / 100 - 1], 1);
    add(&row->slots[slot_of(microseconds)], 1);
    add(&row->microseconds, microseconds > 0 ? (uint64_t)microseconds : 0);
}

/* The same of all loops, as plain numbers. */
struct sum {
    uint64_t classes[VB_TALLY_CLASSES], slots[VB_TALLY_BOUNDS + 1], microseconds, all;
};

static struct sum sum_of(const struct vb_api_tally *const tallies[], size_t count, size_t place)
{
    struct sum sum = {.all = 0};
    for (size_t i = 0; i < count; i++) {
        const struct vb_api_tally_row *row = &tallies[i]->rows[place];
        for (size_t k = 0; k < VB_TALLY_CLASSES; k++)
            sum.classes[k] += atomic_load_explicit(&row->classes[k], memory_order_relaxed);
        for (size_t k = 0; k <= VB_TALLY_BOUNDS; k++)
            sum.slots[k] += atomic_load_explicit(&row->slots[k], memory_order_relaxed);
        sum.microseconds += atomic_load_explicit(&row->microseconds, memory_order_relaxed);
    }
    for (size_t k = 0; k <= VB_TALLY_BOUNDS; k++)
        sum.all += sum.slots[k];
    return sum;
}

/* Patterns hold nothing that a label would have to escape. */
static void name_route(const struct vb_api_table *table, size_t place, char labels[256])
{
    const struct vb_api_route *route = place < VB_TALLY_ROUTES - 1 ? table->at(place) : NULL;
    (void)snprintf(labels, 256, "method=\"%s\",route=\"%s\"", route ? route->method : "other",
                   route ? route->pattern : "other");
}

static enum vb_status put_classes(const struct sum *sum, const char *labels, struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    for (size_t k = 0; k < VB_TALLY_CLASSES && status == VB_OK; k++)
        if (sum->classes[k] > 0)
            status = vb_buffer_printf(
                out, "verbatim_http_responses_total{%s,status=\"%zuxx\"} %" PRIu64 "\n", labels,
                k + 1, sum->classes[k]);
    return status;
}

static enum vb_status put_times(const struct sum *sum, const char *labels, struct vb_buffer *out)
{
#define TIMES "verbatim_http_request_duration_seconds"
    uint64_t below = 0;
    enum vb_status status = VB_OK;
    for (size_t k = 0; k <= VB_TALLY_BOUNDS && status == VB_OK; k++) {
        below += sum->slots[k];
        status = vb_buffer_printf(out, TIMES "_bucket{%s,le=\"%s\"} %" PRIu64 "\n", labels,
                                  bound_texts[k], below);
    }
    if (status == VB_OK)
        status = vb_buffer_printf(
            out, TIMES "_sum{%s} %" PRIu64 ".%06" PRIu64 "\n" TIMES "_count{%s} %" PRIu64 "\n",
            labels, sum->microseconds / 1000000, sum->microseconds % 1000000, labels, below);
    return status;
}

static enum vb_status put_family(const struct vb_api_tally *const tallies[], size_t count,
                                 const struct vb_api_table *table,
                                 enum vb_status (*put)(const struct sum *sum, const char *labels,
                                                       struct vb_buffer *out),
                                 struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    for (size_t place = 0; place < VB_TALLY_ROUTES && status == VB_OK; place++) {
        struct sum sum = sum_of(tallies, count, place);
        char labels[256];
        if (sum.all == 0)
            continue;
        name_route(table, place, labels);
        status = put(&sum, labels, out);
    }
    return status;
}

enum vb_status vb_api_tally_write(const struct vb_api_tally *const tallies[], size_t count,
                                  const struct vb_api_table *table, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(
        out, "# HELP verbatim_http_responses_total Answers, by route and class of status.\n"
             "# TYPE verbatim_http_responses_total counter\n");
    if (status == VB_OK)
        status = put_family(tallies, count, table, put_classes, out);
    if (status == VB_OK)
        status = vb_buffer_append_text(
            out, "# HELP " TIMES " Time from a request's head to its answer, to the end of an "
                 "answer that is streamed.\n"
                 "# TYPE " TIMES " histogram\n");
    if (status == VB_OK)
        status = put_family(tallies, count, table, put_times, out);
    return status;
}
