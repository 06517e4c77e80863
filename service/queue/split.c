/* The rest of a segment becomes a segment of its own, waiting for the next thread.
 *
 * What it promises. The claim keeps its front: the conversations up to the cursor, and the first
 * `numbers` of its part numbers. What lies behind the cursor, with the remaining numbers and the
 * old end, is a waiting segment. Both stretches together are the old one, without a gap or an
 * overlap, whenever somebody looks: rows of the same transaction say so, or none does.
 *
 * The statements, behind the fence. (1) `insert_rest` copies the end from the front's row. (2)
 * `shrink_front` takes that end away from the front. (3) `count_open` counts the new segment in the
 * job, with the total of conversations where it was just counted, and tells the threads. In this
 * order, since the rest reads what the front is about to lose. The notification goes out with the
 * COMMIT, so who hears it finds the row.
 *
 * Lost answers are the fence's: whether the split was carried out is told by the token in the
 * front, and no split is done twice: a second one would find the position of its rest taken, and
 * fail the job for good. The claim's own struct follows only after VB_OK, so a claim whose split
 * failed is the whole segment still, and may be handed back as it was.
 *
 * Somebody else in between. The job's lock keeps away other splits and absorbs of the job; a
 * neighbour that absorbed us has deleted our row, which the fence finds. The rest is claimable from
 * the COMMIT on, often before this function returns: upload and part size must stand on the job by
 * then (work/cut.c notes them first), or another process would begin an archive of its own.
 *
 * A change must not break: part numbers of a job's segments never overlap and rise with the
 * stretches; both sides keep at least one; open_segments is the number of segments that are not
 * recorded; only an owner shrinks its own segment, so a reader under way never meets an end that
 * another thread has moved.
 */
#include "queue.h"
#include "row.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

/* Both: $1 job, $2 position of the front, $3 $4 cursor, $5 the front's last number, $6 estimate, $7
 * conversations; $8 only of the rest: conversations before it. The rest takes the old end over
 * before the front loses it. */
/* clang-format off */
static const char insert_rest[] =
    "INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id, low_at, low_id,"
    " high_at, high_id, estimate, expected, first_conversation)"
    " SELECT job_id, $5::integer + 1, part_last, workspace_id, " VB_SQL_INSTANT("$3") ", $4,"
    " high_at, high_id, $6, $7, $8"
    " FROM verbatim.segment"
    " WHERE job_id = $1 AND part_first = $2";

static const char shrink_front[] =
    "UPDATE verbatim.segment"
    " SET high_at = " VB_SQL_INSTANT("$3") ", high_id = $4,"
    " part_last = $5, estimate = $6, expected = $7"
    " WHERE job_id = $1 AND part_first = $2";
/* clang-format on */

/* $1: job, $2: conversations of the whole job, NULL where they are not known. */
static const char count_open[] =
    "WITH told AS MATERIALIZED (SELECT pg_notify('" VB_QUEUE_CHANNEL "', '')) "
    "UPDATE verbatim.job SET open_segments = open_segments + 1,"
    " conversations_total = coalesce($2::bigint, conversations_total)"
    " WHERE job_id = $1 AND EXISTS (SELECT FROM told)";

static void number_or_null(struct vb_pg_args *args, int64_t number)
{
    if (number >= 0)
        vb_args_number(args, number);
    else
        vb_args_text(args, NULL);
}

static enum vb_status run_half(struct vb_pg *pg, const char *sql, const struct vb_claim *claim,
                               const struct vb_split *split, bool is_rest, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    vb_args_cursor(&args, true, &split->cursor);
    vb_args_number(&args, (int64_t)claim->number_first + split->numbers - 1);
    vb_args_number(&args, split->estimate);
    number_or_null(&args, is_rest ? split->rest : split->front);
    if (is_rest)
        number_or_null(&args, split->rest_begins);
    return vb_args_exec(pg, sql, &args, NULL, err);
}

static enum vb_status split_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                 struct vb_error *err)
{
    const struct vb_split *split = context;
    struct vb_pg_args args = {0};
    vb_args_text(&args, write->claim->job.job_id);
    number_or_null(&args, split->total);
    enum vb_status status = run_half(pg, insert_rest, write->claim, split, true, err);
    if (status == VB_OK)
        status = run_half(pg, shrink_front, write->claim, split, false, err);
    if (status == VB_OK)
        status = vb_args_exec(pg, count_open, &args, NULL, err);
    return status;
}

enum vb_status vb_segment_split(struct vb_pg *pg, const struct vb_claimer *claimer,
                                struct vb_claim *claim, const struct vb_split *split,
                                struct vb_error *err)
{
    struct vb_split cut = *split;
    if (cut.numbers == 0 || cut.numbers > claim->part_last - claim->number_first)
        return vb_fail(err, VB_INVALID, "a split must leave part numbers on both sides");
    enum vb_status status = vb_fence_run(pg, claimer, claim, split_step, &cut, err);
    if (status != VB_OK)
        return status;
    claim->part_last = claim->number_first + cut.numbers - 1;
    claim->stretch.high = cut.cursor;
    claim->stretch.has_high = true;
    claim->estimate = cut.estimate;
    claim->expected = cut.front;
    vb_count(VB_COUNT_SEGMENTS_SPLIT, 1);
    return VB_OK;
}
