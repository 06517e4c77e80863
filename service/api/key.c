/* The key of a request, or the session in its place: parsed before the database is asked, judged by
 * what it answers.
 *
 * Nothing about either is kept from one request to the next, so a revoked key is refused by the
 * very next one. A key's own bytes are overwritten in the head as soon as they were looked at: a
 * request may wait or stream for long, and only their digest is needed then. When a key was last
 * used is noted at most once a minute, by a statement nobody waits for.
 */
#include "api.h"

#include "cookie.h"
#include "own_page.h"

#include "rules/key.h"
#include "rules/session_token.h"

#include "verbatim/log.h"

#include <stdio.h>
#include <string.h>

#define TOUCH_EVERY (60 * VB_SECOND)

/* The same bytes for a missing, malformed, unknown and revoked key: nothing can be probed. */
void vb_api_refuse_key(struct vb_http_exchange *exchange)
{
    vb_http_answer_error_header(exchange, "WWW-Authenticate", "Bearer realm=\"verbatim\"");
    vb_http_answer_detail(exchange, 401, "Missing or invalid X-API-Key.");
}

/* "Bearer KEY", the scheme without regard to case. Other schemes are no key of ours: a proxy may
 * have used them. */
static struct vb_view bearer_of(struct vb_view value)
{
    const char *blank = memchr(value.data, ' ', value.length);
    size_t scheme = blank ? (size_t)(blank - value.data) : value.length;
    if (!vb_http_same_word((struct vb_view){value.data, scheme}, "bearer"))
        return (struct vb_view){NULL, 0};
    while (scheme < value.length && value.data[scheme] == ' ')
        scheme++;
    return (struct vb_view){value.data + scheme, value.length - scheme};
}

/* X-API-Key is for us alone; a gateway before us has its own use for Authorization, which then says
 * nothing here. Two of one name are none: a proxy might judge the other one. *ret_is_none: nothing
 * was said about a key. */
static struct vb_view key_of(const struct vb_http_exchange *exchange, bool *ret_is_none)
{
    static const struct vb_view none = {NULL, 0};
    size_t keys = 0, credentials = 0;
    struct vb_view key = vb_http_header_value(&exchange->head, "x-api-key", &keys);
    struct vb_view value = vb_http_header_value(&exchange->head, "authorization", &credentials);
    struct vb_view bearer = credentials == 1 ? bearer_of(value) : none;
    *ret_is_none = keys == 0 && credentials <= 1 && !bearer.data;
    if (keys > 0)
        return keys == 1 ? key : none;
    return bearer;
}

/* Every header of the name, also of a request that is refused for having two. */
static void wipe_header(struct vb_http_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->head.header_count; i++) {
        const struct vb_http_header *header = &exchange->head.headers[i];
        if (vb_http_same_word(header->name, name))
            explicit_bzero(exchange->head_bytes.data +
                               (header->value.data - exchange->head_bytes.data),
                           header->value.length);
    }
}

/* Only below /api/: the cookie's own path says so to browsers, and nobody else is meant. */
static void take_session(struct vb_http_exchange *exchange, struct vb_api_credential *credential)
{
    static const char below[] = "/api/";
    struct vb_uuid id;
    struct vb_view path = exchange->head.path;
    struct vb_view token = vb_api_cookie(&exchange->head, VB_API_SESSION_COOKIE);
    if (path.length < sizeof(below) - 1 || memcmp(path.data, below, sizeof(below) - 1) != 0 ||
        vb_session_token_parse(token, &id, credential->digest) != VB_OK)
        return;
    vb_uuid_format(id, credential->id);
    credential->is_good = credential->is_session = true;
}

void vb_api_take_key(struct vb_http_exchange *exchange, struct vb_view key)
{
    struct vb_api_credential *credential = &exchange->request->credential;
    struct vb_key_id id;
    *credential = (struct vb_api_credential){.is_taken = true};
    credential->is_good = vb_key_parse(key, &id) == VB_OK;
    if (credential->is_good) {
        (void)snprintf(credential->id, sizeof(credential->id), "%s", id.text);
        vb_sha256(key.data, key.length, credential->digest);
    }
}

/* Once for each request, however often it enters. */
static const struct vb_api_credential *take_credential(struct vb_http_exchange *exchange)
{
    struct vb_api_credential *credential = &exchange->request->credential;
    bool is_none = false;
    if (credential->is_taken)
        return credential;
    vb_api_take_key(exchange, key_of(exchange, &is_none));
    if (is_none)
        take_session(exchange, credential);
    wipe_header(exchange, "x-api-key");
    wipe_header(exchange, "authorization");
    wipe_header(exchange, "cookie");
    return credential;
}

/* By digests: the time says nothing of the token, nor of its length. */
bool vb_api_bearer_is(struct vb_http_exchange *exchange, const char *token)
{
    unsigned char shown[VB_SHA256], meant[VB_SHA256];
    size_t credentials = 0;
    struct vb_view value = vb_http_header_value(&exchange->head, "authorization", &credentials);
    struct vb_view bearer = credentials == 1 ? bearer_of(value) : (struct vb_view){NULL, 0};
    if (!bearer.data)
        return false;
    vb_sha256(bearer.data, bearer.length, shown);
    vb_sha256(token, strlen(token), meant);
    if (!vb_constant_time_equal(shown, meant, sizeof(meant)))
        return false;
    wipe_header(exchange, "authorization");
    return true;
}

bool vb_api_own_page(struct vb_http_exchange *exchange)
{
    const char *refusal =
        vb_api_own_page_refusal(&exchange->head, exchange->loop->site->service->options->base_url);
    if (refusal)
        vb_http_answer_detail(exchange, 403, refusal);
    return refusal == NULL;
}

static void on_touched(void *context, const struct vb_pg_outcome *outcome)
{
    (void)context;
    (void)outcome; /* a lost note of use is no loss */
}

/* Slots collide: then a key is noted more often, and the database keeps to once a minute. */
static void touch(struct vb_http_loop *loop, const char *id)
{
    unsigned hash = 5381;
    for (const char *at = id; *at; at++)
        hash = hash * 33 + (unsigned char)*at;
    size_t slot = hash % (sizeof(loop->site->touched) / sizeof(loop->site->touched[0]));
    int64_t now = vb_clock_monotonic();
    if (strcmp(loop->site->touched[slot].id, id) == 0 &&
        now - loop->site->touched[slot].at < TOUCH_EVERY)
        return;
    (void)snprintf(loop->site->touched[slot].id, sizeof(loop->site->touched[slot].id), "%.*s",
                   (int)VB_KEY_ID_LENGTH, id);
    loop->site->touched[slot].at = now;
    const char *const enter[] = {"", id}, *const key[] = {id}; /* in no workspace */
    const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_ENTER_KEY_WRITE], enter},
                                       {&vb_api_sql[VB_API_SQL_TOUCH], key}};
    struct vb_pg_ticket *ticket;
    enum vb_status status =
        vb_pg_pool_send(loop->site->main_pool, steps, 2, on_touched, NULL, &ticket, NULL);
    (void)status;
}

/* Whether the role of the key has the right; false: 403 was answered. */
static bool permit(struct vb_http_exchange *exchange, enum vb_right right)
{
    enum vb_role role = exchange->request->access.role;
    if (vb_role_may(role, right))
        return true;
    char detail[128];
    (void)snprintf(detail, sizeof(detail), "The API key's role %s may not %s.", vb_role_name(role),
                   vb_right_name(right));
    vb_http_answer_detail(exchange, 403, detail);
    return false;
}

/* Whether the row is that of the key which was sent. */
static bool is_good(const struct vb_http_exchange *exchange, const PGresult *row)
{
    if (PQntuples(row) < 1)
        return false;
    struct vb_view hash = vb_pg_view(row, 0, KEY_HASH);
    return hash.length == VB_SHA256 &&
           vb_constant_time_equal(hash.data, exchange->request->credential.digest, VB_SHA256);
}

/* A newer version may know roles that this one does not: then nobody can say what the key may
 * do. */
static void refuse_role(struct vb_http_exchange *exchange, const char *id, const PGresult *row)
{
    struct vb_view role = vb_pg_view(row, 0, KEY_ROLE);
    vb_error_log("the key %s has the role %.*s, which this version does not know", id,
                 (int)role.length, role.data ? role.data : "");
    vb_http_answer_detail(exchange, 403, "The API key's role is not known to this version.");
}

/* Behind a session the row tells it, in its last column. */
static const char *key_id_of(const struct vb_http_exchange *exchange, const PGresult *row)
{
    const struct vb_api_credential *credential = &exchange->request->credential;
    return credential->is_session ? PQgetvalue(row, 0, PQnfields(row) - 1) : credential->id;
}

/* The order of checks is the contract's: key, scope and role, workspace. */
static bool judge(struct vb_http_exchange *exchange, const PGresult *row)
{
    const struct vb_api_route *route = exchange->request->route;
    if (!is_good(exchange, row)) {
        vb_api_refuse_key(exchange);
        return false;
    }
    const char *id = key_id_of(exchange, row);
    enum vb_status status = exchange->request->is_poll
                                ? vb_access_judge(id, row, &exchange->request->access)
                                : vb_access_fill(id, row, &exchange->request->access);
    if (status == VB_INVALID) {
        refuse_role(exchange, id, row);
        return false;
    }
    if (status != VB_OK) {
        struct vb_error err = {0};
        (void)vb_fail(&err, VB_NO_MEMORY, "no memory for who asks");
        vb_http_answer_error(exchange, &err);
        return false;
    }
    touch(exchange->loop, id);
    if (!vb_pg_boolean(row, 0, KEY_SCOPE)) {
        char detail[128];
        (void)snprintf(detail, sizeof(detail), "The API key lacks the scope %s.", route->scope);
        vb_http_answer_detail(exchange, 403, detail);
        return false;
    }
    if (!permit(exchange, route->right))
        return false;
    if (route->door && !vb_pg_boolean(row, 0, KEY_HOME)) {
        vb_http_answer_detail(exchange, 404, "Workspace not found.");
        return false;
    }
    return true;
}

/* --- the way in --- */

/* Results behind the key's are of no use to who is refused: they are dropped with the outcome. */
static void on_entered(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (vb_api_ended(exchange, outcome) && judge(exchange, outcome->results[1]))
        exchange->request->on_entered(exchange, outcome);
}

/* Where a session stands for the key, its own statements say the same. */
static struct vb_pg_step judging_step(bool is_session, bool by_key, bool is_poll)
{
    enum vb_api_sql key = by_key    ? VB_API_SQL_KEY_HOME
                          : is_poll ? VB_API_SQL_KEY_POLL
                                    : VB_API_SQL_KEY;
    enum vb_api_sql session = by_key    ? VB_API_SQL_SESSION_HOME
                              : is_poll ? VB_API_SQL_SESSION_POLL
                                        : VB_API_SQL_SESSION;
    return (struct vb_pg_step){&vb_api_sql[is_session ? session : key], NULL};
}

/* What sets workspace and credential for the transaction. */
static const struct vb_pg_statement *entering(bool is_session, bool writes)
{
    if (is_session)
        return &vb_api_sql[writes ? VB_API_SQL_ENTER_SESSION_WRITE : VB_API_SQL_ENTER_SESSION];
    return &vb_api_sql[writes ? VB_API_SQL_ENTER_KEY_WRITE : VB_API_SQL_ENTER_KEY];
}

static void share(struct vb_http_exchange *exchange, const struct vb_pg_step *steps, size_t count,
                  int many)
{
    struct vb_error err = {0};
    if (vb_pg_pool_share(exchange->loop->site->main_pool, steps, count, many, on_entered, exchange,
                         &exchange->ticket, &err) != VB_OK)
        vb_http_answer_error(exchange, &err);
}

void vb_api_enter(struct vb_http_exchange *exchange, const struct vb_api_entry *entry)
{
    const struct vb_api_route *route = exchange->request->route;
    bool names_workspace = route->door && route->door->names_workspace;
    bool by_key = route->door && !names_workspace;
    const struct vb_api_credential *credential = take_credential(exchange);
    const char *id = credential->id;
    if (!credential->is_good) {
        vb_api_refuse_key(exchange);
        return;
    }
    if (credential->is_session && !vb_api_own_page(exchange))
        return;
    const char *workspace = names_workspace ? exchange->request->arguments[0].data : "";
    const char *const enter[] = {workspace, id};
    const char *const by_path[] = {id, workspace, route->scope};
    const char *const home[] = {id, route->scope};
    struct vb_pg_step steps[VB_PG_STEPS] = {
        {entering(credential->is_session, entry->writes), enter},
        judging_step(credential->is_session, by_key, entry->is_poll)};
    steps[1].values = by_key ? home : by_path;
    size_t count = 2;
    for (size_t i = 0; i < entry->count && count < VB_PG_STEPS; i++)
        steps[count++] = entry->more[i];
    exchange->request->is_poll = entry->is_poll;
    exchange->request->on_entered = entry->then;
    struct vb_pg_pool *pool = exchange->loop->site->main_pool;
    if (entry->is_shared)
        share(exchange, steps, count, entry->many);
    else
        vb_api_send(exchange, pool, steps, count, on_entered);
}

/* A database that is away answers here, at once, with 503. */
void vb_api_send(struct vb_http_exchange *exchange, struct vb_pg_pool *pool,
                 const struct vb_pg_step *steps, size_t count, vb_pg_done *then)
{
    struct vb_error err = {0};
    if (vb_pg_pool_send(pool, steps, count, then, exchange, &exchange->ticket, &err) != VB_OK)
        vb_http_answer_error(exchange, &err);
}

bool vb_api_ended(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    exchange->ticket = NULL;
    if (outcome->status == VB_OK)
        return true;
    vb_http_answer_error(exchange, &outcome->error);
    return false;
}

/* A caller who is told 503 asks again, and for as long. */
bool vb_api_ended_in_time(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome,
                          int64_t sent_at, int64_t most, const char *detail)
{
    bool is_canceled = strcmp(outcome->error.sqlstate, "57014") == 0; /* by statement_timeout */
    bool is_past = vb_clock_monotonic() - sent_at >= most;
    if (outcome->status == VB_OK ||
        !(is_canceled || (is_past && outcome->status == VB_DATABASE_AWAY)))
        return vb_api_ended(exchange, outcome);
    exchange->ticket = NULL;
    vb_http_answer_detail(exchange, 504, detail);
    return false;
}

/* Ended by a NUL, as libpq keeps it. */
const char *vb_api_text(const PGresult *result, int row, int column)
{
    return vb_pg_null(result, row, column) ? NULL : PQgetvalue(result, row, column);
}
