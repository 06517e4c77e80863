/* Roles and schema, as far as the login may make them, and advice where it may not. See ground.h.
 *
 * Several `migrate` may do the same at this moment, in this database (which waits for the lock) and
 * in others, so what was made is looked at again and never taken for granted.
 */
#include "ground.h"

#include "verbatim/columns.h"

#include <stdio.h>

/* May this login SET ROLE to it? Since PostgreSQL 16 membership alone does not say so. */
#define MAY_TAKE(role)                                                                             \
    "coalesce((SELECT CASE WHEN current_setting('server_version_num')::int >= 160000"              \
    " THEN pg_has_role(session_user, oid, 'SET')"                                                  \
    " ELSE pg_has_role(session_user, oid, 'MEMBER') END"                                           \
    " FROM pg_roles WHERE rolname = " role "), false)"
#define EXISTS_ROLE(role) "EXISTS (SELECT FROM pg_roles WHERE rolname = " role ")"

#define GROUND_ROW(FIRST, NEXT)                                                                    \
    FIRST(GROUND_LOGIN, "quote_ident(session_user)")                                               \
    NEXT(GROUND_OWNER, "coalesce(quote_ident(pg_get_userbyid(n.nspowner)), '')")                   \
    NEXT(GROUND_MAY_CREATE, "has_database_privilege(current_database(), 'CREATE')")                \
    NEXT(GROUND_IS_OWNER, "coalesce(pg_has_role(session_user, n.nspowner, 'MEMBER'), true)")       \
    NEXT(GROUND_IS_SHARED, VB_GROUND_IS_SHARED("api") " OR " VB_GROUND_IS_SHARED("worker"))
#define ROLE_ROW(FIRST, NEXT, role)                                                                \
    FIRST(ROLE_NAME, "quote_ident(" VB_ROLE_OWN(role) ")")                                         \
    NEXT(ROLE_EXISTS, EXISTS_ROLE(VB_ROLE_OWN(role)))                                              \
    NEXT(ROLE_MAY_TAKE, MAY_TAKE(VB_ROLE_OWN(role)))
#define ROLE_LIST(role) ROLE_ROW(VB_COLUMN_FIRST, VB_COLUMN_NEXT, role)
enum { ROLE_ROW(VB_COLUMN_NAME, VB_COLUMN_NAME, "") ROLE_COLUMNS };
#define GROUND_LIST VB_COLUMN_LIST(GROUND_ROW) ", " ROLE_LIST("api") ", " ROLE_LIST("worker")
enum { VB_COLUMN_NAMES(GROUND_ROW) GROUND_API, GROUND_WORKER = GROUND_API + ROLE_COLUMNS };

static bool is_true(const PGresult *result, int column)
{
    return PQgetvalue(result, 0, column)[0] == 't';
}

static void read_role(const PGresult *result, int column, struct vb_ground_role *role)
{
    snprintf(role->name, sizeof role->name, "%s", PQgetvalue(result, 0, column + ROLE_NAME));
    role->exists = is_true(result, column + ROLE_EXISTS);
    role->may_take = is_true(result, column + ROLE_MAY_TAKE);
}

enum vb_status vb_ground_look(struct vb_pg *pg, struct vb_ground *ret_ground, struct vb_error *err)
{
    static const char sql[] =
        "SELECT " GROUND_LIST
        " FROM (SELECT) AS one LEFT JOIN pg_namespace AS n ON n.nspname = 'verbatim'";
    PGresult *result;
    enum vb_status status = vb_pg_query(pg, sql, 0, NULL, &result, err);
    if (status != VB_OK)
        return status;
    struct vb_ground facts = {.may_create = is_true(result, GROUND_MAY_CREATE),
                              .is_owner = is_true(result, GROUND_IS_OWNER),
                              .is_shared = is_true(result, GROUND_IS_SHARED)};
    snprintf(facts.login, sizeof facts.login, "%s", PQgetvalue(result, 0, GROUND_LOGIN));
    snprintf(facts.owner, sizeof facts.owner, "%s", PQgetvalue(result, 0, GROUND_OWNER));
    read_role(result, GROUND_API, &facts.roles[VB_GROUND_API]);
    read_role(result, GROUND_WORKER, &facts.roles[VB_GROUND_WORKER]);
    PQclear(result);
    *ret_ground = facts;
    return VB_OK;
}

/* Several `migrate` may do the same at this moment, and a login without the right finds out
 * here. What is missing afterwards is seen by reading the facts again. The tag of the quotes is
 * none that a name holds by chance. */
static enum vb_status try_role_statement(struct vb_pg *pg, const char *statement,
                                         struct vb_error *err)
{
    char sql[1024];
    snprintf(
        sql, sizeof sql,
        "DO $verbatim_8746518327541$ BEGIN %s; EXCEPTION WHEN duplicate_object OR unique_violation"
        " OR insufficient_privilege OR undefined_object OR internal_error"
        " THEN NULL; END $verbatim_8746518327541$",
        statement);
    return vb_pg_exec(pg, sql, 0, NULL, NULL, err);
}

static enum vb_status provide_role(struct vb_pg *pg, const struct vb_ground_role *role,
                                   const char *own, const char *login, struct vb_error *err)
{
    char statement[768];
    enum vb_status status = VB_OK;
    if (!role->exists) {
        snprintf(statement, sizeof statement, "CREATE ROLE %s NOLOGIN", role->name);
        status = try_role_statement(pg, statement, err);
    }
    if (status == VB_OK && !role->may_take) {
        /* Not where the login is a superuser, who may take on any role. */
        snprintf(statement, sizeof statement,
                 "IF NOT pg_has_role(session_user, (%s)::name, 'MEMBER') OR current_setting("
                 "'server_version_num')::int >= 160000 THEN GRANT %s TO %s; END IF",
                 own, role->name, login);
        status = try_role_statement(pg, statement, err);
    }
    return status;
}

/* For whoever sets the number of workers. The service does without it, so a login that may make no
 * roles goes on; vb_rights_grant_queue gives it its rights once somebody has made it. */
static enum vb_status provide_queue_role(struct vb_pg *pg, struct vb_error *err)
{
    static const char sql[] =
        "DO $verbatim_8746518327541$ BEGIN"
        " IF NOT " EXISTS_ROLE(
            VB_ROLE_OWN("queue")) " THEN"
                                  " EXECUTE format('CREATE ROLE %I NOLOGIN', " VB_ROLE_OWN(
                                      "queue") "); END IF;"
                                               " EXCEPTION WHEN duplicate_object OR "
                                               "unique_violation OR insufficient_privilege"
                                               " THEN NULL; END $verbatim_8746518327541$";
    return vb_pg_exec(pg, sql, 0, NULL, NULL, err);
}

/* Writes what an administrator has to run; VB_DENIED if there is anything. */
static enum vb_status advise(const struct vb_ground *facts, struct vb_buffer *advice,
                             struct vb_error *err)
{
    const struct vb_ground_role *api = &facts->roles[VB_GROUND_API],
                                *worker = &facts->roles[VB_GROUND_WORKER];
    enum vb_status status = VB_OK;
    for (int i = 0; i < VB_GROUND_ROLES && status == VB_OK; i++)
        if (!facts->roles[i].exists)
            status = vb_buffer_printf(advice, "CREATE ROLE %s NOLOGIN;\n", facts->roles[i].name);
    if (status == VB_OK && !(api->may_take && worker->may_take))
        status = vb_buffer_printf(advice, "GRANT %s, %s TO %s;\n", api->name, worker->name,
                                  facts->login);
    if (status == VB_OK && !facts->owner[0] && !facts->may_create)
        status =
            vb_buffer_printf(advice, "CREATE SCHEMA verbatim AUTHORIZATION %s;\n", facts->login);
    if (status != VB_OK)
        return vb_fail(err, status, "no room for the advice");
    if (advice->length == 0)
        return VB_OK;
    return vb_fail(err, VB_DENIED,
                   "the login %s may not do all that is needed; an administrator has to run the "
                   "statements below in this database, then run verbatim migrate again",
                   facts->login);
}

/* Tables and policies are to belong to the schema's owner, whoever runs this. */
enum vb_status vb_ground_act_as_owner(struct vb_pg *pg, const struct vb_ground *ground,
                                      struct vb_error *err)
{
    char sql[192];
    if (!ground->is_owner)
        return vb_fail(err, VB_DENIED,
                       "the schema verbatim belongs to %s: run this under that login",
                       ground->owner);
    snprintf(sql, sizeof sql, "SET LOCAL ROLE %s", ground->owner);
    return vb_pg_exec(pg, sql, 0, NULL, NULL, err);
}

enum vb_status vb_ground_prepare(struct vb_pg *pg, struct vb_ground *ret_ground,
                                 struct vb_buffer *advice, struct vb_error *err)
{
    struct vb_ground facts;
    enum vb_status status = vb_ground_look(pg, &facts, err);
    if (status == VB_OK)
        status =
            provide_role(pg, &facts.roles[VB_GROUND_API], VB_ROLE_OWN("api"), facts.login, err);
    if (status == VB_OK)
        status = provide_role(pg, &facts.roles[VB_GROUND_WORKER], VB_ROLE_OWN("worker"),
                              facts.login, err);
    if (status == VB_OK)
        status = provide_queue_role(pg, err);
    if (status == VB_OK)
        status = vb_ground_look(pg, &facts, err);
    if (status == VB_OK)
        status = advise(&facts, advice, err);
    if (status != VB_OK)
        return status;
    *ret_ground = facts;
    if (!facts.owner[0])
        return vb_pg_exec(pg, "CREATE SCHEMA verbatim", 0, NULL, NULL, err);
    return vb_ground_act_as_owner(pg, &facts, err);
}
