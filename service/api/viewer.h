/* Inside of api/events.h: the hub, its viewers and its looks, for the files that work on them.
 *
 * The hub is the process's, and all of it under its mutex; a viewer is its loop's, but for the
 * links of the hub's list; a batch is nobody's to change once it is published, and freed by the
 * last loop that takes it. No errors of its own.
 */
#ifndef VERBATIM_API_VIEWER_H
#define VERBATIM_API_VIEWER_H

#include "events.h"
#include "sql.h"

#include <pthread.h>

#define VB_API_SNAPSHOT_MOST 8192u
#define VB_API_WHO (VB_UUID_TEXT + 33u) /* an id, a blank, a word of 32, the NUL */

/* `next` and `at` are its loop's; the rest of the links is under the mutex. The workspace is the
 * exchange's access's. */
struct vb_api_viewer {
    struct vb_http_exchange *exchange;
    struct vb_api_viewer *next, **at;
    struct vb_api_viewer *all_next, **all_at;
    uint64_t first; /* the first look that asks for it */
    int64_t said_at;
    bool is_ready, is_session;
    char who[VB_API_WHO];
};

/* A row as it was at the last look. */
struct vb_api_seen {
    char job[VB_UUID_TEXT];
    uint64_t hash;
};

struct vb_api_batch {
    struct vb_api_batch *next;
    uint64_t number;
    size_t left; /* loops that have not taken it */
    PGresult *rows;
    bool *is_news;            /* by row */
    struct vb_api_seen *seen; /* by row, until it is compared; the hub's from then on */
    bool is_lost;             /* something may have been missed: everybody begins anew */
};

struct vb_api_events {
    pthread_mutex_t mutex;
    struct vb_api_viewer *viewers;
    size_t count;
    struct vb_api_batch *first, **last;
    uint64_t asked; /* number of the last look */
    bool is_asking;
    int64_t asked_at, seen_at; /* the last look, and the last that told something; 0: none */
    int64_t told_at;           /* in the log, that looks fail; 0: never */
    char snapshot[VB_API_SNAPSHOT_MOST]; /* "": nobody has looked yet, since somebody is there */
    struct vb_api_seen *seen;            /* sorted */
    size_t seen_count;
};

void vb_api_batch_free(struct vb_api_batch *batch); /* NULL is a no-op */

/* --- looks (api/event_look.c) --- */
/* Asks for this loop's sake, where a second has passed since anybody has. */
void vb_api_look(struct vb_http_loop *loop, int64_t now);
/* The look that was asked for will not be answered. */
void vb_api_look_give_up(struct vb_api_events *events);

/* --- what a loop's viewers are told (api/event_tell.c) --- */
/* From here on the viewer misses nothing. */
void vb_api_viewer_ready(struct vb_api_viewer *viewer, int64_t now);
/* All of the batch, to those of the loop's viewers whom it is about; sends others away. */
void vb_api_batch_tell(struct vb_api_site_loop *site, const struct vb_api_batch *batch,
                       int64_t now);
/* Says something to whoever has not heard anything for a while. */
void vb_api_viewers_word(struct vb_api_site_loop *site, int64_t now);

#endif
