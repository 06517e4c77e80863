/* Exports that are answered at once: a few threads that read and render, each into a pipe that an
 * HTTP loop empties. What is too much for that is refused, not queued.
 *
 * A stream is one such thread's work for one answer. It is reserved before anything is noted
 * anywhere, so that a busy process can refuse in time; then begun; then let go of, at its end or in
 * the middle. Nothing is kept between two of them: each has its own reader, and so its own
 * connection to the source, for as long as it reads.
 *
 * The pool owns all streams, and they are used again; vb_direct_pool_stop frees it. A reserved
 * stream belongs to the loop that reserved it, the work to the stream's thread. Errors: those of
 * the reader and of renderers, as the stream's outcome; VB_STOPPED where the client left or the
 * process ends; VB_NO_MEMORY where there is no pipe.
 */
#ifndef VERBATIM_DIRECT_DIRECT_H
#define VERBATIM_DIRECT_DIRECT_H

#include "brand/brand.h"
#include "settings/service.h"
#include "specification/specification.h"
#include "verbatim/source.h"

/* Threads of a process, and so exports answered at once at a time; docs/memory-budget.md counts
 * what they take. */
#define VB_DIRECT_STREAMS 4u

/* What to write. Everything is the order's own. */
struct vb_direct_order {
    struct vb_specification specification; /* resolved and limited to what may be seen */
    const struct vb_renderer
        *renderer;   /* the specification's, or one that only its door may name */
    char *workspace; /* its id in the source */
    char *time_zone, *csv_profile;
    char csv_delimiter; /* 0: a comma */
    enum vb_csv_quote csv_quote;
    enum vb_csv_mark csv_mark;
    struct vb_brand_kept brand; /* where the renderer shows it */
    vb_instant as_of;
    char request_id[72]; /* for the log */
};
/* Frees what it holds, not itself. */
void vb_direct_order_done(struct vb_direct_order *order);

struct vb_direct_pool;
struct vb_direct_stream;

enum vb_status vb_direct_pool_start(const struct vb_service *service,
                                    struct vb_direct_pool **ret_pool,
                                    struct vb_error *err) vb_must_check;
/* Ends what still runs, within two seconds; all streams must have been let go of. NULL is a
 * no-op. */
void vb_direct_pool_stop(struct vb_direct_pool *pool);

/* These belong to the loop that reserved it. */

/* NULL: all are busy. */
struct vb_direct_stream *vb_direct_reserve(struct vb_direct_pool *pool);
/* Takes the order over, also on failure. *ret_fd is the caller's: non-blocking, at its end once all
 * is written, or once it failed. */
enum vb_status vb_direct_begin(struct vb_direct_stream *stream, struct vb_direct_order *order,
                               int *ret_fd, struct vb_error *err) vb_must_check;
/* How it ended; known at the end of the pipe. VB_OK: all was written. */
enum vb_status vb_direct_outcome(struct vb_direct_stream *stream,
                                 struct vb_error *err) vb_must_check;
/* Conversations written to their ends so far. */
uint64_t vb_direct_conversations(const struct vb_direct_stream *stream);
/* Stops it where it still runs: the source's statement is called off at once. NULL is a no-op. */
void vb_direct_release(struct vb_direct_stream *stream);

/* --- between the pool and the work (direct/export.c), on a stream's thread --- */
struct vb_direct_work {
    const struct vb_service *service;
    const struct vb_direct_order *order;
    int out; /* non-blocking; a reader that is gone ends the work */
    bool (*stop)(void *context);
    void *context;
    _Atomic uint64_t *conversations;
};
enum vb_status vb_direct_export(const struct vb_direct_work *work,
                                struct vb_error *err) vb_must_check;

#endif
