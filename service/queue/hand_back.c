/* Ways in which a claim ends without a record, and segments that have to be done again. */
#include "queue.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <stdio.h>

/* $5: charge an attempt and back off about 1 s, doubled up to 60 s; $6: wait for all others; $7: why;
 * $8: estimate. One statement, so a hand-back on the way out of the process is one round trip. */
static const char give_back[] =
    "WITH given AS (UPDATE verbatim.segment SET status = 'waiting', process_id = NULL,"
    " lease_until = NULL, conversations = 0, messages = 0, bytes = 0,"
    " attempts = attempts + ($5::boolean)::integer, after_others = $6,"
    " last_error = coalesce($7, last_error), estimate = coalesce($8, estimate),"
    " not_before = clock_timestamp() + CASE WHEN $5 THEN interval '1 second'"
    "  * least(60, power(2, least(attempts, 10))) * (0.75 + random() / 2) ELSE interval '0' END"
    " WHERE job_id = $1 AND part_first = $2 AND claim_epoch = $3 AND process_id = $4"
    " AND status = 'running' RETURNING 1) "
    "SELECT pg_notify('" VB_QUEUE_CHANNEL "', '') FROM given";

enum vb_status vb_hand_back(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_claim *claim, enum vb_hand_back how, const char *reason,
                            struct vb_error *err)
{
    struct vb_pg_args args = {0};
    uint64_t rows = 0;
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    vb_args_number(&args, claim->epoch);
    vb_args_text(&args, claimer->process_id);
    vb_args_text(&args, how == VB_BACK_RETRY ? "t" : "f");
    vb_args_text(&args, how == VB_BACK_WAIT ? "t" : "f");
    vb_args_text(&args, how == VB_BACK_RETRY ? reason : NULL);
    if (how == VB_BACK_EXPRESS && claim->estimate > 0)
        vb_args_number(&args, claim->estimate);
    else
        vb_args_text(&args, NULL);
    enum vb_status status = vb_args_exec(pg, give_back, &args, &rows, err);
    if (status == VB_OK && rows == 0)
        return vb_fenced(err);
    if (status == VB_OK && how == VB_BACK_RETRY)
        vb_count(VB_COUNT_SEGMENT_RETRIES, 1);
    return status;
}

/* $3: positions as an array. The closing segment holds the others' checksums and sizes, so it is done
 * again with them: rows may have been edited since. */
static const char reopen[] =
    "UPDATE verbatim.segment SET status = 'waiting', process_id = NULL, lease_until = NULL,"
    " parts = NULL, size = NULL, conversations = 0, messages = 0, bytes = 0,"
    " attempts = attempts + 1, last_error = 'the store does not hold a part as it was recorded',"
    " after_others = part_first = $2, not_before = clock_timestamp()"
    " WHERE job_id = $1 AND (part_first = $2 OR part_first = ANY ($3::integer[]))";

static const char count_again[] =
    "WITH told AS MATERIALIZED (SELECT pg_notify('" VB_QUEUE_CHANNEL "', '')) "
    "UPDATE verbatim.job SET size = NULL, open_segments = (SELECT count(*) FROM verbatim.segment "
    "AS s"
    "  WHERE s.job_id = $1 AND s.status <> 'recorded')"
    " WHERE job_id = $1 AND EXISTS (SELECT FROM told)";

static enum vb_status positions_text(const uint32_t *positions, size_t count, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_byte(out, '{');
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = vb_buffer_printf(out, i ? ",%u" : "%u", positions[i]);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, '}');
    return status;
}

enum vb_status vb_reopen_segments(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  const struct vb_claim *claim, const uint32_t *part_numbers,
                                  size_t count, struct vb_error *err)
{
    struct vb_pg_args args = {0}, job = {0};
    struct vb_buffer list;
    vb_buffer_init(&list, 128u * 1024u);
    enum vb_status status = positions_text(part_numbers, count, &list);
    if (status != VB_OK) {
        vb_buffer_done(&list);
        return vb_fail(err, status, "no memory for a list of segments");
    }
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    vb_args_text(&args, list.data);
    vb_args_text(&job, claim->job.job_id);
    status = vb_fence_begin(pg, claimer, claim, err);
    if (status == VB_OK) {
        status = vb_args_exec(pg, reopen, &args, NULL, err);
        if (status == VB_OK)
            status = vb_args_exec(pg, count_again, &job, NULL, err);
        status = vb_fence_end(pg, status, err);
    }
    vb_buffer_done(&list);
    return status;
}
