/* IANA time zones: instants to local time and calendar days to instants.
 *
 * From the system's zone files; each zone caches the interval it answered last, so a run of
 * instants in one season costs a comparison. Names of the database only ("Europe/Berlin", "UTC"),
 * no offsets and no POSIX rules. Source: RFC 9636 for the files.
 *
 * A zone is its maker's until vb_zone_free. It belongs to one thread, since every question may move
 * the cache. VB_INVALID, VB_NO_MEMORY. It knows the rules as they were at
 * its birth.
 */
#ifndef VERBATIM_ZONE_H
#define VERBATIM_ZONE_H

#include "verbatim/statistics.h"

struct vb_zone;

/* VB_INVALID for a name the system's zone database does not hold, nor by a former or a later name
 * ("US/Pacific"); never a silent UTC. */
enum vb_status vb_zone_new(const char *name, struct vb_zone **ret_zone,
                           struct vb_error *err) vb_must_check;
void vb_zone_free(struct vb_zone *zone);

/* The zone's clocks for all times as text, appended, and a zone of such a text: what was decided on
 * one machine holds on the next, whatever files that one has. Equal clocks have equal texts. A few
 * hundred bytes to four KiB. VB_LIMIT, VB_NO_MEMORY; VB_INVALID for another text. */
enum vb_status vb_zone_write(const struct vb_zone *zone, struct vb_buffer *out) vb_must_check;
enum vb_status vb_zone_read(struct vb_view text, struct vb_zone **ret_zone,
                            struct vb_error *err) vb_must_check;

/* The name to keep for one that a person wrote: in the database's letters ("europe/berlin"), and
 * the present one of a former name, if this system has it; else the same text. Lives as long as the
 * program, `name` or `room`. Reads folders. */
#define VB_ZONE_NAME 65
const char *vb_zone_canonical(const char *name, char room[VB_ZONE_NAME]);

/* Release of the zone database that vb_zone_new reads, such as "2025b"; false where its files do
 * not say. Reads a file. */
#define VB_ZONE_RELEASE 16
bool vb_zone_release(char ret_release[VB_ZONE_RELEASE]);
/* The first day of the month in which such a release came, as its letter says. Any thread; no
 * errors: what is no release came in the year 0. */
vb_instant vb_zone_release_time(const char *release);
/* Whether a release as that function gives it came more than a year before `now`: governments have
 * changed clocks since then. Any thread; no errors. */
bool vb_zone_release_is_old(const char *release, vb_instant now);

/* Seconds east of UTC in force at the instant. */
int vb_zone_offset(struct vb_zone *zone, vb_instant instant);
/* The local time of `instant` occurs twice because clocks went back. */
bool vb_zone_is_ambiguous(struct vb_zone *zone, vb_instant instant);
/* First instant of the local day: 00:00, the earlier of two, or the end of the gap where 00:00 is
 * skipped; never outside VB_INSTANT_FIRST and VB_INSTANT_LAST. */
vb_instant vb_zone_day_start(struct vb_zone *zone, struct vb_date day);
/* A day may begin or end there: it is the start of one, or an end of the calendar. */
bool vb_zone_is_border(struct vb_zone *zone, vb_instant instant);
/* The offsets in force from the instant 0 on up to `until`, as an array for free(): at least one,
 * the first at 0. VB_NO_MEMORY. */
enum vb_status vb_zone_changes(struct vb_zone *zone, vb_instant until,
                               struct vb_offset_change **ret_changes,
                               size_t *ret_count) vb_must_check;
/* The calendar day of the instant, of the years 1 to 9999: at the ends of the calendar the local
 * day may lie outside, and becomes the first or the last one. */
struct vb_date vb_zone_day_of(struct vb_zone *zone, vb_instant instant);

#endif
