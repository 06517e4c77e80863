/* See database/capacity.h. A server is known by the moment of its start, to a microsecond, and its
 * port: addresses differ by the way. Others' sessions show nothing to a login without rights but
 * that they are there, and in which database. */
#include "capacity.h"

#include "verbatim/postgres.h"

#include <stdio.h>
#include <stdlib.h>

static const char ask[] =
    "SELECT current_setting('max_connections')::int"
    " - current_setting('superuser_reserved_connections')::int,"
    " (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL),"
    " extract(epoch FROM pg_postmaster_start_time()) || ' ' || current_setting('port'),"
    " pg_backend_pid()";

static unsigned number(const PGresult *row, int column)
{
    return (unsigned)strtoul(PQgetvalue(row, 0, column), NULL, 10);
}

/* A simple query: whatever stands between passes it on. */
enum vb_status vb_capacity_read(PGconn *connection, struct vb_capacity *ret_capacity,
                                struct vb_error *err)
{
    PGresult *row = PQexec(connection, ask);
    if (PQresultStatus(row) != PGRES_TUPLES_OK) {
        enum vb_status status = vb_postgres_fail(err, connection, row);
        PQclear(row);
        return status;
    }
    bool is_direct = (int)number(row, 3) == PQbackendPID(connection);
    ret_capacity->most = is_direct ? number(row, 0) : 0;
    ret_capacity->taken = number(row, 1);
    (void)snprintf(ret_capacity->server, sizeof ret_capacity->server, "%s", PQgetvalue(row, 0, 2));
    PQclear(row);
    return VB_OK;
}
