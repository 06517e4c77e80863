/* See api/source_watch.h. A question that is open for too long says as much as one that failed,
 * so a source that hangs is noticed before the pool gives the question up. */
#include "source_watch.h"

#include "api.h"

#include "database/args.h"

#include "verbatim/log.h"
#include "verbatim/source.h"

#include <math.h>
#include <string.h>

#define ASK_EVERY (2 * VB_SECOND)
/* While it answers, and nobody has looked for READ_LATELY. */
#define ASK_SELDOM (10 * VB_SECOND)
#define READ_LATELY (15 * VB_SECOND)
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

/* Readers of Aurora do not have the functions, hardened servers take them from all. */
static bool is_refused(const struct vb_error *err)
{
    return strcmp(err->sqlstate, "0A000") == 0 || strcmp(err->sqlstate, "42501") == 0;
}

static int64_t lag_of(const struct vb_api_source_watch *watch, const PGresult *result)
{
    return watch->tells_no_lag ? -1 : vb_row_number(result, 0, 0); /* NULL counts as 0 */
}

static void on_answer(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_api_source_watch *watch = context;
    watch->ticket = NULL;
    atomic_store(&watch->asked_at, 0);
    if (outcome->status != VB_OK && !watch->tells_no_lag && is_refused(&outcome->error)) {
        watch->tells_no_lag = true;
        watch->sent_at = 0; /* the plain question, at once */
        return;
    }
    if (outcome->status == VB_OK)
        atomic_store(&watch->lag, lag_of(watch, outcome->results[0]));
    note(watch, outcome->status == VB_OK, outcome->error.text);
}

/* Without a name: it is prepared nowhere. */
static void ask(struct vb_api_source_watch *watch, struct vb_api_site_loop *site, int64_t now)
{
    static const struct vb_pg_statement look = {NULL, "SELECT 1", 0},
                                        look_at_lag = {NULL, vb_source_lag_sql, 0};
    const struct vb_pg_step step = {watch->tells_no_lag ? &look : &look_at_lag, NULL};
    struct vb_error err;
    watch->sent_at = now;
    atomic_store(&watch->asked_at, now);
    if (vb_pg_pool_send(site->source_pool, &step, 1, on_answer, watch, &watch->ticket, &err) ==
        VB_OK)
        return;
    atomic_store(&watch->asked_at, 0);
    note(watch, false, err.text);
}

static bool is_due(const struct vb_api_source_watch *watch, int64_t now)
{
    int64_t read = atomic_load(&watch->read_at);
    bool is_watched = !watch->was_good || (read > 0 && now - read < READ_LATELY);
    return watch->sent_at == 0 || now - watch->sent_at >= (is_watched ? ASK_EVERY : ASK_SELDOM);
}

void vb_api_source_watch_tick(struct vb_http_loop *loop, int64_t now)
{
    struct vb_api_source_watch *watch = loop->site->source_watch;
    if (loop != &loop->http->loops[0])
        return;
    int64_t asked = atomic_load(&watch->asked_at);
    if (asked > 0 && now - asked > PATIENCE)
        note(watch, false, "no answer");
    if (!watch->ticket && is_due(watch, now))
        ask(watch, loop->site, now);
}

void vb_api_source_watch_leave(struct vb_http_loop *loop)
{
    if (loop != &loop->http->loops[0] || !loop->site->source_watch)
        return;
    vb_pg_ticket_drop(loop->site->source_watch->ticket);
    loop->site->source_watch->ticket = NULL;
}

bool vb_api_source_watch_good(struct vb_api_source_watch *watch)
{
    atomic_store(&watch->read_at, vb_clock_coarse());
    return atomic_load(&watch->is_good);
}

double vb_api_source_watch_lag(const struct vb_api_source_watch *watch)
{
    int64_t lag = atomic_load(&watch->lag);
    return lag < 0 ? (double)NAN : (double)lag / 1000;
}
