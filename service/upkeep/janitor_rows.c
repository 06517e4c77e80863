/* The janitor's statements on rows; see janitor.h. Each is a transaction of its own and takes a
 * bounded number of rows, so that it never holds locks for long; many janitors may run them at
 * once.
 */
#include "janitor_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BATCHES_MOST 20 /* of one statement in one round: the rest waits for the next */

/* Repeats a statement that takes a batch until it finds no more. */
static enum vb_status repeat(struct vb_pg *pg, const char *sql, int count,
                             const char *const *parameters, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    uint64_t rows = 1;
    for (int i = 0; i < BATCHES_MOST && rows > 0 && status == VB_OK; i++)
        status = vb_pg_exec(pg, sql, count, parameters, &rows, err);
    return status;
}

/* The job is marked and its clean-up noted in one statement, so neither is ever without the
 * other. */
enum vb_status vb_janitor_expire(struct vb_pg *pg, const char *storage, int64_t retention,
                                 struct vb_error *err)
{
    char microseconds[24];
    snprintf(microseconds, sizeof microseconds, "%" PRId64, retention);
    const char *const parameters[] = {storage, microseconds};
    return repeat(
        pg,
        "WITH due AS ("
        "SELECT job_id"
        " FROM verbatim.job JOIN verbatim.workspace AS w USING (workspace_id)"
        " WHERE status = 'finished' AND archive_deleted_at IS NULL"
        " AND object_key IS NOT NULL AND storage = $1"
        " AND CASE WHEN job.retention IS NULL"
        " THEN finished_at < now() - coalesce(w.retention, $2::bigint * interval '1 microsecond')"
        " ELSE job.created_at + job.retention < now() END"
        " AND coalesce(link_expires_at, finished_at) < now()"
        " ORDER BY finished_at LIMIT 200"
        " FOR UPDATE OF job SKIP LOCKED),"
        " gone AS ("
        "UPDATE verbatim.job AS j SET archive_deleted_at = now()"
        " FROM due"
        " WHERE j.job_id = due.job_id"
        " RETURNING j.workspace_id, j.job_id, j.storage, j.object_key, j.upload_id,"
        "  j.object_version)"
        " INSERT INTO verbatim.cleanup"
        " (workspace_id, job_id, storage, object_key, upload_id, keep_object, object_version)"
        " SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), false,"
        "  object_version"
        " FROM gone",
        2, parameters, err);
}

/* How old orphans of this job have to be: an active job's are never touched. */
enum vb_status vb_janitor_patience(struct vb_pg *pg, const char *job_id, int64_t *ret_least_age,
                                   struct vb_error *err)
{
    const char *const parameters[] = {job_id};
    PGresult *result = NULL;
    enum vb_status status = vb_pg_query(
        pg, "SELECT status IN ('queued', 'started') FROM verbatim.job WHERE job_id = $1::uuid", 1,
        parameters, &result, err);
    if (status != VB_OK)
        return status;
    if (PQntuples(result) == 0)
        *ret_least_age = VB_JANITOR_UNKNOWN_AGE;
    else if (strcmp(vb_pg_value(result, 0, 0), "t") == 0)
        *ret_least_age = INT64_MAX;
    else
        *ret_least_age = VB_JANITOR_LEAST_AGE;
    PQclear(result);
    return VB_OK;
}

/* An hour leaves time to look at what a failed job was about; a mail's row also keeps a second mail
 * from being written, but nothing ends a job twice. */
static const char *const old_rows[] = {
    "DELETE FROM verbatim.segment_directory"
    " WHERE ctid IN (SELECT d.ctid"
    "  FROM verbatim.segment_directory AS d JOIN verbatim.job AS j USING (job_id)"
    "  WHERE j.finished_at < now() - interval '1 hour'"
    "  LIMIT 1000)",

    "DELETE FROM verbatim.segment"
    " WHERE (job_id, part_first) IN (SELECT s.job_id, s.part_first"
    "  FROM verbatim.segment AS s JOIN verbatim.job AS j USING (job_id)"
    "  WHERE j.finished_at < now() - interval '1 hour'"
    "  LIMIT 1000 FOR UPDATE OF s SKIP LOCKED)",

    "DELETE FROM verbatim.outbox"
    " WHERE outbox_id IN (SELECT outbox_id"
    "  FROM verbatim.outbox"
    "  WHERE coalesce(sent_at, given_up_at) < now() - interval '30 days'"
    "  LIMIT 1000 FOR UPDATE SKIP LOCKED)",

    "DELETE FROM verbatim.process"
    " WHERE process_id IN (SELECT process_id"
    "  FROM verbatim.process"
    "  WHERE beat_at < now() - interval '1 hour'"
    "  LIMIT 1000 FOR UPDATE SKIP LOCKED)",

    "DELETE FROM verbatim.job_change"
    " WHERE change_id IN (SELECT change_id"
    "  FROM verbatim.job_change"
    "  WHERE created_at < now() - interval '10 minutes'"
    "  LIMIT 1000)",

    "DELETE FROM verbatim.console_session"
    " WHERE session_id IN (SELECT session_id"
    "  FROM verbatim.console_session"
    "  WHERE expires_at < now()"
    "  LIMIT 1000)",

    /* Never a job whose archive or leftovers somebody has still to delete. */
    "DELETE FROM verbatim.job"
    " WHERE job_id IN (SELECT job_id"
    " FROM verbatim.job AS j"
    " WHERE status IN ('finished', 'failed', 'cancelled')"
    " AND finished_at < now() - interval '90 days'"
    " AND (status <> 'finished' OR object_key IS NULL OR archive_deleted_at IS NOT NULL)"
    " AND NOT EXISTS (SELECT FROM verbatim.cleanup AS c WHERE c.job_id = j.job_id)"
    " LIMIT 200 FOR UPDATE SKIP LOCKED)",
};

enum vb_status vb_janitor_old_rows(struct vb_pg *pg, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < sizeof old_rows / sizeof *old_rows && status == VB_OK; i++)
        status = repeat(pg, old_rows[i], 0, NULL, err);
    return status;
}

/* Rows due for more than a minute: those who have the store have had their chance. */
enum vb_status vb_janitor_foreign(struct vb_pg *pg, const char *storage, char *ret_text,
                                  size_t size, struct vb_error *err)
{
    const char *const parameters[] = {storage};
    PGresult *result = NULL;
    enum vb_status status =
        vb_pg_query(pg,
                    "SELECT string_agg(storage, ', ' ORDER BY storage)"
                    " FROM (SELECT DISTINCT storage"
                    "  FROM verbatim.cleanup"
                    "  WHERE storage <> $1 AND not_before < now() - interval '1 minute'"
                    "  ORDER BY 1 LIMIT 5) AS s",
                    1, parameters, &result, err);
    if (status != VB_OK)
        return status;
    const char *text = vb_pg_value(result, 0, 0);
    snprintf(ret_text, size, "%s", text ? text : "");
    PQclear(result);
    return VB_OK;
}
