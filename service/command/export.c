/* verbatim export: orders one channel's days, and if wanted waits for the end and fetches the file.
 *
 * The job is the queue's like any other, and is worked on by the processes that run; this one only
 * looks on. Ended by a signal it leaves the job to them and says how to find it. Progress goes to
 * standard error; standard output has the one thing that was asked for: the job's id, its link, or
 * with --json the job.
 */
#include "jobs.h"

#include "export_file.h"
#include "output/progress.h"
#include "queue/audit.h"
#include "queue/view.h"
#include "settings/process.h"
#include "storage/storage.h"
#include "verbatim/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Positions of the command's flags in command.c. */
enum { WORKSPACE, CHANNEL, FROM, TO, ACTIVITY, FORMAT, OUTPUT, WAIT, JSON };
#define LOOK_EVERY (VB_SECOND / 2)

/* All of one run. */
struct run {
    const struct vb_arguments *arguments;
    struct vb_pg *pg;
    struct vb_storage *storage; /* NULL: nobody waits */
    char job[VB_UUID_TEXT];
    struct vb_progress progress;
};

/* --- the order --- */

static enum vb_status check(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct {
        size_t flag;
        const char *name;
    } needed[] = {{WORKSPACE, "workspace"}, {CHANNEL, "channel"}, {FROM, "from"}, {TO, "to"}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!vb_argument(arguments, needed[i].flag))
            return vb_fail(err, VB_INVALID, "--%s is required", needed[i].name);
    const char *output = vb_argument(arguments, OUTPUT);
    return output ? vb_export_file_check(output, err) : VB_OK;
}

/* In the words of a specification; a number with its plus is a channel's phone number. */
static enum vb_status specify(const struct vb_arguments *arguments, struct vb_specification *wanted,
                              struct vb_error *err)
{
    const char *channel = vb_argument(arguments, CHANNEL);
    const char *format = vb_argument(arguments, FORMAT);
    struct vb_buffer text;
    struct vb_json json;
    vb_buffer_init(&text, 65536);
    vb_json_init(&json, &text);
    vb_json_begin_object(&json);
    vb_json_name(&json, "select");
    vb_json_begin_object(&json);
    vb_json_member_text(&json, *channel == '+' ? "phone_number" : "channel_id", channel);
    vb_json_end_object(&json);
    vb_json_name(&json, "filter");
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "from", vb_argument(arguments, FROM));
    vb_json_member_text(&json, "to", vb_argument(arguments, TO));
    if (vb_argument(arguments, ACTIVITY))
        vb_json_member_boolean(&json, "activity", true);
    vb_json_end_object(&json);
    if (format)
        vb_json_member_text(&json, "format", format);
    vb_json_end_object(&json);
    enum vb_status status = vb_json_status(&json);
    status = status == VB_OK ? vb_jobs_parse((struct vb_view){text.data, text.length}, wanted, err)
                             : vb_fail(err, status, "the flags are too long");
    vb_buffer_done(&text);
    return status;
}

/* Who waits fetches from his own store, so the file has to be written there. */
static enum vb_status order(struct run *run, struct vb_error *err)
{
    struct vb_jobs_wish wish = {.workspace = vb_argument(run->arguments, WORKSPACE),
                                .door = "native",
                                .storage = run->storage ? vb_storage_identity(run->storage) : NULL};
    enum vb_status status = specify(run->arguments, &wish.specification, err);
    if (status == VB_OK)
        status = vb_jobs_order(&run->arguments->options, run->pg, &wish, run->job, err);
    return status;
}

/* --- the wait --- */

/* $1 job. */
static const char look_sql[] =
    "SELECT j.status, j.error_message, c.counts[1], j.conversations_total, c.counts[2],"
    " " VB_JOB_WAITS " FROM verbatim.job AS j CROSS JOIN LATERAL (SELECT " VB_JOB_COUNTS
    " AS counts) AS c"
    " WHERE j.job_id = $1::uuid";
enum { LOOK_STATUS, LOOK_ERROR, LOOK_DONE, LOOK_TOTAL, LOOK_MESSAGES, LOOK_WAITS };

static uint64_t number_at(const PGresult *row, int column)
{
    return PQgetisnull(row, 0, column) ? 0 : strtoull(PQgetvalue(row, 0, column), NULL, 10);
}

static void tell_look(struct run *run, const PGresult *row)
{
    const char *waits = vb_pg_value(row, 0, LOOK_WAITS);
    uint64_t done = number_at(row, LOOK_DONE), total = number_at(row, LOOK_TOTAL);
    char more[160] = "", doing[64];
    snprintf(doing, sizeof doing, "%s", PQgetvalue(row, 0, LOOK_STATUS));
    if (waits && strcmp(waits, "worker") == 0)
        snprintf(doing, sizeof doing, "waiting: no worker runs");
    else if (waits)
        snprintf(doing, sizeof doing, "waiting for %s",
                 strcmp(waits, "turn") == 0 ? "its turn" : "the source");
    if (total > 0)
        snprintf(more, sizeof more, "%" PRIu64 " of %" PRIu64 " conversations", done, total);
    else if (done > 0)
        snprintf(more, sizeof more, "%" PRIu64 " conversations, %" PRIu64 " messages", done,
                 number_at(row, LOOK_MESSAGES));
    vb_progress_tell(&run->progress, doing, more, done, total);
}

/* VB_AGAIN: it goes on. */
static enum vb_status judge_look(const struct run *run, const PGresult *row, struct vb_error *err)
{
    if (PQntuples(row) == 0)
        return vb_fail(err, VB_NOT_FOUND, "job %s was deleted meanwhile", run->job);
    const char *status = PQgetvalue(row, 0, LOOK_STATUS);
    if (strcmp(status, "finished") == 0)
        return VB_OK;
    if (strcmp(status, "cancelled") == 0)
        return vb_fail(err, VB_CONFLICT, "job %s was cancelled", run->job);
    if (strcmp(status, "failed") == 0)
        return vb_fail(err, VB_SOURCE, "job %s failed: %.400s", run->job,
                       PQgetvalue(row, 0, LOOK_ERROR));
    return VB_AGAIN;
}

/* A database that is away for a moment ends nothing: the job does not hang on this process. */
static enum vb_status wait_for_end(struct run *run, struct vb_error *err)
{
    const char *const id[] = {run->job};
    enum vb_status status = VB_AGAIN;
    while (status == VB_AGAIN) {
        PGresult *row = NULL;
        status = vb_pg_query(run->pg, look_sql, 1, id, &row, err);
        if (status == VB_OK) {
            status = judge_look(run, row, err);
            if (status == VB_OK || status == VB_AGAIN)
                tell_look(run, row);
        } else if (vb_status_retryable(status)) {
            vb_progress_tell(&run->progress, "the database does not answer", "", 0, 0);
            status = VB_AGAIN;
        }
        PQclear(row);
        if (status == VB_AGAIN && vb_signals_wait(LOOK_EVERY))
            return vb_fail(err, VB_STOPPED,
                           "no longer waiting: the job goes on; verbatim jobs show %s tells of it",
                           run->job);
    }
    return status;
}

/* --- the file, the link --- */

/* $1 job. Times in microseconds since 1970. */
static const char file_sql[] =
    "SELECT j.object_key, j.size, coalesce(j.crc32, -1), j.file_name, j.storage,"
    " (extract(epoch FROM j.finished_at) * 1000000)::bigint,"
    " (extract(epoch FROM j.link_expires_at) * 1000000)::bigint"
    " FROM verbatim.job AS j WHERE j.job_id = $1::uuid AND j.object_key IS NOT NULL"
    " AND j.archive_deleted_at IS NULL";
enum { FILE_KEY, FILE_SIZE, FILE_CRC, FILE_NAME, FILE_STORAGE, FILE_FINISHED, FILE_EXPIRES };

static bool is_interrupted(void *context)
{
    (void)context;
    return vb_signals_wait(0);
}

static enum vb_status save(struct run *run, const PGresult *row, const char *path,
                           struct vb_error *err)
{
    struct vb_storage_session *session = NULL;
    const struct vb_export_file file = {.key = PQgetvalue(row, 0, FILE_KEY),
                                        .size = number_at(row, FILE_SIZE),
                                        .crc = strtoll(PQgetvalue(row, 0, FILE_CRC), NULL, 10)};
    enum vb_status status =
        vb_storage_session_new(run->storage, is_interrupted, NULL, &session, err);
    if (status == VB_OK)
        status = vb_export_file_save(session, &file, path, &run->progress, err);
    vb_storage_session_free(session);
    vb_progress_end(&run->progress);
    if (status == VB_OK) /* the doors note each download, too */
        status = vb_audit_event(run->pg, run->job, "download", VB_COMMAND_AUTHOR, err);
    if (status == VB_OK)
        fprintf(stderr, "wrote %s: %" PRIu64 " bytes\n", path, file.size);
    return status;
}

static enum vb_status print_link(struct run *run, const PGresult *row, struct vb_error *err)
{
    struct vb_link_secrets secrets = {0};
    struct vb_buffer link;
    vb_buffer_init(&link, 65536);
    enum vb_status status = vb_link_secrets_load(run->pg, &secrets, err);
    if (status == VB_OK)
        status = vb_storage_link(run->storage, &secrets, PQgetvalue(row, 0, FILE_KEY),
                                 PQgetvalue(row, 0, FILE_NAME),
                                 (vb_instant)number_at(row, FILE_FINISHED),
                                 (vb_instant)number_at(row, FILE_EXPIRES), &link, err);
    if (status == VB_OK && vb_buffer_append_byte(&link, '\n') != VB_OK)
        status = vb_fail(err, VB_NO_MEMORY, "no memory for the link");
    if (status == VB_OK)
        status = vb_command_print(link.data, err);
    explicit_bzero(&secrets, sizeof secrets);
    vb_buffer_done(&link);
    return status;
}

/* It may lie elsewhere where a process of the version before took it. */
static enum vb_status hand_out(struct run *run, struct vb_error *err)
{
    const char *const id[] = {run->job};
    const char *path = vb_argument(run->arguments, OUTPUT);
    PGresult *row = NULL;
    enum vb_status status = vb_pg_query(run->pg, file_sql, 1, id, &row, err);
    if (status == VB_OK && PQntuples(row) == 0)
        status = vb_fail(err, VB_NOT_FOUND, "the file of job %s is gone already", run->job);
    if (status == VB_OK &&
        strcmp(PQgetvalue(row, 0, FILE_STORAGE), vb_storage_identity(run->storage)) != 0)
        status = vb_fail(err, VB_CONFLICT, "the file lies in another store than storage names: %s",
                         PQgetvalue(row, 0, FILE_STORAGE));
    if (status == VB_OK && path)
        status = save(run, row, path, err);
    else if (status == VB_OK && !vb_argument(run->arguments, JSON))
        status = print_link(run, row, err);
    PQclear(row);
    return status;
}

static enum vb_status wait_and_hand_out(struct run *run, struct vb_error *err)
{
    fprintf(stderr, "job %s\n", run->job);
    vb_progress_begin(&run->progress);
    enum vb_status status = wait_for_end(run, err);
    vb_progress_end(&run->progress);
    return status == VB_OK ? hand_out(run, err) : status;
}

enum vb_status vb_command_export(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct run run = {.arguments = arguments};
    bool as_json = vb_argument(arguments, JSON) != NULL;
    bool waits = vb_argument(arguments, WAIT) || vb_argument(arguments, OUTPUT);
    char line[VB_UUID_TEXT + 1];
    enum vb_status status = check(arguments, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &run.pg, err);
    if (waits)
        vb_signals_block(); /* before the store starts a thread */
    if (status == VB_OK && waits)
        status = vb_storage_new(&arguments->options, &run.storage, err);
    if (status == VB_OK)
        status = order(&run, err);
    if (status == VB_OK && waits)
        status = wait_and_hand_out(&run, err);
    if (status == VB_OK && as_json)
        status = vb_jobs_show(run.pg, run.job, true, err);
    snprintf(line, sizeof line, "%s\n", run.job);
    if (status == VB_OK && !as_json && !waits)
        status = vb_command_print(line, err);
    vb_storage_free(run.storage);
    vb_pg_free(run.pg);
    return status;
}
