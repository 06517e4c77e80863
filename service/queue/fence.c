/* The beginning and the end of every fenced transaction: the job's lock, then the segment's. */
#include "queue.h"

enum vb_status vb_fenced(struct vb_error *err)
{
    return vb_fail(err, VB_FENCED, "the segment is not ours any more");
}

/* A lock that does not come in time is better found out than waited for: the lease is running. */
static const char lock_job[] =
    "SELECT set_config('lock_timeout', '10s', true)"
    " FROM verbatim.job WHERE job_id = $1 AND status = 'started' FOR NO KEY UPDATE";

static const char lock_segment[] =
    "SELECT 1 FROM verbatim.segment WHERE job_id = $1 AND part_first = $2 AND claim_epoch = $3"
    " AND process_id = $4 AND status = 'running' FOR UPDATE";

enum vb_status vb_fence_begin(struct vb_pg *pg, const struct vb_claimer *claimer,
                              const struct vb_claim *claim, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    uint64_t rows = 0;
    enum vb_status status = vb_pg_begin(pg, err);
    if (status != VB_OK)
        return status;
    vb_args_text(&args, claim->job.job_id);
    status = vb_args_exec(pg, lock_job, &args, &rows, err);
    if (status == VB_OK && rows > 0) {
        vb_args_number(&args, claim->part_first);
        vb_args_number(&args, claim->epoch);
        vb_args_text(&args, claimer->process_id);
        status = vb_args_exec(pg, lock_segment, &args, &rows, err);
    }
    if (status == VB_OK && rows == 0)
        status = vb_fenced(err);
    if (status != VB_OK)
        vb_pg_rollback(pg);
    return status;
}

enum vb_status vb_fence_end(struct vb_pg *pg, enum vb_status status, struct vb_error *err)
{
    if (status == VB_OK)
        status = vb_pg_commit(pg, err);
    if (status != VB_OK)
        vb_pg_rollback(pg);
    return status;
}
