/* One export for whoever may do more than look at it: with all that is known of the key, and perhaps a change first.
 *
 * Two round trips, for the audience and the author have to be known before: the key, then change and look in one
 * transaction. Polls have a shorter way (api/export_read.c).
 */
#include "export.h"

#include <stdlib.h>

#define AUDIENCE (256u << 10)

struct seeing {
    const struct pg_statement *change;
    bool ends; /* nothing is left to be seen behind the change */
    void (*then)(struct http_exchange *exchange, const struct http_export *export);
    struct vb_buffer audience;
};

static void free_seeing(void *state)
{
    struct seeing *seeing = state;
    vb_buffer_done(&seeing->audience);
    free(seeing);
}

static void on_seen(void *context, const struct pg_outcome *outcome)
{
    struct http_exchange *exchange = context;
    const struct seeing *seeing = exchange->state;
    if (!http_ended(exchange, outcome))
        return;
    const struct http_export export = {outcome->results[seeing->change && !seeing->ends ? 2 : 1],
                                       0};
    if (PQntuples(export.rows) == 0)
        http_export_missing(exchange);
    else
        seeing->then(exchange, &export);
}

static void on_entered(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    (void)outcome;
    struct seeing *seeing = exchange->state;
    const struct vb_caller caller = http_access_caller(&exchange->request->access);
    const char *audience = NULL;
    char job[VB_UUID_TEXT];
    if (!http_export_name(exchange, job)) {
        http_export_missing(exchange);
        return;
    }
    if (vb_caller_audience(&caller, &seeing->audience, &audience) != VB_OK) {
        struct vb_error err = {0};
        (void)vb_fail(&err, VB_NO_MEMORY, "no memory for an audience");
        http_answer_error(exchange, &err);
        return;
    }
    const char *const values[] = {caller.workspace, job, audience, caller.author};
    const struct http_door *door = exchange->request->route->door;
    const char *const seen_values[] = {caller.workspace, job, audience,
                                       door->names_workspace ? NULL : door->name};
    const struct pg_step seen = {&http_sql[HTTP_SQL_EXPORT_SEEN], seen_values};
    const struct pg_step change = {seeing->change, values};
    bool is_first = !seeing->change || seeing->ends;
    const struct pg_step steps[] = {
        {&pg_enter[PG_ENTER_WRITE], values}, is_first ? seen : change, is_first ? change : seen};
    http_ask(exchange, exchange->loop->site->main_pool, steps, seeing->change ? 3 : 2, on_seen);
}

void http_export_see(struct http_exchange *exchange, const struct pg_statement *change, bool ends,
                     void (*then)(struct http_exchange *exchange, const struct http_export *export))
{
    static const struct http_entry entry = {.then = on_entered};
    struct seeing *seeing = calloc(1, sizeof(*seeing));
    if (!seeing) {
        struct vb_error err = {0};
        (void)vb_fail(&err, VB_NO_MEMORY, "no memory for an export");
        http_answer_error(exchange, &err);
        return;
    }
    seeing->change = change;
    seeing->ends = ends;
    seeing->then = then;
    vb_buffer_init(&seeing->audience, AUDIENCE);
    exchange->state = seeing;
    exchange->free_state = free_seeing;
    http_enter(exchange, &entry);
}
