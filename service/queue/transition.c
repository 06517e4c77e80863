/* A job's statuses and the edges between them, in one table; nothing else writes job.status. */
#include "queue.h"

#include "verbatim/log.h"

static const char *const names[VB_JOB_STATUSES] = {
    [VB_JOB_QUEUED] = "queued", [VB_JOB_STARTED] = "started",     [VB_JOB_FINISHED] = "finished",
    [VB_JOB_FAILED] = "failed", [VB_JOB_CANCELLED] = "cancelled",
};

static const struct edge {
    enum vb_job_status from, to;
} edges[] = {
    {VB_JOB_QUEUED, VB_JOB_STARTED},   {VB_JOB_QUEUED, VB_JOB_FAILED},
    {VB_JOB_QUEUED, VB_JOB_CANCELLED}, {VB_JOB_STARTED, VB_JOB_FINISHED},
    {VB_JOB_STARTED, VB_JOB_FAILED},   {VB_JOB_STARTED, VB_JOB_CANCELLED},
};

const char *vb_job_status_name(enum vb_job_status status)
{
    return names[status];
}

bool vb_transition_allowed(enum vb_job_status from, enum vb_job_status to)
{
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        if (edges[i].from == from && edges[i].to == to)
            return true;
    return false;
}

/* finished_at is the end of every kind, and whoever waits for it is told; a link lives from a finish only. The clock is read
 * once, so that a link's life is exact. */
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
    if (!vb_transition_allowed(from, to))
        return vb_fail(err, VB_INVALID, "a job does not go from %s to %s", names[from], names[to]);
    struct vb_pg_args args = {0};
    uint64_t rows = 0;
    vb_args_text(&args, job_id);
    vb_args_text(&args, names[from]);
    vb_args_text(&args, names[to]);
    vb_args_text(&args, message);
    enum vb_status status = vb_args_exec(pg, take_edge, &args, &rows, err);
    if (status == VB_OK && rows == 0)
        status = vb_fail(err, VB_FENCED, "the job is not %s any more", names[from]);
    if (status == VB_OK)
        vb_debug("job %s -> %s", names[from], names[to]);
    return status;
}
