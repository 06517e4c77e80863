/* Answers of one HTTP loop, by route, class of status and time, for /metrics.
 *
 * A tally is its loop's: it is zeroed memory, and nothing is to be set up or freed. The loop's
 * thread alone counts, without a lock and without an atomic addition; any thread may read, and what
 * it reads need not be of one instant. Counting cannot fail. Numbers only grow, from the start of
 * the process on. Labels are bounded by the table of routes: methods and paths that no route knows
 * are one row together.
 */
#ifndef VERBATIM_API_TALLY_H
#define VERBATIM_API_TALLY_H

#include "route.h"

#include "verbatim/buffer.h"

#include <stdatomic.h>

#define VB_TALLY_ROUTES 96u /* rows; routes behind the last but one are counted in the last */
#define VB_TALLY_CLASSES 5u /* 1xx to 5xx */
#define VB_TALLY_BOUNDS 14u

struct vb_api_tally_row {
    _Atomic uint64_t classes[VB_TALLY_CLASSES];
    _Atomic uint64_t slots[VB_TALLY_BOUNDS + 1]; /* not cumulative; the last is without a bound */
    _Atomic uint64_t microseconds;
};

struct vb_api_tally {
    struct vb_api_tally_row rows[VB_TALLY_ROUTES];
};

/* Of the loop's thread. `place`: of the route in its table; any number too large is "other". */
void vb_api_tally_add(struct vb_api_tally *tally, size_t place, int status, int64_t microseconds);

/* The sum of `count` tallies as Prometheus text: verbatim_http_responses_total and the histogram
 * verbatim_http_request_duration_seconds, of routes that were asked for. The buffer's statuses. */
enum vb_status vb_api_tally_write(const struct vb_api_tally *const tallies[], size_t count,
                                  const struct vb_api_table *table,
                                  struct vb_buffer *out) vb_must_check;

#endif
