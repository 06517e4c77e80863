/* How finely the source's times are told: as_of is rounded up to it, since a platform that rounds
 * its clock stamps a row with a time that is still to come (CURRENT_TIMESTAMP(0) by half a second).
 * See vb_contract_read_resolution in contract.h.
 *
 * By what is declared: the unit of a number, the precision of a timestamp, or that of its default,
 * of created_at and of whatever the views of conversations and messages are made of. Rows are not
 * looked at.
 */
#include "contract.h"
#include "verbatim/postgres.h"

#include <stdlib.h>

/* Digits behind the second of the coarsest time used; NULL where none is coarser than it can be.
 * $1 the schema. */
/* clang-format off */
static const char digits_sql[] =
    "WITH RECURSIVE used(relation, number) AS ("
    "SELECT a.attrelid, a.attnum::integer"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'created_at'"
    " WHERE n.nspname = $1"
    " AND c.relname IN ('conversation', 'message')"
    " UNION "
    "SELECT d.refobjid, d.refobjsubid"
    " FROM used u"
    " JOIN pg_catalog.pg_rewrite w ON w.ev_class = u.relation"
    " JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass"
    " AND d.objid = w.oid"
    " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
    " AND d.refobjid <> u.relation"
    " AND d.refobjsubid > 0)"
    " SELECT min(CASE WHEN a.atttypmod >= 0 THEN a.atttypmod"
    " ELSE substring(pg_catalog.pg_get_expr(f.adbin, f.adrelid)"
    " from '(?:TIMESTAMP|time zone|timestamp)\\((\\d)\\)')::integer END)"
    " FROM used u"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = u.relation AND a.attnum = u.number"
    " AND a.atttypid IN ('timestamp'::pg_catalog.regtype, 'timestamptz'::pg_catalog.regtype)"
    " LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum";
/* clang-format on */

/* Microseconds of the last of so many digits. */
static int64_t resolution_of(long digits)
{
    int64_t resolution = VB_SECOND;
    for (; digits > 0 && resolution > 1; digits--)
        resolution /= 10;
    return resolution;
}

/* Of a number its unit's. */
static int64_t unit_of(const struct vb_contract *contract, const char *relation)
{
    switch (vb_contract_column(contract, relation, "created_at")->unit) {
    case VB_UNIT_S:
        return VB_SECOND;
    case VB_UNIT_MS:
        return VB_SECOND / 1000;
    case VB_UNIT_STAMP:
    case VB_UNIT_US:
    case VB_UNIT_NS:
    case VB_UNIT_EPOCH:
        break;
    }
    return 1;
}

static int64_t coarser(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

enum vb_status vb_contract_read_resolution(PGconn *connection, const char *schema,
                                           struct vb_contract *contract, struct vb_error *err)
{
    PGresult *result = PQexecParams(connection, digits_sql, 1, NULL, &schema, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        enum vb_status status = vb_postgres_fail(err, connection, result);
        PQclear(result);
        return vb_fail_within(err, status, "cannot read the catalogue of the source");
    }
    int64_t declared =
        PQgetisnull(result, 0, 0) ? 1 : resolution_of(strtol(PQgetvalue(result, 0, 0), NULL, 10));
    PQclear(result);
    contract->resolution =
        coarser(declared, coarser(unit_of(contract, "conversation"), unit_of(contract, "message")));
    return VB_OK;
}

enum vb_status vb_contract_append_now(const struct vb_contract *contract, struct vb_buffer *sql)
{
    if (contract->resolution <= 1)
        return vb_buffer_append_text(sql,
                                     "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
    return vb_buffer_printf(
        sql, "(ceil(extract(epoch FROM clock_timestamp()) * 1000000 / %lld) * %lld)::bigint",
        (long long)contract->resolution, (long long)contract->resolution);
}
