/* Numbers with their units. See rules/quantity.h.
 *
 * Every multiplication is checked, so no huge number comes out small.
 */
#include "quantity.h"

#include "verbatim/clock.h"
#include "verbatim/digits.h"

#include <string.h>

/* Units are exact: `1H` or `1 h` are refused rather than guessed at. */
struct unit {
    const char *name;
    int64_t factor;
};

static enum vb_status parse_with_unit(const char *text, const struct unit *units,
                                      int64_t *ret_value)
{
    int64_t number;
    const char *rest;
    if (vb_digits_parse(text, &number, &rest) != VB_OK)
        return VB_INVALID;
    for (; units->name; units++) {
        if (strcmp(rest, units->name) != 0)
            continue;
        int64_t value;
        if (__builtin_mul_overflow(number, units->factor, &value))
            return VB_INVALID;
        *ret_value = value;
        return VB_OK;
    }
    return VB_INVALID;
}

/* A bare number has no unit and is refused: seconds and milliseconds are too easily confused. */
enum vb_status vb_duration_parse(const char *text, int64_t *ret_microseconds)
{
    static const struct unit units[] = {
        {"ms", VB_SECOND / 1000}, {"s", VB_SECOND},         {"m", 60 * VB_SECOND},
        {"h", 3600 * VB_SECOND},  {"d", 86400 * VB_SECOND}, {NULL, 0},
    };
    return parse_with_unit(text, units, ret_microseconds);
}

/* Powers of two under their own names; "MB" and "M" mean different things to different people and
 * are refused. A bare number is bytes. */
enum vb_status vb_size_parse(const char *text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0},
    };
    int64_t value;
    if (parse_with_unit(text, units, &value) != VB_OK)
        return VB_INVALID;
    *ret_bytes = (uint64_t)value;
    return VB_OK;
}
