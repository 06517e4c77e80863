/* A connection of a pool and the tickets in flight on it, and the pool as its links see it.
 *
 * A link that fails takes its tickets with it: each of them ends with a VB_DATABASE_AWAY, since
 * nobody knows what of it happened. All of it is the loop's thread's. Inner part of the pool:
 * nobody else includes this.
 */
#ifndef VERBATIM_DATABASE_LINK_H
#define VERBATIM_DATABASE_LINK_H

#include "ticket.h"

#include <pthread.h>

enum link_state { LINK_NONE, LINK_ASKED, LINK_READY };

struct link {
    struct vb_pg_pool *pool;
    enum link_state state;
    PGconn *connection;
    struct event readable, writable;
    bool wants_write, was_connected;
    bool is_broken; /* what it is answering ends it */
    /* Of database/primary.c; monotonic. */
    struct vb_pg_ticket *question; /* in flight: whether its server takes writes */
    int64_t asked_at;              /* when the last one was sent */
    int64_t told_at;               /* when the last one was sent that was answered well */
    int64_t used_at;               /* when anything else was */
    struct ticket_list flight;
    struct vb_pg_order order;
};

struct vb_pg_pool {
    struct vb_pg_pool_options options;
    struct vb_pg_connector *connector;
    struct link links[VB_PG_LINKS];
    struct ticket_list waiting, failed; /* failed: their callbacks come with the next tick */
    bool is_open, is_away, is_ending;
    bool has_new;    /* shared ones that no round has sent */
    unsigned rounds; /* that have put them off */
    unsigned pays;   /* 0: of late nobody shared */
    int64_t failed_at;
    uint64_t sent;         /* tickets */
    pthread_mutex_t mutex; /* guards `answers`, the connector's way in */
    struct vb_pg_order *answers;
};

/* A connection that is ready; the link owns it. */
void vb_pg_link_begin(struct link *link, PGconn *connection);
/* Sends it now. It is in flight, or with those that failed. */
void vb_pg_link_send(struct link *link, struct vb_pg_ticket *ticket);
/* `why` is for the log, and NULL where libpq knows; `reason` for those who wait. */
void vb_pg_link_close(struct link *link, const char *why, const char *reason);

/* --- whether the server is still the primary (database/primary.c) --- */
/* It has told lately that it takes writes, or need not: what it answers may be believed. */
bool vb_pg_link_is_trusted(const struct link *link, int64_t now);
/* Asks it, unless it has been: then, or with the loss of the link, tickets that wait may go on. */
void vb_pg_link_ask(struct link *link);
/* With each tick: links in use are asked in time, so that nothing waits for their answer. */
void vb_pg_pool_ask(struct vb_pg_pool *pool, int64_t now);

/* --- of the pool (database/pool.c), for its links --- */
/* Their callbacks come with the next tick, which is asked for. */
void vb_pg_pool_fail(struct vb_pg_pool *pool, struct ticket_list *list, const char *reason);
void vb_pg_pool_note_loss(struct vb_pg_pool *pool, const char *why);
/* The database takes no writes any more: all links of the pool are closed. */
void vb_pg_pool_leave_server(struct vb_pg_pool *pool);
/* A link has answered: what waits for that may go. */
void vb_pg_pool_answered(struct vb_pg_pool *pool);

#endif
