/* The end of a job: finished with its mail noted, or failed; in either case with a trail for the
 * janitor.
 *
 * Both are one fenced transaction each, so a job is never finished without its totals, its mail and
 * its trail, and a reader of the row sees all of it or nothing. The claim's own segment is recorded
 * within; after a failure no segment is due any more. The finish of an archive that was stored in
 * one piece is one round trip (fence.c). Who cancels a job does not come through here: that is the
 * schema's, under the same job's lock.
 */
#include "audit.h"
#include "queue.h"
#include "transition.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <stdio.h>

/* All that finishes a job, in one statement and so one write of its row. The sum is that of the
 * other segments and of what `own` leaves of the claim's. The audit's row and the mail ride along;
 * one mail a job: the unique key makes a second row impossible. Returns the job's age and its rows
 * left out. $1: job, $2: size, $3: CRC-32 or NULL, $4: file name, $5: content type, $6: the
 * object's version in the store or NULL, $7: position. */
/* clang-format off */
#define FINISH(held, own, fence) \
    "WITH " held "own AS (UPDATE verbatim.segment AS s SET " own \
    " status = 'recorded', process_id = NULL, lease_until = NULL" \
    fence " AND s.part_first = $7" \
    " RETURNING s.conversations, s.messages, s.media, s.media_failed, s.bad_rows)," \
    " total AS (" \
    "UPDATE verbatim.job AS j" \
    " SET size = $2, crc32 = $3, file_name = $4, content_type = $5, object_version = $6," \
    " open_segments = 0, conversations = s.conversations, messages = s.messages," \
    " media = s.media, media_failed = s.media_failed, bad_rows = s.bad_rows," \
    " incomplete = CASE WHEN s.bad_rows = 0 THEN j.incomplete ELSE" \
    "  concat_ws(' ', j.incomplete, CASE s.bad_rows" \
    "  WHEN 1 THEN '1 row of the platform could not be read and was left out:'" \
    "  ELSE s.bad_rows || ' rows of the platform could not be read and were left out:' END," \
    "  'errors.csv in the archive lists them.') END, " VB_EDGE_FINISHED \
    " FROM own, " VB_EDGE_CLOCK ", LATERAL (" \
    "SELECT own.conversations + coalesce(sum(o.conversations), 0) AS conversations," \
    "  own.messages + coalesce(sum(o.messages), 0) AS messages," \
    "  own.media + coalesce(sum(o.media), 0) AS media," \
    "  own.media_failed + coalesce(sum(o.media_failed), 0) AS media_failed," \
    "  own.bad_rows + coalesce(sum(o.bad_rows), 0)::bigint AS bad_rows" \
    "  FROM verbatim.segment AS o" \
    "  WHERE o.job_id = $1 AND o.part_first <> $7) AS s" \
    " WHERE j.job_id = $1" \
    " RETURNING j.job_id, j.workspace_id, j.conversations, j.created_at, j.bad_rows," \
    "  j.notification_email)," \
    " noted AS (" VB_AUDIT_RECORDS("total") ")," \
    " mail AS (" \
    "INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient)" \
    " SELECT workspace_id, job_id, 'mail', notification_email" \
    " FROM total" \
    " WHERE notification_email IS NOT NULL" \
    " ON CONFLICT DO NOTHING)" \
    " SELECT (extract(epoch FROM clock_timestamp() - created_at) * 1000000)::bigint," \
    " bad_rows, " \
    VB_EDGE_TELL " FROM total"
/* clang-format on */
#define BEHIND_FENCE " WHERE s.job_id = $1"
/* $8: parts, $9 to $11: size and counts, $12 to $14: media, $15: rows left out. */
#define RESULT                                                                                     \
    "parts = $8, size = $9, conversations = $10, messages = $11, media = $12,"                     \
    " media_failed = $13, media_bytes = $14, bad_rows = $15,"
static const char finish_with[] = FINISH("", RESULT, BEHIND_FENCE);
/* The closing segment was recorded before. */
static const char finish_recorded[] = FINISH("", "", BEHIND_FENCE);
/* With the fence in itself, by the segment's key and no other index. $16: epoch, $17: process,
 * $18: token. */
static const char finish_alone[] =
    FINISH(VB_FENCE_HELD ", ", RESULT " last_write = $18,",
           " FROM held WHERE s.job_id = $1 AND s.job_id = held.job_id AND s.claim_epoch = $16"
           " AND (s.process_id = $17) IS TRUE AND CASE s.status WHEN 'running' THEN true END");

static const char drop_directories[] = "DELETE FROM verbatim.segment_directory WHERE job_id = $1";

/* One row for the janitor, who looks at key and upload until both are as they should be. $2: the
 * object itself is to stay; $3: our epoch. */
static const char leave_trail[] =
    "INSERT INTO verbatim.cleanup"
    " (workspace_id, job_id, storage, object_key, upload_id, keep_object, holders, not_before)"
    " SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), $2,"
    " " VB_CLEANUP_HOLDERS("$3") " FROM verbatim.job"
                                 " WHERE job_id = $1 AND object_key IS NOT NULL";

/* Due at infinity: no claim under way takes a segment of an ended job. */
static const char end_segments[] =
    "UPDATE verbatim.segment"
    " SET status = 'waiting', process_id = NULL, lease_until = NULL, not_before = 'infinity'"
    " WHERE job_id = $1 AND status <> 'recorded'";

static enum vb_status run_for_job(struct vb_pg *pg, const char *sql, const char *job_id,
                                  struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, job_id);
    return vb_args_exec(pg, sql, &args, NULL, err);
}

static enum vb_status leave(struct vb_pg *pg, const struct vb_claim *claim, bool keep_object,
                            struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, claim->job.job_id);
    vb_args_text(&args, keep_object ? "t" : "f");
    vb_args_number(&args, claim->epoch);
    return vb_args_exec(pg, leave_trail, &args, NULL, err);
}

struct finish {
    const struct vb_claimer *claimer;
    const struct vb_segment_result *result; /* NULL: the closing segment was recorded before */
    const struct vb_finished *finished;
    int64_t age;      /* of the job, microseconds */
    int64_t bad_rows; /* of all its segments */
};

static void add_facts(struct vb_pg_args *args, const struct vb_claim *claim,
                      const struct vb_finished *finished)
{
    const char *name = vb_job_file_name(&claim->job);
    vb_args_text(args, claim->job.job_id);
    vb_args_number(args, (int64_t)finished->size);
    if (finished->crc >= 0)
        vb_args_number(args, finished->crc);
    else
        vb_args_text(args, NULL);
    vb_args_text(args, name);
    vb_args_text(args, vb_content_type_of(name));
    vb_args_text(args, finished->version && *finished->version ? finished->version : NULL);
    vb_args_number(args, claim->part_first);
}

/* The statement gives a row, for behind the fence one is certain; without one nothing was written,
 * and the job is not told as finished. */
static enum vb_status send_finish(struct vb_pg *pg, const struct vb_write *write,
                                  struct finish *finish, bool alone, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    struct vb_buffer parts;
    PGresult *rows = NULL;
    enum vb_status status = VB_OK;
    vb_segment_parts_init(&parts);
    add_facts(&args, write->claim, finish->finished);
    if (finish->result)
        status = vb_segment_result_args(finish->result, &parts, &args, err);
    if (status == VB_OK && alone) {
        vb_args_number(&args, write->claim->epoch);
        vb_args_text(&args, finish->claimer->process_id);
        vb_args_text(&args, write->token);
        status = vb_write_alone(pg, write, finish_alone, &args, &rows, err);
    } else if (status == VB_OK) {
        status = vb_write_last(pg, write, finish->result ? finish_with : finish_recorded, &args,
                               &rows, err);
    }
    if (status == VB_OK && PQntuples(rows) != 1)
        status = vb_fence_fail(err);
    if (status == VB_OK) {
        finish->age = vb_row_number(rows, 0, 0);
        finish->bad_rows = vb_row_number(rows, 0, 1);
    }
    PQclear(rows);
    vb_buffer_done(&parts);
    return status;
}

/* What was stored in one piece began no upload, and the claim's is the job's only segment. */
static enum vb_status finish_at_once(struct vb_pg *pg, const struct vb_write *write, void *context,
                                     struct vb_error *err)
{
    return send_finish(pg, write, context, true, err);
}

/* Everything that makes a job finished is in this one transaction: totals, status, mail,
 * clean-up. */
static enum vb_status finish_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                  struct vb_error *err)
{
    const struct vb_job *job = &write->claim->job;
    enum vb_status status = VB_OK;
    /* Without an upload nothing but the object itself was ever put at the key. */
    if (job->upload_id) {
        status = leave(pg, write->claim, true, err);
        if (status == VB_OK)
            status = run_for_job(pg, drop_directories, job->job_id, err);
    }
    return status == VB_OK ? send_finish(pg, write, context, false, err) : status;
}

/* From its order to its end, by whoever ends it. `message` NULL: finished. */
static void tell_end(const struct vb_job *job, const char *message)
{
    struct vb_trace_place parent, place = vb_trace_job(job->job_id, job->trace_parent);
    struct vb_span span;
    if (!vb_trace_is_on())
        return;
    bool has_parent = job->trace_parent && vb_trace_parse(vb_view_of(job->trace_parent), &parent);
    vb_span_begin(&span, VB_SPAN_INTERNAL, "export", &place, has_parent ? &parent : NULL);
    span.start = job->created;
    vb_span_text(&span, "verbatim.job_id", job->job_id);
    vb_span_text(&span, "verbatim.workspace_id", job->workspace_id);
    if (message)
        vb_span_fail(&span, message);
    vb_span_end(&span);
}

enum vb_status vb_job_finish(struct vb_pg *pg, const struct vb_claimer *claimer,
                             const struct vb_claim *claim, const struct vb_segment_result *result,
                             const struct vb_finished *finished, struct vb_error *err)
{
    struct finish finish = {.claimer = claimer, .result = result, .finished = finished};
    bool is_whole = result && !claim->job.upload_id && !claim->stretch.has_low;
    enum vb_status status = vb_fence_run_alone(pg, claimer, claim, is_whole ? finish_at_once : NULL,
                                               finish_step, &finish, err);
    if (status == VB_OK) {
        vb_debug("job %s -> %s", claim->job.job_id, vb_job_status_name(VB_JOB_FINISHED));
        vb_count(VB_COUNT_SEGMENTS_RECORDED, 1);
        vb_count(VB_COUNT_JOBS_FINISHED, 1);
        vb_count(VB_COUNT_JOB_SECONDS_MICRO, finish.age > 0 ? (uint64_t)finish.age : 0);
        tell_end(&claim->job, NULL);
        if (finish.bad_rows > 0)
            vb_warn("finished without %lld rows that the source could not give: "
                    "errors.csv of the archive lists them",
                    (long long)finish.bad_rows);
    }
    return status;
}

/* The archive is left as it stands; the trail says that nothing of it is to be kept. */
static enum vb_status fail_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                struct vb_error *err)
{
    const char *id = write->claim->job.job_id;
    enum vb_status status = vb_job_transition(pg, id, VB_JOB_STARTED, VB_JOB_FAILED, context, err);
    if (status == VB_OK)
        status = vb_audit_event(pg, id, "failed", NULL, err);
    if (status == VB_OK)
        status = leave(pg, write->claim, false, err);
    if (status == VB_OK)
        status = run_for_job(pg, end_segments, id, err);
    if (status == VB_OK)
        status = run_for_job(pg, drop_directories, id, err);
    return status;
}

enum vb_status vb_job_fail(struct vb_pg *pg, const struct vb_claimer *claimer,
                           const struct vb_claim *claim, const char *message, struct vb_error *err)
{
    char text[sizeof err->text + 64];
    snprintf(text, sizeof text, "%s", message); /* which may lie in `err` */
    enum vb_status status = vb_fence_run(pg, claimer, claim, fail_step, text, err);
    if (status == VB_OK) {
        vb_count(VB_COUNT_JOBS_FAILED, 1);
        tell_end(&claim->job, text);
    }
    return status;
}

/* The attempt's number is the fence of a look under way: what that one found is not believed. The
 * first look comes when the last of those who were at work has let go; of an archive that others
 * hold yet nothing is aborted. $2: our epoch. */
static const char look_again[] =
    "WITH due AS ("
    "UPDATE verbatim.cleanup"
    " SET holders = array_remove(holders, $2), looks = 0, attempts = attempts + 1,"
    " not_before = CASE WHEN array_remove(holders, $2) = '{}'"
    "  THEN clock_timestamp() ELSE not_before END"
    " WHERE job_id = $1 AND NOT keep_object"
    " RETURNING job_id) "
    "SELECT pg_notify('" VB_QUEUE_CHANNEL "', d.job_id::text)"
    " FROM (SELECT job_id FROM due LIMIT 1) AS d";

enum vb_status vb_job_clean_again(struct vb_pg *pg, const struct vb_claim *claim,
                                  struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->epoch);
    return vb_args_exec(pg, look_again, &args, NULL, err);
}
