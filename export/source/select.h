/* The statements of the reader: pages, counts and skips of conversations, their messages and what
 * else hangs on them.
 *
 * Ids are compared by the database alone: their order is that of the column's type and collation.
 * Messages are read by the index message(conversation_id, created_at, id), with a source's position
 * before the id; further relations by their likes.
 *
 * Appends to the caller's query or buffer, owns nothing. Any thread; where a connection is given it
 * is asked to quote, and belongs to the caller's thread. Errors: in the query's status, or VB_LIMIT
 * and VB_NO_MEMORY returned, for which the buffer is of no use any more.
 */
#ifndef VERBATIM_EXPORT_SOURCE_SELECT_H
#define VERBATIM_EXPORT_SOURCE_SELECT_H

#include "scope.h"

#include <libpq-fe.h>

/* Fields of a page's row. Those behind the first six are there only where the selection
 * asks for columns of the channel, the conversation or the customer. */
enum {
    VB_PAGE_ID,
    VB_PAGE_CREATED_AT,
    VB_PAGE_CONTACT_NAME,
    VB_PAGE_CONTACT_PHONE,
    VB_PAGE_CONTACT_EMAIL,
    VB_PAGE_ASSISTANT_NAME,
    VB_PAGE_CHANNEL_ID, /* ids from here on are text, whatever the column's type */
    VB_PAGE_CHANNEL_NAME,
    VB_PAGE_CHANNEL_TYPE,
    VB_PAGE_CHANNEL_PHONE,
    VB_PAGE_ASSISTANT_ID,
    VB_PAGE_ENDED_AT,
    VB_PAGE_STATUS,
    VB_PAGE_PRIORITY,
    VB_PAGE_TAGS,
    VB_PAGE_AUDIENCE,
    VB_PAGE_ASSIGNED_AGENT,
    VB_PAGE_CSAT_RATING, /* bigint */
    VB_PAGE_CSAT_COMMENT,
    VB_PAGE_FEEDBACK,
    VB_PAGE_SUMMARY,
    VB_PAGE_TITLE,
    VB_PAGE_DELETED_AT,
    VB_PAGE_EXTRA,
    VB_PAGE_CONTACT_ID,
    VB_PAGE_CONTACT_COMPANY,
    VB_PAGE_CONTACT_ADDRESS,
    VB_PAGE_CONTACT_WEBSITE,
    VB_PAGE_CONTACT_LEAD_STATUS,
    VB_PAGE_COUNT
};

/* At most `limit` conversations of the scope in order, each with its contact's and assistant's
 * names. */
void vb_select_page(struct vb_query *query, const struct vb_scope *scope, uint64_t limit);
/* id and created_at of the conversation `ahead` - 1 places after `low`. OFFSET walks the index once
 * per split, never per page. */
void vb_select_skip(struct vb_query *query, const struct vb_scope *scope, uint64_t ahead);
/* id and created_at of the last conversation of the scope that began before the instant. */
void vb_select_last(struct vb_query *query, const struct vb_scope *scope, vb_instant before);
/* How many conversations of the selection began in the second, at most `most`; only those up to
 * `upto` unless that is NULL. */
void vb_select_count(struct vb_query *query, const struct vb_scope *scope, vb_instant second,
                     const struct vb_cursor *upto, uint64_t most);
/* How many conversations the scope holds, at most `most`. */
void vb_select_count_rest(struct vb_query *query, const struct vb_scope *scope, uint64_t most);
/* One row if `place`, a conversation of the selection, lies after the scope's high end. */
void vb_select_beyond(struct vb_query *query, const struct vb_scope *scope,
                      const struct vb_cursor *place);

/* Fields of a message's row. Those behind the first eleven are there only if vb_select_is_rich. */
enum {
    VB_ROW_NUMBER, /* from 1, place of the conversation in the list */
    VB_ROW_ID,
    VB_ROW_CREATED_AT,
    VB_ROW_POSITION,     /* in its own type */
    VB_ROW_DIRECTION,    /* of an extra: its id as text */
    VB_ROW_SPEAKER_TYPE, /* first, second and third of an extra from here on */
    VB_ROW_SPEAKER_NAME,
    VB_ROW_TEXT,
    VB_ROW_MEDIA_URLS,
    VB_ROW_STATUS,
    VB_ROW_SENDER_ACCOUNT,
    VB_ROW_FEEDBACK,
    VB_ROW_CITATIONS,
    VB_ROW_ATTACHMENTS,
    VB_ROW_EDITED_AT, /* timestamptz, as the next; of a participant left_at */
    VB_ROW_DELETED_AT,
    VB_ROW_MESSAGE_KIND,
    VB_ROW_REPLY_TO,
    VB_ROW_FORMAT,
    VB_ROW_EXTRA,
    VB_ROW_KIND, /* enum vb_row_kind */
    VB_ROW_COUNT
};
#define VB_ROW_PLAIN_COUNT VB_ROW_FEEDBACK

enum vb_row_kind {
    VB_ROW_NOTE,
    VB_ROW_MESSAGE,
    VB_ROW_EVENT,
    VB_ROW_SKILL,
    VB_ROW_PARTICIPANT,
    VB_ROW_REACTION,
    VB_ROW_REVISION,
    VB_ROW_KINDS
};

/* The relation whose rows they are, and whether it has ids. */
const char *vb_select_relation(enum vb_row_kind kind);
bool vb_select_has_ids(enum vb_row_kind kind);

/* Rows of one conversation that are not to be read. */
struct vb_left_out_row {
    enum vb_row_kind kind;
    char id[VB_CURSOR_ID]; /* "": all of the kind */
};
struct vb_left_out {
    struct vb_left_out_row *rows;
    size_t count, capacity;
};

/* The kinds of rows that a selection asks for of a source, in the order in which they come. */
struct vb_row_kinds {
    enum vb_row_kind items[VB_ROW_KINDS];
    size_t count;
};
/* Kinds whose relation the source lacks are left out. */
struct vb_row_kinds vb_select_kinds(const struct vb_contract *contract,
                                    const struct vb_selection *selection);
/* The column by which the VB_ROW_CREATED_AT of that kind is read; kinds behind VB_ROW_SKILL have
 * their time, if any, in VB_ROW_DELETED_AT. */
const struct vb_column *vb_select_time(const struct vb_contract *contract, enum vb_row_kind kind);
/* It among the results of such rows: eight bytes, by the type of the relation's own column. */
enum vb_status vb_select_append_time(struct vb_buffer *sql, const struct vb_scope *scope,
                                     const char *alias, enum vb_row_kind kind) vb_must_check;
/* enum vb_marks of what is read of the relation, conversation or message. */
unsigned vb_select_marks(const struct vb_scope *scope, const char *relation);
/* Whether rows have all VB_ROW_COUNT fields. */
bool vb_select_is_rich(const struct vb_selection *selection);

/* How the rows of one conversation are asked for. */
enum vb_rows_form {
    VB_FORM_ORDERED, /* by an index led by conversation_id, or sorted */
    VB_FORM_FENCED,  /* all of them by any index of conversation_id, and then sorted */
    VB_FORM_STRETCH /* those of a whole list by one look at all messages there are, as COPY would */
};

/* A place in the order of a conversation's messages: created_at, position, id. Messages without a
 * position come behind those of the same instant that have one. */
struct vb_message_place {
    struct vb_cursor cursor;
    bool has_position;
    char position[VB_CURSOR_ID]; /* as text */
};

/* Appends " AND ...": messages `m` at the place and behind it. */
enum vb_status vb_select_from_place(struct vb_buffer *sql, PGconn *connection,
                                    const struct vb_contract *contract,
                                    const struct vb_message_place *place) vb_must_check;

/* Where a conversation is read on: at which of its kinds, behind how much of it. */
struct vb_resume {
    const char *conversation;
    size_t kind;                          /* place among the kinds; earlier ones are not read */
    const struct vb_message_place *after; /* of messages, the last one read; NULL: from the first */
    uint64_t ties;                        /* how many of that very place were read */
    bool undated;           /* of messages, those without a time, which no place is behind */
    uint64_t skip;          /* of anything else, where it is the first kind read */
    const char *low, *high; /* of the ids, for a search: behind `low` and up to `high`, or NULL */
};

/* Rows of the listed conversations in their order, at most `limit` messages of each, but all of
 * them by the form of a stretch, which is for lists alone. Literals, since COPY takes no
 * parameters. `list` is an array literal of ids; the connection is asked to quote only. */
enum vb_status vb_select_messages(struct vb_buffer *sql, PGconn *connection,
                                  const struct vb_scope *scope, enum vb_rows_form form,
                                  const char *list, size_t limit) vb_must_check;
/* The rest of one conversation, at most `limit` messages of it. */
enum vb_status vb_select_rest(struct vb_buffer *sql, PGconn *connection,
                              const struct vb_scope *scope, enum vb_rows_form form,
                              const struct vb_resume *resume, size_t limit) vb_must_check;
/* The rows of one kind of one conversation whose ids lie behind `low` and up to `high` (NULL: all
 * on that side), as the others read them. */
enum vb_status vb_select_between(struct vb_buffer *sql, PGconn *connection,
                                 const struct vb_scope *scope, enum vb_row_kind kind,
                                 const char *conversation, const char *low,
                                 const char *high) vb_must_check;

#endif
