/* Sending of tickets and collecting of their results. See database/pool.h.
 *
 * Owns its connections and tickets. A link that fails takes its tickets with it: each of them ends
 * with a VB_DATABASE_AWAY, since nobody knows what of it happened. One slow statement holds up only
 * its own link's tickets, and no longer than its pool's ticket_time.
 */
#include "pool.h"

#include "verbatim/clock.h"
#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define AWAY_PAUSE (VB_SECOND / 2) /* between two attempts to connect */
#define LINK_TICKETS 128u          /* in flight on one connection */
#define WAITING_TICKETS 1024u      /* of a pool, while its connections are opened or full */

struct vb_pg_ticket {
    struct vb_pg_ticket *next;
    vb_pg_done *done; /* NULL: dropped */
    void *context;
    int64_t sent_at;
    size_t count, answered;
    struct vb_pg_statement statements[VB_PG_STEPS];
    const char *values[VB_PG_STEPS][VB_PG_VALUES]; /* point into `bytes` */
    struct vb_pg_outcome outcome;
    char bytes[];
};

struct ticket_list {
    struct vb_pg_ticket *first, **last;
    size_t count;
};

enum link_state { LINK_NONE, LINK_ASKED, LINK_READY };

struct pg_link {
    struct vb_pg_pool *pool;
    enum link_state state;
    PGconn *connection;
    struct event readable, writable;
    bool wants_write, was_connected;
    struct ticket_list flight;
    struct vb_pg_order order;
};

struct vb_pg_pool {
    struct vb_pg_pool_options options;
    struct vb_pg_connector *connector;
    struct pg_link links[VB_PG_LINKS];
    struct ticket_list waiting, failed; /* failed: their callbacks come with the next tick */
    bool is_open, is_away, is_ending;
    int64_t failed_at;
    pthread_mutex_t mutex; /* guards `answers`, the connector's way in */
    struct vb_pg_order *answers;
};

/* A queue: `last` points to where the next one is hung. */
static void list_init(struct ticket_list *list)
{
    list->first = NULL;
    list->last = &list->first;
    list->count = 0;
}

static void list_add(struct ticket_list *list, struct vb_pg_ticket *ticket)
{
    ticket->next = NULL;
    *list->last = ticket;
    list->last = &ticket->next;
    list->count++;
}

static struct vb_pg_ticket *list_cut(struct ticket_list *list)
{
    struct vb_pg_ticket *ticket = list->first;
    if (ticket) {
        list->first = ticket->next;
        if (!list->first)
            list->last = &list->first;
        list->count--;
    }
    return ticket;
}

/* The callback may send more tickets, also on this link. */
static void finish_ticket(struct vb_pg_ticket *ticket)
{
    struct vb_pg_outcome *outcome = &ticket->outcome;
    if (ticket->done)
        ticket->done(ticket->context, outcome);
    for (size_t i = 0; i < VB_PG_STEPS; i++)
        PQclear(outcome->results[i]);
    free(ticket);
}

/* Partial results are dropped: a callback sees all of them or none. */
static void fail_ticket(struct vb_pg_ticket *ticket, const char *reason)
{
    for (size_t i = 0; i < VB_PG_STEPS; i++) {
        PQclear(ticket->outcome.results[i]);
        ticket->outcome.results[i] = NULL;
    }
    ticket->outcome.status = vb_fail(&ticket->outcome.error, VB_DATABASE_AWAY, "%s", reason);
}

void vb_pg_ticket_drop(struct vb_pg_ticket *ticket)
{
    if (ticket)
        ticket->done = NULL;
}

/* Callbacks are not called here: the caller may be in the middle of one. The next tick does it. */
static void fail_all(struct vb_pg_pool *pool, struct ticket_list *list, const char *reason)
{
    struct vb_pg_ticket *ticket;
    while ((ticket = list_cut(list))) {
        fail_ticket(ticket, reason);
        list_add(&pool->failed, ticket);
    }
    if (pool->failed.first)
        pool->options.wake(pool->options.wake_context);
}

/* The database is taken for away until a connection stands again. */
static void note_away(struct vb_pg_pool *pool, const char *reason)
{
    if (!pool->is_away)
        vb_warn("database connection lost: %s", reason);
    pool->is_away = true;
    pool->failed_at = vb_clock_monotonic();
}

static void link_close(struct pg_link *link, const char *reason)
{
    event_del(&link->readable);
    event_del(&link->writable);
    PQfinish(link->connection);
    link->connection = NULL;
    link->state = LINK_NONE;
    link->wants_write = false;
    fail_all(link->pool, &link->flight, reason);
}

/* A statement that was refused: what the caller may hear is its class; the log gets the text. */
static void note_refusal(struct vb_pg_ticket *ticket, const PGresult *result)
{
    if (ticket->outcome.status != VB_OK)
        return;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool is_passing = state && (strncmp(state, "08", 2) == 0 || strncmp(state, "40", 2) == 0 ||
                                strncmp(state, "53", 2) == 0 || strncmp(state, "57", 2) == 0 ||
                                strcmp(state, "55P03") == 0 || strcmp(state, "25006") == 0);
    ticket->outcome.status =
        vb_fail(&ticket->outcome.error, is_passing ? VB_DATABASE_AWAY : VB_DATABASE, "%s: %s",
                state ? state : "?", PQresultErrorMessage(result));
}

/* Files one result under the oldest ticket. False: the link is unusable. */
static bool take_result(struct pg_link *link, PGresult *result)
{
    struct vb_pg_ticket *ticket = link->flight.first;
    if (!ticket) {
        PQclear(result);
        return false; /* the server speaks unasked: it is going away */
    }
    switch ((int)PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        PQclear(result);
        finish_ticket(list_cut(&link->flight));
        return true;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (ticket->answered < ticket->count && ticket->outcome.status == VB_OK) {
            ticket->outcome.results[ticket->answered++] = result;
            return true;
        }
        break;
    case PGRES_FATAL_ERROR:
        note_refusal(ticket, result);
        break;
    default: /* PGRES_PIPELINE_ABORTED: a step behind a refused one */
        break;
    }
    PQclear(result);
    return true;
}

/* Write events only while something is stuck, or the loop would spin. */
static void flush_link(struct pg_link *link)
{
    int left = PQflush(link->connection);
    bool is_deaf = left > 0 && !link->wants_write && event_add(&link->writable, NULL) != 0;
    if (left == 0 && link->wants_write)
        event_del(&link->writable);
    link->wants_write = left > 0;
    if (is_deaf)
        link_close(link, "the connection to the database cannot be watched");
}

static void send_waiting(struct vb_pg_pool *pool);

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct pg_link *link = context;
    if (!PQconsumeInput(link->connection)) {
        note_away(link->pool, PQerrorMessage(link->connection));
        link_close(link, "the connection to the database was lost");
        return;
    }
    bool was_nothing = false; /* in pipeline mode one NULL ends a statement, two mean: no more */
    while (!PQisBusy(link->connection)) {
        PGresult *result = PQgetResult(link->connection);
        if (!result && was_nothing)
            break;
        was_nothing = !result;
        if (result && !take_result(link, result)) {
            link_close(link, "the connection to the database was lost");
            return;
        }
        if (link->state != LINK_READY)
            return; /* a callback sent more, and that broke the link */
        if (!link->flight.first)
            break;
    }
    if (PQstatus(link->connection) == CONNECTION_BAD) {
        note_away(link->pool, PQerrorMessage(link->connection));
        link_close(link, "the connection to the database was lost");
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
static bool send_steps(struct pg_link *link, const struct vb_pg_ticket *ticket)
{
    int format = link->pool->options.text ? 0 : 1;
    for (size_t i = 0; i < ticket->count; i++) {
        const struct vb_pg_statement *statement = &ticket->statements[i];
        int sent = link->pool->options.prepared && statement->name
                       ? PQsendQueryPrepared(link->connection, statement->name, statement->count,
                                             ticket->values[i], NULL, NULL, format)
                       : PQsendQueryParams(link->connection, statement->sql, statement->count, NULL,
                                           ticket->values[i], NULL, NULL, format);
        if (!sent)
            return false;
    }
    return PQpipelineSync(link->connection) == 1;
}

/* The one with the fewest tickets in flight. */
static struct pg_link *best_link(struct vb_pg_pool *pool)
{
    struct pg_link *best = NULL;
    for (size_t i = 0; i < pool->options.links; i++) {
        struct pg_link *link = &pool->links[i];
        if (link->state == LINK_READY && link->flight.count < pool->options.depth &&
            (!best || link->flight.count < best->flight.count))
            best = link;
    }
    return best;
}

static void send_waiting(struct vb_pg_pool *pool)
{
    struct pg_link *link;
    while (pool->waiting.first && (link = best_link(pool))) {
        struct vb_pg_ticket *ticket = list_cut(&pool->waiting);
        if (!ticket->done) {
            finish_ticket(ticket); /* nobody waits for it any more */
            continue;
        }
        ticket->sent_at = vb_clock_monotonic();
        list_add(&link->flight, ticket);
        if (send_steps(link, ticket)) {
            flush_link(link);
        } else {
            note_away(pool, PQerrorMessage(link->connection));
            link_close(link, "the connection to the database was lost");
        }
    }
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Bytes of all values, and of statements without a name, with their NULs. */
static size_t texts_size(const struct vb_pg_step *steps, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!steps[i].statement->name)
            size += text_size(steps[i].statement->sql);
        for (int k = 0; k < steps[i].statement->count; k++)
            size += text_size(steps[i].values[k]);
    }
    return size;
}

static const char *keep_text(char **at, const char *text)
{
    size_t size = text_size(text);
    char *kept = size > 0 ? memcpy(*at, text, size) : NULL;
    *at += size;
    return kept;
}

static struct vb_pg_ticket *ticket_new(const struct vb_pg_step *steps, size_t count)
{
    struct vb_pg_ticket *ticket = calloc(1, sizeof(*ticket) + texts_size(steps, count));
    if (!ticket)
        return NULL;
    char *at = ticket->bytes;
    ticket->count = count;
    for (size_t i = 0; i < count; i++) {
        struct vb_pg_statement *statement = &ticket->statements[i];
        *statement = *steps[i].statement;
        if (!statement->name)
            statement->sql = keep_text(&at, statement->sql);
        for (int k = 0; k < statement->count; k++)
            ticket->values[i][k] = keep_text(&at, steps[i].values[k]);
    }
    return ticket;
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
    struct vb_pg_ticket *ticket = ticket_new(steps, count);
    if (!ticket)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a statement");
    ticket->done = done;
    ticket->context = context;
    ticket->sent_at = vb_clock_monotonic();
    *ret_ticket = ticket;
    list_add(&pool->waiting, ticket);
    send_waiting(pool);
    return VB_OK;
}

/* --- connections come and go --- */

static void ask_for_links(struct vb_pg_pool *pool, int64_t now)
{
    if (pool->is_away && now - pool->failed_at < AWAY_PAUSE)
        return;
    for (size_t i = 0; i < pool->options.links; i++) {
        struct pg_link *link = &pool->links[i];
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

static void link_begin(struct pg_link *link, PGconn *connection)
{
    struct vb_pg_pool *pool = link->pool;
    link->connection = connection;
    link->state = LINK_READY;
    vb_count(VB_COUNT_DATABASE_RECONNECTS, link->was_connected);
    link->was_connected = true;
    event_assign(&link->readable, pool->options.base, PQsocket(connection), EV_READ | EV_PERSIST,
                 on_readable, link);
    event_assign(&link->writable, pool->options.base, PQsocket(connection), EV_WRITE | EV_PERSIST,
                 on_writable, link);
    if (event_add(&link->readable, NULL) != 0) { /* it would answer, and nobody would hear of it */
        link_close(link, "the connection to the database cannot be watched");
        note_away(pool, "it cannot be watched");
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
        struct pg_link *link =
            (struct pg_link *)(void *)((char *)order - offsetof(struct pg_link, order));
        if (order->connection) {
            link_begin(link, order->connection);
        } else {
            link->state = LINK_NONE;
            note_away(pool, order->error.text);
        }
        order = next;
    }
}

static void close_stalled(struct vb_pg_pool *pool, int64_t now)
{
    for (size_t i = 0; i < pool->options.links; i++) {
        struct pg_link *link = &pool->links[i];
        const struct vb_pg_ticket *oldest = link->flight.first;
        if (link->state == LINK_READY && oldest &&
            now - oldest->sent_at > pool->options.ticket_time) {
            note_away(pool, "it does not answer");
            link_close(link, "the database did not answer in time");
        }
    }
}

void vb_pg_pool_tick(struct vb_pg_pool *pool)
{
    int64_t now = vb_clock_monotonic();
    take_answers(pool);
    close_stalled(pool, now);
    bool is_late =
        pool->waiting.first && now - pool->waiting.first->sent_at > pool->options.ticket_time;
    if (pool->is_away || is_late)
        fail_all(pool, &pool->waiting, "the database is away");
    struct ticket_list failed = pool->failed;
    if (failed.first) {
        list_init(&pool->failed);
        for (struct vb_pg_ticket *ticket = failed.first, *next; ticket; ticket = next) {
            next = ticket->next;
            finish_ticket(ticket);
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
    list_init(&pool->waiting);
    list_init(&pool->failed);
    pthread_mutex_init(&pool->mutex, NULL);
    for (size_t i = 0; i < VB_PG_LINKS; i++) {
        pool->links[i].pool = pool;
        list_init(&pool->links[i].flight);
    }
    *ret_pool = pool;
    return VB_OK;
}

static void end_all(struct ticket_list *list)
{
    struct vb_pg_ticket *ticket;
    while ((ticket = list_cut(list))) {
        fail_ticket(ticket, "the process ends");
        finish_ticket(ticket);
    }
}

void vb_pg_pool_free(struct vb_pg_pool *pool)
{
    if (!pool)
        return;
    pool->is_ending = true;
    take_answers(pool);
    for (size_t i = 0; i < pool->options.links; i++) {
        struct pg_link *link = &pool->links[i];
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
