/* The thread that takes away what nobody needs any more: leftovers in the store, archives past
 * their retention, files that no row tells of, old rows.
 *
 * Several processes run one each. A clean-up row is claimed by moving its not_before ahead, in a
 * statement of its own; no transaction is open while the store is talked to, and the attempt's
 * number is the fence. What lies in another store than ours is left to those who have it.
 * Statements on rows are in janitor_rows.c.
 *
 * A clean-up row stands from before something may be left behind until two looks in a row, an hour
 * apart, have found nothing. One look is not enough: a worker that stalled may send a part after
 * it, to an upload that it believes to be its own. A look that fails, or finds something, begins
 * the count anew after a back-off. Looks are safe to repeat, so an answer that is lost costs one
 * look more: what is noted as our own while we look for work is taken up again.
 */
#include "janitor_rows.h"

#include "database/args.h"
#include "janitor.h"
#include "queue/presence.h"
#include "storage/storage.h"
#include "verbatim/columns.h"
#include "verbatim/hash.h"
#include "verbatim/metrics.h"

#include "prune.h"
#include "verbatim/pulse.h"
#include "verbatim/thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PAUSE 15.0 /* seconds from a failure to the retry, doubled up to: */
#define LONGEST_PAUSE 3600.0
#define SEARCH_EVERY (3600 * VB_SECOND) /* the walk through a whole directory */

struct vb_janitor {
    const struct vb_service *service;
    struct vb_pg *pg;
    struct vb_storage_session *session;
    struct vb_pulse pulse;
    struct vb_thread thread;
    int64_t searched_at; /* monotonic; 0: not yet */
    char foreign[1024];  /* the last set of other stores that was logged */
    char left[1024];     /* the same, of exports */
};

struct chore {
    PGresult *row;
    const char *id, *attempt, *job_id, *workspace_id, *key, *upload_id;
    char version[VB_VERSION]; /* of the object; after a refusal, the one that is kept */
    bool keep_object;
};

#define CHORE_ROW(FIRST, NEXT)                                                                     \
    FIRST(CHORE_ID, "cleanup_id")                                                                  \
    NEXT(CHORE_ATTEMPT, "attempts")                                                                \
    NEXT(CHORE_JOB, "job_id")                                                                      \
    NEXT(CHORE_WORKSPACE, "workspace_id")                                                          \
    NEXT(CHORE_KEY, "object_key")                                                                  \
    NEXT(CHORE_UPLOAD, "upload_id")                                                                \
    NEXT(CHORE_KEEPS_OBJECT, "keep_object")                                                        \
    NEXT(CHORE_VERSION, "coalesce(object_version, '')")
#define CHORE_ROW_LIST VB_COLUMN_LIST(CHORE_ROW)
enum { VB_COLUMN_NAMES(CHORE_ROW) CHORE_COLUMNS };

/* The lease is longer than any cleaning may take. A process that dies leaves the row to the next
 * one: at once where its end is known by its beats, else after the lease. A row that was claimed
 * within the last lease of a process is left alone: its first beat may be under way. $1: our
 * process, $2: a process's lease in microseconds, $3: store. */
/* clang-format off */
static const char claim_sql[] =
    "UPDATE verbatim.cleanup"
    " SET not_before = now() + interval '15 minutes',"
    " attempts = attempts + 1, process_id = $1::uuid, holders = '{}'"
    " WHERE cleanup_id = coalesce("
    "  (SELECT cleanup_id"
    "   FROM verbatim.cleanup"
    "   WHERE storage = $3 AND not_before <= now()"
    "   ORDER BY not_before LIMIT 1"
    "   FOR UPDATE SKIP LOCKED),"
    "  (SELECT o.cleanup_id"
    "   FROM verbatim.cleanup AS o"
    "   WHERE storage = $3"
    "   AND (o.process_id = $1::uuid"
    "   OR (not_before - interval '15 minutes' < now() - " VB_PROCESS_LEASE
    "   AND " VB_PROCESS_IS_GONE "))"
    "   ORDER BY not_before LIMIT 1"
    "   FOR UPDATE SKIP LOCKED))"
    " RETURNING " CHORE_ROW_LIST;
/* clang-format on */

/* VB_AGAIN: nothing is due. */
static enum vb_status claim(struct vb_janitor *janitor, struct chore *chore, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *row = NULL;
    vb_args_text(&args, janitor->service->process_id);
    vb_args_number(&args, janitor->service->options->lease);
    vb_args_text(&args, vb_storage_identity(janitor->service->storage));
    enum vb_status status = vb_args_query(janitor->pg, claim_sql, &args, &row, err);
    if (status != VB_OK)
        return status;
    if (PQntuples(row) == 0) {
        PQclear(row);
        return VB_AGAIN;
    }
    *chore = (struct chore){
        .row = row,
        .id = vb_pg_value(row, 0, CHORE_ID),
        .attempt = vb_pg_value(row, 0, CHORE_ATTEMPT),
        .job_id = vb_pg_value(row, 0, CHORE_JOB),
        .workspace_id = vb_pg_value(row, 0, CHORE_WORKSPACE),
        .key = vb_pg_value(row, 0, CHORE_KEY),
        .upload_id = vb_pg_value(row, 0, CHORE_UPLOAD),
        .keep_object = strcmp(vb_pg_value(row, 0, CHORE_KEEPS_OBJECT), "t") == 0,
    };
    (void)snprintf(chore->version, sizeof chore->version, "%s", vb_pg_value(row, 0, CHORE_VERSION));
    return VB_OK;
}

/* Clean: a second look after an hour, for a worker that woke up late; clean again: the row has done
 * its work. */
static enum vb_status record_clean(struct vb_janitor *janitor, const struct chore *chore,
                                   struct vb_error *err)
{
    const char *const parameters[] = {chore->id, chore->attempt};
    uint64_t rows = 0;
    enum vb_status status =
        vb_pg_exec(janitor->pg,
                   "DELETE FROM verbatim.cleanup"
                   " WHERE cleanup_id = $1::bigint AND attempts = $2::integer AND looks > 0",
                   2, parameters, &rows, err);
    if (status != VB_OK || rows > 0)
        return status;
    return vb_pg_exec(janitor->pg,
                      "UPDATE verbatim.cleanup"
                      " SET looks = looks + 1, attempts = 0, last_error = NULL, process_id = NULL,"
                      " not_before = now() + interval '1 hour'"
                      " WHERE cleanup_id = $1::bigint AND attempts = $2::integer",
                      2, parameters, NULL, err);
}

/* Back to no looks at all: two clean ones in a row are what ends a row. */
static enum vb_status record_unclean(struct vb_janitor *janitor, const struct chore *chore,
                                     const char *reason, struct vb_error *err)
{
    char seconds[32];
    double pause = FIRST_PAUSE;
    for (long i = strtol(chore->attempt, NULL, 10); i > 1 && pause < LONGEST_PAUSE; i--)
        pause *= 2;
    pause = (pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE) * (0.75 + vb_random_unit() / 2);
    snprintf(seconds, sizeof seconds, "%.3f", pause);
    const char *const parameters[] = {chore->id, chore->attempt, reason, seconds, chore->version};
    return vb_pg_exec(janitor->pg,
                      "UPDATE verbatim.cleanup"
                      " SET last_error = $3, looks = 0, process_id = NULL,"
                      " object_version = coalesce(nullif($5, ''), object_version),"
                      " not_before = now() + $4::float8 * interval '1 second'"
                      " WHERE cleanup_id = $1::bigint AND attempts = $2::integer",
                      5, parameters, NULL, err);
}

static enum vb_status take_away(struct vb_janitor *janitor, struct chore *chore, bool *ret_clean,
                                struct vb_error *err)
{
    if (chore->keep_object)
        return vb_storage_clean(janitor->session, chore->key, chore->upload_id, true, ret_clean,
                                err);
    return vb_storage_remove(janitor->session, chore->key, chore->upload_id, chore->version,
                             ret_clean, err);
}

static enum vb_status work_off(struct vb_janitor *janitor, struct chore *chore,
                               struct vb_error *err)
{
    bool clean = false;
    enum vb_status status = take_away(janitor, chore, &clean, err);
    if (status == VB_OK && clean) {
        vb_count(VB_COUNT_CLEANUPS, 1);
        return record_clean(janitor, chore, err);
    }
    if (status == VB_STOPPED)
        return status;
    if (status == VB_OK)
        vb_fail(err, VB_AGAIN, "something was still left behind");
    vb_warn("clean-up of %s is not done yet: %s", chore->key, err->text);
    char reason[sizeof err->text];
    memcpy(reason, err->text, sizeof reason);
    return record_unclean(janitor, chore, reason, err);
}

/* All rows that are due, one after the other. */
static enum vb_status work_off_all(struct vb_janitor *janitor, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    while (status == VB_OK && !vb_pulse_stopping(&janitor->pulse)) {
        struct chore chore;
        status = claim(janitor, &chore, err);
        if (status != VB_OK)
            break;
        vb_log_set(VB_LOG_JOB, chore.job_id);
        vb_log_set(VB_LOG_WORKSPACE, chore.workspace_id);
        status = work_off(janitor, &chore, err);
        vb_log_set(VB_LOG_JOB, NULL);
        vb_log_set(VB_LOG_WORKSPACE, NULL);
        PQclear(chore.row);
    }
    return status == VB_AGAIN ? VB_OK : status;
}

/* Rows of other stores wait for a process that has them: said when the set of them changes, not at
 * every look. */
static enum vb_status tell_foreign(struct vb_janitor *janitor, struct vb_error *err)
{
    char found[sizeof janitor->foreign];
    enum vb_status status = vb_janitor_foreign(
        janitor->pg, vb_storage_identity(janitor->service->storage), found, sizeof found, err);
    if (status != VB_OK || strcmp(found, janitor->foreign) == 0)
        return status;
    memcpy(janitor->foreign, found, sizeof found);
    if (found[0])
        vb_warn("clean-up in stores that this process does not have is left to others: %s", found);
    return VB_OK;
}

/* Exports that were ordered for another store, likewise: this process's workers leave them. */
static enum vb_status tell_left(struct vb_janitor *janitor, struct vb_error *err)
{
    char found[sizeof janitor->left];
    const char *own = vb_storage_identity(janitor->service->storage);
    enum vb_status status = vb_presence_foreign(janitor->pg, own, found, sizeof found, err);
    if (status != VB_OK || strcmp(found, janitor->left) == 0)
        return status;
    memcpy(janitor->left, found, sizeof found);
    if (found[0])
        vb_warn("exports that were ordered for another store than this process's (%s) are left to "
                "others: %s; all processes have to name the same storage",
                own, found);
    return VB_OK;
}

static bool asked(void *context)
{
    return vb_pulse_stopping(&((struct vb_janitor *)context)->pulse);
}

/* A folder that no clean-up row tells of, perhaps of a database that was set back. Age protects
 * what is in the making. */
static enum vb_status visit(void *context, const char *folder, const char *job_id, int64_t age)
{
    struct vb_janitor *janitor = context;
    struct vb_error err;
    int64_t least_age = 0;
    uint64_t removed = 0;
    vb_error_clear(&err);
    enum vb_status status = vb_janitor_patience(janitor->pg, job_id, &least_age, &err);
    if (status == VB_OK && age >= least_age)
        status = vb_storage_sweep(janitor->session, folder, least_age, &removed, &err);
    if (removed > 0)
        vb_info("removed %llu orphaned files of job %s", (unsigned long long)removed, job_id);
    if (status != VB_OK)
        vb_warn("orphans of job %s stay: %s", job_id, err.text);
    return status == VB_DATABASE || status == VB_DATABASE_AWAY
               ? status
               : VB_OK; /* one bad folder does not shield the rest */
}

/* The first search comes with the first round, then one an hour: it reads every folder. */
static enum vb_status search(struct vb_janitor *janitor, struct vb_error *err)
{
    int64_t now = vb_clock_monotonic();
    if (janitor->searched_at != 0 && now - janitor->searched_at < SEARCH_EVERY)
        return VB_OK;
    janitor->searched_at = now;
    return vb_storage_leftovers(janitor->session, VB_JANITOR_LEAST_AGE, visit, janitor, err);
}

/* Said by the process whose turn it was. */
static enum vb_status prune(struct vb_janitor *janitor, struct vb_error *err)
{
    bool ran = false;
    uint64_t rows = 0;
    enum vb_status status =
        vb_prune_daily(janitor->pg, janitor->service->options->prune_at, &ran, &rows, err);
    if (status == VB_OK && (ran || rows > 0))
        vb_info("pruned %llu exports whose retention has run out", (unsigned long long)rows);
    return status;
}

/* Retention comes first: it only writes clean-up rows, which are then worked off like all
 * others. */
static enum vb_status round_of(struct vb_janitor *janitor, struct vb_error *err)
{
    const char *identity = vb_storage_identity(janitor->service->storage);
    enum vb_status status =
        vb_janitor_expire(janitor->pg, identity, janitor->service->options->retention, err);
    if (status == VB_OK)
        status = prune(janitor, err);
    if (status == VB_OK)
        status = work_off_all(janitor, err);
    if (status == VB_OK)
        status = tell_foreign(janitor, err);
    if (status == VB_OK)
        status = tell_left(janitor, err);
    if (status == VB_OK)
        status = vb_janitor_old_rows(janitor->pg, err);
    if (status == VB_OK && !vb_pulse_stopping(&janitor->pulse))
        status = search(janitor, err);
    return status;
}

static void *run(void *context)
{
    struct vb_janitor *janitor = context;
    vb_log_set(VB_LOG_THREAD, "janitor");
    do {
        struct vb_error err;
        vb_error_clear(&err);
        enum vb_status status = round_of(janitor, &err);
        if (status != VB_OK && status != VB_STOPPED)
            vb_warn("cleaning up is put off: %s", err.text);
    } while (!vb_pulse_wait(&janitor->pulse, janitor->service->options->janitor_interval));
    return NULL;
}

static void janitor_free(struct vb_janitor *janitor)
{
    vb_storage_session_free(janitor->session);
    vb_pg_free(janitor->pg);
    vb_pulse_done(&janitor->pulse);
    free(janitor);
}

enum vb_status vb_janitor_start(const struct vb_service *service, struct vb_janitor **ret_janitor,
                                struct vb_error *err)
{
    const struct vb_pg_options options = {.connection_string = service->options->database_url,
                                          .application_name = "verbatim janitor",
                                          .role = VB_PG_WORKER,
                                          .prepared_statements =
                                              service->options->prepared_statements};
    struct vb_janitor *janitor = calloc(1, sizeof *janitor);
    if (!janitor)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the janitor");
    janitor->service = service;
    vb_pulse_init(&janitor->pulse);
    enum vb_status status = vb_pg_new(&options, &janitor->pg, err);
    if (status == VB_OK)
        status = vb_storage_session_new(service->storage, asked, janitor, &janitor->session, err);
    if (status == VB_OK)
        status = vb_thread_start(&janitor->thread, "vb-janitor", run, janitor, err);
    if (status != VB_OK) {
        janitor_free(janitor);
        return status;
    }
    *ret_janitor = janitor;
    return VB_OK;
}

struct vb_pulse *vb_janitor_pulse(struct vb_janitor *janitor)
{
    return &janitor->pulse;
}

void vb_janitor_connections(const struct vb_service *service, struct vb_connections *sum)
{
    (void)service;
    sum->database++;
}

void vb_janitor_request_stop(struct vb_janitor *janitor)
{
    if (janitor)
        vb_pulse_request_stop(&janitor->pulse);
}

void vb_janitor_stop(struct vb_janitor *janitor)
{
    if (!janitor)
        return;
    vb_pulse_request_stop(&janitor->pulse);
    vb_thread_join(&janitor->thread);
    janitor_free(janitor);
}
