/* PostgreSQL for one HTTP loop: a few non-blocking connections in pipeline mode, shared by all its
 * requests.
 *
 * What one request sends is a ticket: a few statements behind one sync, so one implicit transaction
 * and one round trip. Nothing here waits: connecting (name resolution, TLS, passwords, preparing)
 * is the connector thread's work. A database that is away fails tickets at once. Belongs to its
 * loop's thread.
 */
#ifndef VERBATIM_DATABASE_POOL_H
#define VERBATIM_DATABASE_POOL_H

#include "step.h"

#include "verbatim/clock.h"

#include <event2/event.h>
#include <event2/event_struct.h>

/* How a ticket ended. Results (one a step) live until the callback returns; all NULL unless
 * VB_OK. */
struct vb_pg_outcome {
    enum vb_status status; /* VB_OK; VB_DATABASE_AWAY: also too slow; VB_DATABASE: refused */
    PGresult *results[VB_PG_STEPS];
    uint64_t number; /* the same for all who share the results, and for nobody else of the pool */
    bool is_shared;  /* by several */
    struct vb_error error;
};
typedef void vb_pg_done(void *context, const struct vb_pg_outcome *outcome);

struct vb_pg_pool_options {
    struct event_base *base;
    const char *connection_string; /* NULL: libpq's environment */
    enum vb_postgres_server
        server; /* writable: it is left within seconds when it takes no writes any more */
    const char *take_role; /* SQL expression, evaluated while preparing; NULL: no role */
    bool prepared;         /* but for connections by a pooler */
    bool text;             /* results in text format, not binary */
    /* All with a name that will ever be sent; they outlive the pool. */
    struct vb_pg_statement_set statements[VB_PG_STATEMENT_SETS];
    size_t links;         /* connections, at most VB_PG_LINKS */
    size_t depth;         /* tickets in flight on each; 0: many */
    int64_t ticket_time;  /* from sending a ticket to its last result; 0: VB_PG_TICKET_TIME */
    void (*wake)(void *); /* called by the connector thread: have vb_pg_pool_tick run soon */
    void *wake_context;
};
#define VB_PG_LINKS 4u
#define VB_PG_TICKET_TIME (5 * VB_SECOND)

struct vb_pg_pool;
struct vb_pg_ticket;
struct vb_pg_connector;

/* The connector's thread serves all pools of one database. Stop joins it (some seconds at the
 * worst); before pools are freed. */
enum vb_status vb_pg_connector_start(struct vb_pg_connector **ret_connector,
                                     struct vb_error *err) vb_must_check;
void vb_pg_connector_stop(struct vb_pg_connector *connector);

enum vb_status vb_pg_pool_new(const struct vb_pg_pool_options *options,
                              struct vb_pg_connector *connector, struct vb_pg_pool **ret_pool,
                              struct vb_error *err) vb_must_check;
/* Tickets that nobody dropped end now, with VB_DATABASE; what they send then is refused. */
void vb_pg_pool_free(struct vb_pg_pool *pool);
/* Opens the connections; a pool that is never sent to needs none. */
void vb_pg_pool_open(struct vb_pg_pool *pool);

/* Sends the steps, whose values are copied. `done` is called exactly once, never from within this
 * call, unless the ticket is dropped before. VB_DATABASE_AWAY at once when the database is away or
 * too much waits already. */
enum vb_status vb_pg_pool_send(struct vb_pg_pool *pool, const struct vb_pg_step *steps,
                               size_t count, vb_pg_done *done, void *context,
                               struct vb_pg_ticket **ret_ticket,
                               struct vb_error *err) vb_must_check;
/* The same, of steps that only look, all with a name: sent at the next vb_pg_pool_round, or later,
 * together with others that ask alike and wait at the same time, and answered by the same results.
 * `many`: the parameter of the last step, from 1 on, that is an array; each gives one element of
 * it, of lower letters, digits and dashes, or NULL for none, and looks for its own rows in the
 * result. 0: all values are the same. */
enum vb_status vb_pg_pool_share(struct vb_pg_pool *pool, const struct vb_pg_step *steps,
                                size_t count, int many, vb_pg_done *done, void *context,
                                struct vb_pg_ticket **ret_ticket,
                                struct vb_error *err) vb_must_check;
/* At the end of each round of the loop: sends what is shared once a round was quiet, that is, has
 * brought nothing more to share. True: it waits for that, and the loop should look again soon. */
bool vb_pg_pool_round(struct vb_pg_pool *pool, bool is_quiet);
/* The callback will not come. What was sent still happens, what still waits does not. NULL is a
 * no-op. */
void vb_pg_ticket_drop(struct vb_pg_ticket *ticket);

/* Takes connections from the connector, asks for missing ones, fails what is too old. Several times
 * a second. */
void vb_pg_pool_tick(struct vb_pg_pool *pool);

/* Fields of binary results. */
bool vb_pg_null(const PGresult *result, int row, int column);
struct vb_view vb_pg_view(const PGresult *result, int row, int column); /* NULL view for SQL NULL */
/* int2, int4, int8; 0 for NULL */
int64_t vb_pg_integer(const PGresult *result, int row, int column);
bool vb_pg_boolean(const PGresult *result, int row, int column);

/* --- between pool and connector --- */
struct vb_pg_order {
    struct vb_pg_order *next;
    struct vb_pg_pool *pool;
    const struct vb_pg_pool_options *options;
    PGconn *connection; /* the answer: ready, or NULL with `error` */
    bool is_prepared;   /* it knows the statements by their names */
    struct vb_error error;
};
void vb_pg_connector_ask(struct vb_pg_connector *connector, struct vb_pg_order *order);
/* Called by the connector's thread. */
void vb_pg_pool_answer(struct vb_pg_pool *pool, struct vb_pg_order *order);

#endif
