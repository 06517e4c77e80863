/* One export for whoever may do more than look at it: with all that is known of the key, and
 * perhaps a change first.
 *
 * Two round trips, for the audience and the author have to be known before: the key, then change
 * and look in one transaction. Polls have a shorter way (api/export_read.c).
 */
#include "export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define AUDIENCE (256u << 10)

struct seeing {
    const struct vb_pg_statement *change;
    bool ends; /* nothing is left to be seen behind the change */
    void (*then)(struct vb_http_exchange *exchange, const struct vb_api_export *export);
    struct vb_buffer audience;
};

static void free_seeing(void *state)
{
    struct seeing *seeing = state;
    vb_buffer_done(&seeing->audience);
    free(seeing);
}

/* Which result shows it depends on the order of the steps below: 0 is the entry's. */
static void on_seen(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    const struct seeing *seeing = exchange->state;
    if (!vb_api_ended(exchange, outcome))
        return;
    const struct vb_api_export export = {outcome->results[seeing->change && !seeing->ends ? 2 : 1],
                                         0};
    if (PQntuples(export.rows) == 0)
        vb_api_export_missing(exchange);
    else
        seeing->then(exchange, &export);
}

/* A change that ends the export comes behind the look, or there would be nothing left to show. */
static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    struct seeing *seeing = exchange->state;
    const struct vb_caller caller = vb_access_caller(&exchange->request->access);
    const char *audience = NULL;
    char job[VB_UUID_TEXT];
    if (!vb_api_export_name(exchange, job)) {
        vb_api_export_missing(exchange);
        return;
    }
    if (vb_caller_audience(&caller, &seeing->audience, &audience) != VB_OK) {
        struct vb_error err = {0};
        (void)vb_fail(&err, VB_NO_MEMORY, "no memory for an audience");
        vb_http_answer_error(exchange, &err);
        return;
    }
    char kept[24];
    (void)snprintf(kept, sizeof(kept), "%" PRId64,
                   exchange->loop->site->service->options->retention);
    const char *const values[] = {caller.workspace, job, audience, caller.author, kept};
    const struct vb_api_door *door = exchange->request->route->door;
    const char *const seen_values[] = {caller.workspace, job, audience,
                                       door->names_workspace ? NULL : door->name};
    const struct vb_pg_step seen = {&vb_api_sql[VB_API_SQL_EXPORT_SEEN], seen_values};
    const struct vb_pg_step change = {seeing->change, values};
    bool is_first = !seeing->change || seeing->ends;
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_WRITE], values},
                                       is_first ? seen : change,
                                       is_first ? change : seen};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, seeing->change ? 3 : 2, on_seen);
}

void vb_api_export_show(struct vb_http_exchange *exchange, const struct vb_pg_statement *change,
                        bool ends,
                        void (*then)(struct vb_http_exchange *exchange,
                                     const struct vb_api_export *export))
{
    static const struct vb_api_entry entry = {.then = on_entered};
    struct seeing *seeing = calloc(1, sizeof(*seeing));
    if (!seeing) {
        struct vb_error err = {0};
        (void)vb_fail(&err, VB_NO_MEMORY, "no memory for an export");
        vb_http_answer_error(exchange, &err);
        return;
    }
    seeing->change = change;
    seeing->ends = ends;
    seeing->then = then;
    vb_buffer_init(&seeing->audience, AUDIENCE);
    exchange->state = seeing;
    exchange->free_state = free_seeing;
    vb_api_enter(exchange, &entry);
}
