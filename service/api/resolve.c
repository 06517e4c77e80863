/* Look-ups of a specification in the source. See api/resolve.h.
 *
 * The steps are collected first, so that all of them go in one ticket; their answers are judged in the same order.
 * Everything runs on the loop's thread.
 */
#include "lookup.h"

#include "database/array.h"

#include <stdlib.h>

#define LIST (256u * 1024u) /* bytes of an array literal: a body's worth, quoted */

struct plan {
    struct http_lookup lookups[PG_STEPS];
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

/* --- the plan --- */

static void add_lookup(struct plan *plan, size_t statement, const char *member, const char *value,
                       http_lookup_take *take)
{
    plan->lookups[plan->count++] = (struct http_lookup){statement, member, value, take};
}

/* An id that cannot be of the column's type is not sent: the server would answer with an error, not with no row. */
static void add_by_id(struct plan *plan, const struct vb_contract *contract, enum vb_id_kind kind,
                      size_t statement, const char *member, const char *id, http_lookup_take *take)
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
                  http_take_channel);
        break;
    case VB_SELECT_PHONE:
        add_lookup(plan, HTTP_SOURCE_BY_PHONE, "select.phone_number", id, http_take_channel);
        break;
    case VB_SELECT_ASSISTANT:
        add_by_id(plan, contract, VB_ID_ASSISTANT, MORE(VB_LOOKUP_ASSISTANT), "select.assistant_id",
                  id, http_take_titled);
        break;
    case VB_SELECT_CONTACT:
        add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_CONTACT), "select.contact_id", id,
                  http_take_titled);
        if (resolution->same_person)
            add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_SAME_PERSON),
                      "select.contact_id", id, http_take_person);
        break;
    case VB_SELECT_CONVERSATIONS:
        add_lookup(plan, MORE(VB_LOOKUP_CONVERSATIONS), "select.conversation_ids", list,
                   http_take_conversations);
        break;
    case VB_SELECT_ALL:
        break;
    }
}

static void plan_filter(struct plan *plan, const struct vb_specification *specification,
                        const struct vb_contract *contract)
{
    add_by_id(plan, contract, VB_ID_CHANNEL, HTTP_SOURCE_BY_ID, "filter.channel_id",
              specification->filter.channel_id, http_take_any);
    add_by_id(plan, contract, VB_ID_ASSISTANT, MORE(VB_LOOKUP_ASSISTANT), "filter.assistant_id",
              specification->filter.assistant_id, http_take_any);
    add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_CONTACT), "filter.contact_id",
              specification->filter.contact_id, http_take_any);
    if (specification->filter.channel_type)
        add_lookup(plan, MORE(VB_LOOKUP_CHANNELS), "filter.channel_type",
                   specification->filter.channel_type, http_take_channels);
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
        add_lookup(&plan, MORE(VB_LOOKUP_NOW), "select", NULL, http_take_now);
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
    if (http_lookup_possible(exchange))
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
        http_lookup_no_memory(exchange);
    } else {
        struct plan plan = make_plan(exchange, list.data);
        bool has_source = vb_contract_workspace_id_valid(exchange->loop->http->service->contract,
                                                         vb_view_of(exchange->access.source_id));
        if (plan.malformed)
            http_lookup_missing(exchange, plan.malformed);
        else if (!has_source)
            http_lookup_missing(exchange, plan.lookups[0].member);
        else
            send_plan(exchange, &plan, audience);
    }
    vb_buffer_done(&text);
    vb_buffer_done(&list);
}
