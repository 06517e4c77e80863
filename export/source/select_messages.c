/* SQL of messages and of the rows that come with them: see select.h. Appends to the caller's
 * buffers, owns nothing.
 *
 * One statement holds all kinds of a conversation's rows as branches of a UNION ALL, one behind the
 * other: the server appends branches in the order in which they are written, and the reader checks
 * that it did. A selection that asks for messages alone gets no branches.
 *
 * COPY takes no parameters, so values stand as literals that libpq quoted for this very connection.
 */
#include "select_parts.h"

#include <stdio.h>

/* Whether messages' feedback is asked for. */
static bool has_details(const struct vb_selection *selection)
{
    return (selection->columns & (VB_COLUMNS_DETAILS | VB_COLUMNS_BRIEF)) == VB_COLUMNS_DETAILS;
}

bool vb_select_is_rich(const struct vb_selection *selection)
{
    return has_details(selection) ||
           (selection->columns &
            (VB_COLUMNS_CITATIONS | VB_COLUMNS_MEDIA | VB_COLUMNS_NOTES | VB_COLUMNS_EVENTS |
             VB_COLUMNS_SKILLS | VB_COLUMNS_MARKS | VB_COLUMNS_EXTRA | VB_COLUMNS_PARTICIPANTS |
             VB_COLUMNS_REACTIONS | VB_COLUMNS_REVISIONS)) != 0;
}

static void add_rich_columns(struct vb_sql *text, const struct vb_resume *resume)
{
    vb_sql_add(text, ", ");
    if (has_details(text->scope->selection))
        vb_sql_column(text, "m", "message", "feedback");
    else
        vb_sql_add(text, "NULL::text");
    vb_sql_lists(text, resume);
}

/* In the types that the other branches' rows have there: timestamptz and text. */
static void add_marks(struct vb_sql *text)
{
    static const struct {
        const char *name;
        bool is_time;
        enum vb_marks mark;
    } marks[] = {
        {"edited_at", true, VB_MARK_EDITED_AT}, {"deleted_at", true, VB_MARK_DELETED_AT},
        {"kind", false, VB_MARK_KIND},          {"reply_to", false, VB_MARK_REPLY_TO},
        {"format", false, VB_MARK_FORMAT},      {"extra", false, VB_MARK_EXTRA},
    };
    unsigned wanted = vb_select_marks(text->scope, "message");
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        bool is_wanted = (wanted & (unsigned)marks[i].mark) != 0;
        vb_sql_add(text, is_wanted ? ", " : ", NULL");
        if (is_wanted && marks[i].is_time) {
            vb_sql_stamp(text, "m", "message", marks[i].name);
        } else if (is_wanted) {
            vb_sql_add(text, "m.");
            vb_sql_add(text, marks[i].name);
        }
        vb_sql_add(text, marks[i].is_time ? "::timestamptz" : "::text");
    }
}

/* A column that nobody looks at costs the source its conversion and both sides its bytes. */
static bool is_looked_at(const struct vb_sql *text, size_t column)
{
    return !(text->scope->selection->columns & VB_COLUMNS_BRIEF) || column == VB_ROW_ID ||
           column == VB_ROW_POSITION || column == VB_ROW_SPEAKER_TYPE || column == VB_ROW_TEXT;
}

static void add_message_columns(struct vb_sql *text, const struct vb_resume *resume)
{
    static const char *const columns[VB_ROW_PLAIN_COUNT] = {
        [VB_ROW_ID] = "id",
        [VB_ROW_CREATED_AT] = "created_at",
        [VB_ROW_POSITION] = "position",
        [VB_ROW_DIRECTION] = "direction",
        [VB_ROW_SPEAKER_TYPE] = "speaker_type",
        [VB_ROW_SPEAKER_NAME] = "speaker_name",
        [VB_ROW_TEXT] = "text",
        [VB_ROW_MEDIA_URLS] = "media_urls",
        [VB_ROW_STATUS] = "status",
        [VB_ROW_SENDER_ACCOUNT] = "sender_account",
    };
    for (size_t i = VB_ROW_ID; i < VB_ROW_PLAIN_COUNT; i++) {
        vb_sql_add(text, i > VB_ROW_ID ? ", " : "");
        if (i == VB_ROW_CREATED_AT)
            vb_sql_time(text, "m", VB_ROW_MESSAGE);
        else if (!is_looked_at(text, i))
            vb_sql_add(text, i == VB_ROW_MEDIA_URLS ? "NULL::text[]" : "NULL::text");
        else
            vb_sql_column(text, "m", "message", columns[i]);
    }
    if (!vb_select_is_rich(text->scope->selection))
        return;
    add_rich_columns(text, resume);
    add_marks(text);
    vb_sql_kind(text, VB_ROW_MESSAGE);
}

static void add_conditions(struct vb_sql *text, const struct vb_branch *rows,
                           const struct vb_resume *resume)
{
    if (rows->after)
        vb_branch_after(text, rows->after);
    if (resume && resume->undated) {
        vb_sql_add(text, " AND m.");
        vb_sql_add(text, vb_scope_time(text->scope, "message"));
        vb_sql_add(text, " IS NULL");
    }
    vb_branch_kept_messages(text, rows->alias, rows->after != NULL);
}

/* LIMIT is of one conversation, since this stands within a LATERAL. */
static void add_messages(struct vb_sql *text, const struct vb_resume *resume, size_t limit)
{
    char words[64];
    bool goes_on = resume && resume->after;
    char order[64];
    struct vb_branch rows = {
        "m", "message", order, VB_ROW_MESSAGE, goes_on ? resume->after : NULL, add_conditions};
    snprintf(order, sizeof order, "m.%s, %sm.id", vb_scope_time(text->scope, "message"),
             vb_scope_has(text->scope, "message", "position") ? "m.position, " : "");
    add_message_columns(text, resume);
    vb_branch_ordered(text, &rows, resume);
    snprintf(words, sizeof words, " LIMIT %zu OFFSET %llu", limit,
             (unsigned long long)(goes_on ? resume->ties : 0));
    vb_sql_add(text, text->form == VB_FORM_STRETCH ? "" : words);
}

static void add_kind_rows(struct vb_sql *text, enum vb_row_kind kind,
                          const struct vb_resume *resume, size_t limit, uint64_t skip)
{
    vb_sql_add(text, text->form == VB_FORM_STRETCH ? "SELECT p.n::int4, " : "SELECT ");
    if (kind == VB_ROW_MESSAGE)
        add_messages(text, resume, limit);
    else
        vb_branch_extras(text, kind, resume, skip);
}

/* Branches keep their own order only in brackets. */
static void add_rows(struct vb_sql *text, const struct vb_resume *resume, size_t limit)
{
    struct vb_row_kinds kinds = vb_select_kinds(text->scope->contract, text->scope->selection);
    size_t first = resume ? resume->kind : 0;
    bool several = kinds.count - first > 1;
    for (size_t i = first; i < kinds.count; i++) {
        uint64_t skip = resume && i == first ? resume->skip : 0;
        text->place = several ? i + 1 : 0;
        vb_sql_add(text, i > first ? " UNION ALL (" : several ? "(" : "");
        add_kind_rows(text, kinds.items[i], resume, limit, skip);
        vb_sql_add(text, several ? ")" : "");
    }
}

/* Whether there is anything of the relation is asked once for each conversation. */
static void add_has(struct vb_sql *text, unsigned wanted, const char *relation)
{
    const struct vb_scope *scope = text->scope;
    char words[256];
    if (!(scope->selection->columns & wanted) || !vb_scope_has(scope, relation, "conversation_id"))
        return;
    snprintf(words, sizeof words,
             ", EXISTS (SELECT FROM %s.%s t WHERE t.conversation_id = q.id) AS has_%s",
             scope->contract->schema, relation, relation);
    vb_sql_add(text, words);
}

/* The same rows as by the other forms. Branches have two columns more, which are left behind. */
static void add_stretch(struct vb_sql *text, const char *list, const char *type)
{
    bool several = vb_select_kinds(text->scope->contract, text->scope->selection).count > 1;
    char name[24];
    vb_sql_add(text, "WITH p AS MATERIALIZED (SELECT q.id, q.n");
    add_has(text, VB_COLUMNS_CITATIONS, "citation");
    add_has(text, VB_COLUMNS_MEDIA, "attachment");
    vb_sql_add(text, " FROM unnest(");
    vb_sql_literal(text, list, type);
    vb_sql_add(text, ") WITH ORDINALITY q (id, n)) ");
    for (size_t i = 0; i < VB_ROW_COUNT && several; i++) {
        snprintf(name, sizeof name, "%s%zu", i > 0 ? ", u.c" : "SELECT u.c", i);
        vb_sql_add(text, name);
    }
    vb_sql_add(text, several ? " FROM (" : "");
    add_rows(text, NULL, 0);
    for (size_t i = 0; i < VB_ROW_COUNT && several; i++) {
        snprintf(name, sizeof name, "%s%zu", i > 0 ? ", c" : ") u (c", i);
        vb_sql_add(text, name);
    }
    vb_sql_add(text, several ? ", place, number) ORDER BY u.c0, u.place, u.number" : "");
}

enum vb_status vb_select_messages(struct vb_buffer *sql, PGconn *connection,
                                  const struct vb_scope *scope, enum vb_rows_form form,
                                  const char *list, size_t limit)
{
    struct vb_sql text = {sql, scope, connection, form, VB_OK, 0};
    char type[32];
    snprintf(type, sizeof type, "%s[]", vb_contract_cast(scope->contract, "conversation", "id"));
    if (form == VB_FORM_STRETCH) {
        add_stretch(&text, list, type);
        return text.status;
    }
    vb_sql_add(&text, "SELECT p.n::int4, m.* FROM unnest(");
    vb_sql_literal(&text, list, type);
    vb_sql_add(&text, ") WITH ORDINALITY p (id, n) CROSS JOIN LATERAL (");
    add_rows(&text, NULL, limit);
    vb_sql_add(&text, ") m");
    return text.status;
}

enum vb_status vb_select_rest(struct vb_buffer *sql, PGconn *connection,
                              const struct vb_scope *scope, enum vb_rows_form form,
                              const struct vb_resume *resume, size_t limit)
{
    struct vb_row_kinds kinds = vb_select_kinds(scope->contract, scope->selection);
    struct vb_sql text = {sql, scope, connection, form, VB_OK, 0};
    if (kinds.items[resume->kind] == VB_ROW_MESSAGE) {
        /* Behind a limit that will mostly be filled, further branches would be sorted for nothing
         * each time. */
        vb_sql_add(&text, "SELECT 1::int4, ");
        add_messages(&text, resume, limit);
        return text.status;
    }
    vb_sql_add(&text, "SELECT 1::int4, m.* FROM (");
    add_rows(&text, resume, limit);
    vb_sql_add(&text, ") m");
    return text.status;
}

enum vb_status vb_select_between(struct vb_buffer *sql, PGconn *connection,
                                 const struct vb_scope *scope, enum vb_row_kind kind,
                                 const char *conversation, const char *low, const char *high)
{
    struct vb_resume resume = {.conversation = conversation, .low = low, .high = high};
    struct vb_sql text = {sql, scope, connection, VB_FORM_FENCED, VB_OK, 0};
    vb_sql_add(&text, "SELECT 1::int4, ");
    if (kind != VB_ROW_MESSAGE) {
        vb_branch_extras(&text, kind, &resume, 0);
        return text.status;
    }
    add_message_columns(&text, &resume);
    vb_sql_add(&text, " FROM ");
    vb_sql_add(&text, scope->contract->schema);
    vb_sql_add(&text, ".message m WHERE ");
    vb_branch_owned(&text, "m", &resume);
    vb_branch_between(&text, "m", kind, &resume);
    vb_branch_kept_messages(&text, "m", false);
    return text.status;
}
