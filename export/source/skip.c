/* Looking ahead for a place to cut: an index-only skip of N conversations, and the end of a second.
 *
 * Borders of segments lie at the end of a second wherever that is not a crowd: so the places within
 * it are known to one segment alone. Uses the reader's connection between pages; moves nothing.
 */
#include "reader.h"

/* One conversation's cursor, or VB_END. */
static enum vb_status query_cursor(struct vb_reader *reader, struct vb_query *query,
                                   struct vb_cursor *ret_cursor, struct vb_error *err)
{
    PGresult *result = NULL;
    enum vb_status status = vb_session_query(&reader->session, query, &result, err);
    if (status != VB_OK)
        return status;
    if (PQntuples(result) == 0)
        status = VB_END;
    else
        status = vb_result_cursor(result, 0, reader->options.contract, ret_cursor, err);
    PQclear(result);
    return status;
}

enum vb_status vb_stream_skip(struct vb_reader *reader, const struct vb_scope *scope,
                              uint64_t ahead, struct vb_cursor *ret_cursor, struct vb_error *err)
{
    struct vb_query query;
    vb_query_init(&query);
    vb_select_skip(&query, scope, ahead);
    enum vb_status status = query_cursor(reader, &query, ret_cursor, err);
    vb_query_done(&query);
    return status;
}

/* Moves the cursor to the last conversation of its second, unless that is a crowd. The selection's
 * own end may come first; the stretch's does not count, being such a border itself. */
static enum vb_status move_to_second_end(struct vb_reader *reader, const struct vb_scope *scope,
                                         struct vb_cursor *cursor, struct vb_error *err)
{
    vb_instant second = vb_second_of(cursor->at);
    uint32_t count;
    enum vb_status status = vb_count_second(&reader->session, scope, second, NULL, &count, err);
    if (status != VB_OK || count > VB_CROWD)
        return status;
    struct vb_scope within = {.contract = scope->contract,
                              .selection = scope->selection,
                              .low = cursor,
                              .by_range = scope->by_range};
    struct vb_query query;
    vb_query_init(&query);
    vb_select_last(&query, &within, second + VB_SECOND);
    status = query_cursor(reader, &query, cursor, err);
    vb_query_done(&query);
    return status == VB_END ? VB_OK : status; /* it was the last already */
}

/* A border with nothing behind it is none: VB_END then. */
static enum vb_status look(struct vb_reader *reader, const struct vb_cursor *from, uint64_t ahead,
                           bool to_second_end, struct vb_cursor *ret_cursor, struct vb_error *err)
{
    if (reader->state != VB_READER_PAGE && reader->state != VB_READER_DONE)
        return vb_fail(err, VB_INVALID, "looking ahead is for between pages");
    struct vb_scope scope = vb_reader_scope(reader);
    scope.low = from;
    struct vb_cursor cursor, beyond;
    enum vb_status status = vb_stream_skip(reader, &scope, ahead, &cursor, err);
    if (status == VB_OK && to_second_end)
        status = move_to_second_end(reader, &scope, &cursor, err);
    if (status != VB_OK)
        return status;
    scope.low = &cursor;
    status = vb_stream_skip(reader, &scope, 1, &beyond, err);
    if (status == VB_OK)
        *ret_cursor = cursor;
    return status;
}

enum vb_status vb_reader_look_ahead(struct vb_reader *reader, const struct vb_cursor *from,
                                    uint64_t ahead, struct vb_cursor *ret_cursor,
                                    struct vb_error *err)
{
    return look(reader, from, ahead, true, ret_cursor, err);
}

enum vb_status vb_reader_look_ahead_exactly(struct vb_reader *reader, const struct vb_cursor *from,
                                            uint64_t ahead, struct vb_cursor *ret_cursor,
                                            struct vb_error *err)
{
    return look(reader, from, ahead, false, ret_cursor, err);
}
