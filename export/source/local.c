/* Local times of the source: see local.h. */
#include "local.h"

#include <stdlib.h>
#include <string.h>

/* An offset from an instant on, and the local time that it begins with. */
struct period {
    vb_instant at;
    int64_t offset, start; /* microseconds */
};

struct vb_local {
    char *zone;
    size_t count;
    struct period periods[];
};

/* A period that ended before its local times had begun gives way to the next. */
enum vb_status vb_local_new(const char *zone, const struct vb_offset_change *changes, size_t count,
                            struct vb_local **ret_local)
{
    struct vb_local *local = calloc(1, sizeof *local + count * sizeof local->periods[0]);
    char *name = strdup(zone);
    if (!local || !name) {
        free(local);
        free(name);
        return VB_NO_MEMORY;
    }
    local->zone = name;
    for (size_t i = 0; i < count; i++) {
        int64_t offset = changes[i].offset * VB_SECOND;
        struct period period = {changes[i].at, offset, changes[i].at + offset};
        while (local->count > 1 && local->periods[local->count - 1].start >= period.start)
            local->count--;
        local->periods[local->count++] = period;
    }
    *ret_local = local;
    return VB_OK;
}

void vb_local_free(struct vb_local *local)
{
    if (!local)
        return;
    free(local->zone);
    free(local);
}

/* The last period that has begun, by local times (`start`) or by instants; the first also holds
 * before it. */
static size_t find(const struct vb_local *local, int64_t time, bool is_local)
{
    size_t low = 0, high = local->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        const struct period *period = &local->periods[middle];
        if ((is_local ? period->start : period->at) <= time)
            low = middle;
        else
            high = middle;
    }
    return low;
}

vb_instant vb_local_instant(const struct vb_local *local, int64_t time)
{
    if (!local)
        return time;
    size_t i = find(local, time, true);
    vb_instant instant = time - local->periods[i].offset;
    bool is_skipped = i + 1 < local->count && instant > local->periods[i + 1].at;
    return is_skipped ? local->periods[i + 1].at : instant;
}

int64_t vb_local_first(const struct vb_local *local, vb_instant instant)
{
    if (!local)
        return instant;
    size_t i = find(local, instant, false);
    const struct period *period = &local->periods[i];
    int64_t time = instant + period->offset;
    /* What was skipped stands for the instant that came instead of it. */
    if (i > 0 && instant == period->at && local->periods[i - 1].offset < period->offset)
        time = instant + local->periods[i - 1].offset;
    bool comes_again = i + 1 < local->count && time > local->periods[i + 1].start;
    return comes_again ? local->periods[i + 1].start : time;
}

const char *vb_local_zone(const struct vb_local *local)
{
    return local ? local->zone : "UTC";
}
