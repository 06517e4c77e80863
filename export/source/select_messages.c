/* SQL of messages and of the rows that come with them: see select.h. Appends to the caller's
 * buffers, owns nothing.
 *
 * One statement holds all kinds of a conversation's rows as branches of a UNION ALL, one behind the
 * other: the server appends branches in the order in which they are written, and the reader checks
 * that it did. A selection that asks for messages alone gets no branches.
 *
 * COPY takes no parameters, so values stand as literals that libpq quoted for this very connection.
 */
#include "select.h"

#include "times.h"

#include <stdio.h>
#include <string.h>

/* A relation whose rows belong to a conversation. NULL for a field that it has not. */
struct relation {
    const char *name;
    const char *time, *id, *first, *second, *third, *left;
    unsigned wanted;      /* enum vb_columns */
    bool orders_by_bytes; /* its texts, so that the order is that of no collation */
};

static const struct relation relations[] = {
    [VB_ROW_NOTE] = {"note", "created_at", "id", "author", "text", NULL, NULL, VB_COLUMNS_NOTES,
                     false},
    [VB_ROW_EVENT] = {"event", "created_at", "id", "kind", "actor", "detail", NULL,
                      VB_COLUMNS_EVENTS, false},
    [VB_ROW_SKILL] = {"skill_run", "created_at", NULL, "name", "outcome", "message_id", NULL,
                      VB_COLUMNS_SKILLS, false},
    [VB_ROW_PARTICIPANT] = {"participant", "joined_at", NULL, "name", "role", "contact_id",
                            "left_at", VB_COLUMNS_PARTICIPANTS, true},
    [VB_ROW_REACTION] = {"reaction", "created_at", NULL, "name", "by", "message_id", NULL,
                         VB_COLUMNS_REACTIONS, true},
    [VB_ROW_REVISION] = {"revision", "created_at", NULL, "editor", "text", "message_id", NULL,
                         VB_COLUMNS_REVISIONS, true},
};

bool vb_select_is_rich(const struct vb_selection *selection)
{
    return (selection->columns &
            (VB_COLUMNS_DETAILS | VB_COLUMNS_CITATIONS | VB_COLUMNS_MEDIA | VB_COLUMNS_NOTES |
             VB_COLUMNS_EVENTS | VB_COLUMNS_SKILLS | VB_COLUMNS_MARKS | VB_COLUMNS_EXTRA |
             VB_COLUMNS_PARTICIPANTS | VB_COLUMNS_REACTIONS | VB_COLUMNS_REVISIONS)) != 0;
}

/* A relation that is not there has no rows. */
static void add_kind(struct vb_row_kinds *kinds, const struct vb_contract *contract,
                     enum vb_row_kind kind)
{
    if (vb_contract_column(contract, relations[kind].name, "conversation_id")->type != 0)
        kinds->items[kinds->count++] = kind;
}

struct vb_row_kinds vb_select_kinds(const struct vb_contract *contract,
                                    const struct vb_selection *selection)
{
    struct vb_row_kinds kinds = {0};
    unsigned columns = selection->columns;
    bool notes = columns & VB_COLUMNS_NOTES;
    bool notes_first = columns & VB_COLUMNS_NOTES_FIRST;
    if (notes && notes_first)
        add_kind(&kinds, contract, VB_ROW_NOTE);
    if (!(columns & VB_COLUMNS_NO_MESSAGES))
        kinds.items[kinds.count++] = VB_ROW_MESSAGE;
    if (notes && !notes_first)
        add_kind(&kinds, contract, VB_ROW_NOTE);
    for (enum vb_row_kind kind = VB_ROW_EVENT; kind < VB_ROW_KINDS; kind++)
        if (columns & relations[kind].wanted)
            add_kind(&kinds, contract, kind);
    return kinds;
}

/* A statement in the making; the first failure stays. */
struct text {
    struct vb_buffer *sql;
    const struct vb_scope *scope;
    PGconn *connection;
    enum vb_rows_form form;
    enum vb_status status;
    size_t place; /* of the branch among the kinds, where a stretch has several; else 0 */
};

static void add(struct text *text, const char *words)
{
    if (text->status == VB_OK)
        text->status = vb_buffer_append_text(text->sql, words);
}

/* Quoted by libpq, with the type that an unknown literal would have to be guessed by. */
static void add_literal(struct text *text, const char *value, const char *type)
{
    if (text->status != VB_OK)
        return;
    char *literal = PQescapeLiteral(text->connection, value, strlen(value));
    add(text, literal ? literal : "");
    if (!literal)
        text->status = VB_NO_MEMORY;
    PQfreemem(literal);
    add(text, "::");
    add(text, type);
}

static void add_column(struct text *text, const char *alias, const char *relation, const char *name)
{
    if (text->status == VB_OK)
        text->status = vb_contract_append(text->scope->contract, text->sql, alias, relation, name);
}

/* The conversation of a branch: that of the list, or the only one. */
static void add_owner(struct text *text, const struct vb_resume *resume)
{
    if (!resume)
        add(text, "p.id");
    else
        add_literal(text, resume->conversation,
                    vb_contract_cast(text->scope->contract, "conversation", "id"));
}

/* coalesce(t.name, ''): an element for each field, so that the fields can be told apart. */
static void add_element(struct text *text, const char *relation, const char *name)
{
    add(text, "coalesce(");
    add_column(text, "t", relation, name);
    add(text, ", '')");
}

/* Citations have no id: ordered by all they hold, byte by byte, so that the order is the same in
 * every database whatever its collation. */
static void add_citations(struct text *text)
{
    static const char *const names[] = {"title", "url", "snippet"};
    add(text, "array_agg(ARRAY[");
    for (size_t i = 0; i < 3; i++) {
        add(text, i > 0 ? ", " : "");
        add_element(text, "citation", names[i]);
    }
    add(text, "] ORDER BY ");
    for (size_t i = 0; i < 3; i++) {
        add(text, i > 0 ? ", " : "");
        add_column(text, "t", "citation", names[i]);
        add(text, " COLLATE \"C\"");
    }
    add(text, ")");
}

/* Four fields each: id, url, file_name and content_type. */
static void add_attachments(struct text *text)
{
    static const char *const names[] = {"url", "file_name", "content_type"};
    add(text, "array_agg(ARRAY[t.id::text");
    for (size_t i = 0; i < 3; i++) {
        add(text, ", ");
        add_element(text, "attachment", names[i]);
    }
    add(text, "] ORDER BY t.id)");
}

/* A list of what hangs on a message. The server's arrays of arrays come flattened, row by row: all
 * fields of one, then all of the next. Most conversations have none of it: the server looks that up
 * once for each, since the condition does not depend on the message, and only then for each
 * message. */
static void add_list(struct text *text, const struct vb_resume *resume, unsigned wanted,
                     const char *relation, void (*add_value)(struct text *))
{
    const struct vb_scope *scope = text->scope;
    char source[160];
    if (!(scope->selection->columns & wanted) ||
        !vb_scope_has(scope, relation, "conversation_id")) {
        add(text, ", NULL::text[]");
        return;
    }
    snprintf(source, sizeof source, ".%s t WHERE t.conversation_id = ", relation);
    add(text, ", CASE WHEN ");
    if (text->form == VB_FORM_STRETCH) {
        add(text, "p.has_");
        add(text, relation);
    } else {
        add(text, "(SELECT EXISTS (SELECT FROM ");
        add(text, scope->contract->schema);
        add(text, source);
        add_owner(text, resume);
        add(text, "))");
    }
    add(text, " THEN (SELECT ");
    add_value(text);
    add(text, "::text[] FROM ");
    add(text, scope->contract->schema);
    add(text, source);
    add(text, "m.conversation_id AND t.message_id = m.id) END");
}

static void add_rich_columns(struct text *text, const struct vb_resume *resume)
{
    add(text, ", ");
    if (text->scope->selection->columns & VB_COLUMNS_DETAILS)
        add_column(text, "m", "message", "feedback");
    else
        add(text, "NULL::text");
    add_list(text, resume, VB_COLUMNS_CITATIONS, "citation", add_citations);
    add_list(text, resume, VB_COLUMNS_MEDIA, "attachment", add_attachments);
}

/* In the types that the other branches' rows have there: timestamptz and text. */
static void add_marks(struct text *text)
{
    static const struct {
        const char *name, *cast;
        enum vb_marks mark;
    } marks[] = {
        {"edited_at", "::timestamptz", VB_MARK_EDITED_AT},
        {"deleted_at", "::timestamptz", VB_MARK_DELETED_AT},
        {"kind", "::text", VB_MARK_KIND},
        {"reply_to", "::text", VB_MARK_REPLY_TO},
        {"format", "::text", VB_MARK_FORMAT},
        {"extra", "::text", VB_MARK_EXTRA},
    };
    unsigned wanted = vb_select_marks(text->scope, "message");
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        bool is_wanted = (wanted & (unsigned)marks[i].mark) != 0;
        add(text, is_wanted ? ", m." : ", NULL");
        if (is_wanted)
            add(text, marks[i].name);
        add(text, marks[i].cast);
    }
}

/* A literal of four bytes, as the stream reads it. */
static void add_kind_number(struct text *text, enum vb_row_kind kind)
{
    char number[24];
    snprintf(number, sizeof number, ", %d::int4", (int)kind);
    add(text, number);
}

static void add_time(struct text *text, const char *alias, enum vb_row_kind kind)
{
    if (text->status == VB_OK)
        text->status = vb_select_append_time(text->sql, text->scope, alias, kind);
}

static void add_message_columns(struct text *text, const struct vb_resume *resume)
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
        add(text, i > VB_ROW_ID ? ", " : "");
        if (i == VB_ROW_CREATED_AT)
            add_time(text, "m", VB_ROW_MESSAGE);
        else
            add_column(text, "m", "message", columns[i]);
    }
    if (!vb_select_is_rich(text->scope->selection))
        return;
    add_rich_columns(text, resume);
    add_marks(text);
    add_kind_number(text, VB_ROW_MESSAGE);
}

/* "ALIAS.conversation_id is the owner". In order: in words that take an index led by the column for
 * its order too. An equation makes the column a constant: then any index of created_at promises the
 * order that is left, and where statistics are wrong the planner walks that index once for each
 * conversation, over the whole platform. So only an index led by conversation_id gives the order
 * that is asked for, or the few rows found are sorted. The bounds add nothing but a small estimate,
 * whatever the statistics hold; the list of one lets partitions be left out. See decision 13. */
static void add_is_owned(struct text *text, const char *alias, const struct vb_resume *resume)
{
    static const char *const ordered[] = {" = ANY (ARRAY[", "]) AND ", " >= ", " AND ", " <= ", ""};
    static const char *const fenced[] = {" = ", ""};
    bool in_order = text->form == VB_FORM_ORDERED;
    const char *const *words = in_order ? ordered : fenced;
    for (size_t i = 0; i < (in_order ? 6 : 2); i += 2) {
        add(text, alias);
        add(text, ".conversation_id");
        add(text, words[i]);
        add_owner(text, resume);
        add(text, words[i + 1]);
    }
}

/* An instant in the type of the relation's time. */
static void add_instant(struct text *text, const char *relation, const char *time,
                        vb_instant instant)
{
    const struct vb_contract *contract = text->scope->contract;
    const struct vb_column *column = vb_contract_column(contract, relation, time);
    char bound[VB_TIME_TEXT], words[96];
    vb_time_text(column, instant, bound);
    snprintf(words, sizeof words, "'%s'::%s", bound, vb_contract_cast(contract, relation, time));
    add(text, words);
}

/* Words before the column, between it and the instant, and behind that. */
static void add_border(struct text *text, const char *const words[3], const char *alias,
                       const char *relation, vb_instant instant)
{
    add(text, words[0]);
    add(text, alias);
    add(text, ".");
    add(text, vb_scope_time(text->scope, relation));
    add(text, words[1]);
    add_instant(text, relation, "created_at", instant);
    add(text, words[2]);
}

/* The instant of as_of. A row without a time is let through on purpose: it breaks the contract, and
 * must be told rather than left out. In a range of messages it has no place; there both ends are
 * the index's, so that of a giant's years one month is read, and hidden from the planner as
 * vb_scope_bind_rows hides them. Behind a cursor (`is_rest`) the start is left out, being a second
 * lower bound. */
static void add_bound(struct text *text, const char *alias, const char *relation, bool is_rest)
{
    static const char *const until[] = {" AND (", " < ", ") IS NOT FALSE"};
    static const char *const from[] = {" AND ", " >= (SELECT ", ")"};
    static const char *const before[] = {" AND ", " < (SELECT ", ")"};
    const struct vb_selection *selection = text->scope->selection;
    if (!selection->activity) {
        add_border(text, until, alias, relation, selection->as_of + 1);
        return;
    }
    if (!is_rest)
        add_border(text, from, alias, relation, selection->from);
    add_border(text, before, alias, relation, vb_scope_end(selection));
}

/* Keyset, not OFFSET: what was read is not walked over again, but for what shares the place of the
 * last of it (add_messages). */
static void add_after(struct text *text, const struct vb_message_place *after)
{
    if (text->status == VB_OK)
        text->status =
            vb_select_from_place(text->sql, text->connection, text->scope->contract, after);
}

/* Of a conversation's rows of one kind: where they are from, and in which order. */
struct rows {
    const char *alias, *name, *order;
    const struct relation *relation;      /* NULL: messages */
    const struct vb_message_place *after; /* of messages: where reading goes on, or NULL */
};

static void add_conditions(struct text *text, const struct rows *rows,
                           const struct vb_resume *resume);

/* All rows of the listed conversations, joined however the server likes. Of several branches each
 * numbers its rows in their order, by which they are put together. */
static void add_joined_rows(struct text *text, const struct rows *rows)
{
    bool is_branch = text->place > 0;
    char words[192];
    if (is_branch) {
        snprintf(words, sizeof words, ", %zu, row_number() OVER (ORDER BY p.n, ", text->place);
        add(text, words);
        add(text, rows->order);
        add(text, ")");
    }
    snprintf(words, sizeof words, " FROM p JOIN %s.%s %s ON %s.conversation_id = p.id WHERE true",
             text->scope->contract->schema, rows->name, rows->alias, rows->alias);
    add(text, words);
    add_conditions(text, rows, NULL);
    if (!is_branch) {
        add(text, " ORDER BY p.n, ");
        add(text, rows->order);
    }
}

/* The rows of the relation in their order. A fence (OFFSET 0) keeps the order from the planner's
 * choice of an index: all rows of the conversation are found first. */
static void add_ordered_rows(struct text *text, const struct rows *rows,
                             const struct vb_resume *resume)
{
    bool in_order = text->form == VB_FORM_ORDERED;
    const char *alias = rows->alias;
    char words[192];
    if (text->form == VB_FORM_STRETCH) {
        add_joined_rows(text, rows);
        return;
    }
    snprintf(words, sizeof words, " FROM %s%s%s%s.%s %s WHERE ", in_order ? "" : "(SELECT ",
             in_order ? "" : alias, in_order ? "" : ".* FROM ", text->scope->contract->schema,
             rows->name, alias);
    add(text, words);
    add_is_owned(text, alias, resume);
    add_conditions(text, rows, resume);
    if (in_order)
        snprintf(words, sizeof words, " ORDER BY %s.conversation_id, ", alias);
    else
        snprintf(words, sizeof words, " OFFSET 0) %s ORDER BY ", alias);
    add(text, words);
    add(text, rows->order);
}

/* Those of the range, without what the platform calls deleted unless that was asked for. */
static void add_kept_messages(struct text *text, const char *alias, bool is_rest)
{
    add_bound(text, alias, "message", is_rest);
    if (!vb_scope_hides_deleted(text->scope, "message"))
        return;
    add(text, " AND ");
    add(text, alias);
    add(text, ".deleted_at IS NULL");
}

/* LIMIT is of one conversation, since this stands within a LATERAL. */
static void add_messages(struct text *text, const struct vb_resume *resume, size_t limit)
{
    char words[64];
    bool goes_on = resume && resume->after;
    char order[64];
    struct rows rows = {"m", "message", order, NULL, goes_on ? resume->after : NULL};
    snprintf(order, sizeof order, "m.%s, %sm.id", vb_scope_time(text->scope, "message"),
             vb_scope_has(text->scope, "message", "position") ? "m.position, " : "");
    add_message_columns(text, resume);
    add_ordered_rows(text, &rows, resume);
    snprintf(words, sizeof words, " LIMIT %zu OFFSET %llu", limit,
             (unsigned long long)(goes_on ? resume->ties : 0));
    add(text, text->form == VB_FORM_STRETCH ? "" : words);
}

/* Whether the relation has that field, and the source the column. */
static bool has(const struct text *text, const struct relation *relation, const char *name)
{
    return name && vb_scope_has(text->scope, relation->name, name);
}

/* A field of the relation in a type of messages' rows; NULL for what it has not. */
static void add_extra_field(struct text *text, const struct relation *relation, const char *name,
                            const char *type)
{
    add(text, has(text, relation, name) ? ", t." : ", NULL");
    add(text, has(text, relation, name) ? name : "");
    add(text, "::");
    add(text, type);
}

/* A time as a timestamptz, or NULL. */
static void add_stamp(struct text *text, const struct relation *relation, const char *name)
{
    bool is_there = has(text, relation, name);
    add(text, is_there ? ", " : ", NULL::timestamptz");
    if (is_there && text->status == VB_OK)
        text->status =
            vb_time_append_stamp(text->scope->contract, text->sql, "t", relation->name, name);
    add(text, is_there ? "::timestamptz" : "");
}

/* By time, then by the id. Without one the rest of the row ends ties: rows that are equal in all
 * cannot be told apart. */
static void list_extra_order(const struct text *text, const struct relation *relation,
                             char order[512])
{
    const char *const fields[] = {relation->time,   relation->id,    relation->first,
                                  relation->second, relation->third, relation->left};
    size_t count = relation->id ? 2 : sizeof fields / sizeof fields[0];
    size_t length = 0;
    order[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        bool by_bytes = (i == 2 || i == 3) && relation->orders_by_bytes;
        if (has(text, relation, fields[i]))
            length += (size_t)snprintf(
                order + length, 512 - length, "%st.%s%s", length > 0 ? ", " : "",
                vb_contract_column(text->scope->contract, relation->name, fields[i])->name,
                by_bytes ? "::text COLLATE \"C\"" : "");
    }
}

/* What hangs on a message is there with it. IS TRUE keeps the list what it is, made once for a
 * conversation and only where there is something to look up in it, and no join. */
static void add_of_kept_messages(struct text *text, const struct vb_resume *resume)
{
    bool is_stretch = text->form == VB_FORM_STRETCH;
    if (!text->scope->selection->activity && !vb_scope_hides_deleted(text->scope, "message"))
        return;
    add(text, " AND (t.message_id IN (SELECT d.id FROM ");
    add(text, is_stretch ? "p q JOIN " : "");
    add(text, text->scope->contract->schema);
    add(text, is_stretch ? ".message d ON d.conversation_id = q.id WHERE true"
                         : ".message d WHERE d.conversation_id = ");
    if (!is_stretch)
        add_owner(text, resume);
    add_kept_messages(text, "d", false);
    add(text, ")) IS TRUE");
}

/* Messages, notes, events and skills are of the range themselves. Participants are of the
 * conversation, and reactions and revisions of its messages, whenever: all up to as_of, or without
 * a time. */
static void add_conditions(struct text *text, const struct rows *rows,
                           const struct vb_resume *resume)
{
    const struct relation *relation = rows->relation;
    if (rows->after)
        add_after(text, rows->after);
    if (!relation) {
        add_kept_messages(text, rows->alias, rows->after != NULL);
        return;
    }
    if (relation->wanted & (VB_COLUMNS_NOTES | VB_COLUMNS_EVENTS | VB_COLUMNS_SKILLS)) {
        add_bound(text, rows->alias, relation->name, false);
    } else if (has(text, relation, relation->time)) {
        add(text, " AND (t.");
        add(text, vb_contract_column(text->scope->contract, relation->name, relation->time)->name);
        add(text, " <= ");
        add_instant(text, relation->name, relation->time, text->scope->selection->as_of);
        add(text, ") IS NOT FALSE");
    }
    if (relation->wanted & (VB_COLUMNS_REACTIONS | VB_COLUMNS_REVISIONS))
        add_of_kept_messages(text, resume);
}

/* In the shape of a message's row, since branches of one statement share their columns. The casts
 * stand in the list of results alone: what is filtered and ordered by is bare. */
static void add_extras(struct text *text, enum vb_row_kind kind, const struct vb_resume *resume,
                       uint64_t skip)
{
    const struct vb_contract *contract = text->scope->contract;
    const struct relation *relation = &relations[kind];
    char order[512], words[192];
    struct rows rows = {"t", relation->name, order, relation, NULL};
    bool is_further = kind > VB_ROW_SKILL;
    snprintf(words, sizeof words, "NULL::%s, ", vb_contract_cast(contract, "message", "id"));
    add(text, words);
    if (is_further)
        add(text, "NULL");
    else
        add_time(text, "t", kind);
    snprintf(words, sizeof words, ", NULL::%s", vb_contract_cast(contract, "message", "position"));
    add(text, words);
    add_extra_field(text, relation, relation->id, "text");
    add_extra_field(text, relation, relation->first, "text");
    add_extra_field(text, relation, relation->second, "text");
    add_extra_field(text, relation, relation->third, "text");
    add(text, ", NULL, NULL, NULL, NULL, NULL, NULL"); /* of the types that messages have there */
    add_stamp(text, relation, relation->left);
    add_stamp(text, relation, is_further ? relation->time : NULL);
    add(text, ", NULL, NULL, NULL, NULL");
    add_kind_number(text, kind);
    list_extra_order(text, relation, order);
    add_ordered_rows(text, &rows, resume);
    snprintf(words, sizeof words, " OFFSET %llu", (unsigned long long)skip);
    add(text, text->form == VB_FORM_STRETCH ? "" : words);
}

static void add_kind_rows(struct text *text, enum vb_row_kind kind, const struct vb_resume *resume,
                          size_t limit, uint64_t skip)
{
    add(text, text->form == VB_FORM_STRETCH ? "SELECT p.n::int4, " : "SELECT ");
    if (kind == VB_ROW_MESSAGE)
        add_messages(text, resume, limit);
    else
        add_extras(text, kind, resume, skip);
}

/* Branches keep their own order only in brackets. */
static void add_rows(struct text *text, const struct vb_resume *resume, size_t limit)
{
    struct vb_row_kinds kinds = vb_select_kinds(text->scope->contract, text->scope->selection);
    size_t first = resume ? resume->kind : 0;
    bool several = kinds.count - first > 1;
    for (size_t i = first; i < kinds.count; i++) {
        uint64_t skip = resume && i == first ? resume->skip : 0;
        text->place = several ? i + 1 : 0;
        add(text, i > first ? " UNION ALL (" : several ? "(" : "");
        add_kind_rows(text, kinds.items[i], resume, limit, skip);
        add(text, several ? ")" : "");
    }
}

/* Whether there is anything of the relation is asked once for each conversation. */
static void add_has(struct text *text, unsigned wanted, const char *relation)
{
    const struct vb_scope *scope = text->scope;
    char words[256];
    if (!(scope->selection->columns & wanted) || !vb_scope_has(scope, relation, "conversation_id"))
        return;
    snprintf(words, sizeof words,
             ", EXISTS (SELECT FROM %s.%s t WHERE t.conversation_id = q.id) AS has_%s",
             scope->contract->schema, relation, relation);
    add(text, words);
}

/* The same rows as by the other forms. Branches have two columns more, which are left behind. */
static void add_stretch(struct text *text, const char *list, const char *type)
{
    bool several = vb_select_kinds(text->scope->contract, text->scope->selection).count > 1;
    char name[24];
    add(text, "WITH p AS MATERIALIZED (SELECT q.id, q.n");
    add_has(text, VB_COLUMNS_CITATIONS, "citation");
    add_has(text, VB_COLUMNS_MEDIA, "attachment");
    add(text, " FROM unnest(");
    add_literal(text, list, type);
    add(text, ") WITH ORDINALITY q (id, n)) ");
    for (size_t i = 0; i < VB_ROW_COUNT && several; i++) {
        snprintf(name, sizeof name, "%s%zu", i > 0 ? ", u.c" : "SELECT u.c", i);
        add(text, name);
    }
    add(text, several ? " FROM (" : "");
    add_rows(text, NULL, 0);
    for (size_t i = 0; i < VB_ROW_COUNT && several; i++) {
        snprintf(name, sizeof name, "%s%zu", i > 0 ? ", c" : ") u (c", i);
        add(text, name);
    }
    add(text, several ? ", place, number) ORDER BY u.c0, u.place, u.number" : "");
}

enum vb_status vb_select_messages(struct vb_buffer *sql, PGconn *connection,
                                  const struct vb_scope *scope, enum vb_rows_form form,
                                  const char *list, size_t limit)
{
    struct text text = {sql, scope, connection, form, VB_OK, 0};
    char type[32];
    snprintf(type, sizeof type, "%s[]", vb_contract_cast(scope->contract, "conversation", "id"));
    if (form == VB_FORM_STRETCH) {
        add_stretch(&text, list, type);
        return text.status;
    }
    add(&text, "SELECT p.n::int4, m.* FROM unnest(");
    add_literal(&text, list, type);
    add(&text, ") WITH ORDINALITY p (id, n) CROSS JOIN LATERAL (");
    add_rows(&text, NULL, limit);
    add(&text, ") m");
    return text.status;
}

enum vb_status vb_select_rest(struct vb_buffer *sql, PGconn *connection,
                              const struct vb_scope *scope, enum vb_rows_form form,
                              const struct vb_resume *resume, size_t limit)
{
    struct vb_row_kinds kinds = vb_select_kinds(scope->contract, scope->selection);
    struct text text = {sql, scope, connection, form, VB_OK, 0};
    if (kinds.items[resume->kind] == VB_ROW_MESSAGE) {
        /* Behind a limit that will mostly be filled, further branches would be sorted for nothing
         * each time. */
        add(&text, "SELECT 1::int4, ");
        add_messages(&text, resume, limit);
        return text.status;
    }
    add(&text, "SELECT 1::int4, m.* FROM (");
    add_rows(&text, resume, limit);
    add(&text, ") m");
    return text.status;
}

enum vb_status vb_select_between(struct vb_buffer *sql, PGconn *connection,
                                 const struct vb_scope *scope, const char *conversation,
                                 const char *low, const char *high)
{
    const char *type = vb_contract_cast(scope->contract, "message", "id");
    struct vb_resume resume = {.conversation = conversation};
    struct text text = {sql, scope, connection, VB_FORM_FENCED, VB_OK, 0};
    add(&text, "SELECT 1::int4, ");
    add_message_columns(&text, &resume);
    add(&text, " FROM ");
    add(&text, scope->contract->schema);
    add(&text, ".message m WHERE ");
    add_is_owned(&text, "m", &resume);
    if (low) {
        add(&text, " AND m.id > ");
        add_literal(&text, low, type);
    }
    add(&text, " AND m.id <= ");
    add_literal(&text, high, type);
    add_kept_messages(&text, "m", false);
    return text.status;
}
