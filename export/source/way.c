/* How the conversations of a range of messages are found.
 *
 * Each is asked for a message in the range, on the way along their own order (scope.c, decision
 * 18). Without any index of conversation_id each of these look-ups is a look at the whole table:
 * the plan shows it by a filter in place of a condition of an index. Then the range's messages are
 * read from end to end, once a page, and their conversations kept in the server's memory.
 *
 * Uses the reader's session before its first page. What cannot be explained changes nothing; no
 * error is the export's.
 */
#include "reader.h"

#include <string.h>

/* The look-up's words in a plan, whatever the view calls its columns. */
static bool is_filtered(const PGresult *lines)
{
    for (int i = 0; i < PQntuples(lines); i++) {
        const char *line = PQgetvalue(lines, i, 0);
        const char *filter = strstr(line, "Filter: ");
        if (filter && strstr(filter, "= ANY (ARRAY["))
            return true;
    }
    return false;
}

void vb_reader_choose_way(struct vb_reader *reader)
{
    struct vb_query query;
    struct vb_error err;
    PGresult *lines = NULL;
    reader->by_range = false;
    if (!reader->selection.activity)
        return;
    struct vb_scope scope = vb_reader_scope(reader);
    vb_error_clear(&err);
    vb_query_init(&query);
    vb_query_add(&query, "EXPLAIN (COSTS OFF) ");
    vb_select_page(&query, &scope, 1);
    if (vb_session_query(&reader->session, &query, &lines, &err) == VB_OK)
        reader->by_range = is_filtered(lines);
    vb_query_done(&query);
    PQclear(lines);
}
