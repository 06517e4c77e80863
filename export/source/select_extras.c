/* Rows that are no messages (notes, events, skills, participants, reactions, revisions), in the
 * shape of a message's row: see select_parts.h and, for the kinds, select.h. */
#include "select_parts.h"

#include <stdio.h>

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

const char *vb_select_relation(enum vb_row_kind kind)
{
    return kind == VB_ROW_MESSAGE ? "message" : relations[kind].name;
}

bool vb_select_has_ids(enum vb_row_kind kind)
{
    return kind == VB_ROW_MESSAGE || relations[kind].id;
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

/* Whether the relation has that field, and the source the column. */
static bool has(const struct vb_sql *text, const struct relation *relation, const char *name)
{
    return name && vb_scope_has(text->scope, relation->name, name);
}

/* A field of the relation in a type of messages' rows; NULL for what it has not. */
static void add_extra_field(struct vb_sql *text, const struct relation *relation, const char *name,
                            const char *type)
{
    vb_sql_add(text, has(text, relation, name) ? ", t." : ", NULL");
    vb_sql_add(text, has(text, relation, name) ? name : "");
    vb_sql_add(text, "::");
    vb_sql_add(text, type);
}

/* A time as a timestamptz, or NULL. */
static void add_stamp(struct vb_sql *text, const struct relation *relation, const char *name)
{
    bool is_there = has(text, relation, name);
    vb_sql_add(text, is_there ? ", " : ", NULL::timestamptz");
    if (is_there)
        vb_sql_stamp(text, "t", relation->name, name);
    vb_sql_add(text, is_there ? "::timestamptz" : "");
}

/* By time, then by the id. Without one the rest of the row ends ties: rows that are equal in all
 * cannot be told apart. */
static void list_extra_order(const struct vb_sql *text, const struct relation *relation,
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
static void add_of_kept_messages(struct vb_sql *text, const struct vb_resume *resume)
{
    bool is_stretch = text->form == VB_FORM_STRETCH;
    if (!text->scope->selection->activity && !vb_scope_hides_deleted(text->scope, "message"))
        return;
    vb_sql_add(text, " AND (t.message_id IN (SELECT d.id FROM ");
    vb_sql_add(text, is_stretch ? "p q JOIN " : "");
    vb_sql_add(text, text->scope->contract->schema);
    vb_sql_add(text, is_stretch ? ".message d ON d.conversation_id = q.id WHERE true"
                                : ".message d WHERE d.conversation_id = ");
    if (!is_stretch)
        vb_sql_owner(text, resume);
    vb_branch_kept_messages(text, "d", false);
    vb_sql_add(text, ")) IS TRUE");
}

/* Notes, events and skills are of the range themselves. Participants are of the conversation, and
 * reactions and revisions of its messages, whenever: all up to as_of, or without a time. */
static void add_conditions(struct vb_sql *text, const struct vb_branch *rows,
                           const struct vb_resume *resume)
{
    const struct relation *relation = &relations[rows->kind];
    if (relation->wanted & (VB_COLUMNS_NOTES | VB_COLUMNS_EVENTS | VB_COLUMNS_SKILLS)) {
        vb_branch_bound(text, rows->alias, relation->name, false);
    } else if (has(text, relation, relation->time)) {
        vb_sql_add(text, " AND (t.");
        vb_sql_add(text,
                   vb_contract_column(text->scope->contract, relation->name, relation->time)->name);
        vb_sql_add(text, " <= ");
        vb_sql_instant(text, relation->name, relation->time, text->scope->selection->as_of);
        vb_sql_add(text, ") IS NOT FALSE");
    }
    if (relation->wanted & (VB_COLUMNS_REACTIONS | VB_COLUMNS_REVISIONS))
        add_of_kept_messages(text, resume);
    vb_branch_left_out(text, rows->alias, rows->kind);
    vb_branch_between(text, rows->alias, rows->kind, resume);
}

/* In the shape of a message's row, since branches of one statement share their columns. The casts
 * stand in the list of results alone: what is filtered and ordered by is bare. */
void vb_branch_extras(struct vb_sql *text, enum vb_row_kind kind, const struct vb_resume *resume,
                      uint64_t skip)
{
    const struct vb_contract *contract = text->scope->contract;
    const struct relation *relation = &relations[kind];
    char order[512], words[192];
    struct vb_branch rows = {"t", relation->name, order, kind, NULL, add_conditions};
    bool is_further = kind > VB_ROW_SKILL;
    snprintf(words, sizeof words, "NULL::%s, ", vb_contract_cast(contract, "message", "id"));
    vb_sql_add(text, words);
    if (is_further)
        vb_sql_add(text, "NULL");
    else
        vb_sql_time(text, "t", kind);
    snprintf(words, sizeof words, ", NULL::%s", vb_contract_cast(contract, "message", "position"));
    vb_sql_add(text, words);
    add_extra_field(text, relation, relation->id, "text");
    add_extra_field(text, relation, relation->first, "text");
    add_extra_field(text, relation, relation->second, "text");
    add_extra_field(text, relation, relation->third, "text");
    /* Of the types that messages have there. */
    vb_sql_add(text, ", NULL, NULL, NULL, NULL, NULL, NULL");
    add_stamp(text, relation, relation->left);
    add_stamp(text, relation, is_further ? relation->time : NULL);
    vb_sql_add(text, ", NULL, NULL, NULL, NULL");
    vb_sql_kind(text, kind);
    list_extra_order(text, relation, order);
    vb_branch_ordered(text, &rows, resume);
    snprintf(words, sizeof words, " OFFSET %llu", (unsigned long long)skip);
    vb_sql_add(text, text->form == VB_FORM_STRETCH ? "" : words);
}
