/* Signing in to the console, looking who is here, signing out.
 *
 * The key comes in a body and nowhere else: not in a URL, not in a header that a proxy might note.
 * Its bytes are overwritten before the body is parsed, since a parser keeps copies. Who signs in
 * has to come from a page of our own, although no session is at stake yet: or another site could
 * sign somebody in with a key that is not his.
 */
#include "console.h"

#include "api/api.h"
#include "api/cookie.h"
#include "api/export_field.h"
#include "api/throttle.h"

#include "rules/session_token.h"
#include "specification/body_check.h"
#include "specification/specification.h"

#include "verbatim/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_AGE 43200 /* seconds, as verbatim.session_begin has it */
#define ME_STEP 2     /* place of VB_API_SQL_SESSION_ABOUT behind its entry and the step before */

/* --- the cookie --- */

/* `token` "" with an age of 0 takes it away. False: no memory, answered. */
static bool set_cookie(struct vb_http_exchange *exchange, const char *token, int age,
                       void (*put)(struct vb_http_exchange *, const char *, const char *))
{
    const char *base_url = exchange->loop->site->service->options->base_url;
    struct vb_buffer value;
    vb_buffer_init_secret(&value, 8192);
    enum vb_status status = vb_buffer_printf(&value, "%s=%s; Path=", VB_API_SESSION_COOKIE, token);
    if (status == VB_OK)
        status = vb_api_cookie_path(base_url, "/api/", &value);
    if (status == VB_OK)
        status = vb_buffer_printf(&value, "; Max-Age=%d; HttpOnly; SameSite=Strict%s", age,
                                  vb_api_cookie_is_secure(base_url) ? "; Secure" : "");
    if (status == VB_OK)
        put(exchange, "Set-Cookie", value.data);
    else
        vb_http_answer_status(exchange, status, "the cookie of a session");
    vb_buffer_done(&value);
    return status == VB_OK;
}

/* --- who is here --- */

static void put_workspace(struct vb_json *json, const struct vb_access *access, const PGresult *row)
{
    vb_json_name(json, "workspace");
    vb_json_begin_object(json);
    vb_json_member_text(json, "id", access->workspace);
    vb_json_name(json, "name");
    vb_json_view(json, vb_pg_view(row, 0, ME_WORKSPACE_NAME));
    vb_json_member_text(json, "time_zone", access->time_zone);
    vb_json_end_object(json);
}

/* The role in the words of the matrix, so that a page knows what to show without knowing roles. */
static void put_rights(struct vb_json *json, const struct vb_access *access)
{
    vb_json_name(json, "audience");
    if (access->is_restricted) {
        vb_json_begin_array(json);
        for (size_t i = 0; i < access->audience.count; i++)
            vb_json_text(json, access->audience.items[i]);
        vb_json_end_array(json);
    } else {
        vb_json_null(json);
    }
    vb_json_name(json, "rights");
    vb_json_begin_array(json);
    for (int right = VB_RIGHT_NONE + 1; right < VB_RIGHTS; right++)
        if (vb_role_may(access->role, (enum vb_right)right))
            vb_json_text(json, vb_right_word((enum vb_right)right));
    vb_json_end_array(json);
}

/* What the installation can do. */
static void put_installation(struct vb_json *json, const struct vb_api_site_loop *site)
{
    const char *format;
    vb_json_member_boolean(json, "mail", vb_api_mail_is_sent(site));
    vb_json_name(json, "formats");
    vb_json_begin_array(json);
    for (size_t i = 0; (format = vb_specification_format(i)); i++)
        vb_json_text(json, format);
    vb_json_end_array(json);
}

/* A key that is shown itself has no end. */
static void answer_session(struct vb_http_exchange *exchange, int status, const PGresult *row)
{
    const struct vb_access *access = &exchange->request->access;
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    put_workspace(&json, access, row);
    vb_json_name(&json, "user");
    vb_json_view(&json, vb_pg_view(row, 0, ME_USER));
    vb_json_member_text(&json, "key_id", access->key_id);
    vb_json_name(&json, "key_name");
    vb_json_view(&json, vb_pg_view(row, 0, ME_KEY_NAME));
    vb_json_member_text(&json, "role", vb_role_name(access->role));
    put_rights(&json, access);
    vb_api_put_instant(&json, "expires_at",
                       vb_pg_null(row, 0, ME_EXPIRES)
                           ? INT64_MIN
                           : vb_pg_integer(row, 0, ME_EXPIRES) + VB_POSTGRES_EPOCH);
    put_installation(&json, exchange->loop->site);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, status, &json);
}

static void refuse(struct vb_http_exchange *exchange)
{
    vb_api_refuse_key(exchange);
}

/* The key may have ended between its judgement and this look. */
static void on_seen(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    if (PQntuples(outcome->results[ME_STEP]) > 0)
        answer_session(exchange, 200, outcome->results[ME_STEP]);
    else
        refuse(exchange);
}

void vb_console_session_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_pg_step about[] = {{&vb_api_sql[VB_API_SQL_SESSION_ABOUT], NULL}};
    const struct vb_api_entry entry = {.more = about, .count = 1, .then = on_seen};
    vb_api_enter(exchange, &entry);
}

/* --- signing in --- */

/* Of a sign-in, from the good key to the session's row. */
struct sign_in {
    char token[VB_SESSION_TOKEN];
};

static void free_sign_in(void *state)
{
    explicit_bzero(state, sizeof(struct sign_in));
    free(state);
}

static void on_begun(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    const struct sign_in *sign_in = exchange->state;
    if (!vb_api_ended(exchange, outcome))
        return;
    if (PQntuples(outcome->results[1]) < 1 || PQntuples(outcome->results[ME_STEP]) < 1) {
        refuse(exchange);
        return;
    }
    if (!set_cookie(exchange, sign_in->token, MAX_AGE, vb_http_answer_header))
        return;
    vb_info("a session of the console begins, with the key %s", exchange->request->access.key_id);
    answer_session(exchange, 201, outcome->results[ME_STEP]);
}

/* The key is good: what was counted against the caller is given back. */
static void on_judged(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_access *access = &exchange->request->access;
    struct sign_in *sign_in = calloc(1, sizeof(*sign_in));
    struct vb_uuid id;
    unsigned char hash[VB_SHA256];
    char id_text[VB_UUID_TEXT], hash_text[2 + VB_SHA256_HEX] = "\\x";
    vb_api_throttle_give(exchange->loop->site->sign_ins, vb_http_client_slot(exchange));
    if (!sign_in) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "a session");
        return;
    }
    exchange->state = sign_in;
    exchange->free_state = free_sign_in;
    vb_session_token_make(sign_in->token, &id, hash);
    vb_uuid_format(id, id_text);
    vb_hex_encode(hash, sizeof(hash), hash_text + 2);
    const char *const enter[] = {access->workspace, access->key_id}, *const session[] = {id_text,
                                                                                         hash_text};
    const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_ENTER_KEY_WRITE], enter},
                                       {&vb_api_sql[VB_API_SQL_SESSION_BEGIN], session},
                                       {&vb_api_sql[VB_API_SQL_SESSION_ABOUT], NULL}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 3, on_begun);
}

/* A key as it stands in JSON, in quotes. Bytes of it are overwritten in the body, alike for every
 * key, so that a problem that shows its input shows none. */
static const char mask[] = "vb_________________________________________________________________";
_Static_assert(sizeof(mask) - 1 > VB_KEY_LENGTH, "a mask is as long as a key, and is none");

static bool hide_key(struct vb_buffer *body, char key[VB_KEY_LENGTH])
{
    static const char begin[] = "\"vb_";
    bool is_found = false;
    for (size_t at = 0; at + VB_KEY_LENGTH + 2 <= body->length; at++) {
        char *text = body->data + at + 1;
        if (memcmp(body->data + at, begin, sizeof(begin) - 1) != 0 || text[VB_KEY_LENGTH] != '"')
            continue;
        if (!is_found)
            memcpy(key, text, VB_KEY_LENGTH);
        memcpy(text, mask, VB_KEY_LENGTH);
        is_found = true;
    }
    return is_found;
}

/* NULL: not there, or no text. */
static const char *read_member(struct vb_problems *problems)
{
    static const char *const names[] = {"key"};
    struct vb_body_check check = {.problems = problems, .object = problems->root};
    if (!vb_body_is_object(&check))
        return NULL;
    const char *text = vb_body_required_text(&check, "key", &vb_body_any);
    vb_body_unknown(&check, names, 1);
    return text;
}

/* A key that was written with escapes was not hidden, and is judged like any other. */
static void enter(struct vb_http_exchange *exchange, const char *text, struct vb_view hidden)
{
    const struct vb_api_entry entry = {.then = on_judged};
    struct vb_view shown = vb_view_of(text);
    bool is_masked = vb_view_equals(shown, (struct vb_view){mask, VB_KEY_LENGTH});
    vb_api_take_key(exchange, is_masked ? hidden : shown);
    vb_api_enter(exchange, &entry);
}

static void on_body(struct vb_http_exchange *exchange)
{
    char key[VB_KEY_LENGTH];
    bool is_hidden = hide_key(&exchange->body, key);
    struct vb_problems problems;
    vb_problems_init(&problems);
    enum vb_status status = vb_problems_load(
        &problems, (struct vb_view){exchange->body.data, exchange->body.length}, &problems.root);
    const char *text = status == VB_OK ? read_member(&problems) : NULL;
    if (status != VB_OK && status != VB_INVALID)
        vb_http_answer_status(exchange, status, "the request");
    else if (!text || problems.count > 0)
        vb_http_answer_problems(exchange, &problems);
    else
        enter(exchange, text, (struct vb_view){key, is_hidden ? VB_KEY_LENGTH : 0});
    explicit_bzero(key, sizeof(key));
    vb_problems_done(&problems);
}

/* Whole seconds, and one at least. */
static void refuse_for_now(struct vb_http_exchange *exchange, int64_t wait)
{
    char seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)((wait - 1) / VB_SECOND + 1));
    vb_http_answer_error_header(exchange, "Retry-After", seconds);
    vb_http_answer_detail(exchange, 429, "Too many attempts to sign in. Try again later.");
}

void vb_console_sign_in_begin(struct vb_http_exchange *exchange)
{
    if (!vb_api_own_page(exchange))
        return;
    int64_t wait = vb_api_throttle_take(exchange->loop->site->sign_ins,
                                        vb_http_client_slot(exchange), vb_clock_monotonic());
    if (wait > 0)
        refuse_for_now(exchange, wait);
    else
        vb_api_receive_json(exchange, on_body);
}

/* --- signing out --- */

static void on_ended(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (vb_api_ended(exchange, outcome) && set_cookie(exchange, "", 0, vb_http_answer_header))
        vb_http_answer(exchange, 204, "", (struct vb_view){NULL, 0});
}

/* Behind the judgement, and not with it: whoever knows but the id of a session ends nothing. With a
 * key alone there is nothing to end, and the session that it names is none. */
static void on_leaving(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_api_credential *credential = &exchange->request->credential;
    const char *const enter[] = {exchange->request->access.workspace,
                                 credential->is_session ? credential->id : ""};
    const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_ENTER_SESSION_WRITE], enter},
                                       {&vb_api_sql[VB_API_SQL_SESSION_END], NULL}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_ended);
}

/* A session that has ended already leaves its cookie behind: it goes with the refusal too. */
void vb_console_sign_out_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_leaving};
    if (set_cookie(exchange, "", 0, vb_http_answer_error_header))
        vb_api_enter(exchange, &entry);
}
