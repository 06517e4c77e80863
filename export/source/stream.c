/* The rows of a page, conversation by conversation, by as few statements as the sizes allow.
 *
 * One statement covers the whole page and gives at most `giant_messages` messages of each
 * conversation, and all of what else was asked for. A conversation that fills the limit goes on by
 * keyset in statements of its own, of messages alone until they end, and the rest of the page
 * starts again behind it. The same way back is taken when the consumer was too slow; rows that are
 * no messages are then skipped by their number. Uses the reader's thread and memory only.
 *
 * The order of rows is trusted nowhere: each is checked against the place that is expected, since a
 * view that loses it would put messages into the wrong conversation.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

/* Lists of ids in one statement: 2,000 texts of 255 bytes fit. */
#define LIST_CEILING (1024u * 1024u)
/* How many times as long a look at all messages may stay open. */
#define STRETCH_PATIENCE 6

/* The counters of the current conversation stay: by them start_rest goes on. */
void vb_stream_close(struct vb_reader *reader)
{
    struct vb_stream *stream = &reader->stream;
    vb_rows_close(&stream->rows);
    stream->pending = false;
    stream->more = false;
    stream->covered = 0;
}

/* The kinds and the width are the selection's, so the same for all its statements. */
void vb_stream_begin(struct vb_reader *reader)
{
    struct vb_stream *stream = &reader->stream;
    const struct vb_contract *contract = reader->options.contract;
    struct vb_scope scope = vb_reader_scope(reader);
    stream->marks = vb_select_marks(&scope, "message");
    stream->id_type = vb_contract_column(contract, "message", "id")->type;
    stream->position_type = vb_contract_column(contract, "message", "position")->type;
    stream->time = vb_contract_column(contract, "message", "created_at");
    stream->kinds = vb_select_kinds(contract, &reader->selection);
    stream->width = vb_select_is_rich(&reader->selection) ? VB_ROW_COUNT : VB_ROW_PLAIN_COUNT;
    vb_stream_begin_share(stream);
}

/* The whole page in one statement, until a giant conversation says otherwise. */
void vb_stream_begin_page(struct vb_reader *reader)
{
    vb_stream_close(reader);
    reader->stream.reach = reader->page.count;
    reader->stream.singly = 0;
}

void vb_stream_begin_conversation(struct vb_reader *reader)
{
    struct vb_stream *stream = &reader->stream;
    stream->given = 0;
    stream->total = 0;
    stream->ties = 0;
    stream->kind = 0;
    stream->of_kind = 0;
    stream->by_place = false;
    stream->undated = false;
    reader->left_out.count = 0;
}

/* Of the current conversation. */
static bool is_begun(const struct vb_stream *stream)
{
    return stream->total > 0 || stream->of_kind > 0 || stream->kind > 0;
}

/* Too long, no memory, or text that the connection cannot escape. */
static enum vb_status unbuilt(enum vb_status status, struct vb_error *err)
{
    return vb_fail(err, status, "a statement to the source could not be built");
}

/* An array literal, of the conversations up to *end or as many as there is room for; ids were
 * decoded by us, and quotes in text ids are escaped. */
static enum vb_status list_ids(const struct vb_reader *reader, size_t *end, struct vb_buffer *list,
                               struct vb_error *err)
{
    enum vb_status appended = VB_OK;
    for (size_t i = reader->current; i < *end && appended == VB_OK; i++) {
        struct vb_cursor cursor;
        enum vb_status status = vb_page_cursor(&reader->page, i, &cursor, err);
        if (status != VB_OK)
            return status;
        if (list->length + 2 * VB_CURSOR_ID + 4 > LIST_CEILING)
            *end = i;
        else
            appended = vb_query_list_word(list, cursor.id);
    }
    if (appended == VB_OK)
        appended = vb_buffer_append_byte(list, '}');
    return appended == VB_OK ? VB_OK : unbuilt(appended, err);
}

static enum vb_status start_list(struct vb_reader *reader, struct vb_buffer *sql,
                                 struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    struct vb_scope scope = vb_reader_scope(reader);
    size_t left = reader->page.count - reader->current;
    /* Ids of messages are those of one conversation. */
    bool singly = reader->current < stream->singly || reader->left_out.count > 0;
    size_t reach = singly ? 1 : stream->reach;
    size_t most = stream->form != VB_FORM_STRETCH && stream->share < left ? stream->share : left;
    stream->end = reader->current + (reach < most ? reach : most);
    /* After a giant the statements grow again: one conversation, then two, then four. */
    if (!singly && reach < left)
        stream->reach *= 2;
    struct vb_buffer list;
    vb_buffer_init(&list, LIST_CEILING);
    enum vb_status status = list_ids(reader, &stream->end, &list, err);
    enum vb_status built = status;
    if (status == VB_OK)
        built = vb_select_messages(sql, reader->session.connection, &scope, stream->form, list.data,
                                   reader->options.giant_messages);
    vb_buffer_done(&list);
    return built == status ? status : unbuilt(built, err);
}

/* The conversation has begun already: after a giant's limit, or after a stall. */
static enum vb_status start_rest(struct vb_reader *reader, struct vb_buffer *sql,
                                 struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    struct vb_scope scope = vb_reader_scope(reader);
    stream->end = reader->current + 1;
    /* Its neighbours may be as large; without an index they cost the same look at all messages. */
    bool is_stretch = stream->form == VB_FORM_STRETCH;
    stream->reach = is_stretch ? reader->page.count : 1;
    struct vb_resume resume = {
        .conversation = reader->conversation.id,
        .kind = stream->kind,
        .after = stream->total > 0 && !stream->undated ? &stream->places[stream->last] : NULL,
        .ties = stream->ties,
        .undated = stream->undated,
        .skip = stream->of_kind,
    };
    stream->by_place = stream->by_place || resume.after;
    enum vb_rows_form form = is_stretch ? VB_FORM_FENCED : stream->form;
    size_t limit = is_stretch ? INT64_MAX : reader->options.giant_messages;
    enum vb_status built =
        vb_select_rest(sql, reader->session.connection, &scope, form, &resume, limit);
    return built == VB_OK ? VB_OK : unbuilt(built, err);
}

/* A statement for what is next: the rest of a conversation already begun, or the conversations from
 * the current one on. */
static enum vb_status start(struct vb_reader *reader, struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    if (!is_begun(stream))
        vb_stream_choose_form(reader);
    enum vb_status status = vb_session_ready(&reader->session, err);
    if (status != VB_OK)
        return status;
    const char *settings =
        stream->form == VB_FORM_STRETCH && !is_begun(stream) ? vb_source_stretch_settings() : "";
    struct vb_buffer sql;
    vb_buffer_init(&sql, 2 * LIST_CEILING);
    stream->first = reader->current;
    stream->given = 0;
    stream->covered = 0;
    stream->alone = is_begun(stream) && stream->kinds.items[stream->kind] == VB_ROW_MESSAGE;
    status = is_begun(stream) ? start_rest(reader, &sql, err) : start_list(reader, &sql, err);
    if (status == VB_OK)
        status = vb_rows_start(&stream->rows, sql.data, settings, err);
    vb_buffer_done(&sql);
    if (status == VB_OK && vb_pace_reads_ahead(reader->options.pace))
        status = vb_rows_keep(&stream->rows, 0, err);
    stream->more = status == VB_OK;
    stream->started = vb_clock_monotonic();
    return status;
}

/* The page has been open for too long: let go of its transaction, and read on from here. A look at
 * all messages is too dear for that: it counts the consumer's time alone, and more of it. Before it
 * comes to that, what has arrived is taken in ahead. */
static enum vb_status check_stall(struct vb_reader *reader, struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    enum vb_status status = VB_OK;
    if (!stream->rows.open)
        return VB_OK;
    int64_t now = vb_clock_coarse();
    int64_t open = now - stream->started, most = reader->options.page_stall;
    if (open > vb_pace_aim(reader->options.pace) && stream->rows.next == stream->rows.end)
        status = vb_stream_settle(reader, now, err);
    if (stream->form == VB_FORM_STRETCH) {
        open -= stream->rows.waited;
        most *= STRETCH_PATIENCE;
    }
    if (open <= most || !stream->rows.open)
        return status;
    vb_stream_close(reader);
    vb_stream_look_again(reader, reader->current + 1 - stream->first);
    return VB_OK;
}

/* Number of the conversation that the pending row belongs to; VB_SOURCE when it lies behind. */
static enum vb_status owner_of_row(struct vb_reader *reader, size_t *ret_owner,
                                   struct vb_error *err)
{
    const struct vb_stream *stream = &reader->stream;
    struct vb_view number = stream->fields[VB_ROW_NUMBER];
    size_t owner = SIZE_MAX;
    /* Ordinality of the list, counted from 1. */
    if (number.length == 4 && vb_decode_uint32(number.data) > 0)
        owner = stream->first + vb_decode_uint32(number.data) - 1;
    if (owner < reader->current || owner >= stream->end)
        return vb_row_broken(reader, err, "messages came out of order");
    *ret_owner = owner;
    return VB_OK;
}

/* Takes a row from the statement, or notes that it has ended and what that says. */
static enum vb_status pull(struct vb_reader *reader, struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    enum vb_status status = vb_rows_next(&stream->rows, stream->width, stream->fields, err);
    stream->pending = status == VB_OK;
    if (status != VB_END)
        return status;
    stream->more = false;
    stream->covered = stream->end;
    vb_stream_note_share(reader, stream->end - stream->first);
    vb_stream_look_again(reader, stream->end - stream->first);
    return VB_OK;
}

/* Which of the kinds the pending row is of. Order is the server's promise only in practice, so it
 * is checked. */
static enum vb_status kind_of_row(struct vb_reader *reader, size_t *ret_kind, struct vb_error *err)
{
    const struct vb_stream *stream = &reader->stream;
    struct vb_view number = stream->fields[VB_ROW_KIND];
    if (stream->width == VB_ROW_PLAIN_COUNT) {
        *ret_kind = 0;
        return VB_OK;
    }
    for (size_t i = stream->kind; i < stream->kinds.count && number.length == 4; i++)
        if (vb_decode_uint32(number.data) == (uint32_t)stream->kinds.items[i]) {
            *ret_kind = i;
            return VB_OK;
        }
    return vb_row_broken(reader, err, "its rows came out of order");
}

/* The current conversation filled the limit of its statement, so there may be more of its messages.
 * Where it filled it exactly the next statement finds none, which costs a round trip and nothing
 * else. */
static bool is_cut_off(const struct vb_reader *reader)
{
    return reader->stream.given == reader->options.giant_messages &&
           reader->stream.form != VB_FORM_STRETCH;
}

/* Not given by the statement that gave the last messages of a giant: they stood behind its
 * limit. */
static bool is_behind_cut(const struct vb_reader *reader, size_t owner, size_t kind)
{
    return is_cut_off(reader) && (owner != reader->current || kind != reader->stream.kind);
}

/* Its last messages came from a place on, which none without a time is behind: they break the
 * contract and have to be told. A range of messages has no place for them. */
static bool next_undated(struct vb_reader *reader)
{
    struct vb_stream *stream = &reader->stream;
    if (!stream->alone || !stream->by_place || stream->undated || reader->selection.activity)
        return false;
    stream->undated = true;
    return true;
}

/* Its last messages came without what comes after them. */
static bool next_kind(struct vb_stream *stream)
{
    if (!stream->alone || stream->kind + 1 == stream->kinds.count)
        return false;
    stream->kind++;
    stream->by_place = false;
    stream->undated = false;
    stream->of_kind = 0;
    return true;
}

/* Waits for a row; VB_END when the current conversation has no more. */
static enum vb_status wait_row(struct vb_reader *reader, struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    enum vb_status status = check_stall(reader, err);
    if (status != VB_OK)
        status = vb_stream_recover(reader, status, err);
    while (status == VB_OK && !stream->pending) {
        if (stream->more)
            status = pull(reader, err);
        else if (reader->current < stream->covered && !is_cut_off(reader) &&
                 !next_undated(reader) && !next_kind(stream))
            return VB_END;
        else
            status = start(reader, err);
        if (status != VB_OK)
            status = vb_stream_recover(reader, status, err);
    }
    return status;
}

/* Passes the pending row over. It was given, and counts where rows are counted. */
static enum vb_status leave_row_out(struct vb_reader *reader, bool is_message, struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    const char *conversation = reader->conversation.id;
    struct vb_left_out_row row = {.kind = VB_ROW_MESSAGE};
    stream->pending = false;
    if (!is_message) {
        stream->of_kind++;
        return vb_bad_row_note(reader, conversation, NULL, stream->fault, err);
    }
    stream->given++;
    memcpy(row.id, stream->places[1 - stream->last].cursor.id, sizeof row.id);
    return vb_bad_row_note(reader, conversation, &row, stream->fault, err);
}

/* Hands the pending row out. VB_AGAIN: it was left out instead, and noted. */
static enum vb_status take_row(struct vb_reader *reader, size_t kind, struct vb_message *message,
                               bool *ret_is_message, struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    enum vb_row_kind what = stream->kinds.items[kind];
    if (kind != stream->kind) {
        stream->kind = kind;
        stream->of_kind = 0;
    }
    bool is_message = what == VB_ROW_MESSAGE;
    stream->fault = NULL;
    enum vb_status status =
        is_message ? vb_row_message(reader, message, err) : vb_row_extra(reader, what, err);
    if (status == VB_SOURCE && stream->fault && vb_lists_bad_rows(reader))
        return leave_row_out(reader, is_message, err);
    if (status != VB_OK)
        return status;
    stream->pending = false;
    reader->conflicts = 0;
    if (is_message) {
        stream->given++;
        stream->total++;
    }
    *ret_is_message = is_message;
    return VB_OK;
}

enum vb_status vb_stream_next(struct vb_reader *reader, struct vb_message *ret_message,
                              bool *ret_is_message, struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    size_t owner = 0, kind = 0;
    if (stream->kinds.count == 0)
        return VB_END;
    for (;;) {
        enum vb_status status = wait_row(reader, err);
        if (status == VB_OK)
            status = owner_of_row(reader, &owner, err);
        if (status == VB_OK && owner == reader->current)
            status = kind_of_row(reader, &kind, err);
        if (status != VB_OK)
            return status;
        if (!is_behind_cut(reader, owner, kind))
            break;
        /* What the statement still holds comes after the rest of this conversation's messages. */
        vb_stream_close(reader);
    }
    if (owner != reader->current)
        return VB_END;
    return take_row(reader, kind, ret_message, ret_is_message, err);
}
