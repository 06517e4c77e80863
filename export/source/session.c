/* The reader's connection: see session.h. Owns the PGconn and the texts of its prepared statements.
 *
 * With prepared statements the connection keeps a session of its own: settings once, plans by text.
 * Behind a transaction pooler there is none: each statement brings its settings along in a
 * transaction, and nothing is left behind on the server's side.
 */
#include "session.h"

#include "verbatim/clock.h"
#include "verbatim/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void vb_session_drop(struct vb_session *session)
{
    PQfinish(session->connection);
    session->connection = NULL;
    for (size_t i = 0; i < VB_SESSION_STATEMENTS; i++) {
        free(session->statements[i]);
        session->statements[i] = NULL;
    }
}

/* Whether the server's session is ours alone: settings and statements stay. */
static bool is_ours(const struct vb_session *session)
{
    return session->prepared_statements && !session->is_pooled;
}

/* Without a session of our own, settings and statement travel together in one transaction. */
const char *vb_session_prologue(const struct vb_session *session)
{
    if (is_ours(session))
        return "";
    return vb_source_settings(VB_SOURCE_TRANSACTION, PQserverVersion(session->connection));
}

const char *vb_session_epilogue(const struct vb_session *session)
{
    return is_ours(session) ? "" : ";COMMIT";
}

enum vb_status vb_session_fail(struct vb_session *session, const PGresult *result,
                               const char *doing, struct vb_error *err)
{
    struct vb_error own;
    bool spoken = result && PQresultErrorField(result, PG_DIAG_SQLSTATE);
    enum vb_status status = vb_postgres_fail(&own, session->connection, result);
    if (vb_postgres_is_broken(session->connection, result) ||
        PQtransactionStatus(session->connection) != PQTRANS_IDLE)
        vb_session_drop(session);
    if (!spoken)
        status = VB_NETWORK;
    else if (!vb_status_retryable(vb_postgres_status(own.sqlstate)))
        status =
            VB_SOURCE; /* wrong statements, wrong data, no right: that is the source's contract */
    session->is_away = vb_status_retryable(status);
    vb_fail(err, status, "source: %s: %s", doing, own.text);
    vb_postgres_mark(err, result);
    return status;
}

/* A statement that was called off leaves results behind: they go with the connection. */
enum vb_status vb_session_answer(struct vb_session *session, int sent, PGresult **ret_result,
                                 struct vb_error *err)
{
    PGresult *last = NULL;
    bool more = sent == 1;
    enum vb_status status = VB_OK;
    while (more) {
        PGresult *next = NULL;
        status = vb_polled_result(session->connection, &session->stop, &next, err);
        more = next && PQresultStatus(next) != PGRES_COPY_OUT &&
               PQstatus(session->connection) == CONNECTION_OK;
        if (!next)
            break;
        PQclear(last);
        last = next;
    }
    if (status == VB_OK) {
        *ret_result = last;
    } else {
        PQclear(last);
        vb_session_drop(session);
    }
    return status;
}

/* A text of several commands: the last result, or the first that failed. */
static enum vb_status run_simple(struct vb_session *session, const char *sql, struct vb_error *err)
{
    PGresult *result = NULL;
    enum vb_status status =
        vb_session_answer(session, PQsendQuery(session->connection, sql), &result, err);
    if (status == VB_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        status = vb_session_fail(session, result, "cannot set up the connection", err);
    PQclear(result);
    return status;
}

/* A connection whose set-up failed is dropped: the next use would take it for one that has the
 * settings. */
static enum vb_status connect_now(struct vb_session *session, struct vb_error *err)
{
    const struct vb_postgres_recipe recipe = {
        .connection_string = session->connection_string,
        .application_name = session->application_name,
        .server = VB_POSTGRES_ANY,
        .stop = session->stop,
    };
    enum vb_status status = vb_postgres_connect(&recipe, &session->connection, err);
    if (status == VB_STOPPED)
        return status;
    session->is_away = status != VB_OK && vb_status_retryable(status);
    if (status != VB_OK)
        return vb_fail_within(err, status, "cannot connect to the source");
    if (PQsetnonblocking(session->connection, 1) != 0) {
        status = vb_session_fail(session, NULL, "the connection cannot be polled", err);
        vb_session_drop(session);
        return status;
    }
    session->is_pooled = false;
    if (session->prepared_statements) {
        status =
            vb_postgres_find_pooler(session->connection, &session->stop, &session->is_pooled, err);
        if (status != VB_OK) {
            vb_session_drop(session);
            session->is_away = vb_status_retryable(status);
            return status == VB_STOPPED
                       ? status
                       : vb_fail_within(err, status, "cannot connect to the source");
        }
    }
    if (!is_ours(session)) /* a setting would land on somebody else's session */
        return VB_OK;
    int version = PQserverVersion(session->connection);
    status = run_simple(session, vb_source_settings(VB_SOURCE_SESSION, version), err);
    if (status != VB_OK)
        vb_session_drop(session);
    return status;
}

enum vb_status vb_session_ready(struct vb_session *session, struct vb_error *err)
{
    session->is_away = false;
    /* One that died while idle: the first look may find a farewell, only the second the end behind
     * it. */
    if (session->connection && PQconsumeInput(session->connection) == 1 &&
        PQconsumeInput(session->connection) == 1 && PQstatus(session->connection) == CONNECTION_OK)
        return VB_OK;
    vb_session_drop(session);
    return connect_now(session, err);
}

/* Number of the statement's slot; *ret_fresh when it has to be prepared first. Compared by the
 * whole text, in which no values stand: a reader has few. */
static int find_statement(struct vb_session *session, const char *sql, bool *ret_fresh)
{
    int slot = 0;
    for (; slot < VB_SESSION_STATEMENTS && session->statements[slot]; slot++)
        if (strcmp(session->statements[slot], sql) == 0)
            return slot;
    *ret_fresh = true;
    return slot < VB_SESSION_STATEMENTS ? slot : -1;
}

/* Remembered only once the server has it. */
static enum vb_status prepare(struct vb_session *session, int slot, const char *name,
                              const char *sql, struct vb_error *err)
{
    PGresult *result = NULL;
    int sent = PQsendPrepare(session->connection, name, sql, 0, NULL);
    enum vb_status status = vb_session_answer(session, sent, &result, err);
    if (status == VB_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        status = vb_session_fail(session, result, "a query failed", err);
    PQclear(result);
    if (status != VB_OK)
        return status;
    session->statements[slot] = strdup(sql);
    if (session->statements[slot])
        return VB_OK;
    vb_session_drop(session); /* with the statement that has no name on this side */
    return vb_fail(err, VB_NO_MEMORY, "no memory for a prepared statement");
}

/* Parameters and results: the former text, the latter binary. */
static enum vb_status execute(struct vb_session *session, struct vb_query *query,
                              PGresult **ret_result, struct vb_error *err)
{
    const char *values[VB_QUERY_PARAMETERS];
    for (int i = 0; i < query->count; i++)
        values[i] = vb_query_value(query, i);
    bool fresh = false;
    int sent, slot = -1;
    char name[32];
    if (is_ours(session))
        slot = find_statement(session, query->sql.data, &fresh);
    snprintf(name, sizeof name, "vb_source_%d", slot);
    if (fresh && slot >= 0) {
        enum vb_status status = prepare(session, slot, name, query->sql.data, err);
        if (status != VB_OK)
            return status;
    }
    if (slot >= 0)
        sent = PQsendQueryPrepared(session->connection, name, query->count, values, NULL, NULL, 1);
    else
        sent = PQsendQueryParams(session->connection, query->sql.data, query->count, NULL, values,
                                 NULL, NULL, 1);
    return vb_session_answer(session, sent, ret_result, err);
}

enum vb_status vb_session_begin(struct vb_session *session, struct vb_error *err)
{
    enum vb_status status = vb_pace_enter(session->pace, &session->stop, err);
    if (status == VB_OK)
        session->begun = vb_clock_monotonic();
    return status;
}

void vb_session_end(struct vb_session *session)
{
    if (session->begun > 0)
        vb_pace_leave(session->pace, vb_clock_monotonic() - session->begun);
    session->begun = 0;
}

/* The COMMIT has to come through as well, or the pooler's connection stays in the transaction. */
static enum vb_status query_now(struct vb_session *session, struct vb_query *query,
                                PGresult **ret_result, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    if (!is_ours(session))
        status = run_simple(session, vb_session_prologue(session), err);
    if (status != VB_OK)
        return status;
    PGresult *result = NULL;
    status = execute(session, query, &result, err);
    if (status != VB_OK)
        return status;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        status = vb_session_fail(session, result, "a query failed", err);
    else if (!is_ours(session))
        status = run_simple(session, "COMMIT", err);
    if (status == VB_OK)
        *ret_result = result;
    else
        PQclear(result);
    return status;
}

/* A connection may have died in the pause: it is looked at behind that. */
enum vb_status vb_session_query(struct vb_session *session, struct vb_query *query,
                                PGresult **ret_result, struct vb_error *err)
{
    if (query->status != VB_OK)
        return vb_fail(err, query->status, "a statement to the source could not be built");
    enum vb_status status = vb_session_begin(session, err);
    if (status == VB_OK)
        status = vb_session_ready(session, err);
    if (status == VB_OK)
        status = query_now(session, query, ret_result, err);
    vb_session_end(session);
    return status;
}
