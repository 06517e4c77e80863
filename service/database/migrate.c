/* Creates and upgrades the schema `verbatim` in one transaction.
 *
 * Belongs to the command `migrate`; `serve` and `worker` only compare versions. Owns nothing but results.
 * Never drops a table and never goes back to an earlier version.
 */
#include "migrate.h"

#include "embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verbatim/hash.h"

#define ROLES_FILE "roles.sql"

/* May this login SET ROLE to it? Since PostgreSQL 16 membership alone does not say so. */
#define MAY_TAKE(role)                                                                             \
    "coalesce((SELECT CASE WHEN current_setting('server_version_num')::int >= 160000"              \
    " THEN pg_has_role(session_user, oid, 'SET') ELSE pg_has_role(session_user, oid, 'MEMBER') "   \
    "END FROM pg_roles WHERE rolname = '" role "'), false)"
#define EXISTS_ROLE(role) "EXISTS (SELECT FROM pg_roles WHERE rolname = '" role "')"

struct facts {
    char login[160]; /* quoted as SQL wants it */
    char owner[160]; /* of the schema, quoted; "" while there is none */
    bool may_create; /* schemas in this database */
    bool is_owner;   /* the login is, or may act as, the schema's owner */
    bool has_api, has_worker;
    bool takes_api, takes_worker;
};

static bool is_true(const PGresult *result, int column)
{
    return PQgetvalue(result, 0, column)[0] == 't';
}

static enum vb_status read_facts(struct vb_pg *pg, struct facts *ret_facts, struct vb_error *err)
{
    static const char sql[] =
        "SELECT quote_ident(session_user), coalesce(quote_ident(pg_get_userbyid(n.nspowner)), ''),"
        " has_database_privilege(current_database(), 'CREATE'),"
        " coalesce(pg_has_role(session_user, n.nspowner, 'MEMBER'), true)"
        ", " EXISTS_ROLE("verbatim_api") ", " EXISTS_ROLE("verbatim_worker") ", " MAY_TAKE(
            "verbatim_api") ", " MAY_TAKE("verbatim_worker") " FROM (SELECT) AS one LEFT JOIN "
                                                             "pg_namespace AS n ON n.nspname = "
                                                             "'verbatim'";
    PGresult *result;
    enum vb_status status = vb_pg_query(pg, sql, 0, NULL, &result, err);
    if (status != VB_OK)
        return status;
    struct facts facts = {.may_create = is_true(result, 2),
                          .is_owner = is_true(result, 3),
                          .has_api = is_true(result, 4),
                          .has_worker = is_true(result, 5),
                          .takes_api = is_true(result, 6),
                          .takes_worker = is_true(result, 7)};
    snprintf(facts.login, sizeof facts.login, "%s", PQgetvalue(result, 0, 0));
    snprintf(facts.owner, sizeof facts.owner, "%s", PQgetvalue(result, 0, 1));
    PQclear(result);
    *ret_facts = facts;
    return VB_OK;
}

/* Roles belong to the whole cluster: a `migrate` in another database may do the same at this moment, and a login
 * without the right finds out here. What is missing afterwards is seen by reading the facts again. */
static enum vb_status try_role_statement(struct vb_pg *pg, const char *statement,
                                         struct vb_error *err)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "DO $$ BEGIN %s; EXCEPTION WHEN duplicate_object OR unique_violation"
             " OR insufficient_privilege OR undefined_object OR internal_error"
             " THEN NULL; END $$",
             statement);
    return vb_pg_exec(pg, sql, 0, NULL, NULL, err);
}

static enum vb_status provide_role(struct vb_pg *pg, const char *role, bool exists, bool takes,
                                   const char *login, struct vb_error *err)
{
    char statement[256];
    enum vb_status status = VB_OK;
    if (!exists) {
        snprintf(statement, sizeof statement, "CREATE ROLE %s NOLOGIN", role);
        status = try_role_statement(pg, statement, err);
    }
    if (status == VB_OK && !takes) {
        /* Not where the login is a superuser, who may take on any role. */
        snprintf(statement, sizeof statement,
                 "IF NOT pg_has_role(session_user, '%s', 'MEMBER') OR current_setting("
                 "'server_version_num')::int >= 160000 THEN GRANT %s TO %s; END IF",
                 role, role, login);
        status = try_role_statement(pg, statement, err);
    }
    return status;
}

/* Writes what an administrator has to run; VB_DENIED if there is anything. */
static enum vb_status advise(const struct facts *facts, struct vb_buffer *advice,
                             struct vb_error *err)
{
    enum vb_status status = VB_OK;
    if (!facts->has_api)
        status = vb_buffer_append_text(advice, "CREATE ROLE verbatim_api NOLOGIN;\n");
    if (status == VB_OK && !facts->has_worker)
        status = vb_buffer_append_text(advice, "CREATE ROLE verbatim_worker NOLOGIN;\n");
    if (status == VB_OK && !(facts->takes_api && facts->takes_worker))
        status =
            vb_buffer_printf(advice, "GRANT verbatim_api, verbatim_worker TO %s;\n", facts->login);
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

static enum vb_status prepare_ground(struct vb_pg *pg, bool *ret_new_roles,
                                     struct vb_buffer *advice, struct vb_error *err)
{
    struct facts facts;
    enum vb_status status = read_facts(pg, &facts, err);
    if (status != VB_OK)
        return status;
    *ret_new_roles = !facts.has_api || !facts.has_worker;
    status = provide_role(pg, "verbatim_api", facts.has_api, facts.takes_api, facts.login, err);
    if (status == VB_OK)
        status = provide_role(pg, "verbatim_worker", facts.has_worker, facts.takes_worker,
                              facts.login, err);
    if (status == VB_OK)
        status = read_facts(pg, &facts, err);
    if (status == VB_OK)
        status = advise(&facts, advice, err);
    if (status != VB_OK)
        return status;
    if (!facts.owner[0])
        return vb_pg_exec(pg, "CREATE SCHEMA verbatim", 0, NULL, NULL, err);
    if (!facts.is_owner)
        return vb_fail(err, VB_DENIED,
                       "the schema verbatim belongs to %s: run verbatim migrate under that login",
                       facts.owner);
    /* Tables and policies are to belong to the schema's owner, whoever runs this. */
    char sql[192];
    snprintf(sql, sizeof sql, "SET LOCAL ROLE %s", facts.owner);
    return vb_pg_exec(pg, sql, 0, NULL, NULL, err);
}

/* A file of several statements; libpq's simple protocol alone takes those. */
static enum vb_status run_file(struct vb_pg *pg, const struct vb_embedded *file,
                               struct vb_error *err)
{
    PGresult *result = PQexec(vb_pg_connection(pg), file->bytes);
    ExecStatusType state = PQresultStatus(result);
    enum vb_status status = VB_OK;
    if (state != PGRES_COMMAND_OK && state != PGRES_TUPLES_OK) {
        status = vb_pg_fail(err, vb_pg_connection(pg), result);
        vb_fail_within(err, "schema file %s", file->name);
    }
    PQclear(result);
    return status;
}

static bool is_roles(const struct vb_embedded *file)
{
    return strcmp(file->name, ROLES_FILE) == 0;
}

static int version_of(const struct vb_embedded *file)
{
    return (int)strtol(file->name, NULL, 10);
}

static int newest_version(void)
{
    int newest = 0;
    for (const struct vb_embedded *file = vb_schema_files; file->name; file++)
        if (!is_roles(file) && version_of(file) > newest)
            newest = version_of(file);
    return newest;
}

static enum vb_status read_version(struct vb_pg *pg, int *ret_version, struct vb_error *err)
{
    PGresult *result;
    enum vb_status status =
        vb_pg_query(pg, "SELECT coalesce(max(version), 0) FROM verbatim.schema_migration", 0, NULL,
                    &result, err);
    if (status != VB_OK)
        return status;
    *ret_version = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return VB_OK;
}

static enum vb_status too_new(int found, struct vb_error *err)
{
    return vb_fail(err, VB_CONFLICT,
                   "the schema verbatim has version %d, this program knows versions up to %d: use "
                   "a newer verbatim",
                   found, newest_version());
}

static enum vb_status apply_pending(struct vb_pg *pg, struct vb_migrated *migrated,
                                    struct vb_error *err)
{
    for (const struct vb_embedded *file = vb_schema_files; file->name; file++) {
        if (is_roles(file) || version_of(file) <= migrated->version)
            continue;
        char number[12];
        snprintf(number, sizeof number, "%d", version_of(file));
        const char *const row[] = {number, file->name};
        enum vb_status status = run_file(pg, file, err);
        if (status == VB_OK)
            status = vb_pg_exec(pg, "INSERT INTO verbatim.schema_migration VALUES ($1, $2)", 2, row,
                                NULL, err);
        if (status != VB_OK)
            return status;
        migrated->version = version_of(file);
        migrated->applied++;
    }
    return VB_OK;
}

/* Rights take locks that running exports would feel, so they are set only when they may have changed. */
static enum vb_status apply_rights(struct vb_pg *pg, bool needed, struct vb_error *err)
{
    const struct vb_embedded *file = vb_schema_files;
    while (!is_roles(file))
        file++;
    char digest[VB_SHA256_HEX];
    vb_sha256_hex(file->bytes, file->length, digest);
    const char *const parameters[] = {digest};
    uint64_t same = 0;
    enum vb_status status = vb_pg_exec(pg, "SELECT FROM verbatim.schema_rights WHERE digest = $1",
                                       1, parameters, &same, err);
    if (status != VB_OK || (same == 1 && !needed))
        return status;
    status = run_file(pg, file, err);
    if (status == VB_OK)
        status = vb_pg_exec(pg,
                            "INSERT INTO verbatim.schema_rights (digest) VALUES ($1) ON CONFLICT "
                            "(one_row) DO UPDATE SET digest = excluded.digest",
                            1, parameters, NULL, err);
    return status;
}

/* Made by the server's own strong generator, so that no secret travels or lands in a statement log. */
static enum vb_status make_link_secret(struct vb_pg *pg, struct vb_error *err)
{
    static const char sql[] =
        "INSERT INTO verbatim.link_secret (generation, secret) "
        "SELECT 1, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"
        " || uuid_send(gen_random_uuid())) "
        "WHERE NOT EXISTS (SELECT FROM verbatim.link_secret)";
    return vb_pg_exec(pg, sql, 0, NULL, NULL, err);
}

static enum vb_status make_bookkeeping(struct vb_pg *pg, struct vb_error *err)
{
    enum vb_status status =
        vb_pg_exec(pg,
                   "CREATE TABLE IF NOT EXISTS verbatim.schema_migration (version integer PRIMARY "
                   "KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
                   0, NULL, NULL, err);
    if (status == VB_OK)
        status = vb_pg_exec(pg,
                            "CREATE TABLE IF NOT EXISTS verbatim.schema_rights (one_row boolean "
                            "PRIMARY KEY DEFAULT true CHECK (one_row), digest text NOT NULL)",
                            0, NULL, NULL, err);
    return status;
}

static enum vb_status migrate_locked(struct vb_pg *pg, struct vb_migrated *migrated,
                                     struct vb_buffer *advice, struct vb_error *err)
{
    bool new_roles = false;
    /* The number is arbitrary; it only has to be ours. Let go at the end of the transaction. */
    enum vb_status status =
        vb_pg_exec(pg, "SELECT pg_advisory_xact_lock(8746518327541)", 0, NULL, NULL, err);
    if (status == VB_OK)
        status = prepare_ground(pg, &new_roles, advice, err);
    if (status == VB_OK)
        status = make_bookkeeping(pg, err);
    if (status == VB_OK)
        status = read_version(pg, &migrated->version, err);
    if (status == VB_OK && migrated->version > newest_version())
        status = too_new(migrated->version, err);
    if (status == VB_OK)
        status = apply_pending(pg, migrated, err);
    if (status == VB_OK)
        status = apply_rights(pg, new_roles || migrated->applied > 0, err);
    if (status == VB_OK)
        status = make_link_secret(pg, err);
    return status;
}

enum vb_status vb_migrate(struct vb_pg *owner, struct vb_migrated *ret_migrated,
                          struct vb_buffer *advice, struct vb_error *err)
{
    struct vb_migrated migrated = {0};
    enum vb_status status = vb_pg_begin(owner, err);
    if (status != VB_OK)
        return status;
    status = migrate_locked(owner, &migrated, advice, err);
    if (status == VB_OK)
        status = vb_pg_commit(owner, err);
    else
        vb_pg_rollback(owner);
    if (status == VB_OK)
        *ret_migrated = migrated;
    return status;
}

enum vb_status vb_schema_check(struct vb_pg *pg, struct vb_error *err)
{
    int version = 0;
    PGresult *result;
    enum vb_status status = vb_pg_query(pg,
                                        "SELECT to_regnamespace('verbatim') IS NULL OR "
                                        "to_regclass('verbatim.schema_migration') IS NULL",
                                        0, NULL, &result, err);
    if (status != VB_OK)
        return status;
    bool missing = is_true(result, 0);
    PQclear(result);
    if (missing)
        return vb_fail(err, VB_CONFLICT,
                       "the database has no schema verbatim: run verbatim migrate");
    status = read_version(pg, &version, err);
    if (status != VB_OK)
        return status;
    if (version > newest_version())
        return too_new(version, err);
    if (version < newest_version())
        return vb_fail(err, VB_CONFLICT,
                       "the schema verbatim has version %d, this program needs %d: run verbatim "
                       "migrate",
                       version, newest_version());
    return VB_OK;
}
