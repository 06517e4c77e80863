/* Restarting a job: one segment again, everything dropped. Because its archive cannot be gone on
 * with (the upload is gone), or because it is stranded: only another kind of process could go on
 * with it, and none of that kind lives.
 *
 * All claims of the job end by the loss of their rows. The claim's own segment goes as well, so the
 * token of the fence is written into the new one. The job stays started; only its archive is
 * another from here on, at a key of a later epoch, so that nothing that is still on its way to the
 * old one can meet it.
 */
#include "queue.h"

#include "verbatim/log.h"

/* $1: job, $2: our store, $3: our fingerprint, $4: lease. */
static const char lock_stranger[] =
    "SELECT 1"
    " FROM verbatim.job AS j"
    " WHERE j.job_id = $1 AND j.status = 'started' AND j.upload_id IS NOT NULL"
    " AND NOT (j.storage = $2 AND j.fingerprint = $3)"
    " AND NOT EXISTS (SELECT FROM verbatim.process AS p"
    "  WHERE p.storage = j.storage AND p.fingerprint = j.fingerprint"
    "  AND p.beat_at > clock_timestamp() - $4::bigint * interval '1 microsecond')"
    " FOR NO KEY UPDATE SKIP LOCKED";

/* The order matters: the clean-up row copies what the last one forgets. $2: our epoch. */
static const char leave_archive[] =
    "INSERT INTO verbatim.cleanup"
    " (workspace_id, job_id, storage, object_key, upload_id, keep_object, holders, not_before)"
    " SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), false,"
    " " VB_CLEANUP_HOLDERS("$2") " FROM verbatim.job"
                                 " WHERE job_id = $1";
static const char drop_pieces[] = "DELETE FROM verbatim.segment_directory WHERE job_id = $1";
/* Charges outlive the segments that they were made for. $2: one more. */
static const char drop_segments[] =
    "WITH gone AS (DELETE FROM verbatim.segment WHERE job_id = $1 RETURNING attempts) "
    "SELECT coalesce(max(attempts), 0) + $2::integer FROM gone";
/* $2: attempts so far; $3: why; $4: token; $5: whether it has to wait for them; $6: estimate. */
static const char make_segment[] =
    "INSERT INTO verbatim.segment"
    " (job_id, part_first, part_last, workspace_id, attempts, last_error, last_write, estimate,"
    "  expected, not_before)"
    " SELECT job_id, 1, 10000, workspace_id, $2, $3, $4, $6, conversations_total,"
    "  clock_timestamp() + CASE WHEN $5::boolean"
    "  THEN interval '1 second' * least(60, power(2, least($2::integer, 10)))"
    "  * (0.75 + random() / 2) / 2"
    "  ELSE interval '0' END"
    " FROM verbatim.job"
    " WHERE job_id = $1";
/* $2: the parts have to be equal. */
static const char forget_archive[] =
    "WITH told AS MATERIALIZED (SELECT pg_notify('" VB_QUEUE_CHANNEL "', '')) "
    "UPDATE verbatim.job"
    " SET archive_epoch = NULL, storage = NULL, object_key = NULL, upload_id = NULL,"
    " part_size = NULL, fingerprint = NULL, size = NULL, open_segments = 1,"
    " equal_parts = equal_parts OR $2, loose_parts = false,"
    " statistics = NULL, workspace_name = NULL, manifest_key = NULL, deflate_tables = NULL"
    " WHERE job_id = $1 AND EXISTS (SELECT FROM told)";

/* How the new segment begins. */
struct beginning {
    const char *job_id, *reason, *token; /* reason, token: NULL where there is none */
    int64_t epoch;                       /* of the claim that it is for; 0: of none */
    int64_t most_attempts;               /* 0: not charged */
    bool refused, equal_parts;
    int64_t estimate; /* 0: not known */
};

static enum vb_status run_for_job(struct vb_pg *pg, const char *sql, const char *job_id,
                                  struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, job_id);
    return vb_args_exec(pg, sql, &args, NULL, err);
}

static enum vb_status replace_segments(struct vb_pg *pg, struct beginning *beginning,
                                       struct vb_error *err)
{
    struct vb_pg_args gone = {0}, made = {0};
    PGresult *row = NULL;
    bool charged = beginning->most_attempts > 0;
    vb_args_text(&gone, beginning->job_id);
    vb_args_number(&gone, charged);
    enum vb_status status = vb_args_query(pg, drop_segments, &gone, &row, err);
    if (status != VB_OK)
        return status;
    int64_t attempts = vb_row_number(row, 0, 0);
    PQclear(row);
    if (charged && attempts >= beginning->most_attempts)
        return vb_fail(err, VB_LIMIT, "%s", beginning->reason);
    beginning->equal_parts |= beginning->refused && attempts > 1;
    vb_args_text(&made, beginning->job_id);
    vb_args_number(&made, attempts);
    vb_args_text(&made, beginning->reason);
    vb_args_text(&made, beginning->token);
    vb_args_text(&made, charged ? "t" : "f");
    if (beginning->estimate > 0)
        vb_args_number(&made, beginning->estimate);
    else
        vb_args_text(&made, NULL);
    return vb_args_exec(pg, make_segment, &made, NULL, err);
}

static enum vb_status begin_job(struct vb_pg *pg, struct beginning *beginning, struct vb_error *err)
{
    struct vb_pg_args left = {0};
    vb_args_text(&left, beginning->job_id);
    vb_args_number(&left, beginning->epoch);
    enum vb_status status = vb_args_exec(pg, leave_archive, &left, NULL, err);
    if (status == VB_OK)
        status = run_for_job(pg, drop_pieces, beginning->job_id, err);
    if (status == VB_OK)
        status = replace_segments(pg, beginning, err);
    struct vb_pg_args args = {0};
    vb_args_text(&args, beginning->job_id);
    vb_args_text(&args, beginning->equal_parts ? "t" : "f");
    return status == VB_OK ? vb_args_exec(pg, forget_archive, &args, NULL, err) : status;
}

static enum vb_status reset_job(struct vb_pg *pg, const struct vb_claimer *claimer,
                                const char *job_id, struct vb_error *err)
{
    struct beginning beginning = {.job_id = job_id};
    struct vb_pg_args args = {0};
    uint64_t rows = 0;
    vb_args_text(&args, job_id);
    vb_args_text(&args, claimer->storage);
    vb_args_text(&args, claimer->fingerprint);
    vb_args_number(&args, claimer->lease);
    enum vb_status status = vb_args_exec(pg, lock_stranger, &args, &rows, err);
    if (status == VB_OK && rows == 0)
        status = VB_AGAIN;
    return status == VB_OK ? begin_job(pg, &beginning, err) : status;
}

/* Repeated after a commit whose answer was lost, it finds no upload any more, and does nothing. */
enum vb_status vb_job_restart_stranded(struct vb_pg *pg, const struct vb_claimer *claimer,
                                       const char *job_id, struct vb_error *err)
{
    enum vb_status status = vb_pg_begin(pg, err);
    if (status != VB_OK)
        return status;
    status = vb_transaction_end(pg, reset_job(pg, claimer, job_id, err), err);
    if (status == VB_OK)
        vb_warn("archive of job %s is begun anew: no process lives that could go on with it",
                job_id);
    return status;
}

static enum vb_status begin_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                 struct vb_error *err)
{
    struct beginning *beginning = context;
    beginning->token = write->token;
    return begin_job(pg, beginning, err);
}

enum vb_status vb_job_restart(struct vb_pg *pg, const struct vb_claimer *claimer,
                              const struct vb_claim *claim, const struct vb_restart *restart,
                              struct vb_error *err)
{
    struct beginning beginning = {.job_id = claim->job.job_id,
                                  .epoch = claim->epoch,
                                  .reason = restart->reason,
                                  .most_attempts = restart->most_attempts,
                                  .refused = restart->refused,
                                  .equal_parts = restart->equal_parts,
                                  .estimate = restart->estimate};
    enum vb_status status = vb_fence_run(pg, claimer, claim, begin_step, &beginning, err);
    if (status == VB_OK)
        vb_warn("the archive is begun anew%s: %s",
                beginning.equal_parts ? " with parts of one size" : "", restart->reason);
    return status;
}
