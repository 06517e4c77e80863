/* Statements with their parameters, as a module gives them to whoever has a connection to send them
 * by.
 *
 * Steps that go together are one transaction and, where the sender can, one round trip. Plain
 * values; whoever makes a step keeps its texts until it was sent. Any thread.
 */
#ifndef VERBATIM_DATABASE_STEP_H
#define VERBATIM_DATABASE_STEP_H

#include "pg.h"

#define VB_PG_STEPS 8u   /* most steps of a transaction */
#define VB_PG_VALUES 40u /* most parameters of a statement */

struct vb_pg_statement {
    const char *name; /* of the prepared statement; NULL: sent as it is, and copied by the ticket */
    const char *sql;
    int count; /* of its parameters, all text */
};

struct vb_pg_step {
    const struct vb_pg_statement *statement;
    const char *const *values; /* NULL entries are SQL NULL */
};

/* Every statement of a module that has a name. */
struct vb_pg_statement_set {
    const struct vb_pg_statement *statements;
    size_t count;
};
#define VB_PG_STATEMENT_SETS 4u

/* For those who may block: the steps in a transaction, results as text, one a step, the caller's to
 * clear. On failure it was rolled back and no result is left; an error of the commit itself says
 * nothing about what became of it. */
enum vb_status vb_pg_steps_run(struct vb_pg *pg, const struct vb_pg_step *steps, size_t count,
                               PGresult *ret_results[VB_PG_STEPS],
                               struct vb_error *err) vb_must_check;
/* The same on a plain connection, reading only: the source. */
enum vb_status vb_pg_steps_read(PGconn *connection, const struct vb_pg_step *steps, size_t count,
                                PGresult *ret_results[VB_PG_STEPS],
                                struct vb_error *err) vb_must_check;
void vb_pg_results_clear(PGresult *results[VB_PG_STEPS]);

/* Some of a transaction's statements in one round trip. With VB_PG_BEGINS the transaction begins
 * before them, else the caller has begun it; with VB_PG_COMMITS it is committed behind them,
 * whatever rows they gave. A statement that fails keeps those behind it from running, and so the
 * COMMIT. Results as of vb_pg_steps_run. On failure none is left, and the rollback is the caller's;
 * where the COMMIT was sent nothing is said of what became of it. */
enum vb_pg_edges { VB_PG_INSIDE = 0, VB_PG_BEGINS = 1, VB_PG_COMMITS = 2 };
enum vb_status vb_pg_steps_send(struct vb_pg *pg, const struct vb_pg_step *steps, size_t count,
                                unsigned edges, PGresult *ret_results[VB_PG_STEPS],
                                struct vb_error *err) vb_must_check;

/* The beginning of every transaction of a workspace: the API's role, and no rows but that
 * workspace's. */
#define VB_PG_ENTER                                                                                \
    "SELECT " VB_ROLE_TAKE("api", "true") ", set_config('verbatim.workspace_id', $1, true)"
/* Behind it, for those that change rows: waiting for locks is limited. */
#define VB_PG_ENTER_LIMITS                                                                         \
    ", set_config('lock_timeout', '3s', true), set_config('statement_timeout', '4s', true)"
/* $1 workspace. */
enum vb_pg_enter { VB_PG_ENTER_READ, VB_PG_ENTER_WRITE, VB_PG_ENTERS };
extern const struct vb_pg_statement vb_pg_enter[VB_PG_ENTERS];

#endif
