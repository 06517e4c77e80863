/* Instants as text in a zone's local time.
 *
 * English and Gregorian, whatever the locale. Private to export/. Owns nothing but a cache of the
 * hour and day written last, one per thread; the zone is its thread's. VB_LIMIT and VB_NO_MEMORY as
 * the buffer says, which is as it was then.
 */
#ifndef VERBATIM_EXPORT_FORMAT_TIME_TEXT_H
#define VERBATIM_EXPORT_FORMAT_TIME_TEXT_H

#include "verbatim/zone.h"

#define VB_TIME_ROOM 64u /* room for the longest form */
/* ISO 8601 with six digits and the offset: "2026-04-08T03:24:43.123456+00:00". Writes where there
 * is room, and returns what stands behind. */
char *vb_time_put(char *to, struct vb_zone *zone, vb_instant at);
/* The same to the second, as HTML's <time> takes it too: "2026-04-08 03:24:43+00:00". */
char *vb_time_put_seconds(char *to, struct vb_zone *zone, vb_instant at);
/* "December 1st 2024, 10:30:00 am": English, to the second, without offset. */
enum vb_status vb_time_append_words(struct vb_buffer *out, struct vb_zone *zone,
                                    vb_instant at) vb_must_check;

#endif
