/* A source that takes long: its plan is told, and the form of the statements changed.
 *
 * The usual form suits every b-tree that is led by conversation_id. What it cannot use (a hash
 * index, a view that answers equations alone) makes the server read the whole table once for each
 * conversation, which shows in the time. The other form takes any index that an equation can, and
 * costs a giant more; so it is not the first one. Where nothing helps it is as slow.
 *
 * Uses the reader's session between two statements. What cannot be explained is told without a
 * plan; no error is the export's.
 */
#include "reader.h"

/* A cold disk gives a dozen rows in some 10 ms; a walk of a large table takes longer than that.
 * Short statements are looked at together. */
#define SLOW_LOOK (1 * VB_SECOND)
#define SLOW_CONVERSATION (VB_SECOND / 50)
#define LIST_CEILING 4096u
#define TEXT_CEILING (64u * 1024u)

/* Lines of EXPLAIN, one behind the other. */
static enum vb_status put_lines(struct vb_buffer *text, const PGresult *lines)
{
    enum vb_status status = VB_OK;
    for (int i = 0; i < PQntuples(lines) && status == VB_OK; i++)
        status = vb_buffer_printf(text, "%s %s", i > 0 ? ";" : "", PQgetvalue(lines, i, 0));
    return status;
}

/* The statement that was slow, of one conversation. */
static enum vb_status put_plan(struct vb_reader *reader, struct vb_buffer *text)
{
    struct vb_scope scope = vb_reader_scope(reader);
    struct vb_buffer list;
    struct vb_query query;
    struct vb_error err;
    PGresult *lines = NULL;
    vb_query_init(&query);
    vb_buffer_init(&list, LIST_CEILING);
    vb_query_add(&query, "EXPLAIN (COSTS OFF) ");
    enum vb_status status = vb_query_list_word(&list, reader->conversation.id);
    if (status == VB_OK)
        status = vb_buffer_append_byte(&list, '}');
    if (status == VB_OK)
        status = vb_session_ready(&reader->session, &err);
    if (status == VB_OK)
        status = vb_select_messages(&query.sql, reader->session.connection, &scope,
                                    reader->stream.form, list.data, reader->options.giant_messages);
    if (status == VB_OK)
        status = vb_session_query(&reader->session, &query, &lines, &err);
    if (status == VB_OK)
        status = put_lines(text, lines);
    PQclear(lines);
    vb_query_done(&query);
    vb_buffer_done(&list);
    return status;
}

void vb_stream_look_again(struct vb_reader *reader, size_t conversations)
{
    struct vb_stream *stream = &reader->stream;
    struct vb_buffer text;
    if (stream->alone || stream->form != VB_FORM_ORDERED)
        return;
    stream->looked_up += stream->rows.waited;
    stream->looked_for += conversations;
    if (stream->looked_up < SLOW_LOOK)
        return;
    int64_t waited = stream->looked_up;
    conversations = stream->looked_for;
    stream->looked_up = 0;
    stream->looked_for = 0;
    if (waited < SLOW_CONVERSATION * (int64_t)conversations)
        return;
    vb_buffer_init(&text, TEXT_CEILING);
    enum vb_status status = vb_buffer_printf(
        &text,
        "the source took %.1f s to look up the messages of %zu conversations: they are asked for "
        "in another form from here on, and `verbatim doctor` names the index that is missing; "
        "plan:",
        (double)waited / VB_SECOND, conversations);
    if (status == VB_OK && reader->options.slow)
        (void)put_plan(reader, &text);
    stream->form = VB_FORM_FENCED;
    if (status == VB_OK && reader->options.slow)
        reader->options.slow(text.data);
    vb_buffer_done(&text);
}
