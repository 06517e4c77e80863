/* The doctor's look at backups: whether pg_dump gets everything.
 *
 * Rows are shut in also before their owner (FORCE ROW LEVEL SECURITY), so a plain pg_dump of the
 * owner's refuses, and one with --enable-row-security has what the policies let the owner see: all
 * of it, where each table is the owner's and has the policy that says so. Whether that is so is
 * asked of the catalog, of the schema's owner and not of our login, which need not be the one that
 * backups are made with.
 */
#include "doctor.h"

#include "database/pg.h"

#define SUBJECT "backup"

/* The owner, whether row security does not hold for it at all, and the first relation that it
 * would not get whole. Superusers and roles with BYPASSRLS get everything. */
/* clang-format off */
static const char look[] =
    "SELECT quote_ident(r.rolname), r.rolsuper OR r.rolbypassrls,"
    " (SELECT quote_ident(c.relname)"
    "  FROM pg_class AS c"
    "  WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'S')"
    "  AND NOT (pg_has_role(r.oid, c.relowner, 'USAGE')"
    "   AND (NOT c.relrowsecurity"
    "    OR (EXISTS (SELECT FROM pg_policy AS p"
    "      WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('*', 'r')"
    "      AND pg_get_expr(p.polqual, p.polrelid) = 'true'"
    "      AND (p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) AS m(role)"
    "       WHERE pg_has_role(r.oid, m.role, 'USAGE'))))"
    "     AND NOT EXISTS (SELECT FROM pg_policy AS p"
    "      WHERE p.polrelid = c.oid AND NOT p.polpermissive))))"
    "  ORDER BY c.relname LIMIT 1)"
    " FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner"
    " WHERE n.nspname = 'verbatim'";
/* clang-format on */

static void tell(struct vb_doctor *doctor, const char *owner, bool sees_all, const char *lacking)
{
    if (sees_all)
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "pg_dump as %s has every row of the schema", owner);
    else if (*lacking)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT,
                         "run verbatim migrate; if it is still so, ALTER TABLE or SEQUENCE ... "
                         "OWNER TO the schema's owner; until then pg_dump as a superuser",
                         "pg_dump as %s would refuse or lack rows: verbatim.%s is not all its own",
                         owner, lacking);
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "pg_dump as %s has every row of the schema with --enable-row-security, "
                         "and refuses without",
                         owner);
}

void vb_doctor_backup(struct vb_doctor *doctor, struct vb_pg *pg)
{
    struct vb_error err;
    PGresult *result = NULL;
    vb_error_clear(&err);
    if (vb_pg_query(pg, look, 0, NULL, &result, &err) != VB_OK)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, "look at the server's log", "%s",
                         err.text);
    else if (PQntuples(result) == 1)
        tell(doctor, vb_pg_value(result, 0, 0), *vb_pg_value(result, 0, 1) == 't',
             PQgetisnull(result, 0, 2) ? "" : vb_pg_value(result, 0, 2));
    PQclear(result);
}
