/* The doctor's look at the source: connection, and what of the contract is there. Only ever reads,
 * within transactions that can do nothing else, by the login that exports use. */
#include "doctor.h"

#include "database/pg.h"
#include "queue/source_contract.h"

#include <stdlib.h>

#define SUBJECT "source"

/* Optional columns are no warning: each platform lacks some. */
static void tell_columns(struct vb_doctor *doctor, const struct vb_contract *contract)
{
    const char *schema = doctor->options->source_schema;
    const char *missing = vb_contract_missing(contract);
    if (missing[0])
        vb_doctor_report(
            doctor, VB_FINDING_OK, SUBJECT, NULL,
            "schema %s has all required columns; optional and not there, read as NULL: %s", schema,
            missing);
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "schema %s has all columns, required and optional", schema);
}

/* Whatever compares the two fails, in exports and previews alike. */
static void tell_clashes(struct vb_doctor *doctor, const struct vb_contract *contract)
{
    const char *clashes = vb_contract_clashes(contract);
    if (clashes[0])
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "give both the same collation in the views: column COLLATE \"C\"",
                         "ids of two collations cannot be compared: %s", clashes);
}

static void report_lag(struct vb_doctor *doctor, double seconds)
{
    double wait = (double)doctor->options->replica_wait / (double)VB_SECOND;
    if (seconds < 0)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, "look whether it follows its primary",
                         "a replica that has replayed nothing");
    else if (seconds > wait)
        vb_doctor_report(
            doctor, VB_FINDING_WARNING, SUBJECT, "read from the primary, or raise replica_wait",
            "a replica, %.1f s behind: exports wait for it for %.0f s (replica_wait), and then %s",
            seconds, wait,
            doctor->options->on_lag == VB_ON_LAG_FAIL ? "fail (on_lag)" : "may be incomplete");
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "a replica, %.1f s behind", seconds);
}

/* Says nothing of a server that is no replica. */
static void look_at_lag(struct vb_doctor *doctor, PGconn *source)
{
    PGresult *result = PQexec(source, vb_source_lag_sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        vb_doctor_report(
            doctor, VB_FINDING_OK, SUBJECT, NULL,
            "a server that does not tell how far behind it is: exports go by the clock");
    else if (!PQgetisnull(result, 0, 0))
        report_lag(doctor, strtod(PQgetvalue(result, 0, 0), NULL) / 1000);
    PQclear(result);
}

/* Without a contract no statement can be built, so nothing else is tried. */
void vb_doctor_source(struct vb_doctor *doctor)
{
    struct vb_error err;
    PGconn *connection = NULL;
    struct vb_contract *contract = NULL;
    vb_error_clear(&err);
    if (vb_pg_connect_source(doctor->options->source_url, "verbatim doctor", &connection, &err) !=
        VB_OK) {
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "check source_url, and that this user may connect", "%s", err.text);
        return;
    }
    if (vb_source_contract(connection, doctor->options->source_schema,
                           doctor->options->source_time_zone, &contract, &err) != VB_OK)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "write or mend the views of the schema: docs/connect.md tells how", "%s",
                         err.text);
    if (contract) {
        look_at_lag(doctor, connection);
        tell_columns(doctor, contract);
        tell_clashes(doctor, contract);
        vb_doctor_hidden(doctor, connection);
        vb_doctor_rows(doctor, connection, contract);
        vb_doctor_plans(doctor, connection, contract);
        vb_doctor_lookups(doctor, connection, contract);
    }
    vb_contract_free(contract);
    PQfinish(connection);
}
