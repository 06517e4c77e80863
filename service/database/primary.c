/* Whether the server behind a link still takes writes. See link.h.
 *
 * After a failover the old primary may live on, and whoever only reads from it meets no refusal: a
 * key that is revoked on the new one would go on there. So a link is believed for a few seconds
 * after its server has told that it takes writes. One that is in use is asked again in time, beside
 * its other tickets. One that rests is not asked: the first ticket that wants it waits for the
 * answer, a round trip, so a process that has nothing to do sends nothing, and what became of the
 * server meanwhile is known before anything is sent to it. A peer that vanished without a word is
 * found by the kernel (struct vb_postgres_recipe).
 */
#include "link.h"

#include "verbatim/clock.h"

/* Longer than the time between two questions of a link in use, by what an answer may take. */
#define BELIEVED (VB_POSTGRES_ASK_EVERY + VB_SECOND)
/* In use: something was sent no longer ago. */
#define IN_USE (VB_POSTGRES_ASK_EVERY / 2)

bool vb_pg_link_is_trusted(const struct link *link, int64_t now)
{
    return link->pool->options.server != VB_POSTGRES_WRITABLE || now - link->told_at < BELIEVED;
}

/* A server that refuses the question is believed, as one that has no such setting to tell of. */
static void on_told(void *context, const struct vb_pg_outcome *outcome)
{
    struct link *link = context;
    link->question = NULL;
    if (outcome->status == VB_OK && vb_postgres_is_read_only(outcome->results[0]))
        vb_pg_pool_leave_server(link->pool);
    else if (outcome->status != VB_DATABASE_AWAY)
        link->told_at = link->asked_at;
}

/* Without memory for the question it is put off to the next time. */
void vb_pg_link_ask(struct link *link)
{
    static const struct vb_pg_statement question = {NULL, VB_POSTGRES_READ_ONLY, 0};
    const struct vb_pg_step step = {&question, NULL};
    if (link->question)
        return;
    link->asked_at = vb_clock_monotonic();
    link->question = vb_pg_ticket_new(&step, 1);
    if (!link->question)
        return;
    link->question->done = on_told;
    link->question->context = link;
    vb_pg_link_send(link, link->question);
}

/* Tickets wait, and no link may be believed: all are asked, since the one that was may be dead. */
static bool is_at_a_loss(const struct vb_pg_pool *pool, int64_t now)
{
    for (size_t i = 0; i < pool->options.links; i++)
        if (pool->links[i].state == LINK_READY && vb_pg_link_is_trusted(&pool->links[i], now))
            return false;
    return pool->waiting.first != NULL;
}

void vb_pg_pool_ask(struct vb_pg_pool *pool, int64_t now)
{
    if (pool->options.server != VB_POSTGRES_WRITABLE)
        return;
    bool is_urgent = is_at_a_loss(pool, now);
    for (size_t i = 0; i < pool->options.links; i++) {
        struct link *link = &pool->links[i];
        bool is_due = now - link->asked_at >= VB_POSTGRES_ASK_EVERY && now - link->used_at < IN_USE;
        if (link->state == LINK_READY && (is_urgent || is_due))
            vb_pg_link_ask(link);
    }
}
