/* What all connections to PostgreSQL in this process have in common, to the queue's database as to
 * the source: one recipe by which they are made, one table of what a SQLSTATE means, and one way
 * for what the server says unasked.
 *
 * A connection belongs to the thread that asked for it and is finished by it. Nothing here keeps
 * anything, so any thread may call. It makes, judges and tells; statements and pools are others'.
 */
#ifndef VERBATIM_POSTGRES_H
#define VERBATIM_POSTGRES_H

#include "verbatim/status.h"

#include <libpq-fe.h>

/* The owner's wish to stop. `asked` NULL: never. */
struct vb_stop {
    bool (*asked)(void *context);
    void *context;
};

/* VB_STOPPED if the owner wants an end. */
enum vb_status vb_stop_check(const struct vb_stop *stop, struct vb_error *err) vb_must_check;

enum vb_postgres_server {
    VB_POSTGRES_WRITABLE, /* of several hosts the one that takes writes; none is a failure */
    VB_POSTGRES_ANY       /* a replica will do: the source is only read */
};

struct vb_postgres_recipe {
    const char *connection_string; /* NULL: libpq's environment; its present form (renewed.h) */
    const char *application_name;
    enum vb_postgres_server server;
    /* A peer that vanished is found within some seconds instead of half a minute, also while
     * nothing is sent. */
    bool is_waited_at;
    struct vb_stop
        stop; /* noticed within a fifth of a second, but for a name server that is silent */
};

/* Connects: keepalives and time-outs that find a peer which vanished, UTF-8, notices to the log.
 * The connection string may set all but the encoding; a host that is silent for connect_timeout (5
 * s) is given up for the next one. The connection is a blocking one. VB_INVALID: the string is
 * malformed, which is told without its words, since there may be a password among them;
 * VB_DATABASE: the server is older than PostgreSQL 13; VB_DATABASE_AWAY, VB_NO_MEMORY,
 * VB_STOPPED. */
enum vb_status vb_postgres_connect(const struct vb_postgres_recipe *recipe, PGconn **ret_connection,
                                   struct vb_error *err) vb_must_check;

/* Looks whether a pooler stands before the server, which lends one connection to many: there a
 * session's settings reach strangers, a statement's name may be somebody else's, and nothing is
 * heard by LISTEN. Right after connecting, in no pipeline. VB_DATABASE: a pooler behind which
 * nothing works, with what to do; else as a statement fails, and VB_STOPPED. The first pooler that
 * a process meets is logged. */
enum vb_status vb_postgres_find_pooler(PGconn *connection, const struct vb_stop *stop,
                                       bool *ret_pooled, struct vb_error *err) vb_must_check;

/* Whether a server refused the connection itself in a way that waiting hardly cures: no such role
 * or database, a wrong password, no right to connect. It is VB_DATABASE_AWAY like other failures,
 * since roles and passwords are changed while processes run; at a start an option is wrong. */
bool vb_postgres_is_refusal(const struct vb_error *err);

/* What an error of the server means for the statement: VB_DATABASE_AWAY where another try, perhaps
 * on another server, may get through, VB_CONFLICT for a key that stands already, else VB_DATABASE.
 * NULL is VB_DATABASE_AWAY: libpq itself speaks, and the connection is gone. */
enum vb_status vb_postgres_status(const char *sqlstate);
/* Whether the connection is of no use after this result (NULL: none came): it is gone or about to
 * go, does not take writes any more, or knows our statements no longer. */
bool vb_postgres_is_broken(const PGconn *connection, const PGresult *result);
/* Fills `err` with the first words of a failed result, or of the connection where result is NULL,
 * and with the SQLSTATE; returns the status. Details are left out, as they may quote rows. */
enum vb_status vb_postgres_fail(struct vb_error *err, const PGconn *connection,
                                const PGresult *result);
/* Only the SQLSTATE of the result, or "", into an error that is filled already. */
void vb_postgres_mark(struct vb_error *err, const PGresult *result);

/* One row with one text column: whether the server takes no writes ("on"), as a standby or by a
 * setting. */
#define VB_POSTGRES_READ_ONLY "SELECT pg_catalog.current_setting('transaction_read_only')"
/* How often a connection on which nothing is written is asked that: after a failover the old
 * primary may live on, and reading alone meets no refusal. */
#define VB_POSTGRES_ASK_EVERY 3000000 /* microseconds */
bool vb_postgres_is_read_only(const PGresult *result);

#endif
