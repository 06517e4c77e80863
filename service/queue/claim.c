/* Choosing a segment: candidates in one look without locks, then one of them taken in one
 * statement.
 *
 * What a claim promises. A segment is held by at most one claim: the taking statement locks its
 * row, asks again whether it is claimable, and gives it a claim_epoch that no claim had before,
 * process and lease. From then on every write names epoch and process (fence.c), so whoever held it
 * earlier can change nothing any more, however late it wakes up. Nobody who claims waits for
 * anybody: rows that are locked are passed over, and VB_AGAIN says that there is work, but others
 * have their hands on it.
 *
 * The statements. (1) `look` finds candidates, those first whose workspace has waited longest for
 * its turn. It costs a probe per workspace with queued jobs and per started job, whatever the
 * backlog behind them, and it is only advice: all of it may be untrue a moment later. (2) A started
 * job's candidate is taken by `take`, alone. Workspaces whose job is still to be started go
 * together through start.c, which takes the first whose turn is free, and a job that only a
 * vanished kind of process could go on with through restart.c; after that one the thread looks
 * again. (3) Where somebody was faster, `take` has no
 * row, and the next candidate is tried; 16 of them, so that processes that look at once each find
 * one that is free.
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
 * A change must not break: CLAIMABLE is the same text in the look and in the take; a lease that has
 * run out is counted (lost_leases) where it is taken over, and nowhere else; counts of a segment
 * that has parts are its record's and are left alone.
 */
#include "queue.h"
#include "row.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#define CANDIDATES "16" /* as VB_ROUND_MOST */

/* Without a job it is a workspace that may start one; `fits` says that the archive can be gone on
 * with here: same store, same deflate. */
#define CANDIDATE(FIRST, NEXT)                                                                     \
    FIRST(CANDIDATE_WORKSPACE, "c.workspace_id")                                                   \
    NEXT(CANDIDATE_JOB, "c.job_id")                                                                \
    NEXT(CANDIDATE_PART_FIRST, "c.part_first")                                                     \
    NEXT(CANDIDATE_FITS, "c.fits")                                                                 \
    NEXT(CANDIDATE_HAS_TURN, "t.workspace_id IS NOT NULL")
#define CANDIDATE_LIST VB_COLUMN_LIST(CANDIDATE)
enum { VB_COLUMN_NAMES(CANDIDATE) CANDIDATE_COLUMNS };

/* What makes a segment s of a started job j claimable. An ended job's segments are due at infinity,
 * so a claim that waited for nobody cannot slip in behind the end. */
#define CLAIMABLE                                                                                  \
    "((s.status = 'waiting' AND s.not_before <= clock_timestamp()"                                 \
    "  AND (NOT s.after_others OR j.open_segments = 1))"                                           \
    " OR (s.status = 'running' AND s.lease_until < clock_timestamp()))"

#define OURS JOB_IS_OURS("$1")

/* Parameters: $1 storage, $2 fingerprint, $3 max_running, $4 lease in microseconds, $5 express.
 * `queued` hops from workspace to workspace along the index job_queued. `others`: a process lives
 * that can go on with the archive, so it is not for us to begin it anew. */
/* clang-format off */
static const char look[] =
    "WITH RECURSIVE queued(workspace_id) AS ("
    " (SELECT j.workspace_id"
    "  FROM verbatim.job AS j"
    "  WHERE j.status = 'queued' AND " OURS
    "  ORDER BY j.workspace_id LIMIT 1)"
    " UNION ALL"
    " SELECT (SELECT j.workspace_id"
    "  FROM verbatim.job AS j"
    "  WHERE j.status = 'queued' AND j.workspace_id > q.workspace_id AND " OURS
    "  ORDER BY j.workspace_id LIMIT 1)"
    " FROM queued AS q"
    " WHERE q.workspace_id IS NOT NULL),"
    "started AS MATERIALIZED ("
    " SELECT j.job_id, j.workspace_id, next.part_first,"
    "  (SELECT count(*)"
    "   FROM verbatim.segment AS r"
    "   WHERE r.job_id = j.job_id AND r.status = 'running'"
    "   AND r.lease_until >= clock_timestamp()) AS running,"
    "  " OURS " AS ours,"
    "  j.upload_id IS NULL OR (j.storage = $1 AND j.fingerprint = $2) AS fits,"
    "  EXISTS (SELECT FROM verbatim.process AS p"
    "   WHERE p.storage = j.storage AND p.fingerprint = j.fingerprint"
    "   AND p.beat_at > clock_timestamp() - $4::bigint * interval '1 microsecond') AS others"
    " FROM verbatim.job AS j"
    " LEFT JOIN LATERAL (SELECT s.part_first"
    "  FROM verbatim.segment AS s"
    "  WHERE s.job_id = j.job_id AND " CLAIMABLE
    "  ORDER BY s.part_first LIMIT 1) AS next ON true"
    " WHERE j.status = 'started')"
    "SELECT " CANDIDATE_LIST
    " FROM ("
    " SELECT workspace_id, job_id, part_first, running, fits"
    "  FROM started"
    "  WHERE part_first IS NOT NULL AND ours AND (fits OR NOT others) AND NOT $5"
    " UNION ALL"
    " SELECT w.workspace_id, NULL, NULL, 0, true"
    "  FROM queued JOIN verbatim.workspace AS w USING (workspace_id)"
    "  WHERE (SELECT count(*)"
    "   FROM started"
    "   WHERE started.workspace_id = w.workspace_id) < coalesce(w.max_running, $3)) AS c"
    " LEFT JOIN verbatim.turn AS t USING (workspace_id)"
    " ORDER BY t.last_turn NULLS FIRST, c.running, c.job_id NULLS LAST"
    " LIMIT " CANDIDATES;
/* clang-format on */

/* A small number of candidates: where several processes look at once, each finds one that is
 * free. */
static enum vb_status find_candidates(struct vb_pg *pg, const struct vb_claimer *claimer,
                                      bool express, PGresult **ret_rows, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, claimer->storage);
    vb_args_text(&args, claimer->fingerprint);
    vb_args_number(&args, claimer->max_running);
    vb_args_number(&args, claimer->lease);
    vb_args_text(&args, express ? "t" : "f");
    vb_count(VB_COUNT_QUEUE_POLLS, 1);
    return vb_args_query(pg, look, &args, ret_rows, err);
}

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
    " WHERE s.job_id = $1 AND s.part_first = $2 AND j.status = 'started' AND " CLAIMABLE
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
                                   const PGresult *rows, int row, const char *token,
                                   struct vb_claim *ret_claim, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    vb_args_text(&args, vb_pg_value(rows, row, CANDIDATE_JOB));
    vb_args_text(&args, vb_pg_value(rows, row, CANDIDATE_PART_FIRST));
    vb_args_text(&args, claimer->process_id);
    vb_args_number(&args, claimer->lease);
    vb_args_text(&args, vb_pg_value(rows, row, CANDIDATE_WORKSPACE));
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

static enum vb_status take_candidate(struct vb_pg *pg, const struct vb_claimer *claimer,
                                     const PGresult *rows, int row, const char *token,
                                     struct vb_claim *ret_claim, struct vb_error *err)
{
    if (vb_row_true(rows, row, CANDIDATE_FITS))
        return take_segment(pg, claimer, rows, row, token, ret_claim, err);
    enum vb_status status =
        vb_job_restart_stranded(pg, claimer, vb_pg_value(rows, row, CANDIDATE_JOB), err);
    return status == VB_OK ? VB_AGAIN : status;
}

/* Workspaces one behind the other that may start a job, from *row on; that moves behind them. They
 * go in one statement, which takes the first that is free. */
static enum vb_status start_of(struct vb_pg *pg, const struct vb_claimer *claimer,
                               const PGresult *rows, int *row, const char *token,
                               struct vb_claim *ret_claim, struct vb_error *err)
{
    struct vb_round round = {.count = 0};
    enum vb_status status = VB_OK;
    for (; *row < PQntuples(rows) && vb_row_null(rows, *row, CANDIDATE_JOB); ++*row) {
        const char *workspace_id = vb_pg_value(rows, *row, CANDIDATE_WORKSPACE);
        if (!vb_row_true(rows, *row, CANDIDATE_HAS_TURN))
            status = vb_turn_make(pg, workspace_id, err);
        if (status != VB_OK)
            return status;
        if (round.count < VB_ROUND_MOST)
            round.workspaces[round.count++] = workspace_id;
    }
    return vb_job_start(pg, claimer, &round, token, ret_claim, err);
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

static enum vb_status take_any(struct vb_pg *pg, const struct vb_claimer *claimer, bool express,
                               const char *token, struct vb_claim *ret_claim, struct vb_error *err)
{
    PGresult *rows = NULL;
    enum vb_status status = find_candidates(pg, claimer, express, &rows, err);
    if (status != VB_OK)
        return status;
    int count = PQntuples(rows);
    status = count > 0 ? VB_AGAIN : VB_END;
    for (int row = 0; row < count && status == VB_AGAIN;) {
        if (vb_row_null(rows, row, CANDIDATE_JOB))
            status = start_of(pg, claimer, rows, &row, token, ret_claim, err);
        else
            status = take_candidate(pg, claimer, rows, row++, token, ret_claim, err);
    }
    PQclear(rows);
    return status;
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
