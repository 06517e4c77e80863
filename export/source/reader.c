/* The reader as a row of events: pages, conversations, their messages. Owns everything in struct
 * vb_reader.
 *
 * The state says what comes next; the stream (stream.c) gives the messages. After a failure the
 * reader is idle: its owner begins again behind the last conversation recorded.
 *
 * The selection and stretch are copied, but not what they point at. The position moves with whole
 * conversations only, so that nothing is written twice or left out when somebody goes on from it.
 */
#include "reader.h"

#include "verbatim/clock.h"

#include <stdlib.h>
#include <string.h>

/* libpq's buffer keeps the size of the largest row; beyond this it is not worth keeping. */
#define OVERSIZED_ROW (256u * 1024u)

enum vb_status vb_reader_new(const struct vb_reader_options *options, struct vb_reader **ret_reader,
                             struct vb_error *err)
{
    if (options->page_conversations == 0)
        return vb_fail(err, VB_INVALID, "a page needs at least one conversation");
    struct vb_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a reader");
    reader->options = *options;
    if (reader->options.giant_messages == 0)
        reader->options.giant_messages = vb_pace_giant(options->pace);
    if (reader->options.page_stall == 0)
        reader->options.page_stall = VB_PAGE_STALL;
    reader->session = (struct vb_session){
        .connection_string = options->connection_string,
        .application_name = options->application_name,
        .prepared_statements = options->prepared_statements,
        .stop = {options->stop, options->stop_context},
        .pace = options->pace,
    };
    reader->stream.rows.session = &reader->session;
    *ret_reader = reader;
    return VB_OK;
}

/* The stream first: what is open goes with its connection. */
void vb_reader_free(struct vb_reader *reader)
{
    if (!reader)
        return;
    vb_stream_close(reader);
    vb_rows_done(&reader->stream.rows);
    vb_page_done(&reader->page);
    free(reader->left_out.rows);
    vb_session_drop(&reader->session);
    free(reader);
}

/* Remembers a failure: whatever was open is given up. */
static enum vb_status give_up(struct vb_reader *reader, enum vb_status status)
{
    vb_stream_close(reader);
    vb_page_reset(&reader->page);
    reader->state = VB_READER_IDLE;
    return status;
}

enum vb_status vb_reader_begin(struct vb_reader *reader, const struct vb_selection *selection,
                               const struct vb_stretch *stretch, enum vb_source_lag *ret_lag,
                               struct vb_error *err)
{
    give_up(reader, VB_OK);
    reader->selection = *selection;
    reader->stretch = stretch ? *stretch : (struct vb_stretch){0};
    reader->placed = false;
    reader->current = 0;
    reader->conflicts = 0;
    reader->has_told_conflict = false;
    reader->page_limit = SIZE_MAX;
    reader->is_under_way = false;
    reader->has_fence = false;
    reader->bad_rows = 0;
    reader->left_out.count = 0;
    vb_stream_begin(reader);
    enum vb_source_lag lag = VB_LAG_NONE;
    enum vb_status status = vb_contract_selection_check(reader->options.contract, selection, err);
    if (status == VB_OK)
        status = vb_stop_check(&reader->session.stop, err);
    if (status == VB_OK && selection->snapshot)
        status = vb_wait_as_of(reader, &lag, err);
    if (status != VB_OK)
        return status;
    if (ret_lag)
        *ret_lag = lag;
    vb_reader_choose_way(reader);
    reader->state = VB_READER_PAGE;
    return VB_OK;
}

/* Ids of one instant are compared by the database, in the column's own order. */
static enum vb_status check_not_before(struct vb_reader *reader, const struct vb_cursor *high,
                                       struct vb_error *err)
{
    bool before = high->at < reader->position.at;
    if (high->at == reader->position.at && strcmp(high->id, reader->position.id) != 0) {
        struct vb_scope scope = vb_reader_scope(reader);
        scope.high = high;
        struct vb_query query;
        vb_query_init(&query);
        vb_select_beyond(&query, &scope, &reader->position);
        PGresult *result = NULL;
        enum vb_status status = vb_session_query(&reader->session, &query, &result, err);
        vb_query_done(&query);
        if (status != VB_OK)
            return status;
        before = PQntuples(result) > 0;
        PQclear(result);
    }
    if (before)
        return vb_fail(err, VB_INVALID, "the end of a stretch cannot move before what was read");
    return VB_OK;
}

enum vb_status vb_reader_set_high(struct vb_reader *reader, const struct vb_cursor *high,
                                  struct vb_error *err)
{
    if (reader->state != VB_READER_PAGE && reader->state != VB_READER_DONE)
        return vb_fail(err, VB_INVALID, "the end of a stretch moves between pages only");
    enum vb_status status = VB_OK;
    if (high && reader->placed)
        status = check_not_before(reader, high, err);
    if (status != VB_OK)
        return status;
    reader->stretch.has_high = high != NULL;
    if (high)
        reader->stretch.high = *high;
    reader->page.more = true; /* unknown: the next page will tell */
    reader->state = VB_READER_PAGE;
    return VB_OK;
}

/* A consumer that will be slow holds no transaction open; what has come is kept where that is all,
 * else rows are read on by keyset. */
void vb_reader_pause(struct vb_reader *reader)
{
    vb_reader_settle(reader, 0);
    if (reader->stream.rows.open)
        vb_stream_close(reader);
}

void vb_reader_settle(struct vb_reader *reader, int64_t patience)
{
    struct vb_error err; /* of what is asked for again by the next call */
    if (reader->stream.rows.open &&
        vb_stream_settle(reader, vb_clock_monotonic() + patience, &err) != VB_OK)
        vb_stream_close(reader);
}

bool vb_reader_source_away(const struct vb_reader *reader)
{
    return reader->session.is_away;
}

const struct vb_extra *vb_reader_extra(const struct vb_reader *reader)
{
    return &reader->extra;
}

bool vb_reader_position(const struct vb_reader *reader, struct vb_cursor *ret_cursor)
{
    if (reader->placed)
        *ret_cursor = reader->position;
    return reader->placed;
}

size_t vb_reader_memory(const struct vb_reader *reader)
{
    /* libpq keeps an input buffer of twice the largest row at most, and the row itself is copied
     * out. */
    size_t size = sizeof *reader + reader->stream.rows.largest * 2 + reader->stream.rows.buffered +
                  reader->stream.rows.kept_bytes;
    size += reader->page.capacity * sizeof *reader->page.places;
    return reader->page.rows ? size + PQresultMemorySize(reader->page.rows) : size;
}

/* What stands behind it is still to be looked at. */
static void take_fence_down(struct vb_reader *reader)
{
    reader->page.more = reader->page.more || reader->has_fence;
    reader->has_fence = false;
}

/* As many conversations as the source gives: after a smaller page the next is twice as large.
 * VB_AGAIN: one was left out, and noted. */
static enum vb_status read_some(struct vb_reader *reader, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    bool read = false;
    size_t most = vb_stream_page(reader), limit = most;
    while (!read && status == VB_OK) {
        struct vb_scope scope = vb_reader_scope(reader);
        if (reader->has_fence)
            scope.high = &reader->fence;
        limit = reader->page_limit < most ? reader->page_limit : most;
        status = vb_page_read(&reader->page, &reader->session, &scope, limit, err);
        read = status == VB_OK && (reader->page.count > 0 || !reader->has_fence);
        if (status != VB_OK)
            status = vb_page_recover(reader, limit, status, err);
        else
            take_fence_down(reader);
    }
    if (read) {
        reader->conflicts = 0;
        reader->is_under_way = true;
        reader->page_limit = limit < most ? 2 * limit : SIZE_MAX;
    }
    return status;
}

/* Between pages is the place to let a bloated connection go: no transaction is open. */
static enum vb_status read_page(struct vb_reader *reader, enum vb_reader_event *ret_event,
                                struct vb_error *err)
{
    enum vb_status status = vb_stop_check(&reader->session.stop, err);
    if (status != VB_OK)
        return status;
    if (reader->stream.rows.largest > OVERSIZED_ROW) {
        vb_session_drop(&reader->session);
        reader->stream.rows.largest = 0;
    }
    status = read_some(reader, err);
    if (status == VB_AGAIN) {
        *ret_event = VB_READ_BAD_ROW;
        return VB_OK;
    }
    if (status != VB_OK)
        return status;
    if (reader->page.count == 0) {
        reader->state = VB_READER_DONE;
        *ret_event = VB_READ_END;
        return VB_OK;
    }
    reader->current = 0;
    reader->state = VB_READER_CONVERSATION;
    vb_stream_begin_page(reader);
    return VB_OK;
}

/* Of the page: its rows, and what a statement gives of it, are stepped over. */
static enum vb_status leave_conversation_out(struct vb_reader *reader,
                                             enum vb_reader_event *ret_event, const char *reason,
                                             struct vb_error *err)
{
    vb_stream_close(reader);
    reader->position = reader->conversation;
    reader->placed = true;
    reader->current++;
    *ret_event = VB_READ_BAD_ROW;
    enum vb_status status = vb_bad_row_note(reader, reader->conversation.id, NULL, reason, err);
    return status == VB_AGAIN ? VB_OK : status;
}

static enum vb_status next_conversation(struct vb_reader *reader, enum vb_reader_event *ret_event,
                                        struct vb_conversation *conversation, struct vb_error *err)
{
    enum vb_status status =
        vb_page_cursor(&reader->page, reader->current, &reader->conversation, err);
    if (status != VB_OK)
        return status;
    const char *id = reader->conversation.id;
    struct vb_error own;
    vb_error_clear(&own);
    status = vb_page_conversation(&reader->page, reader->current, id, conversation, &own);
    if (status == VB_SOURCE && vb_lists_bad_rows(reader))
        return leave_conversation_out(reader, ret_event, vb_bad_row_reason(&own, id), err);
    if (status != VB_OK) {
        *err = own;
        return status;
    }
    vb_stream_begin_conversation(reader);
    reader->state = VB_READER_MESSAGES;
    *ret_event = VB_READ_CONVERSATION;
    return VB_OK;
}

static enum vb_status next_row(struct vb_reader *reader, enum vb_reader_event *ret_event,
                               struct vb_message *message, struct vb_error *err)
{
    bool is_message = true;
    enum vb_status status = vb_stream_next(reader, message, &is_message, err);
    if (status == VB_OK) {
        *ret_event = is_message ? VB_READ_MESSAGE : VB_READ_EXTRA;
        return VB_OK;
    }
    if (status == VB_AGAIN) {
        *ret_event = VB_READ_BAD_ROW;
        return VB_OK;
    }
    if (status != VB_END)
        return status;
    /* Only a conversation that came whole moves the position. */
    reader->position = reader->conversation;
    reader->placed = true;
    reader->current++;
    reader->state = VB_READER_CONVERSATION;
    *ret_event = VB_READ_END_CONVERSATION;
    return VB_OK;
}

/* The end of a page, or of the stretch if the page was its last. */
static void end_page(struct vb_reader *reader, enum vb_reader_event *ret_event)
{
    vb_stream_close(reader);
    reader->state = reader->page.more ? VB_READER_PAGE : VB_READER_DONE;
    *ret_event = VB_READ_END_PAGE;
}

/* One event. A page that is empty is the end: `more` was only a guess after set_high. */
static enum vb_status step(struct vb_reader *reader, enum vb_reader_event *ret_event,
                           struct vb_conversation *conversation, struct vb_message *message,
                           struct vb_error *err)
{
    enum vb_status status = VB_OK;
    if (reader->state == VB_READER_PAGE) {
        status = read_page(reader, ret_event, err);
        if (status != VB_OK || reader->state != VB_READER_CONVERSATION)
            return status;
    }
    switch (reader->state) {
    case VB_READER_CONVERSATION:
        if (reader->current < reader->page.count)
            return next_conversation(reader, ret_event, conversation, err);
        end_page(reader, ret_event);
        return VB_OK;
    case VB_READER_MESSAGES:
        return next_row(reader, ret_event, message, err);
    case VB_READER_DONE:
        *ret_event = VB_READ_END;
        return VB_OK;
    case VB_READER_IDLE:
    case VB_READER_PAGE:
        break;
    }
    return vb_fail(err, VB_INVALID, "a reader has to begin before it can go on");
}

enum vb_status vb_reader_next(struct vb_reader *reader, enum vb_reader_event *ret_event,
                              struct vb_conversation *conversation, struct vb_message *message,
                              struct vb_error *err)
{
    enum vb_status status = step(reader, ret_event, conversation, message, err);
    return status == VB_OK ? VB_OK : give_up(reader, vb_name_clash(reader, status, err));
}
