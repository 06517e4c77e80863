/* Look-ups of a specification in the source. See resolve.h.
 *
 * The steps are collected first, so that all of them go in one transaction; their answers are
 * judged in the same order. The plan is made anew for the answers instead of being kept: it follows
 * from the specification alone, which nobody changes in between but for lists that no step reads.
 *
 * Asking and taking are apart because the HTTP loops wait for the source without a thread, while
 * commands wait on the spot; both use this.
 */
#include "lookup.h"

#include "database/array.h"

#include <stdlib.h>

#define LIST (256u * 1024u) /* bytes of an array literal: a body's worth, quoted */

/* Names of the contract's look-ups, and how many parameters each has. */
static const struct {
    const char *name;
    int count;
} more[VB_LOOKUPS] = {
    [VB_LOOKUP_CHANNELS] = {"channels", 1},
    [VB_LOOKUP_ASSISTANT] = {"assistant", 2},
    [VB_LOOKUP_CONTACT] = {"contact", 3},
    [VB_LOOKUP_SAME_PERSON] = {"same_person", 2},
    [VB_LOOKUP_CONVERSATIONS] = {"conversations", 3},
    [VB_LOOKUP_NOW] = {"now", 0},
};

/* At most two steps of the selection, four of the filter and one for the moment: VB_PG_STEPS holds
 * them. */
struct plan {
    struct vb_resolve_lookup lookups[VB_PG_STEPS];
    size_t count;
    const char *malformed; /* a member whose id cannot be one */
};

void vb_resolve_statements(const struct vb_contract *contract,
                           struct vb_pg_statement ret_statements[VB_RESOLVE_STATEMENTS])
{
    ret_statements[VB_RESOLVE_BY_ID] =
        (struct vb_pg_statement){"channel_by_id", vb_contract_channel_by_id_sql(contract), 2};
    ret_statements[VB_RESOLVE_BY_PHONE] =
        (struct vb_pg_statement){"channel_by_phone", vb_contract_channel_by_phone_sql(contract), 2};
    for (int i = 0; i < VB_LOOKUPS; i++)
        ret_statements[VB_RESOLVE_MORE + i] = (struct vb_pg_statement){
            more[i].name, vb_contract_lookup_sql(contract, (enum vb_lookup)i), more[i].count};
}

enum vb_status vb_caller_audience(const struct vb_caller *caller, struct vb_buffer *out,
                                  const char **ret_text)
{
    *ret_text = NULL;
    if (!caller->is_restricted)
        return VB_OK;
    enum vb_status status = vb_pg_array_put(out, caller->audience.items, caller->audience.count);
    if (status == VB_OK)
        *ret_text = out->data;
    return status;
}

void vb_resolution_done(struct vb_resolution *resolution)
{
    vb_specification_done(&resolution->specification);
    PQclear(resolution->channels);
    free(resolution->title);
    free(resolution->snapshot);
    resolution->channels = NULL;
    resolution->title = resolution->snapshot = NULL;
}

void vb_resolve_steps_done(struct vb_resolve_steps *steps)
{
    vb_buffer_done(&steps->list);
    vb_buffer_done(&steps->audience);
}

/* --- the plan --- */

static void add_lookup(struct plan *plan, size_t statement, const char *member, const char *value,
                       vb_lookup_reader *take)
{
    plan->lookups[plan->count++] = (struct vb_resolve_lookup){statement, member, value, take};
}

/* An id that cannot be of the column's type is not sent: the server would answer with an error, not
 * with no row. */
static void add_by_id(struct plan *plan, const struct vb_contract *contract, enum vb_id_kind kind,
                      size_t statement, const char *member, const char *id, vb_lookup_reader *take)
{
    if (!id)
        return;
    if (vb_contract_id_valid(contract, kind, vb_view_of(id)))
        add_lookup(plan, statement, member, id, take);
    else if (!plan->malformed)
        plan->malformed = member;
}

#define MORE(lookup) (VB_RESOLVE_MORE + (size_t)(lookup))

/* Things are looked up although the export would find nothing anyway: the caller shall hear that an
 * id is wrong instead of getting an empty archive. */
static void plan_select(struct plan *plan, const struct vb_resolution *resolution,
                        const struct vb_contract *contract, const char *list)
{
    const struct vb_specification *specification = &resolution->specification;
    const char *id = specification->select;
    switch (specification->kind) {
    case VB_SELECT_CHANNEL:
        add_by_id(plan, contract, VB_ID_CHANNEL, VB_RESOLVE_BY_ID, "select.channel_id", id,
                  vb_lookup_read_channel);
        break;
    case VB_SELECT_PHONE:
        add_lookup(plan, VB_RESOLVE_BY_PHONE, "select.phone_number", id, vb_lookup_read_channel);
        break;
    case VB_SELECT_ASSISTANT:
        add_by_id(plan, contract, VB_ID_ASSISTANT, MORE(VB_LOOKUP_ASSISTANT), "select.assistant_id",
                  id, vb_lookup_read_titled);
        break;
    case VB_SELECT_CONTACT:
        add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_CONTACT), "select.contact_id", id,
                  vb_lookup_read_titled);
        if (specification->same_person)
            add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_SAME_PERSON),
                      "select.contact_id", id, vb_lookup_read_person);
        break;
    case VB_SELECT_CONVERSATIONS:
        add_lookup(plan, MORE(VB_LOOKUP_CONVERSATIONS), "select.conversation_ids", list,
                   vb_lookup_read_conversations);
        break;
    case VB_SELECT_ALL:
        break;
    }
}

static void plan_filter(struct plan *plan, const struct vb_specification *specification,
                        const struct vb_contract *contract)
{
    add_by_id(plan, contract, VB_ID_CHANNEL, VB_RESOLVE_BY_ID, "filter.channel_id",
              specification->filter.channel_id, vb_lookup_read_any);
    add_by_id(plan, contract, VB_ID_ASSISTANT, MORE(VB_LOOKUP_ASSISTANT), "filter.assistant_id",
              specification->filter.assistant_id, vb_lookup_read_any);
    add_by_id(plan, contract, VB_ID_CONTACT, MORE(VB_LOOKUP_CONTACT), "filter.contact_id",
              specification->filter.contact_id, vb_lookup_read_any);
    if (specification->filter.channel_type)
        add_lookup(plan, MORE(VB_LOOKUP_CHANNELS), "filter.channel_type",
                   specification->filter.channel_type, vb_lookup_read_channels);
}

/* The ids as an array literal. What cannot be an id stands as NULL and so is found missing at its
 * place. */
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
            status = is_valid ? vb_pg_array_put(&one, &ids.items[i], 1)
                              : vb_buffer_append_text(&one, "{NULL}");
        /* Without its braces. */
        if (status == VB_OK)
            status = vb_buffer_append(out, one.data + 1, one.length - 2);
        vb_buffer_done(&one);
    }
    return status == VB_OK ? vb_buffer_append_byte(out, '}') : status;
}

static struct plan make_plan(const struct vb_resolution *resolution,
                             const struct vb_contract *contract, const char *list)
{
    struct plan plan = {0};
    plan_select(&plan, resolution, contract, list);
    plan_filter(&plan, &resolution->specification, contract);
    /* The row of a selected channel tells the moment as well. */
    enum vb_select_kind kind = resolution->specification.kind;
    if (kind != VB_SELECT_CHANNEL && kind != VB_SELECT_PHONE)
        add_lookup(&plan, MORE(VB_LOOKUP_NOW), "select", NULL, vb_lookup_read_now);
    return plan;
}

/* --- asking and taking --- */

/* What the caller may see becomes part of the specification before anything is looked up. */
static enum vb_status prepare(struct vb_resolution *resolution, const struct vb_contract *contract,
                              const struct vb_caller *caller, struct vb_resolve_steps *steps,
                              const char **ret_audience)
{
    enum vb_status status = vb_caller_audience(caller, &steps->audience, ret_audience);
    if (status == VB_OK && caller->is_restricted)
        status = vb_specification_limit(&resolution->specification, "audience", caller->audience);
    if (status == VB_OK && resolution->specification.kind == VB_SELECT_CONVERSATIONS)
        status = list_ids(contract, resolution->specification.conversation_ids, &steps->list);
    return status;
}

/* A workspace whose own id cannot be one of the source's has nothing there, so the first thing that
 * was named is missing. */
enum vb_resolved vb_resolve_ask(struct vb_resolution *resolution,
                                const struct vb_contract *contract, const struct vb_caller *caller,
                                const struct vb_pg_statement statements[VB_RESOLVE_STATEMENTS],
                                struct vb_resolve_steps *ret_steps)
{
    const char *audience = NULL;
    ret_steps->count = 0;
    vb_buffer_init(&ret_steps->list, LIST);
    vb_buffer_init(&ret_steps->audience, LIST);
    if (prepare(resolution, contract, caller, ret_steps, &audience) != VB_OK)
        return vb_lookup_no_memory(resolution);
    struct plan plan = make_plan(resolution, contract, ret_steps->list.data);
    if (plan.malformed)
        return vb_lookup_missing(resolution, plan.malformed);
    if (!vb_contract_workspace_id_valid(contract, vb_view_of(caller->source_id)))
        return vb_lookup_missing(resolution, plan.lookups[0].member);
    for (size_t i = 0; i < plan.count; i++) {
        const char **values = ret_steps->values[i];
        values[0] = caller->source_id;
        values[1] = plan.lookups[i].value;
        values[2] = audience;
        ret_steps->steps[i] = (struct vb_pg_step){&statements[plan.lookups[i].statement], values};
    }
    ret_steps->count = plan.count;
    return VB_RESOLVED;
}

/* A filter by what this source does not have is refused, never left out. */
static enum vb_resolved judge_filter(struct vb_resolution *resolution,
                                     const struct vb_contract *contract)
{
    struct vb_selection selection = {0};
    vb_specification_select(&resolution->specification, &selection);
    return vb_contract_selection_check(contract, &selection, &resolution->error) == VB_OK
               ? VB_RESOLVED
               : VB_RESOLVED_UNSUPPORTED;
}

enum vb_resolved vb_resolve_feed(struct vb_resolution *resolution,
                                 const struct vb_contract *contract, PGresult *const *results)
{
    struct plan plan = make_plan(resolution, contract, NULL); /* the same as when it was asked */
    enum vb_resolved how = VB_RESOLVED;
    for (size_t i = 0; i < plan.count && how == VB_RESOLVED; i++)
        how = plan.lookups[i].take(resolution, &plan.lookups[i], results[i]);
    return how == VB_RESOLVED ? judge_filter(resolution, contract) : how;
}
