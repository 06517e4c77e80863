/* The doctor's look at the database: connection, schema, roles, clock, secrets of links. Asked in
 * that order, since each needs the ones before; what fails ends what depends on it, and no more.
 *
 * The connection is the owner's, with a further one for each role: a role is tried the way the
 * process takes it on. Changes nothing.
 */
#include "doctor.h"

#include "database/migrate.h"
#include "database/pg.h"
#include "database/rights.h"

#include <stdio.h>
#include <stdlib.h>

#define SUBJECT "database"
#define SKEW_MOST (5 * VB_SECOND) /* links are dated by our clock, leases by the database's */
/* Of whatever fails before the schema is known. */
#define CONNECT_REMEDY "check database_url, and that PostgreSQL runs and lets this user in"

/* The caller frees it. */
static enum vb_status open_as(const struct vb_doctor *doctor, enum vb_pg_role role,
                              struct vb_pg **ret_pg, struct vb_error *err)
{
    const struct vb_pg_options wanted = {.connection_string = doctor->options->database_url,
                                         .application_name = "verbatim doctor",
                                         .role = role,
                                         .prepared_statements =
                                             doctor->options->prepared_statements};
    struct vb_pg *pg = NULL;
    enum vb_status status = vb_pg_new(&wanted, &pg, err);
    if (status == VB_OK)
        status = vb_pg_connect(pg, err);
    if (status == VB_OK)
        *ret_pg = pg;
    else
        vb_pg_free(pg);
    return status;
}

/* The middle of the round trip is compared, so a slow network is no skew. */
static enum vb_status compare_clocks(struct vb_pg *pg, int64_t *ret_skew, struct vb_error *err)
{
    PGresult *result = NULL;
    vb_instant before = vb_clock_now();
    enum vb_status status =
        vb_pg_query(pg, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", 0, NULL,
                    &result, err);
    if (status != VB_OK)
        return status;
    vb_instant after = vb_clock_now();
    *ret_skew = strtoll(vb_pg_value(result, 0, 0), NULL, 10) - (before + (after - before) / 2);
    PQclear(result);
    return VB_OK;
}

static void check_clock(struct vb_doctor *doctor, struct vb_pg *pg)
{
    struct vb_error err;
    int64_t skew = 0;
    vb_error_clear(&err);
    if (compare_clocks(pg, &skew, &err) != VB_OK)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, CONNECT_REMEDY, "%s", err.text);
    else if (skew > SKEW_MOST || skew < -SKEW_MOST)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT,
                         "let both machines follow a time server: links are dated by this one",
                         "its clock and ours are %.1f s apart", (double)skew / (double)VB_SECOND);
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "clocks are %.3f s apart",
                         (double)skew / (double)VB_SECOND);
}

/* Each role as the process takes it on, with a table that it has to read. A login that is no
 * member, a role that is missing and a right that was never granted all show here, each in the
 * server's own words. */
static bool check_role(struct vb_doctor *doctor, enum vb_pg_role role, const char *name)
{
    struct vb_error err;
    struct vb_pg *pg = NULL;
    PGresult *result = NULL;
    vb_error_clear(&err);
    enum vb_status status = open_as(doctor, role, &pg, &err);
    if (status == VB_OK)
        status = vb_pg_query(pg, "SELECT FROM verbatim.workspace LIMIT 1", 0, NULL, &result, &err);
    PQclear(result);
    vb_pg_free(pg);
    if (status != VB_OK)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "run verbatim migrate, and make the login a member of both roles",
                         "role %s: %s", name, err.text);
    return status == VB_OK;
}

/* Whoever may take on the roles of earlier versions reads this installation from any other in
 * the cluster. */
static void check_sharing(struct vb_doctor *doctor, struct vb_pg *pg)
{
    struct vb_error err;
    struct vb_roles roles;
    char remedy[1600];
    vb_error_clear(&err);
    if (vb_rights_look(pg, &roles, &err) != VB_OK) {
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, CONNECT_REMEDY, "%s", err.text);
        return;
    }
    if (!roles.is_shared)
        return;
    snprintf(remedy, sizeof remedy,
             "once no process of an earlier version runs: verbatim retire-shared-roles%s%s%s%s",
             roles.left[0] ? "; before that GRANT " : "", roles.left[0] ? roles.own : "",
             roles.left[0] ? " to the service's login, if it is one of " : "", roles.left);
    vb_doctor_report(
        doctor, VB_FINDING_WARNING, SUBJECT, remedy,
        "verbatim_api and verbatim_worker, which all databases of the cluster share, have "
        "rights here: logins of other installations may read this one");
}

/* Before PostgreSQL 16 who may create roles may also take on any but a superuser's. */
static void check_login(struct vb_doctor *doctor, struct vb_pg *pg)
{
    struct vb_error err;
    PGresult *result = NULL;
    vb_error_clear(&err);
    if (vb_pg_query(pg,
                    "SELECT quote_ident(rolname)"
                    " FROM pg_roles"
                    " WHERE rolname = session_user"
                    " AND rolcreaterole"
                    " AND NOT rolsuper"
                    " AND current_setting('server_version_num')::int < 160000",
                    0, NULL, &result, &err) != VB_OK)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, CONNECT_REMEDY, "%s", err.text);
    else if (PQntuples(result) > 0)
        vb_doctor_report(
            doctor, VB_FINDING_WARNING, SUBJECT,
            "ALTER ROLE ... NOCREATEROLE, and run migrate under another login",
            "the login %s may create roles, and so take on those of every installation in "
            "the cluster",
            vb_pg_value(result, 0, 0));
    PQclear(result);
}

/* Without the schema no role can be tried: its tables are what they read. False: it is not there,
 * or not as this program needs it. */
static bool check_schema(struct vb_doctor *doctor, struct vb_pg *pg)
{
    struct vb_error err;
    vb_error_clear(&err);
    if (vb_schema_check(pg, &err) != VB_OK) {
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "run verbatim migrate of this version of the program", "%s", err.text);
        return false;
    }
    bool api = check_role(doctor, VB_PG_API, "verbatim_api");
    bool worker = check_role(doctor, VB_PG_WORKER, "verbatim_worker");
    if (!api || !worker)
        return true;
    check_sharing(doctor, pg);
    check_login(doctor, pg);
    if (vb_link_secrets_load(pg, &doctor->secrets, &err) != VB_OK)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, "run verbatim migrate", "%s",
                         err.text);
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "PostgreSQL %d%s, schema verbatim fits, both roles can be taken on",
                         PQserverVersion(vb_pg_connection(pg)) / 10000,
                         doctor->options->prepared_statements && !vb_pg_has_session(pg)
                             ? " behind a pooler"
                             : "");
    vb_doctor_processes(doctor, pg);
    return true;
}

/* The clock is compared also where the schema is wrong: it needs none. */
void vb_doctor_database(struct vb_doctor *doctor)
{
    struct vb_error err;
    struct vb_pg *pg = NULL;
    vb_error_clear(&err);
    if (open_as(doctor, VB_PG_OWNER, &pg, &err) != VB_OK) {
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, CONNECT_REMEDY, "%s", err.text);
        return;
    }
    bool is_there = check_schema(doctor, pg);
    check_clock(doctor, pg);
    if (is_there)
        vb_doctor_backup(doctor, pg);
    vb_pg_free(pg);
}
