/* The two clocks, and dates of the proleptic Gregorian calendar. See clock.h.
 *
 * Pure but for the clocks; no locale, no TZ, no mktime, so that every thread and machine computes
 * the same. Zones other than a fixed offset are zone.c's.
 *
 * An int64_t of microseconds spans 292,000 years to either side of 1970, so a sum of an instant and
 * a duration is never checked for overflow. Leap seconds do not exist here, as they do not for
 * PostgreSQL and POSIX: every day has 86,400 s.
 */
#include "verbatim/clock.h"

#include "verbatim/digits.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* How late a stop may be heard in a wait. */
#define WAIT_SLICE (VB_SECOND / 20)

/* clock_gettime cannot fail for these two clocks with a valid pointer. */
static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * VB_SECOND + now.tv_nsec / 1000;
}

int64_t vb_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t vb_clock_coarse(void)
{
    return read_clock(CLOCK_MONOTONIC_COARSE);
}

vb_instant vb_clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

/* A signal that interrupts it does not shorten it: the rest is slept too. */
void vb_clock_sleep(int64_t microseconds)
{
    if (microseconds <= 0)
        return;
    struct timespec rest = {microseconds / VB_SECOND, (microseconds % VB_SECOND) * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
        ;
}

bool vb_clock_wait(int64_t microseconds, bool (*stop)(void *context), void *context)
{
    int64_t end = vb_clock_monotonic() + microseconds, left;
    while ((left = end - vb_clock_monotonic()) > 0) {
        if (stop && stop(context))
            return false;
        vb_clock_sleep(left < WAIT_SLICE ? left : WAIT_SLICE);
    }
    return !stop || !stop(context);
}

/* The two conversions count in eras of 400 years, after which the calendar repeats (146,097 days),
 * from 0000-03-01: with March as the first month a leap day is the last of its year, so no table of
 * months and no branch for February is needed. 719,468 days lie between that day and 1970-01-01.
 * Negative years need the floor of the division, which is why 399 and 146,096 are taken off
 * first. */
int64_t vb_date_to_days(struct vb_date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    /* 153 days in five months from March on: 31, 30, 31, 30, 31. */
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* 1460, 36524 and 146096 take the leap days out again, once each four, hundred and four hundred
 * years, so that what is left divides by 365. */
struct vb_date vb_date_from_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct vb_date date;
    date.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (int)(month < 10 ? month + 3 : month - 9);
    date.year = (int)(year_of_era + era * 400 + (date.month <= 2));
    return date;
}

/* `month` is 1 to 12: the caller has checked it, and the table is not asked otherwise. */
static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* YYYY-MM-DD and nothing else; PostgreSQL knows no year 0. */
enum vb_status vb_date_parse(struct vb_view text, struct vb_date *ret_date)
{
    struct vb_date date;
    if (text.length != 10 || text.data[4] != '-' || text.data[7] != '-')
        return VB_INVALID;
    if (vb_digits_fixed(text.data, 4, &date.year) != VB_OK ||
        vb_digits_fixed(text.data + 5, 2, &date.month) != VB_OK ||
        vb_digits_fixed(text.data + 8, 2, &date.day) != VB_OK)
        return VB_INVALID;
    if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > days_in_month(date.year, date.month))
        return VB_INVALID;
    *ret_date = date;
    return VB_OK;
}

/* By the count of days and not field by field, so that there is one order only. */
int vb_date_compare(struct vb_date a, struct vb_date b)
{
    int64_t left = vb_date_to_days(a), right = vb_date_to_days(b);
    return left < right ? -1 : left > right;
}

struct vb_civil vb_civil_of(vb_instant instant, int offset_seconds)
{
    int64_t local = instant + (int64_t)offset_seconds * VB_SECOND;
    int64_t day_length = 86400 * VB_SECOND;
    /* C divides towards zero; instants before 1970 need the floor. */
    int64_t days = local / day_length, rest = local % day_length;
    if (rest < 0) {
        rest += day_length;
        days--;
    }
    struct vb_civil civil = {.date = vb_date_from_days(days)};
    civil.microsecond = (int)(rest % VB_SECOND);
    int64_t seconds = rest / VB_SECOND;
    civil.hour = (int)(seconds / 3600);
    civil.minute = (int)(seconds / 60 % 60);
    civil.second = (int)(seconds % 60);
    return civil;
}

/* `width` digits, the most significant first, and the byte that stands behind them. A value that
 * has more digits loses the highest ones: vb_instant_text sees to the years. Returns the place for
 * the next part. By hand, so that no locale has a say. */
static char *put_part(char *to, int value, int width, char behind)
{
    for (int i = width; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    to[width] = behind;
    return to + width + 1;
}

void vb_instant_text(vb_instant instant, char text[VB_INSTANT_TEXT])
{
    struct vb_civil c = vb_civil_of(instant, 0);
    if (c.date.year >= 0 && c.date.year <= 9999) {
        text = put_part(text, c.date.year, 4, '-');
        text = put_part(text, c.date.month, 2, '-');
        text = put_part(text, c.date.day, 2, 'T');
        text = put_part(text, c.hour, 2, ':');
        text = put_part(text, c.minute, 2, ':');
        text = put_part(text, c.second, 2, '.');
        (void)put_part(text, c.microsecond, 6, '\0');
        return;
    }
    (void)snprintf(text, VB_INSTANT_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%06d", c.date.year,
                   c.date.month, c.date.day, c.hour, c.minute, c.second, c.microsecond);
}
