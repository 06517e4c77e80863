/* verbatim workspace list, show and delete.
 *
 * A workspace goes with everything of it but the audit of its exports, which nothing can change:
 * keys first, so that nobody orders more meanwhile, then its exports in batches, each of which ends
 * as one that is deleted by HTTP (its clean-up rows lead the janitors to the files), then what is
 * left. Ended in the middle it has begun, and the same command goes on.
 */
#include "jobs.h"

#include "output/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Positions of the commands' flags in command.c. */
enum { LIST_JSON };
enum { SHOW_JSON };
enum { DELETE_YES };
#define BATCH "200" /* exports of one transaction */

enum vb_status vb_workspace_missing(const char *id, struct vb_error *err)
{
    return vb_fail(err, VB_NOT_FOUND,
                   "there is no workspace \"%s\"; verbatim workspace list tells those that there "
                   "are, verbatim workspace set creates one",
                   id);
}

enum vb_status vb_workspace_find(struct vb_pg *pg, const char *id, struct vb_error *err)
{
    uint64_t known = 0;
    enum vb_status status = vb_pg_exec(pg, "SELECT FROM verbatim.workspace WHERE workspace_id = $1",
                                       1, &id, &known, err);
    return status == VB_OK && known == 0 ? vb_workspace_missing(id, err) : status;
}

/* --- list, show --- */

enum vb_status vb_command_workspace_list(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct vb_column columns[] = {
        {.name = "workspace_id", .label = "workspace", .may_shrink = true},
        {.name = "name", .may_shrink = true},
        {.name = "time_zone"},
        {.name = "source_id", .may_shrink = true},
        {.name = "keys", .kind = VB_CELL_NUMBER},
        {.name = "exports", .kind = VB_CELL_NUMBER},
        {.name = "active", .kind = VB_CELL_NUMBER},
        {.name = "created_at", .kind = VB_CELL_TIME, .label = "created"},
    };
    static const char sql[] =
        "SELECT w.workspace_id, w.name, w.time_zone, w.source_id,"
        " (SELECT count(*) FROM verbatim.api_key AS k WHERE k.workspace_id = w.workspace_id"
        " AND k.revoked_at IS NULL), coalesce(j.all_of_it, 0), coalesce(j.active, 0), w.created_at"
        " FROM verbatim.workspace AS w LEFT JOIN (SELECT workspace_id, count(*) AS all_of_it,"
        " count(*) FILTER (WHERE status IN ('queued', 'started')) AS active"
        " FROM verbatim.job GROUP BY workspace_id) AS j USING (workspace_id)"
        " ORDER BY w.workspace_id";
    struct vb_pg *pg = NULL;
    PGresult *rows = NULL;
    enum vb_status status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = vb_pg_query(pg, sql, 0, NULL, &rows, err);
    if (status == VB_OK)
        status = vb_rows_print(rows, columns, sizeof columns / sizeof *columns,
                               vb_argument(arguments, LIST_JSON) != NULL, err);
    PQclear(rows);
    vb_pg_free(pg);
    return status;
}

/* Spans are told in seconds; NULL is the option's. */
static enum vb_status query_one(struct vb_pg *pg, const char *id, PGresult **ret_row,
                                struct vb_error *err)
{
    static const char sql[] =
        "SELECT w.workspace_id, w.name, w.time_zone, w.source_id, w.csv_profile, w.delimiter,"
        " w.csv_quote, w.byte_order_mark, w.max_running,"
        " extract(epoch FROM w.retention)::bigint, extract(epoch FROM w.link_ttl)::bigint,"
        " (SELECT count(*) FROM verbatim.api_key AS k WHERE k.workspace_id = w.workspace_id"
        " AND k.revoked_at IS NULL),"
        " (SELECT json_object_agg(c.status, c.n) FROM (SELECT j.status, count(*) AS n"
        " FROM verbatim.job AS j WHERE j.workspace_id = w.workspace_id GROUP BY j.status) AS c),"
        " (SELECT coalesce(sum(j.size), 0) FROM verbatim.job AS j"
        " WHERE j.workspace_id = w.workspace_id AND j.archive_deleted_at IS NULL),"
        " (SELECT max(j.created_at) FROM verbatim.job AS j WHERE j.workspace_id = w.workspace_id),"
        " (SELECT nullif(b.name, '') FROM verbatim.brand AS b WHERE b.brand_id = w.brand_id),"
        " w.created_at"
        " FROM verbatim.workspace AS w WHERE w.workspace_id = $1";
    return vb_pg_query(pg, sql, 1, &id, ret_row, err);
}

enum vb_status vb_command_workspace_show(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct vb_column columns[] = {
        {.name = "workspace_id", .label = "workspace"},
        {.name = "name"},
        {.name = "time_zone"},
        {.name = "source_id"},
        {.name = "csv_profile"},
        {.name = "delimiter"},
        {.name = "csv_quote"},
        {.name = "byte_order_mark", .kind = VB_CELL_BOOLEAN},
        {.name = "max_running", .kind = VB_CELL_NUMBER},
        {.name = "retention_seconds", .kind = VB_CELL_NUMBER},
        {.name = "link_ttl_seconds", .kind = VB_CELL_NUMBER},
        {.name = "keys", .kind = VB_CELL_NUMBER},
        {.name = "exports", .kind = VB_CELL_JSON},
        {.name = "stored_bytes", .kind = VB_CELL_SIZE},
        {.name = "last_export_at", .kind = VB_CELL_TIME, .label = "last export"},
        {.name = "brand_name"},
        {.name = "created_at", .kind = VB_CELL_TIME, .label = "created"},
    };
    struct vb_pg *pg = NULL;
    PGresult *row = NULL;
    struct vb_table table;
    vb_table_init(&table, columns, sizeof columns / sizeof *columns);
    enum vb_status status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = vb_workspace_find(pg, arguments->word, err);
    if (status == VB_OK)
        status = query_one(pg, arguments->word, &row, err);
    if (status == VB_OK && (status = vb_table_add_rows(&table, row)) != VB_OK)
        vb_fail(err, status, "no room for the workspace");
    if (status == VB_OK)
        status = vb_table_print_one(&table, vb_argument(arguments, SHOW_JSON) != NULL, err);
    vb_table_done(&table);
    PQclear(row);
    vb_pg_free(pg);
    return status;
}

/* --- delete --- */

/* Typed once more by a person, or --yes by a script; nobody deletes by a slip. */
static enum vb_status confirm(struct vb_pg *pg, const char *id, struct vb_error *err)
{
    static const char sql[] =
        "SELECT (SELECT count(*) FROM verbatim.job WHERE workspace_id = $1),"
        " (SELECT count(*) FROM verbatim.api_key WHERE workspace_id = $1 AND revoked_at IS NULL)";
    char line[256] = "";
    PGresult *row = NULL;
    if (!isatty(STDIN_FILENO))
        return vb_fail(err, VB_INVALID,
                       "nobody is there to be asked whether workspace \"%s\" is to go: add --yes",
                       id);
    enum vb_status status = vb_pg_query(pg, sql, 1, &id, &row, err);
    if (status != VB_OK)
        return status;
    fprintf(stderr,
            "Workspace \"%s\" goes for ever, with %s exports, their files and %s keys.\n"
            "Type its id again to delete it: ",
            id, PQgetvalue(row, 0, 0), PQgetvalue(row, 0, 1));
    PQclear(row);
    if (!fgets(line, sizeof line, stdin))
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return strcmp(line, id) == 0
               ? VB_OK
               : vb_fail(err, VB_INVALID, "that is not \"%s\": nothing was deleted", id);
}

static enum vb_status run_one(struct vb_pg *pg, const char *sql, const char *id, uint64_t *ret_rows,
                              struct vb_error *err)
{
    return vb_pg_exec(pg, sql, 1, &id, ret_rows, err);
}

/* One batch of exports, oldest last, as HTTP's door deletes each. */
static enum vb_status delete_batch(struct vb_pg *pg, const char *id, uint64_t *ret_rows,
                                   struct vb_error *err)
{
    static const char enter[] = "SELECT set_config('verbatim.workspace_id', $1, true)";
    static const char sql[] =
        "SELECT verbatim.job_delete($1, old.job_id, NULL, '" VB_COMMAND_AUTHOR "')"
        " FROM (SELECT j.job_id FROM verbatim.job AS j WHERE j.workspace_id = $1"
        " ORDER BY j.created_at DESC, j.job_id DESC LIMIT " BATCH ") AS old";
    enum vb_status status = vb_pg_begin(pg, err);
    if (status != VB_OK)
        return status;
    status = run_one(pg, enter, id, NULL, err);
    if (status == VB_OK)
        status = run_one(pg, sql, id, ret_rows, err);
    if (status == VB_OK)
        return vb_pg_commit(pg, err);
    vb_pg_rollback(pg);
    return status;
}

/* Rows that name the workspace and hang on no export. The audit is not among them. */
static enum vb_status delete_rest(struct vb_pg *pg, const char *id, uint64_t *ret_keys,
                                  struct vb_error *err)
{
    static const char *const statements[] = {
        "SELECT FROM verbatim.workspace WHERE workspace_id = $1 FOR UPDATE",
        "DELETE FROM verbatim.console_session WHERE workspace_id = $1",
        "DELETE FROM verbatim.brand WHERE workspace_id = $1",
        "DELETE FROM verbatim.turn WHERE workspace_id = $1",
        "DELETE FROM verbatim.api_key WHERE workspace_id = $1",
        "DELETE FROM verbatim.workspace WHERE workspace_id = $1",
    };
    enum vb_status status = vb_pg_begin(pg, err);
    if (status != VB_OK)
        return status;
    for (size_t i = 0; i < sizeof statements / sizeof *statements && status == VB_OK; i++)
        status = run_one(pg, statements[i], id, i == 4 ? ret_keys : NULL, err);
    if (status == VB_OK)
        return vb_pg_commit(pg, err);
    vb_pg_rollback(pg);
    return status;
}

static enum vb_status delete_all(struct vb_pg *pg, const char *id, uint64_t *ret_jobs,
                                 uint64_t *ret_keys, struct vb_error *err)
{
    enum vb_status status = run_one(pg,
                                    "UPDATE verbatim.api_key"
                                    " SET revoked_at = coalesce(revoked_at, now())"
                                    " WHERE workspace_id = $1",
                                    id, NULL, err);
    uint64_t batch = 0;
    do {
        if (status == VB_OK)
            status = delete_batch(pg, id, &batch, err);
        if (status == VB_OK)
            *ret_jobs += batch;
    } while (status == VB_OK && batch > 0);
    return status == VB_OK ? delete_rest(pg, id, ret_keys, err) : status;
}

enum vb_status vb_command_workspace_delete(const struct vb_arguments *arguments,
                                           struct vb_error *err)
{
    struct vb_pg *pg = NULL;
    const char *id = arguments->word;
    uint64_t jobs = 0, keys = 0;
    char text[512];
    enum vb_status status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = vb_workspace_find(pg, id, err);
    if (status == VB_OK && !vb_argument(arguments, DELETE_YES))
        status = confirm(pg, id, err);
    if (status == VB_OK)
        status = delete_all(pg, id, &jobs, &keys, err);
    if (status == VB_OK) {
        snprintf(text, sizeof text,
                 "deleted workspace %.128s, %" PRIu64 " exports and %" PRIu64
                 " keys; the janitors delete the files, the audit stays\n",
                 id, jobs, keys);
        status = vb_command_print(text, err);
    }
    vb_pg_free(pg);
    return status;
}
