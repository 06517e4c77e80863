/* Sending of tickets and collecting of their results. See database/pool.h.
 *
 * Owns its connections and tickets. A link that fails takes its tickets with it: each of them ends
 * with a VB_DATABASE_AWAY, since nobody knows what of it happened. One slow statement holds up only
 * its own link's tickets, and no longer than its pool's ticket_time. After a failover the old
 * primary may live on: a link on which a write was refused for that, or that tells when asked
 * (primary.c), ends all links of its pool.
 */
#include "link.h"
#include "share.h"

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
/* What is shared waits for the like of it that is under way, and goes together then; no longer than
 * this, so that one slow statement does not hold the next up. */
#define SHARE_WAIT (VB_SECOND / 50)
#define SHARE_PAYS 16u  /* tickets alone, after which rounds are no longer waited for */
#define SHARE_ROUNDS 4u /* of the loop, at most, that still bring more of them */

/* Callbacks are not called here: the caller may be in the middle of one. The next tick does it. */
void vb_pg_pool_fail(struct vb_pg_pool *pool, struct ticket_list *list, const char *reason)
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
void vb_pg_pool_note_loss(struct vb_pg_pool *pool, const char *why)
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

static const char is_read_only[] = "the database takes no writes any more";

void vb_pg_pool_leave_server(struct vb_pg_pool *pool)
{
    for (size_t i = 0; i < pool->options.links; i++)
        vb_pg_link_close(&pool->links[i], is_read_only, is_read_only);
}

/* The one with the fewest tickets in flight, of those that may be believed. While it has any, or
 * there is none, one of the others is asked to join. */
static struct link *best_link(struct vb_pg_pool *pool)
{
    int64_t now = vb_clock_coarse();
    struct link *best = NULL, *doubtful = NULL;
    for (size_t i = 0; i < pool->options.links; i++) {
        struct link *link = &pool->links[i];
        if (link->state != LINK_READY || link->flight.count >= pool->options.depth)
            continue;
        if (!vb_pg_link_is_trusted(link, now))
            doubtful = doubtful ? doubtful : link;
        else if (!best || link->flight.count < best->flight.count)
            best = link;
    }
    if (doubtful && (!best || best->flight.count > 0))
        vb_pg_link_ask(doubtful);
    return best;
}

/* One that has just been sent will soon be answered: what comes meanwhile goes in one more. */
static bool waits_for_its_like(const struct vb_pg_pool *pool, const struct vb_pg_ticket *ticket)
{
    if (!ticket->is_shared || ticket->sharers >= VB_PG_SHARERS)
        return false;
    for (size_t i = 0; i < pool->options.links; i++)
        for (const struct vb_pg_ticket *sent = pool->links[i].flight.first; sent; sent = sent->next)
            if (vb_pg_share_alike(sent, ticket) &&
                vb_clock_monotonic() - sent->sent_at < SHARE_WAIT)
                return true;
    return false;
}

/* Where nobody shares, nobody is waited for. */
static void send_on(struct link *link, struct vb_pg_ticket *ticket)
{
    struct vb_pg_pool *pool = link->pool;
    if (ticket->sharers > 1)
        pool->pays = SHARE_PAYS;
    else if (ticket->is_shared && pool->pays > 0)
        pool->pays--;
    vb_pg_link_send(link, ticket);
}

/* `is_round`: those that are shared as well. */
static void send_waiting(struct vb_pg_pool *pool, bool is_round)
{
    struct link *link;
    struct ticket_list held;
    vb_pg_list_init(&held);
    while (pool->waiting.first && (link = best_link(pool))) {
        struct vb_pg_ticket *ticket = vb_pg_list_cut(&pool->waiting);
        if (!vb_pg_ticket_is_wanted(ticket))
            vb_pg_ticket_finish(ticket); /* nobody waits for it any more */
        else if (ticket->is_shared && (!is_round || waits_for_its_like(pool, ticket)))
            vb_pg_list_add(&held, ticket);
        else
            send_on(link, ticket);
    }
    vb_pg_list_join(&held, &pool->waiting);
    vb_pg_list_join(&pool->waiting, &held);
}

void vb_pg_pool_answered(struct vb_pg_pool *pool)
{
    send_waiting(pool, false);
    pool->has_new = pool->waiting.first != NULL;
}

/* A ticket that stands in no list yet. */
static enum vb_status make_ticket(struct vb_pg_pool *pool, const struct vb_pg_step *steps,
                                  size_t count, vb_pg_done *done, void *context,
                                  struct vb_pg_ticket **ret_ticket, struct vb_error *err)
{
    if (pool->is_ending)
        return vb_fail(err, VB_DATABASE, "the process ends");
    vb_pg_pool_open(pool);
    if (pool->is_away)
        return vb_fail(err, VB_DATABASE_AWAY, "the database is away");
    if (pool->waiting.sharers >= WAITING_TICKETS)
        return vb_fail(err, VB_DATABASE_AWAY, "too many requests wait for the database");
    struct vb_pg_ticket *ticket = vb_pg_ticket_new(steps, count);
    if (!ticket)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a statement");
    ticket->sent_at = vb_clock_monotonic();
    ticket->done = done;
    ticket->context = context;
    *ret_ticket = ticket;
    return VB_OK;
}

enum vb_status vb_pg_pool_send(struct vb_pg_pool *pool, const struct vb_pg_step *steps,
                               size_t count, vb_pg_done *done, void *context,
                               struct vb_pg_ticket **ret_ticket, struct vb_error *err)
{
    enum vb_status status = make_ticket(pool, steps, count, done, context, ret_ticket, err);
    if (status != VB_OK)
        return status;
    vb_pg_list_add(&pool->waiting, *ret_ticket);
    send_waiting(pool, false);
    return VB_OK;
}

enum vb_status vb_pg_pool_share(struct vb_pg_pool *pool, const struct vb_pg_step *steps,
                                size_t count, int many, vb_pg_done *done, void *context,
                                struct vb_pg_ticket **ret_ticket, struct vb_error *err)
{
    enum vb_status status = make_ticket(pool, steps, count, done, context, ret_ticket, err);
    if (status != VB_OK)
        return status;
    vb_pg_share_begin(*ret_ticket, many);
    if (!vb_pg_share_follow(&pool->waiting, *ret_ticket))
        vb_pg_list_add(&pool->waiting, *ret_ticket);
    pool->has_new = true;
    return VB_OK;
}

bool vb_pg_pool_round(struct vb_pg_pool *pool, bool is_quiet)
{
    if (!pool->has_new)
        return false;
    if (!is_quiet && pool->pays > 0 && pool->rounds < SHARE_ROUNDS) {
        pool->rounds++;
        return true;
    }
    pool->rounds = 0;
    pool->has_new = false;
    send_waiting(pool, true);
    return false;
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
            vb_pg_link_begin(link, order->connection);
        } else {
            link->state = LINK_NONE;
            vb_pg_pool_note_loss(pool, order->error.text);
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
            vb_pg_link_close(link, "it does not answer", "the database did not answer in time");
        }
    }
}

/* Those that have waited too long; the others still have their time, also those that follow one of
 * them. */
static void fail_late(struct vb_pg_pool *pool, int64_t now)
{
    struct ticket_list late, rest;
    struct vb_pg_ticket *ticket;
    vb_pg_list_init(&late);
    vb_pg_list_init(&rest);
    while ((ticket = vb_pg_list_cut(&pool->waiting))) {
        bool is_late = now - ticket->sent_at > pool->options.ticket_time;
        struct vb_pg_ticket *each = is_late ? vb_pg_share_leave(ticket) : NULL;
        vb_pg_list_add(is_late ? &late : &rest, ticket);
        for (struct vb_pg_ticket *next; each; each = next) {
            next = each->next;
            is_late = now - each->sent_at > pool->options.ticket_time;
            vb_pg_list_add(is_late ? &late : &rest, each);
        }
    }
    vb_pg_list_join(&pool->waiting, &rest);
    vb_pg_pool_fail(pool, &late, "the database is away");
}

void vb_pg_pool_tick(struct vb_pg_pool *pool)
{
    int64_t now = vb_clock_monotonic();
    take_answers(pool);
    close_stalled(pool, now);
    vb_pg_pool_ask(pool, now);
    fail_late(pool, now);
    if (pool->is_away)
        vb_pg_pool_fail(pool, &pool->waiting, "the database is away");
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
    send_waiting(pool, true);
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
