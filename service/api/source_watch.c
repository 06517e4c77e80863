/* See api/source_watch.h. A question that is open for too long says as much as one that failed,
 * so a source that hangs is noticed before the pool gives the question up. */
#include "source_watch.h"

#include "api.h"

#include "verbatim/log.h"

#define ASK_EVERY (2 * VB_SECOND)
#define PATIENCE (5 * VB_SECOND / 2)

static void note(struct vb_api_source_watch *watch, bool is_good, const char *reason)
{
    atomic_store(&watch->is_good, is_good);
    if (!is_good && watch->was_good)
        vb_warn("the source does not answer: %s", reason);
    if (is_good && watch->is_told)
        vb_info("the source answers again");
    watch->is_told = !is_good && (watch->is_told || watch->was_good);
    watch->was_good = is_good;
}

static void on_answer(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_api_source_watch *watch = context;
    watch->ticket = NULL;
    atomic_store(&watch->asked_at, 0);
    note(watch, outcome->status == VB_OK, outcome->error.text);
}

/* Without a name: it is prepared nowhere. */
static void ask(struct vb_api_source_watch *watch, struct vb_api_site_loop *site, int64_t now)
{
    static const struct vb_pg_statement look = {NULL, "SELECT 1", 0};
    const struct vb_pg_step step = {&look, NULL};
    struct vb_error err;
    watch->next_at = now + ASK_EVERY;
    atomic_store(&watch->asked_at, now);
    if (vb_pg_pool_send(site->source_pool, &step, 1, on_answer, watch, &watch->ticket, &err) ==
        VB_OK)
        return;
    atomic_store(&watch->asked_at, 0);
    note(watch, false, err.text);
}

void vb_api_source_watch_tick(struct vb_http_loop *loop, int64_t now)
{
    struct vb_api_source_watch *watch = loop->site->source_watch;
    if (loop != &loop->http->loops[0])
        return;
    int64_t asked = atomic_load(&watch->asked_at);
    if (asked > 0 && now - asked > PATIENCE)
        note(watch, false, "no answer");
    if (!watch->ticket && now >= watch->next_at)
        ask(watch, loop->site, now);
}

void vb_api_source_watch_leave(struct vb_http_loop *loop)
{
    if (loop != &loop->http->loops[0] || !loop->site->source_watch)
        return;
    vb_pg_ticket_drop(loop->site->source_watch->ticket);
    loop->site->source_watch->ticket = NULL;
}

bool vb_api_source_watch_good(const struct vb_api_source_watch *watch)
{
    return atomic_load(&watch->is_good);
}
