/* verbatim status: who is there, what waits, and whether what exports stand on answers.
 *
 * One look, from the rows that processes and jobs keep; it asks no process. Ages are by the
 * database's clock. A database without a schema is told as such, and the storage is looked at once;
 * neither makes the command fail, since telling is its work: status 1 is a database that does not
 * answer.
 */
#include "command.h"

#include "database/migrate.h"
#include "output/table.h"
#include "queue/presence.h"
#include "storage/storage.h"
#include "verbatim/json.h"
#include "verbatim/version.h"

#include <stdio.h>
#include <string.h>

enum { JSON };
#define TEXT_CEILING (1u << 20)
#define STORE_PATIENCE (10 * VB_SECOND)

static const char processes_sql[] = "SELECT process_id, host_name,"
                                    " CASE WHEN serves AND worker_threads > 0 THEN 'serve'"
                                    " WHEN serves THEN 'serve, no workers' ELSE 'worker' END,"
                                    " worker_threads, version, storage, started_at, beat_at,"
                                    " CASE WHEN " VB_PRESENCE_LIVES " THEN 'live' ELSE 'silent' END"
                                    " FROM verbatim.process ORDER BY started_at, process_id";
static const struct vb_column process_columns[] = {
    {.name = "process_id", .label = "process"},
    {.name = "host_name", .label = "host", .may_shrink = true},
    {.name = "role"},
    {.name = "workers", .kind = VB_CELL_NUMBER},
    {.name = "version"},
    {.name = "storage", .may_shrink = true},
    {.name = "started_at", .kind = VB_CELL_TIME, .label = "started"},
    {.name = "beat_at", .kind = VB_CELL_TIME, .label = "last beat"},
    {.name = "state", .kind = VB_CELL_STATE},
};

/* One row: the queue and what is behind it. */
static const char queue_sql[] =
    "SELECT count(*) FILTER (WHERE j.status = 'queued'),"
    " count(*) FILTER (WHERE j.status = 'started'),"
    " (SELECT count(*) FROM verbatim.segment AS s WHERE s.status = 'running'),"
    " (SELECT count(*) FROM verbatim.segment AS s JOIN verbatim.job AS o USING (job_id)"
    " WHERE s.status = 'waiting' AND o.status IN ('queued', 'started')),"
    " extract(epoch FROM clock_timestamp() - min(j.created_at)"
    " FILTER (WHERE j.status = 'queued'))::bigint,"
    " (SELECT count(*) FROM verbatim.outbox WHERE sent_at IS NULL AND given_up_at IS NULL),"
    " (SELECT count(*) FROM verbatim.outbox WHERE given_up_at IS NOT NULL),"
    " (SELECT count(*) FROM verbatim.cleanup),"
    " (SELECT count(*) FROM verbatim.cleanup WHERE not_before < now() - interval '1 day')"
    " FROM verbatim.job AS j WHERE j.status IN ('queued', 'started')";
static const struct vb_column summary_columns[] = {
    {.name = "version"},
    {.name = "database"},
    {.name = "schema_version", .kind = VB_CELL_NUMBER},
    {.name = "schema_needed", .kind = VB_CELL_NUMBER},
    {.name = "storage"},
    {.name = "storage_answers", .kind = VB_CELL_BOOLEAN},
    {.name = "storage_error"},
    {.name = "jobs_queued", .kind = VB_CELL_NUMBER},
    {.name = "jobs_started", .kind = VB_CELL_NUMBER},
    {.name = "segments_running", .kind = VB_CELL_NUMBER},
    {.name = "segments_waiting", .kind = VB_CELL_NUMBER},
    {.name = "oldest_waiting_seconds", .kind = VB_CELL_NUMBER},
    {.name = "mails_waiting", .kind = VB_CELL_NUMBER},
    {.name = "mails_given_up", .kind = VB_CELL_NUMBER},
    {.name = "clean_ups", .kind = VB_CELL_NUMBER},
    {.name = "clean_ups_overdue", .kind = VB_CELL_NUMBER},
};
enum { SUMMARY = sizeof summary_columns / sizeof *summary_columns, QUEUE_FIRST = 7 };

static bool is_late(void *until)
{
    return vb_clock_monotonic() > *(const int64_t *)until;
}

static enum vb_status look_at_store(const struct vb_options *options, struct vb_error *err)
{
    struct vb_storage *storage = NULL;
    struct vb_storage_session *session = NULL;
    int64_t until = vb_clock_monotonic() + STORE_PATIENCE;
    enum vb_status status = vb_storage_check_folder(options, err);
    /* A directory is not opened as a store: the first to do so leaves its mark in it. */
    if (status != VB_OK || strncmp(options->storage, "file:", 5) == 0)
        return status;
    status = vb_storage_new(options, &storage, err);
    if (status == VB_OK)
        status = vb_storage_session_new(storage, is_late, &until, &session, err);
    if (status == VB_OK)
        status = vb_storage_ready(session, err);
    vb_storage_session_free(session);
    vb_storage_free(storage);
    return status;
}

/* The queue's rows stay NULL where there is no schema of this version or a newer one to ask. */
static enum vb_status fill_summary(struct vb_pg *pg, const struct vb_options *options, int version,
                                   const PGresult *queue, struct vb_table *table,
                                   struct vb_error *err)
{
    const char *cells[SUMMARY] = {NULL};
    char numbers[2][16], place[512];
    struct vb_error store;
    bool answers = look_at_store(options, &store) == VB_OK;
    const PGconn *connection = vb_pg_connection(pg);
    snprintf(numbers[0], sizeof numbers[0], "%d", version);
    snprintf(numbers[1], sizeof numbers[1], "%d", vb_schema_newest());
    snprintf(place, sizeof place, "%s at %s:%s", PQdb(connection), PQhost(connection),
             PQport(connection));
    cells[0] = vb_version_number;
    cells[1] = place;
    cells[2] = version < 0 ? NULL : numbers[0];
    cells[3] = numbers[1];
    cells[4] = options->storage;
    cells[5] = answers ? "t" : "f";
    cells[6] = answers ? NULL : store.text;
    for (int i = QUEUE_FIRST; i < SUMMARY && queue; i++)
        cells[i] = vb_pg_value(queue, 0, i - QUEUE_FIRST);
    enum vb_status status = vb_table_add(table, cells);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no room for the status");
}

/* {"version": ..., ..., "processes": [...]}: the summary's object, opened for one more member. */
static enum vb_status write_json(const struct vb_table *summary, const struct vb_table *processes,
                                 struct vb_buffer *out)
{
    const struct vb_look look = {.as_json = true};
    enum vb_status status = vb_table_render_one(summary, &look, out);
    if (status != VB_OK)
        return status;
    out->length -= 2; /* the bracket and the line's end */
    status = vb_buffer_append_text(out, ",\"processes\":");
    if (status == VB_OK)
        status = vb_table_render(processes, &look, out);
    if (status != VB_OK)
        return status;
    out->length -= 1;
    return vb_buffer_append_text(out, "}\n");
}

static enum vb_status print(const struct vb_table *summary, const struct vb_table *processes,
                            bool as_json, struct vb_error *err)
{
    struct vb_look look = vb_look_here(as_json);
    struct vb_buffer text;
    vb_buffer_init(&text, TEXT_CEILING);
    enum vb_status status = as_json ? write_json(summary, processes, &text)
                                    : vb_table_render_one(summary, &look, &text);
    if (status == VB_OK && !as_json && processes->row_count > 0) {
        status = vb_buffer_append_byte(&text, '\n');
        if (status == VB_OK)
            status = vb_table_render(processes, &look, &text);
    } else if (status == VB_OK && !as_json) {
        status = vb_buffer_append_text(&text, "\nno process of verbatim serve or worker runs\n");
    }
    status = status == VB_OK ? vb_command_print(text.data, err)
                             : vb_fail(err, status, "no room for the status");
    vb_buffer_done(&text);
    return status;
}

enum vb_status vb_command_status(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_pg *pg = NULL;
    PGresult *queue = NULL, *rows = NULL;
    struct vb_table summary, processes;
    int version = -1;
    vb_table_init(&summary, summary_columns, SUMMARY);
    vb_table_init(&processes, process_columns, sizeof process_columns / sizeof *process_columns);
    enum vb_status status = vb_command_login(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = vb_schema_version(pg, &version, err);
    bool may_ask = version >= vb_schema_newest();
    if (status == VB_OK && may_ask)
        status = vb_pg_query(pg, queue_sql, 0, NULL, &queue, err);
    if (status == VB_OK && may_ask)
        status = vb_pg_query(pg, processes_sql, 0, NULL, &rows, err);
    if (status == VB_OK && rows && (status = vb_table_add_rows(&processes, rows)) != VB_OK)
        vb_fail(err, status, "no room for the processes");
    if (status == VB_OK)
        status = fill_summary(pg, &arguments->options, version, queue, &summary, err);
    if (status == VB_OK)
        status = print(&summary, &processes, vb_argument(arguments, JSON) != NULL, err);
    PQclear(rows);
    PQclear(queue);
    vb_pg_free(pg);
    vb_table_done(&processes);
    vb_table_done(&summary);
    return status;
}
