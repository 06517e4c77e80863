/* Starting the oldest queued job of a workspace, never more than its max_running at a time.
 *
 * The workspace's turn row is locked first; the statement that counts started jobs comes after it
 * and so sees what every earlier holder of that lock committed. That is what makes the limit exact.
 * Nobody waits: a turn or a job that somebody holds is VB_AGAIN. A commit whose answer was lost is
 * found by the claim's token (claim.c), for the first segment bears it.
 */
#include "queue.h"
#include "row.h"

#include "verbatim/log.h"

#include <stdlib.h>
#include <string.h>

/* Sorts are off until the end of the transaction: with statistics from before a backlog came, the
 * server would rather sort all of it for its first row than walk the index that has the order. */
static const char lock_turn[] =
    "UPDATE verbatim.turn SET last_turn = nextval('verbatim.turn_number')"
    " WHERE workspace_id = (SELECT t.workspace_id"
    "  FROM verbatim.turn AS t"
    "  WHERE t.workspace_id = $1"
    "  FOR NO KEY UPDATE SKIP LOCKED)"
    " RETURNING nextval('verbatim.claim_epoch'), set_config('enable_sort', 'off', true)";

/* $1: workspace, $2: the limit of those that have none of their own, $3: our store. */
/* clang-format off */
static const char oldest_queued[] =
    "SELECT " JOB_ROW_LIST " FROM verbatim.job AS j"
    " WHERE j.workspace_id = $1 AND j.status = 'queued'"
    " AND " JOB_IS_OURS("$3")
    " AND (SELECT count(*)"
    "  FROM verbatim.job AS r"
    "  WHERE r.workspace_id = $1 AND r.status = 'started')"
    " < (SELECT coalesce(w.max_running, $2)"
    "  FROM verbatim.workspace AS w"
    "  WHERE w.workspace_id = $1)"
    " ORDER BY j.created_at, j.job_id LIMIT 1"
    " FOR NO KEY UPDATE OF j SKIP LOCKED";
/* clang-format on */

/* A queued job has exactly one segment and nobody else holds the job's row. $1: job, $2: epoch, $3:
 * process, $4: lease, $5: store, $6: key, $7: token. */
static const char claim_first[] =
    "WITH noted AS ("
    "UPDATE verbatim.job SET archive_epoch = $2, storage = $5, object_key = $6"
    " WHERE job_id = $1) "
    "UPDATE verbatim.segment AS s"
    " SET status = 'running', claim_epoch = $2, process_id = $3,"
    " lease_until = clock_timestamp() + $4::bigint * interval '1 microsecond', last_write = $7"
    " WHERE s.job_id = $1 AND s.status = 'waiting'"
    " RETURNING " SEGMENT_ROW_LIST;

/* Replaces an owned text; false when memory is out. */
static bool replace(char **text, const char *with)
{
    char *copy = strdup(with);
    if (!copy)
        return false;
    free(*text);
    *text = copy;
    return true;
}

/* Notes the archive's key, so that whatever this claim puts there can be found again, and
 * claims. */
static enum vb_status claim_started(struct vb_pg *pg, const struct vb_claimer *claimer,
                                    const char *token, struct vb_claim *claim, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    struct vb_buffer key;
    vb_buffer_init(&key, 4096);
    enum vb_status status = vb_job_note_key(claimer, &claim->job, claim->epoch, &key, err);
    if (status != VB_OK)
        goto done;
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->epoch);
    vb_args_text(&args, claimer->process_id);
    vb_args_number(&args, claimer->lease);
    vb_args_text(&args, claimer->storage);
    vb_args_text(&args, key.data);
    vb_args_text(&args, token);
    status = vb_args_query(pg, claim_first, &args, &result, err);
    if (status != VB_OK)
        goto done;
    if (PQntuples(result) != 1) {
        status = vb_fail(err, VB_INVALID, "a queued job must have one waiting segment");
        goto done;
    }
    vb_segment_read(result, 0, 0, claim);
    claim->job.archive_epoch = claim->epoch;
    if (!replace(&claim->job.storage, claimer->storage) ||
        !replace(&claim->job.object_key, key.data))
        status = vb_fail(err, VB_NO_MEMORY, "no memory for a job");
done:
    PQclear(result);
    vb_buffer_done(&key);
    return status;
}

/* VB_AGAIN: the workspace has no turn, or somebody holds it. */
static enum vb_status take_turn(struct vb_pg *pg, const char *workspace_id, int64_t *ret_epoch,
                                struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    vb_args_text(&args, workspace_id);
    enum vb_status status = vb_args_query(pg, lock_turn, &args, &result, err);
    if (status != VB_OK)
        return status;
    if (PQntuples(result) == 1)
        *ret_epoch = vb_row_number(result, 0, 0);
    else
        status = VB_AGAIN;
    PQclear(result);
    return status;
}

/* Inside the transaction. VB_AGAIN: somebody else is starting here, or the limit is reached. */
static enum vb_status start_oldest(struct vb_pg *pg, const struct vb_claimer *claimer,
                                   const char *workspace_id, const char *token,
                                   struct vb_claim *claim, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    enum vb_status status = take_turn(pg, workspace_id, &claim->epoch, err);
    if (status != VB_OK)
        return status;
    vb_args_text(&args, workspace_id);
    vb_args_number(&args, claimer->max_running);
    vb_args_text(&args, claimer->storage);
    status = vb_args_query(pg, oldest_queued, &args, &result, err);
    if (status != VB_OK)
        return status;
    status = PQntuples(result) == 1 ? vb_job_read(result, 0, 0, &claim->job, err) : VB_AGAIN;
    PQclear(result);
    if (status == VB_OK)
        status = vb_job_transition(pg, claim->job.job_id, VB_JOB_QUEUED, VB_JOB_STARTED, NULL, err);
    if (status == VB_OK)
        status = claim_started(pg, claimer, token, claim, err);
    return status;
}

/* A workspace that was made by SQL has none. One that is only held stays as it is, and is not
 * waited for: asked first, since an INSERT waits for whoever updates the row in its way, also where
 * it would do nothing then. */
static enum vb_status make_turn(struct vb_pg *pg, const char *workspace_id, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    uint64_t rows = 0;
    vb_args_text(&args, workspace_id);
    enum vb_status status = vb_args_exec(pg,
                                         "INSERT INTO verbatim.turn (workspace_id)"
                                         " SELECT $1::text WHERE NOT EXISTS"
                                         " (SELECT FROM verbatim.turn WHERE workspace_id = $1)"
                                         " ON CONFLICT DO NOTHING",
                                         &args, &rows, err);
    if (status == VB_OK && rows > 0)
        vb_info("workspace %s had no turn in the round of workspaces, and got one", workspace_id);
    return status == VB_OK ? VB_AGAIN : status;
}

enum vb_status vb_job_start(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const char *workspace_id, const char *token, struct vb_claim *ret_claim,
                            struct vb_error *err)
{
    struct vb_claim claim = {0};
    enum vb_status status = vb_pg_begin(pg, err);
    if (status != VB_OK)
        return status;
    status = start_oldest(pg, claimer, workspace_id, token, &claim, err);
    status = vb_transaction_end(pg, status, err);
    bool no_turn = status == VB_AGAIN && claim.epoch == 0;
    if (status == VB_OK)
        *ret_claim = claim;
    else
        vb_claim_done(&claim);
    return no_turn ? make_turn(pg, workspace_id, err) : status;
}
