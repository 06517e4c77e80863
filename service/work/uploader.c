/* The companion of a worker thread: stores one part while the worker makes the next.
 *
 * One part in flight, one behind it in the making: that is the whole pipeline, and its memory. The
 * body is released as soon as it is stored. The mutex guards everything but the session, which is
 * the companion's. A part that failed fails the segment: parts are never sent a second time from
 * here, since their body is gone; what heals by itself was tried again inside the storage.
 */
#include "crew.h"
#include "spans.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"
#include "verbatim/thread.h"

#include <stdlib.h>

struct vb_uploader {
    struct vb_storage_session *session;
    struct vb_thread thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const char *key, *upload_id;
    int64_t epoch;
    struct vb_trace_place trace; /* of the segment */
    uint32_t number;
    struct vb_body body; /* in flight while `busy` */
    bool busy, ending;
    struct vb_error failure; /* of a part since begin; status VB_OK: none */
    struct vb_stored_part *parts;
    size_t count, room;
};

/* The body may lie in the memory that it gives back: it is not touched afterwards. */
static void release(struct vb_body *body)
{
    if (body->release)
        body->release(body);
}

/* Room for one more result is made before its part is sent. */
static enum vb_status make_room(struct vb_uploader *uploader, struct vb_error *err)
{
    if (uploader->count < uploader->room)
        return VB_OK;
    size_t room = uploader->room ? 2 * uploader->room : 32;
    struct vb_stored_part *parts = realloc(uploader->parts, room * sizeof *parts);
    if (!parts)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the parts of a segment");
    uploader->parts = parts;
    uploader->room = room;
    return VB_OK;
}

/* Without the mutex while it sends; the worker touches nothing of it while `busy` is set. */
static void store(struct vb_uploader *uploader)
{
    struct vb_stored_part part = {0};
    struct vb_error err = {0};
    struct vb_body *body = &uploader->body;
    struct vb_span span;
    vb_upload_span_begin(&span, &uploader->trace, uploader->number, body->size);
    enum vb_status status =
        vb_storage_part(uploader->session, uploader->key, uploader->upload_id, uploader->number,
                        uploader->epoch, body->pieces, body->count, body->size, &part, &err);
    vb_upload_span_end(&span, &uploader->trace, status, &err);
    vb_trace_enter(NULL);
    pthread_mutex_lock(&uploader->mutex);
    if (status == VB_OK) {
        part.crc = body->crc;
        uploader->parts[uploader->count++] = part;
        vb_count(VB_COUNT_PARTS_STORED, 1);
        vb_count(VB_COUNT_BYTES_STORED, body->size);
    } else {
        uploader->failure = err;
    }
    release(body);
    *body = (struct vb_body){0}; /* our copy */
    uploader->busy = false;
    pthread_cond_broadcast(&uploader->changed);
    pthread_mutex_unlock(&uploader->mutex);
}

static void *upload(void *context)
{
    struct vb_uploader *uploader = context;
    vb_log_set(VB_LOG_THREAD, "uploader");
    for (;;) {
        pthread_mutex_lock(&uploader->mutex);
        while (!uploader->busy && !uploader->ending)
            pthread_cond_wait(&uploader->changed, &uploader->mutex);
        bool work = uploader->busy;
        pthread_mutex_unlock(&uploader->mutex);
        if (!work)
            return NULL;
        store(uploader);
    }
}

enum vb_status vb_uploader_new(struct vb_storage *storage, struct vb_lease *lease,
                               struct vb_uploader **ret_uploader, struct vb_error *err)
{
    struct vb_uploader *uploader = calloc(1, sizeof *uploader);
    if (!uploader)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an uploader");
    enum vb_status status =
        vb_storage_session_new(storage, vb_lease_stop, lease, &uploader->session, err);
    if (status != VB_OK) {
        free(uploader);
        return status;
    }
    pthread_mutex_init(&uploader->mutex, NULL); /* cannot fail without attributes */
    vb_condition_init(&uploader->changed);
    status = vb_thread_start(&uploader->thread, "vb-uploader", upload, uploader, err);
    if (status == VB_OK) {
        *ret_uploader = uploader;
        return VB_OK;
    }
    pthread_cond_destroy(&uploader->changed);
    pthread_mutex_destroy(&uploader->mutex);
    vb_storage_session_free(uploader->session);
    free(uploader);
    return status;
}

void vb_uploader_free(struct vb_uploader *uploader)
{
    if (!uploader)
        return;
    pthread_mutex_lock(&uploader->mutex);
    uploader->ending = true;
    pthread_cond_broadcast(&uploader->changed);
    pthread_mutex_unlock(&uploader->mutex);
    vb_thread_join(&uploader->thread);
    pthread_cond_destroy(&uploader->changed);
    pthread_mutex_destroy(&uploader->mutex);
    vb_storage_session_free(uploader->session);
    free(uploader->parts);
    free(uploader);
}

/* With the mutex held: waits until nothing is in flight and answers the failure, if any. */
static enum vb_status wait_idle(struct vb_uploader *uploader, struct vb_error *err)
{
    while (uploader->busy)
        pthread_cond_wait(&uploader->changed, &uploader->mutex);
    if (uploader->failure.status != VB_OK && err)
        *err = uploader->failure;
    return uploader->failure.status;
}

bool vb_uploader_wait(struct vb_uploader *uploader, int64_t microseconds)
{
    int64_t until = vb_clock_monotonic() + microseconds;
    bool in_time = true;
    pthread_mutex_lock(&uploader->mutex);
    while (uploader->busy && in_time)
        in_time = vb_condition_wait(&uploader->changed, &uploader->mutex, until);
    bool idle = !uploader->busy;
    pthread_mutex_unlock(&uploader->mutex);
    return idle;
}

void vb_uploader_begin(struct vb_uploader *uploader, const char *key, const char *upload_id,
                       int64_t epoch, const struct vb_trace_place *trace)
{
    pthread_mutex_lock(&uploader->mutex);
    if (wait_idle(uploader, NULL) != VB_OK)
        vb_error_clear(&uploader->failure);
    uploader->key = key;
    uploader->upload_id = upload_id;
    uploader->epoch = epoch;
    uploader->trace = *trace;
    uploader->count = 0;
    pthread_mutex_unlock(&uploader->mutex);
}

enum vb_status vb_uploader_put(struct vb_uploader *uploader, uint32_t number, struct vb_body *body,
                               struct vb_error *err)
{
    pthread_mutex_lock(&uploader->mutex);
    enum vb_status status = wait_idle(uploader, err);
    if (status == VB_OK)
        status = make_room(uploader, err);
    if (status == VB_OK) {
        uploader->number = number;
        uploader->body = *body;
        uploader->busy = true;
        pthread_cond_broadcast(&uploader->changed);
    }
    pthread_mutex_unlock(&uploader->mutex);
    if (status != VB_OK)
        release(body);
    return status;
}

enum vb_status vb_uploader_drain(struct vb_uploader *uploader, struct vb_error *err)
{
    pthread_mutex_lock(&uploader->mutex);
    enum vb_status status = wait_idle(uploader, err);
    pthread_mutex_unlock(&uploader->mutex);
    return status;
}

static int by_number(const void *a, const void *b)
{
    const struct vb_stored_part *left = a, *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

const struct vb_stored_part *vb_uploader_parts(struct vb_uploader *uploader, size_t *ret_count)
{
    if (uploader->count > 0)
        qsort(uploader->parts, uploader->count, sizeof *uploader->parts, by_number);
    *ret_count = uploader->count;
    return uploader->parts;
}
