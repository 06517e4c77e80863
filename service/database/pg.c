/* Blocking libpq: one connection that comes back by itself, roles, prepared statements, errors.
 *
 * A struct vb_pg and everything in it belong to one thread. Results belong to the caller. Nothing
 * here retries a statement: whether it ran is unknown once the connection is lost, so only the
 * caller may.
 *
 * A server of our own has a session: the role is taken on once, and statements are prepared. Behind
 * a pooler, which lends a server's connection to many, nothing may stay behind: the role goes with
 * each transaction, a statement by itself becomes one, in a pipeline, and has no name. Some poolers
 * keep named statements for their clients; without names all are spoken to in one way.
 */
#include "pg_private.h"

#include "verbatim/clock.h"
#include "verbatim/hash.h"
#include "verbatim/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stalled process must not hold its locks for longer than this, or the queue of all waits for
 * it. */
#define SETTINGS(local)                                                                            \
    "set_config('TimeZone', 'UTC', " local "), set_config('DateStyle', 'ISO, YMD', " local         \
    "), set_config('bytea_output', 'hex', " local "), "                                            \
    "set_config('idle_in_transaction_session_timeout', '15s', " local ")"

/* Scans and sorts have a large penalty, behind which the server would compile what needs one. A
 * plan is good for all values: it is made once, and not five times more to compare. */
#define BY_KEYS(local)                                                                             \
    ", set_config('enable_seqscan', 'off', " local "), set_config('enable_sort', 'off', " local    \
    "), set_config('jit', 'off', " local                                                           \
    "), set_config('plan_cache_mode', 'force_generic_plan', " local ")"

const char *vb_pg_setup_sql(enum vb_pg_role role, bool for_transaction)
{
    static const char *const sql[][2] = {
        [VB_PG_OWNER] = {"SELECT " SETTINGS("false"), "SELECT " SETTINGS("true")},
        [VB_PG_API] = {"SELECT " VB_ROLE_TAKE("api", "false") ", " SETTINGS("false"),
                       "SELECT " VB_ROLE_TAKE("api", "true") ", " SETTINGS("true")},
        [VB_PG_WORKER] = {"SELECT " VB_ROLE_TAKE("worker", "false") ", " SETTINGS("false"),
                          "SELECT " VB_ROLE_TAKE("worker", "true") ", " SETTINGS("true")},
        [VB_PG_QUEUE] = {"SELECT " VB_ROLE_TAKE("worker", "false") ", " SETTINGS("false")
                             BY_KEYS("false"),
                         "SELECT " VB_ROLE_TAKE("worker", "true") ", " SETTINGS("true")
                             BY_KEYS("true")},
    };
    return sql[role][for_transaction];
}

/* Sets `failed` only; the caller checks once for all copies. */
static char *copy_or_null(const char *text, bool *failed)
{
    if (!text)
        return NULL;
    char *copy = strdup(text);
    if (!copy)
        *failed = true;
    return copy;
}

enum vb_status vb_pg_new(const struct vb_pg_options *options, struct vb_pg **ret_pg,
                         struct vb_error *err)
{
    if (options->connection_string) {
        /* libpq's own message may quote the string with its password. */
        PQconninfoOption *parsed = PQconninfoParse(options->connection_string, NULL);
        if (!parsed)
            return vb_fail(err, VB_INVALID, "the connection string of the database is malformed");
        PQconninfoFree(parsed);
    }
    struct vb_pg *pg = calloc(1, sizeof *pg);
    if (!pg)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a database connection");
    bool failed = false;
    pg->connection_string = options->connection_string;
    pg->application_name = copy_or_null(options->application_name, &failed);
    pg->role = options->role;
    pg->prepared_statements = options->prepared_statements;
    if (failed) {
        vb_pg_free(pg);
        return vb_fail(err, VB_NO_MEMORY, "no memory for a database connection");
    }
    *ret_pg = pg;
    return VB_OK;
}

static void forget_statements(struct vb_pg *pg)
{
    for (size_t i = 0; i < VB_PG_PREPARED; i++) {
        free(pg->statements[i].sql);
        pg->statements[i] = (struct vb_pg_prepared){NULL, 0};
    }
    pg->next_slot = 0;
}

/* The server rolls back whatever was open, and forgets the prepared statements with us. */
void vb_pg_disconnect(struct vb_pg *pg)
{
    PQfinish(pg->connection);
    pg->connection = NULL;
    pg->in_transaction = false;
    forget_statements(pg);
}

void vb_pg_free(struct vb_pg *pg)
{
    if (!pg)
        return;
    vb_pg_disconnect(pg);
    free(pg->application_name);
    free(pg);
}

PGconn *vb_pg_connection(struct vb_pg *pg)
{
    return pg->connection;
}

bool vb_pg_has_session(const struct vb_pg *pg)
{
    return pg->connection && !pg->per_transaction;
}

/* In the words of what cures it: a login that is no member, or since PostgreSQL 16 one that may not
 * set the role. */
static void tell_grant(struct vb_pg *pg, enum vb_status status, struct vb_error *err)
{
    PGresult *result =
        PQexec(pg->connection,
               "SELECT format('GRANT %I, %I TO %I%s', " VB_ROLE_OWN("api") ", " VB_ROLE_OWN(
                   "worker") ", session_user,"
                             " CASE WHEN current_setting('server_version_num')::int"
                             " >= 160000 THEN ' WITH SET TRUE' ELSE '' END)");
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        (void)vb_fail(
            err, status,
            "the login may not take on the role it works under; as a superuser, or whoever "
            "owns the role, run: %s",
            PQgetvalue(result, 0, 0));
    PQclear(result);
}

static enum vb_status set_session_up(struct vb_pg *pg, struct vb_error *err)
{
    static const struct vb_stop never = {NULL, NULL};
    bool is_pooled = true;
    if (pg->prepared_statements) {
        enum vb_status status = vb_postgres_find_pooler(pg->connection, &never, &is_pooled, err);
        if (status != VB_OK)
            return status;
    }
    pg->per_transaction = is_pooled;
    PGresult *result = PQexec(pg->connection, vb_pg_setup_sql(pg->role, pg->per_transaction));
    enum vb_status status = VB_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        struct vb_error refused;
        status = vb_postgres_fail(&refused, pg->connection, result);
        bool is_missing = strcmp(refused.sqlstate, "22023") == 0;
        bool is_refused = strcmp(refused.sqlstate, "42501") == 0;
        if (err)
            *err = refused;
        if (is_refused)
            tell_grant(pg, status, err);
        else if (is_missing)
            status = vb_fail(err, status,
                             "this database has no roles of its own (has verbatim migrate been "
                             "run?): run verbatim migrate");
        else
            vb_fail_within(err, status, "cannot take on the role (has verbatim migrate been run?)");
    }
    PQclear(result);
    return status;
}

enum vb_status vb_pg_connect(struct vb_pg *pg, struct vb_error *err)
{
    if (pg->connection && PQstatus(pg->connection) == CONNECTION_OK)
        return VB_OK;
    vb_pg_disconnect(pg);
    const struct vb_postgres_recipe recipe = {.connection_string = pg->connection_string,
                                              .application_name = pg->application_name,
                                              .server = VB_POSTGRES_WRITABLE};
    enum vb_status status = vb_postgres_connect(&recipe, &pg->connection, err);
    if (status == VB_OK)
        status = set_session_up(pg, err);
    if (status != VB_OK) {
        vb_pg_disconnect(pg);
        return status;
    }
    if (pg->was_connected)
        vb_count(VB_COUNT_DATABASE_RECONNECTS, 1);
    pg->was_connected = true;
    pg->asked_at = vb_clock_monotonic(); /* the recipe has asked */
    return VB_OK;
}

/* Such a one is refused by a server that takes no writes, and taken by no other. */
static bool is_write(const char *sql)
{
    static const char *const words[] = {"INSERT ", "UPDATE ", "DELETE "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(sql, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* Reading alone never meets the refusal of a write: after a failover it would go on with the old
 * primary's rows. */
static bool takes_no_writes(struct vb_pg *pg)
{
    int64_t now = vb_clock_monotonic();
    if (now - pg->asked_at < VB_POSTGRES_ASK_EVERY)
        return false;
    pg->asked_at = now;
    PGresult *result = PQexec(pg->connection, VB_POSTGRES_READ_ONLY);
    bool is_useless = PQresultStatus(result) != PGRES_TUPLES_OK || vb_postgres_is_read_only(result);
    PQclear(result);
    return is_useless;
}

static enum vb_status be_connected(struct vb_pg *pg, bool is_asked, struct vb_error *err)
{
    if (pg->in_transaction) {
        if (pg->connection && PQstatus(pg->connection) == CONNECTION_OK)
            return VB_OK;
        return vb_fail(err, VB_DATABASE_AWAY, "the connection was lost in a transaction");
    }
    /* The first look may find a farewell, only the second the end behind it. */
    if (pg->connection &&
        (PQconsumeInput(pg->connection) != 1 || PQconsumeInput(pg->connection) != 1))
        vb_pg_disconnect(pg);
    if (pg->connection && is_asked && takes_no_writes(pg))
        vb_pg_disconnect(pg);
    return vb_pg_connect(pg, err);
}

/* One that died while idle is noticed here, before a statement is sent whose fate would be
 * unknown. */
enum vb_status vb_pg_be_connected(struct vb_pg *pg, struct vb_error *err)
{
    return be_connected(pg, true, err);
}

static void statement_name(size_t slot, char name[VB_PG_NAME])
{
    snprintf(name, VB_PG_NAME, "verbatim_%zu", slot);
}

/* COMMIT answers ROLLBACK after a failed statement: the tag tells, not the status. */
static enum vb_status run_simple(struct vb_pg *pg, const char *sql, const char *expected_tag,
                                 struct vb_error *err)
{
    PGresult *result = PQexec(pg->connection, sql);
    ExecStatusType state = PQresultStatus(result);
    enum vb_status status = VB_OK;
    if (state != PGRES_COMMAND_OK && state != PGRES_TUPLES_OK)
        status = vb_postgres_fail(err, pg->connection, result);
    else if (expected_tag && strcmp(PQcmdStatus(result), expected_tag) != 0)
        status = vb_fail(err, VB_DATABASE, "%s became %s: a statement before it failed",
                         expected_tag, PQcmdStatus(result));
    PQclear(result);
    return status;
}

/* Frees the slot that the next statement gets. */
static enum vb_status evict(struct vb_pg *pg, size_t slot, struct vb_error *err)
{
    if (!pg->statements[slot].sql)
        return VB_OK;
    char name[VB_PG_NAME], sql[VB_PG_NAME + 16];
    statement_name(slot, name);
    snprintf(sql, sizeof sql, "DEALLOCATE %s", name);
    enum vb_status status = run_simple(pg, sql, NULL, err);
    if (status != VB_OK)
        return status;
    free(pg->statements[slot].sql);
    pg->statements[slot] = (struct vb_pg_prepared){NULL, 0};
    return VB_OK;
}

enum vb_status vb_pg_name(struct vb_pg *pg, const char *sql, int count, char name[VB_PG_NAME],
                          struct vb_error *err)
{
    *name = '\0';
    if (pg->per_transaction)
        return VB_OK;
    uint64_t hash = vb_fnv1a(sql, strlen(sql));
    for (size_t i = 0; i < VB_PG_PREPARED; i++) {
        const struct vb_pg_prepared *known = &pg->statements[i];
        if (known->sql && known->hash == hash && strcmp(known->sql, sql) == 0) {
            statement_name(i, name);
            return VB_OK;
        }
    }
    size_t slot = pg->next_slot;
    enum vb_status status = evict(pg, slot, err);
    if (status != VB_OK)
        return status;
    char *copy = strdup(sql);
    if (!copy)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a prepared statement");
    statement_name(slot, name);
    PGresult *result = PQprepare(pg->connection, name, sql, count, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        status = vb_postgres_fail(err, pg->connection, result);
        free(copy);
    } else {
        pg->statements[slot] = (struct vb_pg_prepared){copy, hash};
        pg->next_slot = (slot + 1) % VB_PG_PREPARED;
    }
    PQclear(result);
    return status;
}

static enum vb_status run(struct vb_pg *pg, const char *sql, int count,
                          const char *const *parameters, PGresult **ret_result,
                          struct vb_error *err)
{
    char name[VB_PG_NAME];
    enum vb_status status = vb_pg_name(pg, sql, count, name, err);
    if (status != VB_OK)
        return status;
    PGresult *result;
    if (pg->per_transaction && !pg->in_transaction) {
        result = vb_pg_run_set_up(pg, sql, count, parameters);
        if (PQexitPipelineMode(pg->connection) != 1) {
            PQclear(result);
            return vb_postgres_fail(err, pg->connection, NULL);
        }
    } else if (*name) {
        result = PQexecPrepared(pg->connection, name, count, parameters, NULL, NULL, 0);
    } else {
        result = PQexecParams(pg->connection, sql, count, NULL, parameters, NULL, NULL, 0);
    }
    *ret_result = result;
    return VB_OK;
}

/* In a transaction the caller's rollback closes a dead connection, so that the loss is told
 * first. */
static void drop_if_dead(struct vb_pg *pg, const PGresult *result)
{
    bool is_broken = vb_postgres_is_broken(pg->connection, result);
    if (pg->in_transaction)
        pg->is_broken = pg->is_broken || is_broken;
    else if (is_broken)
        vb_pg_disconnect(pg);
}

enum vb_status vb_pg_query(struct vb_pg *pg, const char *sql, int count,
                           const char *const *parameters, PGresult **ret_result,
                           struct vb_error *err)
{
    bool writes = is_write(sql);
    enum vb_status status = be_connected(pg, !writes, err);
    if (status != VB_OK)
        return status;
    PGresult *result = NULL;
    int64_t sent_at = vb_clock_monotonic();
    status = run(pg, sql, count, parameters, &result, err);
    if (status != VB_OK) {
        if (!pg->in_transaction && (PQstatus(pg->connection) == CONNECTION_BAD ||
                                    PQpipelineStatus(pg->connection) != PQ_PIPELINE_OFF))
            vb_pg_disconnect(pg);
        return status;
    }
    ExecStatusType state = PQresultStatus(result);
    if (state == PGRES_TUPLES_OK || state == PGRES_COMMAND_OK) {
        if (writes)
            pg->asked_at = sent_at; /* the answer tells as much */
        *ret_result = result;
        return VB_OK;
    }
    status = vb_postgres_fail(err, pg->connection, result);
    drop_if_dead(pg, result);
    PQclear(result);
    return status;
}

enum vb_status vb_pg_exec(struct vb_pg *pg, const char *sql, int count,
                          const char *const *parameters, uint64_t *ret_rows, struct vb_error *err)
{
    PGresult *result = NULL;
    enum vb_status status = vb_pg_query(pg, sql, count, parameters, &result, err);
    if (status != VB_OK)
        return status;
    if (ret_rows)
        *ret_rows = strtoull(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return VB_OK;
}

enum vb_status vb_pg_begin(struct vb_pg *pg, struct vb_error *err)
{
    enum vb_status status = vb_pg_be_connected(pg, err);
    if (status != VB_OK)
        return status;
    char sql[2048] = "BEGIN";
    if (pg->per_transaction)
        snprintf(sql, sizeof sql, "BEGIN; %s", vb_pg_setup_sql(pg->role, true));
    status = run_simple(pg, sql, NULL, err);
    if (status != VB_OK) {
        vb_pg_disconnect(pg);
        return status;
    }
    pg->in_transaction = true;
    pg->is_broken = false;
    return VB_OK;
}

enum vb_status vb_pg_commit(struct vb_pg *pg, struct vb_error *err)
{
    enum vb_status status = vb_pg_be_connected(pg, err);
    if (status == VB_OK)
        status = run_simple(pg, "COMMIT", "COMMIT", err);
    pg->in_transaction = false;
    if (status != VB_OK && pg->connection &&
        (pg->is_broken || PQtransactionStatus(pg->connection) != PQTRANS_IDLE))
        vb_pg_disconnect(pg);
    return status;
}

void vb_pg_rollback(struct vb_pg *pg)
{
    pg->in_transaction = false;
    if (!pg->connection)
        return;
    /* A COMMIT that failed has ended it. */
    if (!pg->is_broken && PQtransactionStatus(pg->connection) == PQTRANS_IDLE)
        return;
    if (pg->is_broken || PQpipelineStatus(pg->connection) != PQ_PIPELINE_OFF ||
        run_simple(pg, "ROLLBACK", "ROLLBACK", NULL) != VB_OK ||
        PQtransactionStatus(pg->connection) != PQTRANS_IDLE)
        vb_pg_disconnect(pg);
}

const char *vb_pg_value(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}
