/* Rights and policies for the roles of the installation. See rights.h.
 *
 * roles.sql names its two roles :api and :worker. Both may stand for two roles while an earlier
 * version may still run, so the names are lists, put into the text before it is sent.
 */
#include "rights.h"

#include "embedded.h"

#include "verbatim/hash.h"

#include <stdio.h>
#include <string.h>

#define RIGHTS_CEILING 65536

/* A file of several statements; libpq's simple protocol alone takes those. */
enum vb_status vb_rights_run_file(struct vb_pg *pg, const char *name, const char *text,
                                  struct vb_error *err)
{
    PGresult *result = PQexec(vb_pg_connection(pg), text);
    ExecStatusType state = PQresultStatus(result);
    enum vb_status status = VB_OK;
    if (state != PGRES_COMMAND_OK && state != PGRES_TUPLES_OK) {
        status = vb_postgres_fail(err, vb_pg_connection(pg), result);
        vb_fail_within(err, status, "schema file %s", name);
    }
    PQclear(result);
    return status;
}

/* Who has a role's rights: the installation's own, and the shared one as long as earlier
 * versions may run. */
static void list_roles(const struct vb_ground *ground, int role, bool with_shared, char list[256])
{
    static const char *const shared[VB_GROUND_ROLES] = {VB_ROLE_SHARED("api"),
                                                        VB_ROLE_SHARED("worker")};
    snprintf(list, 256, "%s%s%s", ground->roles[role].name, with_shared ? ", " : "",
             with_shared ? shared[role] : "");
}

/* The file with the lists in the places of the two names; comments stay, or a name could end
 * one. */
static enum vb_status write_rights(const char *text, char lists[VB_GROUND_ROLES][256],
                                   struct vb_buffer *out)
{
    static const char *const words[VB_GROUND_ROLES] = {":api", ":worker"};
    enum vb_status status = VB_OK;
    while (*text && status == VB_OK) {
        size_t plain =
            strncmp(text, "--", 2) == 0 ? strcspn(text, "\n") : strcspn(text + 1, ":-") + 1;
        int role = 0;
        while (role < VB_GROUND_ROLES && strncmp(text, words[role], strlen(words[role])) != 0)
            role++;
        if (role < VB_GROUND_ROLES) {
            status = vb_buffer_append_text(out, lists[role]);
            text += strlen(words[role]);
        } else {
            status = vb_buffer_append(out, text, plain);
            text += plain;
        }
    }
    return status;
}

/* Rights take locks that running exports would feel, so they are set only when they have
 * changed: the file, or the roles that it is for. What was noted of them is believed as long as the
 * catalog bears it out: a restored backup brings the note along, and not what names a role that
 * its cluster did not have. $1: digest. */
/* clang-format off */
static const char rights_hold[] =
    "SELECT"
    " FROM verbatim.schema_rights"
    " WHERE digest = $1"
    " AND has_schema_privilege(" VB_ROLE_OWN("api") "::name, 'verbatim', 'USAGE')"
    " AND has_schema_privilege(" VB_ROLE_OWN("worker") "::name, 'verbatim', 'USAGE')"
    " AND NOT EXISTS (SELECT"
    "  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
    "  WHERE c.relnamespace = 'verbatim'::regnamespace AND c.relkind = 'r'"
    "  AND a.attname = 'workspace_id' AND NOT a.attisdropped"
    "  AND NOT (c.relrowsecurity AND c.relforcerowsecurity"
    "   AND (SELECT count(*)"
    "    FROM pg_policy AS p"
    "    WHERE p.polrelid = c.oid AND p.polname IN ('owner', 'api', 'worker')) = 3))";
/* clang-format on */

static enum vb_status set_rights(struct vb_pg *pg, char lists[VB_GROUND_ROLES][256],
                                 const char *name, const char *text, struct vb_error *err)
{
    char digest[VB_SHA256_HEX];
    vb_sha256_hex(text, strlen(text), digest);
    const char *const parameters[] = {digest}, *const roles[] = {lists[VB_GROUND_API],
                                                                 lists[VB_GROUND_WORKER]};
    uint64_t same = 0;
    enum vb_status status = vb_pg_exec(pg, rights_hold, 1, parameters, &same, err);
    if (status != VB_OK || same == 1)
        return status;
    status = vb_pg_exec(pg,
                        "SELECT set_config('verbatim.roles_api', $1, true),"
                        " set_config('verbatim.roles_worker', $2, true)",
                        2, roles, NULL, err);
    if (status == VB_OK)
        status = vb_rights_run_file(pg, name, text, err);
    if (status == VB_OK)
        status = vb_pg_exec(pg,
                            "INSERT INTO verbatim.schema_rights (digest) VALUES ($1)"
                            " ON CONFLICT (one_row) DO UPDATE SET digest = excluded.digest",
                            1, parameters, NULL, err);
    return status;
}

enum vb_status vb_rights_apply(struct vb_pg *pg, const struct vb_ground *ground, bool with_shared,
                               bool needed, struct vb_error *err)
{
    const struct vb_embedded *file = vb_schema_files;
    char lists[VB_GROUND_ROLES][256];
    struct vb_buffer text;
    while (strcmp(file->name, VB_ROLES_FILE) != 0)
        file++;
    for (int i = 0; i < VB_GROUND_ROLES; i++)
        list_roles(ground, i, with_shared, lists[i]);
    vb_buffer_init(&text, RIGHTS_CEILING);
    enum vb_status status = write_rights(file->bytes, lists, &text);
    if (status != VB_OK)
        status = vb_fail(err, status, "no room for the rights");
    if (status == VB_OK && needed)
        status = vb_pg_exec(pg, "DELETE FROM verbatim.schema_rights", 0, NULL, NULL, err);
    if (status == VB_OK)
        status = set_rights(pg, lists, file->name, text.data, err);
    vb_buffer_done(&text);
    return status;
}

/* Apart from the file, since this role may be made at any time, and only where something is
 * missing: a GRANT locks rows of the catalog. */
enum vb_status vb_rights_grant_queue(struct vb_pg *pg, struct vb_error *err)
{
    /* clang-format off */
    static const char sql[] =
        "DO $$ DECLARE role name := " VB_ROLE_OWN("queue") "; BEGIN"
        " IF to_regrole(quote_ident(role)) IS NOT NULL"
        " AND NOT (has_schema_privilege(role, 'verbatim', 'USAGE')"
        " AND has_function_privilege(role, 'verbatim.queue_depth(integer)', 'EXECUTE')) THEN"
        " EXECUTE format('GRANT USAGE ON SCHEMA verbatim TO %I', role);"
        " EXECUTE format('GRANT EXECUTE ON FUNCTION verbatim.queue_depth(integer) TO %I', role);"
        " END IF; END $$";
    /* clang-format on */
    return vb_pg_exec(pg, sql, 0, NULL, NULL, err);
}

/* Members of a shared role that are not yet members of the own one. Superusers need not be. */
enum vb_status vb_rights_look(struct vb_pg *pg, struct vb_roles *ret_roles, struct vb_error *err)
{
    /* clang-format off */
    static const char sql[] =
        "SELECT " VB_GROUND_IS_SHARED("api") " OR " VB_GROUND_IS_SHARED("worker") ","
        " quote_ident(" VB_ROLE_OWN("api") ") || ', ' || quote_ident(" VB_ROLE_OWN("worker") "),"
        " (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname)"
        " FROM pg_roles AS r"
        " WHERE r.rolcanlogin AND NOT r.rolsuper"
        " AND pg_has_role(r.oid, to_regrole('" VB_ROLE_SHARED("worker") "'), 'MEMBER')"
        " AND pg_has_role(r.oid, to_regrole(quote_ident(" VB_ROLE_OWN("worker") ")), 'MEMBER')"
        " IS NOT TRUE)"
        " FROM pg_namespace AS n"
        " WHERE n.nspname = 'verbatim'";
    /* clang-format on */
    PGresult *result;
    enum vb_status status = vb_pg_query(pg, sql, 0, NULL, &result, err);
    if (status != VB_OK)
        return status;
    struct vb_roles roles = {.is_shared =
                                 PQntuples(result) > 0 && PQgetvalue(result, 0, 0)[0] == 't'};
    if (roles.is_shared) {
        snprintf(roles.own, sizeof roles.own, "%s", PQgetvalue(result, 0, 1));
        snprintf(roles.left, sizeof roles.left, "%s", PQgetvalue(result, 0, 2));
    }
    PQclear(result);
    *ret_roles = roles;
    return VB_OK;
}
