/* Citations and attachments, as lists in a message's row: see select_parts.h. */
#include "select_parts.h"

#include <stdio.h>

/* coalesce(t.name, ''): an element for each field, so that the fields can be told apart. */
static void add_element(struct vb_sql *text, const char *relation, const char *name)
{
    vb_sql_add(text, "coalesce(");
    vb_sql_column(text, "t", relation, name);
    vb_sql_add(text, ", '')");
}

/* Citations have no id: ordered by all they hold, byte by byte, so that the order is the same in
 * every database whatever its collation. */
static void add_citations(struct vb_sql *text)
{
    static const char *const names[] = {"title", "url", "snippet"};
    vb_sql_add(text, "array_agg(ARRAY[");
    for (size_t i = 0; i < 3; i++) {
        vb_sql_add(text, i > 0 ? ", " : "");
        add_element(text, "citation", names[i]);
    }
    vb_sql_add(text, "] ORDER BY ");
    for (size_t i = 0; i < 3; i++) {
        vb_sql_add(text, i > 0 ? ", " : "");
        vb_sql_column(text, "t", "citation", names[i]);
        vb_sql_add(text, " COLLATE \"C\"");
    }
    vb_sql_add(text, ")");
}

/* Four fields each: id, url, file_name and content_type. */
static void add_attachments(struct vb_sql *text)
{
    static const char *const names[] = {"url", "file_name", "content_type"};
    vb_sql_add(text, "array_agg(ARRAY[t.id::text");
    for (size_t i = 0; i < 3; i++) {
        vb_sql_add(text, ", ");
        add_element(text, "attachment", names[i]);
    }
    vb_sql_add(text, "] ORDER BY t.id)");
}

/* A list of what hangs on a message. The server's arrays of arrays come flattened, row by row: all
 * fields of one, then all of the next. Most conversations have none of it: the server looks that up
 * once for each, since the condition does not depend on the message, and only then for each
 * message. */
static void add_list(struct vb_sql *text, const struct vb_resume *resume, unsigned wanted,
                     const char *relation, void (*add_value)(struct vb_sql *))
{
    const struct vb_scope *scope = text->scope;
    char source[160];
    if (!(scope->selection->columns & wanted) ||
        !vb_scope_has(scope, relation, "conversation_id")) {
        vb_sql_add(text, ", NULL::text[]");
        return;
    }
    snprintf(source, sizeof source, ".%s t WHERE t.conversation_id = ", relation);
    vb_sql_add(text, ", CASE WHEN ");
    if (text->form == VB_FORM_STRETCH) {
        vb_sql_add(text, "p.has_");
        vb_sql_add(text, relation);
    } else {
        vb_sql_add(text, "(SELECT EXISTS (SELECT FROM ");
        vb_sql_add(text, scope->contract->schema);
        vb_sql_add(text, source);
        vb_sql_owner(text, resume);
        vb_sql_add(text, "))");
    }
    vb_sql_add(text, " THEN (SELECT ");
    add_value(text);
    vb_sql_add(text, "::text[] FROM ");
    vb_sql_add(text, scope->contract->schema);
    vb_sql_add(text, source);
    vb_sql_add(text, "m.conversation_id AND t.message_id = m.id) END");
}

void vb_sql_lists(struct vb_sql *text, const struct vb_resume *resume)
{
    add_list(text, resume, VB_COLUMNS_CITATIONS, "citation", add_citations);
    add_list(text, resume, VB_COLUMNS_MEDIA, "attachment", add_attachments);
}
