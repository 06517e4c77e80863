/* One page of conversations, with the place of each within its UTC second.
 *
 * Holds the result of one statement: thousands of small rows. The places do not depend on where
 * pages or stretches begin: what a page cannot know is asked of the database, in busy seconds only.
 *
 * Owns the rows and the places until vb_page_done; texts of a conversation point into the rows and
 * live until the next read, reset or done. Belongs to the reader's thread. Errors: those of
 * vb_session_query; VB_SOURCE for a row that breaks the contract, or an order that was lost;
 * VB_NO_MEMORY. After a failure the page is empty.
 */
#ifndef VERBATIM_EXPORT_SOURCE_PAGE_H
#define VERBATIM_EXPORT_SOURCE_PAGE_H

#include "select.h"
#include "session.h"

/* Of a conversation within its UTC second, from 1. `count` beyond VB_CROWD means too many to
 * tell. */
struct vb_place {
    uint32_t ordinal, count;
};

/* The second that the last page ended in. */
struct vb_second {
    bool known;
    vb_instant start;
    uint32_t ordinal; /* of its last conversation handed out */
    uint32_t count;
};

struct vb_page {
    const struct vb_contract *contract; /* of the rows; borrowed */
    Oid id_type;                        /* of its columns */
    const struct vb_column *created_at;
    PGresult *rows;
    struct vb_place *places;
    size_t count;
    size_t capacity; /* of places */
    bool more;       /* conversations of the stretch follow */
    unsigned marks;  /* enum vb_marks, of conversations */
    struct vb_second second;
};

/* Drops the rows and what was known of the second: for the start of a stretch. */
void vb_page_reset(struct vb_page *page);
/* The memory of the places too. A page of zeros is an empty one, here and at the first read. */
void vb_page_done(struct vb_page *page);

/* Reads at most `limit` conversations after scope->low. The last page's second is remembered, so
 * pages have to be read in their order between two resets. */
enum vb_status vb_page_read(struct vb_page *page, struct vb_session *session,
                            const struct vb_scope *scope, size_t limit,
                            struct vb_error *err) vb_must_check;
/* The place of a conversation of this page, copied. `index` lies below the count. */
enum vb_status vb_page_cursor(const struct vb_page *page, size_t index,
                              struct vb_cursor *ret_cursor, struct vb_error *err) vb_must_check;
/* `id` is the caller's copy of the cursor's, and lent on. */
enum vb_status vb_page_conversation(const struct vb_page *page, size_t index, const char *id,
                                    struct vb_conversation *ret_conversation,
                                    struct vb_error *err) vb_must_check;

/* id and created_at as a cursor. VB_SOURCE names the conversation where it can. */
enum vb_status vb_result_cursor(const PGresult *result, int row, const struct vb_contract *contract,
                                struct vb_cursor *ret_cursor, struct vb_error *err) vb_must_check;
/* How many conversations of the selection began in the second: see vb_select_count. */
enum vb_status vb_count_second(struct vb_session *session, const struct vb_scope *scope,
                               vb_instant second, const struct vb_cursor *upto, uint32_t *ret_count,
                               struct vb_error *err) vb_must_check;
/* The start of the second, also before 1970. */
vb_instant vb_second_of(vb_instant instant);

#endif
