/* Starting the oldest queued job of a workspace, never more than its max_running at a time.
 *
 * The workspace's turn row is locked first; the statement that counts started jobs comes after it
 * and so sees what every earlier holder of that lock committed. That is what makes the limit exact.
 * Nobody waits: of several workspaces the first whose turn nobody holds is taken, and a job that
 * somebody holds is VB_AGAIN. A commit whose answer was lost is found by the claim's token
 * (claim.c), for the first segment bears it.
 *
 * Two round trips: turn and job, and behind them, with the key that only now can be made, the start
 * and the COMMIT. Nothing can come between that would have to be rolled back, since the locks are
 * ours.
 */
#include "queue.h"
#include "row.h"
#include "transition.h"

#include "database/array.h"

#include "verbatim/log.h"

#include <stdlib.h>
#include <string.h>

/* Names of workspaces, quoted. */
#define ROUND_CEILING (64u * 1024u)

#define TURN "current_setting('verbatim.turn', true)"

/* $1: workspaces, in the order of their turns. The turn is moved, and told to the next statement;
 * without one the epoch is NULL. Sorts are off until the end of the transaction, whether or not
 * there is a turn, since the next statement's plan may be made now and kept: with statistics from
 * before a backlog came, the server would rather sort all of it for its first row than walk the
 * index that has the order. */
/* clang-format off */
static const char lock_turn[] =
    "WITH turned AS ("
    "UPDATE verbatim.turn SET last_turn = nextval('verbatim.turn_number')"
    " WHERE workspace_id = (SELECT t.workspace_id"
    "  FROM verbatim.turn AS t"
    "  WHERE t.workspace_id = ANY ($1::text[])"
    "  ORDER BY array_position($1::text[], t.workspace_id) LIMIT 1"
    "  FOR NO KEY UPDATE SKIP LOCKED)"
    " RETURNING workspace_id, nextval('verbatim.claim_epoch') AS epoch)"
    " SELECT (SELECT epoch FROM turned),"
    " set_config('verbatim.turn', coalesce((SELECT workspace_id FROM turned), ''), true),"
    " set_config('enable_sort', 'off', true)";
/* clang-format on */

/* $1: the limit of workspaces that have none of their own, $2: our store. */
/* clang-format off */
static const char oldest_queued[] =
    "SELECT " JOB_ROW_LIST " FROM verbatim.job AS j"
    " WHERE j.workspace_id = " TURN " AND j.status = 'queued'"
    " AND " JOB_IS_OURS("$2")
    " AND (SELECT count(*)"
    "  FROM verbatim.job AS r"
    "  WHERE r.workspace_id = " TURN " AND r.status = 'started')"
    " < (SELECT coalesce(w.max_running, $1)"
    "  FROM verbatim.workspace AS w"
    "  WHERE w.workspace_id = " TURN ")"
    " ORDER BY j.created_at, j.job_id LIMIT 1"
    " FOR NO KEY UPDATE OF j SKIP LOCKED";
/* clang-format on */

/* A queued job has exactly one segment and nobody else holds the job's row; without that segment
 * nothing is written. $1: job, $2: epoch, $3: process, $4: lease, $5: store, $6: key, $7: token. */
/* clang-format off */
static const char claim_first[] =
    "WITH taken AS ("
    "UPDATE verbatim.segment AS s"
    " SET status = 'running', claim_epoch = $2, process_id = $3,"
    " lease_until = clock_timestamp() + $4::bigint * interval '1 microsecond', last_write = $7"
    " WHERE s.job_id = $1 AND s.status = 'waiting'"
    " RETURNING s.*),"
    " noted AS ("
    "UPDATE verbatim.job AS j"
    " SET archive_epoch = $2, storage = $5, object_key = $6, " VB_EDGE_STARTED
    " FROM taken, " VB_EDGE_CLOCK
    " WHERE j.job_id = $1"
    " RETURNING j.job_id)"
    " SELECT " SEGMENT_ROW_LIST " FROM taken AS s JOIN noted USING (job_id)";
/* clang-format on */

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

static enum vb_status read_first(const PGresult *rows, const struct vb_claimer *claimer,
                                 const char *key, struct vb_claim *claim, struct vb_error *err)
{
    if (PQntuples(rows) != 1)
        return vb_fail(err, VB_INVALID, "a queued job must have one waiting segment");
    vb_segment_read(rows, 0, 0, claim);
    claim->job.archive_epoch = claim->epoch;
    if (!replace(&claim->job.storage, claimer->storage) || !replace(&claim->job.object_key, key))
        return vb_fail(err, VB_NO_MEMORY, "no memory for a job");
    vb_debug("job %s -> %s", claim->job.job_id, vb_job_status_name(VB_JOB_STARTED));
    return VB_OK;
}

/* Notes the archive's key, so that whatever this claim puts there can be found again, claims, and
 * commits. */
static enum vb_status claim_started(struct vb_pg *pg, const struct vb_claimer *claimer,
                                    const char *token, struct vb_claim *claim, struct vb_error *err)
{
    PGresult *results[VB_PG_STEPS] = {NULL};
    struct vb_pg_args args = {0};
    struct vb_pg_statement statement;
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
    const struct vb_pg_step step = vb_args_step(&statement, claim_first, &args);
    status = vb_pg_steps_send(pg, &step, 1, VB_PG_COMMITS, results, err);
    if (status == VB_OK)
        status = read_first(results[0], claimer, key.data, claim, err);
done:
    vb_pg_results_clear(results);
    vb_buffer_done(&key);
    return status;
}

/* The one whose turn it was has nothing to start any more: what is said of the others holds. */
static void leave_out(struct vb_round *round, const char *workspace_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < round->count; i++)
        if (strcmp(round->workspaces[i], workspace_id) != 0)
            round->workspaces[kept++] = round->workspaces[i];
    round->count = kept;
}

/* VB_AGAIN: nobody's turn is free, and the round is empty; or the limit of the one that was taken
 * is reached, and it is left out. */
static enum vb_status judge_oldest(PGresult *const *results, struct vb_round *round,
                                   struct vb_claim *claim, struct vb_error *err)
{
    if (vb_row_null(results[0], 0, 0)) {
        round->count = 0;
        return VB_AGAIN;
    }
    claim->epoch = vb_row_number(results[0], 0, 0);
    if (PQntuples(results[1]) == 1)
        return vb_job_read(results[1], 0, 0, &claim->job, err);
    leave_out(round, vb_pg_value(results[0], 0, 1));
    return VB_AGAIN;
}

static enum vb_status take_oldest(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  struct vb_round *round, struct vb_claim *claim,
                                  struct vb_error *err)
{
    PGresult *results[VB_PG_STEPS] = {NULL};
    struct vb_pg_args turn = {0}, oldest = {0};
    struct vb_pg_statement statements[2];
    struct vb_buffer list;
    vb_buffer_init(&list, ROUND_CEILING);
    enum vb_status status = vb_pg_array_put(&list, round->workspaces, round->count);
    if (status != VB_OK) {
        vb_buffer_done(&list);
        return vb_fail(err, status, "no memory for the names of workspaces");
    }
    vb_args_text(&turn, list.data);
    vb_args_number(&oldest, claimer->max_running);
    vb_args_text(&oldest, claimer->storage);
    const struct vb_pg_step steps[] = {vb_args_step(&statements[0], lock_turn, &turn),
                                       vb_args_step(&statements[1], oldest_queued, &oldest)};
    status = vb_pg_steps_send(pg, steps, 2, VB_PG_BEGINS, results, err);
    vb_buffer_done(&list);
    if (status == VB_OK)
        status = judge_oldest(results, round, claim, err);
    vb_pg_results_clear(results);
    return status;
}

/* Asked first again, since an INSERT waits for whoever updates the row in its way, also where it
 * would do nothing then: another process may have made the turn since the look, and hold it. */
enum vb_status vb_turn_make(struct vb_pg *pg, const char *workspace_id, struct vb_error *err)
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
    return status;
}

enum vb_status vb_job_start(struct vb_pg *pg, const struct vb_claimer *claimer,
                            struct vb_round *round, const char *token, struct vb_claim *ret_claim,
                            struct vb_error *err)
{
    enum vb_status status = VB_AGAIN;
    while (status == VB_AGAIN && round->count > 0) {
        struct vb_claim claim = {0};
        status = take_oldest(pg, claimer, round, &claim, err);
        if (status == VB_OK)
            status = claim_started(pg, claimer, token, &claim, err);
        if (status == VB_OK) {
            *ret_claim = claim;
        } else {
            vb_pg_rollback(pg);
            vb_claim_done(&claim);
        }
    }
    return status;
}
