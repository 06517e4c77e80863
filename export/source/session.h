/* One connection to the source: settings, statements with binary results, and what an error means.
 *
 * Belongs to the reader's thread. A connection in doubt is closed rather than repaired: a statement
 * that streams cannot be called off in a safer way, since a server blocked in sending answers
 * nothing else. The next use connects again.
 *
 * Owns the PGconn and the prepared statements' texts until vb_session_drop, which leaves a session
 * that may be used again. Errors: VB_NETWORK where the server said nothing, VB_DATABASE_AWAY where
 * trying again may help, VB_SOURCE where it will not, VB_STOPPED, VB_NO_MEMORY. Results are the
 * caller's to clear, and do not depend on the connection.
 */
#ifndef VERBATIM_EXPORT_SOURCE_SESSION_H
#define VERBATIM_EXPORT_SOURCE_SESSION_H

#include "pace.h"
#include "polled.h"
#include "query.h"

/* Texts beyond these are sent unprepared: slower, and right. */
#define VB_SESSION_STATEMENTS 16

struct vb_session {
    const char *connection_string; /* borrowed */
    const char *application_name;  /* borrowed */
    bool prepared_statements;      /* as wished; without them no session is taken for our own */
    bool is_pooled;                /* a pooler was found on this connection */
    struct vb_stop stop;           /* asked in every wait */
    struct vb_pace *pace;          /* borrowed; NULL: full speed */
    int64_t begun;                 /* monotonic: our statement has its turn since then; 0: none */
    PGconn *connection;            /* NULL: none */
    bool is_away;                  /* the last use failed by the server or the way to it, for now */
    char *statements[VB_SESSION_STATEMENTS]; /* texts prepared on this connection */
};

/* Closes the connection; also fine where there is none. */
void vb_session_drop(struct vb_session *session);
/* Connects unless there is a connection that looks alive. This and what follows may end with
 * VB_STOPPED, the connection dropped. */
enum vb_status vb_session_ready(struct vb_session *session, struct vb_error *err) vb_must_check;
/* The answer to what a PQsend function sent (1) or could not send (0): the last result or the one
 * that begins a COPY, as PQexec gives it. NULL or a failed one is for vb_session_fail. */
enum vb_status vb_session_answer(struct vb_session *session, int sent, PGresult **ret_result,
                                 struct vb_error *err) vb_must_check;
/* The turn of a statement that the caller sends by itself, and its end, also after a failure or a
 * drop. vb_session_query has turns of its own. */
enum vb_status vb_session_begin(struct vb_session *session, struct vb_error *err) vb_must_check;
void vb_session_end(struct vb_session *session);
/* Rows in binary; one transaction of its own. The caller clears the result. */
enum vb_status vb_session_query(struct vb_session *session, struct vb_query *query,
                                PGresult **ret_result, struct vb_error *err) vb_must_check;
/* What the server or the connection said: VB_NETWORK or VB_DATABASE_AWAY, or VB_SOURCE. Drops the
 * connection if it is gone. `result` may be NULL. */
enum vb_status vb_session_fail(struct vb_session *session, const PGresult *result,
                               const char *doing, struct vb_error *err);

/* What has to precede a statement in a simple query, and to follow it: a transaction with the
 * settings where a pooler keeps no session, else nothing. */
const char *vb_session_prologue(const struct vb_session *session);
const char *vb_session_epilogue(const struct vb_session *session);

#endif
