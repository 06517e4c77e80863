/* Keys of a workspace, for owner and admin: listed, made, revoked.
 *
 * A new key is shown once, in the answer that makes it; what is stored is its hash. Who may make
 * which is decided in the database, in the transaction that makes it, so that a key that is revoked
 * meanwhile makes none. Nobody makes a key that may do more than his own, nor ends one.
 */
#include "manage.h"

#include "api/api.h"
#include "api/row_field.h"
#include "database/array.h"
#include "rules/key.h"
#include "specification/body_check.h"

#include "verbatim/log.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MOST 1000 /* shown: those that are good come first */
#define KEYS_ASKED "1001"
#define AUDIENCE (256u << 10)

/* --- the list --- */

static void put_key(struct vb_json *json, const PGresult *rows, int row)
{
    vb_json_begin_object(json);
    vb_api_row_put(json, "key_id", rows, row, KEYS_ID);
    vb_api_row_put(json, "name", rows, row, KEYS_NAME);
    vb_api_row_put(json, "role", rows, row, KEYS_ROLE);
    vb_api_row_put(json, "user", rows, row, KEYS_USER);
    vb_api_row_put_json(json, "audience", rows, row, KEYS_AUDIENCE);
    vb_api_row_put_json(json, "scopes", rows, row, KEYS_SCOPES);
    vb_api_row_put_time(json, "created_at", rows, row, KEYS_CREATED);
    vb_api_row_put_time(json, "last_used_at", rows, row, KEYS_USED);
    vb_api_row_put_time(json, "revoked_at", rows, row, KEYS_REVOKED);
    vb_json_end_object(json);
}

static void on_listed(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (!vb_api_ended(exchange, outcome))
        return;
    const PGresult *rows = outcome->results[1];
    struct vb_json json = vb_http_json(exchange);
    int count = PQntuples(rows);
    vb_json_begin_object(&json);
    vb_json_name(&json, "keys");
    vb_json_begin_array(&json);
    for (int row = 0; row < count && row < KEYS_MOST; row++)
        put_key(&json, rows, row);
    vb_json_end_array(&json);
    vb_json_member_boolean(&json, "more", count > KEYS_MOST);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

/* Behind the key: who may not is not told how many there are. */
static void list(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const char *const values[] = {exchange->request->access.workspace, KEYS_ASKED};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], values},
                                       {&vb_api_sql[VB_API_SQL_KEYS], values}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_listed);
}

void vb_manage_keys_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = list};
    vb_api_enter(exchange, &entry);
}

/* --- a new one --- */

/* What was asked for; texts live as long as the document. */
struct making {
    struct vb_problems problems;
    const char *name, *role, *user;
    struct vb_words tags;
    struct vb_buffer audience;
    char key[VB_KEY_LENGTH + 1];
    struct vb_key_id id;
};

static void free_making(void *state)
{
    struct making *making = state;
    explicit_bzero(making->key, sizeof(making->key));
    vb_body_words_done(&making->tags);
    vb_buffer_done(&making->audience);
    vb_problems_done(&making->problems);
    free(making);
}

static bool is_role(struct vb_view text)
{
    enum vb_role role;
    return vb_role_find(text, &role);
}

static const struct vb_body_rule name_rule = {
    vb_key_name_valid, "value_error",
    "Value error, name must be at most 200 bytes on one line, without control characters"};
static const struct vb_body_rule role_rule = {
    is_role, "enum", "Input should be 'owner', 'admin', 'editor' or 'viewer'"};
static const struct vb_body_rule tag_rule = {
    vb_key_tag_valid, "value_error",
    "Value error, a tag must be 1 to 200 bytes on one line, without control characters"};

/* The audience narrows what an editor sees; for the other roles it would promise what nobody
 * holds. */
static void check_body(struct making *making, struct vb_body_check *check)
{
    static const char *const names[] = {"name", "role", "user", "audience"};
    making->name = vb_body_text(check, "name", &name_rule);
    making->role = vb_body_required_text(check, "role", &role_rule);
    making->user = vb_body_text(check, "user", &vb_body_mail);
    vb_body_words(check, "audience", &tag_rule, &making->tags);
    if (making->tags.count > 0 && making->role && strcmp(making->role, "editor") != 0)
        vb_body_problem(check, "value_error", "audience",
                        "Value error, an audience limits an editor; the other roles see every "
                        "conversation",
                        vb_body_member(check, "audience"));
    vb_body_unknown(check, names, sizeof(names) / sizeof(names[0]));
}

static void answer_made(struct vb_http_exchange *exchange, const struct making *making)
{
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "key_id", making->id.text);
    vb_json_member_text(&json, "key", making->key);
    vb_json_member_text(&json, "name", making->name ? making->name : "");
    vb_json_member_text(&json, "role", making->role);
    vb_json_member_text(&json, "user", making->user);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 201, &json);
}

static void on_made(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    const struct making *making = exchange->state;
    if (!vb_api_ended(exchange, outcome))
        return;
    if (!vb_pg_boolean(outcome->results[1], 0, 0)) {
        vb_http_answer_detail(exchange, 403,
                              "The API key's role may not make a key of the role owner.");
        return;
    }
    vb_info("the key %s of the role %s was made with the key %s", making->id.text, making->role,
            exchange->request->access.key_id);
    answer_made(exchange, making);
}

/* The transaction names the key that asks, and the database judges it anew. */
static void make(struct vb_http_exchange *exchange, struct making *making)
{
    const struct vb_access *access = &exchange->request->access;
    unsigned char hash[VB_SHA256];
    char hex[VB_SHA256_HEX];
    vb_buffer_init(&making->audience, AUDIENCE);
    if (vb_pg_array_put(&making->audience, making->tags.items, making->tags.count) != VB_OK) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "an audience");
        return;
    }
    vb_key_make(making->key, &making->id, hash);
    vb_hex_encode(hash, sizeof(hash), hex);
    static const char scopes[] = "{" VB_SCOPE_EXPORT "}";
    const char *const enter[] = {access->workspace, access->key_id};
    const char *const values[] = {making->id.text,
                                  making->name ? making->name : "",
                                  hex,
                                  scopes,
                                  making->role,
                                  making->user,
                                  making->audience.data};
    const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_ENTER_KEY_WRITE], enter},
                                       {&vb_api_sql[VB_API_SQL_KEY_MAKE], values}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_made);
}

static void on_body(struct vb_http_exchange *exchange)
{
    struct making *making = calloc(1, sizeof(*making));
    if (!making) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the request");
        return;
    }
    exchange->state = making;
    exchange->free_state = free_making;
    vb_problems_init(&making->problems);
    struct vb_problems *problems = &making->problems;
    enum vb_status status = vb_problems_load(
        problems, (struct vb_view){exchange->body.data, exchange->body.length}, &problems->root);
    struct vb_body_check check = {.problems = problems, .object = problems->root};
    if (status == VB_OK && vb_body_is_object(&check))
        check_body(making, &check);
    if (status == VB_OK)
        status = check.status;
    if (status != VB_OK && status != VB_INVALID)
        vb_http_answer_status(exchange, status, "the request");
    else if (problems->count > 0)
        vb_http_answer_problems(exchange, problems);
    else
        make(exchange, making);
}

static void on_maker(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    vb_api_receive_json(exchange, on_body);
}

void vb_manage_key_make_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = on_maker};
    vb_api_enter(exchange, &entry);
}

/* --- the end of one --- */

static void on_revoked(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (!vb_api_ended(exchange, outcome))
        return;
    struct vb_view how = vb_pg_view(outcome->results[1], 0, 0);
    if (!how.data) {
        vb_http_answer_detail(exchange, 404, "Key not found.");
    } else if (vb_view_equals(how, VB_VIEW("revoked"))) {
        vb_info("the key %s was revoked with the key %s", exchange->request->arguments[1].data,
                exchange->request->access.key_id);
        vb_http_answer(exchange, 204, "", (struct vb_view){NULL, 0});
    } else {
        vb_http_answer_detail(exchange, 403,
                              "The API key's role may not revoke a key of the role owner.");
    }
}

/* Also its own: then this was its last request. */
static void revoke(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_access *access = &exchange->request->access;
    const char *const enter[] = {access->workspace, access->key_id};
    const char *const values[] = {exchange->request->arguments[1].data};
    const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_ENTER_KEY_WRITE], enter},
                                       {&vb_api_sql[VB_API_SQL_KEY_REVOKE], values}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_revoked);
}

void vb_manage_key_revoke_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = revoke};
    vb_api_enter(exchange, &entry);
}
