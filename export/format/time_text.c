/* Times in files: digits without printf, since every message has one; see time_text.h.
 *
 * Two caches a thread, of the hour and of the day written last, hold what changes seldom: rows come
 * in order of time. They are keyed by local time alone, so zones and jobs may take turns on a
 * thread. Nothing of them has to be freed.
 */
#include "time_text.h"

#include "verbatim/digits.h"

#include <stdio.h>
#include <string.h>

/* The start of a local time up to the hour, "2026-04-08T03:": messages come in order, so it mostly
 * is the one written last. */
struct hour_text {
    int64_t hour; /* local, since 1970 */
    size_t length;
    char text[32];
};
static _Thread_local struct hour_text last_hour = {.hour = INT64_MIN};

/* Good until the thread's next question. */
static const struct hour_text *text_of_hour(int64_t hour)
{
    if (last_hour.hour != hour) {
        struct vb_civil c = vb_civil_of(hour * 3600 * VB_SECOND, 0);
        last_hour.length =
            (size_t)snprintf(last_hour.text, sizeof last_hour.text,
                             "%04d-%02d-%02dT%02d:", c.date.year, c.date.month, c.date.day, c.hour);
        last_hour.hour = hour;
    }
    return &last_hour;
}

/* "+05:45"; seconds only where a zone of long ago has them. */
static char *put_offset(char *to, int offset)
{
    unsigned distance = offset < 0 ? 0u - (unsigned)offset : (unsigned)offset;
    *to++ = offset < 0 ? '-' : '+';
    to = vb_digits_put_two(to, distance / 3600);
    *to++ = ':';
    to = vb_digits_put_two(to, distance / 60 % 60);
    if (distance % 60 != 0) {
        *to++ = ':';
        to = vb_digits_put_two(to, distance % 60);
    }
    return to;
}

/* Both forms: `between` stands between day and hour. Years before 0 or past 9999 come out with
 * their sign or fifth digit; PostgreSQL has both. No instant has more than VB_TIME_ROOM bytes in
 * any form. */
static char *put(char *start, struct vb_zone *zone, vb_instant at, char between, bool with_fraction)
{
    int offset = vb_zone_offset(zone, at);
    int64_t local = at + offset * VB_SECOND, hour_length = 3600 * VB_SECOND;
    int64_t hour = local / hour_length - (local % hour_length < 0);
    const struct hour_text *front = text_of_hour(hour);
    uint32_t rest = (uint32_t)((uint64_t)(local - hour * hour_length) % 60000000u);
    unsigned minute = (unsigned)((local - hour * hour_length) / (60 * VB_SECOND));
    char *to = start;
    memcpy(to, front->text,
           sizeof front->text); /* of one size, and what is too much written over */
    to = vb_digits_put_two(to + front->length, minute);
    start[front->length - 4] = between;
    *to++ = ':';
    to = vb_digits_put_two(to, rest / 1000000u);
    if (with_fraction) {
        *to++ = '.';
        to = vb_digits_put_two(to, rest / 10000u % 100);
        to = vb_digits_put_two(to, rest / 100u % 100);
        to = vb_digits_put_two(to, rest % 100);
    }
    return put_offset(to, offset);
}

char *vb_time_put(char *to, struct vb_zone *zone, vb_instant at)
{
    return put(to, zone, at, 'T', true);
}

char *vb_time_put_seconds(char *to, struct vb_zone *zone, vb_instant at)
{
    return put(to, zone, at, ' ', false);
}

/* "1st", "2nd", "3rd", "4th", but "11th" to "13th". */
static const char *ordinal_of(int day)
{
    static const char *const ends[] = {"th", "st", "nd", "rd"};
    if (day >= 11 && day <= 13)
        return ends[0];
    return day % 10 <= 3 ? ends[day % 10] : ends[0];
}

/* The day of a local time, "December 1st 2024, ": mostly the one written last. */
struct day_text {
    int64_t day; /* local, since 1970 */
    size_t length;
    char text[48];
};
static _Thread_local struct day_text last_day = {.day = INT64_MIN};

static const struct day_text *text_of_day(int64_t day)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    if (last_day.day != day) {
        struct vb_date d = vb_date_from_days(day);
        last_day.length = (size_t)snprintf(last_day.text, sizeof last_day.text, "%s %d%s %04d, ",
                                           months[d.month - 1], d.day, ordinal_of(d.day), d.year);
        last_day.day = day;
    }
    return &last_day;
}

enum vb_status vb_time_append_words(struct vb_buffer *out, struct vb_zone *zone, vb_instant at)
{
    int64_t local = at + vb_zone_offset(zone, at) * VB_SECOND, day_length = 86400 * VB_SECOND;
    int64_t day = local / day_length - (local % day_length < 0);
    unsigned second = (unsigned)((local - day * day_length) / VB_SECOND), hour = second / 3600;
    const struct day_text *front = text_of_day(day);
    enum vb_status status = vb_buffer_reserve(out, VB_TIME_ROOM);
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length, *to = start, shown[2];
    memcpy(to, front->text, front->length);
    to += front->length;
    vb_digits_put_two(shown, hour % 12 == 0 ? 12 : hour % 12);
    if (shown[0] != '0')
        *to++ = shown[0];
    *to++ = shown[1];
    *to++ = ':';
    to = vb_digits_put_two(to, second / 60 % 60);
    *to++ = ':';
    to = vb_digits_put_two(to, second % 60);
    *to++ = ' ';
    *to++ = hour < 12 ? 'a' : 'p';
    *to++ = 'm';
    vb_buffer_grown(out, (size_t)(to - start));
    return VB_OK;
}
