/* Look-ups of a specification in the source. See http_resolve.h.
 *
 * The steps are collected first, so that all of them go in one ticket; their answers are judged in the same order.
 * Everything runs on the loop's thread.
 */
#include "http_resolve.h"

#include "pg_array.h"

#include "verbatim/channel_type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 100
#define LIST (256u * 1024u) /* bytes of an array literal: a body's worth, quoted */

/* One look-up: which statement, of what, and how its rows are taken. */
struct lookup {
    size_t statement; /* of the loop's source statements */
    const char *member;
    const char *value;
    /* False: answered. */
    bool (*take)(struct http_exchange *exchange, const struct lookup *lookup, const PGresult *rows);
};

struct plan {
    struct lookup lookups[PG_STEPS];
    size_t count;
    const char *malformed; /* a member whose id cannot be one */
};

void http_resolution_done(struct http_resolution *resolution)
{
    vb_specification_done(&resolution->specification);
    PQclear(resolution->channels);
    free(resolution->title);
    free(resolution->snapshot);
    resolution->channels = NULL;
    resolution->title = resolution->snapshot = NULL;
}

const char *http_resolution_channel(const struct http_resolution *resolution, int column)
{
    return resolution->channels ? http_text(resolution->channels, resolution->channel, column)
                                : NULL;
}

static void answer_no_memory(struct http_exchange *exchange)
{
    struct vb_error err = {0};
    (void)vb_fail_retryable(&err, VB_NO_MEMORY, "no memory for the request");
    http_answer_error(exchange, &err);
}

/* --- answers for most doors --- */

/* "No assistant found for select.assistant_id.": the same for what is unknown, foreign or out of sight. */
static void answer_missing(struct http_exchange *exchange, const char *member)
{
    struct http_resolution *resolution = exchange->state;
    if (resolution->missing) {
        resolution->missing(exchange, member);
        return;
    }
    const char *noun = strstr(member, "assistant")                            ? "assistant"
                       : strstr(member, "contact")                            ? "contact"
                       : strstr(member, "channel") || strstr(member, "phone") ? "channel"
                                                                              : "conversation";
    char detail[128];
    (void)snprintf(detail, sizeof detail, "No %s found for %s.", noun, member);
    http_answer_detail(exchange, 404, detail);
}

static void answer_several(struct http_exchange *exchange, const int *rows, size_t count)
{
    const struct http_resolution *resolution = exchange->state;
    const PGresult *channels = resolution->channels;
    struct vb_json json = http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "detail");
    vb_json_begin_object(&json);
    vb_json_member_text(
        &json, "message",
        "Multiple channels match this phone number. Specify channel_type or channel_id.");
    vb_json_name(&json, "candidates");
    vb_json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        vb_json_begin_object(&json);
        vb_json_member_text(&json, "channel_id", http_text(channels, rows[i], CHANNEL_ID));
        vb_json_member_text(&json, "channel_type", http_text(channels, rows[i], CHANNEL_TYPE));
        vb_json_member_text(&json, "name", http_text(channels, rows[i], CHANNEL_NAME));
        vb_json_end_object(&json);
    }
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_json_end_object(&json);
    http_answer_json(exchange, 409, &json);
}

/* --- taking what was found --- */

/* As text, so that the order is the same whatever type the source gives its ids. */
static int by_id(const void *a, const void *b, void *channels)
{
    const int *left = a, *right = b;
    return strcmp(http_text(channels, *left, CHANNEL_ID), http_text(channels, *right, CHANNEL_ID));
}

static bool type_fits(const PGresult *rows, int row, int column, const char *wanted)
{
    const char *detailed = wanted ? http_text(rows, row, column) : NULL;
    const char *coarse = detailed ? vb_channel_type_coarse(vb_view_of(detailed)) : NULL;
    return !wanted || (coarse && strcmp(coarse, wanted) == 0);
}

/* The selected channel. Its row is needed after the pool has freed the outcome. */
static bool take_channel(struct http_exchange *exchange, const struct lookup *lookup,
                         const PGresult *found)
{
    struct http_resolution *resolution = exchange->state;
    resolution->channels = PQcopyResult(found, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    if (!resolution->channels) {
        answer_no_memory(exchange);
        return false;
    }
    int rows[CANDIDATES];
    size_t count = 0;
    for (int row = 0; row < PQntuples(found) && count < CANDIDATES; row++)
        if (type_fits(found, row, CHANNEL_TYPE, resolution->specification.channel_type))
            rows[count++] = row;
    if (count == 0) {
        answer_missing(exchange, lookup->member);
    } else if (count > 1) {
        qsort_r(rows, count, sizeof(rows[0]), by_id, resolution->channels);
        (resolution->several ? resolution->several : answer_several)(exchange, rows, count);
    } else {
        resolution->channel = rows[0];
        resolution->as_of = strtoll(http_resolution_channel(resolution, CHANNEL_AS_OF), NULL, 10);
    }
    return count == 1;
}

static bool take_any(struct http_exchange *exchange, const struct lookup *lookup,
                     const PGresult *found)
{
    if (PQntuples(found) == 0)
        answer_missing(exchange, lookup->member);
    return PQntuples(found) > 0;
}

static bool take_titled(struct http_exchange *exchange, const struct lookup *lookup,
                        const PGresult *found)
{
    struct http_resolution *resolution = exchange->state;
    if (!take_any(exchange, lookup, found))
        return false;
    const char *name = http_text(found, 0, 0);
    if (!name)
        return true;
    resolution->title = strdup(name);
    if (!resolution->title)
        answer_no_memory(exchange);
    return resolution->title;
}

/* The ids of the rows whose channel type fits (`coarse` NULL: all) as one of the specification's own lists. */
static bool limit_to(struct http_exchange *exchange, const char *member, const PGresult *found,
                     const char *coarse)
{
    struct http_resolution *resolution = exchange->state;
    const char **ids = calloc((size_t)PQntuples(found) + 1, sizeof *ids);
    size_t count = 0;
    for (int row = 0; row < PQntuples(found) && ids; row++)
        if (type_fits(found, row, 1, coarse))
            ids[count++] = PQgetvalue(found, row, 0);
    enum vb_status status = ids ? vb_specification_limit(&resolution->specification, member,
                                                         (struct vb_words){ids, count})
                                : VB_NO_MEMORY;
    free(ids);
    if (status != VB_OK)
        answer_no_memory(exchange);
    return status == VB_OK;
}

/* None of the type is no error: then the export is empty. */
static bool take_channels(struct http_exchange *exchange, const struct lookup *lookup,
                          const PGresult *found)
{
    return limit_to(exchange, "channel_ids", found, lookup->value);
}

static bool take_person(struct http_exchange *exchange, const struct lookup *lookup,
                        const PGresult *found)
{
    (void)lookup;
    if (PQntuples(found) > (int)VB_SAME_PERSON) {
        http_answer_detail(exchange, 422,
                           "More than 1,000 contacts share this contact's e-mail or phone.");
        return false;
    }
    return limit_to(exchange, "contact_ids", found, NULL);
}

static bool take_conversations(struct http_exchange *exchange, const struct lookup *lookup,
                               const PGresult *found)
{
    if (PQntuples(found) == 0)
        return true;
    char member[64];
    long place = strtol(PQgetvalue(found, 0, 0), NULL, 10);
    (void)snprintf(member, sizeof member, "%s.%ld", lookup->member, place - 1);
    answer_missing(exchange, member);
    return false;
}

static bool take_now(struct http_exchange *exchange, const struct lookup *lookup,
                     const PGresult *found)
{
    (void)lookup;
    struct http_resolution *resolution = exchange->state;
    resolution->as_of = strtoll(PQgetvalue(found, 0, 0), NULL, 10);
    resolution->snapshot = strdup(PQgetvalue(found, 0, 1));
    if (!resolution->snapshot)
        answer_no_memory(exchange);
    return resolution->snapshot;
}

/* --- the plan --- */

static void add_lookup(struct plan *plan, size_t statement, const char *member, const char *value,
                       bool (*take)(struct http_exchange *, const struct lookup *,
                                    const PGresult *))
{
    plan->lookups[plan->count++] = (struct lookup){statement, member, value, take};
}

/* An id that cannot be of the column's type is not sent: the server would answer with an error, not with no row. */
static void add_by_id(struct plan *plan, const struct vb_contract *contract, enum vb_id_kind kind,
                      size_t statement, const char *member, const char *id,
                      bool (*take)(struct http_exchange *, const struct lookup *, const PGresult *))
{
    if (!id)
        return;
    if (vb_contract_id_valid(contract, kind, vb_view_of(id)))
        add_lookup(plan, statement, member, id, take);
    else if (!plan->malformed)
        plan->malformed = member;
}

#define MORE(lookup) (HTTP_SOURCE_MORE + (size_t)(lookup))

static void plan_select(struct plan *plan, const struct http_resolution *resolution,
                        const struct vb_contract *contract, const char *list)
{
    const struct vb_specification *specification = &resolution->specification;
    const char *id = specification->select;
    switch (specification->kind) {
    case VB_SELECT_CHANNEL:
        add_by_id(plan, contract, VB_ID_CHANNEL, HTTP_SOURCE_BY_ID, "select.channel_id", id,
                  take_channel);
        break;
    case VB_SELECT_PHONE:
        add_lookup(plan, HTTP_SOURCE_BY_PHONE, "select.phone_number", id, take_channel);
        break;
    case VB_SELECT_ASSISTANT:
        add_by_id(plan, contract, VB_ID_ASSISTANT, MORE(VB_LOOKUP_ASSISTANT), "select.assistant_id",
                  id, take_titled);
        break;
    case VB_SELECT_CONTACT:
        add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_CONTACT), "select.contact_id", id,
                  take_titled);
        if (resolution->same_person)
            add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_SAME_PERSON),
                      "select.contact_id", id, take_person);
        break;
    case VB_SELECT_CONVERSATIONS:
        add_lookup(plan, MORE(VB_LOOKUP_CONVERSATIONS), "select.conversation_ids", list,
                   take_conversations);
        break;
    case VB_SELECT_ALL:
        break;
    }
}

static void plan_filter(struct plan *plan, const struct vb_specification *specification,
                        const struct vb_contract *contract)
{
    add_by_id(plan, contract, VB_ID_CHANNEL, HTTP_SOURCE_BY_ID, "filter.channel_id",
              specification->filter.channel_id, take_any);
    add_by_id(plan, contract, VB_ID_ASSISTANT, MORE(VB_LOOKUP_ASSISTANT), "filter.assistant_id",
              specification->filter.assistant_id, take_any);
    add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_CONTACT), "filter.contact_id",
              specification->filter.contact_id, take_any);
    if (specification->filter.channel_type)
        add_lookup(plan, MORE(VB_LOOKUP_CHANNELS), "filter.channel_type",
                   specification->filter.channel_type, take_channels);
}

/* The ids as an array literal. What cannot be an id stands as NULL and so is found missing at its place. */
static enum vb_status list_ids(const struct vb_contract *contract, struct vb_words ids,
                               struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_byte(out, '{');
    for (size_t i = 0; i < ids.count && status == VB_OK; i++) {
        bool is_valid =
            vb_contract_id_valid(contract, VB_ID_CONVERSATION, vb_view_of(ids.items[i]));
        struct vb_buffer one;
        vb_buffer_init(&one, out->ceiling);
        if (i > 0)
            status = vb_buffer_append_byte(out, ',');
        if (status == VB_OK)
            status = is_valid ? pg_array_put(&one, &ids.items[i], 1)
                              : vb_buffer_append_text(&one, "{NULL}");
        /* Without its braces. */
        if (status == VB_OK)
            status = vb_buffer_append(out, one.data + 1, one.length - 2);
        vb_buffer_done(&one);
    }
    return status == VB_OK ? vb_buffer_append_byte(out, '}') : status;
}

static struct plan make_plan(const struct http_exchange *exchange, const char *list)
{
    const struct http_resolution *resolution = exchange->state;
    const struct vb_contract *contract = exchange->loop->http->service->contract;
    struct plan plan = {0};
    plan_select(&plan, resolution, contract, list);
    plan_filter(&plan, &resolution->specification, contract);
    /* The row of a selected channel tells the moment as well. */
    enum vb_select_kind kind = resolution->specification.kind;
    if (kind != VB_SELECT_CHANNEL && kind != VB_SELECT_PHONE)
        add_lookup(&plan, MORE(VB_LOOKUP_NOW), "select", NULL, take_now);
    return plan;
}

/* --- asking --- */

static void on_looked_up(void *context, const struct pg_outcome *outcome)
{
    struct http_exchange *exchange = context;
    const struct http_resolution *resolution = exchange->state;
    if (!http_ended(exchange, outcome))
        return;
    struct plan plan = make_plan(exchange, NULL); /* the same as when it was sent */
    for (size_t i = 0; i < plan.count; i++)
        if (!plan.lookups[i].take(exchange, &plan.lookups[i], outcome->results[i]))
            return;
    resolution->found(exchange);
}

static void send_plan(struct http_exchange *exchange, const struct plan *plan, const char *audience)
{
    const struct pg_statement *statements = exchange->loop->http->source_statements;
    const char *values[PG_STEPS][3];
    struct pg_step steps[PG_STEPS];
    for (size_t i = 0; i < plan->count; i++) {
        values[i][0] = exchange->access.source_id;
        values[i][1] = plan->lookups[i].value;
        values[i][2] = audience;
        steps[i] = (struct pg_step){&statements[plan->lookups[i].statement], values[i]};
    }
    http_ask(exchange, exchange->loop->source_pool, steps, plan->count, on_looked_up);
}

/* What the key may see becomes part of the specification before anything is looked up. */
static enum vb_status prepare(struct http_exchange *exchange, struct vb_buffer *list,
                              struct vb_buffer *text, const char **ret_audience)
{
    struct http_resolution *resolution = exchange->state;
    const struct http_access *access = &exchange->access;
    enum vb_status status = http_access_audience(access, text, ret_audience);
    if (status == VB_OK && access->is_restricted)
        status = vb_specification_limit(&resolution->specification, "audience", access->audience);
    if (status == VB_OK && resolution->specification.kind == VB_SELECT_CONVERSATIONS)
        status = list_ids(exchange->loop->http->service->contract,
                          resolution->specification.conversation_ids, list);
    return status;
}

void http_resolve(struct http_exchange *exchange)
{
    struct vb_buffer list, text;
    const char *audience = NULL;
    vb_buffer_init(&list, LIST);
    vb_buffer_init(&text, LIST);
    if (prepare(exchange, &list, &text, &audience) != VB_OK) {
        answer_no_memory(exchange);
    } else {
        struct plan plan = make_plan(exchange, list.data);
        bool has_source = vb_contract_workspace_id_valid(exchange->loop->http->service->contract,
                                                         vb_view_of(exchange->access.source_id));
        if (plan.malformed)
            answer_missing(exchange, plan.malformed);
        else if (!has_source)
            answer_missing(exchange, plan.lookups[0].member);
        else
            send_plan(exchange, &plan, audience);
    }
    vb_buffer_done(&text);
    vb_buffer_done(&list);
}
