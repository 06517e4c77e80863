/* Counting a selection for a preview, as a statement for somebody else's connection: see source.h.
 * The result owns its text and values until vb_source_query_done.
 *
 * Counts are of the selection as an export would read it, by the same scope; only the limit of time
 * is the caller's to set.
 */
#include "select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE 100u /* conversations, and messages of each */

_Static_assert(VB_SOURCE_PARAMETERS >= VB_QUERY_PARAMETERS, "every parameter has its place");

/* A query of zeros, or one done before, is fine. */
void vb_source_query_done(struct vb_source_query *query)
{
    if (!query)
        return;
    free(query->sql);
    free(query->memory);
    *query = (struct vb_source_query){0};
}

/* Two counts in one statement, so of one snapshot. OFFSET 0 keeps the planner from walking all
 * conversations in the order of the join. How to join is left to it: for a few conversations by the
 * index of messages, for a large share of the platform through all of them, which is faster
 * then. */
static void build_count(struct vb_query *query, const struct vb_scope *scope)
{
    struct vb_span span = vb_scope_span(scope);
    vb_query_add(query, "SELECT (SELECT count(*) FROM (");
    vb_scope_select(query, scope, &span, "1", VB_ORDER_NONE);
    vb_query_add(query, ") c), (SELECT count(*) FROM (");
    vb_scope_select(query, scope, &span, "c.id", VB_ORDER_NONE);
    vb_query_add(query,
                 " OFFSET 0) c JOIN %s.message m ON m.conversation_id = c.id"
                 " WHERE ",
                 scope->contract->schema);
    vb_scope_bind_rows(query, scope, "m", "message");
    vb_query_add(query, ")");
}

enum vb_status vb_query_hand_over(struct vb_query *query, struct vb_source_query *ret_query)
{
    if (query->status != VB_OK)
        return query->status;
    struct vb_source_query result = {.count = query->count};
    result.sql = vb_buffer_take(&query->sql);
    result.memory = vb_buffer_take(&query->values);
    if (!result.sql || (!result.memory && query->count > 0)) {
        vb_source_query_done(&result);
        return VB_NO_MEMORY;
    }
    for (int i = 0; i < query->count; i++)
        result.values[i] = result.memory + query->starts[i];
    *ret_query = result;
    return VB_OK;
}

/* Of the first conversations only, and of each only so many messages: a sample costs next to
 * nothing, however much is counted. A text's length is known without reading it. */
static void build_sample(struct vb_query *query, const struct vb_scope *scope)
{
    struct vb_span span = vb_scope_span(scope);
    vb_query_add(query, "SELECT count(*), coalesce(sum(octet_length(m.text)), 0)::bigint FROM (");
    char columns[64];
    snprintf(columns, sizeof columns, "c.id, c.%s", vb_scope_time(scope, "conversation"));
    vb_scope_select(query, scope, &span, columns, VB_ORDER_UP);
    vb_query_add(query, " LIMIT %u) c CROSS JOIN LATERAL (SELECT ", SAMPLE);
    if (query->status == VB_OK)
        query->status = vb_contract_append(scope->contract, &query->sql, "m", "message", "text");
    vb_query_add(query, " AS text FROM %s.message m WHERE m.conversation_id = c.id AND ",
                 scope->contract->schema);
    vb_scope_bind_rows(query, scope, "m", "message");
    vb_query_add(query, " LIMIT %u) m", SAMPLE);
}

/* Where an index holds the time it costs nothing to look, and few are enough to tell. */
static void build_timeless(struct vb_query *query, const struct vb_scope *scope)
{
    struct vb_span span = {.timeless = true};
    vb_query_add(query, "SELECT count(*) FROM (");
    vb_scope_select(query, scope, &span, "1", VB_ORDER_NONE);
    vb_query_add(query, " LIMIT %u) c", VB_TIMELESS_MOST);
}

/* Pure: builds a text, asks nobody. */
static enum vb_status make(const struct vb_contract *contract, const struct vb_selection *selection,
                           void (*builder)(struct vb_query *, const struct vb_scope *),
                           struct vb_source_query *ret_query, struct vb_error *err)
{
    enum vb_status status = vb_contract_selection_check(contract, selection, err);
    if (status != VB_OK)
        return status;
    struct vb_scope scope = {.contract = contract, .selection = selection};
    struct vb_query query;
    vb_query_init(&query);
    builder(&query, &scope);
    status = vb_query_hand_over(&query, ret_query);
    vb_query_done(&query);
    if (status != VB_OK)
        return vb_fail(err, status, "a statement to the source could not be built");
    return VB_OK;
}

enum vb_status vb_contract_count_query(const struct vb_contract *contract,
                                       const struct vb_selection *selection,
                                       struct vb_source_query *ret_query, struct vb_error *err)
{
    return make(contract, selection, build_count, ret_query, err);
}

enum vb_status vb_contract_sample_query(const struct vb_contract *contract,
                                        const struct vb_selection *selection,
                                        struct vb_source_query *ret_query, struct vb_error *err)
{
    return make(contract, selection, build_sample, ret_query, err);
}

enum vb_status vb_contract_timeless_query(const struct vb_contract *contract,
                                          const struct vb_selection *selection,
                                          struct vb_source_query *ret_query, struct vb_error *err)
{
    return make(contract, selection, build_timeless, ret_query, err);
}
