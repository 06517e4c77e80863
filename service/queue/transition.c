/* Taking an edge of a job's life (rules/job_status.h). The program writes job.status only here, and
 * where a claim and a finish have their edge in a statement that writes more (transition.h). */
#include "queue.h"

#include "verbatim/log.h"

/* finished_at is the end of every kind, and whoever waits for it is told; a link lives from a
 * finish only. The clock is read once, so that a link's life is exact. */
static const char take_edge[] =
    "UPDATE verbatim.job SET status = $3, error_message = $4,"
    " started_at = CASE WHEN $3 = 'started' THEN clock.now ELSE started_at END,"
    " finished_at = CASE WHEN $3 <> 'started' THEN clock.now END,"
    " link_expires_at = CASE WHEN $3 = 'finished'"
    "  THEN least(clock.now + link_ttl, created_at + retention) END"
    " FROM (SELECT clock_timestamp() AS now) AS clock"
    " WHERE job_id = $1 AND status = $2"
    " RETURNING CASE WHEN $3 <> 'started' THEN pg_notify('" VB_ENDED_CHANNEL "', job_id::text) END";

enum vb_status vb_job_transition(struct vb_pg *pg, const char *job_id, enum vb_job_status from,
                                 enum vb_job_status to, const char *message, struct vb_error *err)
{
    const char *before = vb_job_status_name(from), *after = vb_job_status_name(to);
    if (to == VB_JOB_GONE || !vb_job_status_follows(from, to))
        return vb_fail(err, VB_INVALID, "a job does not go from %s to %s", before, after);
    struct vb_pg_args args = {0};
    uint64_t rows = 0;
    vb_args_text(&args, job_id);
    vb_args_text(&args, before);
    vb_args_text(&args, after);
    vb_args_text(&args, message);
    enum vb_status status = vb_args_exec(pg, take_edge, &args, &rows, err);
    if (status == VB_OK && rows == 0)
        status = vb_fail(err, VB_FENCED, "the job is not %s any more", before);
    if (status == VB_OK)
        vb_debug("job %s -> %s", before, after);
    return status;
}
