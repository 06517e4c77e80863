/* Whether the source answers look-ups, as the process's first loop finds it by its own pool, and
 * how far a replica lies behind. /readyz and the figures read it. While they do, or it does not
 * answer, it is asked every few seconds, else a few times a minute.
 *
 * Embedded in the API, zero at first: not known counts as not answering. Written by the first
 * loop's thread, from its tick, but for `read_at`; read by any. No errors: what does not answer is
 * a finding, and told in the log when it changes.
 */
#ifndef VERBATIM_API_SOURCE_WATCH_H
#define VERBATIM_API_SOURCE_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vb_http_loop;
struct vb_pg_ticket;

struct vb_api_source_watch {
    atomic_llong read_at;   /* monotonic; when somebody wanted to know, 0: never */
    atomic_bool is_good;    /* the last finding */
    atomic_llong asked_at;  /* monotonic; of the question that is open, 0: none is */
    atomic_llong lag;       /* milliseconds, 0 where it is no replica, -1: not told */
    bool tells_no_lag;      /* it refuses that question */
    int64_t sent_at;        /* of the last question; of the thread, as is what follows */
    bool was_good, is_told; /* told: the log says that it does not answer */
    struct vb_pg_ticket *ticket;
};

/* Does nothing for other loops than the first. */
void vb_api_source_watch_tick(struct vb_http_loop *loop, int64_t now);
/* Before the loop's pools go. */
void vb_api_source_watch_leave(struct vb_http_loop *loop);
bool vb_api_source_watch_good(struct vb_api_source_watch *watch);
/* Seconds that a replica lies behind, as of the last answer; 0 for other servers and before the
 * first answer, NaN where the server does not tell. */
double vb_api_source_watch_lag(const struct vb_api_source_watch *watch);

#endif
