/* The binary COPY stream taken apart: see rows.h.
 *
 * Source: the chapter on COPY of the server's manual. A message of the protocol holds one row,
 * which libpq hands out whole; the header comes in front of the first row or alone, depending on
 * the server.
 */
#include "rows.h"

#include "decode.h"
#include "verbatim/clock.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE "PGCOPY\n\377\r\n" /* and a NUL: eleven bytes */
#define SIGNATURE_SIZE 11u
#define HEADER_SIZE 19u /* signature, flags, length of the extension */
#define ROW_OVERHEAD (sizeof(struct vb_kept_row) + 16u) /* of a kept row: its place, malloc's own */

/* Fields handed out end with it. */
static void free_row(struct vb_rows *rows)
{
    PQfreemem(rows->buffer);
    rows->buffer = NULL;
    rows->buffered = 0;
}

static void free_kept(struct vb_rows *rows)
{
    for (size_t i = rows->next; i < rows->end; i++)
        PQfreemem(rows->kept[i].data);
    rows->next = rows->end = 0;
    rows->kept_bytes = 0;
}

/* A COPY that is not read to its end can only be left by leaving the connection. */
void vb_rows_close(struct vb_rows *rows)
{
    free_row(rows);
    free_kept(rows);
    if (!rows->open)
        return;
    rows->open = false;
    rows->largest = 0;
    vb_session_drop(rows->session);
    vb_session_end(rows->session);
}

void vb_rows_done(struct vb_rows *rows)
{
    vb_rows_close(rows);
    free(rows->kept);
    rows->kept = NULL;
    rows->capacity = 0;
}

/* Prologue, COPY and epilogue as one simple query, so that a pooler sees one transaction. Settings
 * of its own make it one in any session. */
static enum vb_status build_copy(const struct vb_session *session, const char *select,
                                 const char *settings, char **ret_sql)
{
    const char *prologue = vb_session_prologue(session), *epilogue = vb_session_epilogue(session);
    bool begins = settings[0] && !prologue[0];
    struct vb_buffer sql;
    vb_buffer_init(&sql, strlen(select) + strlen(prologue) + strlen(settings) + 128);
    enum vb_status status = vb_buffer_printf(&sql, "%s%s%sCOPY (%s) TO STDOUT (FORMAT binary)%s",
                                             prologue, begins ? "BEGIN READ ONLY;" : "", settings,
                                             select, begins ? ";COMMIT" : epilogue);
    if (status == VB_OK)
        *ret_sql = vb_buffer_take(&sql);
    vb_buffer_done(&sql);
    return status;
}

static enum vb_status send_copy(struct vb_rows *rows, const char *select, const char *settings,
                                struct vb_error *err)
{
    char *sql = NULL;
    enum vb_status status = build_copy(rows->session, select, settings, &sql);
    if (status != VB_OK)
        return vb_fail(err, status, "a statement to the source could not be built");
    PGresult *result = NULL;
    int sent = PQsendQuery(rows->session->connection, sql);
    free(sql);
    rows->sent = vb_clock_monotonic();
    rows->took = 0;
    status = vb_session_answer(rows->session, sent, &result, err);
    /* Few small rows come with the answer: the server's buffer holds them back until it is full. */
    rows->waited = vb_clock_monotonic() - rows->sent;
    if (status != VB_OK)
        return status;
    if (PQresultStatus(result) == PGRES_COPY_OUT) {
        rows->open = true;
        rows->past_header = false;
    } else {
        status = vb_session_fail(rows->session, result, "cannot read messages", err);
    }
    PQclear(result);
    return status;
}

enum vb_status vb_rows_start(struct vb_rows *rows, const char *select, const char *settings,
                             struct vb_error *err)
{
    vb_rows_close(rows);
    enum vb_status status = vb_session_begin(rows->session, err);
    if (status == VB_OK)
        status = vb_session_ready(rows->session, err);
    if (status == VB_OK)
        status = send_copy(rows, select, settings, err);
    if (status != VB_OK)
        vb_session_end(rows->session);
    return status;
}

/* After the last row: results of COPY and of the COMMIT behind it, if any. */
static enum vb_status finish(struct vb_rows *rows, bool broken, struct vb_error *err)
{
    struct vb_session *session = rows->session;
    enum vb_status status = VB_OK;
    rows->open = false;
    PGresult *result = NULL;
    do {
        PQclear(result);
        result = NULL;
        status = vb_polled_result(session->connection, &session->stop, &result, err);
        if (result && PQresultStatus(result) != PGRES_COMMAND_OK)
            status = vb_session_fail(session, result, "reading messages broke off", err);
    } while (status == VB_OK && result);
    PQclear(result);
    if (status == VB_OK && broken)
        status = vb_session_fail(session, NULL, "reading messages broke off", err);
    if (status != VB_OK)
        vb_session_drop(session);
    rows->took = vb_clock_monotonic() - rows->sent;
    vb_session_end(session);
    return status == VB_OK ? VB_END : status;
}

/* Retryable: nothing says whether the server or the line between damaged it. */
static enum vb_status malformed(struct vb_rows *rows, struct vb_error *err)
{
    vb_rows_close(rows);
    return vb_fail(err, VB_DATABASE_AWAY, "source: a malformed row in a binary COPY");
}

/* Skips the header, which comes with the first row. */
static bool skip_header(struct vb_rows *rows, size_t *at)
{
    if (rows->past_header)
        return true;
    if (rows->buffered < HEADER_SIZE || memcmp(rows->buffer, SIGNATURE, SIGNATURE_SIZE) != 0)
        return false;
    size_t size = HEADER_SIZE + vb_decode_uint32(rows->buffer + HEADER_SIZE - 4);
    if (size > rows->buffered)
        return false;
    rows->past_header = true;
    *at = size;
    return true;
}

/* Fields are views into libpq's buffer, good until the next row. Lengths come from the wire and are
 * checked against it. */
static bool split_fields(const struct vb_rows *rows, size_t at, size_t count,
                         struct vb_view fields[])
{
    for (size_t i = 0; i < count; i++) {
        if (rows->buffered - at < 4)
            return false;
        int32_t length = (int32_t)vb_decode_uint32(rows->buffer + at);
        at += 4;
        fields[i] = (struct vb_view){NULL, 0};
        if (length < 0)
            continue;
        if ((size_t)length > rows->buffered - at)
            return false;
        fields[i] = (struct vb_view){rows->buffer + at, (size_t)length};
        at += (size_t)length;
    }
    return at == rows->buffered;
}

/* From the connection. VB_AGAIN: nothing came before the deadline. */
static enum vb_status receive(struct vb_rows *rows, int64_t deadline, char **ret_data,
                              size_t *ret_length, struct vb_error *err)
{
    int length = 0;
    enum vb_status status = vb_polled_row(rows->session->connection, &rows->session->stop, deadline,
                                          ret_data, &length, &rows->waited, err);
    if (status != VB_OK) {
        vb_rows_close(rows);
        return status;
    }
    if (length == 0)
        return VB_AGAIN;
    if (length < 0)
        return finish(rows, length != -1, err);
    *ret_length = (size_t)length;
    if (*ret_length > rows->largest)
        rows->largest = *ret_length;
    return VB_OK;
}

/* Room for one more. Those already given make room first. */
static enum vb_status grow_kept(struct vb_rows *rows, struct vb_error *err)
{
    if (rows->next > 0 && (rows->next == rows->end || rows->end == rows->capacity)) {
        memmove(rows->kept, rows->kept + rows->next, (rows->end - rows->next) * sizeof *rows->kept);
        rows->end -= rows->next;
        rows->next = 0;
    }
    if (rows->end < rows->capacity)
        return VB_OK;
    size_t capacity = rows->capacity > 0 ? 2 * rows->capacity : 256;
    struct vb_kept_row *kept = realloc(rows->kept, capacity * sizeof *kept);
    if (!kept)
        return vb_fail(err, VB_NO_MEMORY, "no memory for rows of the source");
    rows->kept = kept;
    rows->capacity = capacity;
    return VB_OK;
}

enum vb_status vb_rows_keep(struct vb_rows *rows, int64_t deadline, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    while (status == VB_OK && rows->open && rows->buffered + rows->kept_bytes < VB_ROWS_KEPT) {
        struct vb_kept_row row;
        status = grow_kept(rows, err);
        if (status == VB_OK)
            status = receive(rows, deadline, &row.data, &row.length, err);
        if (status != VB_OK)
            break;
        rows->kept[rows->end++] = row;
        rows->kept_bytes += row.length + ROW_OVERHEAD;
    }
    if (status != VB_OK && status != VB_END && status != VB_AGAIN) {
        vb_rows_close(rows);
        return status;
    }
    return VB_OK;
}

/* A kept one, else from the connection. */
static enum vb_status take(struct vb_rows *rows, struct vb_error *err)
{
    free_row(rows);
    if (rows->next == rows->end)
        return rows->open ? receive(rows, 0, &rows->buffer, &rows->buffered, err) : VB_END;
    rows->buffer = rows->kept[rows->next].data;
    rows->buffered = rows->kept[rows->next].length;
    rows->next++;
    rows->kept_bytes -= rows->buffered + ROW_OVERHEAD;
    return VB_OK;
}

enum vb_status vb_rows_next(struct vb_rows *rows, size_t count, struct vb_view fields[],
                            struct vb_error *err)
{
    for (;;) {
        enum vb_status status = take(rows, err);
        if (status != VB_OK)
            return status;
        size_t at = 0;
        if (!skip_header(rows, &at))
            return malformed(rows, err);
        if (at == rows->buffered) /* a header alone */
            continue;
        if (rows->buffered - at < 2)
            return malformed(rows, err);
        int16_t found = (int16_t)vb_decode_uint16(rows->buffer + at);
        if (found == -1) /* the trailer; the end of the stream follows */
            continue;
        if ((size_t)found != count || !split_fields(rows, at + 2, count, fields))
            return malformed(rows, err);
        return VB_OK;
    }
}
