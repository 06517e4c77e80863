/* What a thread knows of the hosts that it asks for media: whether they answer, and how many
 * requests at a time they bear. Inside media/web.c only.
 *
 * A host that is new is asked for one medium at a time. Each medium that it answers for raises that
 * by one, up to the option media_host_fetches. An attempt that fails, or is told to be patient,
 * halves it, a medium that fails takes it back to one, and from then on it rises more slowly. After
 * several failures in a row the host is passed over for a while. Names are those of libcurl's
 * parser; ports do not matter.
 *
 * Of one thread. The table owns its hosts: one that is held stays until it is let go of, of the
 * others the one that was longest out of use is forgotten for a new one. Only birth can fail, with
 * VB_NO_MEMORY. Times are monotonic microseconds.
 */
#ifndef VERBATIM_MEDIA_HOSTS_H
#define VERBATIM_MEDIA_HOSTS_H

#include "origin.h"

struct vb_host {
    char name[VB_HOST_TEXT];
    size_t holders;          /* fetches that are at it or wait for it */
    size_t busy, most;       /* fetches that are at it, and how many may be */
    bool tender;             /* it had trouble with as many as it was asked for */
    unsigned answers;        /* then: since `most` rose */
    unsigned failures;       /* in a row, counted by medium */
    int64_t not_before;      /* passed over until then */
    int64_t throttled_until; /* it asked for patience */
    uint64_t used;
};

struct vb_hosts;

/* For at most so many holders, and so many requests at a time to one host; neither is 0. */
enum vb_status vb_hosts_new(size_t fetches, size_t at_one_host, struct vb_hosts **ret_hosts,
                            struct vb_error *err) vb_must_check;
void vb_hosts_free(struct vb_hosts *hosts);
struct vb_host *vb_hosts_hold(struct vb_hosts *hosts, const char *name);
void vb_hosts_let_go(struct vb_host *host);

/* It has failed before: one attempt for each medium. */
bool vb_host_is_weak(const struct vb_host *host);
/* It has failed before, and lately: no attempt at all. */
bool vb_host_is_passed_over(const struct vb_host *host, int64_t now);
/* Whether one more fetch may go there now; it is counted then, until vb_host_leave. */
bool vb_host_enter(struct vb_host *host, int64_t now);
/* healthy: the host answered, whatever it was. */
void vb_host_leave(struct vb_hosts *hosts, struct vb_host *host, bool healthy, int64_t now);
/* Without a word on the host's health: the fetch was given up. */
void vb_host_abandon(struct vb_host *host);
/* An attempt failed that may succeed later; nobody goes there before `until`. */
void vb_host_slow_down(struct vb_host *host, int64_t until);
/* From now on one at a time. */
void vb_host_calm(struct vb_host *host);

#endif
