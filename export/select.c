/* SQL of the reader: see select.h. Appends to the caller's buffers, owns nothing. */
#include "select.h"

#include <stdio.h>
#include <string.h>

static void add_column(struct vb_query *query, const struct vb_scope *scope, const char *alias,
                       const char *relation, const char *name)
{
    if (query->status == VB_OK)
        query->status = vb_contract_append(scope->contract, &query->sql, alias, relation, name);
}

static bool has_column(const struct vb_scope *scope, const char *relation, const char *name)
{
    return vb_contract_column(scope->contract, relation, name)->type != 0;
}

static const char *time_cast(const struct vb_scope *scope)
{
    return vb_contract_cast(scope->contract, "conversation", "created_at");
}

static void bind_instant(struct vb_query *query, const struct vb_scope *scope, vb_instant instant)
{
    char text[VB_INSTANT_TEXT + 8];
    vb_instant_text(instant, text);
    memcpy(text + strlen(text), "+00", sizeof "+00"); /* a timestamp without zone passes over it */
    vb_query_bind(query, text, time_cast(scope));
}

static void bind_cursor(struct vb_query *query, const struct vb_scope *scope,
                        const char *comparison, const struct vb_cursor *cursor)
{
    vb_query_add(query, " AND (c.created_at, c.id) %s (", comparison);
    bind_instant(query, scope, cursor->at);
    vb_query_add(query, ", ");
    vb_query_bind(query, cursor->id, vb_contract_cast(scope->contract, "conversation", "id"));
    vb_query_add(query, ")");
}

static void add_source(struct vb_query *query, const struct vb_scope *scope)
{
    const struct vb_selection *selection = scope->selection;
    vb_query_add(query, " FROM %s.conversation c WHERE c.workspace_id = ", scope->contract->schema);
    vb_query_bind(query, selection->workspace,
                  vb_contract_cast(scope->contract, "conversation", "workspace_id"));
    vb_query_add(query, " AND c.channel_id = ");
    vb_query_bind(query, selection->channel_id,
                  vb_contract_cast(scope->contract, "conversation", "channel_id"));
}

/* Nothing at or after this instant is read: one bound, since instants are whole microseconds. */
static vb_instant upper_bound(const struct vb_selection *selection)
{
    return selection->to <= selection->as_of ? selection->to : selection->as_of + 1;
}

/* Exactly one lower bound: given two on the same column, a B-tree scan may start at the wider one and
 * walk over everything that earlier pages have read. */
static void add_range(struct vb_query *query, const struct vb_scope *scope)
{
    const struct vb_selection *selection = scope->selection;
    if (scope->low && scope->low->at >= selection->from) {
        bind_cursor(query, scope, ">", scope->low);
    } else {
        vb_query_add(query, " AND c.created_at >= ");
        bind_instant(query, scope, selection->from);
    }
    if (scope->high && scope->high->at < upper_bound(selection)) {
        bind_cursor(query, scope, "<=", scope->high);
    } else {
        vb_query_add(query, " AND c.created_at < ");
        bind_instant(query, scope, upper_bound(selection));
    }
}

/* One row at most, so that a view with a repeated id cannot multiply conversations; LIMIT is also what keeps the
 * planner from turning the look-up into a join of the whole table. */
static void add_lookup(struct vb_query *query, const struct vb_scope *scope, const char *relation,
                       const char *key, const char *const *columns, size_t count)
{
    bool known = has_column(scope, relation, "id") && has_column(scope, "conversation", key);
    vb_query_add(query, " LEFT JOIN LATERAL (SELECT ");
    for (size_t i = 0; i < count; i++) {
        vb_query_add(query, "%s", i > 0 ? ", " : "");
        if (known)
            add_column(query, scope, "r", relation, columns[i]);
        else
            vb_query_add(query, "NULL::text");
        vb_query_add(query, " AS %s", columns[i]);
    }
    if (known)
        vb_query_add(query, " FROM %s.%s r WHERE r.id = c.%s", scope->contract->schema, relation,
                     key);
    vb_query_add(query, " LIMIT 1) %s ON true", relation);
}

static void add_key(struct vb_query *query, const struct vb_scope *scope, const char *key)
{
    if (has_column(scope, "conversation", key))
        vb_query_add(query, ", c.%s", key);
}

void vb_select_page(struct vb_query *query, const struct vb_scope *scope, uint64_t limit)
{
    static const char *const contact[] = {"name", "phone", "email"};
    static const char *const assistant[] = {"name"};
    vb_query_add(query, "SELECT c.id, c.created_at, contact.name, contact.phone, contact.email,"
                        " assistant.name FROM (SELECT c.id, c.created_at");
    add_key(query, scope, "contact_id");
    add_key(query, scope, "assistant_id");
    add_source(query, scope);
    add_range(query, scope);
    vb_query_add(query, " ORDER BY c.created_at, c.id LIMIT ");
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)limit);
    vb_query_bind(query, text, "bigint");
    vb_query_add(query, " OFFSET 0) c");
    add_lookup(query, scope, "contact", "contact_id", contact, 3);
    add_lookup(query, scope, "assistant", "assistant_id", assistant, 1);
    vb_query_add(query, " ORDER BY c.created_at, c.id");
}

void vb_select_skip(struct vb_query *query, const struct vb_scope *scope, uint64_t ahead)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)(ahead > 0 ? ahead - 1 : 0));
    vb_query_add(query, "SELECT c.id, c.created_at");
    add_source(query, scope);
    add_range(query, scope);
    vb_query_add(query, " ORDER BY c.created_at, c.id LIMIT 1 OFFSET ");
    vb_query_bind(query, text, "bigint");
}

void vb_select_last(struct vb_query *query, const struct vb_scope *scope)
{
    vb_query_add(query, "SELECT c.id, c.created_at");
    add_source(query, scope);
    add_range(query, scope);
    vb_query_add(query, " ORDER BY c.created_at DESC, c.id DESC LIMIT 1");
}

void vb_select_count(struct vb_query *query, const struct vb_scope *scope, vb_instant second,
                     const struct vb_cursor *upto, uint64_t most)
{
    const struct vb_selection *selection = scope->selection;
    vb_instant end = upper_bound(selection);
    vb_query_add(query, "SELECT count(*) FROM (SELECT 1");
    add_source(query, scope);
    vb_query_add(query, " AND c.created_at >= ");
    bind_instant(query, scope, second > selection->from ? second : selection->from);
    if (upto) {
        bind_cursor(query, scope, "<=", upto);
    } else {
        vb_query_add(query, " AND c.created_at < ");
        bind_instant(query, scope, second + VB_SECOND < end ? second + VB_SECOND : end);
    }
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)most);
    vb_query_add(query, " LIMIT ");
    vb_query_bind(query, text, "bigint");
    vb_query_add(query, ") c");
}

void vb_select_count_rest(struct vb_query *query, const struct vb_scope *scope)
{
    vb_query_add(query, "SELECT count(*)");
    add_source(query, scope);
    add_range(query, scope);
}

void vb_select_beyond(struct vb_query *query, const struct vb_scope *scope,
                      const struct vb_cursor *place)
{
    vb_query_add(query, "SELECT 1");
    add_source(query, scope);
    vb_query_add(query, " AND c.created_at = ");
    bind_instant(query, scope, place->at);
    vb_query_add(query, " AND c.id = ");
    vb_query_bind(query, place->id, vb_contract_cast(scope->contract, "conversation", "id"));
    bind_cursor(query, scope, ">", scope->high);
}

enum vb_status vb_select_list_id(struct vb_buffer *list, const char *id)
{
    enum vb_status status = vb_buffer_append_text(list, list->length == 0 ? "{\"" : ",\"");
    for (; *id && status == VB_OK; id++) {
        if (*id == '"' || *id == '\\')
            status = vb_buffer_append_byte(list, '\\');
        if (status == VB_OK)
            status = vb_buffer_append_byte(list, *id);
    }
    return status == VB_OK ? vb_buffer_append_byte(list, '"') : status;
}

static enum vb_status append_literal(struct vb_buffer *sql, PGconn *connection, const char *value,
                                     const char *type)
{
    char *literal = PQescapeLiteral(connection, value, strlen(value));
    if (!literal)
        return VB_NO_MEMORY;
    enum vb_status status = vb_buffer_append_text(sql, literal);
    PQfreemem(literal);
    return status == VB_OK ? vb_buffer_printf(sql, "::%s", type) : status;
}

static enum vb_status append_message_columns(struct vb_buffer *sql, const struct vb_scope *scope)
{
    static const char *const columns[VB_ROW_COUNT] = {
        [VB_ROW_ID] = "id",
        [VB_ROW_CREATED_AT] = "created_at",
        [VB_ROW_DIRECTION] = "direction",
        [VB_ROW_SPEAKER_TYPE] = "speaker_type",
        [VB_ROW_SPEAKER_NAME] = "speaker_name",
        [VB_ROW_TEXT] = "text",
        [VB_ROW_MEDIA_URLS] = "media_urls",
        [VB_ROW_STATUS] = "status",
        [VB_ROW_SENDER_ACCOUNT] = "sender_account",
    };
    enum vb_status status = VB_OK;
    for (size_t i = VB_ROW_ID; i < VB_ROW_COUNT && status == VB_OK; i++) {
        if (i > VB_ROW_ID)
            status = vb_buffer_append_text(sql, ", ");
        if (status == VB_OK)
            status = vb_contract_append(scope->contract, sql, "m", "message", columns[i]);
    }
    return status;
}

/* What both forms end with: the instant of as_of, the order and the limit. A message without a time is let through on
 * purpose: it breaks the contract, and must be told rather than left out. */
static enum vb_status append_message_tail(struct vb_buffer *sql, const struct vb_scope *scope,
                                          size_t limit)
{
    char bound[VB_INSTANT_TEXT];
    vb_instant_text(scope->selection->as_of, bound);
    return vb_buffer_printf(
        sql,
        " AND (m.created_at <= '%s+00'::%s) IS NOT FALSE ORDER BY m.created_at, m.id LIMIT %zu",
        bound, vb_contract_cast(scope->contract, "message", "created_at"), limit);
}

enum vb_status vb_select_messages(struct vb_buffer *sql, PGconn *connection,
                                  const struct vb_scope *scope, const char *list, size_t limit)
{
    char type[32];
    snprintf(type, sizeof type, "%s[]", vb_contract_cast(scope->contract, "conversation", "id"));
    enum vb_status status = vb_buffer_append_text(sql, "SELECT p.n::int4, m.* FROM unnest(");
    if (status == VB_OK)
        status = append_literal(sql, connection, list, type);
    if (status == VB_OK)
        status =
            vb_buffer_append_text(sql, ") WITH ORDINALITY p (id, n) CROSS JOIN LATERAL (SELECT ");
    if (status == VB_OK)
        status = append_message_columns(sql, scope);
    if (status == VB_OK)
        status = vb_buffer_printf(sql, " FROM %s.message m WHERE m.conversation_id = p.id",
                                  scope->contract->schema);
    if (status == VB_OK)
        status = append_message_tail(sql, scope, limit);
    return status == VB_OK ? vb_buffer_append_text(sql, ") m") : status;
}

static enum vb_status append_after(struct vb_buffer *sql, PGconn *connection,
                                   const struct vb_scope *scope, const struct vb_cursor *after)
{
    char at[VB_INSTANT_TEXT];
    vb_instant_text(after->at, at);
    enum vb_status status =
        vb_buffer_printf(sql, " AND (m.created_at, m.id) > ('%s+00'::%s, ", at,
                         vb_contract_cast(scope->contract, "message", "created_at"));
    if (status == VB_OK)
        status = append_literal(sql, connection, after->id,
                                vb_contract_cast(scope->contract, "message", "id"));
    return status == VB_OK ? vb_buffer_append_text(sql, ")") : status;
}

enum vb_status vb_select_more_messages(struct vb_buffer *sql, PGconn *connection,
                                       const struct vb_scope *scope, const char *conversation,
                                       const struct vb_cursor *after, size_t limit)
{
    enum vb_status status = vb_buffer_append_text(sql, "SELECT 1::int4, ");
    if (status == VB_OK)
        status = append_message_columns(sql, scope);
    if (status == VB_OK)
        status = vb_buffer_printf(
            sql, " FROM %s.message m WHERE m.conversation_id = ", scope->contract->schema);
    if (status == VB_OK)
        status = append_literal(sql, connection, conversation,
                                vb_contract_cast(scope->contract, "conversation", "id"));
    if (status == VB_OK)
        status = append_after(sql, connection, scope, after);
    return status == VB_OK ? append_message_tail(sql, scope, limit) : status;
}
