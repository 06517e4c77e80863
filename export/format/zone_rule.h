/* What clocks do for ever after the last change that a zone file lists: a rule in the form of
 * POSIX, such as "CET-1CEST,M3.5.0,M10.5.0/3".
 *
 * With the extensions of RFC 9636 (hours of a change from -167 to 167). Summer may be behind the
 * standard time: Ireland's is written as winters of -1 hour. Plain values; any thread; pure.
 */
#ifndef VERBATIM_EXPORT_FORMAT_ZONE_RULE_H
#define VERBATIM_EXPORT_FORMAT_ZONE_RULE_H

#include "verbatim/buffer.h"

#define VB_ZONE_RULE_TEXT 80u

enum vb_zone_day_kind {
    VB_ZONE_DAY_OF_MONTH,  /* Mm.w.d: a weekday's first to fourth, or last, in the month */
    VB_ZONE_DAY_NO_LEAP,   /* Jn: 1 to 365, 29 February is never counted */
    VB_ZONE_DAY_FROM_ZERO, /* n: 0 to 365 */
};

struct vb_zone_day {
    enum vb_zone_day_kind kind;
    int month, week, day;
    int seconds; /* local time of the change, after that day's 00:00 */
};

struct vb_zone_rule {
    char text[VB_ZONE_RULE_TEXT];
    int standard, summer; /* seconds east of UTC */
    bool has_summer;
    struct vb_zone_day begin, end; /* of summer */
};

/* An offset and how long it is in force: from `start` up to but not including `end`, in Unix
 * seconds; INT64_MIN and INT64_MAX are open. */
struct vb_zone_stretch {
    int64_t start, end;
    int offset; /* seconds east of UTC */
};

/* No place is further from UTC by any law; RFC 9636 has the same bounds. */
#define VB_ZONE_OFFSET_MOST (26 * 3600)

/* All of the text, which becomes rule->text. VB_INVALID. */
enum vb_status vb_zone_rule_parse(struct vb_view text, struct vb_zone_rule *ret_rule) vb_must_check;
/* The stretch that holds the instant, `at` in Unix seconds of any year that vb_instant has. Where a
 * summer never ends a stretch ends in which the same offset goes on. */
struct vb_zone_stretch vb_zone_rule_at(const struct vb_zone_rule *rule, int64_t at);

#endif
