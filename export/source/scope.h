/* Which conversations a statement is about: the one place where a selection becomes SQL.
 *
 * Plain filters and row comparisons on bare columns, so that they pass through views and reach the
 * indexes. What the order is read by, and the index of `conversation` that serves it:
 *   one channel, assistant or contact   (channel_id, created_at, id) and its likes
 *   several channels or contacts        the same, a branch for each, merged as far as wanted
 *   listed conversations                (id): each looked up by itself, then put in order
 *   very many contacts                  (contact_id), likewise
 *   everything                          (workspace_id, created_at, id)
 * All other filters are looked at row by row on that way.
 *
 * Appends to a query, and owns nothing; the scope's parts are borrowed until the query is built.
 * Any thread. Errors are left in the query's status. A selection that the source cannot answer was
 * refused by vb_contract_selection_check before: here a filter on a missing column is bad SQL.
 */
#ifndef VERBATIM_EXPORT_SOURCE_SCOPE_H
#define VERBATIM_EXPORT_SOURCE_SCOPE_H

#include "contract.h"
#include "query.h"

struct vb_left_out;

/* Everything a statement about conversations needs. Borrowed. */
struct vb_scope {
    const struct vb_contract *contract;
    const struct vb_selection *selection;
    const struct vb_cursor *low;  /* NULL: from the start */
    const struct vb_cursor *high; /* NULL: to the end */
    /* Of a range of messages: its conversations are found by one look at all messages of it, and
     * not by one for each conversation (way.c). */
    bool by_range;
    const struct vb_left_out *left_out; /* of the one conversation asked for; NULL: none */
};

/* A stretch of time: behind the cursor, else from the instant on; up to the cursor, else before the
 * instant. */
struct vb_span {
    const struct vb_cursor *after, *upto;
    vb_instant from, before;
    bool timeless; /* else than that: conversations that no stretch of time holds */
};

/* What of the scope is to be read. */
struct vb_span vb_scope_span(const struct vb_scope *scope);
/* The range's end: nothing at or after this instant is read of what the range is about. */
vb_instant vb_scope_end(const struct vb_selection *selection);

/* By created_at and then id, the order in which an archive holds its conversations. */
enum vb_order { VB_ORDER_NONE, VB_ORDER_UP, VB_ORDER_DOWN };

/* Appends a whole SELECT of bare columns of `c`, the conversation. Not ended: the caller may add
 * LIMIT and OFFSET, or put it into brackets. */
void vb_scope_select(struct vb_query *query, const struct vb_scope *scope,
                     const struct vb_span *span, const char *columns, enum vb_order order);

/* Appends which rows of a conversation belong to the selection by their time: those up to as_of, or
 * those of the range where it is one of messages. `alias` is one of `relation`. */
void vb_scope_bind_rows(struct vb_query *query, const struct vb_scope *scope, const char *alias,
                        const char *relation);
/* The name of the relation's created_at in statements. */
const char *vb_scope_time(const struct vb_scope *scope, const char *relation);
/* An instant as a parameter of a time column's type and unit: the least that is not before it, so
 * for >= and <. */
void vb_scope_bind_instant(struct vb_query *query, const struct vb_scope *scope,
                           const char *relation, const char *column, vb_instant instant);
/* Whether rows of the relation with a deleted_at are left out: " AND ALIAS.deleted_at IS NULL",
 * in these words, since platforms have partial indexes by them. */
bool vb_scope_hides_deleted(const struct vb_scope *scope, const char *relation);
/* False for an optional column that the source lacks. */
bool vb_scope_has(const struct vb_scope *scope, const char *relation, const char *column);

#endif
