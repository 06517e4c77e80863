/* A blocking libpq connection for workers, janitor and commands; never for the HTTP loops.
 *
 * Reconnects by itself outside transactions. Takes on its role on every connection, or in every
 * transaction where a pooler is found or prepared statements are off (then no session is ours).
 * Leaves a server that takes no writes any more within seconds, also if it only reads.
 * Statements are named by their text and prepared on first use.
 *
 * Whoever makes one owns it; results are the caller's, and outlive it. One thread at a time, which
 * waits for the server. Nothing is sent twice: after an error the caller alone knows whether that
 * would be right. In a transaction every error is to be answered by a rollback.
 */
#ifndef VERBATIM_DATABASE_PG_H
#define VERBATIM_DATABASE_PG_H

#include "role.h"

#include "verbatim/buffer.h"
#include "verbatim/postgres.h"

/* VB_PG_QUEUE: as VB_PG_WORKER, for statements that find their few rows by keys and indexes: the
 * server scans and sorts nothing for them, whatever its statistics say of a queue that has grown
 * since. */
enum vb_pg_role { VB_PG_OWNER, VB_PG_API, VB_PG_WORKER, VB_PG_QUEUE };

struct vb_pg;

struct vb_pg_options {
    const char *connection_string; /* NULL: libpq's environment; borrowed until vb_pg_free */
    const char *application_name;
    enum vb_pg_role role;
    bool prepared_statements;
};

/* Does not connect yet. */
enum vb_status vb_pg_new(const struct vb_pg_options *options, struct vb_pg **ret_pg,
                         struct vb_error *err) vb_must_check;
void vb_pg_free(struct vb_pg *pg);

/* Parameters are text or NULL. The result is text, one statement; the caller clears it. Errors
 * carry the SQLSTATE, and the status that vb_postgres_status gives it. Outside begin/commit a
 * statement is a transaction of its own. */
enum vb_status vb_pg_query(struct vb_pg *pg, const char *sql, int count,
                           const char *const *parameters, PGresult **ret_result,
                           struct vb_error *err) vb_must_check;
/* The same without rows; *ret_rows (may be NULL) is the number of rows affected or returned. */
enum vb_status vb_pg_exec(struct vb_pg *pg, const char *sql, int count,
                          const char *const *parameters, uint64_t *ret_rows,
                          struct vb_error *err) vb_must_check;

enum vb_status vb_pg_begin(struct vb_pg *pg, struct vb_error *err) vb_must_check;
enum vb_status vb_pg_commit(struct vb_pg *pg, struct vb_error *err) vb_must_check;
/* Never fails: a connection that cannot roll back is closed. */
void vb_pg_rollback(struct vb_pg *pg);

/* The connection, for LISTEN and polling; NULL while there is none. */
PGconn *vb_pg_connection(struct vb_pg *pg);
enum vb_status vb_pg_connect(struct vb_pg *pg, struct vb_error *err) vb_must_check;
/* Whether the server's session is ours alone, so that LISTEN is of use. False without a connection,
 * behind a pooler, and where prepared statements are off. */
bool vb_pg_has_session(const struct vb_pg *pg);
void vb_pg_disconnect(struct vb_pg *pg);

/* A connection to the source, which may be a replica. The caller finishes it. */
enum vb_status vb_pg_connect_source(const char *connection_string, const char *application_name,
                                    PGconn **ret_connection, struct vb_error *err) vb_must_check;

/* Value of a field as text, NULL for SQL NULL; lives as long as the result. */
const char *vb_pg_value(const PGresult *result, int row, int column);

#endif
