/* The console's export dialog as a door: an assistant and a number of days become an HTML archive
 * of what was completed in them, kept for a month, and only so many a user.
 *
 * Which export goes for the next one is told before, by the list. Files are named after the
 * assistant and the moment; a second request with the same Idempotency-Key and body is the same
 * export, although its days end later. See INTERFACE 7.
 */
#include "routes.h"

#include "api/export.h"
#include "api/order.h"
#include "api/words.h"
#include "specification/body_check.h"

#include "verbatim/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY (86400 * VB_SECOND)
#define KEPT (30 * DAY)
#define LINK                                                                                       \
    (7 * DAY) /* the longest that object stores sign for; a download with a key is longer */
#define OWNER_TEXT 2048u
#define AUDIENCE (256u << 10)

/* What the specification says of a path is told as the door's member. */
static const struct vb_api_word words[] = {
    {"select.assistant_id", NULL, "assistant_id", "assistant"},
    {"filter.from", NULL, "days", NULL},
    {NULL, NULL, NULL, NULL},
};
static const struct vb_api_saying sayings[] = {{NULL, NULL}};
const struct vb_api_words vb_assistant_words = {words, sayings};

/* Beside the order, whose fields point in here; the order comes first, since it is the exchange's
 * state, and is freed as that. */
struct assistant_order {
    struct vb_api_order order;
    char owner[OWNER_TEXT], name[VB_NAME_BYTES + 1];
    struct vb_buffer body;
};

/* A user is one person whatever the number of keys; without a user the key is who it is. False: the
 * address is too long, which none is. */
static bool owner_of(const struct vb_http_exchange *exchange, char owner[OWNER_TEXT])
{
    const struct vb_access *access = &exchange->request->access;
    int length = *access->user ? snprintf(owner, OWNER_TEXT, "user %s", access->user)
                               : snprintf(owner, OWNER_TEXT, "key %s", access->key_id);
    return length > 0 && (size_t)length < OWNER_TEXT;
}

/* --- the order --- */

/* 0: absent or broken, and noted. */
static int64_t take_days(struct vb_body_check *check)
{
    static const char rule[] = "Input should be a whole number from 1 to 365";
    const json_t *days = vb_body_member(check, "days");
    int64_t number = 0;
    if (!days)
        vb_body_problem(check, "missing", "days", "Field required", NULL);
    else if (!vb_body_whole(days, &number))
        vb_body_problem(check, "int_type", "days", rule, days);
    else if (number < 1 || number > 365)
        vb_body_problem(check, "int_range", "days", rule, days);
    else
        return number;
    return 0;
}

/* Media come in a ZIP, and this door's answer is one HTML file: NULL then, and noted. What else may
 * be in the list is the specification's to say. */
static const json_t *take_include(struct vb_body_check *check)
{
    const json_t *include = vb_body_member(check, "include");
    for (size_t i = 0; i < json_array_size(include); i++) {
        const char *word = json_string_value(json_array_get(include, i));
        if (!word || strcmp(word, "media") != 0)
            continue;
        vb_body_problem(check, "value_error", "include",
                        "Value error, media come in a ZIP: /exports has them", include);
        return NULL;
    }
    return include;
}

/* NULL: no memory. What `assistant_id` and the address may be is the specification's to say. */
static json_t *build(struct vb_body_check *check, const char *assistant, int64_t days,
                     const json_t *include)
{
    struct vb_moment from = {
        .is_given = true, .is_instant = true, .instant = vb_clock_now() - days * DAY};
    char text[VB_MOMENT_TEXT];
    vb_moment_text(&from, text);
    return json_pack("{s:{s:s}, s:{s:s, s:b}, s:s, s:s, s:O*, s:O*}", "select", "assistant_id",
                     assistant ? assistant : "-", "filter", "from", text, "completed_only", 1,
                     "format", "html", "files", "single", "include", include, "notification_email",
                     vb_body_member(check, "notification_email"));
}

/* By what was asked for: the specification's first moment is another one at each try. */
static enum vb_status note_body(struct assistant_order *wanted, const struct vb_body_check *check,
                                const char *assistant, int64_t days)
{
    struct vb_order *wish = &wanted->order.wish;
    const char *address = json_string_value(vb_body_member(check, "notification_email"));
    const json_t *include = vb_body_member(check, "include");
    char *included = include ? json_dumps(include, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (include && !included)
        return VB_NO_MEMORY;
    enum vb_status status =
        vb_buffer_printf(&wanted->body, "%" PRId64 " %s %s%s%s", days, address ? address : "",
                         assistant, included ? " " : "", included ? included : "");
    free(included);
    wish->body = (struct vb_view){wanted->body.data, wanted->body.length};
    return status;
}

static enum vb_status note_name(struct assistant_order *wanted, const char *assistant,
                                struct vb_error *err)
{
    struct vb_buffer what;
    vb_buffer_init(&what, 128u << 10);
    enum vb_status status = vb_buffer_printf(&what, "conversations_%s", assistant);
    if (status == VB_OK)
        status = vb_dated_name((struct vb_view){what.data, what.length}, vb_clock_now(), ".html",
                               wanted->name, err);
    else
        (void)vb_fail(err, status, "no memory for a name");
    vb_buffer_done(&what);
    wanted->order.wish.wanted_name = wanted->name;
    return status;
}

/* Notes whatever is broken; what it could not note is a failure of its own. */
static enum vb_status judge(struct assistant_order *wanted, struct vb_body_check *check,
                            json_t **ret_built, struct vb_error *err)
{
    static const char *const names[] = {"assistant_id", "days", "include", "notification_email"};
    const char *assistant = vb_body_required_text(check, "assistant_id", &vb_body_any);
    int64_t days = take_days(check);
    const json_t *include = take_include(check);
    vb_body_unknown(check, names, sizeof(names) / sizeof(names[0]));
    *ret_built = build(check, assistant, days, include);
    if (!assistant)
        return VB_OK;
    enum vb_status status = note_body(wanted, check, assistant, days);
    if (status != VB_OK)
        return vb_fail(err, status, "no memory for a request");
    return note_name(wanted, assistant, err);
}

static void answer_created(struct vb_http_exchange *exchange, const PGresult *job)
{
    vb_api_export_answer(exchange, 202, &(struct vb_api_export){job, 0});
}

static void order_it(struct vb_http_exchange *exchange, struct vb_problems *problems)
{
    struct assistant_order *wanted = exchange->state;
    struct vb_body_check check = {.problems = problems, .object = problems->root};
    struct vb_error err = {0};
    json_t *built = NULL;
    if (!vb_body_is_object(&check)) {
        vb_http_answer_problems(exchange, problems);
    } else if (judge(wanted, &check, &built, &err) != VB_OK) {
        json_decref(built);
        vb_http_answer_error(exchange, &err);
    } else {
        vb_api_words_order(exchange, built, problems);
    }
}

static void free_wanted(void *state)
{
    struct assistant_order *wanted = state;
    vb_order_done(&wanted->order.wish);
    vb_buffer_done(&wanted->body);
    free(wanted);
}

/* NULL: answered. */
static struct assistant_order *make_wanted(struct vb_http_exchange *exchange)
{
    struct assistant_order *wanted = calloc(1, sizeof(*wanted));
    if (!wanted || !owner_of(exchange, wanted->owner)) {
        free(wanted);
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the request");
        return NULL;
    }
    struct vb_order *wish = &wanted->order.wish;
    vb_order_init(wish);
    vb_buffer_init(&wanted->body, 128u << 10);
    wish->retention = KEPT;
    wish->link_ttl = LINK;
    wish->kept_for = wanted->owner;
    wish->keep_most = VB_ORDER_KEPT_MOST;
    wanted->order.created = answer_created;
    exchange->state = wanted;
    exchange->free_state = free_wanted;
    return wanted;
}

/* The problems' root owns the body, so it lives until the order has copied what it needs. */
static void on_body(struct vb_http_exchange *exchange)
{
    struct vb_problems problems;
    if (!make_wanted(exchange) || !vb_api_order_same(exchange))
        return;
    vb_problems_init(&problems);
    enum vb_status status = vb_problems_load(
        &problems, (struct vb_view){exchange->body.data, exchange->body.length}, &problems.root);
    if (status == VB_OK)
        order_it(exchange, &problems);
    else if (status == VB_INVALID)
        vb_http_answer_problems(exchange, &problems);
    else
        vb_http_answer_status(exchange, status, "the request");
    vb_problems_done(&problems);
}

static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    vb_api_receive_json(exchange, on_body);
}

void vb_assistant_create_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}

/* --- the list --- */

static enum vb_status put_exports(struct vb_http_exchange *exchange, struct vb_json *json,
                                  const PGresult *rows, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    struct vb_api_export export = {rows, 0};
    for (; export.row < PQntuples(rows) && status == VB_OK; export.row++)
        if (vb_pg_boolean(rows, export.row, KEPT_IS_SEEN))
            status = vb_api_export_put(exchange, json, &export, err);
    return status;
}

/* The one that goes for the next is the last that would stay, had there not to be room. */
static void put_oldest(struct vb_json *json, const PGresult *rows)
{
    struct vb_api_export oldest = {rows, VB_ORDER_KEPT_MOST - 1};
    vb_json_name(json, "oldest");
    if (PQntuples(rows) >= VB_ORDER_KEPT_MOST)
        vb_json_view(json, vb_api_export_id(&oldest));
    else
        vb_json_null(json);
}

static void on_listed(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    struct vb_error err = {0};
    if (!vb_api_ended(exchange, outcome))
        return;
    const PGresult *rows = outcome->results[1];
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "exports");
    vb_json_begin_array(&json);
    enum vb_status status = put_exports(exchange, &json, rows, &err);
    vb_json_end_array(&json);
    vb_json_member_integer(&json, "limit", VB_ORDER_KEPT_MOST);
    put_oldest(&json, rows);
    vb_json_end_object(&json);
    if (status == VB_OK)
        vb_http_answer_json(exchange, 200, &json);
    else
        vb_http_answer_error(exchange, &err);
}

/* Two round trips: whose they are is known by the key's row only. */
static void on_looked(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_caller caller = vb_access_caller(&exchange->request->access);
    char owner[OWNER_TEXT];
    const char *audience = NULL;
    struct vb_buffer text;
    vb_buffer_init(&text, AUDIENCE);
    if (!owner_of(exchange, owner) || vb_caller_audience(&caller, &text, &audience) != VB_OK) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the list");
    } else {
        const char *const values[] = {caller.workspace, owner, audience};
        const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], values},
                                           {&vb_api_sql[VB_API_SQL_EXPORTS_KEPT], values}};
        vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_listed);
    }
    vb_buffer_done(&text);
}

void vb_assistant_list_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = on_looked};
    vb_api_enter(exchange, &entry);
}
