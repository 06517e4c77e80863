/* Time: monotonic for durations, wall clock for people, and the calendar without a time zone.
 *
 * Decisions about leases use neither: they use the database's clock. Instants are microseconds
 * since 1970-01-01T00:00:00Z in int64_t (type vb_instant), as PostgreSQL keeps them but for the
 * epoch. No leap seconds, no local time: zones are zone.h's. Plain values, owned by nobody, good
 * for ever. Any thread: pure functions and system calls. Only vb_date_parse can fail, with
 * VB_INVALID.
 */
#ifndef VERBATIM_CLOCK_H
#define VERBATIM_CLOCK_H

#include "verbatim/buffer.h"

typedef int64_t vb_instant;

#define VB_SECOND INT64_C(1000000)
#define VB_POSTGRES_EPOCH (INT64_C(946684800) * VB_SECOND) /* 2000-01-01, as Unix microseconds */
/* The ends of the calendar that dates, PostgreSQL and ISO 8601 share: 0001-01-01T00:00:00Z and the
 * last microsecond of 9999. */
#define VB_INSTANT_FIRST (INT64_C(-62135596800) * VB_SECOND)
#define VB_INSTANT_LAST (INT64_C(253402300800) * VB_SECOND - 1)

struct vb_date {
    int year;  /* 1 to 9999 */
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

/* Broken-down proleptic Gregorian time. */
struct vb_civil {
    struct vb_date date;
    int hour, minute, second, microsecond;
};

int64_t vb_clock_monotonic(void); /* microseconds since some start */
/* The same clock as of the kernel's last tick, up to 10 ms behind: for who asks at every row. */
int64_t vb_clock_coarse(void);
vb_instant vb_clock_now(void); /* the system's wall clock */
/* At least so long, whatever signals come; 0 or less returns at once. Nothing can call it off:
 * threads that must end soon wait on a pulse instead. */
void vb_clock_sleep(int64_t microseconds);
/* The same, but `stop` (may be NULL) is asked before, after and every 50 ms; false: it said so. */
bool vb_clock_wait(int64_t microseconds, bool (*stop)(void *context), void *context);

/* Days since 1970-01-01 and back. Any year that fits an int, also before 1; the date must exist. */
int64_t vb_date_to_days(struct vb_date date);
struct vb_date vb_date_from_days(int64_t days);
/* Exactly YYYY-MM-DD of a day that exists; VB_INVALID otherwise. */
enum vb_status vb_date_parse(struct vb_view text, struct vb_date *ret_date) vb_must_check;
/* Below 0, 0 or above 0, as of strcmp. */
int vb_date_compare(struct vb_date a, struct vb_date b);

/* `seconds` east of UTC are added before breaking down. */
struct vb_civil vb_civil_of(vb_instant instant, int offset_seconds);

#define VB_INSTANT_TEXT 40
/* "2026-06-11T06:50:43.861185", UTC, always six digits, no zone: the form of the HTTP contract. */
void vb_instant_text(vb_instant instant, char text[VB_INSTANT_TEXT]);

#endif
