/* Whether the source finds messages by their conversation, or has to look at all of them.
 *
 * Without any index of conversation_id each conversation that is looked up by itself costs a look
 * at the whole table. The plan shows it: the condition stands in a filter, not in an index. Then as
 * many conversations as fit are read by one statement, which the server joins and sorts as it would
 * for COPY, with temporary files where there are many. The page grows for it, within a ceiling of
 * memory; the first one of a stretch stays small, since it decides what a small export is.
 *
 * Uses the reader's session between two statements. What cannot be explained changes nothing; no
 * error is the export's.
 */
#include "reader.h"

#include <string.h>

/* A plan is looked at again after so long: indexes come and go. */
#define LOOK_AGAIN (3600 * VB_SECOND)
/* Fewer conversations are not worth a look. */
#define WORTH_A_LOOK 4u
/* Of a page: its rows in memory, and conversations. */
#define PAGE_BYTES (2u * 1024u * 1024u)
#define PAGE_MOST 8192u
#define LIST_CEILING 4096u

/* A plan of one conversation by any index, messages alone. */
static enum vb_status explain(struct vb_reader *reader, PGresult **ret_lines)
{
    struct vb_selection bare = reader->selection;
    struct vb_scope scope = vb_reader_scope(reader);
    struct vb_cursor first;
    struct vb_buffer list;
    struct vb_query query;
    struct vb_error err;
    bare.columns = 0;
    bare.activity = false; /* a range may have an index of its own, which says nothing here */
    scope.selection = &bare;
    vb_query_init(&query);
    vb_buffer_init(&list, LIST_CEILING);
    vb_query_add(&query, "EXPLAIN (COSTS OFF) ");
    enum vb_status status = vb_page_cursor(&reader->page, reader->current, &first, &err);
    if (status == VB_OK)
        status = vb_query_list_word(&list, first.id);
    if (status == VB_OK)
        status = vb_buffer_append_byte(&list, '}');
    if (status == VB_OK)
        status = vb_session_ready(&reader->session, &err);
    if (status == VB_OK)
        status = vb_select_messages(&query.sql, reader->session.connection, &scope, VB_FORM_FENCED,
                                    list.data, 1);
    if (status == VB_OK)
        status = vb_session_query(&reader->session, &query, ret_lines, &err);
    vb_query_done(&query);
    vb_buffer_done(&list);
    return status;
}

/* "p.id" is the conversation that is looked for. A server far behind the view that filters itself
 * shows no filter here, and is left to it. */
static bool is_filtered(const PGresult *lines)
{
    for (int i = 0; i < PQntuples(lines); i++) {
        const char *line = PQgetvalue(lines, i, 0);
        if (strstr(line, "Filter: ") && strstr(line, "p.id"))
            return true;
    }
    return false;
}

void vb_stream_choose_form(struct vb_reader *reader)
{
    struct vb_stream *stream = &reader->stream;
    int64_t now = vb_clock_monotonic();
    PGresult *lines = NULL;
    if (reader->page.count < WORTH_A_LOOK ||
        (stream->form_seen > 0 && now - stream->form_seen < LOOK_AGAIN))
        return;
    stream->form_seen = now;
    if (explain(reader, &lines) == VB_OK) {
        if (is_filtered(lines))
            stream->form = VB_FORM_STRETCH;
        else if (stream->form == VB_FORM_STRETCH)
            stream->form = VB_FORM_ORDERED;
    }
    PQclear(lines);
}

size_t vb_stream_page(const struct vb_reader *reader)
{
    const struct vb_page *page = &reader->page;
    size_t least = reader->options.page_conversations;
    if (reader->stream.form != VB_FORM_STRETCH || !reader->is_under_way || page->count == 0)
        return least;
    size_t most = PAGE_BYTES / (PQresultMemorySize(page->rows) / page->count + 1);
    most = most < PAGE_MOST ? most : PAGE_MOST;
    return most > least ? most : least;
}
