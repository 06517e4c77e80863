/* The reader's connection: see session.h. Owns the PGconn and the texts of its prepared
 * statements. */
#include "session.h"

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

/* Without a session of our own, settings and statement travel together in one transaction. */
const char *vb_session_prologue(const struct vb_session *session)
{
    if (session->prepared_statements)
        return "";
    return vb_source_settings(VB_SOURCE_TRANSACTION, PQserverVersion(session->connection));
}

const char *vb_session_epilogue(const struct vb_session *session)
{
    return session->prepared_statements ? "" : ";COMMIT";
}

static bool starts_with_any(const char *code, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(code, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* First line only: details may quote rows. */
static void first_line(const char *message, char text[256])
{
    snprintf(text, 256, "%.*s", (int)strcspn(message, "\n"), message);
}

enum vb_status vb_session_fail(struct vb_session *session, const PGresult *result,
                               const char *doing, struct vb_error *err)
{
    /* Wrong statements, wrong data, no right: trying again changes nothing. */
    static const char *const lasting[] = {"0A", "22", "2F", "38", "39", "3D", "3F", "42", "P0"};
    const char *code = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    char text[256];
    first_line(message ? message : PQerrorMessage(session->connection), text);
    /* No SQLSTATE: libpq itself speaks, and the connection is of no use any more. */
    if (!code) {
        vb_session_drop(session);
        return vb_fail(err, VB_NETWORK, "source: %s: %s", doing, text);
    }
    char state[6];
    snprintf(state, sizeof state, "%s", code);
    bool lost = PQstatus(session->connection) != CONNECTION_OK ||
                PQtransactionStatus(session->connection) != PQTRANS_IDLE;
    if (lost)
        vb_session_drop(session);
    if (starts_with_any(state, lasting, sizeof lasting / sizeof lasting[0]))
        return vb_fail(err, VB_SOURCE, "source: %s: %s (%s)", doing, text, state);
    return vb_fail(err, VB_DATABASE_AWAY, "source: %s: %s (%s)", doing, text, state);
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
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

/* keepalives and tcp_user_timeout find a peer that vanished without a word. */
static enum vb_status connect_now(struct vb_session *session, struct vb_error *err)
{
    const char *const names[] = {"dbname",
                                 "application_name",
                                 "client_encoding",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "keepalives_count",
                                 "tcp_user_timeout",
                                 NULL};
    const char *const values[] = {session->connection_string,
                                  session->application_name,
                                  "UTF8",
                                  "30",
                                  "10",
                                  "3",
                                  "60000",
                                  NULL};
    enum vb_status status =
        vb_polled_connect(names, values, &session->stop, &session->connection, err);
    if (status != VB_OK)
        return status;
    if (PQstatus(session->connection) != CONNECTION_OK) {
        char text[256];
        first_line(PQerrorMessage(session->connection), text);
        vb_session_drop(session);
        return vb_fail(err, VB_NETWORK, "cannot connect to the source: %s", text);
    }
    PQsetNoticeReceiver(session->connection, ignore_notice, NULL);
    if (!session->prepared_statements)
        /* behind a transaction pooler a setting would land on somebody else's session */
        return VB_OK;
    int version = PQserverVersion(session->connection);
    return run_simple(session, vb_source_settings(VB_SOURCE_SESSION, version), err);
}

enum vb_status vb_session_ready(struct vb_session *session, struct vb_error *err)
{
    if (session->connection && PQstatus(session->connection) == CONNECTION_OK)
        return VB_OK;
    vb_session_drop(session);
    return connect_now(session, err);
}

/* Number of the statement's slot; *ret_fresh when it has to be prepared first. */
static int find_statement(struct vb_session *session, const char *sql, bool *ret_fresh)
{
    int slot = 0;
    for (; slot < VB_SESSION_STATEMENTS && session->statements[slot]; slot++)
        if (strcmp(session->statements[slot], sql) == 0)
            return slot;
    *ret_fresh = true;
    return slot < VB_SESSION_STATEMENTS ? slot : -1;
}

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

static enum vb_status execute(struct vb_session *session, struct vb_query *query,
                              PGresult **ret_result, struct vb_error *err)
{
    const char *values[VB_QUERY_PARAMETERS];
    for (int i = 0; i < query->count; i++)
        values[i] = vb_query_value(query, i);
    bool fresh = false;
    int sent, slot = -1;
    char name[32];
    if (session->prepared_statements)
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

enum vb_status vb_session_query(struct vb_session *session, struct vb_query *query,
                                PGresult **ret_result, struct vb_error *err)
{
    if (query->status != VB_OK)
        return vb_fail(err, query->status, "a statement to the source could not be built");
    enum vb_status status = vb_session_ready(session, err);
    if (status != VB_OK)
        return status;
    if (!session->prepared_statements)
        status = run_simple(session, vb_session_prologue(session), err);
    if (status != VB_OK)
        return status;
    PGresult *result = NULL;
    status = execute(session, query, &result, err);
    if (status != VB_OK)
        return status;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        status = vb_session_fail(session, result, "a query failed", err);
    else if (!session->prepared_statements)
        status = run_simple(session, "COMMIT", err);
    if (status == VB_OK)
        *ret_result = result;
    else
        PQclear(result);
    return status;
}
