/* What the server's errors mean: see verbatim/postgres.h. Pure; any thread.
 *
 * Source: appendix "PostgreSQL Error Codes" of the manual. Two tables, for two questions: whether
 * trying again may help, and whether the connection is of use any more. A code new to us is a fault
 * of the statement, since repeating it for ever would hide it.
 */
#include "verbatim/postgres.h"

#include <stdio.h>
#include <string.h>

static bool begins_with_any(const char *state, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(state, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

#define BEGINS_WITH_ANY(state, prefixes)                                                           \
    begins_with_any(state, prefixes, sizeof(prefixes) / sizeof *(prefixes))

/* Codes and whole classes. All others say that the statement, its data or its rights are at fault,
 * which trying again does not change. */
static const char *const passing[] = {
    "08",    /* the connection */
    "25006", /* a standby, or a primary that was one's own until a moment ago */
    "25P03", /* the session was idle in its transaction for too long, */
    "25P04", /* or the transaction went on for too long */
    "26000", /* the statement was prepared on a connection that a pooler took away */
    "40",    /* the transaction was rolled back: deadlock, serialization, recovery */
    "53",    /* resources: memory, disk, connections */
    "55",    /* an object in use or not in the state it will have */
    "57",    /* an operator or a time-out intervened, the server stops or starts */
    "58",    /* the server's own files */
    "72",    /* a snapshot that became too old */
    "HV",    /* a foreign server behind a view */
    "XX000", /* an internal error, most often of two that met; damaged data is XX001 and XX002 */
};

/* 0A000 is a cached plan whose result has another type: the statement has to be prepared anew. */
static const char *const breaking[] = {"08", "0A000", "25006", "25P03", "25P04", "26000", "57P0"};

enum vb_status vb_postgres_status(const char *sqlstate)
{
    if (!sqlstate || BEGINS_WITH_ANY(sqlstate, passing))
        return VB_DATABASE_AWAY;
    return strcmp(sqlstate, "23505") == 0 ? VB_CONFLICT : VB_DATABASE;
}

/* NULL where libpq speaks itself: the server did not answer. */
static const char *state_of(const PGresult *result)
{
    return result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
}

bool vb_postgres_is_broken(const PGconn *connection, const PGresult *result)
{
    const char *state = state_of(result);
    return PQstatus(connection) == CONNECTION_BAD || !state || BEGINS_WITH_ANY(state, breaking);
}

/* The server's words without their severity and line breaks. */
static void tidy(char *to, size_t size, const char *message)
{
    static const char *const severities[] = {"ERROR:  ", "FATAL:  ", "PANIC:  "};
    for (size_t i = 0; i < sizeof severities / sizeof *severities; i++)
        if (strncmp(message, severities[i], strlen(severities[i])) == 0)
            message += strlen(severities[i]);
    snprintf(to, size, "%s", message);
    size_t length = strlen(to);
    while (length > 0 && to[length - 1] == '\n')
        to[--length] = '\0';
    for (char *at = to; *at; at++)
        if (*at == '\n')
            *at = ' ';
}

void vb_postgres_mark(struct vb_error *err, const PGresult *result)
{
    const char *state = state_of(result);
    if (err)
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", state ? state : "");
}

enum vb_status vb_postgres_fail(struct vb_error *err, const PGconn *connection,
                                const PGresult *result)
{
    char text[400];
    const char *state = state_of(result);
    enum vb_status status = vb_postgres_status(state);
    if (connection && PQstatus(connection) == CONNECTION_BAD)
        status = VB_DATABASE_AWAY;
    const char *message = state        ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)
                          : connection ? PQerrorMessage(connection)
                          : result     ? PQresultErrorMessage(result)
                                       : NULL;
    tidy(text, sizeof text,
         message && *message ? message
         : state             ? "refused"
                             : "the connection was lost");
    if (!state)
        return vb_fail(err, status, "%s", text);
    vb_fail(err, status, "%s (SQLSTATE %s)", text, state);
    vb_postgres_mark(err, result);
    return status;
}

/* For SHOW transaction_read_only, in text. */
bool vb_postgres_is_read_only(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
           PQgetlength(result, 0, 0) == 2 && memcmp(PQgetvalue(result, 0, 0), "on", 2) == 0;
}
