/* The insides of a struct vb_pg, shared by pg.c (one statement at a time) and pipeline.c (several).
 * Private to the room.
 *
 * All of it belongs to the connection's thread. Names of statements are good until another is
 * prepared.
 */
#ifndef VERBATIM_DATABASE_PG_PRIVATE_H
#define VERBATIM_DATABASE_PG_PRIVATE_H

#include "pg.h"

#include <stdint.h>

/* Statements kept prepared on one connection; the oldest makes room. */
#define VB_PG_PREPARED 96
#define VB_PG_NAME 24

/* Looked up by text: callers pass literals, and nobody has to name or register them. */
struct vb_pg_prepared {
    char *sql; /* owned; NULL: the slot is free */
    uint64_t hash;
};

struct vb_pg {
    const char *connection_string; /* borrowed; NULL: libpq's environment */
    char *application_name;
    enum vb_pg_role role;
    bool prepared_statements;
    bool per_transaction; /* no session to keep the role in: set it up in each transaction */
    bool was_connected;
    bool in_transaction;
    /* a statement of the transaction met an error after which nothing else will work */
    bool is_broken;
    int64_t asked_at; /* whether writes are taken */
    PGconn *connection;
    struct vb_pg_prepared statements[VB_PG_PREPARED];
    size_t next_slot;
};

/* Makes sure that there is a connection; in a transaction: that it is there yet. */
enum vb_status vb_pg_be_connected(struct vb_pg *pg, struct vb_error *err) vb_must_check;
/* The name under which `sql` is prepared on this connection; "" where no session is ours. */
enum vb_status vb_pg_name(struct vb_pg *pg, const char *sql, int count, char name[VB_PG_NAME],
                          struct vb_error *err) vb_must_check;
/* One SELECT of set_config calls that takes on the role, UTC and ISO dates: for the transaction
 * alone, or for the session. */
const char *vb_pg_setup_sql(enum vb_pg_role role, bool for_transaction);

/* pipeline.c: setup and statement as one implicit transaction, which lasts until the sync: one
 * round trip, and nothing stays behind on the pooler's connection. The last result, or the first
 * that failed; the caller ends the pipeline. */
PGresult *vb_pg_run_set_up(struct vb_pg *pg, const char *sql, int count,
                           const char *const *parameters);

#endif
