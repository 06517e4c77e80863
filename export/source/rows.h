/* Rows of one statement, streamed by COPY ... TO STDOUT (FORMAT binary).
 *
 * COPY instead of the row-by-row result of libpq: half the CPU on this side, the same on the
 * server's (docs/decisions/0002). One row is in memory at a time, and libpq's input buffer, which
 * is as large as the largest row it has met; and what vb_rows_keep took in ahead, so that the
 * source's transaction ends before the rows are worked on.
 *
 * Owns the rows at hand and borrows the session; vb_rows_close ends both claims. Belongs to the
 * reader's thread. Errors: VB_NETWORK and VB_DATABASE_AWAY for what passes, VB_SOURCE for what the
 * statement or its data is to blame for, VB_STOPPED; the stream is closed by each. Fields live
 * until the next call.
 *
 * Source: "File Formats, Binary Format" in the chapter on COPY of PostgreSQL's manual.
 */
#ifndef VERBATIM_EXPORT_SOURCE_ROWS_H
#define VERBATIM_EXPORT_SOURCE_ROWS_H

#include "session.h"

/* Of rows taken in ahead, what belongs to their memory included. */
#define VB_ROWS_KEPT (1024u * 1024u)

struct vb_kept_row {
    char *data; /* libpq's */
    size_t length;
};

struct vb_rows {
    struct vb_session *session; /* borrowed */
    struct vb_kept_row *kept;   /* those from `next` up to `end` are still to be given */
    size_t next, end, capacity;
    size_t kept_bytes; /* of those */
    bool open;
    bool past_header;
    char *buffer; /* libpq's; the fields point into it */
    size_t buffered;
    int64_t waited; /* microseconds, for rows of this statement */
    int64_t sent;   /* monotonic: when the statement went out */
    int64_t took;   /* microseconds until its last one; 0: it has not ended */
    size_t largest; /* bytes of the largest row since the connection was made */
};

/* Starts a query, as text without parameters. A stream still open is closed first. `settings`:
 * SET LOCAL ...; of this statement, or "". */
enum vb_status vb_rows_start(struct vb_rows *rows, const char *select, const char *settings,
                             struct vb_error *err) vb_must_check;
/* Takes rows in ahead until the statement ends or they fill VB_ROWS_KEPT, with the row at hand, or
 * until the deadline (monotonic; 0: none). Behind the statement's end `open` is false. The row at
 * hand stays. On any failure the stream is closed, and what was kept is lost. */
enum vb_status vb_rows_keep(struct vb_rows *rows, int64_t deadline,
                            struct vb_error *err) vb_must_check;
/* The next row's `count` fields, VB_END after the last. They live until the next call. On any
 * failure the stream is closed. */
enum vb_status vb_rows_next(struct vb_rows *rows, size_t count, struct vb_view fields[],
                            struct vb_error *err) vb_must_check;
/* Gives an open stream up, and its connection with it; else only frees the rows. */
void vb_rows_close(struct vb_rows *rows);
/* That, and the memory of the list. */
void vb_rows_done(struct vb_rows *rows);

#endif
