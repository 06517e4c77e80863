/* SQL about conversations: see select.h. Appends to the caller's buffers, owns nothing.
 *
 * A page is an inner statement that finds conversations in order, and an outer one that looks up
 * names for those found. OFFSET 0 between them is a fence: without it the planner may join first
 * and sort all of it for the sake of one page.
 */
#include "select.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS_CEILING 1024u

/* How an outer column is written: as it is, or cast since its type differs from source to
 * source. */
enum form { AS_IS, AS_TEXT, AS_BIGINT };

/* A field of a wide page. `alias` c is the conversation, else the look-up of that name. */
struct field {
    const char *alias, *column;
    unsigned wanted; /* enum vb_columns */
    enum form form;
};

/* In the order of VB_PAGE_CHANNEL_ID and what follows it. */
static const struct field fields[] = {
    {"c", "channel_id", VB_COLUMNS_CHANNEL, AS_TEXT},
    {"channel", "name", VB_COLUMNS_CHANNEL, AS_IS},
    {"channel", "channel_type", VB_COLUMNS_CHANNEL, AS_IS},
    {"channel", "phone_number", VB_COLUMNS_CHANNEL, AS_IS},
    {"c", "assistant_id", VB_COLUMNS_DETAILS, AS_TEXT},
    {"c", "ended_at", VB_COLUMNS_DETAILS, AS_IS},
    {"c", "status", VB_COLUMNS_DETAILS, AS_IS},
    {"c", "priority", VB_COLUMNS_DETAILS, AS_IS},
    {"c", "tags", VB_COLUMNS_DETAILS, AS_IS},
    {"c", "audience", VB_COLUMNS_DETAILS, AS_IS},
    {"c", "assigned_agent", VB_COLUMNS_DETAILS, AS_IS},
    {"c", "csat_rating", VB_COLUMNS_DETAILS, AS_BIGINT},
    {"c", "csat_comment", VB_COLUMNS_DETAILS, AS_IS},
    {"c", "feedback", VB_COLUMNS_DETAILS, AS_IS},
    {"c", "summary", VB_COLUMNS_SUMMARY, AS_IS},
    {"c", "title", VB_COLUMNS_MARKS, AS_IS},
    {"c", "deleted_at", VB_COLUMNS_MARKS, AS_IS},
    {"c", "extra", VB_COLUMNS_EXTRA, AS_IS},
    {"c", "contact_id", VB_COLUMNS_CUSTOMER, AS_TEXT},
    {"contact", "company", VB_COLUMNS_CUSTOMER, AS_IS},
    {"contact", "address", VB_COLUMNS_CUSTOMER, AS_IS},
    {"contact", "website", VB_COLUMNS_CUSTOMER, AS_IS},
    {"contact", "lead_status", VB_COLUMNS_CUSTOMER, AS_IS},
};
#define FIELDS (sizeof fields / sizeof fields[0])
_Static_assert(FIELDS == VB_PAGE_COUNT - VB_PAGE_CHANNEL_ID, "each field has its place in the row");

unsigned vb_select_marks(const struct vb_scope *scope, const char *relation)
{
    static const struct {
        const char *column;
        unsigned wanted, mark;
    } all[] = {
        {"title", VB_COLUMNS_MARKS, VB_MARK_TITLE},
        {"edited_at", VB_COLUMNS_MARKS, VB_MARK_EDITED_AT},
        {"deleted_at", VB_COLUMNS_MARKS, VB_MARK_DELETED_AT},
        {"kind", VB_COLUMNS_MARKS, VB_MARK_KIND},
        {"reply_to", VB_COLUMNS_MARKS, VB_MARK_REPLY_TO},
        {"format", VB_COLUMNS_MARKS, VB_MARK_FORMAT},
        {"extra", VB_COLUMNS_EXTRA, VB_MARK_EXTRA},
    };
    bool of_messages = strcmp(relation, "message") == 0;
    unsigned marks = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        bool own = of_messages
                       ? all[i].mark != VB_MARK_TITLE
                       : (all[i].mark & (VB_MARK_TITLE | VB_MARK_DELETED_AT | VB_MARK_EXTRA)) != 0;
        if (own && scope->selection->columns & all[i].wanted &&
            vb_scope_has(scope, relation, all[i].column))
            marks |= all[i].mark;
    }
    return scope->selection->deleted ? marks : marks & ~(unsigned)VB_MARK_DELETED_AT;
}

/* Whether a page has the fields from VB_PAGE_CHANNEL_ID on. */
static bool is_wide(const struct vb_selection *selection)
{
    return (selection->columns & (VB_COLUMNS_CHANNEL | VB_COLUMNS_DETAILS | VB_COLUMNS_CUSTOMER |
                                  VB_COLUMNS_SUMMARY | VB_COLUMNS_MARKS | VB_COLUMNS_EXTRA)) != 0;
}

static bool is_wanted(const struct vb_scope *scope, const struct field *field)
{
    return (scope->selection->columns & field->wanted) != 0;
}

static void add_column(struct vb_query *query, const struct vb_scope *scope, const char *alias,
                       const char *relation, const char *name)
{
    if (query->status == VB_OK)
        query->status = vb_contract_append(scope->contract, &query->sql, alias, relation, name);
}

/* One row at most, so that a view with a repeated id cannot multiply conversations; LIMIT is also
 * what keeps the planner from turning the look-up into a join of the whole table. */
static void add_lookup(struct vb_query *query, const struct vb_scope *scope, const char *relation,
                       const char *key, const char *const *columns, size_t count)
{
    bool known = vb_scope_has(scope, relation, "id") && vb_scope_has(scope, "conversation", key);
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

/* Each relation once, with no more columns than the selection asks for. */
static void add_lookups(struct vb_query *query, const struct vb_scope *scope)
{
    static const char *const contact[] = {"name",    "phone",   "email",      "company",
                                          "address", "website", "lead_status"};
    static const char *const assistant[] = {"name"};
    static const char *const channel[] = {"name", "channel_type", "phone_number"};
    unsigned columns = scope->selection->columns;
    add_lookup(query, scope, "contact", "contact_id", contact,
               columns & VB_COLUMNS_CUSTOMER ? 7 : 3);
    add_lookup(query, scope, "assistant", "assistant_id", assistant, 1);
    if (columns & VB_COLUMNS_CHANNEL)
        add_lookup(query, scope, "channel", "channel_id", channel, 3);
}

/* NULL for what is not asked for or not there. */
static void add_field(struct vb_query *query, const struct vb_scope *scope,
                      const struct field *field)
{
    bool own = field->alias[0] == 'c' && field->alias[1] == '\0';
    vb_query_add(query, ", ");
    if (!is_wanted(scope, field) || (own && !vb_scope_has(scope, "conversation", field->column)))
        vb_query_add(query, "NULL");
    else if (field->form == AS_IS && own)
        add_column(query, scope, "c", "conversation", field->column);
    else
        vb_query_add(query, "%s.%s%s", field->alias, field->column,
                     field->form == AS_TEXT     ? "::text"
                     : field->form == AS_BIGINT ? "::bigint"
                                                : "");
}

/* A column that the source lacks is left out here; add_field writes its NULL. */
static enum vb_status append_key(struct vb_buffer *columns, const struct vb_scope *scope,
                                 const char *column)
{
    if (!vb_scope_has(scope, "conversation", column))
        return VB_OK;
    return vb_buffer_printf(columns, ", c.%s",
                            vb_contract_name(scope->contract, "conversation", column));
}

/* What the inner statement takes from the conversation: bare columns, each once. */
static enum vb_status list_columns(const struct vb_scope *scope, struct vb_buffer *columns)
{
    unsigned asked = scope->selection->columns;
    enum vb_status status =
        vb_buffer_printf(columns, "c.id, c.%s", vb_scope_time(scope, "conversation"));
    if (status == VB_OK)
        status = append_key(columns, scope, "contact_id");
    if (status == VB_OK)
        status = append_key(columns, scope, "assistant_id");
    if (status == VB_OK && asked & VB_COLUMNS_CHANNEL)
        status = append_key(columns, scope, "channel_id");
    for (size_t i = VB_PAGE_ENDED_AT; i <= VB_PAGE_EXTRA && status == VB_OK; i++)
        if (asked & fields[i - VB_PAGE_CHANNEL_ID].wanted)
            status = append_key(columns, scope, fields[i - VB_PAGE_CHANNEL_ID].column);
    return status;
}

void vb_select_page(struct vb_query *query, const struct vb_scope *scope, uint64_t limit)
{
    struct vb_span span = vb_scope_span(scope);
    struct vb_buffer columns;
    vb_buffer_init(&columns, COLUMNS_CEILING);
    enum vb_status status = list_columns(scope, &columns);
    if (status != VB_OK && query->status == VB_OK)
        query->status = status;
    vb_query_add(query, "SELECT c.id, ");
    add_column(query, scope, "c", "conversation", "created_at");
    vb_query_add(query, ", contact.name, contact.phone, contact.email, assistant.name");
    for (size_t i = 0; i < FIELDS && is_wide(scope->selection); i++)
        add_field(query, scope, &fields[i]);
    vb_query_add(query, " FROM (");
    if (query->status == VB_OK)
        vb_scope_select(query, scope, &span, columns.data, VB_ORDER_UP);
    vb_buffer_done(&columns);
    vb_query_add(query, " LIMIT ");
    vb_query_bind_number(query, limit);
    vb_query_add(query, " OFFSET 0) c");
    add_lookups(query, scope);
    vb_query_add(query, " ORDER BY c.%s, c.id", vb_scope_time(scope, "conversation"));
}

/* What a cursor is made of. Branches pass their columns on by name, so a cast stands around
 * them. */
static void select_places(struct vb_query *query, const struct vb_scope *scope,
                          const struct vb_span *span, enum vb_order order)
{
    char columns[64];
    snprintf(columns, sizeof columns, "c.id, c.%s", vb_scope_time(scope, "conversation"));
    vb_query_add(query, "SELECT c.id, ");
    add_column(query, scope, "c", "conversation", "created_at");
    vb_query_add(query, " FROM (");
    vb_scope_select(query, scope, span, columns, order);
}

/* The cut may lie behind the end: no row then. */
void vb_select_skip(struct vb_query *query, const struct vb_scope *scope, uint64_t ahead)
{
    struct vb_span span = vb_scope_span(scope);
    select_places(query, scope, &span, VB_ORDER_UP);
    vb_query_add(query, " LIMIT 1 OFFSET ");
    vb_query_bind_number(query, ahead > 0 ? ahead - 1 : 0);
    vb_query_add(query, ") c");
}

/* The same index, read backwards. */
void vb_select_last(struct vb_query *query, const struct vb_scope *scope, vb_instant before)
{
    struct vb_span span = vb_scope_span(scope);
    if (before < span.before)
        span.before = before;
    if (span.upto && span.upto->at >= before)
        span.upto = NULL;
    select_places(query, scope, &span, VB_ORDER_DOWN);
    vb_query_add(query, " LIMIT 1) c");
}

/* The second's bounds and the selection's, whichever is narrower. LIMIT inside the count ends it
 * early in a crowd. */
void vb_select_count(struct vb_query *query, const struct vb_scope *scope, vb_instant second,
                     const struct vb_cursor *upto, uint64_t most)
{
    const struct vb_scope whole = {
        .contract = scope->contract, .selection = scope->selection, .by_range = scope->by_range};
    struct vb_span span = vb_scope_span(&whole);
    if (second > span.from)
        span.from = second;
    if (second + VB_SECOND < span.before)
        span.before = second + VB_SECOND;
    span.upto = upto;
    vb_query_add(query, "SELECT count(*) FROM (");
    vb_scope_select(query, scope, &span, "1", VB_ORDER_NONE);
    vb_query_add(query, " LIMIT ");
    vb_query_bind_number(query, most);
    vb_query_add(query, ") c");
}

void vb_select_count_rest(struct vb_query *query, const struct vb_scope *scope, uint64_t most)
{
    struct vb_span span = vb_scope_span(scope);
    vb_query_add(query, "SELECT count(*) FROM (");
    vb_scope_select(query, scope, &span, "1", VB_ORDER_NONE);
    vb_query_add(query, " LIMIT %llu) c", (unsigned long long)most);
}

/* What lies behind the end and up to the place: something, if the place itself does. */
void vb_select_beyond(struct vb_query *query, const struct vb_scope *scope,
                      const struct vb_cursor *place)
{
    struct vb_span span = {.after = scope->high, .upto = place};
    vb_scope_select(query, scope, &span, "1", VB_ORDER_NONE);
    vb_query_add(query, " LIMIT 1");
}
