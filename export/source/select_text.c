/* Words, literals and columns of the statements that COPY runs: see select_parts.h. */
#include "select_parts.h"

#include "times.h"

#include <stdio.h>
#include <string.h>

void vb_sql_add(struct vb_sql *text, const char *words)
{
    if (text->status == VB_OK)
        text->status = vb_buffer_append_text(text->sql, words);
}

/* Quoted by libpq, with the type that an unknown literal would have to be guessed by. */
void vb_sql_literal(struct vb_sql *text, const char *value, const char *type)
{
    if (text->status != VB_OK)
        return;
    char *literal = PQescapeLiteral(text->connection, value, strlen(value));
    vb_sql_add(text, literal ? literal : "");
    if (!literal)
        text->status = VB_NO_MEMORY;
    PQfreemem(literal);
    vb_sql_add(text, "::");
    vb_sql_add(text, type);
}

void vb_sql_column(struct vb_sql *text, const char *alias, const char *relation, const char *name)
{
    if (text->status == VB_OK)
        text->status = vb_contract_append(text->scope->contract, text->sql, alias, relation, name);
}

/* The conversation of a branch: that of the list, or the only one. */
void vb_sql_owner(struct vb_sql *text, const struct vb_resume *resume)
{
    if (!resume)
        vb_sql_add(text, "p.id");
    else
        vb_sql_literal(text, resume->conversation,
                       vb_contract_cast(text->scope->contract, "conversation", "id"));
}

/* A literal of four bytes, as the stream reads it. */
void vb_sql_kind(struct vb_sql *text, enum vb_row_kind kind)
{
    char number[24];
    snprintf(number, sizeof number, ", %d::int4", (int)kind);
    vb_sql_add(text, number);
}

void vb_sql_time(struct vb_sql *text, const char *alias, enum vb_row_kind kind)
{
    if (text->status == VB_OK)
        text->status = vb_select_append_time(text->sql, text->scope, alias, kind);
}

void vb_sql_stamp(struct vb_sql *text, const char *alias, const char *relation, const char *name)
{
    if (text->status == VB_OK)
        text->status =
            vb_time_append_stamp(text->scope->contract, text->sql, alias, relation, name);
}

/* An instant in the type of the relation's time. */
void vb_sql_instant(struct vb_sql *text, const char *relation, const char *time, vb_instant instant)
{
    const struct vb_contract *contract = text->scope->contract;
    const struct vb_column *column = vb_contract_column(contract, relation, time);
    char bound[VB_TIME_TEXT], words[96];
    vb_time_text(column, instant, bound);
    snprintf(words, sizeof words, "'%s'::%s", bound, vb_contract_cast(contract, relation, time));
    vb_sql_add(text, words);
}
