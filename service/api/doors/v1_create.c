/* The two POSTs of the door "v1" (INTERFACE 7): many conversations by filter or by id, and all of
 * one contact.
 *
 * Always files of 5,000 conversations in a ZIP, also for two conversations: the document splits
 * what is large, how large a filter is shows only once it is exported, and a client that unpacks
 * one way need not know. Recordings need an archive too. A PDF is one conversation's.
 */
#include "routes.h"

#include "api/export.h"
#include "api/order.h"
#include "api/words.h"
#include "specification/body_check.h"

#include "rules/channel_type.h"

#include <string.h>

/* A promise of the document, whatever the option says. */
#define LINKS_LIVE (7 * 86400 * VB_SECOND)

/* Several paths of the specification stand for one member where a door's filter may select or
 * narrow. */
static const struct vb_api_word words[] = {
    {"select.conversation_ids", "filter", "ids", "conversation"},
    {"select.contact_id", "filter", "contact_id", "contact"},
    {"select.channel_id", "filter", "channel", "channel"},
    {"filter.contact_id", "filter", "contact_id", "contact"},
    {"filter.channel_id", "filter", "channel", "channel"},
    {"filter.channel_type", "filter", "channel", "channel"},
    {"filter.from", "filter", "since", NULL},
    {"filter.to", "filter", "until", NULL},
    {"include", NULL, "fields", NULL},
    {"notification_email", NULL, "notify", NULL},
    {NULL, NULL, NULL, NULL},
};
static const struct vb_api_saying sayings[] = {
    {"Value error, to must be on or after from", "Value error, until must be on or after since"},
    {"Value error, to must be after from", "Value error, until must be after since"},
    {"Value error, from is in the future", "Value error, since is in the future"},
    {"Value error, the layout messages needs messages",
     "Value error, the mode messages needs messages"},
    {NULL, NULL},
};
const struct vb_api_words vb_v1_words = {words, sayings};

static bool is_format(struct vb_view text)
{
    return vb_view_equals(text, VB_VIEW("json")) || vb_view_equals(text, VB_VIEW("csv")) ||
           vb_view_equals(text, VB_VIEW("pdf"));
}

/* The layouts of a table, by the specification's own names. */
static bool is_mode(struct vb_view text)
{
    return vb_view_equals(text, VB_VIEW("conversations")) ||
           vb_view_equals(text, VB_VIEW("messages"));
}

static const struct vb_body_rule format_rule = {is_format, "enum",
                                                "Input should be 'json', 'csv' or 'pdf'"};
static const struct vb_body_rule mode_rule = {is_mode, "enum",
                                              "Input should be 'conversations' or 'messages'"};

/* --- what both POSTs say: format, mode, fields, notify --- */

/* A member to be passed on; NULL where it is absent or null. */
static json_t *member(const struct vb_body_check *check, const char *name)
{
    json_t *value = json_object_get(check->object, name);
    return json_is_null(value) ? NULL : value;
}

/* The document calls the events of a conversation its audit log; everything else is named as in a
 * specification. */
static json_t *take_fields(json_t *fields)
{
    if (!json_is_array(fields))
        return json_incref(fields);
    json_t *include = json_array();
    for (size_t i = 0; i < json_array_size(fields); i++) {
        json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(field);
        field = name && strcmp(name, "audit") == 0 ? json_string("events") : json_incref(field);
        if (json_array_append_new(include, field) != 0) {
            json_decref(include);
            return NULL;
        }
    }
    return include;
}

/* 0, or not where there was no memory. A format that is missing is told by the check alone. */
static int put_shape(struct vb_body_check *check, json_t *built)
{
    const char *format = vb_body_required_text(check, "format", &format_rule);
    const char *mode = vb_body_text(check, "mode", &mode_rule);
    json_t *fields = member(check, "fields"), *notify = member(check, "notify");
    bool is_csv = format && strcmp(format, "csv") == 0;
    bool is_pdf = format && strcmp(format, "pdf") == 0;
    int failed =
        json_object_set_new(built, "files", json_string(is_pdf ? "per_conversation" : "chunks"));
    if (format)
        failed |= json_object_set_new(built, "format", json_string(format));
    if (is_csv)
        failed |= json_object_set_new(built, "layout", json_string(mode ? mode : "conversations"));
    else if (format && mode && strcmp(mode, "messages") == 0)
        vb_body_problem(check, "value_error", "mode",
                        "Value error, the mode messages is of the format csv only",
                        vb_body_member(check, "mode"));
    if (fields)
        failed |= json_object_set_new(built, "include", take_fields(fields));
    if (notify)
        failed |= json_object_set(built, "notification_email", notify);
    return failed;
}

/* --- the filter --- */

/* Passed on as it is: what it may hold is the specification's to say. */
static int move(const struct vb_body_check *filter, const char *from, json_t *target,
                const char *to)
{
    json_t *value = member(filter, from);
    return value ? json_object_set(target, to, value) : 0;
}

/* A coarse type narrows; an id selects, unless something narrower does. */
static int put_channel(const struct vb_body_check *given, json_t *select, json_t *filter)
{
    json_t *channel = member(given, "channel");
    const char *text = json_string_value(channel);
    if (text && vb_channel_type_known((struct vb_view){text, json_string_length(channel)}))
        return json_object_set(filter, "channel_type", channel);
    return move(given, "channel", json_object_size(select) > 0 ? filter : select, "channel_id");
}

/* The first of ids, contact and channel selects; those behind it only narrow, since a specification
 * has one selection. */
static int put_filter(const struct vb_body_check *given, json_t *select, json_t *filter)
{
    json_t *status = member(given, "status");
    int failed = move(given, "ids", select, "conversation_ids");
    failed |=
        move(given, "contact_id", json_object_size(select) > 0 ? filter : select, "contact_id");
    failed |= put_channel(given, select, filter);
    if (json_object_size(select) == 0)
        failed |= json_object_set_new(select, "all", json_true());
    failed |= move(given, "since", filter, "from");
    failed |= move(given, "until", filter, "to");
    failed |= move(given, "tags", filter, "tags");
    if (json_is_string(status))
        failed |= json_object_set_new(filter, "status", json_pack("[O]", status));
    else
        failed |= move(given, "status", filter, "status");
    return failed;
}

/* NULL: no memory. Members that nobody knows are told at both levels; a filter that is no object is
 * one problem, and read as an empty one so that the rest is judged too. */
static json_t *build_bulk(struct vb_body_check *check)
{
    static const char *const names[] = {"filter", "format", "mode", "fields", "notify"};
    static const char *const filters[] = {"since", "until",      "channel", "status",
                                          "tags",  "contact_id", "ids"};
    struct vb_body_check given = *check;
    given.within = "filter";
    given.object = vb_body_member(check, "filter");
    json_t *built = json_pack("{s:{},s:{}}", "select", "filter");
    int failed = built ? put_shape(check, built) : -1;
    bool is_good = !given.object || vb_body_is_object(&given);
    if (!is_good)
        given.object = NULL;
    if (failed == 0)
        failed =
            put_filter(&given, json_object_get(built, "select"), json_object_get(built, "filter"));
    if (given.object)
        vb_body_unknown(&given, filters, sizeof(filters) / sizeof(filters[0]));
    vb_body_unknown(check, names, sizeof(names) / sizeof(names[0]));
    if (failed == 0)
        return built;
    json_decref(built);
    return NULL;
}

/* --- one contact --- */

/* Unknown, foreign or out of sight: the same answer. */
static void answer_no_contact(struct vb_http_exchange *exchange, const char *path)
{
    (void)path;
    vb_http_answer_detail(exchange, 404, "Contact not found.");
}

/* NULL: no memory. A contact of the path is taken as text, and judged where it is looked up. */
static json_t *build_contact(struct vb_http_exchange *exchange, struct vb_body_check *check)
{
    static const char *const names[] = {"format", "match", "mode", "fields", "notify"};
    struct vb_api_order *order = exchange->state;
    const char *match = vb_body_text(check, "match", &vb_body_match);
    json_t *built = json_pack("{s:{s:s,s:s*}}", "select", "contact_id",
                              exchange->request->arguments[0].data, "match", match);
    int failed = built ? put_shape(check, built) : -1;
    vb_body_unknown(check, names, sizeof(names) / sizeof(names[0]));
    order->missing = answer_no_contact;
    if (failed == 0)
        return built;
    json_decref(built);
    return NULL;
}

/* --- both --- */

/* No Idempotency-Key here, so the job is a new one and its status known. */
static void answer_created(struct vb_http_exchange *exchange, const PGresult *job)
{
    const struct vb_api_export export = {job, 0};
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "job_id");
    vb_json_view(&json, vb_api_export_id(&export));
    vb_json_member_text(&json, "status", "queued");
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 202, &json);
}

/* The problems' root owns the body until the order has been answered or begun. */
static void take_body(struct vb_http_exchange *exchange, bool is_contact)
{
    struct vb_api_order *order = vb_api_order_new(exchange);
    struct vb_problems problems;
    if (!order)
        return;
    vb_problems_init(&problems);
    order->created = answer_created;
    order->wish.link_ttl = LINKS_LIVE;
    enum vb_status status = vb_problems_load(
        &problems, (struct vb_view){exchange->body.data, exchange->body.length}, &problems.root);
    struct vb_body_check check = {.problems = &problems, .object = problems.root};
    if (status == VB_OK && vb_body_is_object(&check))
        vb_api_words_order(
            exchange, is_contact ? build_contact(exchange, &check) : build_bulk(&check), &problems);
    else if (status == VB_OK || status == VB_INVALID)
        vb_http_answer_problems(exchange, &problems);
    else
        vb_http_answer_status(exchange, status, "the request");
    vb_problems_done(&problems);
}

static void on_bulk(struct vb_http_exchange *exchange)
{
    take_body(exchange, false);
}

static void on_contact(struct vb_http_exchange *exchange)
{
    take_body(exchange, true);
}

static void on_bulk_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    vb_api_receive_json(exchange, on_bulk);
}

static void on_contact_entered(struct vb_http_exchange *exchange,
                               const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    vb_api_receive_json(exchange, on_contact);
}

void vb_v1_create_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_bulk_entered};
    vb_api_enter(exchange, &entry);
}

void vb_v1_contact_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_contact_entered};
    vb_api_enter(exchange, &entry);
}
