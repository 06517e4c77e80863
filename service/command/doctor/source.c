/* The doctor's look at the source: connection, and what of the contract is there. Only ever reads,
 * within transactions that can do nothing else, by the login that exports use. */
#include "doctor.h"

#include "database/pg.h"

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
        vb_doctor_rows(doctor, connection, contract);
        vb_doctor_plans(doctor, connection, contract);
        vb_doctor_lookups(doctor, connection, contract);
    }
    vb_contract_free(contract);
    PQfinish(connection);
}
