/* The doctor's look at row level security of the platform's own tables: what a policy hides from
 * the source's login is missing from exports, and no statement fails by it. Only reads the
 * catalog.
 *
 * A table behind a view is read under the rights of the view's owner, unless the view is one of
 * its caller (security_invoker, PostgreSQL 15). Limits: materialized views hold what their owner
 * saw when they were filled, and functions are not looked into.
 */
#include "doctor.h"

#define SUBJECT "source"

/* clang-format off */
/* $1: the schema. `reader` NULL: the login itself. */
static const char hidden_sql[] =
    "WITH RECURSIVE used(relation, reader, name) AS ("
    "SELECT c.oid, NULL::oid, c.relname"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1"
    " AND c.relkind IN ('r', 'p', 'v')"
    " AND c.relname IN ('channel', 'contact', 'assistant', 'conversation', 'message',"
    " 'attachment', 'note', 'event', 'skill_run', 'citation', 'participant', 'reaction',"
    " 'revision')"
    " UNION "
    "SELECT d.refobjid,"
    " CASE WHEN v.reloptions::text ~* 'security_invoker=(on|true|yes|1)'"
    " THEN u.reader ELSE v.relowner END,"
    " u.name"
    " FROM used u"
    " JOIN pg_catalog.pg_class v ON v.oid = u.relation AND v.relkind = 'v'"
    " JOIN pg_catalog.pg_rewrite w ON w.ev_class = v.oid"
    " JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass"
    " AND d.objid = w.oid"
    " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
    " AND d.refobjid <> v.oid)"
    " SELECT u.name, t.oid::pg_catalog.regclass::text, coalesce(r.rolname, session_user)"
    " FROM used u"
    " JOIN pg_catalog.pg_class t ON t.oid = u.relation AND t.relrowsecurity"
    " LEFT JOIN pg_catalog.pg_roles r ON r.oid = u.reader"
    " WHERE CASE WHEN u.reader IS NULL THEN pg_catalog.row_security_active(t.oid)"
    " ELSE NOT (r.rolsuper OR r.rolbypassrls OR (NOT t.relforcerowsecurity"
    " AND pg_catalog.pg_has_role(r.oid, t.relowner, 'USAGE'))) END"
    " GROUP BY 1, 2, 3"
    " ORDER BY 1, 2, 3";
/* clang-format on */

void vb_doctor_hidden(struct vb_doctor *doctor, PGconn *source)
{
    const char *const values[] = {doctor->options->source_schema};
    PGresult *result = PQexecParams(source, hidden_sql, 1, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT,
                         "let the source's login read the system catalog",
                         "whether row level security hides rows cannot be looked up: %s",
                         PQresultErrorMessage(result));
    for (int i = 0; i < PQntuples(result); i++)
        vb_doctor_report(
            doctor, VB_FINDING_WARNING, SUBJECT,
            "give that role a policy that shows it all rows, or BYPASSRLS: what is "
            "hidden is missing from exports, and nothing fails by it",
            "rows of %s may be hidden: row level security of %s applies to the role %s",
            PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), PQgetvalue(result, i, 2));
    PQclear(result);
}
