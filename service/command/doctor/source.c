/* The doctor's look at the source: connection, and what of the contract is there. Only ever reads,
 * within transactions that can do nothing else, by the login that exports use. */
#include "doctor.h"

#include "database/pg.h"

#include <stdlib.h>

#define SUBJECT "source"
#define MESSAGES 20000u /* looked at for gaps */
#define GAPS_TIME "SET LOCAL statement_timeout = '10s'"

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

/* Counts, as text. */
static double number_of(const PGresult *result, int column)
{
    return strtod(PQgetvalue(result, 0, column), NULL);
}

/* Counts as doubles: they come as text, and are only shown. */
static void tell_gaps(struct vb_doctor *doctor, const PGresult *result)
{
    double all = number_of(result, 0), direction = number_of(result, 1);
    double speaker = number_of(result, 2);
    if (direction + speaker > 0)
        vb_doctor_report(
            doctor, VB_FINDING_WARNING, SUBJECT,
            "these cells stay empty; if the platform knows them, let the view message "
            "say so (docs/connect.md)",
            "of the messages looked at %.0f of %.0f have no direction, %.0f of %.0f no "
            "speaker_type",
            direction, all, speaker, all);
}

/* Reads at most MESSAGES rows. A view that fails or takes too long is told by the look at the
 * plans. */
static void look_for_gaps(struct vb_doctor *doctor, PGconn *source,
                          const struct vb_contract *contract)
{
    struct vb_source_query query = {0};
    struct vb_error ignored = {0};
    if (vb_contract_gaps_query(contract, MESSAGES, &query, &ignored) != VB_OK)
        return;
    PQclear(PQexec(source, vb_source_settings(VB_SOURCE_TRANSACTION, PQserverVersion(source))));
    PQclear(PQexec(source, GAPS_TIME));
    PGresult *result =
        PQexecParams(source, query.sql, query.count, NULL, query.values, NULL, NULL, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        tell_gaps(doctor, result);
    PQclear(result);
    PQclear(PQexec(source, "ROLLBACK"));
    vb_source_query_done(&query);
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
    if (vb_contract_read(connection, doctor->options->source_schema, &contract, &err) != VB_OK)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "write or mend the views of the schema: docs/connect.md tells how", "%s",
                         err.text);
    if (contract) {
        tell_columns(doctor, contract);
        tell_clashes(doctor, contract);
        vb_doctor_hidden(doctor, connection);
        look_for_gaps(doctor, connection, contract);
        vb_doctor_plans(doctor, connection, contract);
        vb_doctor_lookups(doctor, connection, contract);
    }
    vb_contract_free(contract);
    PQfinish(connection);
}
