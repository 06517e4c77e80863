/* Edges of a job's life as part of a statement that writes more into the job's row: one write of it
 * instead of two is felt by small exports.
 *
 * Private to the room. The statement has VB_EDGE_CLOCK in its FROM. Its transaction has locked the
 * row and found the status that the edge leaves, so the statement does not ask for it again: with
 * statistics of an hour ago the server would rather walk a backlog by the index of that status than
 * look for the job's id. Others call vb_job_transition (job.h), which writes the same.
 */
#ifndef VERBATIM_QUEUE_TRANSITION_H
#define VERBATIM_QUEUE_TRANSITION_H

/* Read once, so that a link's life is exact. */
#define VB_EDGE_CLOCK "(SELECT clock_timestamp() AS now) AS clock"

/* From 'queued'. */
#define VB_EDGE_STARTED                                                                            \
    "status = 'started', error_message = NULL, started_at = clock.now, finished_at = NULL,"        \
    " link_expires_at = NULL"

/* From 'started'; of verbatim.job AS j. A link lives from here. */
#define VB_EDGE_FINISHED                                                                           \
    "status = 'finished', error_message = NULL, finished_at = clock.now,"                          \
    " link_expires_at = least(clock.now + j.link_ttl, j.created_at + j.retention)"

/* Whoever waits for the job's end is told. */
#define VB_EDGE_TELL "pg_notify('" VB_ENDED_CHANNEL "', job_id::text)"

#endif
