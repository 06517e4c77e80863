/* Starting a queued job of a workspace, never more than its max_running at a time.
 *
 * The workspace's turn row is locked first; the statement that counts started jobs comes after it
 * and so sees what every earlier holder of that lock committed. That is what makes the limit exact.
 * Nobody waits: of several workspaces the first whose turn nobody holds is taken, and a job that
 * somebody holds is VB_AGAIN. A commit whose answer was lost is found by the claim's token
 * (claim.c), for the first segment bears it.
 *
 * One round trip, COMMIT and all. What a look has found of the job says what stands in its key
 * around the epoch, which the server puts between: the facts of a queued job do not change. Where
 * the job was taken by others nothing is written, and the COMMIT is one of nothing.
 */
#include "look.h"
#include "transition.h"

#include "database/array.h"

#include "verbatim/log.h"

#include <stdlib.h>
#include <string.h>

/* Texts of a pick's jobs, quoted. */
#define LIST_CEILING (64u * 1024u)
#define KEY_CEILING 4096u

#define TURN "current_setting('verbatim.turn', true)"
/* By no index of what a backlog has in common: with statistics from before it, the server would
 * rather walk that than look for the id. So is the workspace asked for. */
#define QUEUED "CASE j.status WHEN 'queued' THEN true END"

/* $1: workspaces, in the order of their turns, $2: a job of each. The turn is moved, and told to
 * the next statement. */
/* clang-format off */
static const char lock_turn[] =
    "WITH turned AS ("
    "UPDATE verbatim.turn SET last_turn = nextval('verbatim.turn_number')"
    " WHERE workspace_id = (SELECT t.workspace_id"
    "  FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS c(workspace_id, job_id, place)"
    "  JOIN verbatim.job AS j ON j.job_id = c.job_id"
    "  JOIN verbatim.turn AS t ON t.workspace_id = c.workspace_id"
    "  WHERE " QUEUED
    "  ORDER BY c.place LIMIT 1"
    "  FOR NO KEY UPDATE OF t SKIP LOCKED)"
    " RETURNING workspace_id)"
    " SELECT set_config('verbatim.turn', coalesce((SELECT workspace_id FROM turned), ''), true)";
/* clang-format on */

/* A queued job has exactly one segment; without that nothing is written. $1: jobs, $2 and $3: what
 * their keys have before and behind the epoch, $4: process, $5: lease, $6: token, $7: the limit of
 * workspaces that have none of their own, $8: store. */
/* clang-format off */
static const char claim_first[] =
    "WITH chosen AS MATERIALIZED ("
    "SELECT j.job_id, c.head, c.tail"
    " FROM unnest($1::uuid[], $2::text[], $3::text[]) AS c(job_id, head, tail)"
    " JOIN verbatim.job AS j ON j.job_id = c.job_id"
    " WHERE j.workspace_id || '' = " TURN " AND " QUEUED
    " AND (SELECT count(*)"
    "  FROM verbatim.job AS r"
    "  WHERE r.workspace_id = " TURN " AND r.status = 'started')"
    " < (SELECT coalesce(w.max_running, $7)"
    "  FROM verbatim.workspace AS w"
    "  WHERE w.workspace_id = " TURN ")"
    " FOR NO KEY UPDATE OF j SKIP LOCKED),"
    "taken AS ("
    "UPDATE verbatim.segment AS s"
    " SET status = 'running', claim_epoch = nextval('verbatim.claim_epoch'), process_id = $4,"
    " lease_until = clock_timestamp() + $5::bigint * interval '1 microsecond', last_write = $6"
    " FROM chosen"
    " WHERE s.job_id = chosen.job_id AND s.status = 'waiting'"
    " RETURNING s.*, chosen.head, chosen.tail),"
    "noted AS ("
    "UPDATE verbatim.job AS j"
    " SET archive_epoch = taken.claim_epoch, storage = $8,"
    " object_key = taken.head || taken.claim_epoch || taken.tail, " VB_EDGE_STARTED
    " FROM taken, " VB_EDGE_CLOCK
    " WHERE j.job_id = taken.job_id"
    " RETURNING j.job_id, j.object_key)"
    " SELECT chosen.job_id, noted.object_key, " SEGMENT_ROW_LIST
    " FROM chosen LEFT JOIN (taken AS s JOIN noted ON noted.job_id = s.job_id)"
    " ON s.job_id = chosen.job_id";
/* clang-format on */
enum { STARTED_JOB, STARTED_KEY, STARTED_SEGMENT };

/* What both statements are told of the pick's jobs. */
struct start {
    struct vb_job jobs[VB_PICK_MOST];
    struct vb_buffer workspaces, ids, heads, tails; /* as arrays */
};

/* For a workspace made by SQL. Asked first again, since an INSERT waits for whoever updates
 * the row in its way, also where it would do nothing then: another process may have made the turn
 * since the look, and hold it. */
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
    return status;
}

static enum vb_status list_texts(struct start *start, const char *const *workspaces,
                                 struct vb_buffer *heads, struct vb_buffer *tails, size_t count)
{
    const char *ids[VB_PICK_MOST], *before[VB_PICK_MOST], *behind[VB_PICK_MOST];
    for (size_t i = 0; i < count; i++) {
        ids[i] = start->jobs[i].job_id;
        before[i] = heads[i].data;
        behind[i] = tails[i].data;
    }
    enum vb_status status = vb_pg_array_put(&start->workspaces, workspaces, count);
    if (status == VB_OK)
        status = vb_pg_array_put(&start->ids, ids, count);
    if (status == VB_OK)
        status = vb_pg_array_put(&start->heads, before, count);
    return status == VB_OK ? vb_pg_array_put(&start->tails, behind, count) : status;
}

static enum vb_status read_pick(const struct vb_claimer *claimer, const struct vb_pick *pick,
                                struct start *start, struct vb_error *err)
{
    struct vb_buffer heads[VB_PICK_MOST], tails[VB_PICK_MOST];
    const char *workspaces[VB_PICK_MOST];
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < pick->count; i++) {
        vb_buffer_init(&heads[i], KEY_CEILING);
        vb_buffer_init(&tails[i], KEY_CEILING);
        workspaces[i] = vb_pick_value(pick, i, VB_CANDIDATE_WORKSPACE);
        if (status == VB_OK)
            status = vb_job_read(pick->found->rows, pick->rows[i], VB_CANDIDATE_QUEUED,
                                 &start->jobs[i], err);
        if (status == VB_OK)
            status = vb_job_note_key_around(claimer, &start->jobs[i], &heads[i], &tails[i], err);
    }
    if (status == VB_OK) {
        status = list_texts(start, workspaces, heads, tails, pick->count);
        if (status != VB_OK)
            (void)vb_fail(err, status, "no memory for jobs to be started");
    }
    for (size_t i = 0; i < pick->count; i++) {
        vb_buffer_done(&heads[i]);
        vb_buffer_done(&tails[i]);
    }
    return status;
}

static enum vb_status send_start(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 const struct start *start, const char *token,
                                 PGresult *ret_results[VB_PG_STEPS], struct vb_error *err)
{
    struct vb_pg_args turn = {0}, first = {0};
    struct vb_pg_statement statements[2];
    vb_args_text(&turn, start->workspaces.data);
    vb_args_text(&turn, start->ids.data);
    vb_args_text(&first, start->ids.data);
    vb_args_text(&first, start->heads.data);
    vb_args_text(&first, start->tails.data);
    vb_args_text(&first, claimer->process_id);
    vb_args_number(&first, claimer->lease);
    vb_args_text(&first, token);
    vb_args_number(&first, claimer->max_running);
    vb_args_text(&first, claimer->storage);
    const struct vb_pg_step steps[] = {vb_args_step(&statements[0], lock_turn, &turn),
                                       vb_args_step(&statements[1], claim_first, &first)};
    enum vb_status status =
        vb_pg_steps_send(pg, steps, 2, VB_PG_BEGINS | VB_PG_COMMITS, ret_results, err);
    if (status != VB_OK)
        vb_pg_rollback(pg);
    return status;
}

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

/* The job moves from the start to the claim, which owns it in any case. */
static enum vb_status read_first(const PGresult *rows, const struct vb_claimer *claimer,
                                 struct vb_job *job, struct vb_claim *claim, struct vb_error *err)
{
    if (vb_row_null(rows, 0, STARTED_KEY))
        return vb_fail(err, VB_INVALID, "a queued job must have one waiting segment");
    claim->job = *job;
    *job = (struct vb_job){0};
    vb_segment_read(rows, 0, STARTED_SEGMENT, claim);
    claim->job.archive_epoch = claim->epoch;
    if (!replace(&claim->job.storage, claimer->storage) ||
        !replace(&claim->job.object_key, vb_pg_value(rows, 0, STARTED_KEY)))
        return vb_fail(err, VB_NO_MEMORY, "no memory for a job");
    vb_debug("job %s -> %s", claim->job.job_id, vb_job_status_name(VB_JOB_STARTED));
    return VB_OK;
}

/* VB_AGAIN: none of them could be had. */
static enum vb_status judge(const PGresult *rows, const struct vb_claimer *claimer, size_t count,
                            struct start *start, size_t *ret_spent, struct vb_claim *ret_claim,
                            struct vb_error *err)
{
    struct vb_claim claim = {0};
    if (PQntuples(rows) == 0)
        return VB_AGAIN;
    size_t which = 0;
    while (which + 1 < count &&
           strcmp(start->jobs[which].job_id, vb_pg_value(rows, 0, STARTED_JOB)) != 0)
        which++;
    *ret_spent = which + 1;
    enum vb_status status = read_first(rows, claimer, &start->jobs[which], &claim, err);
    if (status == VB_OK)
        *ret_claim = claim;
    else
        vb_claim_done(&claim);
    return status;
}

enum vb_status vb_job_start(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_pick *pick, const char *token, size_t *ret_spent,
                            struct vb_claim *ret_claim, struct vb_error *err)
{
    struct start start = {.workspaces.data = NULL};
    struct vb_buffer *const lists[] = {&start.workspaces, &start.ids, &start.heads, &start.tails};
    PGresult *results[VB_PG_STEPS] = {NULL};
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        vb_buffer_init(lists[i], LIST_CEILING);
    for (size_t i = 0; i < pick->count && status == VB_OK; i++)
        if (!vb_row_true(pick->found->rows, pick->rows[i], VB_CANDIDATE_HAS_TURN))
            status = make_turn(pg, vb_pick_value(pick, i, VB_CANDIDATE_WORKSPACE), err);
    if (status == VB_OK)
        status = read_pick(claimer, pick, &start, err);
    if (status == VB_OK)
        status = send_start(pg, claimer, &start, token, results, err);
    if (status == VB_OK)
        status = judge(results[1], claimer, pick->count, &start, ret_spent, ret_claim, err);
    vb_pg_results_clear(results);
    for (size_t i = 0; i < pick->count; i++)
        vb_job_done(&start.jobs[i]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        vb_buffer_done(lists[i]);
    return status;
}
