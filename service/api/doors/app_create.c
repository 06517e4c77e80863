/* POST of the door "app": `format`, and perhaps `agent_id`, `from` and `to`, as a specification.
 * See INTERFACE 7.
 *
 * The body is translated, not judged: what a member may hold is the specification's to say, in this
 * door's words. Only `format` is the door's own. Links and rows live equally long, so that no row
 * shows a dead link.
 */
#include "routes.h"

#include "api/order.h"
#include "api/words.h"
#include "app.h"
#include "specification/body_check.h"

/* What the specification says of a path is told as the door's member. */
static const struct vb_api_word words[] = {
    {"select.assistant_id", NULL, "agent_id", "agent"},
    {"filter.from", NULL, "from", NULL},
    {"filter.to", NULL, "to", NULL},
    {NULL, NULL, NULL, NULL},
};
/* The members that the specification's messages name are called alike here. */
static const struct vb_api_saying sayings[] = {{NULL, NULL}};
const struct vb_api_words vb_app_words = {words, sayings};

/* Narrower than a specification's: the document knows these two. */
static bool is_format(struct vb_view text)
{
    return vb_view_equals(text, VB_VIEW("csv")) || vb_view_equals(text, VB_VIEW("json"));
}

static const struct vb_body_rule format_rule = {is_format, "enum",
                                                "Input should be 'csv' or 'json'"};

/* NULL: no memory. What `from`, `to` and `agent_id` may be is the specification's to say. A table
 * of leads has one row for each conversation, so rows and conversations are the same number in both
 * formats. */
static json_t *build(struct vb_body_check *check)
{
    const char *format = vb_body_required_text(check, "format", &format_rule);
    const json_t *agent = vb_body_member(check, "agent_id");
    const json_t *from = vb_body_member(check, "from"), *to = vb_body_member(check, "to");
    bool is_csv = !format || vb_view_equals(vb_view_of(format), VB_VIEW("csv"));
    /* With a star: left out where it is NULL. */
    return json_pack("{s:{s:O*,s:o*},s:{s:O*,s:O*},s:s*,s:s*,s:s}", "select", "assistant_id", agent,
                     "all", agent ? NULL : json_true(), "filter", "from", from, "to", to, "format",
                     format, "layout", is_csv ? "leads" : NULL, "files", "single");
}

/* 201 with the object, where the others answer 202: the document has it so. */
static void answer_created(struct vb_http_exchange *exchange, const PGresult *job)
{
    const struct vb_api_export export = {job, 0};
    vb_api_order_locate(exchange, vb_api_export_id(&export));
    vb_app_answer(exchange, 201, &export);
}

/* The problems' root owns the body, so it lives until the order has copied what it needs. */
static void on_body(struct vb_http_exchange *exchange)
{
    static const char *const names[] = {"format", "agent_id", "from", "to"};
    struct vb_api_order *order = vb_api_order_new(exchange);
    struct vb_problems problems;
    if (!order)
        return;
    vb_problems_init(&problems);
    order->created = answer_created;
    order->wish.retention = VB_APP_KEPT;
    order->wish.link_ttl = VB_APP_KEPT;
    enum vb_status status = vb_problems_load(
        &problems, (struct vb_view){exchange->body.data, exchange->body.length}, &problems.root);
    struct vb_body_check check = {.problems = &problems, .object = problems.root};
    if (status == VB_OK && vb_body_is_object(&check)) {
        json_t *built = build(&check);
        vb_body_unknown(&check, names, sizeof(names) / sizeof(names[0]));
        vb_api_words_order(exchange, built, &problems);
    } else if (status == VB_OK || status == VB_INVALID) {
        vb_http_answer_problems(exchange, &problems);
    } else {
        vb_http_answer_status(exchange, status, "the request");
    }
    vb_problems_done(&problems);
}

static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    vb_api_receive_json(exchange, on_body);
}

/* Nothing of the body is looked at before the key is good. */
void vb_app_create_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
