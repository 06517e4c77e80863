/* Ends of a range: dates and RFC 3339 instants, and what they come to in a zone. See
 * specification.h. Pure.
 *
 * A date stays a date until its zone is known, because the same specification means other instants
 * in another workspace and in another season. Both kinds end up as a half-open range of instants: a
 * day that is an end belongs to the range as a whole, an instant that is an end does not.
 */
#include "specification.h"

#include "verbatim/digits.h"
#include <stdio.h>

#include <string.h>

/* `count` digits at *text, which moves past them; -1 where there are none. */
static int64_t take_digits(struct vb_view *text, size_t count)
{
    int64_t number;
    if (text->length < count ||
        vb_digits_whole((struct vb_view){text->data, count}, &number) != VB_OK)
        return -1;
    *text = (struct vb_view){text->data + count, text->length - count};
    return number;
}

static bool take_byte(struct vb_view *text, char byte)
{
    if (text->length == 0 || text->data[0] != byte)
        return false;
    *text = (struct vb_view){text->data + 1, text->length - 1};
    return true;
}

/* HH:MM:SS in seconds, -1 where it is broken; no leap second, since no clock that is asked here has
 * one. */
static int64_t take_time(struct vb_view *text)
{
    int64_t hours = take_digits(text, 2);
    bool goes_on = take_byte(text, ':');
    int64_t minutes = take_digits(text, 2);
    goes_on = take_byte(text, ':') && goes_on;
    int64_t seconds = take_digits(text, 2);
    if (!goes_on || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 ||
        seconds > 59)
        return -1;
    return hours * 3600 + minutes * 60 + seconds;
}

/* ".123" in microseconds, rounded up; 0 where there is none, -1 where it is broken. At most nine
 * digits. A result of a whole second is possible and carries over in the sum. */
static int64_t take_fraction(struct vb_view *text)
{
    if (!take_byte(text, '.'))
        return 0;
    int64_t fraction = 0;
    size_t digits = 0;
    bool is_finer = false;
    for (int64_t digit; digits < 9 && (digit = take_digits(text, 1)) >= 0; digits++) {
        if (digits < 6)
            fraction = fraction * 10 + digit;
        else
            is_finer |= digit > 0;
    }
    if (digits == 0)
        return -1;
    for (; digits < 6; digits++)
        fraction *= 10;
    return fraction + is_finer;
}

/* Seconds east of UTC. "Z" or a shift of hours and minutes; "-00:00" is UTC like any other zero. */
static bool take_offset(struct vb_view *text, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (take_byte(text, 'Z') || take_byte(text, 'z'))
        return true;
    bool is_west = text->length > 0 && text->data[0] == '-';
    if (!is_west && (text->length == 0 || text->data[0] != '+'))
        return false;
    *text = (struct vb_view){text->data + 1, text->length - 1};
    int64_t hours = take_digits(text, 2);
    bool goes_on = take_byte(text, ':');
    int64_t minutes = take_digits(text, 2);
    if (!goes_on || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ret_seconds = (is_west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* The years that PostgreSQL and the text forms here both have; an offset may lead out of them. */
static bool in_calendar(vb_instant instant)
{
    return instant >= VB_INSTANT_FIRST && instant <= VB_INSTANT_LAST;
}

/* The 'T' is required and a blank in its place refused, though RFC 3339 would let both sides agree
 * on one. */
enum vb_status vb_moment_parse(struct vb_view text, struct vb_moment *ret_moment)
{
    struct vb_moment moment = {.is_given = true};
    struct vb_view day = {text.data, text.length < 10 ? text.length : 10};
    if (vb_date_parse(day, &moment.date) != VB_OK)
        return VB_INVALID;
    struct vb_view rest = {text.data + day.length, text.length - day.length};
    if (rest.length > 0) {
        int64_t offset;
        if (!take_byte(&rest, 'T') && !take_byte(&rest, 't'))
            return VB_INVALID;
        int64_t seconds = take_time(&rest);
        int64_t fraction = take_fraction(&rest);
        if (seconds < 0 || fraction < 0 || !take_offset(&rest, &offset) || rest.length > 0)
            return VB_INVALID;
        moment.is_instant = true;
        moment.instant =
            (vb_date_to_days(moment.date) * 86400 + seconds - offset) * VB_SECOND + fraction;
        moment.date = (struct vb_date){0};
        if (!in_calendar(moment.instant))
            return VB_INVALID;
    }
    *ret_moment = moment;
    return VB_OK;
}

void vb_moment_text(const struct vb_moment *moment, char text[VB_MOMENT_TEXT])
{
    if (moment->is_instant) {
        vb_instant_text(moment->instant, text);
        memcpy(text + strlen(text), "+00:00", sizeof "+00:00");
    } else {
        (void)snprintf(text, VB_MOMENT_TEXT, "%04d-%02d-%02d", moment->date.year,
                       moment->date.month, moment->date.day);
    }
}

/* The day after, since a day that is the end belongs to the range. */
static vb_instant end_of(struct vb_zone *zone, struct vb_date day)
{
    return vb_zone_day_start(zone, vb_date_from_days(vb_date_to_days(day) + 1));
}

enum vb_status vb_specification_range(const struct vb_specification *specification,
                                      struct vb_zone *zone, vb_instant as_of, vb_instant *ret_from,
                                      vb_instant *ret_to)
{
    const struct vb_moment *first = &specification->filter.from, *last = &specification->filter.to;
    vb_instant from = VB_INSTANT_FIRST, to;
    if (first->is_given)
        from = first->is_instant ? first->instant : vb_zone_day_start(zone, first->date);
    if (last->is_given)
        to = last->is_instant ? last->instant : end_of(zone, last->date);
    else
        to = as_of >= from ? as_of + 1 : from + 1;
    if (from >= to)
        return VB_INVALID;
    *ret_from = from;
    *ret_to = to;
    return VB_OK;
}

/* The messages and types are one contract with those of check.c. */
bool vb_specification_judge_range(const struct vb_specification *specification,
                                  struct vb_zone *zone, vb_instant now, const char **ret_member,
                                  const char **ret_message)
{
    vb_instant from = 0, to;
    if (vb_specification_range(specification, zone, now, &from, &to) != VB_OK) {
        *ret_member = "to";
        *ret_message = "Value error, to must be after from";
        return false;
    }
    if (from > now) {
        *ret_member = "from";
        *ret_message = "Value error, from is in the future";
        return false;
    }
    return true;
}
