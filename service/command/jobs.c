/* verbatim jobs list, show and cancel. What they tell is read as the queue keeps it; a cancel is
 * the function of the schema that the HTTP doors call, with its entry in the audit.
 *
 * The login's own role sees all workspaces; the workspace of a job is looked up, so none has to be
 * named. Nothing is kept from statement to statement: a job may change between two.
 */
#include "jobs.h"

#include "database/array.h"
#include "output/table.h"
#include "queue/view.h"
#include "rules/job_status.h"
#include "verbatim/digits.h"

#include <stdio.h>
#include <string.h>

/* Positions of the commands' flags in command.c. */
enum { LIST_WORKSPACE, LIST_STATUS, LIST_LIMIT, LIST_JSON };
enum { SHOW_JSON };
#define LIST_USUAL "20"
#define LIST_MOST 100000

enum vb_status vb_jobs_read_id(const char *word, char ret_job[VB_UUID_TEXT], struct vb_error *err)
{
    struct vb_uuid id;
    if (vb_uuid_parse(vb_view_of(word), &id) != VB_OK)
        return vb_fail(err, VB_INVALID,
                       "\"%.60s\" is no job's id: must be a UUID, as verbatim jobs list shows them",
                       word);
    vb_uuid_format(id, ret_job);
    return VB_OK;
}

/* --- list --- */

enum vb_status vb_jobs_check_limit(const char *text, struct vb_error *err)
{
    int64_t number;
    if (vb_digits_whole(vb_view_of(text), &number) == VB_OK && number >= 1 && number <= LIST_MOST)
        return VB_OK;
    return vb_fail(err, VB_INVALID, "--limit \"%.40s\": must be a number from 1 to %d", text,
                   LIST_MOST);
}

static enum vb_status check_statuses(const struct vb_arguments *arguments, struct vb_buffer *out,
                                     struct vb_error *err)
{
    size_t count = arguments->flags[LIST_STATUS].count;
    const char *const *values = arguments->flags[LIST_STATUS].values;
    for (size_t i = 0; i < count; i++) {
        int known = 0;
        while (known < VB_JOB_STATUSES &&
               strcmp(vb_job_status_name((enum vb_job_status)known), values[i]) != 0)
            known++;
        if (known == VB_JOB_STATUSES)
            return vb_fail(err, VB_INVALID,
                           "--status \"%.40s\": must be queued, started, finished, failed or "
                           "cancelled",
                           values[i]);
    }
    enum vb_status status = count > 0 ? vb_pg_array_put(out, values, count) : VB_OK;
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no room for the statuses");
}

/* $1 workspace or NULL, $2 statuses or NULL, $3 at most. */
static enum vb_status query_list(struct vb_pg *pg, const char *const parameters[3],
                                 PGresult **ret_rows, struct vb_error *err)
{
    static const char sql[] =
        "SELECT j.job_id, j.workspace_id, j.status, j.door, j.format, " VB_JOB_SUBJECT
        ", (" VB_JOB_COUNTS
        ")[1], j.size, j.created_at, j.finished_at, j.requested_by, j.error_message"
        " FROM verbatim.job AS j"
        " WHERE ($1::text IS NULL OR j.workspace_id = $1)"
        " AND ($2::text[] IS NULL OR j.status = ANY ($2::text[]))"
        " ORDER BY j.created_at DESC, j.job_id DESC LIMIT $3::bigint";
    return vb_pg_query(pg, sql, 3, parameters, ret_rows, err);
}

enum vb_status vb_command_jobs_list(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct vb_column columns[] = {
        {.name = "job_id", .label = "job"},
        {.name = "workspace_id", .label = "workspace", .may_shrink = true},
        {.name = "status", .kind = VB_CELL_STATE},
        {.name = "door"},
        {.name = "format"},
        {.name = "subject", .may_shrink = true},
        {.name = "conversations", .kind = VB_CELL_NUMBER},
        {.name = "size", .kind = VB_CELL_SIZE},
        {.name = "created_at", .kind = VB_CELL_TIME, .label = "created"},
        {.name = "finished_at", .kind = VB_CELL_TIME, .label = "ended"},
        {.name = "requested_by", .label = "author", .may_shrink = true},
        {.name = "error_message", .label = "error", .may_shrink = true},
    };
    const char *limit = vb_argument(arguments, LIST_LIMIT);
    const char *workspace = vb_argument(arguments, LIST_WORKSPACE);
    struct vb_pg *pg = NULL;
    PGresult *rows = NULL;
    struct vb_buffer statuses;
    vb_buffer_init(&statuses, 4096);
    enum vb_status status = limit ? vb_jobs_check_limit(limit, err) : VB_OK;
    if (status == VB_OK)
        status = check_statuses(arguments, &statuses, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK && workspace)
        status = vb_workspace_find(pg, workspace, err);
    const char *const parameters[] = {workspace, statuses.length > 0 ? statuses.data : NULL,
                                      limit ? limit : LIST_USUAL};
    if (status == VB_OK)
        status = query_list(pg, parameters, &rows, err);
    if (status == VB_OK)
        status = vb_rows_print(rows, columns, sizeof columns / sizeof *columns,
                               vb_argument(arguments, LIST_JSON) != NULL, err);
    PQclear(rows);
    vb_pg_free(pg);
    vb_buffer_done(&statuses);
    return status;
}

/* --- show --- */

/* `segments` are recorded, running, waiting; `last_error` is what the latest try of one that is not
 * recorded met. */
enum vb_status vb_jobs_show(struct vb_pg *pg, const char *job, bool as_json, struct vb_error *err)
{
    static const struct vb_column columns[] = {
        {.name = "job_id", .label = "job"},
        {.name = "workspace_id", .label = "workspace"},
        {.name = "status", .kind = VB_CELL_STATE},
        {.name = "error_message", .label = "error"},
        {.name = "door"},
        {.name = "requested_by", .label = "author"},
        {.name = "subject"},
        {.name = "format"},
        {.name = "specification", .kind = VB_CELL_JSON},
        {.name = "notification_email", .label = "mail to"},
        {.name = "mail"},
        {.name = "created_at", .kind = VB_CELL_TIME, .label = "created"},
        {.name = "started_at", .kind = VB_CELL_TIME, .label = "started"},
        {.name = "finished_at", .kind = VB_CELL_TIME, .label = "ended"},
        {.name = "as_of", .kind = VB_CELL_TIME},
        {.name = "conversations", .kind = VB_CELL_NUMBER},
        {.name = "conversations_total", .kind = VB_CELL_NUMBER},
        {.name = "messages", .kind = VB_CELL_NUMBER},
        {.name = "bytes_written", .kind = VB_CELL_SIZE},
        {.name = "segments", .kind = VB_CELL_JSON},
        {.name = "attempts", .kind = VB_CELL_NUMBER},
        {.name = "last_error"},
        {.name = "file_name", .label = "file"},
        {.name = "size", .kind = VB_CELL_SIZE},
        {.name = "crc32"},
        {.name = "storage"},
        {.name = "link_expires_at", .kind = VB_CELL_TIME, .label = "link until"},
        {.name = "archive_deleted_at", .kind = VB_CELL_TIME, .label = "file deleted"},
        {.name = "bad_rows", .kind = VB_CELL_NUMBER},
    };
    static const char sql[] =
        "SELECT j.job_id, j.workspace_id, j.status, j.error_message, j.door, j.requested_by,"
        " " VB_JOB_SUBJECT ", j.format, coalesce(j.printed, j.specification::text),"
        " j.notification_email, " VB_JOB_MAIL ","
        " j.created_at, j.started_at, j.finished_at, j.as_of,"
        " c.counts[1], j.conversations_total, c.counts[2], c.counts[3],"
        " json_build_object('recorded', c.counts[4], 'running', c.counts[5],"
        " 'waiting', c.counts[6]), c.counts[7],"
        " (SELECT s.last_error FROM verbatim.segment AS s WHERE s.job_id = j.job_id"
        " AND s.status <> 'recorded' AND s.last_error IS NOT NULL ORDER BY s.not_before DESC,"
        " s.part_first LIMIT 1), j.file_name, j.size, lpad(to_hex(j.crc32), 8, '0'), j.storage,"
        " j.link_expires_at, j.archive_deleted_at, j.bad_rows"
        " FROM verbatim.job AS j CROSS JOIN LATERAL (SELECT " VB_JOB_COUNTS " AS counts) AS c"
        " WHERE j.job_id = $1::uuid";
    PGresult *rows = NULL;
    struct vb_table table;
    vb_table_init(&table, columns, sizeof columns / sizeof *columns);
    enum vb_status status = vb_pg_query(pg, sql, 1, &job, &rows, err);
    if (status == VB_OK && PQntuples(rows) == 0)
        status = vb_jobs_missing(job, err);
    if (status == VB_OK && (status = vb_table_add_rows(&table, rows)) != VB_OK)
        vb_fail(err, status, "no room for the job");
    if (status == VB_OK)
        status = vb_table_print_one(&table, as_json, err);
    vb_table_done(&table);
    PQclear(rows);
    return status;
}

enum vb_status vb_jobs_missing(const char *job, struct vb_error *err)
{
    return vb_fail(err, VB_NOT_FOUND,
                   "there is no job %s; those that ended 90 days ago are gone, their entries in "
                   "the audit are not",
                   job);
}

enum vb_status vb_command_jobs_show(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_pg *pg = NULL;
    char job[VB_UUID_TEXT];
    enum vb_status status = vb_jobs_read_id(arguments->word, job, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = vb_jobs_show(pg, job, vb_argument(arguments, SHOW_JSON) != NULL, err);
    vb_pg_free(pg);
    return status;
}

/* --- cancel --- */

/* The schema's function looks at the workspace that the transaction names. */
static enum vb_status cancel(struct vb_pg *pg, const char *job, PGresult **ret_was,
                             struct vb_error *err)
{
    static const char enter[] = "SELECT set_config('verbatim.workspace_id', j.workspace_id, true)"
                                " FROM verbatim.job AS j WHERE j.job_id = $1::uuid";
    static const char sql[] =
        "SELECT j.status, verbatim.job_cancel(j.workspace_id, j.job_id, NULL, '" VB_COMMAND_AUTHOR
        "') FROM verbatim.job AS j WHERE j.job_id = $1::uuid";
    uint64_t known = 0;
    enum vb_status status = vb_pg_begin(pg, err);
    if (status != VB_OK)
        return status;
    status = vb_pg_exec(pg, enter, 1, &job, &known, err);
    if (status == VB_OK && known == 0)
        status = vb_jobs_missing(job, err);
    if (status == VB_OK)
        status = vb_pg_query(pg, sql, 1, &job, ret_was, err);
    if (status == VB_OK)
        status = vb_pg_commit(pg, err);
    else
        vb_pg_rollback(pg);
    return status;
}

/* What was cancelled before is cancelled; what has ended otherwise cannot be. */
enum vb_status vb_command_jobs_cancel(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_pg *pg = NULL;
    PGresult *was = NULL;
    char job[VB_UUID_TEXT], text[VB_UUID_TEXT + 32];
    enum vb_status status = vb_jobs_read_id(arguments->word, job, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = cancel(pg, job, &was, err);
    if (status == VB_OK && (PQntuples(was) == 0 || PQgetisnull(was, 0, 1)))
        status = vb_jobs_missing(job, err);
    if (status == VB_OK && strcmp(PQgetvalue(was, 0, 1), "cancelled") != 0)
        status = vb_fail(err, VB_CONFLICT, "job %s has %s already", job, PQgetvalue(was, 0, 1));
    if (status == VB_OK) {
        snprintf(text, sizeof text, "cancelled %s\n", job);
        status = vb_command_print(text, err);
    }
    PQclear(was);
    vb_pg_free(pg);
    return status;
}
