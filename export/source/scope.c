/* SQL of a selection's conversations: see scope.h. Appends to the caller's query, owns nothing.
 *
 * Each filter is written so that an index can serve it: the column bare on one side, and the
 * parameter cast on the other. What is changed here is to be looked at with the doctor's plans.
 */
#include "scope.h"

#include "times.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A statement of more branches costs more to plan than a page to read. */
#define BRANCHES_MOST 64u

/* Object id of text[]; && knows no mix of array types. */
#define TYPE_TEXT_ARRAY 1009u

bool vb_scope_has(const struct vb_scope *scope, const char *relation, const char *column)
{
    return vb_contract_column(scope->contract, relation, column)->type != 0;
}

bool vb_scope_hides_deleted(const struct vb_scope *scope, const char *relation)
{
    return !scope->selection->deleted && vb_scope_has(scope, relation, "deleted_at");
}

/* The column's own type, for the parameter. */
static const char *cast_of(const struct vb_scope *scope, const char *column)
{
    return vb_contract_cast(scope->contract, "conversation", column);
}

void vb_scope_bind_instant(struct vb_query *query, const struct vb_scope *scope,
                           const char *relation, const char *column, vb_instant instant)
{
    char text[VB_TIME_TEXT];
    vb_time_text(vb_contract_column(scope->contract, relation, column), instant, text);
    vb_query_bind(query, text, vb_contract_cast(scope->contract, relation, column));
}

const char *vb_scope_time(const struct vb_scope *scope, const char *relation)
{
    return vb_contract_name(scope->contract, relation, "created_at");
}

/* Of conversations. */
static const char *created(const struct vb_scope *scope)
{
    return vb_scope_time(scope, "conversation");
}

static void bind_created(struct vb_query *query, const struct vb_scope *scope, vb_instant instant)
{
    vb_scope_bind_instant(query, scope, "conversation", "created_at", instant);
}

/* A row comparison: the planner takes it as one condition of an index on both columns, other than
 * the same written with OR. */
static void bind_cursor(struct vb_query *query, const struct vb_scope *scope,
                        const char *comparison, const struct vb_cursor *cursor)
{
    const struct vb_contract *contract = scope->contract;
    char text[VB_TIME_TEXT];
    vb_time_cursor_text(vb_contract_column(contract, "conversation", "created_at"), cursor, text);
    vb_query_add(query, " AND (c.%s, c.id) %s (", created(scope), comparison);
    vb_query_bind(query, text, cast_of(scope, "created_at"));
    vb_query_add(query, ", ");
    vb_query_bind(query, cursor->id, cast_of(scope, "id"));
    vb_query_add(query, ")");
}

/* One bound, since instants are whole microseconds. */
vb_instant vb_scope_end(const struct vb_selection *selection)
{
    return selection->to <= selection->as_of ? selection->to : selection->as_of + 1;
}

/* Exactly one lower bound: given two on the same column, a B-tree scan may start at the wider one
 * and walk over everything that earlier pages have read. A range of messages says nothing of when
 * their conversations began: a platform that has taken old messages over may have made them later
 * than their messages. */
struct vb_span vb_scope_span(const struct vb_scope *scope)
{
    const struct vb_selection *selection = scope->selection;
    struct vb_span span = {.from = selection->from, .before = vb_scope_end(selection)};
    if (selection->activity)
        span = (struct vb_span){.from = VB_INSTANT_FIRST, .before = selection->as_of + 1};
    if (scope->low && scope->low->at >= span.from)
        span.after = scope->low;
    if (scope->high && scope->high->at < span.before)
        span.upto = scope->high;
    return span;
}

/* Each of the three is a place in an index on the time. */
static void add_timeless(struct vb_query *query, const struct vb_scope *scope)
{
    vb_query_add(query, " AND (c.%s IS NULL OR c.%s < ", created(scope), created(scope));
    bind_created(query, scope, VB_TIME_FIRST);
    vb_query_add(query, " OR c.%s >= ", created(scope));
    bind_created(query, scope, VB_TIME_LAST_DAY);
    vb_query_add(query, ")");
}

static void add_span(struct vb_query *query, const struct vb_scope *scope,
                     const struct vb_span *span)
{
    if (span->timeless) {
        add_timeless(query, scope);
        return;
    }
    if (span->after) {
        bind_cursor(query, scope, ">", span->after);
    } else {
        vb_query_add(query, " AND c.%s >= ", created(scope));
        bind_created(query, scope, span->from);
    }
    if (span->upto) {
        bind_cursor(query, scope, "<=", span->upto);
    } else {
        vb_query_add(query, " AND c.%s < ", created(scope));
        bind_created(query, scope, span->before);
    }
}

/* NULL asks for nothing. */
static void add_equal(struct vb_query *query, const struct vb_scope *scope, const char *column,
                      const char *value)
{
    if (!value)
        return;
    vb_query_add(query, " AND c.%s = ", column);
    vb_query_bind(query, value, cast_of(scope, column));
}

/* A list that is given and empty selects nothing; one that is not given asks for nothing. */
static void add_any(struct vb_query *query, const struct vb_scope *scope, const char *column,
                    const struct vb_words *words)
{
    if (!words->items)
        return;
    vb_query_add(query, " AND c.%s = ANY (", column);
    vb_query_bind_words(query, words, cast_of(scope, column));
    vb_query_add(query, ")");
}

/* A missing column becomes a typed NULL, by which nothing matches. */
static void add_column(struct vb_query *query, const struct vb_scope *scope, const char *column)
{
    if (query->status == VB_OK)
        query->status =
            vb_contract_append(scope->contract, &query->sql, "c", "conversation", column);
}

/* A cast only where the type demands it: it keeps a GIN index from serving. */
static void add_text_array(struct vb_query *query, const struct vb_scope *scope, const char *column)
{
    Oid type = vb_contract_column(scope->contract, "conversation", column)->type;
    if (type == 0 || type == TYPE_TEXT_ARRAY)
        add_column(query, scope, column);
    else
        vb_query_add(query, "c.%s::text[]", column);
}

static void add_statuses(struct vb_query *query, const struct vb_scope *scope)
{
    if (!scope->selection->statuses.items)
        return;
    vb_query_add(query, " AND ");
    add_column(query, scope, "status");
    vb_query_add(query, " = ANY (");
    vb_query_bind_words(query, &scope->selection->statuses, "text");
    vb_query_add(query, ")");
}

static void add_tags(struct vb_query *query, const struct vb_scope *scope)
{
    if (!scope->selection->tags.items)
        return;
    vb_query_add(query, " AND ");
    add_text_array(query, scope, "tags");
    vb_query_add(query, " && ");
    vb_query_bind_words(query, &scope->selection->tags, "text");
}

/* A source with neither column shows nothing: missing ones are typed NULLs here. */
static void add_audience(struct vb_query *query, const struct vb_scope *scope)
{
    if (!scope->selection->audience.items)
        return;
    vb_query_add(query, " AND coalesce(");
    add_text_array(query, scope, "audience");
    vb_query_add(query, ", ");
    add_text_array(query, scope, "tags");
    vb_query_add(query, ") && ");
    vb_query_bind_words(query, &scope->selection->audience, "text");
}

/* Ended by as_of, not by the time of reading: later runs of one job select the same. What is no
 * time (decode.h) is no end. */
static void add_completed(struct vb_query *query, const struct vb_scope *scope)
{
    if (!scope->selection->completed_only)
        return;
    const char *ended = vb_contract_name(scope->contract, "conversation", "ended_at");
    vb_query_add(query, " AND c.%s < ", ended);
    vb_scope_bind_instant(query, scope, "conversation", "ended_at", scope->selection->as_of + 1);
    vb_query_add(query, " AND c.%s >= ", ended);
    vb_scope_bind_instant(query, scope, "conversation", "ended_at", VB_OPTIONAL_FIRST);
}

/* SELECT hides the ends of the range from the planner, who would else trust its statistics of an
 * hour ago that nothing is in a range of today, and look for a conversation's rows by an index of
 * created_at: the whole platform's range once for each conversation. As conditions of an index led
 * by conversation_id, and to leave partitions out, they serve all the same. */
void vb_scope_bind_rows(struct vb_query *query, const struct vb_scope *scope, const char *alias,
                        const char *relation)
{
    const struct vb_selection *selection = scope->selection;
    if (vb_scope_hides_deleted(scope, relation))
        vb_query_add(query, "%s.deleted_at IS NULL AND ", alias);
    if (!selection->activity) {
        vb_query_add(query, "%s.%s < ", alias, vb_scope_time(scope, relation));
        vb_scope_bind_instant(query, scope, relation, "created_at", selection->as_of + 1);
        return;
    }
    vb_query_add(query, "%s.%s >= (SELECT ", alias, vb_scope_time(scope, relation));
    vb_scope_bind_instant(query, scope, relation, "created_at", selection->from);
    vb_query_add(query, ") AND %s.%s < (SELECT ", alias, vb_scope_time(scope, relation));
    vb_scope_bind_instant(query, scope, relation, "created_at", vb_scope_end(selection));
    vb_query_add(query, ")");
}

/* One look-up a conversation, on the way along the conversations' own order. Worded as the messages
 * themselves are asked for (select_branch.c, decision 13): by an index led by conversation_id
 * alone, and from the range's start on where created_at stands behind it. No EXISTS, which the
 * planner may turn into a join of all the range's messages with each page. */
static void add_look_up(struct vb_query *query, const struct vb_scope *scope)
{
    vb_query_add(query,
                 " AND (SELECT true FROM %s.message a WHERE a.conversation_id = ANY (ARRAY[c.id])"
                 " AND a.conversation_id >= c.id AND a.conversation_id <= c.id AND ",
                 scope->contract->schema);
    vb_scope_bind_rows(query, scope, "a", "message");
    vb_query_add(query, " ORDER BY a.conversation_id LIMIT 1)");
}

/* IS TRUE keeps the list what it is, made once for a statement, and no join. */
static void add_range(struct vb_query *query, const struct vb_scope *scope)
{
    vb_query_add(query, " AND (c.id IN (SELECT a.conversation_id FROM %s.message a WHERE ",
                 scope->contract->schema);
    vb_scope_bind_rows(query, scope, "a", "message");
    vb_query_add(query, ")) IS TRUE");
}

/* last_message_at comes first, being cheaper: what is silent since then is passed over without a
 * look at its messages. */
static void add_activity(struct vb_query *query, const struct vb_scope *scope)
{
    if (!scope->selection->activity)
        return;
    if (vb_scope_has(scope, "conversation", "last_message_at")) {
        vb_query_add(query, " AND c.%s >= ",
                     vb_contract_name(scope->contract, "conversation", "last_message_at"));
        vb_scope_bind_instant(query, scope, "conversation", "last_message_at",
                              scope->selection->from);
    }
    if (scope->by_range)
        add_range(query, scope);
    else
        add_look_up(query, scope);
}

/* How the conversations are found. */
enum way {
    BY_INDEX,  /* in order, by whichever index the planner takes */
    BY_BRANCH, /* an ordered branch for each word of a list */
    BY_WORD /* all of each word of a list, and then put in order: for lists of few conversations */
};
struct path {
    enum way way;
    const struct vb_words *words; /* of a list: what `column` may be */
    const char *column;
};

/* More channels than there are branches for are a large share of the workspace: it is walked in
 * order. */
static struct path find_path(const struct vb_selection *selection)
{
    const struct vb_words *channels = &selection->channel_ids, *people = &selection->contact_ids;
    struct path by_index = {BY_INDEX, NULL, NULL};
    if (selection->conversation_ids.items)
        return (struct path){BY_WORD, &selection->conversation_ids, "id"};
    if (selection->channel_id || selection->assistant_id || selection->contact_id)
        return by_index;
    if (people->items)
        return (struct path){people->count > BRANCHES_MOST ? BY_WORD : BY_BRANCH, people,
                             "contact_id"};
    if (channels->items && channels->count <= BRANCHES_MOST)
        return (struct path){BY_BRANCH, channels, "channel_id"};
    return by_index;
}

/* One branch for what is one id, however often it is listed; a uuid may be written in two cases. */
static bool is_repeated(const struct vb_scope *scope, const struct vb_words *words,
                        const char *column, size_t index)
{
    bool uuid = vb_contract_column(scope->contract, "conversation", column)->type == VB_TYPE_UUID;
    for (size_t i = 0; i < index; i++) {
        const char *earlier = words->items[i];
        const char *word = words->items[index];
        if (uuid ? strcasecmp(earlier, word) == 0 : strcmp(earlier, word) == 0)
            return true;
    }
    return false;
}

/* Everything but what the path stands for. */
static void add_filters(struct vb_query *query, const struct vb_scope *scope,
                        const struct path *path)
{
    const struct vb_selection *selection = scope->selection;
    vb_query_add(query, " WHERE c.workspace_id = ");
    vb_query_bind(query, selection->workspace, cast_of(scope, "workspace_id"));
    add_equal(query, scope, "channel_id", selection->channel_id);
    add_equal(query, scope, "assistant_id", selection->assistant_id);
    add_equal(query, scope, "contact_id", selection->contact_id);
    if (path->words != &selection->channel_ids)
        add_any(query, scope, "channel_id", &selection->channel_ids);
    if (path->words != &selection->contact_ids)
        add_any(query, scope, "contact_id", &selection->contact_ids);
    add_statuses(query, scope);
    add_tags(query, scope);
    add_audience(query, scope);
    add_completed(query, scope);
    if (vb_scope_hides_deleted(scope, "conversation"))
        vb_query_add(query, " AND c.deleted_at IS NULL");
    add_activity(query, scope);
}

/* OFFSET is a fence: without it the planner may walk the workspace by time and look for the words
 * on the way. */
static void add_from(struct vb_query *query, const struct vb_scope *scope, const struct path *path)
{
    const char *schema = scope->contract->schema;
    if (path->way != BY_WORD) {
        vb_query_add(query, " FROM %s.conversation c", schema);
        return;
    }
    vb_query_add(query, " FROM (SELECT DISTINCT unnest(");
    vb_query_bind_words(query, path->words, cast_of(scope, path->column));
    vb_query_add(query,
                 ") AS word) p"
                 " CROSS JOIN LATERAL (SELECT r.*"
                 " FROM %s.conversation r"
                 " WHERE r.%s = p.word"
                 " OFFSET 0) c",
                 schema, path->column);
}

/* Ids end ties, so that the order is total. */
static void add_order(struct vb_query *query, const struct vb_scope *scope, enum vb_order order)
{
    if (order == VB_ORDER_UP)
        vb_query_add(query, " ORDER BY c.%s, c.id", created(scope));
    else if (order == VB_ORDER_DOWN)
        vb_query_add(query, " ORDER BY c.%s DESC, c.id DESC", created(scope));
}

/* Text of the statement from `start` on, copied; the caller frees it. NULL after any failure. */
static char *cut_off(struct vb_query *query, size_t start)
{
    if (query->status != VB_OK)
        return NULL;
    char *text = strdup(query->sql.data + start);
    if (!text)
        query->status = VB_NO_MEMORY;
    return text;
}

/* Ordered branches under one order are merged by the server row by row, so that no page reads more
 * of them than it shows. They differ in one number: the place of the branch's word in a list that
 * is bound once. */
static void add_branches(struct vb_query *query, const struct vb_scope *scope,
                         const struct vb_span *span, const char *columns, enum vb_order order,
                         const struct path *path)
{
    vb_query_add(query, "SELECT %s FROM (", columns);
    size_t start = query->sql.length;
    vb_query_add(query, "(SELECT %s", columns);
    add_from(query, scope, path);
    add_filters(query, scope, path);
    add_span(query, scope, span);
    vb_query_add(query, " AND c.%s = (", path->column);
    vb_query_bind_words(query, path->words, cast_of(scope, path->column));
    vb_query_add(query, ")[");
    char *head = cut_off(query, start);
    vb_query_add(query, "1");
    start = query->sql.length;
    vb_query_add(query, "]");
    add_order(query, scope, order);
    vb_query_add(query, ")");
    char *tail = cut_off(query, start);
    for (size_t i = 1; i < path->words->count && query->status == VB_OK; i++) {
        if (is_repeated(scope, path->words, path->column, i))
            continue;
        vb_query_add(query, " UNION ALL ");
        vb_query_add_text(query, head);
        vb_query_add(query, "%zu", i + 1);
        vb_query_add_text(query, tail);
    }
    free(head);
    free(tail);
    vb_query_add(query, ") c");
    add_order(query, scope, order);
}

void vb_scope_select(struct vb_query *query, const struct vb_scope *scope,
                     const struct vb_span *span, const char *columns, enum vb_order order)
{
    struct path path = find_path(scope->selection);
    if (path.way == BY_BRANCH) {
        add_branches(query, scope, span, columns, order, &path);
        return;
    }
    vb_query_add(query, "SELECT %s", columns);
    add_from(query, scope, &path);
    add_filters(query, scope, &path);
    add_span(query, scope, span);
    add_order(query, scope, order);
}
