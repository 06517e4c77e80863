/* Whether a pooler stands between us and the server: see verbatim/postgres.h.
 *
 * Every server process has a number, which the protocol tells at the start and SQL tells at any
 * time. A pooler gives out numbers of its own, since it lends a server's connection to many.
 */
#include "polled.h"

#include "verbatim/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The last result of a simple query, or the first that failed: behind a farewell comes one more,
 * of the lost connection, which says less. NULL where it could not be sent, and with VB_STOPPED. */
static enum vb_status ask(PGconn *connection, const struct vb_stop *stop, const char *sql,
                          PGresult **ret_result, struct vb_error *err)
{
    PGresult *kept = NULL, *next = NULL;
    enum vb_status status = VB_OK;
    if (PQsendQuery(connection, sql) == 1)
        status = vb_polled_result(connection, stop, &next, err);
    while (status == VB_OK && next) {
        if (kept && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
            PQclear(next);
        } else {
            PQclear(kept);
            kept = next;
        }
        next = NULL;
        status = vb_polled_result(connection, stop, &next, err);
    }
    if (status == VB_OK) {
        *ret_result = kept;
        return VB_OK;
    }
    PQclear(kept);
    return status;
}

/* A pooler that lends its connections for single statements lets BEGIN and COMMIT pass in one text,
 * and cuts the connection at a BEGIN that stays open. */
static enum vb_status refuse_lone_statements(PGconn *connection, const struct vb_stop *stop,
                                             struct vb_error *err)
{
    static const char *const steps[] = {"BEGIN READ ONLY", "COMMIT"};
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < 2 && status == VB_OK; i++) {
        PGresult *result = NULL;
        status = ask(connection, stop, steps[i], &result, err);
        if (status == VB_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
            status = vb_postgres_fail(err, connection, result);
        PQclear(result);
    }
    if (status == VB_OK || strcmp(err->sqlstate, "08P01") != 0)
        return status;
    return vb_fail(err, VB_DATABASE,
                   "the pooler before the database lends its connections for single statements: "
                   "set pool_mode = transaction (or session) there");
}

/* Once for each process: all its connections take the same way, or nearly. */
static void tell_once(void)
{
    static atomic_flag is_told = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_told))
        vb_info("a pooler stands before the database: statements go unnamed, settings go with "
                "each transaction, and changes are asked for, not listened to");
}

enum vb_status vb_postgres_find_pooler(PGconn *connection, const struct vb_stop *stop,
                                       bool *ret_pooled, struct vb_error *err)
{
    PGresult *result = NULL;
    bool is_pooled = false;
    enum vb_status status =
        ask(connection, stop, "SELECT pg_catalog.pg_backend_pid()", &result, err);
    if (status == VB_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        status = vb_postgres_fail(err, connection, result);
    else if (status == VB_OK)
        is_pooled = strtol(PQgetvalue(result, 0, 0), NULL, 10) != PQbackendPID(connection);
    PQclear(result);
    if (status == VB_OK && is_pooled)
        status = refuse_lone_statements(connection, stop, err);
    if (status != VB_OK)
        return status;
    if (is_pooled)
        tell_once();
    *ret_pooled = is_pooled;
    return VB_OK;
}
