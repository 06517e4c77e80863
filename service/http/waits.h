/* Requests that wait for the end of an export: `Prefer: wait=N` without a thread or a database connection for each.
 *
 * One thread and one connection a process hear of ended jobs (LISTEN) and ask the database for what they may have missed;
 * a waiting request is a small row in a table here, and is woken on its own loop. The table belongs to the process and is
 * under a mutex; a wait belongs to its exchange, and only its loop's thread begins and ends it.
 */
#ifndef VERBATIM_HTTP_WAITS_H
#define VERBATIM_HTTP_WAITS_H

#include "database/pg.h"
#include "server.h"

#include "verbatim/uuid.h"

#include <event2/event_struct.h>

enum http_wake {
    HTTP_WAKE_ENDED, /* the job has probably ended, or the process ends */
    HTTP_WAKE_LATE,  /* the time is over */
    HTTP_WAKE_LEFT   /* the client sends nothing more: it may be gone */
};

struct http_wait {
    struct http_exchange *exchange;
    void (*woken)(struct http_exchange *exchange, enum http_wake why); /* may end the wait */
    struct event timer;
    /* Under the table's mutex. */
    struct vb_uuid job;
    struct http_wait *next, **at; /* `at` NULL: in no list */
};

/* What tells of the ends. */
struct http_waits_options {
    struct vb_pg_options pg;
    bool listens;        /* the connection is its own, so that it may LISTEN */
    const char *channel; /* notified with the id of each job that ends */
    const char
        *ask; /* SQL: which of the jobs $1::uuid[] have ended, or are gone; their ids as text */
};

struct http_waits;
enum vb_status http_waits_start(const struct http_waits_options *options,
                                struct http_waits **ret_waits, struct vb_error *err) vb_must_check;
/* After all loops have ended. */
void http_waits_stop(struct http_waits *waits);

size_t http_waits_count(struct http_waits *waits); /* any thread */

/* Each loop's own part: what wakes it. */
enum vb_status http_waits_join(struct http_loop *loop, struct vb_error *err) vb_must_check;
void http_waits_leave(struct http_loop *loop);
/* The loop is to answer all it has: its waits end now. */
void http_waits_drain(struct http_loop *loop);

/* From here on no end of the job is missed; so it begins before the job is looked at. */
void http_wait_begin(struct http_wait *wait, struct http_exchange *exchange, struct vb_uuid job,
                     int seconds,
                     void (*woken)(struct http_exchange *exchange, enum http_wake why));
/* Twice is a no-op. */
void http_wait_end(struct http_wait *wait);

#endif
