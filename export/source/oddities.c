/* Counting rows that exports leave out or tell half of: statements for the doctor, see source.h.
 * Nothing is sent from here. Results are the caller's, freed by vb_source_query_done.
 *
 * Each looks at the first rows that the server comes across, in no order, and each count comes with
 * the id of a row that it counts.
 */
#include "select.h"
#include "times.h"

#include <stdio.h>

/* Ahead of the clock by so much is no error of one. */
#define FUTURE (5 * 60 * VB_SECOND)

struct count {
    struct vb_query *query;
    const struct vb_scope *scope;
    vb_instant now;
    size_t limit;
};

static void add_column(const struct count *count, const char *alias, const char *relation,
                       const char *name)
{
    if (count->query->status == VB_OK)
        count->query->status =
            vb_contract_append(count->scope->contract, &count->query->sql, alias, relation, name);
}

/* A count of what holds for `t`, and of which row; the condition stands between the two halves. */
static void add_count(const struct count *count, const char *condition)
{
    vb_query_add(count->query, ", count(*) FILTER (WHERE %s)", condition);
    vb_query_add(count->query, ", min(t.id::text) FILTER (WHERE %s)", condition);
}

/* The same for a comparison of created_at with an instant. */
static void add_time_count(const struct count *count, const char *relation, const char *comparison,
                           vb_instant instant)
{
    for (size_t i = 0; i < 2; i++) {
        vb_query_add(count->query, ", %s FILTER (WHERE t.%s %s ",
                     i == 0 ? "count(*)" : "min(t.id::text)", vb_scope_time(count->scope, relation),
                     comparison);
        vb_scope_bind_instant(count->query, count->scope, relation, "created_at", instant);
        vb_query_add(count->query, ")");
    }
}

static void add_times(const struct count *count, const char *relation)
{
    char absent[64];
    snprintf(absent, sizeof absent, "t.%s IS NULL", vb_scope_time(count->scope, relation));
    add_count(count, absent);
    add_time_count(count, relation, "<", VB_TIME_FIRST);
    add_time_count(count, relation, ">=", count->now + FUTURE);
}

/* The rows looked at, as `t`; all columns, of which the server computes those that are used. */
static void add_from(const struct count *count, const char *relation)
{
    vb_query_add(count->query, " FROM (SELECT r.* FROM %s.%s r LIMIT ",
                 count->scope->contract->schema, relation);
    vb_query_bind_number(count->query, count->limit);
    vb_query_add(count->query, ") t");
}

/* The latest time that has come, as Unix microseconds. */
static void add_newest(const struct count *count)
{
    const char *time = vb_scope_time(count->scope, "conversation");
    vb_query_add(count->query, ", (extract(epoch FROM max(");
    if (count->query->status == VB_OK)
        count->query->status = vb_time_append_stamp(count->scope->contract, &count->query->sql, "t",
                                                    "conversation", "created_at");
    vb_query_add(count->query, ") FILTER (WHERE t.%s >= ", time);
    vb_scope_bind_instant(count->query, count->scope, "conversation", "created_at", VB_TIME_FIRST);
    vb_query_add(count->query, " AND t.%s < ", time);
    vb_scope_bind_instant(count->query, count->scope, "conversation", "created_at",
                          count->now + FUTURE);
    vb_query_add(count->query, ")) * 1000000)::bigint");
}

static void build_times(const struct count *count)
{
    vb_query_add(count->query, "SELECT count(*)");
    add_times(count, "conversation");
    add_newest(count);
    add_from(count, "conversation");
}

/* Ids that more than one row has. */
static void add_doubles(const struct count *count)
{
    vb_query_add(count->query, "SELECT coalesce(sum(t.n), 0)");
    add_count(count, "t.n > 1");
    vb_query_add(count->query, " FROM (SELECT t.id, count(*) AS n");
}

static void build_doubles(const struct count *count)
{
    add_doubles(count);
    add_from(count, "conversation");
    vb_query_add(count->query, " GROUP BY t.id) t");
}

/* Conversations whose key finds no row. The row is looked up for each, or the relation is read
 * once, as the planner likes. */
static void add_lost(const struct count *count, const char *relation, const char *key)
{
    bool known = vb_scope_has(count->scope, relation, "id") &&
                 vb_scope_has(count->scope, "conversation", key);
    char condition[256];
    if (known)
        snprintf(condition, sizeof condition,
                 "t.%s IS NOT NULL AND NOT EXISTS (SELECT FROM %s.%s l WHERE l.id = t.%s)", key,
                 count->scope->contract->schema, relation, key);
    add_count(count, known ? condition : "false");
}

static void build_links(const struct count *count)
{
    vb_query_add(count->query, "SELECT count(*)");
    add_lost(count, "channel", "channel_id");
    add_lost(count, "contact", "contact_id");
    add_lost(count, "assistant", "assistant_id");
    add_from(count, "conversation");
}

/* By such a one an export by activity passes over messages without a word. One step of an index
 * for each, where created_at stands behind conversation_id. */
static void build_last_messages(const struct count *count)
{
    const struct vb_contract *contract = count->scope->contract;
    struct vb_buffer condition;
    vb_buffer_init(&condition, 2048);
    enum vb_status status = vb_buffer_printf(
        &condition, "EXISTS (SELECT FROM %s.message m WHERE m.conversation_id = t.id AND ",
        contract->schema);
    if (status == VB_OK)
        status = vb_time_append_stamp(contract, &condition, "m", "message", "created_at");
    if (status == VB_OK)
        status = vb_buffer_append_text(&condition, " > coalesce(");
    if (status == VB_OK)
        status = vb_time_append_stamp(contract, &condition, "t", "conversation", "last_message_at");
    if (status == VB_OK)
        status = vb_buffer_append_text(&condition, ", '-infinity'))");
    if (status != VB_OK && count->query->status == VB_OK)
        count->query->status = status;
    vb_query_add(count->query, "SELECT count(*)");
    if (count->query->status == VB_OK)
        add_count(count, vb_contract_knows_activity(contract) ? condition.data : "false");
    add_from(count, "conversation");
    vb_buffer_done(&condition);
}

/* NULL, and any other word than those of the contract. */
static void add_words(const struct count *count, const char *column, const char *words)
{
    for (size_t i = 0; i < 4; i++) {
        vb_query_add(count->query, ", %s FILTER (WHERE (",
                     i % 2 == 0 ? "count(*)" : "min(t.id::text)");
        add_column(count, "t", "message", column);
        vb_query_add(count->query, i < 2 ? ") IS NULL)" : ") NOT IN (%s))", words);
    }
}

static void build_messages(const struct count *count)
{
    vb_query_add(count->query, "SELECT count(*)");
    add_times(count, "message");
    add_words(count, "direction", "'inbound', 'outbound'");
    add_words(count, "speaker_type", "'bot', 'agent', 'customer'");
    add_from(count, "message");
}

static void build_message_doubles(const struct count *count)
{
    add_doubles(count);
    add_from(count, "message");
    vb_query_add(count->query, " GROUP BY t.conversation_id, t.id) t");
}

/* Of the conversation that comes up most often: found by its index. */
static void build_giant(const struct count *count)
{
    add_doubles(count);
    vb_query_add(count->query,
                 " FROM (SELECT r.id FROM %s.message r"
                 " WHERE r.conversation_id = (SELECT t.conversation_id",
                 count->scope->contract->schema);
    add_from(count, "message");
    vb_query_add(count->query,
                 " GROUP BY t.conversation_id ORDER BY count(*) DESC LIMIT 1) LIMIT ");
    vb_query_bind_number(count->query, count->limit * 5);
    vb_query_add(count->query, ") t GROUP BY t.id) t");
}

enum vb_status vb_contract_oddities_query(const struct vb_contract *contract, enum vb_oddities what,
                                          vb_instant now, size_t limit,
                                          struct vb_source_query *ret_query, struct vb_error *err)
{
    static void (*const builders[VB_ODDITIES])(const struct count *) = {
        [VB_ODD_TIMES] = build_times,       [VB_ODD_DOUBLES] = build_doubles,
        [VB_ODD_LINKS] = build_links,       [VB_ODD_LAST_MESSAGES] = build_last_messages,
        [VB_ODD_MESSAGES] = build_messages, [VB_ODD_MESSAGE_DOUBLES] = build_message_doubles,
        [VB_ODD_GIANT] = build_giant,
    };
    struct vb_scope scope = {.contract = contract};
    struct vb_query query;
    vb_query_init(&query);
    builders[what](&(struct count){&query, &scope, now, limit});
    enum vb_status status = vb_query_hand_over(&query, ret_query);
    vb_query_done(&query);
    return status == VB_OK ? VB_OK
                           : vb_fail(err, status, "a statement to the source could not be built");
}
