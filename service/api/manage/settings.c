/* Settings of a workspace: read by whoever may look, changed by owner and admin.
 *
 * What is not named stays as it is, and a null goes back to the option of the service. Members are
 * judged here; whether archives outlive their links is judged in the database, with the row held,
 * since one member alone cannot tell. Nothing is cached: a change holds from the next request, job
 * and round of the janitor on.
 */
#include "manage.h"

#include "api/api.h"
#include "api/row_field.h"
#include "rules/key.h"
#include "rules/quantity.h"
#include "specification/body_check.h"

#include "verbatim/log.h"
#include "verbatim/zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK_TTL_MOST (168 * 3600 * VB_SECOND)
#define RETENTION_MOST (3650 * 24 * 3600 * VB_SECOND)
#define RUNNING_MOST 10000

/* --- as they are shown --- */

/* In the largest unit that it is a multiple of. */
static void put_span(struct vb_json *json, const char *name, int64_t span)
{
    static const struct {
        const char *name;
        int64_t factor;
    } units[] = {{"d", 86400 * VB_SECOND},
                 {"h", 3600 * VB_SECOND},
                 {"m", 60 * VB_SECOND},
                 {"s", VB_SECOND},
                 {"ms", VB_SECOND / 1000}};
    size_t unit = 0;
    char text[32];
    while (unit < 4 && span % units[unit].factor != 0)
        unit++;
    (void)snprintf(text, sizeof(text), "%" PRId64 "%s", span / units[unit].factor,
                   units[unit].name);
    vb_json_member_text(json, name, text);
}

static void put_kept_span(struct vb_json *json, const char *name, const PGresult *rows, int column)
{
    if (vb_pg_null(rows, 0, column))
        vb_json_member_text(json, name, NULL);
    else
        put_span(json, name, vb_pg_integer(rows, 0, column));
}

/* `service`: what holds where the workspace says nothing. */
static void answer(struct vb_http_exchange *exchange, const PGresult *rows)
{
    const struct vb_options *options = exchange->loop->site->service->options;
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_api_row_put(&json, "name", rows, 0, SETTINGS_NAME);
    vb_api_row_put(&json, "time_zone", rows, 0, SETTINGS_ZONE);
    vb_api_row_put(&json, "csv_profile", rows, 0, SETTINGS_PROFILE);
    vb_api_row_put(&json, "delimiter", rows, 0, SETTINGS_DELIMITER);
    vb_api_row_put(&json, "csv_quote", rows, 0, SETTINGS_QUOTE);
    vb_json_name(&json, "byte_order_mark");
    if (vb_pg_null(rows, 0, SETTINGS_MARK))
        vb_json_null(&json);
    else
        vb_json_boolean(&json, vb_pg_boolean(rows, 0, SETTINGS_MARK));
    vb_json_name(&json, "max_running");
    if (vb_pg_null(rows, 0, SETTINGS_RUNNING))
        vb_json_null(&json);
    else
        vb_json_integer(&json, vb_pg_integer(rows, 0, SETTINGS_RUNNING));
    put_kept_span(&json, "retention", rows, SETTINGS_RETENTION);
    put_kept_span(&json, "link_ttl", rows, SETTINGS_LINK_TTL);
    vb_json_name(&json, "service");
    vb_json_begin_object(&json);
    vb_json_member_integer(&json, "max_running", options->max_running);
    put_span(&json, "retention", options->retention);
    put_span(&json, "link_ttl", options->link_ttl);
    vb_json_end_object(&json);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

static void on_read(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (vb_api_ended(exchange, outcome))
        answer(exchange, outcome->results[1]);
}

static void look(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const char *const values[] = {exchange->request->access.workspace};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], values},
                                       {&vb_api_sql[VB_API_SQL_SETTINGS], values}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_read);
}

void vb_manage_settings_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = look};
    vb_api_enter(exchange, &entry);
}

/* --- a change --- */

struct change {
    struct vb_problems problems;
    json_t *changes; /* members as the database takes them: times in microseconds */
    char *text;
};

static void free_change(void *state)
{
    struct change *change = state;
    json_decref(change->changes);
    free(change->text);
    vb_problems_done(&change->problems);
    free(change);
}

static bool is_zone(struct vb_view text)
{
    struct vb_zone *zone = NULL;
    struct vb_error err = {0};
    char room[VB_ZONE_NAME];
    if (text.length >= 64 || strlen(text.data) != text.length ||
        vb_zone_new(vb_zone_canonical(text.data, room), &zone, &err) != VB_OK)
        return false;
    vb_zone_free(zone);
    return true;
}

static bool is_span(struct vb_view text, int64_t most)
{
    int64_t span;
    return strlen(text.data) == text.length && vb_duration_parse(text.data, &span) == VB_OK &&
           span >= VB_SECOND && span <= most;
}

static bool is_retention(struct vb_view text)
{
    return is_span(text, RETENTION_MOST);
}

static bool is_link_ttl(struct vb_view text)
{
    return is_span(text, LINK_TTL_MOST);
}

static const struct vb_body_rule name_rule = {
    vb_key_name_valid, "value_error",
    "Value error, name must be at most 200 bytes on one line, without control characters"};
static const struct vb_body_rule zone_rule = {
    is_zone, "value_error",
    "Value error, time_zone must be the IANA name of a zone, such as Europe/Berlin"};
static const struct vb_body_rule retention_rule = {
    is_retention, "value_error",
    "Value error, retention must be a number with s, m, h or d, such as 7d, and at most 3650 days"};
static const struct vb_body_rule link_ttl_rule = {
    is_link_ttl, "value_error",
    "Value error, link_ttl must be a number with s, m, h or d, such as 48h, and at most 7 days"};

/* A text; `may_be_null`: a null is a change as well. */
static void take_text(struct vb_body_check *check, json_t *changes, const char *name,
                      const struct vb_body_rule *rule, bool may_be_null)
{
    const json_t *value = json_object_get(check->object, name);
    if (!value)
        return;
    const char *text =
        may_be_null ? vb_body_text(check, name, rule) : vb_body_required_text(check, name, rule);
    if (text || may_be_null)
        json_object_set_new(changes, name, text ? json_string(text) : json_null());
}

/* Systems leave former names out. */
static void keep_canonical(json_t *changes)
{
    char room[VB_ZONE_NAME];
    const char *name = json_string_value(json_object_get(changes, "time_zone"));
    if (name)
        json_object_set_new(changes, "time_zone", json_string(vb_zone_canonical(name, room)));
}

static void take_span(struct vb_body_check *check, json_t *changes, const char *name,
                      const struct vb_body_rule *rule)
{
    int64_t span = 0;
    if (!json_object_get(check->object, name))
        return;
    const char *text = vb_body_text(check, name, rule);
    bool is_good = text && vb_duration_parse(text, &span) == VB_OK;
    json_object_set_new(changes, name, is_good ? json_integer(span) : json_null());
}

/* A null is a change as well. */
static void take_flag(struct vb_body_check *check, json_t *changes, const char *name)
{
    json_t *value = json_object_get(check->object, name);
    if (!value)
        return;
    (void)vb_body_flag(check, name);
    json_object_set(changes, name, value);
}

static void take_running(struct vb_body_check *check, json_t *changes)
{
    const json_t *value = json_object_get(check->object, "max_running");
    if (!value)
        return;
    int64_t number = 0;
    if (!json_is_null(value) &&
        (!vb_body_whole(value, &number) || number < 1 || number > RUNNING_MOST))
        vb_body_problem(check, "int_range", "max_running",
                        "Input should be a whole number from 1 to 10000", value);
    else
        json_object_set_new(changes, "max_running",
                            json_is_null(value) ? json_null() : json_integer(number));
}

static void check_body(struct vb_body_check *check, json_t *changes)
{
    static const char *const names[] = {"name",        "time_zone", "csv_profile",
                                        "delimiter",   "csv_quote", "byte_order_mark",
                                        "max_running", "retention", "link_ttl"};
    take_text(check, changes, "name", &name_rule, true);
    take_text(check, changes, "time_zone", &zone_rule, false);
    keep_canonical(changes);
    take_text(check, changes, "csv_profile", &vb_body_csv_profile, false);
    take_text(check, changes, "delimiter", &vb_body_delimiter, false);
    take_text(check, changes, "csv_quote", &vb_body_csv_quote, false);
    take_flag(check, changes, "byte_order_mark");
    take_running(check, changes);
    take_span(check, changes, "retention", &retention_rule);
    take_span(check, changes, "link_ttl", &link_ttl_rule);
    vb_body_unknown(check, names, sizeof(names) / sizeof(names[0]));
}

/* The member that was sent is the one to be mended. */
static void refuse_short(struct vb_http_exchange *exchange, struct change *change)
{
    const json_t *retention = json_object_get(change->problems.root, "retention");
    struct vb_body_check check = {.problems = &change->problems, .object = change->problems.root};
    const char *member = retention ? "retention" : "link_ttl";
    vb_body_problem(&check, "value_error", member,
                    "Value error, retention is shorter than link_ttl: a link must not outlive its "
                    "archive",
                    json_object_get(change->problems.root, member));
    vb_http_answer_problems(exchange, &change->problems);
}

static void on_changed(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (!vb_api_ended(exchange, outcome))
        return;
    struct vb_view how = vb_pg_view(outcome->results[1], 0, 0);
    if (vb_view_equals(how, VB_VIEW("changed"))) {
        vb_info("the settings of the workspace were changed with the key %s",
                exchange->request->access.key_id);
        answer(exchange, outcome->results[2]);
    } else if (vb_view_equals(how, VB_VIEW("short"))) {
        refuse_short(exchange, exchange->state);
    } else { /* its key was revoked, or given another role, in this moment */
        vb_http_answer_detail(exchange, 403, "The API key may not manage keys and settings.");
    }
}

static void send_change(struct vb_http_exchange *exchange, struct change *change)
{
    const struct vb_access *access = &exchange->request->access;
    const struct vb_options *options = exchange->loop->site->service->options;
    char retention[24], link_ttl[24];
    change->text = json_dumps(change->changes, JSON_COMPACT);
    if (!change->text) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the settings");
        return;
    }
    (void)snprintf(retention, sizeof(retention), "%" PRId64, options->retention);
    (void)snprintf(link_ttl, sizeof(link_ttl), "%" PRId64, options->link_ttl);
    const char *const enter[] = {access->workspace, access->key_id};
    const char *const values[] = {change->text, retention, link_ttl};
    const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_ENTER_KEY_WRITE], enter},
                                       {&vb_api_sql[VB_API_SQL_SETTINGS_CHANGE], values},
                                       {&vb_api_sql[VB_API_SQL_SETTINGS], enter}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 3, on_changed);
}

static void on_body(struct vb_http_exchange *exchange)
{
    struct change *change = calloc(1, sizeof(*change));
    if (change)
        change->changes = json_object();
    if (!change || !change->changes) {
        free(change);
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the request");
        return;
    }
    exchange->state = change;
    exchange->free_state = free_change;
    struct vb_problems *problems = &change->problems;
    vb_problems_init(problems);
    enum vb_status status = vb_problems_load(
        problems, (struct vb_view){exchange->body.data, exchange->body.length}, &problems->root);
    struct vb_body_check check = {.problems = problems, .object = problems->root};
    if (status == VB_OK && vb_body_is_object(&check))
        check_body(&check, change->changes);
    if (status != VB_OK && status != VB_INVALID)
        vb_http_answer_status(exchange, status, "the request");
    else if (problems->count > 0)
        vb_http_answer_problems(exchange, problems);
    else
        send_change(exchange, change);
}

static void receive(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    vb_api_receive_json(exchange, on_body);
}

void vb_manage_settings_change_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = receive};
    vb_api_enter(exchange, &entry);
}
