/* Whose row it is that the source cannot read: names for the failure of a job.
 *
 * A view that computes what it shows (a text within JSON, a number that was typed) fails for one
 * row, and with it the whole statement, of which the server names none. So the conversation is
 * found by halving the page, and the message, or what else hangs on it, by halving the ids of its
 * conversation, each half read as an export reads it. Ids are looked up by statements that ask for
 * nothing else, so that these do not fail alike.
 *
 * Uses the reader's session between two statements, for at most PATIENCE. What is not found stays
 * unnamed; no error of the search is told.
 */
#include "reader.h"

#include <string.h>

#define PATIENCE (20 * VB_SECOND)
#define SQL_CEILING (64u * 1024u)

/* One search; ids are bounds of it, empty for none. */
struct search {
    struct vb_reader *reader;
    int64_t until; /* monotonic */
    enum vb_row_kind kind;
    char low[VB_CURSOR_ID], high[VB_CURSOR_ID];
    struct vb_error *why; /* of the last statement that failed by its rows */
};

static bool is_in_time(const struct search *search)
{
    return vb_clock_monotonic() < search->until &&
           vb_stop_check(&search->reader->session.stop, NULL) == VB_OK;
}

static bool note_failure(struct search *search, enum vb_status status, const struct vb_error *err)
{
    bool fails = vb_is_of_rows(status, err);
    if (fails)
        *search->why = *err;
    return fails;
}

/* --- rows of a conversation --- */

/* Reads what lies within the bounds and drops it. *ret_fails: whether the rows are to blame. */
static bool try_rows(struct search *search, bool *ret_fails)
{
    struct vb_reader *reader = search->reader;
    struct vb_rows *rows = &reader->stream.rows;
    struct vb_view fields[VB_ROW_COUNT];
    struct vb_scope scope = vb_reader_scope(reader);
    struct vb_error err;
    struct vb_buffer sql;
    const char *low = search->low[0] ? search->low : NULL;
    const char *high = search->high[0] ? search->high : NULL;
    vb_buffer_init(&sql, SQL_CEILING);
    vb_error_clear(&err);
    enum vb_status status = vb_session_ready(&reader->session, &err);
    if (status == VB_OK)
        status = vb_select_between(&sql, reader->session.connection, &scope, search->kind,
                                   reader->conversation.id, low, high);
    if (status == VB_OK)
        status = vb_rows_start(rows, sql.data, "", &err);
    while (status == VB_OK)
        status = vb_rows_next(rows, reader->stream.width, fields, &err);
    vb_rows_close(rows);
    vb_buffer_done(&sql);
    *ret_fails = note_failure(search, status, &err);
    return status == VB_END || *ret_fails;
}

/* One value by the query, which is ended. */
static bool ask(struct search *search, struct vb_query *query, PGresult **ret_result)
{
    struct vb_error err;
    PGresult *result = NULL;
    enum vb_status status = vb_session_query(&search->reader->session, query, &result, &err);
    vb_query_done(query);
    if (status == VB_OK && PQntuples(result) == 1) {
        *ret_result = result;
        return true;
    }
    PQclear(result);
    return false;
}

/* By the id of the conversation alone: rows that nobody reads do no harm here. */
static void add_conversation(struct search *search, struct vb_query *query)
{
    const struct vb_contract *contract = search->reader->options.contract;
    vb_query_add(query, " FROM %s.%s m WHERE m.conversation_id = ", contract->schema,
                 vb_select_relation(search->kind));
    vb_query_bind(query, search->reader->conversation.id,
                  vb_contract_cast(contract, "conversation", "id"));
}

static bool count_rows(struct search *search, uint64_t *ret_count)
{
    struct vb_query query;
    PGresult *result = NULL;
    vb_query_init(&query);
    vb_query_add(&query, "SELECT count(DISTINCT m.id)");
    add_conversation(search, &query);
    if (!ask(search, &query, &result))
        return false;
    *ret_count = vb_decode_uint64(PQgetvalue(result, 0, 0));
    PQclear(result);
    return true;
}

/* Into search->high: the id `ahead` places behind the lower bound, from 1. */
static bool find_id(struct search *search, uint64_t ahead)
{
    const struct vb_contract *contract = search->reader->options.contract;
    const char *relation = vb_select_relation(search->kind);
    Oid type = vb_contract_column(contract, relation, "id")->type;
    struct vb_query query;
    PGresult *result = NULL;
    vb_query_init(&query);
    vb_query_add(&query, "SELECT DISTINCT m.id");
    add_conversation(search, &query);
    if (search->low[0]) {
        vb_query_add(&query, " AND m.id > ");
        vb_query_bind(&query, search->low, vb_contract_cast(contract, relation, "id"));
    }
    vb_query_add(&query, " ORDER BY m.id LIMIT 1 OFFSET ");
    vb_query_bind_number(&query, ahead - 1);
    if (!ask(search, &query, &result))
        return false;
    struct vb_view id = {PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0)};
    bool found = !PQgetisnull(result, 0, 0) && vb_decode_id(type, id, search->high, NULL) == VB_OK;
    PQclear(result);
    return found;
}

/* Halves what is left until it is one. A repeated id stands for all of its rows. */
static bool find_row(struct search *search)
{
    uint64_t left = 0;
    bool fails = false;
    if (!count_rows(search, &left) || left == 0)
        return false;
    while (left > 1 && is_in_time(search)) {
        uint64_t half = left / 2;
        if (!find_id(search, half) || !try_rows(search, &fails))
            return false;
        left = fails ? half : left - half;
        if (!fails)
            memcpy(search->low, search->high, sizeof search->low);
    }
    return left == 1 && find_id(search, 1) && try_rows(search, &fails) && fails;
}

/* Of rows that are no messages all of a kind are tried first: mostly it is none of theirs. */
static bool find_of_kind(struct search *search)
{
    bool fails = false;
    search->low[0] = search->high[0] = '\0';
    if (search->kind == VB_ROW_MESSAGE)
        return find_row(search);
    if (!try_rows(search, &fails) || !fails)
        return false;
    if (!vb_select_has_ids(search->kind) || !find_row(search))
        search->high[0] = '\0';
    return true;
}

bool vb_find_bad_row(struct vb_reader *reader, struct vb_left_out_row *ret_row,
                     struct vb_error *ret_why)
{
    const struct vb_row_kinds *kinds = &reader->stream.kinds;
    struct search search = {
        .reader = reader, .until = vb_clock_monotonic() + PATIENCE, .why = ret_why};
    bool found = false;
    for (size_t i = 0; i < kinds->count && !found; i++) {
        search.kind = kinds->items[i];
        found = find_of_kind(&search);
    }
    ret_row->kind = search.kind;
    memcpy(ret_row->id, search.high, sizeof ret_row->id);
    return found;
}

enum vb_status vb_blame_row(struct vb_reader *reader, enum vb_status status, struct vb_error *err)
{
    const char *conversation = reader->conversation.id;
    struct vb_left_out_row row;
    struct vb_error why;
    if (!vb_find_bad_row(reader, &row, &why))
        return vb_fail_within(err, status, "conversation %s", conversation);
    const char *relation = vb_select_relation(row.kind);
    return row.id[0] ? vb_fail_within(err, status, "conversation %s, %s %s", conversation, relation,
                                      row.id)
                     : vb_fail_within(err, status, "conversation %s, %s", conversation, relation);
}

/* --- conversations --- */

static bool try_page(struct search *search, uint64_t count, bool *ret_fails)
{
    struct vb_scope scope = vb_reader_scope(search->reader);
    struct vb_error err;
    struct vb_query query;
    PGresult *result = NULL;
    vb_query_init(&query);
    vb_error_clear(&err);
    vb_select_page(&query, &scope, count);
    enum vb_status status = vb_session_query(&search->reader->session, &query, &result, &err);
    vb_query_done(&query);
    PQclear(result);
    *ret_fails = note_failure(search, status, &err);
    return status == VB_OK || *ret_fails;
}

bool vb_find_conversation_at(struct vb_reader *reader, size_t place, struct vb_cursor *ret_cursor)
{
    struct search search = {.reader = reader};
    struct vb_scope scope = vb_reader_scope(reader);
    struct vb_query query;
    PGresult *result = NULL;
    struct vb_error err;
    vb_query_init(&query);
    vb_select_skip(&query, &scope, place);
    if (!ask(&search, &query, &result))
        return false;
    bool found = vb_result_cursor(result, 0, reader->options.contract, ret_cursor, &err) == VB_OK;
    PQclear(result);
    return found;
}

/* The shortest page that fails ends with the row in question. */
bool vb_find_bad_conversation(struct vb_reader *reader, size_t limit, size_t *ret_place,
                              struct vb_error *ret_why)
{
    struct search search = {
        .reader = reader, .until = vb_clock_monotonic() + PATIENCE, .why = ret_why};
    uint64_t good = 0, bad = (uint64_t)limit + 1;
    bool fails = false;
    while (bad - good > 1 && is_in_time(&search)) {
        uint64_t half = good + (bad - good) / 2;
        if (!try_page(&search, half, &fails))
            return false;
        if (fails)
            bad = half;
        else
            good = half;
    }
    /* The reason is told of the page that ends with the row: no other row of it fails. */
    vb_error_clear(ret_why);
    *ret_place = (size_t)bad;
    return bad - good == 1 && try_page(&search, bad, &fails);
}

enum vb_status vb_blame_conversation(struct vb_reader *reader, size_t limit, enum vb_status status,
                                     struct vb_error *err)
{
    struct vb_cursor cursor;
    struct vb_error why;
    size_t place = 0;
    if (vb_find_bad_conversation(reader, limit, &place, &why) &&
        vb_find_conversation_at(reader, place, &cursor))
        return vb_fail_within(err, status, "conversation %s", cursor.id);
    return status;
}
