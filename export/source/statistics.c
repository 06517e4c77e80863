/* Numbers of an export as a value; see verbatim/statistics.h. Days are kept sorted, so that another
 * order of adding gives the same value. */
#include "verbatim/statistics.h"

#include <stdlib.h>
#include <string.h>

void vb_statistics_done(struct vb_statistics *statistics)
{
    if (!statistics)
        return;
    free(statistics->days);
    *statistics = (struct vb_statistics){0};
}

uint64_t vb_statistics_messages(const struct vb_statistics *statistics)
{
    uint64_t sum = 0;
    for (int i = 0; i < VB_SPEAKERS; i++)
        sum += statistics->messages[i];
    return sum;
}

int64_t vb_calendar_start(enum vb_calendar unit, int64_t day)
{
    struct vb_date date = vb_date_from_days(day);
    if (unit == VB_CALENDAR_DAYS)
        return day;
    date.day = 1;
    if (unit == VB_CALENDAR_YEARS)
        date.month = 1;
    return vb_date_to_days(date);
}

int64_t vb_calendar_distance(enum vb_calendar unit, int64_t first, int64_t day)
{
    struct vb_date from = vb_date_from_days(first), to = vb_date_from_days(day);
    if (unit == VB_CALENDAR_DAYS)
        return day - first;
    if (unit == VB_CALENDAR_YEARS)
        return to.year - from.year;
    return (int64_t)(to.year - from.year) * 12 + to.month - from.month;
}

/* The place of the day, or where it belongs. */
static size_t place_of(const struct vb_statistics *statistics, int64_t day)
{
    size_t low = 0, high = statistics->day_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (statistics->days[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum vb_status grow(struct vb_statistics *statistics)
{
    size_t capacity = statistics->day_capacity > 0 ? statistics->day_capacity * 2 : 64;
    if (statistics->day_count < statistics->day_capacity)
        return VB_OK;
    struct vb_day_count *days = realloc(statistics->days, capacity * sizeof *days);
    if (!days)
        return VB_NO_MEMORY;
    statistics->days = days;
    statistics->day_capacity = capacity;
    return VB_OK;
}

/* Years are not made fewer. */
static bool is_long(const struct vb_statistics *statistics)
{
    int64_t first = statistics->days[0].day;
    int64_t last = statistics->days[statistics->day_count - 1].day;
    return statistics->unit != VB_CALENDAR_YEARS &&
           vb_calendar_distance(statistics->unit, first, last) > VB_DAYS_MOST;
}

static void coarsen(struct vb_statistics *statistics)
{
    size_t kept = 0;
    statistics->unit =
        statistics->unit == VB_CALENDAR_DAYS ? VB_CALENDAR_MONTHS : VB_CALENDAR_YEARS;
    for (size_t i = 0; i < statistics->day_count; i++) {
        struct vb_day_count count = statistics->days[i];
        count.day = vb_calendar_start(statistics->unit, count.day);
        if (kept > 0 && statistics->days[kept - 1].day == count.day)
            for (int k = 0; k < VB_SPEAKERS; k++)
                statistics->days[kept - 1].messages[k] += count.messages[k];
        else
            statistics->days[kept++] = count;
    }
    statistics->day_count = kept;
}

enum vb_status vb_statistics_add(struct vb_statistics *statistics, int64_t day,
                                 enum vb_speaker speaker, uint64_t messages)
{
    day = vb_calendar_start(statistics->unit, day);
    size_t place = place_of(statistics, day);
    if (place == statistics->day_count || statistics->days[place].day != day) {
        if (grow(statistics) != VB_OK)
            return VB_NO_MEMORY;
        struct vb_day_count *at = statistics->days + place;
        memmove(at + 1, at, (statistics->day_count - place) * sizeof *at);
        *at = (struct vb_day_count){.day = day};
        statistics->day_count++;
    }
    statistics->days[place].messages[speaker] += messages;
    while (is_long(statistics))
        coarsen(statistics);
    return VB_OK;
}
