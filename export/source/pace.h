/* How hard a process may lean on the source: whose statement may run, and how long one should take.
 *
 * At full speed readers do not know of each other. A gentle pace lets one statement of the process
 * run at a time, whichever reader sends it, in the order in which they asked, and after each a
 * pause of twice its time: the source is busy with this process for a third of the time at most.
 *
 * A pace belongs to whoever made it and outlives its readers; NULL is full speed. Any thread.
 * VB_STOPPED from a wait alone; whoever entered leaves, also after a failure.
 */
#ifndef VERBATIM_EXPORT_SOURCE_PACE_H
#define VERBATIM_EXPORT_SOURCE_PACE_H

#include "verbatim/postgres.h"
#include "verbatim/source.h"

/* How long a statement of several conversations should take, in microseconds. */
int64_t vb_pace_aim(const struct vb_pace *pace);
/* Messages of one conversation by one statement. */
size_t vb_pace_giant(const struct vb_pace *pace);
/* Whether a statement is read to its end at once, before its rows are worked on: then it takes the
 * source's own time, and no other waits for ours. */
bool vb_pace_reads_ahead(const struct vb_pace *pace);

/* Waits for the turn of the caller's statement. VB_STOPPED: there is none, and nothing to leave. */
enum vb_status vb_pace_enter(struct vb_pace *pace, const struct vb_stop *stop,
                             struct vb_error *err) vb_must_check;
/* The statement took so many microseconds. */
void vb_pace_leave(struct vb_pace *pace, int64_t took);

#endif
