/* Looking for work: candidates in one statement without locks, kept for all threads of the process.
 *
 * The statement finds candidates, those first whose workspace has waited longest for its turn. It
 * costs a probe or few per workspace with queued jobs and per started job, whatever the backlog
 * behind them, and a good part of what a small export costs at all; so what one thread has found
 * and has no use for is kept for the others, and for its own next claim, for as long as turns stay
 * about as they were. Of queued jobs a look brings all that a start needs to know.
 *
 * Who picks. What one thread is starting no other of the process tries: their looks may overlap,
 * and the second would find the workspace's turn held. Other processes cannot be seen. Once they
 * were faster, candidates are picked several at a time, for a statement that takes the first which
 * is free, until that has not happened for a while.
 *
 * A change must not break: VB_CLAIMABLE is the same text in the look and in the take; a look of
 * one's own is picked from whatever its age, or a thread that was kept from running in between
 * would sleep on work.
 */
#include "look.h"

#include "verbatim/clock.h"
#include "verbatim/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Claims of one process move about so many turns in this time as there are in a look. */
#define KEPT (VB_SECOND / 20)
#define CONTENDED VB_SECOND

#define CANDIDATES "16"  /* as VB_CANDIDATES */
#define OF_WORKSPACE "4" /* queued ones among them */

struct vb_look {
    pthread_mutex_t mutex;
    struct vb_found *found; /* NULL: nothing is kept */
    struct vb_pick *picks;  /* that threads are at */
    int64_t contended_until;
};

#define OURS JOB_IS_OURS("$1")

/* Parameters: $1 storage, $2 fingerprint, $3 max_running, $4 lease in microseconds, $5 express.
 * `queued` hops from workspace to workspace along the index job_queued; of each the oldest that it
 * may start. `others`: a process lives that can go on with the archive, so it is not for us to
 * begin it anew. */
/* clang-format off */
static const char look_for[] =
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
    "  WHERE s.job_id = j.job_id AND " VB_CLAIMABLE
    "  ORDER BY s.part_first LIMIT 1) AS next ON true"
    " WHERE j.status = 'started')"
    "SELECT " CANDIDATE_LIST ", " JOB_ROW_LIST
    " FROM ("
    " SELECT f.*, t.last_turn, t.workspace_id IS NOT NULL AS has_turn"
    "  FROM ("
    "  SELECT workspace_id, job_id, part_first, running, fits, 1 AS place"
    "   FROM started"
    "   WHERE part_first IS NOT NULL AND ours AND (fits OR NOT others) AND NOT $5"
    "  UNION ALL"
    "  SELECT w.workspace_id, q.job_id, NULL, 0, true, q.place"
    "   FROM queued JOIN verbatim.workspace AS w USING (workspace_id)"
    "   CROSS JOIN LATERAL (SELECT j.job_id,"
    "    row_number() OVER (ORDER BY j.created_at, j.job_id) AS place"
    "    FROM verbatim.job AS j"
    "    WHERE j.workspace_id = w.workspace_id AND j.status = 'queued' AND " OURS
    "    ORDER BY j.created_at, j.job_id"
    "    LIMIT least(" OF_WORKSPACE ", greatest(0, coalesce(w.max_running, $3) - (SELECT count(*)"
    "     FROM started"
    "     WHERE started.workspace_id = w.workspace_id)))) AS q) AS f"
    "  LEFT JOIN verbatim.turn AS t USING (workspace_id)"
    "  ORDER BY f.place, t.last_turn NULLS FIRST, f.running, f.part_first NULLS LAST"
    "  LIMIT " CANDIDATES ") AS c"
    " LEFT JOIN verbatim.job AS j ON j.job_id = c.job_id AND c.part_first IS NULL"
    " ORDER BY c.place, c.last_turn NULLS FIRST, c.running, c.part_first NULLS LAST";
/* clang-format on */

enum vb_status vb_look_new(struct vb_look **ret_look, struct vb_error *err)
{
    struct vb_look *look = calloc(1, sizeof *look);
    if (!look)
        return vb_fail(err, VB_NO_MEMORY, "no memory for looks at the queue");
    pthread_mutex_init(&look->mutex, NULL); /* cannot fail without attributes */
    *ret_look = look;
    return VB_OK;
}

static void found_free(struct vb_found *found)
{
    if (found)
        PQclear(found->rows);
    free(found);
}

void vb_look_free(struct vb_look *look)
{
    if (!look)
        return;
    found_free(look->found);
    pthread_mutex_destroy(&look->mutex);
    free(look);
}

static bool is_fresh(const struct vb_found *found)
{
    return found && vb_clock_monotonic() - found->seen_at < KEPT;
}

/* With the mutex held: whoever reads the old rows yet frees them behind the last pick. */
static void keep(struct vb_look *look, struct vb_found *found)
{
    if (look->found && look->found->picks == 0)
        found_free(look->found);
    look->found = found;
}

static enum vb_status found_new(PGresult *rows, bool express, struct vb_found **ret_found,
                                struct vb_error *err)
{
    struct vb_found *found = NULL;
    if (PQntuples(rows) == 0) {
        PQclear(rows);
        *ret_found = NULL;
        return VB_OK;
    }
    found = calloc(1, sizeof *found);
    if (!found) {
        PQclear(rows);
        return vb_fail(err, VB_NO_MEMORY, "no memory for what a look has found");
    }
    *found =
        (struct vb_found){.rows = rows, .seen_at = vb_clock_monotonic(), .is_express = express};
    *ret_found = found;
    return VB_OK;
}

enum vb_status vb_look_find(struct vb_pg *pg, const struct vb_claimer *claimer, bool express,
                            struct vb_error *err)
{
    struct vb_look *look = claimer->look;
    struct vb_pg_args args = {0};
    PGresult *rows = NULL;
    struct vb_found *found = NULL;
    vb_args_text(&args, claimer->storage);
    vb_args_text(&args, claimer->fingerprint);
    vb_args_number(&args, claimer->max_running);
    vb_args_number(&args, claimer->lease);
    vb_args_text(&args, express ? "t" : "f");
    vb_count(VB_COUNT_QUEUE_POLLS, 1);
    enum vb_status status = vb_args_query(pg, look_for, &args, &rows, err);
    if (status == VB_OK)
        status = found_new(rows, express, &found, err);
    if (status != VB_OK)
        return status;
    pthread_mutex_lock(&look->mutex);
    if (!express || found)
        keep(look, found);
    pthread_mutex_unlock(&look->mutex);
    return found ? VB_OK : VB_END;
}

const char *vb_pick_value(const struct vb_pick *pick, size_t index, int column)
{
    return vb_pg_value(pick->found->rows, pick->rows[index], column);
}

bool vb_pick_is_start(const struct vb_pick *pick)
{
    return vb_pick_value(pick, 0, VB_CANDIDATE_PART_FIRST) == NULL;
}

/* Whether the pick starts a job of the workspace. */
static bool is_at(const struct vb_pick *pick, const char *workspace_id)
{
    for (size_t i = 0; i < pick->count; i++)
        if (strcmp(vb_pick_value(pick, i, VB_CANDIDATE_WORKSPACE), workspace_id) == 0)
            return vb_pick_is_start(pick);
    return false;
}

static bool is_at_any(const struct vb_pick *picks, const char *workspace_id)
{
    while (picks && !is_at(picks, workspace_id))
        picks = picks->next;
    return picks != NULL;
}

/* With the mutex held. False: another thread has taken such, or is starting one, and there may be
 * more behind it than the look has told. */
static bool fill_pick(struct vb_look *look, bool express, size_t most, struct vb_pick *pick)
{
    struct vb_found *found = look->found;
    int count = PQntuples(found->rows);
    bool is_free = true;
    pick->found = found;
    for (int row = 0; row < count && pick->count < most; row++) {
        bool is_start = vb_row_null(found->rows, row, VB_CANDIDATE_PART_FIRST);
        const char *workspace_id = vb_pg_value(found->rows, row, VB_CANDIDATE_WORKSPACE);
        if (!is_start && (express || pick->count > 0))
            continue;
        if (found->gone[row] || (is_start && most == 1 && is_at_any(look->picks, workspace_id))) {
            is_free = false;
            continue;
        }
        if (is_at(pick, workspace_id))
            continue;
        found->gone[row] = true;
        pick->rows[pick->count++] = row;
        if (!is_start)
            break;
    }
    return is_free;
}

enum vb_status vb_look_pick(struct vb_look *look, bool express, bool any_age,
                            struct vb_pick *ret_pick)
{
    enum vb_status status = VB_END;
    int64_t now = vb_clock_monotonic();
    *ret_pick = (struct vb_pick){.count = 0};
    pthread_mutex_lock(&look->mutex);
    if (look->found && (any_age || is_fresh(look->found))) {
        size_t most = now < look->contended_until ? VB_PICK_MOST : 1;
        bool is_free = fill_pick(look, express, most, ret_pick);
        /* What the own look told of segments may have gone by the express thread's. */
        is_free = is_free && (express || !look->found->is_express);
        status = is_free ? VB_END : VB_AGAIN;
    }
    if (ret_pick->count > 0) {
        ret_pick->found->picks++;
        ret_pick->next = look->picks;
        look->picks = ret_pick;
        status = VB_OK;
    }
    pthread_mutex_unlock(&look->mutex);
    return status;
}

void vb_look_done(struct vb_look *look, struct vb_pick *pick, enum vb_status status, size_t spent)
{
    struct vb_found *found = pick->found;
    pthread_mutex_lock(&look->mutex);
    bool is_refused = (status == VB_OK && spent > 1) || (status == VB_AGAIN && spent > 0);
    if (is_refused && vb_pick_is_start(pick))
        look->contended_until = vb_clock_monotonic() + CONTENDED;
    struct vb_pick **at = &look->picks;
    while (*at != pick)
        at = &(*at)->next;
    *at = pick->next;
    for (size_t i = spent; i < pick->count; i++)
        found->gone[pick->rows[i]] = false;
    if (--found->picks == 0 && found != look->found)
        found_free(found);
    pthread_mutex_unlock(&look->mutex);
}
