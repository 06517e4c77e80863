/* Who looks, and the batches that are on their way to them. See api/events.h.
 *
 * Looks are numbered. A viewer is judged and served by those that were asked after it joined: what
 * became visible before is in the list that its page loads once it has heard `ready`.
 */
#include "viewer.h"

#include "api.h"

#include "http/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTAKEN_MOST (128u << 10) /* bytes of a viewer */

enum vb_status vb_api_events_new(struct vb_api_events **ret_events, struct vb_error *err)
{
    struct vb_api_events *events = calloc(1, sizeof(*events));
    if (!events)
        return vb_fail(err, VB_NO_MEMORY, "no memory for events");
    pthread_mutex_init(&events->mutex, NULL);
    events->last = &events->first;
    *ret_events = events;
    return VB_OK;
}

void vb_api_batch_free(struct vb_api_batch *batch)
{
    if (!batch)
        return;
    PQclear(batch->rows);
    free(batch->is_news);
    free(batch->seen);
    free(batch);
}

void vb_api_events_free(struct vb_api_events *events)
{
    if (!events)
        return;
    while (events->first) {
        struct vb_api_batch *batch = events->first;
        events->first = batch->next;
        vb_api_batch_free(batch);
    }
    free(events->seen);
    pthread_mutex_destroy(&events->mutex);
    free(events);
}

/* --- viewers --- */

/* Under the mutex. Whoever comes next begins anew. */
static void forget(struct vb_api_events *events)
{
    events->snapshot[0] = '\0';
    events->seen_at = 0;
    events->seen_count = 0;
}

/* The exchange ends, however it does. */
static void free_viewer(void *state)
{
    struct vb_api_viewer *viewer = state;
    struct vb_api_events *events = viewer->exchange->loop->site->events;
    if (viewer->at) {
        *viewer->at = viewer->next;
        if (viewer->next)
            viewer->next->at = viewer->at;
    }
    pthread_mutex_lock(&events->mutex);
    if (viewer->all_at) {
        *viewer->all_at = viewer->all_next;
        if (viewer->all_next)
            viewer->all_next->all_at = viewer->all_at;
        if (--events->count == 0)
            forget(events);
    }
    pthread_mutex_unlock(&events->mutex);
    free(viewer);
}

/* False: there are enough. *ret_is_ready: looks are under way, and nothing is missed from here
 * on. */
static bool enter(struct vb_api_events *events, struct vb_api_viewer *viewer, bool *ret_is_ready)
{
    pthread_mutex_lock(&events->mutex);
    bool is_let_in = events->count < VB_API_VIEWERS_MOST;
    if (is_let_in) {
        events->count++;
        viewer->first = events->asked + 1;
        viewer->all_next = events->viewers;
        viewer->all_at = &events->viewers;
        if (viewer->all_next)
            viewer->all_next->all_at = &viewer->all_next;
        events->viewers = viewer;
        *ret_is_ready = events->snapshot[0] != '\0';
    }
    pthread_mutex_unlock(&events->mutex);
    return is_let_in;
}

static struct vb_api_viewer *make_viewer(struct vb_http_exchange *exchange, const char *word)
{
    struct vb_api_viewer *viewer = calloc(1, sizeof(*viewer));
    if (!viewer)
        return NULL;
    const struct vb_api_credential *credential = &exchange->request->credential;
    viewer->exchange = exchange;
    viewer->is_session = credential->is_session;
    (void)snprintf(viewer->who, sizeof(viewer->who), "%s %.32s", credential->id, word);
    exchange->state = viewer;
    exchange->free_state = free_viewer;
    return viewer;
}

void vb_api_events_join(struct vb_http_exchange *exchange, const char *word)
{
    struct vb_api_site_loop *site = exchange->loop->site;
    struct vb_api_viewer *viewer = make_viewer(exchange, word);
    bool is_ready = false;
    if (!viewer) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "a viewer");
        return;
    }
    if (!enter(site->events, viewer, &is_ready)) {
        vb_http_answer_error_header(exchange, "Retry-After", "30");
        vb_http_answer_detail(exchange, 503, "Too many lists are followed. Try again later.");
        return;
    }
    viewer->next = site->viewers;
    viewer->at = &site->viewers;
    if (viewer->next)
        viewer->next->at = &viewer->next;
    site->viewers = viewer;
    vb_http_answer_push(exchange, "text/event-stream", UNTAKEN_MOST);
    if (is_ready)
        vb_api_viewer_ready(viewer, vb_clock_monotonic());
    else
        viewer->said_at = vb_clock_monotonic();
}

/* --- batches, loop by loop --- */

/* The next batch that this loop has not seen; NULL: none. It stays until it is let go of. */
static struct vb_api_batch *next_batch(struct vb_api_events *events, uint64_t behind)
{
    pthread_mutex_lock(&events->mutex);
    struct vb_api_batch *batch = events->first;
    while (batch && batch->number <= behind)
        batch = batch->next;
    pthread_mutex_unlock(&events->mutex);
    return batch;
}

/* Batches are taken in order by each loop, so the first is free first. */
static void let_go(struct vb_api_events *events, struct vb_api_batch *batch)
{
    pthread_mutex_lock(&events->mutex);
    batch->left--;
    while (events->first && events->first->left == 0) {
        struct vb_api_batch *done = events->first;
        events->first = done->next;
        if (!events->first)
            events->last = &events->first;
        vb_api_batch_free(done);
    }
    pthread_mutex_unlock(&events->mutex);
}

void vb_api_events_tick(struct vb_http_loop *loop, int64_t now)
{
    struct vb_api_site_loop *site = loop->site;
    struct vb_api_batch *batch;
    while ((batch = next_batch(site->events, site->batch_taken))) {
        site->batch_taken = batch->number;
        vb_api_batch_tell(site, batch, now);
        let_go(site->events, batch);
    }
    vb_api_viewers_word(site, now);
    if (loop->is_draining)
        for (struct vb_api_viewer *viewer = site->viewers; viewer; viewer = viewer->next)
            vb_http_push_end(viewer->exchange);
    else if (!site->events_ticket)
        vb_api_look(loop, now);
}

void vb_api_events_leave(struct vb_api_site_loop *site)
{
    if (!site->events_ticket)
        return;
    vb_pg_ticket_drop(site->events_ticket);
    site->events_ticket = NULL;
    vb_api_look_give_up(site->events);
}
