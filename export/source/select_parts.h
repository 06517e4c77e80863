/* What the statements of messages and of the rows beside them are put together from: words
 * (select_text.c), a message's lists (select_lists.c), branches (select_branch.c) and those of rows
 * that are no messages (select_extras.c). select_messages.c makes the whole; for this room alone.
 *
 * COPY takes no parameters, so values stand as literals that libpq quoted for this very connection.
 * All append to the statement in the making, own nothing, and leave its first failure in `status`,
 * behind which nothing is appended. Any thread; the connection belongs to the caller's.
 */
#ifndef VERBATIM_EXPORT_SOURCE_SELECT_PARTS_H
#define VERBATIM_EXPORT_SOURCE_SELECT_PARTS_H

#include "select.h"

/* A statement in the making; the first failure stays. */
struct vb_sql {
    struct vb_buffer *sql;
    const struct vb_scope *scope;
    PGconn *connection;
    enum vb_rows_form form;
    enum vb_status status;
    size_t place; /* of the branch among the kinds, where a stretch has several; else 0 */
};

void vb_sql_add(struct vb_sql *text, const char *words);
/* Quoted by libpq, with the type that an unknown literal would have to be guessed by. */
void vb_sql_literal(struct vb_sql *text, const char *value, const char *type);
/* ALIAS.NAME, or NULL in its type where the source lacks the column. */
void vb_sql_column(struct vb_sql *text, const char *alias, const char *relation, const char *name);
/* The conversation of a branch: that of the list (`resume` NULL), or the only one. */
void vb_sql_owner(struct vb_sql *text, const struct vb_resume *resume);
/* A time as a timestamptz, for results alone (vb_time_append_stamp). */
void vb_sql_stamp(struct vb_sql *text, const char *alias, const char *relation, const char *name);
/* The column of results that holds the row's time, for that kind. */
void vb_sql_time(struct vb_sql *text, const char *alias, enum vb_row_kind kind);
/* The last column of a rich row: which kind it is. */
void vb_sql_kind(struct vb_sql *text, enum vb_row_kind kind);
/* An instant in the type of the relation's column. */
void vb_sql_instant(struct vb_sql *text, const char *relation, const char *time,
                    vb_instant instant);
/* Citations and attachments of message `m`, each text[] or NULL. */
void vb_sql_lists(struct vb_sql *text, const struct vb_resume *resume);

/* Of a conversation's rows of one kind: where they are from, and in which order. */
struct vb_branch {
    const char *alias, *name, *order;
    enum vb_row_kind kind;
    const struct vb_message_place *after; /* of messages: where reading goes on, or NULL */
    /* " AND ..." of what is exported. */
    void (*add_conditions)(struct vb_sql *text, const struct vb_branch *branch,
                           const struct vb_resume *resume);
};

/* FROM, WHERE and ORDER BY of a branch, by the statement's form. */
void vb_branch_ordered(struct vb_sql *text, const struct vb_branch *rows,
                       const struct vb_resume *resume);
/* "ALIAS.conversation_id is the owner". */
void vb_branch_owned(struct vb_sql *text, const char *alias, const struct vb_resume *resume);
/* " AND ...": what lies in the selection's time; behind a cursor (`is_rest`) without its start. */
void vb_branch_bound(struct vb_sql *text, const char *alias, const char *relation, bool is_rest);
/* " AND ...": messages at the place and behind it. */
void vb_branch_after(struct vb_sql *text, const struct vb_message_place *after);
/* " AND ...": what the scope leaves out of the kind's rows, and the ids that a search asks for. */
void vb_branch_left_out(struct vb_sql *text, const char *alias, enum vb_row_kind kind);
void vb_branch_between(struct vb_sql *text, const char *alias, enum vb_row_kind kind,
                       const struct vb_resume *resume);
/* " AND ...": messages of the selection's time that are not hidden as deleted. */
void vb_branch_kept_messages(struct vb_sql *text, const char *alias, bool is_rest);
/* Results and rows of a kind other than messages, those behind the first `skip`. */
void vb_branch_extras(struct vb_sql *text, enum vb_row_kind kind, const struct vb_resume *resume,
                      uint64_t skip);

#endif
