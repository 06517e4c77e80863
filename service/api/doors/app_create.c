/* POST of the door "app": `format`, and perhaps `agent_id`, `from` and `to`, as a specification. See INTERFACE 7. */
#include "routes.h"

#include "api/order.h"
#include "api/words.h"
#include "app.h"
#include "specification/body_check.h"

static const struct http_word words[] = {
    {"select.assistant_id", NULL, "agent_id", "agent"},
    {"filter.from", NULL, "from", NULL},
    {"filter.to", NULL, "to", NULL},
    {NULL, NULL, NULL, NULL},
};
static const struct http_saying sayings[] = {{NULL, NULL}};
const struct http_words http_app_words = {words, sayings};

static bool is_format(struct vb_view text)
{
    return vb_view_equals(text, VB_VIEW("csv")) || vb_view_equals(text, VB_VIEW("json"));
}

static const struct body_rule format_rule = {is_format, "enum", "Input should be 'csv' or 'json'"};

/* NULL: no memory. What `from`, `to` and `agent_id` may be is the specification's to say. A table of leads has one row for
 * each conversation, so rows and conversations are the same number in both formats. */
static json_t *build(struct body_check *check)
{
    const char *format = body_required_text(check, "format", &format_rule);
    const json_t *agent = body_member(check, "agent_id");
    const json_t *from = body_member(check, "from"), *to = body_member(check, "to");
    bool is_csv = !format || vb_view_equals(vb_view_of(format), VB_VIEW("csv"));
    /* With a star: left out where it is NULL. */
    return json_pack("{s:{s:O*,s:o*},s:{s:O*,s:O*},s:s*,s:s*,s:s}", "select", "assistant_id", agent,
                     "all", agent ? NULL : json_true(), "filter", "from", from, "to", to, "format",
                     format, "layout", is_csv ? "leads" : NULL, "files", "single");
}

static void answer_created(struct http_exchange *exchange, const PGresult *job)
{
    http_app_answer(exchange, 201, &(struct http_export){job, 0});
}

static void on_body(struct http_exchange *exchange)
{
    static const char *const names[] = {"format", "agent_id", "from", "to"};
    struct http_order *order = http_order_new(exchange);
    struct vb_problems problems;
    if (!order)
        return;
    vb_problems_init(&problems);
    order->created = answer_created;
    order->wish.retention = HTTP_APP_KEPT;
    order->wish.link_ttl = HTTP_APP_KEPT;
    enum vb_status status = vb_problems_load(
        &problems, (struct vb_view){exchange->body.data, exchange->body.length}, &problems.root);
    struct body_check check = {.problems = &problems, .object = problems.root};
    if (status == VB_OK && body_is_object(&check)) {
        json_t *built = build(&check);
        body_unknown(&check, names, sizeof(names) / sizeof(names[0]));
        http_words_order(exchange, built, &problems);
    } else if (status == VB_OK || status == VB_INVALID) {
        http_answer_problems(exchange, &problems);
    } else {
        http_answer_status(exchange, status, "the request");
    }
    vb_problems_done(&problems);
}

static void on_entered(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    (void)outcome;
    http_receive_json(exchange, on_body);
}

void http_app_create_begin(struct http_exchange *exchange)
{
    const struct http_entry entry = {.then = on_entered};
    http_enter(exchange, &entry);
}
