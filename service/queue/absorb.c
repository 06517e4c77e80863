/* Taking over the successor: its end and its part numbers, whatever state it is in.
 *
 * Why there is such a thing. S3 takes no part below 5 MiB but the last, and a part needs a number.
 * A segment that turned out smaller than that, or that has used its numbers up, cannot be recorded
 * by itself, so it reads on into the next stretch as if there had never been a border.
 *
 * What it promises. After VB_OK the claim reaches to the successor's end and may use its numbers;
 * the successor's row and its pieces are gone. VB_END: there is none, and nothing was changed.
 *
 * The statements, behind the fence. (1) `lock_next` finds the segment with the next position and
 * locks it. (2) `drop_directory` and (3) `drop_next` take away what it left and its row. (4)
 * `count_open` counts it out of the job unless it was recorded, for then it was counted out before.
 * (5) `extend` gives its end and numbers to ours.
 *
 * Somebody else in between. A waiting successor cannot be claimed once it is locked, and is gone
 * after that. A running one's owner is not asked: its next fenced write finds no row (and before
 * its first part there is one), and its next beat, which is called for at once where it may be
 * sending, marks the lease lost, so it drops its work. A recorded one's work is done again; that
 * costs time, not bytes. If that owner is inside a fenced transaction of its own, it holds the job,
 * and we wait for it there; since both lock the job before a segment, neither waits for the other's
 * segment.
 *
 * Parts that the successor has sent. Ceph RGW completes no upload with a part that is not named,
 * and Swift keeps such a part for ever, out of reach. So where it has noted that it sends (note.c),
 * ours begin with its first number: our bytes from there on are its bytes and more, so each of its
 * numbers is written over and named. That is kept in the row, since whoever does ours again has to
 * number alike. Where ours have numbers already it cannot be done; then the job is marked, and the
 * parts are compared before they are joined (close.c). A late part of an owner that has not heard
 * yet may replace ours; the store's completion finds that, and the segment is done again.
 *
 * Lost answers are the fence's. A repeat that did not know of the first would swallow one segment
 * more: a file of several conversations would become too long. The token in our row, which stays,
 * tells.
 *
 * A change must not break: what is found here (`struct successor`) counts only after VB_OK; the
 * reader is told of the new end before it reads on (vb_line_follow); only the next segment by
 * position is absorbed, never one behind it.
 */
#include "queue.h"
#include "row.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <stdio.h>

#define NEXT_ROW(FIRST, NEXT)                                                                      \
    FIRST(NEXT_PART_FIRST, "s.part_first")                                                         \
    NEXT(NEXT_PART_LAST, "s.part_last")                                                            \
    NEXT(NEXT_NUMBER_FIRST, "coalesce(s.number_first, s.part_first)")                              \
    NEXT(NEXT_SENT, "s.sent")                                                                      \
    NEXT(NEXT_HIGH_AT, ROW_MICROSECONDS("s.high_at"))                                              \
    NEXT(NEXT_HIGH_ID, "s.high_id")                                                                \
    NEXT(NEXT_RECORDED, "s.status = 'recorded'")                                                   \
    NEXT(NEXT_RUNNING, "s.status = 'running'")                                                     \
    NEXT(NEXT_EXPECTED, "s.expected")
#define NEXT_ROW_LIST VB_COLUMN_LIST(NEXT_ROW)
enum { VB_COLUMN_NAMES(NEXT_ROW) NEXT_COLUMNS };

/* The set of a job's segments changes only under the job's lock, which the fence holds. */
/* clang-format off */
static const char lock_next[] =
    "SELECT " NEXT_ROW_LIST " FROM verbatim.segment AS s"
    " WHERE s.job_id = $1 AND s.part_first > $2"
    " ORDER BY s.part_first LIMIT 1"
    " FOR UPDATE";
/* clang-format on */

static const char drop_directory[] =
    "DELETE FROM verbatim.segment_directory WHERE job_id = $1 AND part_first = $2";
static const char drop_next[] =
    "DELETE FROM verbatim.segment WHERE job_id = $1 AND part_first = $2";
/* $2: 1, or 0 where the successor was recorded. */
static const char count_open[] =
    "UPDATE verbatim.job SET open_segments = open_segments - $2 WHERE job_id = $1";
/* The keepers beat at once, so that an owner who is sending stops. */
static const char tell_owner[] = "SELECT pg_notify('" VB_QUEUE_CHANNEL "', $1)";
/* $1: job, $2: our position, $3: the successor's last number, $4 $5: its end, $6: conversations
 * thought to be in it, $7: the number that ours begin with from here on. */
/* clang-format off */
static const char extend[] =
    "UPDATE verbatim.segment"
    " SET part_last = $3, high_at = " VB_SQL_INSTANT("$4") ", high_id = $5,"
    " expected = expected + $6, number_first = $7"
    " WHERE job_id = $1 AND part_first = $2";
/* clang-format on */

/* Some of the upload's parts may be named by nobody at its end. */
static const char note_loose[] =
    "UPDATE verbatim.job SET loose_parts = true WHERE job_id = $1 AND NOT loose_parts";

struct successor {
    uint32_t first, last, number_first;
    struct vb_cursor high;
    bool has_high, recorded, running;
    bool sent; /* parts of it may lie in the store */
    int64_t expected;
};

struct absorb {
    struct successor next;
    bool sent;             /* parts of ours have their numbers */
    uint32_t number_first; /* of ours, from here on */
};

static enum vb_status find_next(struct vb_pg *pg, const struct vb_claim *claim,
                                struct successor *ret_next, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    enum vb_status status = vb_args_query(pg, lock_next, &args, &result, err);
    if (status != VB_OK)
        return status;
    if (PQntuples(result) == 0) {
        PQclear(result);
        return VB_END;
    }
    struct successor next = {.first = (uint32_t)vb_row_number(result, 0, NEXT_PART_FIRST),
                             .last = (uint32_t)vb_row_number(result, 0, NEXT_PART_LAST),
                             .number_first = (uint32_t)vb_row_number(result, 0, NEXT_NUMBER_FIRST),
                             .sent = vb_row_true(result, 0, NEXT_SENT),
                             .has_high = !vb_row_null(result, 0, NEXT_HIGH_ID),
                             .recorded = vb_row_true(result, 0, NEXT_RECORDED),
                             .running = vb_row_true(result, 0, NEXT_RUNNING),
                             .expected = vb_row_number(result, 0, NEXT_EXPECTED)};
    next.high.at = vb_row_number(result, 0, NEXT_HIGH_AT);
    if (next.has_high)
        vb_cursor_read(vb_pg_value(result, 0, NEXT_HIGH_ID), &next.high);
    PQclear(result);
    *ret_next = next;
    return VB_OK;
}

static enum vb_status drop_successor(struct vb_pg *pg, const struct vb_claim *claim,
                                     const struct successor *next, struct vb_error *err)
{
    struct vb_pg_args key = {0}, open = {0};
    vb_args_text(&key, claim->job.job_id);
    vb_args_number(&key, next->first);
    vb_args_text(&open, claim->job.job_id);
    vb_args_number(&open, next->recorded ? 0 : 1);
    enum vb_status status = vb_args_exec(pg, drop_directory, &key, NULL, err);
    if (status == VB_OK)
        status = vb_args_exec(pg, drop_next, &key, NULL, err);
    if (status == VB_OK)
        status = vb_args_exec(pg, count_open, &open, NULL, err);
    return status;
}

static enum vb_status drop_successor_of(struct vb_pg *pg, const struct vb_claim *claim,
                                        const struct absorb *absorb, struct vb_error *err)
{
    struct vb_pg_args job = {0};
    enum vb_status status = drop_successor(pg, claim, &absorb->next, err);
    vb_args_text(&job, claim->job.job_id);
    if (status == VB_OK && absorb->next.sent && absorb->sent)
        status = vb_args_exec(pg, note_loose, &job, NULL, err);
    if (status == VB_OK && absorb->next.sent && absorb->next.running)
        status = vb_args_exec(pg, tell_owner, &job, NULL, err);
    return status;
}

static enum vb_status absorb_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                  struct vb_error *err)
{
    struct absorb *absorb = context;
    const struct successor *next = &absorb->next;
    struct vb_pg_args args = {0};
    enum vb_status status = find_next(pg, write->claim, &absorb->next, err);
    if (status == VB_OK)
        status = drop_successor_of(pg, write->claim, absorb, err);
    if (status != VB_OK)
        return status;
    absorb->number_first =
        next->sent && !absorb->sent ? next->number_first : write->claim->number_first;
    vb_args_text(&args, write->claim->job.job_id);
    vb_args_number(&args, write->claim->part_first);
    vb_args_number(&args, next->last);
    vb_args_cursor(&args, next->has_high, &next->high);
    vb_args_number(&args, next->expected);
    vb_args_number(&args, absorb->number_first);
    return vb_args_exec(pg, extend, &args, NULL, err);
}

enum vb_status vb_segment_absorb(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 struct vb_claim *claim, bool sent, struct vb_error *err)
{
    struct absorb absorb = {.sent = sent};
    const struct successor *next = &absorb.next;
    enum vb_status status = vb_fence_run(pg, claimer, claim, absorb_step, &absorb, err);
    if (status != VB_OK)
        return status;
    vb_info("parts %u-%u absorb their successor's, to %u%s", claim->part_first, claim->part_last,
            next->last, next->recorded ? " (recorded already)" : "");
    claim->number_first = absorb.number_first;
    claim->part_last = next->last;
    claim->stretch.has_high = next->has_high;
    claim->stretch.high = next->high;
    if (claim->expected >= 0)
        claim->expected += next->expected;
    vb_count(VB_COUNT_SEGMENTS_ABSORBED, 1);
    return VB_OK;
}
