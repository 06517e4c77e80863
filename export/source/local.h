/* The clock that a source's times without zone were written by (option source_time_zone).
 *
 * A local time that occurs twice because clocks went back is taken for the later of the two
 * instants, as the server's AT TIME ZONE does; one that was skipped, for the instant at which it
 * was. So instants rise with local times, and both ends of a range have their place among the rows
 * of an index.
 *
 * Immutable, so shared by all threads; its contract owns it, NULL is UTC. Local times are
 * microseconds of a clock that shows 0 on 1970-01-01. Before 1970 the zone's offset of that day
 * holds. VB_NO_MEMORY.
 */
#ifndef VERBATIM_EXPORT_SOURCE_LOCAL_H
#define VERBATIM_EXPORT_SOURCE_LOCAL_H

#include "verbatim/statistics.h"
#include "verbatim/status.h"

struct vb_local;

/* `zone` is the name by which the server knows it; both are copied. At least one change. */
enum vb_status vb_local_new(const char *zone, const struct vb_offset_change *changes, size_t count,
                            struct vb_local **ret_local) vb_must_check;
void vb_local_free(struct vb_local *local);

vb_instant vb_local_instant(const struct vb_local *local, int64_t time);
/* The least local time that stands for the instant or a later one. */
int64_t vb_local_first(const struct vb_local *local, vb_instant instant);
/* "UTC" of NULL. Lives as long as the clock. */
const char *vb_local_zone(const struct vb_local *local);

#endif
