/* Taking a segment that a look has found (look.c), in one statement by itself.
 *
 * What a claim promises. A segment is held by at most one claim: the taking statement locks its
 * row, asks again whether it is claimable, and gives it a claim_epoch that no claim had before,
 * process and lease. From then on every write names epoch and process (fence.c), so whoever held it
 * earlier can change nothing any more, however late it wakes up. Nobody who claims waits for
 * anybody: rows that are locked are passed over, and VB_AGAIN says that there is work, but others
 * have their hands on it.
 *
 * The statements. What a look found is only advice: all of it may be untrue a moment later. A
 * started job's candidate is taken by `take`, alone. A job that is still to be started goes through
 * start.c, and one that only a vanished kind of process could go on with through restart.c; after
 * that one the thread looks again. Where somebody was faster, the next candidate is tried.
 *
 * Lost answers. A look that is lost has changed nothing. A take that is lost may have been carried
 * out, and its segment would lie there until the end of a lease that nobody beats. So each attempt
 * draws a token, written into last_write, and after any failure the thread's next call asks first
 * for a running segment of its own process that bears it (`find_taken`). It is held again from
 * there, with its lease begun anew; if the job was cancelled or another process was quicker, there
 * is nothing, and the round goes on. A token is one thread's own: two threads of a process never
 * take up each other's claims.
 *
 * Locks. `take` has the segment and then the workspace's turn, which it does not wait for; the
 * job's row is only read. It can do without the job's lock since it changes neither the set of
 * segments nor open_segments, and whoever does change those (split, absorb, end) holds the job and
 * then waits for this segment: the order job, segment, turn has no circle. What may slip in is a
 * claim whose snapshot is older than the job's end; that is why an ended job's segments are due at
 * infinity.
 *
 * A change must not break: a lease that has run out is counted (lost_leases) where it is taken
 * over, and nowhere else; counts of a segment that has parts are its record's and are left alone.
 */
#include "look.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

/* What a claim returns behind whether it took the segment from a lease that had run out. */
#define CLAIM_LIST SEGMENT_ROW_LIST ", " JOB_ROW_LIST
enum { CLAIM_LAPSED, CLAIM_SEGMENT, CLAIM_JOB = CLAIM_SEGMENT + SEGMENT_ROW_COLUMNS };

/* Moves the workspace to the end of the round unless somebody holds its turn: a claim never waits.
 * Counts that belong to a record (the closing segment's) stay. Parameters: $1 job, $2 position, $3
 * process, $4 lease, $5 workspace, $6 token. */
/* clang-format off */
static const char take[] =
    "WITH taken AS MATERIALIZED ("
    " SELECT s.job_id, s.part_first, s.status"
    " FROM verbatim.segment AS s JOIN verbatim.job AS j USING (job_id)"
    " WHERE s.job_id = $1 AND s.part_first = $2 AND j.status = 'started' AND " VB_CLAIMABLE
    " FOR UPDATE OF s SKIP LOCKED),"
    "turned AS ("
    " UPDATE verbatim.turn SET last_turn = nextval('verbatim.turn_number')"
    " WHERE workspace_id = (SELECT t.workspace_id"
    "  FROM verbatim.turn AS t"
    "  WHERE t.workspace_id = $5 AND EXISTS (SELECT FROM taken)"
    "  FOR NO KEY UPDATE SKIP LOCKED)) "
    "UPDATE verbatim.segment AS s"
    " SET status = 'running', claim_epoch = nextval('verbatim.claim_epoch'), process_id = $3,"
    " lease_until = clock_timestamp() + $4::bigint * interval '1 microsecond',"
    " lost_leases = s.lost_leases + (taken.status = 'running')::integer, after_others = false,"
    " conversations = CASE WHEN s.parts IS NULL THEN 0 ELSE s.conversations END,"
    " messages = CASE WHEN s.parts IS NULL THEN 0 ELSE s.messages END, bytes = 0,"
    " last_write = $6"
    " FROM taken, verbatim.job AS j"
    " WHERE s.job_id = taken.job_id AND s.part_first = taken.part_first AND j.job_id = s.job_id"
    " RETURNING taken.status = 'running', " CLAIM_LIST;
/* clang-format on */

/* Taken, but not to be read by us: without this its lease would have to run out. */
static void let_go(struct vb_pg *pg, const struct vb_claimer *claimer, const char *job_id,
                   struct vb_claim *claim)
{
    struct vb_error err;
    snprintf(claim->job.job_id, sizeof claim->job.job_id, "%s", job_id);
    if (vb_segment_release(pg, claimer, claim, VB_RELEASE_RETRY, "the claim could not be read",
                           &err) != VB_OK)
        vb_warn("the segment is left to its lease: %s", err.text);
}

static enum vb_status read_claim(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 const PGresult *result, struct vb_claim *ret_claim,
                                 struct vb_error *err)
{
    struct vb_claim claim = {0};
    enum vb_status status = vb_job_read(result, 0, CLAIM_JOB, &claim.job, err);
    vb_segment_read(result, 0, CLAIM_SEGMENT, &claim);
    if (status == VB_OK)
        *ret_claim = claim;
    else
        let_go(pg, claimer, vb_pg_value(result, 0, CLAIM_JOB + JOB_ROW_ID), &claim);
    return status;
}

/* No row: somebody was faster. The next candidate is tried before the thread waits. */
static enum vb_status take_segment(struct vb_pg *pg, const struct vb_claimer *claimer,
                                   const struct vb_pick *pick, const char *token,
                                   struct vb_claim *ret_claim, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    vb_args_text(&args, vb_pick_value(pick, 0, VB_CANDIDATE_JOB));
    vb_args_text(&args, vb_pick_value(pick, 0, VB_CANDIDATE_PART_FIRST));
    vb_args_text(&args, claimer->process_id);
    vb_args_number(&args, claimer->lease);
    vb_args_text(&args, vb_pick_value(pick, 0, VB_CANDIDATE_WORKSPACE));
    vb_args_text(&args, token);
    enum vb_status status = vb_args_query(pg, take, &args, &result, err);
    if (status != VB_OK)
        return status;
    if (PQntuples(result) == 0)
        status = VB_AGAIN;
    else if (vb_row_true(result, 0, CLAIM_LAPSED))
        vb_count(VB_COUNT_LEASES_LOST, 1);
    if (status == VB_OK)
        status = read_claim(pg, claimer, result, ret_claim, err);
    PQclear(result);
    return status;
}

/* *ret_spent: so many of the pick's candidates are of no more use. */
static enum vb_status take_pick(struct vb_pg *pg, const struct vb_claimer *claimer,
                                const struct vb_pick *pick, const char *token, size_t *ret_spent,
                                struct vb_claim *ret_claim, struct vb_error *err)
{
    *ret_spent = pick->count;
    if (vb_pick_is_start(pick))
        return vb_job_start(pg, claimer, pick, token, ret_spent, ret_claim, err);
    if (vb_row_true(pick->found->rows, pick->rows[0], VB_CANDIDATE_FITS))
        return take_segment(pg, claimer, pick, token, ret_claim, err);
    enum vb_status status =
        vb_job_restart_stranded(pg, claimer, vb_pick_value(pick, 0, VB_CANDIDATE_JOB), err);
    return status == VB_OK ? VB_AGAIN : status;
}

/* What a claim took whose answer was lost: nobody works on it, and others would wait for the end of
 * its lease. Once its owner has written anything, the token is another. $1: process, $2: token, $3:
 * lease. */
/* clang-format off */
static const char find_taken[] =
    "UPDATE verbatim.segment AS s"
    " SET lease_until = clock_timestamp() + $3::bigint * interval '1 microsecond'"
    " FROM verbatim.job AS j"
    " WHERE s.process_id = $1 AND s.last_write = $2 AND s.status = 'running'"
    " AND j.job_id = s.job_id AND j.status = 'started'"
    " RETURNING false, " CLAIM_LIST;
/* clang-format on */

/* VB_END: nothing was taken, or it is lost again. */
static enum vb_status take_up(struct vb_pg *pg, const struct vb_claimer *claimer, const char *token,
                              struct vb_claim *ret_claim, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    vb_args_text(&args, claimer->process_id);
    vb_args_text(&args, token);
    vb_args_number(&args, claimer->lease);
    enum vb_status status = vb_args_query(pg, find_taken, &args, &result, err);
    if (status != VB_OK)
        return status;
    status = PQntuples(result) > 0 ? read_claim(pg, claimer, result, ret_claim, err) : VB_END;
    PQclear(result);
    return status;
}

/* What is left of a look goes first. VB_AGAIN of a candidate: somebody else had it, or has it. */
static enum vb_status take_any(struct vb_pg *pg, const struct vb_claimer *claimer, bool express,
                               const char *token, struct vb_claim *ret_claim, struct vb_error *err)
{
    bool has_looked = false, has_tried = false;
    /* First, since no other thread of the process tries what this one has picked. */
    enum vb_status connected = vb_pg_connect(pg, err);
    if (connected != VB_OK)
        return connected;
    for (;;) {
        struct vb_pick pick;
        size_t spent = 0;
        enum vb_status status = vb_look_pick(claimer->look, express, has_looked, &pick);
        if (status == VB_OK) {
            status = take_pick(pg, claimer, &pick, token, &spent, ret_claim, err);
            vb_look_done(claimer->look, &pick, status, spent);
            if (status != VB_AGAIN)
                return status;
            has_tried = true;
        } else if (has_looked) {
            return has_tried ? VB_AGAIN : status;
        } else {
            status = vb_look_find(pg, claimer, express, err);
            if (status != VB_OK)
                return status;
            has_looked = true;
            has_tried = false;
        }
    }
}

enum vb_status vb_claim_take(struct vb_pg *pg, const struct vb_claimer *claimer, bool express,
                             struct vb_claim_attempt *taking, struct vb_claim *ret_claim,
                             struct vb_error *err)
{
    enum vb_status status = VB_END;
    if (taking->token[0])
        status = take_up(pg, claimer, taking->token, ret_claim, err);
    if (status == VB_END) {
        vb_uuid_format(vb_uuid_random(), taking->token);
        status = take_any(pg, claimer, express, taking->token, ret_claim, err);
    }
    if (status == VB_OK || status == VB_END || status == VB_AGAIN)
        taking->token[0] = '\0';
    if (status == VB_OK)
        vb_count(VB_COUNT_SEGMENTS_CLAIMED, 1);
    return status;
}

/* When something becomes claimable by time alone, so that idle threads sleep exactly so long. */
static const char next_due[] =
    "SELECT (extract(epoch FROM min("
    "CASE WHEN s.status = 'running' THEN s.lease_until ELSE s.not_before END)"
    " - clock_timestamp()) * 1000000)::bigint"
    " FROM verbatim.job AS j JOIN verbatim.segment AS s USING (job_id)"
    " WHERE j.status = 'started' AND s.status <> 'recorded'"
    " AND NOT (s.after_others AND j.open_segments > 1)"
    " AND s.not_before < 'infinity'";

enum vb_status vb_claim_next_due(struct vb_pg *pg, int64_t *ret_wait, struct vb_error *err)
{
    PGresult *result = NULL;
    struct vb_pg_args none = {0};
    enum vb_status status = vb_args_query(pg, next_due, &none, &result, err);
    if (status != VB_OK)
        return status;
    int64_t wait = vb_row_number(result, 0, 0);
    *ret_wait = vb_row_null(result, 0, 0) ? -1 : wait < 0 ? 0 : wait;
    PQclear(result);
    return VB_OK;
}
