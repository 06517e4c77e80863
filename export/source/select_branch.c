/* The rows of one kind of one conversation, or of a list of them, in their order: see
 * select_parts.h. */
#include "select_parts.h"

#include <stdio.h>

/* "ALIAS.conversation_id is the owner". In order: in words that take an index led by the column for
 * its order too. An equation makes the column a constant: then any index of created_at promises the
 * order that is left, and where statistics are wrong the planner walks that index once for each
 * conversation, over the whole platform. So only an index led by conversation_id gives the order
 * that is asked for, or the few rows found are sorted. The bounds add nothing but a small estimate,
 * whatever the statistics hold; the list of one lets partitions be left out. See decision 13. */
void vb_branch_owned(struct vb_sql *text, const char *alias, const struct vb_resume *resume)
{
    static const char *const ordered[] = {" = ANY (ARRAY[", "]) AND ", " >= ", " AND ", " <= ", ""};
    static const char *const fenced[] = {" = ", ""};
    bool in_order = text->form == VB_FORM_ORDERED;
    const char *const *words = in_order ? ordered : fenced;
    for (size_t i = 0; i < (in_order ? 6 : 2); i += 2) {
        vb_sql_add(text, alias);
        vb_sql_add(text, ".conversation_id");
        vb_sql_add(text, words[i]);
        vb_sql_owner(text, resume);
        vb_sql_add(text, words[i + 1]);
    }
}

/* Words before the column, between it and the instant, and behind that. */
static void add_border(struct vb_sql *text, const char *const words[3], const char *alias,
                       const char *relation, vb_instant instant)
{
    vb_sql_add(text, words[0]);
    vb_sql_add(text, alias);
    vb_sql_add(text, ".");
    vb_sql_add(text, vb_scope_time(text->scope, relation));
    vb_sql_add(text, words[1]);
    vb_sql_instant(text, relation, "created_at", instant);
    vb_sql_add(text, words[2]);
}

/* The instant of as_of. A row without a time is let through on purpose: it breaks the contract, and
 * must be told rather than left out. In a range of messages it has no place; there both ends are
 * the index's, so that of a giant's years one month is read, and hidden from the planner as
 * vb_scope_bind_rows hides them. Behind a cursor (`is_rest`) the start is left out, being a second
 * lower bound. */
void vb_branch_bound(struct vb_sql *text, const char *alias, const char *relation, bool is_rest)
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
void vb_branch_after(struct vb_sql *text, const struct vb_message_place *after)
{
    if (text->status == VB_OK)
        text->status =
            vb_select_from_place(text->sql, text->connection, text->scope->contract, after);
}

/* All rows of the listed conversations, joined however the server likes. Of several branches each
 * numbers its rows in their order, by which they are put together. */
static void add_joined_rows(struct vb_sql *text, const struct vb_branch *rows)
{
    bool is_branch = text->place > 0;
    char words[192];
    if (is_branch) {
        snprintf(words, sizeof words, ", %zu, row_number() OVER (ORDER BY p.n, ", text->place);
        vb_sql_add(text, words);
        vb_sql_add(text, rows->order);
        vb_sql_add(text, ")");
    }
    snprintf(words, sizeof words, " FROM p JOIN %s.%s %s ON %s.conversation_id = p.id WHERE true",
             text->scope->contract->schema, rows->name, rows->alias, rows->alias);
    vb_sql_add(text, words);
    rows->add_conditions(text, rows, NULL);
    if (!is_branch) {
        vb_sql_add(text, " ORDER BY p.n, ");
        vb_sql_add(text, rows->order);
    }
}

/* The rows of the relation in their order. A fence (OFFSET 0) keeps the order from the planner's
 * choice of an index: all rows of the conversation are found first. */
void vb_branch_ordered(struct vb_sql *text, const struct vb_branch *rows,
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
    vb_sql_add(text, words);
    vb_branch_owned(text, alias, resume);
    rows->add_conditions(text, rows, resume);
    if (in_order)
        snprintf(words, sizeof words, " ORDER BY %s.conversation_id, ", alias);
    else
        snprintf(words, sizeof words, " OFFSET 0) %s ORDER BY ", alias);
    vb_sql_add(text, words);
    vb_sql_add(text, rows->order);
}

/* A row without an id passes: it is not known, and must not go in silence. */
void vb_branch_left_out(struct vb_sql *text, const char *alias, enum vb_row_kind kind)
{
    const struct vb_left_out *left_out = text->scope->left_out;
    const char *separator = NULL;
    for (size_t i = 0; left_out && i < left_out->count; i++) {
        const struct vb_left_out_row *row = &left_out->rows[i];
        if (row->kind != kind)
            continue;
        if (row->id[0] == '\0') {
            vb_sql_add(text, " AND false");
            continue;
        }
        if (!separator) {
            vb_sql_add(text, " AND (");
            vb_sql_add(text, alias);
        }
        vb_sql_add(text, separator ? separator : ".id <> ALL (ARRAY[");
        vb_sql_literal(text, row->id,
                       vb_contract_cast(text->scope->contract, vb_select_relation(kind), "id"));
        separator = ", ";
    }
    vb_sql_add(text, separator ? "])) IS NOT FALSE" : "");
}

void vb_branch_between(struct vb_sql *text, const char *alias, enum vb_row_kind kind,
                       const struct vb_resume *resume)
{
    const char *const ids[] = {resume ? resume->low : NULL, resume ? resume->high : NULL};
    for (size_t i = 0; i < 2; i++) {
        if (!ids[i])
            continue;
        vb_sql_add(text, " AND ");
        vb_sql_add(text, alias);
        vb_sql_add(text, i == 0 ? ".id > " : ".id <= ");
        vb_sql_literal(text, ids[i],
                       vb_contract_cast(text->scope->contract, vb_select_relation(kind), "id"));
    }
}

/* Those of the range, without what the platform calls deleted unless that was asked for. */
void vb_branch_kept_messages(struct vb_sql *text, const char *alias, bool is_rest)
{
    vb_branch_bound(text, alias, "message", is_rest);
    vb_branch_left_out(text, alias, VB_ROW_MESSAGE);
    if (!vb_scope_hides_deleted(text->scope, "message"))
        return;
    vb_sql_add(text, " AND ");
    vb_sql_add(text, alias);
    vb_sql_add(text, ".deleted_at IS NULL");
}
