/* Pruning: see prune.h. Rows and clean-up rows change in one statement, so no file is ever
 * forgotten.
 *
 * The command deletes files itself, and for so long the clean-up rows that it made are due later
 * (OURS_FOR): should it die, the janitors find them. The daily round leaves the files to the
 * janitors from the beginning. Rows that are locked are passed over, and come with the next batch
 * or the next day.
 */
#include "prune.h"

#include "queue/queue.h"
#include "verbatim/columns.h"

#include <stdio.h>
#include <string.h>

#define PRUNED_ROW(FIRST, NEXT)                                                                    \
    FIRST(CLEANUP, "noted.cleanup_id")                                                             \
    NEXT(STORAGE, "noted.storage")                                                                 \
    NEXT(KEY, "noted.object_key")                                                                  \
    NEXT(UPLOAD, "noted.upload_id")                                                                \
    NEXT(VERSION, "coalesce(noted.object_version, '')")                                            \
    NEXT(ATTEMPTS, "noted.attempts")
#define PRUNED_ROW_LIST VB_COLUMN_LIST(PRUNED_ROW)
enum { VB_COLUMN_NAMES(PRUNED_ROW) PRUNED_COLUMNS };

/* A batch. A file that is deleted already (retention of the janitor) has no clean-up left to do.
 * $1: how long the janitors leave the clean-up to the caller. */
/* clang-format off */
static const char prune_sql[] =
    "WITH due AS ("
    "SELECT job_id"
    " FROM verbatim.job"
    " WHERE status IN ('finished', 'failed', 'cancelled')"
    " AND retention IS NOT NULL AND created_at + retention < now()"
    " ORDER BY finished_at LIMIT 200"
    " FOR UPDATE SKIP LOCKED),"
    " gone AS ("
    "DELETE FROM verbatim.job AS j"
    " USING due"
    " WHERE j.job_id = due.job_id"
    " RETURNING j.workspace_id, j.job_id, j.storage, j.object_key, j.upload_id, j.object_version,"
    " j.status = 'finished' AND j.archive_deleted_at IS NULL AND j.object_key IS NOT NULL"
    " AND j.storage IS NOT NULL AS has_file),"
    " noted AS ("
    "INSERT INTO verbatim.cleanup"
    " (workspace_id, job_id, storage, object_key, upload_id, keep_object, object_version,"
    " not_before)"
    " SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), false,"
    " object_version, now() + $1::interval"
    " FROM gone"
    " WHERE has_file"
    " RETURNING cleanup_id, job_id, storage, object_key, upload_id, object_version,"
    " attempts)"
    " SELECT " PRUNED_ROW_LIST
    " FROM gone LEFT JOIN noted USING (job_id)";
/* clang-format on */

#define AT_ONCE "0"
#define BATCHES_MOST 100 /* of one round: the janitor has other work, and may be asked to stop */
#define OURS_FOR "15 minutes" /* as long as the janitor's own claim */

/* Back to the janitors: for their second look, or for the first. One that took the row over, since
 * ours took too long, has counted an attempt. */
static enum vb_status hand_over(struct vb_pg *pg, const PGresult *rows, int row, bool clean,
                                struct vb_error *err)
{
    const char *const parameters[] = {vb_pg_value(rows, row, CLEANUP), clean ? "1" : "0",
                                      clean ? "1 hour" : "0", vb_pg_value(rows, row, ATTEMPTS)};
    return vb_pg_exec(pg,
                      "UPDATE verbatim.cleanup"
                      " SET looks = $2::integer, not_before = now() + $3::interval"
                      " WHERE cleanup_id = $1::bigint AND attempts = $4::integer",
                      4, parameters, NULL, err);
}

/* A store that fails does not end the command: the row of the clean-up stays, and is told. */
static enum vb_status delete_file(struct vb_pg *pg, struct vb_storage *storage,
                                  struct vb_storage_session *session, const PGresult *rows, int row,
                                  struct vb_pruned *pruned, struct vb_error *err)
{
    struct vb_error reason;
    bool clean = false;
    char version[VB_VERSION];
    const char *key = vb_pg_value(rows, row, KEY);
    bool ours = strcmp(vb_pg_value(rows, row, STORAGE), vb_storage_identity(storage)) == 0;
    vb_error_clear(&reason);
    (void)snprintf(version, sizeof version, "%s", vb_pg_value(rows, row, VERSION));
    if (ours && vb_storage_remove(session, key, vb_pg_value(rows, row, UPLOAD), version, &clean,
                                  &reason) != VB_OK)
        vb_warn("%s is left to the janitor: %s", key, reason.text);
    pruned->files += clean;
    pruned->waiting += !clean;
    return hand_over(pg, rows, row, clean, err);
}

static enum vb_status prune_batch(struct vb_pg *pg, struct vb_storage *storage,
                                  struct vb_storage_session *session, struct vb_pruned *pruned,
                                  int *ret_rows, struct vb_error *err)
{
    const char *const parameters[] = {OURS_FOR};
    PGresult *rows = NULL;
    enum vb_status status = vb_pg_query(pg, prune_sql, 1, parameters, &rows, err);
    if (status != VB_OK)
        return status;
    int count = PQntuples(rows);
    pruned->rows += (uint64_t)count;
    for (int row = 0; row < count && status == VB_OK; row++)
        if (vb_pg_value(rows, row, CLEANUP))
            status = delete_file(pg, storage, session, rows, row, pruned, err);
    PQclear(rows);
    if (status == VB_OK)
        *ret_rows = count;
    return status;
}

enum vb_status vb_prune(struct vb_pg *pg, struct vb_storage *storage,
                        struct vb_storage_session *session, struct vb_pruned *ret_pruned,
                        struct vb_error *err)
{
    struct vb_pruned pruned = {0};
    enum vb_status status = VB_OK;
    for (int rows = 1; rows > 0 && status == VB_OK;)
        status = prune_batch(pg, storage, session, &pruned, &rows, err);
    if (status == VB_OK)
        *ret_pruned = pruned;
    return status;
}

/* The day's turn is one row, held for one batch at a time, so that no transaction is long and
 * whoever dies in the middle leaves the rest to the others. The latest such moment is today's or
 * yesterday's. */
/* clang-format off */
static const char take_turn[] =
    "SELECT FROM verbatim.daily"
    " WHERE name = 'prune' AND ran_at <"
    " (SELECT max(moment)"
    "  FROM (SELECT (date_trunc('day', now() AT TIME ZONE 'UTC')"
    "   + $1::interval - make_interval(days => ago)) AT TIME ZONE 'UTC'"
    "   FROM generate_series(0, 1) AS ago) AS m (moment)"
    "  WHERE moment <= now())"
    " FOR NO KEY UPDATE SKIP LOCKED";
/* clang-format on */
static const char end_turn[] = "UPDATE verbatim.daily SET ran_at = now() WHERE name = 'prune'";

/* VB_END: it is not the hour, or another process is at it. The day is done with a batch that finds
 * nothing. */
static enum vb_status daily_batch(struct vb_pg *pg, const char *at, uint64_t *ret_rows,
                                  struct vb_error *err)
{
    const char *const hour[] = {at}, *const patience[] = {AT_ONCE};
    uint64_t turns = 0, rows = 0;
    enum vb_status status = vb_pg_exec(pg, take_turn, 1, hour, &turns, err);
    if (status == VB_OK && turns == 0)
        return VB_END;
    if (status == VB_OK)
        status = vb_pg_exec(pg, prune_sql, 1, patience, &rows, err);
    if (status == VB_OK && rows == 0)
        status = vb_pg_exec(pg, end_turn, 0, NULL, NULL, err);
    if (status == VB_OK)
        *ret_rows = rows;
    return status;
}

/* Every janitor asks at every round. A batch whose commit is not answered is begun anew: it finds
 * fewer rows. */
enum vb_status vb_prune_daily(struct vb_pg *pg, const char *at, bool *ret_ran, uint64_t *ret_rows,
                              struct vb_error *err)
{
    uint64_t all = 0, rows = 1;
    enum vb_status status = VB_OK;
    for (int i = 0; i < BATCHES_MOST && rows > 0 && status == VB_OK; i++) {
        status = vb_pg_begin(pg, err);
        if (status == VB_OK)
            status = vb_transaction_end(pg, daily_batch(pg, at, &rows, err), err);
        all += status == VB_OK ? rows : 0;
    }
    if (status == VB_OK || status == VB_END) {
        *ret_ran = rows == 0;
        *ret_rows = all;
    }
    return status == VB_END ? VB_OK : status;
}
