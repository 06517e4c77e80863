/* Requests that wait for the end of an export: `Prefer: wait=N` without a thread or a database
 * connection for each.
 *
 * One thread and one connection a process hear of ended jobs (LISTEN) and ask the database for what
 * they may have missed; a waiting request is a small row in a table here, and is woken on its own
 * loop. An end that is told is a hint: whoever is woken looks for himself.
 *
 * The table belongs to the process, is under a mutex, and ends with vb_http_waits_stop; a wait is
 * its handler's memory, and only its loop's thread begins and ends it. Errors: VB_NO_MEMORY and
 * VB_IO at the start; later a database that is away only makes answers late, never wrong.
 */
#ifndef VERBATIM_HTTP_WAITS_H
#define VERBATIM_HTTP_WAITS_H

#include "database/pg.h"
#include "server.h"

#include "verbatim/uuid.h"

#include <event2/event_struct.h>

enum vb_http_wake {
    VB_HTTP_WAKE_ENDED, /* the job has probably ended, or the process ends */
    VB_HTTP_WAKE_LATE,  /* the time is over */
    VB_HTTP_WAKE_LEFT   /* the client sends nothing more: it may be gone */
};

struct vb_http_wait {
    struct vb_http_exchange *exchange;
    void (*woken)(struct vb_http_exchange *exchange, enum vb_http_wake why); /* may end the wait */
    struct event timer;
    /* Under the table's mutex. */
    struct vb_uuid job;
    struct vb_http_wait *next, **at; /* `at` NULL: in no list */
};

/* What tells of the ends. */
struct vb_http_waits_options {
    struct vb_pg_options pg;
    const char *channel; /* notified with the id of each job that ends */
    const char
        *ask; /* SQL: which of the jobs $1::uuid[] have ended, or are gone; their ids as text */
};

struct vb_http_waits;
enum vb_status vb_http_waits_start(const struct vb_http_waits_options *options,
                                   struct vb_http_waits **ret_waits,
                                   struct vb_error *err) vb_must_check;
/* After all loops have ended. */
void vb_http_waits_stop(struct vb_http_waits *waits);

size_t vb_http_waits_count(struct vb_http_waits *waits); /* any thread */

/* Each loop's own part: what wakes it. */
enum vb_status vb_http_waits_join(struct vb_http_loop *loop, struct vb_error *err) vb_must_check;
void vb_http_waits_leave(struct vb_http_loop *loop);
/* The loop is to answer all it has: its waits end now. */
void vb_http_waits_drain(struct vb_http_loop *loop);

/* From here on no end of the job is missed; so it begins before the job is looked at. */
void vb_http_wait_begin(struct vb_http_wait *wait, struct vb_http_exchange *exchange,
                        struct vb_uuid job, int seconds,
                        void (*woken)(struct vb_http_exchange *exchange, enum vb_http_wake why));
/* Twice is a no-op. */
void vb_http_wait_end(struct vb_http_wait *wait);

#endif
