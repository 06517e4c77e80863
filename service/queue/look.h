/* What a look for work has found: candidates, kept for a moment for all threads of the process.
 *
 * Private to the room, but for making and freeing (claim.h). A struct vb_look outlives the threads
 * that pick from it, which any of them may do; a pick is its thread's, from vb_look_pick to
 * vb_look_done, and reads the rows that it keeps alive. Candidates are advice without a lock: what
 * is made of one asks again.
 */
#ifndef VERBATIM_QUEUE_LOOK_H
#define VERBATIM_QUEUE_LOOK_H

#include "queue.h"
#include "row.h"

#define VB_CANDIDATES 16u /* of a look */
#define VB_PICK_MOST 4u   /* of a pick */

/* Without a part it is a queued job, and what JOB_ROW_LIST says of it stands behind; `fits`: the
 * archive can be gone on with here: same store, same deflate. */
#define CANDIDATE(FIRST, NEXT)                                                                     \
    FIRST(VB_CANDIDATE_WORKSPACE, "c.workspace_id")                                                \
    NEXT(VB_CANDIDATE_JOB, "c.job_id")                                                             \
    NEXT(VB_CANDIDATE_PART_FIRST, "c.part_first")                                                  \
    NEXT(VB_CANDIDATE_FITS, "c.fits")                                                              \
    NEXT(VB_CANDIDATE_HAS_TURN, "c.has_turn")
#define CANDIDATE_LIST VB_COLUMN_LIST(CANDIDATE)
enum { VB_COLUMN_NAMES(CANDIDATE) VB_CANDIDATE_QUEUED };

/* What makes a segment s of a started job j claimable. An ended job's segments are due at infinity,
 * so a claim that waited for nobody cannot slip in behind the end. */
#define VB_CLAIMABLE                                                                               \
    "((s.status = 'waiting' AND s.not_before <= clock_timestamp()"                                 \
    "  AND (NOT s.after_others OR j.open_segments = 1))"                                           \
    " OR (s.status = 'running' AND s.lease_until < clock_timestamp()))"

/* The rows of a look. */
struct vb_found {
    PGresult *rows;
    int64_t seen_at; /* monotonic */
    bool is_express; /* without segments of started jobs */
    unsigned picks;  /* that read them; guarded by the look's mutex, as is `gone` */
    bool gone[VB_CANDIDATES];
};

/* One segment, or jobs to be started, of a workspace each. */
struct vb_pick {
    struct vb_found *found;
    int rows[VB_PICK_MOST];
    size_t count;
    struct vb_pick *next; /* of the look's */
};

/* NULL for SQL NULL; lives as long as the pick. */
const char *vb_pick_value(const struct vb_pick *pick, size_t index, int column);
bool vb_pick_is_start(const struct vb_pick *pick);

/* VB_END: nothing is kept, or not from just now unless `any_age`. VB_AGAIN: only such as another
 * thread has taken or is starting. `express`: jobs to be started only. */
enum vb_status vb_look_pick(struct vb_look *look, bool express, bool any_age,
                            struct vb_pick *ret_pick);
/* What became of it: the first `spent` candidates are gone, the others are there again. VB_OK: the
 * last of the spent ones was taken; VB_AGAIN: none. */
void vb_look_done(struct vb_look *look, struct vb_pick *pick, enum vb_status status, size_t spent);
/* Looks, and keeps what there is in place of what was; the express thread's look tells less, and
 * where it has found nothing what was stays. VB_END: there is nothing. */
enum vb_status vb_look_find(struct vb_pg *pg, const struct vb_claimer *claimer, bool express,
                            struct vb_error *err) vb_must_check;

/* start.c: starts the first of the pick's jobs that is queued yet and whose workspace's turn nobody
 * holds. VB_AGAIN: none of them. *ret_spent as of vb_look_done. `token`: the claim's. */
enum vb_status vb_job_start(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_pick *pick, const char *token, size_t *ret_spent,
                            struct vb_claim *ret_claim, struct vb_error *err) vb_must_check;

#endif
