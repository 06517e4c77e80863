/* Sending on a link, and filing of what it answers under its tickets. See link.h.
 *
 * Results come in the order of the tickets in flight, so the oldest one has each. Callbacks are
 * called from here, once a ticket is through; they may send more, on this link too, and break it.
 */
#include "link.h"
#include "share.h"

#include "verbatim/clock.h"
#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <string.h>

#define READ_ONLY "25006"

void vb_pg_link_close(struct link *link, const char *why, const char *reason)
{
    struct vb_error err;
    if (link->state != LINK_READY) /* a callback was quicker */
        return;
    (void)vb_postgres_fail(&err, link->connection, NULL);
    event_del(&link->readable);
    event_del(&link->writable);
    PQfinish(link->connection);
    vb_pg_ticket_drop(link->question);
    link->question = NULL;
    link->connection = NULL;
    link->state = LINK_NONE;
    link->wants_write = false;
    link->is_broken = false;
    vb_pg_pool_note_loss(link->pool, why ? why : err.text);
    vb_pg_pool_fail(link->pool, &link->flight, reason);
}

static const char is_lost[] = "the connection to the database was lost";

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

/* Refused for one of them perhaps: each asks again, and by itself. */
static void part(struct vb_pg_pool *pool, struct vb_pg_ticket *ticket)
{
    struct vb_pg_ticket *each = vb_pg_share_leave(ticket);
    vb_pg_ticket_reset(ticket);
    ticket->next = each;
    for (struct vb_pg_ticket *next; ticket; ticket = next) {
        next = ticket->next;
        ticket->is_shared = false;
        ticket->sent_at = vb_clock_monotonic();
        vb_pg_list_add(&pool->waiting, ticket);
    }
}

/* The oldest ticket is through. False: so is the link. */
static bool end_ticket(struct link *link)
{
    struct vb_pg_pool *pool = link->pool;
    struct vb_pg_ticket *ticket = vb_pg_list_cut(&link->flight);
    bool takes_no_writes = pool->options.server == VB_POSTGRES_WRITABLE &&
                           strcmp(ticket->outcome.error.sqlstate, READ_ONLY) == 0;
    bool is_broken = link->is_broken;
    if (ticket->followers && ticket->outcome.status == VB_DATABASE && !is_broken)
        part(pool, ticket);
    else
        vb_pg_ticket_finish(ticket);
    if (takes_no_writes)
        vb_pg_pool_leave_server(pool);
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
        vb_pg_link_close(link, "it cannot be watched", is_lost);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct link *link = context;
    if (!PQconsumeInput(link->connection)) {
        vb_pg_link_close(link, NULL, is_lost);
        return;
    }
    bool was_nothing = false; /* in pipeline mode one NULL ends a statement, two mean: no more */
    while (!PQisBusy(link->connection)) {
        PGresult *result = PQgetResult(link->connection);
        if (!result && was_nothing)
            break;
        was_nothing = !result;
        if (result && !take_result(link, result)) {
            vb_pg_link_close(link, "it is of no use any more", is_lost);
            return;
        }
        if (link->state != LINK_READY)
            return; /* a callback sent more, and that broke the link */
        if (!link->flight.first)
            break;
    }
    if (PQstatus(link->connection) == CONNECTION_BAD) {
        vb_pg_link_close(link, NULL, is_lost);
        return;
    }
    flush_link(link);
    vb_pg_pool_answered(link->pool);
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
    char array[VB_PG_SHARE_TEXT];
    const char *shared[VB_PG_VALUES];
    for (size_t i = 0; i < ticket->count; i++) {
        const struct vb_pg_statement *statement = &ticket->statements[i];
        const char *const *values = ticket->values[i];
        if (ticket->many > 0 && i + 1 == ticket->count) {
            vb_pg_share_array(ticket, array);
            memcpy(shared, values, sizeof(shared));
            shared[ticket->many - 1] = array;
            values = shared;
        }
        int sent = link->order.is_prepared && statement->name
                       ? PQsendQueryPrepared(link->connection, statement->name, statement->count,
                                             values, NULL, NULL, format)
                       : PQsendQueryParams(link->connection, statement->sql, statement->count, NULL,
                                           values, NULL, NULL, format);
        if (!sent)
            return false;
    }
    return PQpipelineSync(link->connection) == 1;
}

void vb_pg_link_send(struct link *link, struct vb_pg_ticket *ticket)
{
    ticket->sent_at = vb_clock_monotonic();
    if (ticket != link->question)
        link->used_at = ticket->sent_at;
    ticket->outcome.number = ++link->pool->sent;
    ticket->outcome.is_shared = ticket->sharers > 1;
    vb_pg_list_add(&link->flight, ticket);
    if (send_steps(link, ticket))
        flush_link(link);
    else
        vb_pg_link_close(link, NULL, is_lost);
}

void vb_pg_link_begin(struct link *link, PGconn *connection)
{
    struct vb_pg_pool *pool = link->pool;
    link->connection = connection;
    link->state = LINK_READY;
    link->asked_at = link->told_at = vb_clock_monotonic(); /* the recipe has asked */
    vb_count(VB_COUNT_DATABASE_RECONNECTS, link->was_connected);
    link->was_connected = true;
    event_assign(&link->readable, pool->options.base, PQsocket(connection), EV_READ | EV_PERSIST,
                 on_readable, link);
    event_assign(&link->writable, pool->options.base, PQsocket(connection), EV_WRITE | EV_PERSIST,
                 on_writable, link);
    if (event_add(&link->readable, NULL) != 0) { /* it would answer, and nobody would hear of it */
        vb_pg_link_close(link, "it cannot be watched", is_lost);
        return;
    }
    if (pool->is_away)
        vb_info("database connection restored");
    pool->is_away = false;
}
