/* See zone_rule.h. Source: RFC 9636, 3.3.1, and POSIX, "TZ". */
#include "zone_rule.h"

#include "verbatim/clock.h"

#include <string.h>

#define DAY 86400
#define HOURS_MOST 167
/* Years looked at on each side of an instant: a change may lie a week outside its year. */
#define YEARS 3
#define CHANGES_MOST (YEARS * 2)

/* --- the text --- */

static bool take(struct vb_view *text, char byte)
{
    if (text->length == 0 || text->data[0] != byte)
        return false;
    *text = (struct vb_view){text->data + 1, text->length - 1};
    return true;
}

static bool is_digit(struct vb_view text)
{
    return text.length > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

/* At most three digits. */
static bool take_number(struct vb_view *text, int least, int most, int *ret_number)
{
    int number = 0;
    if (!is_digit(*text))
        return false;
    for (int digits = 0; is_digit(*text); digits++) {
        if (digits == 3)
            return false;
        number = number * 10 + (text->data[0] - '0');
        take(text, text->data[0]);
    }
    *ret_number = number;
    return number >= least && number <= most;
}

/* An abbreviation: letters, or letters, digits and signs in angles. Its text is nobody's here. */
static bool take_name(struct vb_view *text)
{
    bool is_quoted = take(text, '<');
    size_t length = 0;
    for (; text->length > 0; length++) {
        char c = text->data[0];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && !(is_quoted && (is_digit(*text) || c == '+' || c == '-')))
            break;
        take(text, c);
    }
    return length >= 3 && (!is_quoted || take(text, '>'));
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(struct vb_view *text, int *ret_seconds)
{
    int hours, minutes = 0, seconds = 0;
    bool is_negative = take(text, '-');
    if (!is_negative)
        take(text, '+');
    if (!take_number(text, 0, HOURS_MOST, &hours))
        return false;
    if (take(text, ':') && !take_number(text, 0, 59, &minutes))
        return false;
    if (take(text, ':') && !take_number(text, 0, 59, &seconds))
        return false;
    *ret_seconds = (is_negative ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

/* POSIX counts west of Greenwich. */
static bool take_offset(struct vb_view *text, int *ret_offset)
{
    int west;
    if (!take_time(text, &west) || west > VB_ZONE_OFFSET_MOST || west < -VB_ZONE_OFFSET_MOST)
        return false;
    *ret_offset = -west;
    return true;
}

/* ",date[/time]". */
static bool take_day(struct vb_view *text, struct vb_zone_day *day)
{
    bool is_good;
    *day = (struct vb_zone_day){.kind = VB_ZONE_DAY_FROM_ZERO, .seconds = 2 * 3600};
    if (!take(text, ','))
        return false;
    if (take(text, 'M')) {
        day->kind = VB_ZONE_DAY_OF_MONTH;
        is_good = take_number(text, 1, 12, &day->month) && take(text, '.') &&
                  take_number(text, 1, 5, &day->week) && take(text, '.') &&
                  take_number(text, 0, 6, &day->day);
    } else if (take(text, 'J')) {
        day->kind = VB_ZONE_DAY_NO_LEAP;
        is_good = take_number(text, 1, 365, &day->day);
    } else {
        is_good = take_number(text, 0, 365, &day->day);
    }
    return is_good && (!take(text, '/') || take_time(text, &day->seconds));
}

enum vb_status vb_zone_rule_parse(struct vb_view text, struct vb_zone_rule *ret_rule)
{
    struct vb_zone_rule rule = {0};
    if (text.length >= sizeof rule.text)
        return VB_INVALID;
    if (text.length > 0)
        memcpy(rule.text, text.data, text.length);
    if (!take_name(&text) || !take_offset(&text, &rule.standard))
        return VB_INVALID;
    rule.has_summer = text.length > 0;
    rule.summer = rule.standard + 3600;
    if (rule.has_summer) {
        if (!take_name(&text))
            return VB_INVALID;
        if (text.length > 0 && text.data[0] != ',' && !take_offset(&text, &rule.summer))
            return VB_INVALID;
        if (!take_day(&text, &rule.begin) || !take_day(&text, &rule.end) || text.length > 0)
            return VB_INVALID;
    }
    *ret_rule = rule;
    return VB_OK;
}

/* --- the years --- */

static int64_t days_of(int year, int month, int day)
{
    return vb_date_to_days((struct vb_date){year, month, day});
}

/* 1970-01-01 was a Thursday; 0 is Sunday. */
static int weekday_of(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

/* Days since 1970. */
static int64_t day_in(const struct vb_zone_day *day, int year)
{
    int64_t first = days_of(year, 1, 1);
    if (day->kind == VB_ZONE_DAY_FROM_ZERO)
        return first + day->day;
    if (day->kind == VB_ZONE_DAY_NO_LEAP) {
        bool is_leap = days_of(year, 3, 1) - first == 60;
        return first + day->day - 1 + (is_leap && day->day >= 60);
    }
    first = days_of(year, day->month, 1);
    int64_t next = day->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, day->month + 1, 1);
    int64_t found = first + (day->day - weekday_of(first) + 7) % 7 + 7 * (day->week - 1);
    return found < next ? found : found - 7; /* the fifth may be the fourth */
}

struct change {
    int64_t at;
    int offset;
};

/* In order of time; of two at one instant the later one in the calendar comes last, and so decides:
 * a summer that ends where the next one begins never ends. */
static void insert(struct change *changes, size_t count, struct change change)
{
    for (; count > 0 && changes[count - 1].at > change.at; count--)
        changes[count] = changes[count - 1];
    changes[count] = change;
}

/* Each change is told in the clock that it ends. */
static void list_changes(const struct vb_zone_rule *rule, int year, struct change *changes)
{
    size_t count = 0;
    for (int i = 0; i < YEARS; i++) {
        int y = year - 1 + i;
        struct change begin = {day_in(&rule->begin, y) * DAY + rule->begin.seconds - rule->standard,
                               rule->summer};
        struct change end = {day_in(&rule->end, y) * DAY + rule->end.seconds - rule->summer,
                             rule->standard};
        insert(changes, count++, begin);
        insert(changes, count++, end);
    }
}

struct vb_zone_stretch vb_zone_rule_at(const struct vb_zone_rule *rule, int64_t at)
{
    struct vb_zone_stretch stretch = {INT64_MIN, INT64_MAX, rule->standard};
    struct change changes[CHANGES_MOST];
    if (!rule->has_summer)
        return stretch;
    list_changes(rule, vb_civil_of(at * VB_SECOND, rule->standard).date.year, changes);
    for (size_t i = 0; i < CHANGES_MOST; i++) {
        if (changes[i].at <= at) {
            stretch.start = changes[i].at;
            stretch.offset = changes[i].offset;
        } else if (stretch.end == INT64_MAX) {
            stretch.end = changes[i].at;
        }
    }
    return stretch;
}
