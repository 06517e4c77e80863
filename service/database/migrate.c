/* Creates and upgrades the schema `verbatim` in one transaction.
 *
 * Belongs to the command `migrate`; `serve` and `worker` only compare versions. Owns nothing but
 * results. Never drops a table and never goes back to an earlier version.
 *
 * The order: the lock, so that of several who begin at once all but one find the work done; roles
 * and schema (ground.c), which a login without the right cannot make; then, as the schema's owner,
 * bookkeeping, migrations, rights, the first link secret. The version is read behind the lock. One
 * transaction holds all of it, so a migration that fails leaves no half of itself, and a process of
 * the previous version that is running sees either schema whole.
 */
#include "migrate.h"

#include "embedded.h"
#include "rights.h"

#include "verbatim/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number is arbitrary; it only has to be ours. Let go at the end of the transaction. */
#define LOCK "SELECT pg_advisory_xact_lock(8746518327541)"

/* Tries where processes that are running came into a deadlock with it. */
#define TRIES 10
#define PAUSE (VB_SECOND / 5)
#define DEADLOCK "40P01"

static bool is_true(const PGresult *result, int column)
{
    return PQgetvalue(result, 0, column)[0] == 't';
}

static bool is_roles(const struct vb_embedded *file)
{
    return strcmp(file->name, VB_ROLES_FILE) == 0;
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

/* All tables at once. One by one, as migrations and rights come to them, they would be held for so
 * long that processes of the previous version, whose transactions take several, would be in their
 * way each time. */
static enum vb_status lock_tables(struct vb_pg *pg, struct vb_error *err)
{
    static const char sql[] =
        "DO $$ DECLARE each record; BEGIN"
        " FOR each IN SELECT relname FROM pg_class"
        " WHERE relnamespace = 'verbatim'::regnamespace AND relkind = 'r' ORDER BY relname LOOP"
        " EXECUTE format('LOCK TABLE verbatim.%I IN ACCESS EXCLUSIVE MODE', each.relname);"
        " END LOOP; END $$";
    return vb_pg_exec(pg, sql, 0, NULL, NULL, err);
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
        enum vb_status status = vb_rights_run_file(pg, file->name, file->bytes, err);
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

/* Made by the server's own strong generator, so that no secret travels or lands in a statement
 * log. */
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
    enum vb_status status = vb_pg_exec(pg,
                                       "CREATE TABLE IF NOT EXISTS verbatim.schema_migration ("
                                       "version integer PRIMARY KEY,"
                                       " name text NOT NULL,"
                                       " applied_at timestamptz NOT NULL DEFAULT now())",
                                       0, NULL, NULL, err);
    if (status == VB_OK)
        status = vb_pg_exec(pg,
                            "CREATE TABLE IF NOT EXISTS verbatim.schema_rights ("
                            "one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),"
                            " digest text NOT NULL)",
                            0, NULL, NULL, err);
    return status;
}

static enum vb_status migrate_locked(struct vb_pg *pg, struct vb_migrated *migrated,
                                     struct vb_buffer *advice, struct vb_error *err)
{
    struct vb_ground ground;
    enum vb_status status = vb_pg_exec(pg, LOCK, 0, NULL, NULL, err);
    if (status == VB_OK)
        status = vb_ground_prepare(pg, &ground, advice, err);
    if (status == VB_OK)
        status = make_bookkeeping(pg, err);
    if (status == VB_OK)
        status = read_version(pg, &migrated->version, err);
    if (status == VB_OK && migrated->version > newest_version())
        status = too_new(migrated->version, err);
    if (status == VB_OK && migrated->version < newest_version())
        status = lock_tables(pg, err);
    if (status == VB_OK)
        status = apply_pending(pg, migrated, err);
    if (status == VB_OK)
        status = vb_rights_apply(pg, &ground, ground.is_shared, migrated->applied > 0, err);
    if (status == VB_OK)
        status = vb_rights_grant_queue(pg, err);
    if (status == VB_OK)
        status = make_link_secret(pg, err);
    if (status == VB_OK)
        migrated->is_shared = ground.is_shared;
    return status;
}

static enum vb_status migrate_once(struct vb_pg *owner, struct vb_migrated *ret_migrated,
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

enum vb_status vb_migrate(struct vb_pg *owner, struct vb_migrated *ret_migrated,
                          struct vb_buffer *advice, struct vb_error *err)
{
    for (int tried = 1;; tried++) {
        struct vb_error failure = {0};
        enum vb_status status = migrate_once(owner, ret_migrated, advice, &failure);
        if (status != VB_OK && strcmp(failure.sqlstate, DEADLOCK) == 0 && tried < TRIES) {
            vb_clock_sleep(PAUSE);
            continue;
        }
        if (status != VB_OK && err)
            *err = failure;
        return status;
    }
}

static enum vb_status retire_locked(struct vb_pg *pg, struct vb_error *err)
{
    struct vb_ground ground;
    enum vb_status status = vb_pg_exec(pg, LOCK, 0, NULL, NULL, err);
    if (status == VB_OK)
        status = vb_ground_look(pg, &ground, err);
    if (status == VB_OK && ground.owner[0])
        status = vb_ground_act_as_owner(pg, &ground, err);
    if (status == VB_OK)
        status = vb_schema_check(pg, err);
    if (status == VB_OK && ground.is_shared)
        status = vb_rights_apply(pg, &ground, false, true, err);
    return status;
}

enum vb_status vb_migrate_retire_roles(struct vb_pg *owner, struct vb_error *err)
{
    enum vb_status status = vb_pg_begin(owner, err);
    if (status != VB_OK)
        return status;
    status = retire_locked(owner, err);
    if (status == VB_OK)
        return vb_pg_commit(owner, err);
    vb_pg_rollback(owner);
    return status;
}

int vb_schema_newest(void)
{
    return newest_version();
}

enum vb_status vb_schema_version(struct vb_pg *pg, int *ret_version, struct vb_error *err)
{
    PGresult *result;
    enum vb_status status = vb_pg_query(pg,
                                        "SELECT to_regnamespace('verbatim') IS NULL"
                                        " OR to_regclass('verbatim.schema_migration') IS NULL",
                                        0, NULL, &result, err);
    if (status != VB_OK)
        return status;
    bool is_missing = is_true(result, 0);
    PQclear(result);
    if (!is_missing)
        return read_version(pg, ret_version, err);
    *ret_version = -1;
    return VB_OK;
}

enum vb_status vb_schema_check(struct vb_pg *pg, struct vb_error *err)
{
    int version = 0;
    enum vb_status status = vb_schema_version(pg, &version, err);
    if (status != VB_OK)
        return status;
    if (version < 0)
        return vb_fail(err, VB_CONFLICT,
                       "the database has no schema verbatim: run verbatim migrate");
    if (version > newest_version())
        return too_new(version, err);
    if (version < newest_version())
        return vb_fail(err, VB_CONFLICT,
                       "the schema verbatim has version %d, this program needs %d: run verbatim "
                       "migrate",
                       version, newest_version());
    return VB_OK;
}
