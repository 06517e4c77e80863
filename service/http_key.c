/* The key of a request: parsed before the database is asked, judged by what it answers.
 *
 * Nothing about keys is kept from one request to the next, so a revoked key is refused by the very next one. When a
 * key was last used is noted at most once a minute, by a statement nobody waits for.
 */
#include "http_api.h"

#include "verbatim/key.h"

#include <stdio.h>
#include <string.h>

#define TOUCH_EVERY (60 * VB_SECOND)

/* The same bytes for a missing, malformed, unknown and revoked key: nothing can be probed. */
static void refuse_key(struct http_exchange *exchange)
{
    http_answer_detail(exchange, 401, "Missing or invalid X-API-Key.");
}

/* Two keys are none: a proxy might judge the other one. */
static struct vb_view key_of(const struct http_exchange *exchange)
{
    size_t count = 0;
    struct vb_view key = vb_http_header_value(&exchange->head, "x-api-key", &count);
    return count == 1 ? key : (struct vb_view){NULL, 0};
}

bool http_key_parse(struct http_exchange *exchange, char ret_key_id[16])
{
    struct vb_key_id id;
    if (vb_key_parse(key_of(exchange), &id) != VB_OK) {
        refuse_key(exchange);
        return false;
    }
    (void)snprintf(ret_key_id, 16, "%s", id.text);
    return true;
}

static void on_touched(void *context, const struct pg_outcome *outcome)
{
    (void)context;
    (void)outcome; /* a lost note of use is no loss */
}

/* Slots collide: then a key is noted more often, and the database keeps to once a minute. */
static void touch(struct http_loop *loop, const char *id)
{
    unsigned hash = 5381;
    for (const char *at = id; *at; at++)
        hash = hash * 33 + (unsigned char)*at;
    size_t slot = hash % (sizeof(loop->touched) / sizeof(loop->touched[0]));
    int64_t now = vb_clock_monotonic();
    if (strcmp(loop->touched[slot].id, id) == 0 && now - loop->touched[slot].at < TOUCH_EVERY)
        return;
    (void)snprintf(loop->touched[slot].id, sizeof(loop->touched[slot].id), "%s", id);
    loop->touched[slot].at = now;
    const char *const nowhere[] = {""}, *const key[] = {id};
    const struct pg_step steps[] = {{&http_sql[HTTP_SQL_ENTER_WRITE], nowhere},
                                    {&http_sql[HTTP_SQL_TOUCH], key}};
    struct pg_ticket *ticket;
    enum vb_status status =
        pg_pool_send(loop->main_pool, steps, 2, on_touched, NULL, &ticket, NULL);
    (void)status;
}

bool http_key_judge(struct http_exchange *exchange, const PGresult *row, bool any_workspace)
{
    struct vb_view key = key_of(exchange);
    struct vb_key_id id;
    /* The order of checks is the contract's: key, scope, workspace. */
    bool is_known = PQntuples(row) == 1 && vb_key_parse(key, &id) == VB_OK;
    struct vb_view hash = is_known ? pg_view(row, 0, KEY_HASH) : (struct vb_view){NULL, 0};
    if (hash.length != VB_SHA256 || !vb_key_matches(key, (const unsigned char *)hash.data)) {
        refuse_key(exchange);
        return false;
    }
    touch(exchange->loop, id.text);
    if (!pg_boolean(row, 0, KEY_SCOPE)) {
        char detail[128];
        (void)snprintf(detail, sizeof(detail), "The API key lacks the scope %s.",
                       exchange->route->scope);
        http_answer_detail(exchange, 403, detail);
        return false;
    }
    if (!any_workspace && !pg_boolean(row, 0, KEY_HOME)) {
        http_answer_detail(exchange, 404, "Workspace not found.");
        return false;
    }
    return true;
}

/* A database that is away answers here, at once, with 503. */
void http_ask(struct http_exchange *exchange, struct pg_pool *pool, const struct pg_step *steps,
              size_t count, pg_done *then)
{
    struct vb_error err = {0};
    if (pg_pool_send(pool, steps, count, then, exchange, &exchange->ticket, &err) != VB_OK)
        http_answer_error(exchange, &err);
}

bool http_ended(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    exchange->ticket = NULL;
    if (outcome->status == VB_OK)
        return true;
    http_answer_error(exchange, &outcome->error);
    return false;
}

const char *http_text(const PGresult *result, int row, int column)
{
    return pg_null(result, row, column) ? NULL : PQgetvalue(result, row, column);
}
