/* The recipe for connections, and where notices go: see verbatim/postgres.h.
 *
 * A connection is made step by step, not by libpq's blocking call: so that a stop is heard, and so
 * that what the server says while connecting finds our receiver instead of standard error.
 */
#include "verbatim/postgres.h"

#include "polled.h"

#include "verbatim/log.h"
#include "verbatim/renewed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYWORDS 16
#define OLDEST 13 /* release of PostgreSQL */

/* libpq lets the last of equal keywords win, so what stands before dbname is a default. dbname is
 * expanded: a whole URI or keyword string may stand in it. client_encoding stands behind it, since
 * no other encoding is understood. */
struct keywords {
    const char *names[KEYWORDS], *values[KEYWORDS];
};

/* Both lists in the same order. The times find a dead host within half a minute, where TCP alone
 * would take a quarter of an hour; or within seven seconds: probes from the third on, and none
 * answered for five. */
static struct keywords keywords_of(const struct vb_postgres_recipe *recipe)
{
    bool writable = recipe->server == VB_POSTGRES_WRITABLE, quick = recipe->is_waited_at;
    return (struct keywords){
        {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
         "tcp_user_timeout", "target_session_attrs", "application_name", "dbname",
         "client_encoding", NULL},
        {"5", quick ? "3" : "10", quick ? "2" : "5", "3", quick ? "5000" : "15000",
         writable ? "read-write" : "any", recipe->application_name, recipe->connection_string,
         "UTF8", NULL},
    };
}

/* By the severity that is not translated to the server's language. */
static enum vb_log_level level_of(const char *severity)
{
    static const char *const grave[] = {"WARNING", "ERROR", "FATAL", "PANIC"};
    for (size_t i = 0; severity && i < sizeof grave / sizeof *grave; i++)
        if (strcmp(severity, grave[i]) == 0)
            return VB_LOG_WARN;
    return VB_LOG_DEBUG;
}

/* A farewell to an idle connection is a notice as well: no statement is there to fail with it. */
static void log_notice(void *context, const PGresult *notice)
{
    (void)context;
    struct vb_error err;
    (void)vb_postgres_fail(&err, NULL, notice);
    vb_log(level_of(PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED)),
           "the database says: %s", err.text);
}

/* A plain database name is none of the forms that libpq parses. */
static bool is_malformed(const char *connection_string)
{
    if (!connection_string || (!strchr(connection_string, '=') &&
                               strncmp(connection_string, "postgres", strlen("postgres")) != 0))
        return false;
    PQconninfoOption *parsed = PQconninfoParse(connection_string, NULL);
    bool malformed =
        !parsed && (strchr(connection_string, '=') || strstr(connection_string, "://"));
    PQconninfoFree(parsed);
    return malformed;
}

/* Snapshots as the queue and the reader ask for them came with this release. A pooler tells the
 * version of the server behind it. */
static enum vb_status refuse_old(PGconn *connection, struct vb_error *err)
{
    int version = PQserverVersion(connection);
    if (version >= 10000 * OLDEST)
        return VB_OK;
    return vb_fail(err, VB_DATABASE, "PostgreSQL %d or later is needed, this server is %d", OLDEST,
                   version / 10000);
}

/* libpq tells the SQLSTATE of a refused connection in no field, only, where it is asked to be
 * verbose, among the words: "FATAL:  28P01: password ..." in any language, and lines behind. It is
 * taken out of the words and noted. Of several hosts the first that says one counts. */
static void take_state(struct vb_error *err)
{
    for (char *at = err->text; (at = strstr(at, ":  ")); at++) {
        const char *state = at + 3;
        if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 ||
            strncmp(state + 5, ": ", 2) != 0)
            continue;
        snprintf(err->sqlstate, sizeof err->sqlstate, "%.5s", state);
        memmove(at + 3, state + 7, strlen(state + 7) + 1);
        char *place = strstr(err->text, " LOCATION:  ");
        if (place)
            *place = '\0';
        return;
    }
}

bool vb_postgres_is_refusal(const struct vb_error *err)
{
    static const char *const states[] = {"28000", "28P01", "3D000", "42501"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return err->status == VB_DATABASE_AWAY;
    return false;
}

/* A connection string that is malformed is told without its text, which may hold a password. */
enum vb_status vb_postgres_connect(const struct vb_postgres_recipe *recipe, PGconn **ret_connection,
                                   struct vb_error *err)
{
    struct vb_postgres_recipe present = *recipe;
    present.connection_string = vb_renewed_text(recipe->connection_string);
    if (is_malformed(present.connection_string))
        return vb_fail(err, VB_INVALID, "the connection string of the database is malformed");
    struct keywords keywords = keywords_of(&present);
    PGconn *connection = PQconnectStartParams(keywords.names, keywords.values, 1);
    if (!connection)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a database connection");
    PQsetNoticeReceiver(connection, log_notice, NULL);
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    enum vb_status status = VB_OK;
    if (PQstatus(connection) != CONNECTION_BAD)
        status = vb_polled_connect(connection, &recipe->stop, err);
    if (status == VB_OK && PQstatus(connection) != CONNECTION_OK) {
        struct vb_error refused;
        status = vb_postgres_fail(&refused, connection, NULL);
        take_state(&refused);
        if (err)
            *err = refused;
    }
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    if (status == VB_OK)
        status = refuse_old(connection, err);
    if (status == VB_OK)
        *ret_connection = connection;
    else
        PQfinish(connection);
    return status;
}
