/* A statement being built with its parameters, all of them text.
 *
 * Statements are put together from texts of our own and quoted names; values are always bound.
 *
 * A query owns copies of what it was given, until vb_query_done. One owner, one thread at a time.
 * Errors: the first failure is kept in `status` and later calls do nothing, so that a builder need
 * not check each of its steps: VB_LIMIT beyond the parameters or the ceilings of query.c,
 * VB_NO_MEMORY. Who sends the statement looks at it once.
 */
#ifndef VERBATIM_EXPORT_SOURCE_QUERY_H
#define VERBATIM_EXPORT_SOURCE_QUERY_H

#include "verbatim/buffer.h"
#include "verbatim/conversation.h"

#define VB_QUERY_PARAMETERS 32

struct vb_query {
    struct vb_buffer sql;
    struct vb_buffer values; /* one after the other, each with its NUL */
    enum vb_status status;
    int count;
    size_t starts[VB_QUERY_PARAMETERS]; /* of the values */
};

/* Empty and without memory of its own; vb_query_done may be called any time after. */
void vb_query_init(struct vb_query *query);
void vb_query_done(struct vb_query *query);
/* At most a kilobyte at a time. The format is SQL of our own: values from outside are bound. */
void vb_query_add(struct vb_query *query, const char *format, ...) vb_printf_like(2, 3);
/* Texts of any length. */
void vb_query_add_text(struct vb_query *query, const char *text);
/* Appends "$n::type" for a value that is copied. */
void vb_query_bind(struct vb_query *query, const char *value, const char *type);
/* Appends "$n::type[]" for words that are copied. */
void vb_query_bind_words(struct vb_query *query, const struct vb_words *words, const char *type);
/* Bound as a bigint: at most INT64_MAX, or the server refuses it. */
void vb_query_bind_number(struct vb_query *query, uint64_t value);
/* A value that was bound; good until the next is. `number` counts from 0, other than in the SQL. */
const char *vb_query_value(const struct vb_query *query, int number);

/* Appends a word to an array literal in the making, which a '}' ends. */
enum vb_status vb_query_list_word(struct vb_buffer *list, const char *word) vb_must_check;

struct vb_source_query;
/* Moves text and values into a statement of source.h; what is left of the query still goes through
 * vb_query_done. */
enum vb_status vb_query_hand_over(struct vb_query *query,
                                  struct vb_source_query *ret_query) vb_must_check;

#endif
