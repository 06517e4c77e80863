/* The job queue inside `service`: what a job and a claim are, and every statement that changes
 * them.
 *
 *   job.h      a job's facts, and the edges of its life (job.c, selection.c, transition.c)
 *   claim.h    looking for work, taking a segment, starting a job, handing back (look.c, claim.c,
 *              start.c, release.c)
 *   fence.h    every transaction of a claim (fence.c)
 *   segment.h  notes, split, absorb, record, pieces (note.c, split.c, absorb.c, record.c, pieces.c)
 *   end.h      close, finish, failure, restart (close.c, end.c, restart.c)
 *   order.h    making a job; view.h: showing one; audit.h: what is noted about one. Not from here.
 *
 * All agreement between threads and machines is in these statements. A write for a claim is fenced:
 * it names the claim's epoch and process, and zero rows are VB_FENCED, which means "not ours any
 * more: stop". Lock order: the job, then its segments by position. Functions take the connection of
 * the calling thread and run their own transaction unless they say that they run inside the
 * caller's.
 */
#ifndef VERBATIM_QUEUE_QUEUE_H
#define VERBATIM_QUEUE_QUEUE_H

#include "claim.h"
#include "database/args.h"
#include "end.h"
#include "fence.h"
#include "job.h"
#include "segment.h"

#define VB_QUEUE_CHANNEL "verbatim_work"
#define VB_ENDED_CHANNEL "verbatim_ended" /* with the id of a job that has ended */

#endif
