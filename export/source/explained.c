/* The reader's statements for somebody who wants to look at their plans: see source.h. Nothing is
 * sent from here.
 *
 * Built by the functions that build the reader's own, so that what the doctor explains is what an
 * export runs. Results are the caller's, freed by vb_source_query_done.
 */
#include "select.h"

#include "times.h"

#include <stdlib.h>
#include <string.h>

/* An explained page is of a few conversations. */
#define LIST_CEILING 65536u

/* An id as text, a typed NULL where the source lacks the column. */
static void add_id(struct vb_query *query, const struct vb_scope *scope, const char *column)
{
    vb_query_add(query, ", (");
    if (query->status == VB_OK)
        query->status =
            vb_contract_append(scope->contract, &query->sql, "c", "conversation", column);
    vb_query_add(query, ")::text");
}

/* The first rows with a time that the server comes across, in no order: an order could cost a walk
 * through everything. */
static void build_sample(struct vb_query *query, const struct vb_scope *scope, size_t limit)
{
    static const char *const ids[] = {"workspace_id", "channel_id", "contact_id", "assistant_id"};
    const struct vb_contract *contract = scope->contract;
    vb_query_add(query, "SELECT c.id::text, (extract(epoch FROM ");
    if (query->status == VB_OK)
        query->status =
            vb_time_append_stamp(contract, &query->sql, "c", "conversation", "created_at");
    vb_query_add(query, ") * 1000000)::bigint");
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        add_id(query, scope, ids[i]);
    const char *time = vb_scope_time(scope, "conversation");
    vb_query_add(query, " FROM %s.conversation c WHERE c.%s >= ", contract->schema, time);
    vb_scope_bind_instant(query, scope, "conversation", "created_at", VB_TIME_FIRST);
    vb_query_add(query, " AND c.%s < ", time);
    vb_scope_bind_instant(query, scope, "conversation", "created_at", VB_TIME_LAST_DAY);
    vb_query_add(query, " LIMIT ");
    vb_query_bind_number(query, limit);
}

/* Ends the query in any case; its text moves into the result. */
static enum vb_status finish(struct vb_query *query, struct vb_source_query *ret_query,
                             struct vb_error *err)
{
    enum vb_status status = vb_query_hand_over(query, ret_query);
    vb_query_done(query);
    return status == VB_OK ? VB_OK
                           : vb_fail(err, status, "a statement to the source could not be built");
}

enum vb_status vb_contract_some_query(const struct vb_contract *contract, size_t limit,
                                      struct vb_source_query *ret_query, struct vb_error *err)
{
    struct vb_scope scope = {.contract = contract};
    struct vb_query query;
    vb_query_init(&query);
    build_sample(&query, &scope, limit);
    return finish(&query, ret_query, err);
}

enum vb_status vb_contract_page_query(const struct vb_contract *contract,
                                      const struct vb_selection *selection,
                                      const struct vb_cursor *low, size_t limit,
                                      struct vb_source_query *ret_query, struct vb_error *err)
{
    struct vb_scope scope = {.contract = contract, .selection = selection, .low = low};
    struct vb_query query;
    enum vb_status status = vb_contract_selection_check(contract, selection, err);
    if (status != VB_OK)
        return status;
    vb_query_init(&query);
    vb_select_page(&query, &scope, limit);
    return finish(&query, ret_query, err);
}

/* An array literal; the empty list has to be written as one as well. */
static enum vb_status list_ids(struct vb_buffer *list, const struct vb_words *ids)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < ids->count && status == VB_OK; i++)
        status = vb_query_list_word(list, ids->items[i]);
    return status == VB_OK ? vb_buffer_append_text(list, ids->count > 0 ? "}" : "{}") : status;
}

/* The connection is asked to quote, as COPY's statements need it. */
enum vb_status vb_contract_rows_query(const struct vb_contract *contract, PGconn *connection,
                                      const struct vb_selection *selection,
                                      const struct vb_words *conversations, size_t limit,
                                      struct vb_source_query *ret_query, struct vb_error *err)
{
    struct vb_scope scope = {.contract = contract, .selection = selection};
    struct vb_buffer list;
    struct vb_query query;
    vb_buffer_init(&list, LIST_CEILING);
    vb_query_init(&query);
    query.status = list_ids(&list, conversations);
    if (query.status == VB_OK)
        query.status =
            vb_select_messages(&query.sql, connection, &scope, VB_FORM_ORDERED, list.data, limit);
    vb_buffer_done(&list);
    return finish(&query, ret_query, err);
}

bool vb_contract_has_rows(const struct vb_contract *contract, const struct vb_selection *selection)
{
    return vb_select_kinds(contract, selection).count > 0;
}

/* An id of the type that nobody has, and that no other value in the plan holds. */
static const char *mark_of(const char *type, bool is_message)
{
    if (strcmp(type, "uuid") == 0)
        return is_message ? "d0c7d0c7-0000-4000-8000-0000000d0c71"
                          : "d0c7d0c7-0000-4000-8000-0000000d0c72";
    if (strcmp(type, "smallint") == 0)
        return is_message ? "32651" : "32652";
    return is_message ? "2047483651" : "2047483652";
}

/* `t.OWNER_id = mark` in the owner's own type, as the reader compares it. Returns the mark. */
static const char *add_condition(struct vb_query *query, const struct vb_contract *contract,
                                 const char *owner)
{
    const char *type = vb_contract_cast(contract, owner, "id");
    const char *mark = mark_of(type, strcmp(owner, "message") == 0);
    vb_query_add(query, "t.%s_id = ", owner);
    vb_query_bind(query, mark, type);
    return mark;
}

enum vb_status vb_contract_lookup_query(const struct vb_contract *contract, const char *relation,
                                        enum vb_source_lookup lookup,
                                        struct vb_source_query *ret_query, const char **ret_mark,
                                        struct vb_error *err)
{
    struct vb_query query;
    if (vb_contract_column(contract, relation, "conversation_id")->type == 0)
        return vb_fail(err, VB_NOT_FOUND, "the source has no %s", relation);
    vb_query_init(&query);
    vb_query_add(&query, "SELECT FROM %s.%s t WHERE ", contract->schema, relation);
    if (lookup != VB_LOOKUP_MESSAGE_ALONE)
        *ret_mark = add_condition(&query, contract, "conversation");
    if (lookup == VB_LOOKUP_MESSAGE)
        vb_query_add(&query, " AND ");
    if (lookup != VB_LOOKUP_CONVERSATION)
        *ret_mark = add_condition(&query, contract, "message");
    return finish(&query, ret_query, err);
}

/* Bare, so that the plan shows what stands behind each. Columns that the source lacks are left
 * out. */
enum vb_status vb_contract_columns_query(const struct vb_contract *contract, const char *relation,
                                         const char *const *columns,
                                         struct vb_source_query *ret_query, struct vb_error *err)
{
    struct vb_query query;
    bool any = false;
    vb_query_init(&query);
    vb_query_add(&query, "SELECT ");
    for (; *columns; columns++) {
        if (vb_contract_column(contract, relation, *columns)->type == 0)
            continue;
        vb_query_add(&query, "%st.%s", any ? ", " : "",
                     vb_contract_name(contract, relation, *columns));
        any = true;
    }
    vb_query_add(&query, " FROM %s.%s t", contract->schema, relation);
    if (any)
        return finish(&query, ret_query, err);
    vb_query_done(&query);
    return vb_fail(err, VB_NOT_FOUND, "the source has no %s", relation);
}
