/* The doctor's look at who runs, what waits for whom, and the time zones: those of this machine, of
 * the workspaces, of the other processes.
 *
 * Comes behind a schema that fits; the connection is the owner's. Changes nothing.
 */
#include "doctor.h"

#include "queue/presence.h"
#include "queue/zones.h"
#include "verbatim/zone.h"

#include <string.h>

#define PROCESSES "processes"
#define ZONES "time zones"
#define DATABASE_REMEDY "check database_url"

static void report_failure(struct vb_doctor *doctor, const char *subject,
                           const struct vb_error *err)
{
    vb_doctor_report(doctor, VB_FINDING_FAILED, subject, DATABASE_REMEDY, "%s", err->text);
}

static void report_unmanned(struct vb_doctor *doctor, int64_t jobs, const char *stores)
{
    if (stores[0])
        vb_doctor_report(doctor, VB_FINDING_FAILED, PROCESSES,
                         "start verbatim worker with that storage, or cancel them",
                         "%lld exports wait and no worker lives that writes to where they were "
                         "ordered: %s",
                         (long long)jobs, stores);
    else
        vb_doctor_report(doctor, VB_FINDING_FAILED, PROCESSES, "start verbatim worker",
                         "%lld exports wait and no worker lives", (long long)jobs);
}

/* That nobody runs is no fault by itself: the doctor comes before the first start. */
static void check_workers(struct vb_doctor *doctor, struct vb_pg *pg)
{
    struct vb_error err;
    PGresult *result = NULL;
    int64_t unmanned = 0;
    char stores[600];
    vb_error_clear(&err);
    if (vb_presence_unmanned(pg, &unmanned, stores, sizeof stores, &err) != VB_OK ||
        vb_pg_query(pg,
                    "SELECT count(*), coalesce(sum(worker_threads), 0),"
                    " count(DISTINCT storage), (SELECT count(*) FROM verbatim.process"
                    "  WHERE serves AND " VB_PRESENCE_LIVES ")"
                    " FROM verbatim.worker_alive",
                    0, NULL, &result, &err) != VB_OK) {
        report_failure(doctor, PROCESSES, &err);
        return;
    }
    if (unmanned > 0)
        report_unmanned(doctor, unmanned, stores);
    else if (strcmp(vb_pg_value(result, 0, 2), "0") != 0 &&
             strcmp(vb_pg_value(result, 0, 2), "1") != 0)
        vb_doctor_report(doctor, VB_FINDING_WARNING, PROCESSES,
                         "let all of them name the same storage, in the same way",
                         "workers write to %s stores: each leaves what was ordered for another",
                         vb_pg_value(result, 0, 2));
    else
        vb_doctor_report(doctor, VB_FINDING_OK, PROCESSES, NULL,
                         "%s take requests, %s work with %s threads", vb_pg_value(result, 0, 3),
                         vb_pg_value(result, 0, 0), vb_pg_value(result, 0, 1));
    PQclear(result);
}

struct strangers {
    struct vb_doctor *doctor;
    unsigned told;
};

static void report_zone(void *context, const char *workspace, const char *zone)
{
    struct strangers *strangers = context;
    strangers->told++;
    vb_doctor_report(strangers->doctor, VB_FINDING_FAILED, ZONES,
                     "install the system's time zones (Debian: tzdata), or verbatim workspace set "
                     "--time-zone",
                     "workspace %s: %s is not known on this machine", workspace, zone);
}

static void report_release(struct vb_doctor *doctor, const char *release, unsigned strangers)
{
    if (!release[0])
        vb_doctor_report(doctor, VB_FINDING_WARNING, ZONES,
                         "install the system's time zones (Debian: tzdata)",
                         "the system does not say which release it has");
    else if (vb_zone_release_is_old(release, vb_clock_now()))
        vb_doctor_report(doctor, VB_FINDING_WARNING, ZONES, "update the package tzdata",
                         "release %s is more than a year old: clocks may have been changed since",
                         release);
    else if (strangers == 0)
        vb_doctor_report(doctor, VB_FINDING_OK, ZONES, NULL,
                         "release %s, all zones of workspaces are known", release);
}

/* An hour that one process names otherwise than the next is in neither's log. */
static void check_others(struct vb_doctor *doctor, struct vb_pg *pg, const char *release)
{
    struct vb_error err;
    PGresult *result = NULL;
    const char *const parameters[] = {release};
    vb_error_clear(&err);
    if (vb_pg_query(pg,
                    "SELECT string_agg(DISTINCT host_name || ' ' || zone_data, ', ')"
                    " FROM verbatim.process"
                    " WHERE zone_data <> $1 AND $1 <> '' AND " VB_PRESENCE_LIVES,
                    1, parameters, &result, &err) != VB_OK) {
        report_failure(doctor, ZONES, &err);
        return;
    }
    if (vb_pg_value(result, 0, 0))
        vb_doctor_report(doctor, VB_FINDING_WARNING, ZONES,
                         "bring all machines to one release of tzdata, and restart",
                         "processes have other releases than this machine's %s: %s", release,
                         vb_pg_value(result, 0, 0));
    PQclear(result);
}

void vb_doctor_processes(struct vb_doctor *doctor, struct vb_pg *pg)
{
    struct vb_error err;
    struct strangers strangers = {doctor, 0};
    char release[VB_ZONE_RELEASE] = "";
    vb_error_clear(&err);
    check_workers(doctor, pg);
    if (vb_zones_unknown(pg, report_zone, &strangers, &err) != VB_OK)
        report_failure(doctor, ZONES, &err);
    if (!vb_zone_release(release))
        release[0] = '\0';
    report_release(doctor, release, strangers.told);
    check_others(doctor, pg, release);
}
