/* The threads of direct/direct.h and their hand-overs. One mutex guards who holds what; the work
 * itself is direct/export.c's.
 *
 * A stream is free when neither a loop holds it nor its thread works for it. Threads wait for work
 * without a time limit, and look at `gone` while they work.
 *
 * A stream that was let go of while its thread still works becomes free when that ends: nobody
 * waits for it but the next reservation, which passes it over.
 */
#include "direct.h"

#include "verbatim/log.h"
#include "verbatim/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct vb_direct_stream {
    struct vb_direct_pool *pool;
    struct vb_thread thread;
    pthread_cond_t begun; /* order, or the pool ends */
    /* Guarded by the pool's mutex. */
    bool is_held;  /* by a loop */
    bool has_work; /* the thread's from here to its end: order, out */
    bool has_ended;
    enum vb_status status;
    struct vb_error error;
    struct vb_direct_order order;
    int out;
    atomic_bool gone;
    _Atomic uint64_t conversations;
};

struct vb_direct_pool {
    const struct vb_service *service;
    pthread_mutex_t mutex;
    bool is_ending;
    struct vb_direct_stream streams[VB_DIRECT_STREAMS];
};

void vb_direct_order_done(struct vb_direct_order *order)
{
    vb_specification_done(&order->specification);
    free(order->workspace);
    free(order->time_zone);
    free(order->csv_profile);
    vb_brand_done(&order->brand);
    order->workspace = order->time_zone = order->csv_profile = NULL;
}

/* --- the thread --- */

/* Asked by the reader in the middle of a statement, without the mutex. */
static bool is_gone(void *context)
{
    struct vb_direct_stream *stream = context;
    return atomic_load_explicit(&stream->gone, memory_order_relaxed);
}

static void run_one(struct vb_direct_stream *stream)
{
    struct vb_error err = {0};
    const struct vb_direct_work work = {.service = stream->pool->service,
                                        .order = &stream->order,
                                        .out = stream->out,
                                        .stop = is_gone,
                                        .context = stream,
                                        .conversations = &stream->conversations};
    vb_log_set(VB_LOG_REQUEST, stream->order.request_id);
    enum vb_status status = vb_direct_export(&work, &err);
    vb_direct_order_done(&stream->order);
    vb_log_set(VB_LOG_REQUEST, NULL);
    pthread_mutex_lock(&stream->pool->mutex);
    stream->status = status;
    stream->error = err;
    stream->has_ended = true;
    stream->has_work = false;
    /* Last: the loop asks for the outcome when it sees the end of the pipe. */
    close(stream->out);
    pthread_mutex_unlock(&stream->pool->mutex);
}

static void *run(void *context)
{
    struct vb_direct_stream *stream = context;
    struct vb_direct_pool *pool = stream->pool;
    vb_log_set(VB_LOG_THREAD, "stream");
    for (;;) {
        pthread_mutex_lock(&pool->mutex);
        while (!stream->has_work && !pool->is_ending)
            pthread_cond_wait(&stream->begun, &pool->mutex);
        bool has_work = stream->has_work;
        pthread_mutex_unlock(&pool->mutex);
        if (!has_work)
            return NULL;
        run_one(stream);
    }
}

/* --- the pool --- */

/* The condition is destroyed only where the thread ran. */
static enum vb_status start_thread(struct vb_direct_pool *pool, struct vb_direct_stream *stream,
                                   struct vb_error *err)
{
    stream->pool = pool;
    pthread_cond_init(&stream->begun, NULL);
    return vb_thread_start(&stream->thread, "vb-stream", run, stream, err);
}

enum vb_status vb_direct_pool_start(const struct vb_service *service,
                                    struct vb_direct_pool **ret_pool, struct vb_error *err)
{
    struct vb_direct_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return vb_fail(err, VB_NO_MEMORY, "no memory for streams");
    pool->service = service;
    pthread_mutex_init(&pool->mutex, NULL);
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < VB_DIRECT_STREAMS && status == VB_OK; i++)
        status = start_thread(pool, &pool->streams[i], err);
    if (status == VB_OK)
        *ret_pool = pool;
    else
        vb_direct_pool_stop(pool);
    return status;
}

void vb_direct_pool_stop(struct vb_direct_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->is_ending = true;
    for (size_t i = 0; i < VB_DIRECT_STREAMS; i++) {
        atomic_store(&pool->streams[i].gone, true);
        if (pool->streams[i].thread.runs)
            pthread_cond_signal(&pool->streams[i].begun);
    }
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < VB_DIRECT_STREAMS; i++) {
        if (!pool->streams[i].thread.runs)
            continue;
        vb_thread_join(&pool->streams[i].thread);
        pthread_cond_destroy(&pool->streams[i].begun);
    }
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

/* --- the loop's side --- */

/* Its thread waits meanwhile, so the members may be set. */
struct vb_direct_stream *vb_direct_reserve(struct vb_direct_pool *pool)
{
    struct vb_direct_stream *found = NULL;
    pthread_mutex_lock(&pool->mutex);
    for (size_t i = 0; i < VB_DIRECT_STREAMS && !found && !pool->is_ending; i++)
        if (!pool->streams[i].is_held && !pool->streams[i].has_work)
            found = &pool->streams[i];
    if (found) {
        found->is_held = true;
        found->has_ended = false;
        atomic_store(&found->gone, false);
        atomic_store(&found->conversations, 0);
    }
    pthread_mutex_unlock(&pool->mutex);
    return found;
}

/* The reading end must be emptied or closed, or the thread waits until it is let go of. */
enum vb_status vb_direct_begin(struct vb_direct_stream *stream, struct vb_direct_order *order,
                               int *ret_fd, struct vb_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        int code = errno;
        vb_direct_order_done(order);
        /* Descriptors come back as others end. */
        return vb_fail(err, VB_NO_MEMORY, "cannot make a pipe: %s", strerror(code));
    }
    pthread_mutex_lock(&stream->pool->mutex);
    stream->order = *order;
    stream->out = ends[1];
    stream->has_work = true;
    pthread_cond_signal(&stream->begun);
    pthread_mutex_unlock(&stream->pool->mutex);
    *order = (struct vb_direct_order){0};
    *ret_fd = ends[0];
    return VB_OK;
}

/* Asked too early it is VB_STOPPED: nothing was seen to end. */
enum vb_status vb_direct_outcome(struct vb_direct_stream *stream, struct vb_error *err)
{
    pthread_mutex_lock(&stream->pool->mutex);
    enum vb_status status = stream->has_ended ? stream->status : VB_STOPPED;
    if (stream->has_ended)
        *err = stream->error;
    else
        status = vb_fail(err, VB_STOPPED, "the export has not ended");
    pthread_mutex_unlock(&stream->pool->mutex);
    return status;
}

uint64_t vb_direct_conversations(const struct vb_direct_stream *stream)
{
    return atomic_load(&stream->conversations);
}

void vb_direct_release(struct vb_direct_stream *stream)
{
    if (!stream)
        return;
    atomic_store(&stream->gone, true);
    pthread_mutex_lock(&stream->pool->mutex);
    stream->is_held = false;
    pthread_mutex_unlock(&stream->pool->mutex);
}
