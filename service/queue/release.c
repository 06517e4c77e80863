/* Releasing a claim without a record, among others for a retry after a back-off, and segments that
 * have to be done again.
 *
 * What is handed back is a waiting segment as it was claimed, with its borders as they are now. Its
 * parts in the store stay: unless they are recorded, whoever claims it sends them anew under the
 * same numbers. Only failures are charged (attempts); a stop, a wait and the express thread's
 * refusal are not. A release that cannot be written is no loss, since the lease runs out; one that
 * comes too late is fenced.
 */
#include "queue.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <stdio.h>

/* The counts of a closing segment whose parts are recorded already belong to its record: whoever
 * claims it next only completes. $3: charge an attempt and back off about 1 s, doubled up to 60 s;
 * $4: wait for all others; $5: why; $6: estimate; $7: the source did not answer. */
static const char give_back[] =
    "WITH given AS ("
    "UPDATE verbatim.segment"
    " SET status = 'waiting', process_id = NULL, lease_until = NULL,"
    " conversations = CASE WHEN parts IS NULL THEN 0 ELSE conversations END,"
    " messages = CASE WHEN parts IS NULL THEN 0 ELSE messages END, bytes = 0,"
    " attempts = attempts + ($3::boolean)::integer, after_others = $4,"
    " last_error = coalesce($5, last_error), estimate = coalesce($6, estimate),"
    " source_away = $7,"
    " not_before = clock_timestamp() + CASE WHEN $3"
    "  THEN interval '1 second'"
    "  * least(60, power(2, least(attempts, 10))) * (0.75 + random() / 2)"
    "  ELSE interval '0' END"
    " WHERE job_id = $1 AND part_first = $2"
    " RETURNING 1) "
    "SELECT pg_notify('" VB_QUEUE_CHANNEL "', '') FROM given";

struct giving {
    enum vb_segment_release how;
    const char *reason;
};

static bool is_charged(enum vb_segment_release how)
{
    return how == VB_RELEASE_RETRY || how == VB_RELEASE_SOURCE;
}

static enum vb_status give_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                struct vb_error *err)
{
    const struct giving *giving = context;
    const struct vb_claim *claim = write->claim;
    struct vb_pg_args args = {0};
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    vb_args_text(&args, is_charged(giving->how) ? "t" : "f");
    vb_args_text(&args, giving->how == VB_RELEASE_WAIT ? "t" : "f");
    vb_args_text(&args, is_charged(giving->how) ? giving->reason : NULL);
    if (giving->how == VB_RELEASE_EXPRESS && claim->estimate > 0)
        vb_args_number(&args, claim->estimate);
    else
        vb_args_text(&args, NULL);
    vb_args_text(&args, giving->how == VB_RELEASE_SOURCE ? "t" : "f");
    return vb_args_exec(pg, give_back, &args, NULL, err);
}

enum vb_status vb_segment_release(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  const struct vb_claim *claim, enum vb_segment_release how,
                                  const char *reason, struct vb_error *err)
{
    struct giving giving = {how, reason};
    enum vb_status status = vb_fence_run(pg, claimer, claim, give_step, &giving, err);
    if (status == VB_OK && is_charged(how))
        vb_count(VB_COUNT_SEGMENT_RETRIES, 1);
    return status;
}

/* $3: positions as an array. The closing segment holds the others' checksums and sizes, so it is
 * done again with them: rows may have been edited since. */
static const char reopen[] =
    "UPDATE verbatim.segment"
    " SET status = 'waiting', process_id = NULL, lease_until = NULL,"
    " parts = NULL, size = NULL, conversations = 0, messages = 0, bytes = 0,"
    " attempts = attempts + 1, last_error = 'the store does not hold a part as it was recorded',"
    " after_others = part_first = $2, not_before = clock_timestamp()"
    " WHERE job_id = $1 AND (part_first = $2 OR part_first = ANY ($3::integer[]))";

/* Counted, not added up: a segment may be named that was open already. The job is closing no
 * more. */
static const char count_again[] =
    "WITH told AS MATERIALIZED (SELECT pg_notify('" VB_QUEUE_CHANNEL "', '')) "
    "UPDATE verbatim.job"
    " SET size = NULL, open_segments = (SELECT count(*)"
    "  FROM verbatim.segment AS s"
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

/* `context`: the positions' text. */
static enum vb_status reopen_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                  struct vb_error *err)
{
    struct vb_pg_args args = {0}, job = {0};
    vb_args_text(&args, write->claim->job.job_id);
    vb_args_number(&args, write->claim->part_first);
    vb_args_text(&args, context);
    vb_args_text(&job, write->claim->job.job_id);
    enum vb_status status = vb_args_exec(pg, reopen, &args, NULL, err);
    return status == VB_OK ? vb_args_exec(pg, count_again, &job, NULL, err) : status;
}

enum vb_status vb_segment_reopen(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 const struct vb_claim *claim, const uint32_t *part_numbers,
                                 size_t count, struct vb_error *err)
{
    struct vb_buffer list;
    vb_buffer_init(&list, 128u * 1024u);
    enum vb_status status = positions_text(part_numbers, count, &list);
    if (status == VB_OK)
        status = vb_fence_run(pg, claimer, claim, reopen_step, list.data, err);
    else
        vb_fail(err, status, "no memory for a list of segments");
    vb_buffer_done(&list);
    return status;
}
