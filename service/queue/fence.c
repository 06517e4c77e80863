/* Every transaction of a claim: the fence before it, and what becomes of it when the answer to its
 * COMMIT is lost.
 *
 * The fence. A transaction locks the job's row, then marks the claim's segment, naming the claim's
 * epoch and process. A segment that is not ours any more (its lease was over and another process
 * took it, a neighbour absorbed it, the job was cancelled) is not found by that, and then nothing
 * is written at all: VB_FENCED, and the work is dropped. So a process that stalled for minutes can
 * change nothing when it wakes up. Between the two locks and the COMMIT nobody else changes the set
 * of the job's segments, since everybody who does takes the job's lock first.
 *
 * The unknown COMMIT. A connection that breaks after COMMIT was sent leaves open whether it was
 * carried out, and most of these transactions may not be carried out twice: a second split would
 * cut a segment that is cut already, a second absorb would swallow one successor more, a second
 * finish would find a job that is not running and take its work for lost. So each transaction has a
 * random number, its token, which the mark writes into the segment (last_write). After an open
 * COMMIT the next try takes the job's lock (which the lost transaction had: once it is ours, that
 * one has come to its end, in one way or the other) and looks for the token. It is there: the
 * transaction was carried out and is not done again. It is not there: it never was, or others have
 * changed the segment since, which the fence finds out.
 *
 * Why a token and not the effect itself: it serves all steps alike, and it stands in the same row
 * as the fence, so it lives as long as the claim does. Whoever takes the segment over writes a
 * token of his own; a segment that is handed back, recorded or part of a job that has ended keeps
 * ours. A step that deletes the claim's segment writes the token into the one that it makes
 * instead. Not the server's transaction ids: after a failover the new primary may give the same id
 * to somebody else's transaction. A version that knows no tokens leaves them as they are, and its
 * epoch tells.
 *
 * Lock order: the job, then its segments by position, wherever both are locked. Two that change one
 * job stand in line at its row, and hold no segment while they wait there. A beat and a
 * take (keeper.c, claim.c) lock segments alone, pass over what is locked, and so wait for nobody.
 * The job's lock is FOR NO KEY UPDATE: rows that refer to the job may still be inserted.
 *
 * What is lost, and what it does. Lost before COMMIT was sent, the server rolls back: tried again
 * from the beginning. COMMIT refused or not answered: open, as above. The look for the token lost:
 * still open, looked for again. The lock not had within ten seconds: a failure like any other, for
 * the lease does not wait.
 *
 * In one round trip. The finish of a small export has the fence in its one statement, which locks
 * the job, then marks the segment, and writes the rest for the row that it marked. That is as good
 * where nobody else adds or takes away segments of the job, whose rows the statement would see as
 * they were before it waited: there is only the claim's own. Whenever it is open what became of it,
 * the usual way finds out.
 *
 * A change must not break: the job is locked before anything is read that a step relies on; the
 * token is looked for before the job's status is judged, since a finish that was carried out has
 * changed that; a step writes nothing outside the transaction, and keeps what it finds in its
 * context only, which counts after VB_OK.
 *
 * Repeating lies here alone, not with the callers: only here is known whether a COMMIT is open. It
 * goes on for as long as the claim is certain to hold, and what is open beyond that is found out by
 * the next owner, from the rows.
 */
#include "queue.h"

#include "verbatim/log.h"

#include <stdlib.h>

#define PAUSE (VB_SECOND / 4)

struct vb_write_end {
    bool open;      /* a COMMIT was sent, and what became of it is not known */
    bool committed; /* by the step's last statement */
};

struct fenced {
    const struct vb_claimer *claimer;
    const struct vb_write *write;
    vb_write_step *alone; /* NULL: none, or it was tried */
    vb_write_step *step;
    void *context;
};

enum vb_status vb_fence_fail(struct vb_error *err)
{
    return vb_fail(err, VB_FENCED, "the segment is not ours any more");
}

/* A lock that does not come in time is better found out than waited for: the lease is running. */
/* clang-format off */
static const char lock_job[] =
    "SELECT set_config('lock_timeout', '10s', true), status = 'started'"
    " FROM verbatim.job"
    " WHERE job_id = $1"
    " FOR NO KEY UPDATE";
/* clang-format on */

/* A statement of its own: that of the lock sees what was there before it waited. */
static const char find_token[] =
    "SELECT 1 FROM verbatim.segment WHERE job_id = $1 AND last_write = $2";

/* The fence itself, and the segment's lock. $1: job, $2: position, $3: epoch, $4: process, $5:
 * token. */
static const char mark_segment[] =
    "UPDATE verbatim.segment SET last_write = $5"
    " WHERE job_id = $1 AND part_first = $2"
    " AND claim_epoch = $3 AND process_id = $4 AND status = 'running'";

/* Lock, look and mark travel together, and are judged when all have come back: the mark was for
 * nothing where the lock found the job ended, and is rolled back. */
struct entry {
    struct vb_pg_args job, token, mark;
    struct vb_pg_statement statements[3];
    struct vb_pg_step steps[3];
    size_t count;
};

static void make_entry(const struct fenced *fenced, struct entry *entry)
{
    const struct vb_claim *claim = fenced->write->claim;
    vb_args_text(&entry->job, claim->job.job_id);
    vb_args_text(&entry->token, claim->job.job_id);
    vb_args_text(&entry->token, fenced->write->token);
    vb_args_text(&entry->mark, claim->job.job_id);
    vb_args_number(&entry->mark, claim->part_first);
    vb_args_number(&entry->mark, claim->epoch);
    vb_args_text(&entry->mark, fenced->claimer->process_id);
    vb_args_text(&entry->mark, fenced->write->token);
    entry->steps[entry->count] = vb_args_step(&entry->statements[0], lock_job, &entry->job);
    entry->count++;
    if (fenced->write->end->open)
        entry->steps[entry->count++] =
            vb_args_step(&entry->statements[1], find_token, &entry->token);
    entry->steps[entry->count++] = vb_args_step(&entry->statements[2], mark_segment, &entry->mark);
}

/* *ret_done: the COMMIT that was open was carried out. That is looked at before the job's status,
 * since a finish has changed it. */
static enum vb_status judge_entry(const struct fenced *fenced, PGresult *const *results,
                                  size_t count, bool *ret_done, struct vb_error *err)
{
    bool is_open = fenced->write->end->open;
    if (PQntuples(results[0]) == 0)
        return vb_fence_fail(err);
    fenced->write->end->open = false;
    if (is_open && PQntuples(results[1]) > 0) {
        *ret_done = true;
        return VB_OK;
    }
    bool is_marked = strtoull(PQcmdTuples(results[count - 1]), NULL, 10) > 0;
    return vb_row_true(results[0], 0, 1) && is_marked ? VB_OK : vb_fence_fail(err);
}

static enum vb_status enter(struct vb_pg *pg, const struct fenced *fenced, bool *ret_done,
                            struct vb_error *err)
{
    PGresult *results[VB_PG_STEPS] = {NULL};
    struct entry entry = {.count = 0};
    make_entry(fenced, &entry);
    enum vb_status status =
        vb_pg_steps_send(pg, entry.steps, entry.count, VB_PG_BEGINS, results, err);
    if (status == VB_OK)
        status = judge_entry(fenced, results, entry.count, ret_done, err);
    vb_pg_results_clear(results);
    return status;
}

/* Whatever the answer to a COMMIT is if not a yes: a server that is going away may have done it all
 * the same. */
static enum vb_status run_once(struct vb_pg *pg, struct fenced *fenced, struct vb_error *err)
{
    struct vb_write_end *end = fenced->write->end;
    bool done = false;
    vb_write_step *step = fenced->alone ? fenced->alone : fenced->step;
    enum vb_status status = fenced->alone ? VB_OK : enter(pg, fenced, &done, err);
    if (status == VB_OK && !done)
        status = step(pg, fenced->write, fenced->context, err);
    fenced->alone = NULL;
    if (status == VB_OK && end->committed)
        return VB_OK;
    if (status != VB_OK || done) {
        vb_pg_rollback(pg);
        return status;
    }
    end->open = true;
    return vb_transaction_end(pg, VB_OK, err);
}

/* One statement, with the COMMIT behind it and perhaps the BEGIN before it. */
static enum vb_status write_and_commit(struct vb_pg *pg, const struct vb_write *write,
                                       const char *sql, const struct vb_pg_args *args,
                                       unsigned edges, PGresult **ret_result, struct vb_error *err)
{
    PGresult *results[VB_PG_STEPS] = {NULL};
    struct vb_pg_statement statement;
    struct vb_pg_step step = vb_args_step(&statement, sql, args);
    write->end->open = true;
    enum vb_status status = vb_pg_steps_send(pg, &step, 1, edges, results, err);
    if (status != VB_OK)
        return status;
    write->end->committed = true;
    *ret_result = results[0];
    return VB_OK;
}

enum vb_status vb_write_last(struct vb_pg *pg, const struct vb_write *write, const char *sql,
                             const struct vb_pg_args *args, PGresult **ret_result,
                             struct vb_error *err)
{
    PGresult *result = NULL;
    enum vb_status status = write_and_commit(pg, write, sql, args, VB_PG_COMMITS, &result, err);
    if (status == VB_OK && ret_result)
        *ret_result = result;
    else
        PQclear(result);
    return status;
}

/* What it locks it locks in the order of the fence. A mark that finds no row has written nothing,
 * and so has the rest. */
enum vb_status vb_write_alone(struct vb_pg *pg, const struct vb_write *write, const char *sql,
                              const struct vb_pg_args *args, PGresult **ret_result,
                              struct vb_error *err)
{
    PGresult *result = NULL;
    enum vb_status status =
        write_and_commit(pg, write, sql, args, VB_PG_BEGINS | VB_PG_COMMITS, &result, err);
    if (status == VB_OK && PQntuples(result) == 0)
        status = vb_fence_fail(err);
    if (status == VB_OK)
        *ret_result = result;
    else
        PQclear(result);
    return status;
}

static bool again(const struct vb_claim *claim, bool open, enum vb_status status,
                  const struct vb_error *err)
{
    if (status == VB_OK || status == VB_END || status == VB_AGAIN || status == VB_FENCED)
        return false;
    if (!vb_status_retryable(status) || !claim->holds || !claim->holds(claim->lease, open))
        return false;
    vb_warn("trying again: %s", err->text);
    vb_clock_sleep(PAUSE);
    return true;
}

enum vb_status vb_fence_run_alone(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  const struct vb_claim *claim, vb_write_step *alone,
                                  vb_write_step *step, void *context, struct vb_error *err)
{
    struct vb_write_end end = {.open = false};
    struct vb_write write = {.claim = claim, .end = &end};
    struct fenced fenced = {claimer, &write, alone, step, context};
    enum vb_status status = VB_OK;
    vb_uuid_format(vb_uuid_random(), write.token);
    do
        status = run_once(pg, &fenced, err);
    while (again(claim, end.open, status, err));
    return status;
}

enum vb_status vb_fence_run(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_claim *claim, vb_write_step *step, void *context,
                            struct vb_error *err)
{
    return vb_fence_run_alone(pg, claimer, claim, NULL, step, context, err);
}

bool vb_claim_may_retry(const struct vb_claim *claim, enum vb_status status,
                        const struct vb_error *err)
{
    return again(claim, false, status, err);
}

enum vb_status vb_transaction_end(struct vb_pg *pg, enum vb_status status, struct vb_error *err)
{
    if (status == VB_OK)
        status = vb_pg_commit(pg, err);
    if (status != VB_OK)
        vb_pg_rollback(pg);
    return status;
}
