/* Counting what is left of a stretch: once a job, for its plan and its progress.
 *
 * Reads the selection's index from end to end, so never once a page; of many conversations in
 * steps, so that no statement grows with them. Uses the reader's connection, and only while no page
 * is open on it.
 */
#include "decode.h"
#include "reader.h"

bool vb_reader_exhausted(const struct vb_reader *reader)
{
    return reader->state == VB_READER_DONE;
}

/* Conversations that one statement walks over. */
#define STEP 20000u

static enum vb_status count_some(struct vb_reader *reader, const struct vb_scope *scope,
                                 uint64_t *ret_count, struct vb_error *err)
{
    struct vb_query query;
    PGresult *result = NULL;
    vb_query_init(&query);
    vb_select_count_rest(&query, scope, STEP);
    enum vb_status status = vb_session_query(&reader->session, &query, &result, err);
    vb_query_done(&query);
    if (status != VB_OK)
        return status;
    *ret_count = vb_decode_uint64(PQgetvalue(result, 0, 0));
    PQclear(result);
    return VB_OK;
}

enum vb_status vb_reader_count(struct vb_reader *reader, uint64_t *ret_count, struct vb_error *err)
{
    if (vb_reader_exhausted(reader)) {
        *ret_count = 0;
        return VB_OK;
    }
    if (reader->state != VB_READER_PAGE)
        return vb_fail(err, VB_INVALID, "counting is for between pages");
    struct vb_scope scope = vb_reader_scope(reader);
    struct vb_cursor passed;
    uint64_t before = 0, rest = 0;
    enum vb_status status = count_some(reader, &scope, &rest, err);
    if (status == VB_OK && rest == STEP) {
        for (; (status = vb_stream_skip(reader, &scope, STEP, &passed, err)) == VB_OK;
             before += STEP)
            scope.low = &passed;
        if (status == VB_END)
            status = count_some(reader, &scope, &rest, err);
    }
    *ret_count = before + rest;
    return status;
}

/* One more is looked for, and no further. */
enum vb_status vb_reader_fits(struct vb_reader *reader, uint64_t most, bool *ret_fits,
                              struct vb_error *err)
{
    const struct vb_scope scope = {.contract = reader->options.contract,
                                   .selection = &reader->selection};
    struct vb_query query;
    PGresult *result = NULL;
    vb_query_init(&query);
    vb_select_skip(&query, &scope, most + 1);
    enum vb_status status = vb_session_query(&reader->session, &query, &result, err);
    vb_query_done(&query);
    if (status != VB_OK)
        return status;
    *ret_fits = PQntuples(result) == 0;
    PQclear(result);
    return VB_OK;
}
