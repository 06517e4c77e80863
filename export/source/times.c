/* Times of the source in their units: see times.h. Owns nothing. */
#include "times.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* How many of a unit are a microsecond, or how many microseconds are one of it. Names as in the
 * contract; `interval` is one of the unit, or of what a division by `divisor` leaves. */
static const struct unit {
    const char *suffix;
    int64_t microseconds; /* 0: finer than one */
    int64_t divisor;
    const char *interval;
} units[] = {
    [VB_UNIT_STAMP] = {"", 1, 1, NULL},
    [VB_UNIT_S] = {"_s", VB_SECOND, 1, "1 second"},
    [VB_UNIT_MS] = {"_ms", VB_SECOND / 1000, 1, "1 millisecond"},
    [VB_UNIT_US] = {"_us", 1, 1, "1 microsecond"},
    [VB_UNIT_NS] = {"_ns", 0, 1000, "1 microsecond"},
    [VB_UNIT_EPOCH] = {"_epoch", 0, 1, "1 second"},
};

const char *vb_time_suffix(enum vb_time_unit unit)
{
    return units[unit].suffix;
}

bool vb_time_serves(enum vb_time_unit unit, Oid type)
{
    if (unit == VB_UNIT_STAMP)
        return type == VB_TYPE_TIMESTAMPTZ || type == VB_TYPE_TIMESTAMP;
    if (unit == VB_UNIT_EPOCH)
        return type == VB_TYPE_FLOAT8;
    return type == VB_TYPE_INT8 || type == VB_TYPE_INT4;
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* --- from instants --- */

/* Rises with its argument, so it has an inverse of a kind. */
static int64_t instant_of_epoch(double epoch)
{
    return (int64_t)llround(epoch * 1e6);
}

/* The least fraction that reads as the instant or later: near its half, a step or two beside. */
static double epoch_of_instant(vb_instant instant)
{
    double epoch = ((double)instant - 0.5) / 1e6;
    while (instant_of_epoch(epoch) < instant)
        epoch = nextafter(epoch, HUGE_VAL);
    for (;;) {
        double before = nextafter(epoch, -HUGE_VAL);
        if (instant_of_epoch(before) < instant)
            return epoch;
        epoch = before;
    }
}

/* A bound beyond what nanoseconds can tell is one beyond all of them. */
static int64_t nanoseconds_of(vb_instant instant)
{
    int64_t result;
    if (__builtin_mul_overflow(instant, INT64_C(1000), &result))
        return instant < 0 ? INT64_MIN : INT64_MAX;
    return result;
}

/* The server has no year before the first. */
static int64_t first_of(const struct vb_column *column, vb_instant instant)
{
    int64_t time = vb_local_first(column->local, instant);
    return time < VB_TIME_FIRST ? VB_TIME_FIRST : time;
}

void vb_time_text(const struct vb_column *column, vb_instant instant, char text[VB_TIME_TEXT])
{
    switch (column->unit) {
    case VB_UNIT_STAMP:
        vb_instant_text(first_of(column, instant), text);
        memcpy(text + strlen(text), "+00", sizeof "+00"); /* passed over where there is no zone */
        break;
    case VB_UNIT_NS:
        (void)snprintf(text, VB_TIME_TEXT, "%" PRId64, nanoseconds_of(instant));
        break;
    case VB_UNIT_EPOCH:
        (void)snprintf(text, VB_TIME_TEXT, "%.17g", epoch_of_instant(instant));
        break;
    case VB_UNIT_S:
    case VB_UNIT_MS:
    case VB_UNIT_US:
        (void)snprintf(text, VB_TIME_TEXT, "%" PRId64,
                       -floor_divide(-instant, units[column->unit].microseconds));
        break;
    }
}

void vb_time_cursor_text(const struct vb_column *column, const struct vb_cursor *cursor,
                         char text[VB_TIME_TEXT])
{
    if (cursor->exact[0])
        (void)snprintf(text, VB_TIME_TEXT, "%s", cursor->exact);
    else
        vb_time_text(column, cursor->at, text);
}

/* --- from rows --- */

static bool is_time(vb_instant instant)
{
    return instant >= VB_TIME_FIRST && instant < VB_TIME_LAST_DAY + 86400 * VB_SECOND;
}

static enum vb_status decode_integer(enum vb_time_unit unit, int64_t value,
                                     struct vb_cursor *cursor)
{
    vb_instant at;
    if (unit == VB_UNIT_NS) {
        at = floor_divide(value, 1000);
        (void)snprintf(cursor->exact, sizeof cursor->exact, "%" PRId64, value);
    } else if (__builtin_mul_overflow(value, units[unit].microseconds, &at)) {
        return VB_SOURCE;
    }
    if (!is_time(at))
        return VB_SOURCE;
    cursor->at = at;
    return VB_OK;
}

/* Seventeen digits are those of any double. */
static enum vb_status decode_epoch(double value, struct vb_cursor *cursor)
{
    if (!(value >= -1e11 && value <= 1e12) || !is_time(instant_of_epoch(value)))
        return VB_SOURCE;
    cursor->at = instant_of_epoch(value);
    (void)snprintf(cursor->exact, sizeof cursor->exact, "%.17g", value);
    return VB_OK;
}

/* Local times that were skipped share an instant, so the cursor tells which one it was. */
static enum vb_status decode_stamp(const struct vb_column *column, struct vb_view bytes,
                                   struct vb_cursor *cursor)
{
    vb_instant time = 0;
    char text[VB_INSTANT_TEXT];
    if (vb_decode_instant(bytes, &time) != VB_OK)
        return VB_SOURCE;
    cursor->at = vb_local_instant(column->local, time);
    if (first_of(column, cursor->at) != time) {
        vb_instant_text(time, text);
        (void)snprintf(cursor->exact, sizeof cursor->exact, "%.26s", text);
    }
    return is_time(cursor->at) ? VB_OK : VB_SOURCE;
}

enum vb_status vb_time_decode(const struct vb_column *column, struct vb_view bytes,
                              struct vb_cursor *ret_cursor)
{
    ret_cursor->exact[0] = '\0';
    if (column->unit == VB_UNIT_STAMP)
        return decode_stamp(column, bytes, ret_cursor);
    if (bytes.length != 8)
        return VB_SOURCE;
    int64_t value = (int64_t)vb_decode_uint64(bytes.data);
    double fraction;
    if (column->unit != VB_UNIT_EPOCH)
        return decode_integer(column->unit, value, ret_cursor);
    memcpy(&fraction, &value, sizeof fraction);
    return decode_epoch(fraction, ret_cursor);
}

bool vb_time_decode_optional(const struct vb_column *column, struct vb_view bytes,
                             vb_instant *ret_instant)
{
    struct vb_cursor cursor;
    if (!bytes.data || vb_time_decode(column, bytes, &cursor) != VB_OK ||
        cursor.at < VB_OPTIONAL_FIRST || cursor.at >= VB_OPTIONAL_END)
        return false;
    *ret_instant = cursor.at;
    return true;
}

/* --- in statements --- */

enum vb_status vb_time_append_stamp(const struct vb_contract *contract, struct vb_buffer *sql,
                                    const char *alias, const char *relation, const char *name)
{
    const struct vb_column *column = vb_contract_column(contract, relation, name);
    const struct unit *unit = &units[column->unit];
    char first[VB_TIME_TEXT], last[VB_TIME_TEXT];
    if (column->unit == VB_UNIT_STAMP && !column->local)
        return vb_contract_append(contract, sql, alias, relation, name);
    if (column->unit == VB_UNIT_STAMP)
        return vb_buffer_printf(sql, "(%s.%s AT TIME ZONE '%s')", alias, column->name,
                                vb_local_zone(column->local));
    vb_time_text(column, VB_TIME_FIRST, first);
    vb_time_text(column, VB_TIME_LAST_DAY, last);
    enum vb_status status = vb_buffer_printf(sql, "CASE WHEN %s.%s >= %s AND %s.%s < %s THEN",
                                             alias, column->name, first, alias, column->name, last);
    if (status == VB_OK)
        status = vb_buffer_printf(sql, " timestamptz 'epoch' + (%s.%s", alias, column->name);
    if (status == VB_OK && unit->divisor > 1)
        status = vb_buffer_printf(sql, " / %" PRId64, unit->divisor);
    return status == VB_OK ? vb_buffer_printf(sql, ") * interval '%s' END", unit->interval)
                           : status;
}
