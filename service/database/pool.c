/* Sending of tickets and collecting of their results. See database/pool.h.
 *
 * Owns its connections and tickets. A link that fails takes its tickets with it: each of them ends
 * with a VB_DATABASE_AWAY, since nobody knows what of it happened. One slow statement holds up only
 * its own link's tickets, and no longer than its pool's ticket_time. After a failover the old
 * primary may live on: a link on which a write was refused for that, or that tells when asked
 * (every few seconds, since reading alone meets no refusal), ends all links of its pool.
 */
#include "ticket.h"

#include "verbatim/clock.h"
#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define READ_ONLY "25006"
#define AWAY_PAUSE (VB_SECOND / 2) /* between two attempts to connect */
#define LINK_TICKETS 128u          /* in flight on one connection */
#define WAITING_TICKETS 1024u      /* of a pool, while its connections are opened or full */

enum link_state { LINK_NONE, LINK_ASKED, LINK_READY };

struct link {
    struct vb_pg_pool *pool;
    enum link_state state;
    PGconn *connection;
    struct event readable, writable;
    bool wants_write, was_connected;
    bool is_broken; /* what it is answering ends it */
    bool is_asked;  /* whether it takes writes; at asked_at */
    int64_t asked_at;
    struct ticket_list flight;
    struct vb_pg_order order;
};

struct vb_pg_pool {
    struct vb_pg_pool_options options;
    struct vb_pg_connector *connector;
    struct link links[VB_PG_LINKS];
    struct ticket_list waiting, failed; /* failed: their callbacks come with the next tick */
    bool is_open, is_away, is_ending;
    int64_t failed_at;
    pthread_mutex_t mutex; /* guards `answers`, the connector's way in */
    struct vb_pg_order *answers;
};

/* Callbacks are not called here: the caller may be in the middle of one. The next tick does it. */
static void fail_all(struct vb_pg_pool *pool, struct ticket_list *list, const char *reason)
{
    struct vb_pg_ticket *ticket;
    while ((ticket = vb_pg_list_cut(list))) {
        vb_pg_ticket_fail(ticket, reason);
        vb_pg_list_add(&pool->failed, ticket);
    }
    if (pool->failed.first)
        pool->options.wake(pool->options.wake_context);
}

/* The database is taken for away until a connection stands again, if this was the last one. */
static void note_loss(struct vb_pg_pool *pool, const char *why)
{
    bool has_links = false;
    for (size_t i = 0; i < pool->options.links; i++)
        has_links = has_links || pool->links[i].state == LINK_READY;
    if (!pool->is_away)
        vb_warn(has_links ? "one of several database connections lost: %s"
                          : "database connection lost: %s",
                why);
    pool->is_away = pool->is_away || !has_links;
    pool->failed_at = vb_clock_monotonic();
}

/* `why` is for the log, and NULL where libpq knows; `reason` for those who wait. */
static void link_close(struct link *link, const char *why, const char *reason)
{
    struct vb_error err;
    if (link->state != LINK_READY) /* a callback was quicker */
        return;
    (void)vb_postgres_fail(&err, link->connection, NULL);
    event_del(&link->readable);
    event_del(&link->writable);
    PQfinish(link->connection);
    link->connection = NULL;
    link->state = LINK_NONE;
    link->wants_write = false;
    link->is_broken = false;
    note_loss(link->pool, why ? why : err.text);
    fail_all(link->pool, &link->flight, reason);
}

static const char is_lost[] = "the connection to the database was lost";
static const char is_read_only[] = "the database takes no writes any more";

static void leave_server(struct vb_pg_pool *pool)
{
    for (size_t i = 0; i < pool->options.links; i++)
        link_close(&pool->links[i], is_read_only, is_read_only);
}

/* A statement that was refused: what the caller may hear is its class; the log gets the text. */
static void note_refusal(struct link *link, struct vb_pg_ticket *ticket, const PGresult *result)
{
    link->is_broken = link->is_broken || vb_postgres_is_broken(link->connection, result);
    if (ticket->outcome.status != VB_OK)
        return;
    struct vb_error *error = &ticket->outcome.error;
    enum vb_status status = vb_postgres_fail(error, link->connection, result);
    /* Without a role of ours it is the platform's database, which does not take our word for it. */
    if (status == VB_DATABASE && !link->pool->options.take_role)
        status = vb_fail_within(error, VB_SOURCE, "source");
    ticket->outcome.status = status;
}

/* The oldest ticket is through. False: so is the link. */
static bool end_ticket(struct link *link)
{
    struct vb_pg_pool *pool = link->pool;
    struct vb_pg_ticket *ticket = vb_pg_list_cut(&link->flight);
    bool takes_no_writes = pool->options.server == VB_POSTGRES_WRITABLE &&
                           strcmp(ticket->outcome.error.sqlstate, READ_ONLY) == 0;
    bool is_broken = link->is_broken;
    vb_pg_ticket_finish(ticket);
    if (takes_no_writes)
        leave_server(pool);
    return !is_broken;
}

/* Files one result under the oldest ticket. False: the link is unusable. */
static bool take_result(struct link *link, PGresult *result)
{
    struct vb_pg_ticket *ticket = link->flight.first;
    if (!ticket) {
        PQclear(result);
        return false; /* the server speaks unasked: it is going away */
    }
    switch ((int)PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        PQclear(result);
        return end_ticket(link);
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (ticket->answered < ticket->count && ticket->outcome.status == VB_OK) {
            ticket->outcome.results[ticket->answered++] = result;
            return true;
        }
        break;
    case PGRES_FATAL_ERROR:
        note_refusal(link, ticket, result);
        break;
    default: /* PGRES_PIPELINE_ABORTED: a step behind a refused one */
        break;
    }
    PQclear(result);
    return true;
}

/* Write events only while something is stuck, or the loop would spin. */
static void flush_link(struct link *link)
{
    int left = PQflush(link->connection);
    bool is_deaf = left > 0 && !link->wants_write && event_add(&link->writable, NULL) != 0;
    if (left == 0 && link->wants_write)
        event_del(&link->writable);
    link->wants_write = left > 0;
    if (is_deaf)
        link_close(link, "it cannot be watched", is_lost);
}

static void send_waiting(struct vb_pg_pool *pool);

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct link *link = context;
    if (!PQconsumeInput(link->connection)) {
        link_close(link, NULL, is_lost);
        return;
    }
    bool was_nothing = false; /* in pipeline mode one NULL ends a statement, two mean: no more */
    while (!PQisBusy(link->connection)) {
        PGresult *result = PQgetResult(link->connection);
        if (!result && was_nothing)
            break;
        was_nothing = !result;
        if (result && !take_result(link, result)) {
            link_close(link, "it is of no use any more", is_lost);
            return;
        }
        if (link->state != LINK_READY)
            return; /* a callback sent more, and that broke the link */
        if (!link->flight.first)
            break;
    }
    if (PQstatus(link->connection) == CONNECTION_BAD) {
        link_close(link, NULL, is_lost);
        return;
    }
    flush_link(link);
    send_waiting(link->pool);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    flush_link(context);
}

/* All steps and one sync: they are one transaction, and a refused step skips the rest. */
static bool send_steps(struct link *link, const struct vb_pg_ticket *ticket)
{
    int format = link->pool->options.text ? 0 : 1;
    for (size_t i = 0; i < ticket->count; i++) {
        const struct vb_pg_statement *statement = &ticket->statements[i];
        int sent = link->order.is_prepared && statement->name
                       ? PQsendQueryPrepared(link->connection, statement->name, statement->count,
                                             ticket->values[i], NULL, NULL, format)
                       : PQsendQueryParams(link->connection, statement->sql, statement->count, NULL,
                                           ticket->values[i], NULL, NULL, format);
        if (!sent)
            return false;
    }
    return PQpipelineSync(link->connection) == 1;
}

static void send_on(struct link *link, struct vb_pg_ticket *ticket)
{
    ticket->sent_at = vb_clock_monotonic();
    vb_pg_list_add(&link->flight, ticket);
    if (send_steps(link, ticket))
        flush_link(link);
    else
        link_close(link, NULL, is_lost);
}

/* The one with the fewest tickets in flight. */
static struct link *best_link(struct vb_pg_pool *pool)
{
    struct link *best = NULL;
    for (size_t i = 0; i < pool->options.links; i++) {
        struct link *link = &pool->links[i];
        if (link->state == LINK_READY && link->flight.count < pool->options.depth &&
            (!best || link->flight.count < best->flight.count))
            best = link;
    }
    return best;
}

static void send_waiting(struct vb_pg_pool *pool)
{
    struct link *link;
    while (pool->waiting.first && (link = best_link(pool))) {
        struct vb_pg_ticket *ticket = vb_pg_list_cut(&pool->waiting);
        if (!ticket->done) {
            vb_pg_ticket_finish(ticket); /* nobody waits for it any more */
            continue;
        }
        send_on(link, ticket);
    }
}

enum vb_status vb_pg_pool_send(struct vb_pg_pool *pool, const struct vb_pg_step *steps,
                               size_t count, vb_pg_done *done, void *context,
                               struct vb_pg_ticket **ret_ticket, struct vb_error *err)
{
    if (pool->is_ending)
        return vb_fail(err, VB_DATABASE, "the process ends");
    vb_pg_pool_open(pool);
    if (pool->is_away)
        return vb_fail(err, VB_DATABASE_AWAY, "the database is away");
    if (pool->waiting.count >= WAITING_TICKETS)
        return vb_fail(err, VB_DATABASE_AWAY, "too many requests wait for the database");
    struct vb_pg_ticket *ticket = vb_pg_ticket_new(steps, count);
    if (!ticket)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a statement");
    ticket->done = done;
    ticket->context = context;
    ticket->sent_at = vb_clock_monotonic();
    *ret_ticket = ticket;
    vb_pg_list_add(&pool->waiting, ticket);
    send_waiting(pool);
    return VB_OK;
}

/* --- connections come and go --- */

static void ask_for_links(struct vb_pg_pool *pool, int64_t now)
{
    if (pool->failed_at != 0 && now - pool->failed_at < AWAY_PAUSE)
        return;
    for (size_t i = 0; i < pool->options.links; i++) {
        struct link *link = &pool->links[i];
        if (link->state != LINK_NONE)
            continue;
        link->state = LINK_ASKED;
        link->order = (struct vb_pg_order){.pool = pool, .options = &pool->options};
        vb_pg_connector_ask(pool->connector, &link->order);
        if (pool->is_away)
            return; /* one is enough to find out */
    }
}

void vb_pg_pool_open(struct vb_pg_pool *pool)
{
    if (pool->is_open)
        return;
    pool->is_open = true;
    ask_for_links(pool, vb_clock_monotonic());
}

void vb_pg_pool_answer(struct vb_pg_pool *pool, struct vb_pg_order *order)
{
    pthread_mutex_lock(&pool->mutex);
    order->next = pool->answers;
    pool->answers = order;
    pthread_mutex_unlock(&pool->mutex);
    pool->options.wake(pool->options.wake_context);
}

static void link_begin(struct link *link, PGconn *connection)
{
    struct vb_pg_pool *pool = link->pool;
    link->connection = connection;
    link->state = LINK_READY;
    link->asked_at = vb_clock_monotonic(); /* the recipe has asked */
    vb_count(VB_COUNT_DATABASE_RECONNECTS, link->was_connected);
    link->was_connected = true;
    event_assign(&link->readable, pool->options.base, PQsocket(connection), EV_READ | EV_PERSIST,
                 on_readable, link);
    event_assign(&link->writable, pool->options.base, PQsocket(connection), EV_WRITE | EV_PERSIST,
                 on_writable, link);
    if (event_add(&link->readable, NULL) != 0) { /* it would answer, and nobody would hear of it */
        link_close(link, "it cannot be watched", is_lost);
        return;
    }
    if (pool->is_away)
        vb_info("database connection restored");
    pool->is_away = false;
}

static void take_answers(struct vb_pg_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct vb_pg_order *order = pool->answers;
    pool->answers = NULL;
    pthread_mutex_unlock(&pool->mutex);
    while (order) {
        struct vb_pg_order *next = order->next;
        struct link *link = (struct link *)(void *)((char *)order - offsetof(struct link, order));
        if (order->connection) {
            link_begin(link, order->connection);
        } else {
            link->state = LINK_NONE;
            note_loss(pool, order->error.text);
        }
        order = next;
    }
}

static void close_stalled(struct vb_pg_pool *pool, int64_t now)
{
    for (size_t i = 0; i < pool->options.links; i++) {
        struct link *link = &pool->links[i];
        const struct vb_pg_ticket *oldest = link->flight.first;
        if (link->state == LINK_READY && oldest &&
            now - oldest->sent_at > pool->options.ticket_time) {
            link_close(link, "it does not answer", "the database did not answer in time");
        }
    }
}

/* --- may it still be written to? --- */

static void on_told(void *context, const struct vb_pg_outcome *outcome)
{
    struct link *link = context;
    link->is_asked = false;
    if (outcome->status == VB_OK && vb_postgres_is_read_only(outcome->results[0]))
        leave_server(link->pool);
}

/* Without memory for the question it is put off to the next time. */
static void ask_links(struct vb_pg_pool *pool, int64_t now)
{
    static const struct vb_pg_statement question = {NULL, VB_POSTGRES_READ_ONLY, 0};
    const struct vb_pg_step step = {&question, NULL};
    for (size_t i = 0; i < pool->options.links; i++) {
        struct link *link = &pool->links[i];
        if (link->state != LINK_READY || link->is_asked ||
            now - link->asked_at < VB_POSTGRES_ASK_EVERY)
            continue;
        struct vb_pg_ticket *ticket = vb_pg_ticket_new(&step, 1);
        link->asked_at = now;
        if (!ticket)
            continue;
        ticket->done = on_told;
        ticket->context = link;
        link->is_asked = true;
        send_on(link, ticket);
    }
}

/* Those that have waited too long, the oldest first; the others still have their time. */
static void fail_late(struct vb_pg_pool *pool, int64_t now)
{
    struct ticket_list late;
    vb_pg_list_init(&late);
    while (pool->waiting.first && now - pool->waiting.first->sent_at > pool->options.ticket_time)
        vb_pg_list_add(&late, vb_pg_list_cut(&pool->waiting));
    fail_all(pool, &late, "the database is away");
}

void vb_pg_pool_tick(struct vb_pg_pool *pool)
{
    int64_t now = vb_clock_monotonic();
    take_answers(pool);
    close_stalled(pool, now);
    if (pool->options.server == VB_POSTGRES_WRITABLE)
        ask_links(pool, now);
    fail_late(pool, now);
    if (pool->is_away)
        fail_all(pool, &pool->waiting, "the database is away");
    struct ticket_list failed = pool->failed;
    if (failed.first) {
        vb_pg_list_init(&pool->failed);
        for (struct vb_pg_ticket *ticket = failed.first, *next; ticket; ticket = next) {
            next = ticket->next;
            vb_pg_ticket_finish(ticket);
        }
    }
    if (pool->is_open)
        ask_for_links(pool, now);
    send_waiting(pool);
}

enum vb_status vb_pg_pool_new(const struct vb_pg_pool_options *options,
                              struct vb_pg_connector *connector, struct vb_pg_pool **ret_pool,
                              struct vb_error *err)
{
    struct vb_pg_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a pool of connections");
    pool->options = *options;
    if (pool->options.depth == 0)
        pool->options.depth = LINK_TICKETS;
    if (pool->options.ticket_time == 0)
        pool->options.ticket_time = VB_PG_TICKET_TIME;
    pool->connector = connector;
    vb_pg_list_init(&pool->waiting);
    vb_pg_list_init(&pool->failed);
    pthread_mutex_init(&pool->mutex, NULL);
    for (size_t i = 0; i < VB_PG_LINKS; i++) {
        pool->links[i].pool = pool;
        vb_pg_list_init(&pool->links[i].flight);
    }
    *ret_pool = pool;
    return VB_OK;
}

static void end_all(struct ticket_list *list)
{
    struct vb_pg_ticket *ticket;
    while ((ticket = vb_pg_list_cut(list))) {
        vb_pg_ticket_fail(ticket, "the process ends");
        vb_pg_ticket_finish(ticket);
    }
}

void vb_pg_pool_free(struct vb_pg_pool *pool)
{
    if (!pool)
        return;
    pool->is_ending = true;
    take_answers(pool);
    for (size_t i = 0; i < pool->options.links; i++) {
        struct link *link = &pool->links[i];
        end_all(&link->flight);
        if (link->state == LINK_READY) {
            event_del(&link->readable);
            event_del(&link->writable);
            PQfinish(link->connection);
        }
    }
    end_all(&pool->waiting);
    end_all(&pool->failed);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
