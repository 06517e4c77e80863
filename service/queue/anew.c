/* A job whose archive only another kind of process could go on with, while none of that kind lives. */
#include "queue.h"

#include "verbatim/log.h"

static const char lock_stranger[] =
    "SELECT 1 FROM verbatim.job AS j WHERE j.job_id = $1 AND j.status = 'started'"
    " AND j.upload_id IS NOT NULL AND NOT (j.storage = $2 AND j.fingerprint = $3)"
    " AND NOT EXISTS (SELECT FROM verbatim.process AS p WHERE p.storage = j.storage"
    "  AND p.fingerprint = j.fingerprint"
    "  AND p.beat_at > clock_timestamp() - $4::bigint * interval '1 microsecond')"
    " FOR NO KEY UPDATE SKIP LOCKED";

/* The order matters: the clean-up row copies what the last but one forgets. */
static const char *const steps[] = {
    "INSERT INTO verbatim.cleanup (workspace_id, job_id, storage, object_key, upload_id,"
    " keep_object) SELECT workspace_id, job_id, storage, object_key, upload_id, false"
    " FROM verbatim.job WHERE job_id = $1",
    "DELETE FROM verbatim.segment_directory WHERE job_id = $1",
    "DELETE FROM verbatim.segment WHERE job_id = $1",
    "INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id)"
    " SELECT job_id, 1, 10000, workspace_id FROM verbatim.job WHERE job_id = $1",
    "UPDATE verbatim.job SET archive_epoch = NULL, storage = NULL, object_key = NULL,"
    " upload_id = NULL, part_size = NULL, fingerprint = NULL, size = NULL, open_segments = 1"
    " WHERE job_id = $1",
    "SELECT pg_notify('" VB_QUEUE_CHANNEL "', '') FROM verbatim.job WHERE job_id = $1",
};

static enum vb_status take_steps(struct vb_pg *pg, const char *job_id, struct vb_error *err)
{
    struct vb_pg_args id = {0};
    enum vb_status status = VB_OK;
    vb_args_text(&id, job_id);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == VB_OK; i++)
        status = vb_args_exec(pg, steps[i], &id, NULL, err);
    return status;
}

static enum vb_status reset_job(struct vb_pg *pg, const struct vb_claimer *claimer,
                                const char *job_id, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    uint64_t rows = 0;
    vb_args_text(&args, job_id);
    vb_args_text(&args, claimer->storage);
    vb_args_text(&args, claimer->fingerprint);
    vb_args_number(&args, claimer->lease);
    enum vb_status status = vb_args_exec(pg, lock_stranger, &args, &rows, err);
    if (status == VB_OK && rows == 0)
        status = VB_AGAIN;
    return status == VB_OK ? take_steps(pg, job_id, err) : status;
}

enum vb_status vb_begin_anew(struct vb_pg *pg, const struct vb_claimer *claimer, const char *job_id,
                             struct vb_error *err)
{
    enum vb_status status = vb_pg_begin(pg, err);
    if (status != VB_OK)
        return status;
    status = vb_fence_end(pg, reset_job(pg, claimer, job_id, err), err);
    if (status == VB_OK)
        vb_warn("archive of job %s is begun anew: no process lives that could go on with it",
                job_id);
    return status;
}

enum vb_status vb_begin_again(struct vb_pg *pg, const struct vb_claimer *claimer,
                              const struct vb_claim *claim, struct vb_error *err)
{
    enum vb_status status = vb_fence_begin(pg, claimer, claim, err);
    if (status != VB_OK)
        return status;
    status = vb_fence_end(pg, take_steps(pg, claim->job.job_id, err), err);
    if (status == VB_OK)
        vb_warn("the archive is begun anew: rows of its first stretch went away meanwhile");
    return status;
}
