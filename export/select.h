/* The statements of the reader: pages, counts and skips of conversations, and their messages.
 *
 * Plain filters and row comparisons on bare columns, so that they pass through views and reach the
 * indexes conversation(channel_id, created_at, id) and message(conversation_id, created_at, id). Ids are
 * compared by the database alone: their order is that of the column's type and collation.
 */
#ifndef VERBATIM_EXPORT_SELECT_H
#define VERBATIM_EXPORT_SELECT_H

#include "contract.h"
#include "session.h"

/* Everything a statement about conversations needs. Borrowed. */
struct vb_scope {
    const struct vb_contract *contract;
    const struct vb_selection *selection;
    const struct vb_cursor *low;  /* NULL: from the start */
    const struct vb_cursor *high; /* NULL: to the end */
};

/* Fields of a page's row. */
enum {
    VB_PAGE_ID,
    VB_PAGE_CREATED_AT,
    VB_PAGE_CONTACT_NAME,
    VB_PAGE_CONTACT_PHONE,
    VB_PAGE_CONTACT_EMAIL,
    VB_PAGE_ASSISTANT_NAME
};

void vb_select_page(struct vb_query *query, const struct vb_scope *scope, uint64_t limit);
/* id and created_at of the conversation `ahead` - 1 places after `low`. OFFSET walks the index once per split, never per page. */
void vb_select_skip(struct vb_query *query, const struct vb_scope *scope, uint64_t ahead);
/* id and created_at of the last conversation of the scope. */
void vb_select_last(struct vb_query *query, const struct vb_scope *scope);
/* How many conversations of the selection began in the second, at most `most`; only those up to `upto` unless that is NULL. */
void vb_select_count(struct vb_query *query, const struct vb_scope *scope, vb_instant second,
                     const struct vb_cursor *upto, uint64_t most);
/* How many conversations the scope holds. */
void vb_select_count_rest(struct vb_query *query, const struct vb_scope *scope);
/* One row if `place`, a conversation of the selection, lies after the scope's high end. */
void vb_select_beyond(struct vb_query *query, const struct vb_scope *scope,
                      const struct vb_cursor *place);

/* Fields of a message's row. */
enum {
    VB_ROW_NUMBER, /* from 1, place of the conversation in the list */
    VB_ROW_ID,
    VB_ROW_CREATED_AT,
    VB_ROW_DIRECTION,
    VB_ROW_SPEAKER_TYPE,
    VB_ROW_SPEAKER_NAME,
    VB_ROW_TEXT,
    VB_ROW_MEDIA_URLS,
    VB_ROW_STATUS,
    VB_ROW_SENDER_ACCOUNT,
    VB_ROW_COUNT
};

/* Appends an id to a list in the making (an array literal not yet quoted). */
enum vb_status vb_select_list_id(struct vb_buffer *list, const char *id) vb_must_check;
/* Messages of the listed conversations in their order, at most `limit` of each. Literals, since COPY takes no parameters. */
enum vb_status vb_select_messages(struct vb_buffer *sql, PGconn *connection,
                                  const struct vb_scope *scope, const char *list,
                                  size_t limit) vb_must_check;
/* Messages of one conversation after a message. */
enum vb_status vb_select_more_messages(struct vb_buffer *sql, PGconn *connection,
                                       const struct vb_scope *scope, const char *conversation,
                                       const struct vb_cursor *after, size_t limit) vb_must_check;

#endif
