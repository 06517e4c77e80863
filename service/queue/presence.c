/* See queue/presence.h. The row is made by the first beat and changed by the later ones, so a row
 * that was cleaned up meanwhile comes back. */
#include "presence.h"

#include "database/args.h"

#include "verbatim/log.h"
#include "verbatim/version.h"
#include "verbatim/zone.h"

#include <stdio.h>
#include <unistd.h>

#define HOST_NAME 256

/* $1 process, $2 fingerprint, $3 store, $4 threads, $5 lease in microseconds, $6 whether it serves,
 * $7 host, $8 version, $9 release of the time zones. */
static const char beat[] =
    "INSERT INTO verbatim.process (process_id, fingerprint, storage, worker_threads, lease, serves,"
    " host_name, version, zone_data)"
    " VALUES ($1, $2, $3, $4, $5::bigint * interval '1 microsecond', $6, $7, $8, $9)"
    " ON CONFLICT (process_id) DO UPDATE SET beat_at = clock_timestamp()";

enum vb_status vb_presence_beat(struct vb_pg *pg, const struct vb_presence *presence,
                                struct vb_error *err)
{
    struct vb_pg_args args = {0};
    char host[HOST_NAME] = "", zones[VB_ZONE_RELEASE];
    (void)gethostname(host, sizeof host - 1);
    vb_args_text(&args, presence->process_id);
    vb_args_text(&args, presence->fingerprint);
    vb_args_text(&args, presence->storage);
    vb_args_number(&args, presence->worker_threads);
    vb_args_number(&args, presence->lease);
    vb_args_text(&args, presence->serves ? "t" : "f");
    vb_args_text(&args, host);
    vb_args_text(&args, vb_version_number);
    vb_args_text(&args, vb_zone_release(zones) ? zones : NULL);
    return vb_args_exec(pg, beat, &args, NULL, err);
}

void vb_presence_forget(struct vb_pg *pg, const char *process_id)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, process_id);
    if (vb_args_exec(pg, "DELETE FROM verbatim.process WHERE process_id = $1", &args, NULL, NULL) !=
        VB_OK)
        vb_debug("the process's row stays until it is old");
}

static void keep_text(const PGresult *result, int column, char *ret_text, size_t size)
{
    const char *text = vb_pg_value(result, 0, column);
    (void)snprintf(ret_text, size, "%s", text ? text : "");
}

/* Queued ones by their stores, since there may be very many; of started exports only those that
 * nobody works on are looked at one by one. */
static const char unmanned[] =
    "SELECT coalesce(sum(u.jobs), 0)::bigint,"
    " string_agg(DISTINCT u.ordered_storage, ', ' ORDER BY u.ordered_storage)"
    " FROM (SELECT o.ordered_storage, o.jobs FROM (SELECT j.ordered_storage, count(*) AS jobs"
    "   FROM verbatim.job AS j WHERE j.status = 'queued' GROUP BY j.ordered_storage) AS o"
    "  WHERE NOT EXISTS (SELECT FROM verbatim.worker_alive AS w"
    "   WHERE o.ordered_storage IS NULL OR w.storage = o.ordered_storage)"
    " UNION ALL SELECT j.ordered_storage, 1 FROM verbatim.job AS j"
    "  WHERE j.status = 'started'"
    "  AND verbatim.job_waits(j.job_id, j.status, j.ordered_storage) = 'worker') AS u";

enum vb_status vb_presence_unmanned(struct vb_pg *pg, int64_t *ret_jobs, char *ret_text,
                                    size_t size, struct vb_error *err)
{
    const struct vb_pg_args none = {0};
    PGresult *result = NULL;
    enum vb_status status = vb_args_query(pg, unmanned, &none, &result, err);
    if (status != VB_OK)
        return status;
    *ret_jobs = vb_row_number(result, 0, 0);
    keep_text(result, 1, ret_text, size);
    PQclear(result);
    return VB_OK;
}

enum vb_status vb_presence_foreign(struct vb_pg *pg, const char *storage, char *ret_text,
                                   size_t size, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    vb_args_text(&args, storage);
    enum vb_status status =
        vb_args_query(pg,
                      "SELECT string_agg(DISTINCT j.ordered_storage, ', '"
                      " ORDER BY j.ordered_storage)"
                      " FROM verbatim.job AS j"
                      " WHERE j.status IN ('queued', 'started') AND j.ordered_storage <> $1",
                      &args, &result, err);
    if (status != VB_OK)
        return status;
    keep_text(result, 0, ret_text, size);
    PQclear(result);
    return VB_OK;
}
