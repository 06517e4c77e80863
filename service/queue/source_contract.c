/* The source's contract with its clock: see source_contract.h. */
#include "source_contract.h"

#include "verbatim/postgres.h"
#include "verbatim/zone.h"

#include <stdlib.h>
#include <string.h>

/* Rules reach further than any range that is asked for; behind them the last one holds. 2200. */
#define UNTIL (INT64_C(7258118400) * VB_SECOND)

/* Statements name the zone, where rows are counted and marks are read. */
static enum vb_status ask_server(PGconn *source, const char *zone, struct vb_error *err)
{
    PGresult *result = PQexecParams(source, "SELECT timestamp '2000-01-01' AT TIME ZONE $1", 1,
                                    NULL, &zone, NULL, NULL, 0);
    enum vb_status status = VB_OK;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate && strcmp(sqlstate, "22023") == 0)
        status = vb_fail(err, VB_INVALID,
                         "source_time_zone: the source's server does not know the zone %s", zone);
    else if (PQresultStatus(result) != PGRES_TUPLES_OK)
        status = vb_postgres_fail(err, source, result);
    PQclear(result);
    return status;
}

static enum vb_status set_clock(struct vb_contract *contract, const char *name,
                                struct vb_error *err)
{
    struct vb_zone *zone = NULL;
    struct vb_offset_change *changes = NULL;
    size_t count = 0;
    enum vb_status status = vb_zone_new(name, &zone, err);
    if (status == VB_INVALID)
        return vb_fail_within(err, status, "source_time_zone");
    if (status == VB_OK && vb_zone_changes(zone, UNTIL, &changes, &count) != VB_OK)
        status = vb_fail(err, VB_NO_MEMORY, "no memory for the source's clock");
    if (status == VB_OK)
        status = vb_contract_set_clock(contract, name, changes, count, err);
    free(changes);
    vb_zone_free(zone);
    return status;
}

enum vb_status vb_source_contract(PGconn *source, const char *schema, const char *time_zone,
                                  struct vb_contract **ret_contract, struct vb_error *err)
{
    struct vb_contract *contract = NULL;
    enum vb_status status = vb_contract_read(source, schema, &contract, err);
    if (status != VB_OK || strcmp(time_zone, "UTC") == 0) {
        *ret_contract = contract;
        return status;
    }
    status = ask_server(source, time_zone, err);
    if (status == VB_OK)
        status = set_clock(contract, time_zone, err);
    if (status == VB_OK)
        *ret_contract = contract;
    else
        vb_contract_free(contract);
    return status;
}
