/* The table of waiting requests, and the thread that hears of ended jobs. See http/waits.h.
 *
 * A notification is a hint. Every few seconds, and whenever the connection was made anew, the
 * thread asks the database about all jobs that are waited for, in one statement; behind a
 * pooler, where nobody can listen, that is all there is, and it is asked more often.
 * While nobody waits the database is left alone.
 *
 * Each wait is in exactly one list, its bucket or its loop's `rung`, both under the one mutex, and
 * `at` takes it out of either. So a wait that ends while it is rung is found by nobody afterwards.
 */
#include "waits.h"

#include "verbatim/log.h"
#include "verbatim/thread.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BUCKETS 256u
#define ASK_EVERY (5 * VB_SECOND)
#define ASK_DEAF (1 * VB_SECOND) /* where nothing is heard */
#define ASKED 1024u              /* jobs of one question; the rest are next */
#define ASKED_TEXT (ASKED * (VB_UUID_TEXT + 1) + 2)

struct vb_http_waits {
    pthread_mutex_t mutex;
    struct vb_http_wait *buckets[BUCKETS]; /* by the first byte of the job's id, which is random */
    size_t count;
    /* The thread's own. */
    struct vb_thread thread;
    struct vb_pg *pg;
    int wake; /* eventfd: written once to stop */
    bool failing;
    const char *ask;    /* SQL */
    char listen[64];    /* likewise */
    PGconn *listens_on; /* compared only: another connection has to LISTEN again */
    size_t bucket;      /* where the next question begins */
    char asked[ASKED_TEXT];
};

/* --- the table; all under the mutex --- */

static void put(struct vb_http_wait **list, struct vb_http_wait *wait)
{
    wait->next = *list;
    wait->at = list;
    if (wait->next)
        wait->next->at = &wait->next;
    *list = wait;
}

/* `at` is whatever points at the wait, so it leaves any list in one step. */
static void take_out(struct vb_http_wait *wait)
{
    *wait->at = wait->next;
    if (wait->next)
        wait->next->at = wait->at;
    wait->at = NULL;
}

static struct vb_http_waits *waits_of(const struct vb_http_exchange *exchange)
{
    return exchange->loop->http->waits;
}

/* One byte of a random id spreads evenly over as many buckets. */
static struct vb_http_wait **bucket_of(struct vb_http_waits *waits, const struct vb_uuid *job)
{
    return &waits->buckets[job->bytes[0]];
}

/* Over to its loop, which puts it back when it takes it. */
static void ring(struct vb_http_wait *wait)
{
    struct vb_http_loop *loop = wait->exchange->loop;
    uint64_t one = 1;
    take_out(wait);
    put(&loop->rung, wait);
    ssize_t written = write(loop->ring_fd, &one, sizeof(one));
    (void)written; /* a full counter has woken it already */
}

/* All that wait for it, of any workspace: what they see is judged by their own look. */
static void ring_job(struct vb_http_waits *waits, const struct vb_uuid *job)
{
    pthread_mutex_lock(&waits->mutex);
    for (struct vb_http_wait *wait = *bucket_of(waits, job), *next; wait; wait = next) {
        next = wait->next;
        if (memcmp(&wait->job, job, sizeof(*job)) == 0)
            ring(wait);
    }
    pthread_mutex_unlock(&waits->mutex);
}

size_t vb_http_waits_count(struct vb_http_waits *waits)
{
    pthread_mutex_lock(&waits->mutex);
    size_t count = waits->count;
    pthread_mutex_unlock(&waits->mutex);
    return count;
}

/* --- on the loops --- */

/* Whoever has answered already, with an error, is not to answer again. */
static void wake(struct vb_http_wait *wait, enum vb_http_wake why)
{
    if (wait->exchange->status == 0)
        wait->woken(wait->exchange, why);
}

static void on_late(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct vb_http_wait *wait = context;
    wake(wait, VB_HTTP_WAKE_LATE);
}

static void on_left(struct vb_http_exchange *exchange)
{
    wake(exchange->wait, VB_HTTP_WAKE_LEFT);
}

void vb_http_wait_begin(struct vb_http_wait *wait, struct vb_http_exchange *exchange,
                        struct vb_uuid job, int seconds,
                        void (*woken)(struct vb_http_exchange *exchange, enum vb_http_wake why))
{
    struct vb_http_waits *waits = waits_of(exchange);
    *wait = (struct vb_http_wait){.exchange = exchange, .woken = woken, .job = job};
    const struct timeval time = {.tv_sec = seconds};
    event_assign(&wait->timer, exchange->loop->base, -1, 0, on_late, wait);
    if (event_add(&wait->timer, &time) != 0) /* nothing would end it */
        vb_http_connection_break(exchange->connection);
    exchange->wait = wait;
    exchange->on_left = on_left;
    pthread_mutex_lock(&waits->mutex);
    put(bucket_of(waits, &job), wait);
    waits->count++;
    pthread_mutex_unlock(&waits->mutex);
}

/* By the loop alone: the timer is its own. */
void vb_http_wait_end(struct vb_http_wait *wait)
{
    struct vb_http_exchange *exchange = wait->exchange;
    if (!exchange)
        return;
    struct vb_http_waits *waits = waits_of(exchange);
    pthread_mutex_lock(&waits->mutex);
    take_out(wait);
    waits->count--;
    pthread_mutex_unlock(&waits->mutex);
    event_del(&wait->timer);
    exchange->wait = NULL;
    exchange->on_left = NULL;
    wait->exchange = NULL;
}

/* One at a time, since each may end others of the loop. Back in the table first: it may turn out to
 * go on. */
static struct vb_http_wait *take_rung(struct vb_http_loop *loop)
{
    struct vb_http_waits *waits = loop->http->waits;
    pthread_mutex_lock(&waits->mutex);
    struct vb_http_wait *wait = loop->rung;
    if (wait) {
        take_out(wait);
        put(bucket_of(waits, &wait->job), wait);
    }
    pthread_mutex_unlock(&waits->mutex);
    return wait;
}

static void on_rung(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct vb_http_loop *loop = context;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof(count));
    (void)got;
    for (struct vb_http_wait *wait = take_rung(loop); wait; wait = take_rung(loop))
        wake(wait, VB_HTTP_WAKE_ENDED);
}

void vb_http_waits_drain(struct vb_http_loop *loop)
{
    struct vb_http_waits *waits = loop->http->waits;
    pthread_mutex_lock(&waits->mutex);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct vb_http_wait *wait = waits->buckets[i], *next; wait; wait = next) {
            next = wait->next;
            if (wait->exchange->loop == loop)
                ring(wait);
        }
    pthread_mutex_unlock(&waits->mutex);
}

enum vb_status vb_http_waits_join(struct vb_http_loop *loop, struct vb_error *err)
{
    loop->ring_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->ring_fd < 0)
        return vb_fail_system(err, VB_IO, errno, "cannot make an eventfd");
    loop->ringing = event_new(loop->base, loop->ring_fd, EV_READ | EV_PERSIST, on_rung, loop);
    if (!loop->ringing || event_add(loop->ringing, NULL) != 0)
        return vb_fail(err, VB_NO_MEMORY, "cannot make events");
    return VB_OK;
}

void vb_http_waits_leave(struct vb_http_loop *loop)
{
    if (loop->ringing)
        event_free(loop->ringing);
    if (loop->ring_fd >= 0)
        close(loop->ring_fd);
    loop->ringing = NULL;
    loop->ring_fd = -1;
}

/* --- the thread --- */

/* Behind a pooler no session is ours to listen on. True: heard anew, so something may
 * have been missed. */
static enum vb_status listen_again(struct vb_http_waits *waits, bool *ret_anew,
                                   struct vb_error *err)
{
    enum vb_status status = vb_pg_connect(waits->pg, err);
    if (status != VB_OK || !vb_pg_has_session(waits->pg) ||
        vb_pg_connection(waits->pg) == waits->listens_on)
        return status;
    status = vb_pg_exec(waits->pg, waits->listen, 0, NULL, NULL, err);
    if (status != VB_OK)
        return status;
    waits->listens_on = vb_pg_connection(waits->pg);
    *ret_anew = true;
    return VB_OK;
}

/* Up to so many jobs that are waited for, as an array of PostgreSQL, from the next bucket on.
 * False: none. */
static bool gather(struct vb_http_waits *waits, char text[ASKED_TEXT])
{
    size_t count = 0, length = 0;
    text[length++] = '{';
    pthread_mutex_lock(&waits->mutex);
    for (size_t i = 0; i < BUCKETS && count < ASKED; i++) {
        size_t bucket = (waits->bucket + i) % BUCKETS;
        for (struct vb_http_wait *wait = waits->buckets[bucket]; wait && count < ASKED;
             wait = wait->next) {
            text[length] = ',';
            length += count++ > 0;
            vb_uuid_format(wait->job, text + length);
            length += VB_UUID_TEXT - 1;
        }
        if (count == ASKED)
            waits->bucket = (bucket + 1) % BUCKETS;
    }
    pthread_mutex_unlock(&waits->mutex);
    text[length++] = '}';
    text[length] = '\0';
    return count > 0;
}

static void ring_text(struct vb_http_waits *waits, const char *text)
{
    struct vb_uuid job;
    if (text && vb_uuid_parse(vb_view_of(text), &job) == VB_OK)
        ring_job(waits, &job);
}

/* One that has ended is rung at each question until it ends its wait. */
static enum vb_status ask_all(struct vb_http_waits *waits, struct vb_error *err)
{
    PGresult *rows = NULL;
    if (!gather(waits, waits->asked))
        return VB_OK;
    const char *const values[] = {waits->asked};
    enum vb_status status = vb_pg_query(waits->pg, waits->ask, 1, values, &rows, err);
    if (status != VB_OK)
        return status;
    for (int i = 0; i < PQntuples(rows); i++)
        ring_text(waits, vb_pg_value(rows, i, 0));
    PQclear(rows);
    return VB_OK;
}

/* Takes what has arrived; the connection is given up where it is lost. */
static void take_notifications(struct vb_http_waits *waits)
{
    PGconn *connection = vb_pg_connection(waits->pg);
    if (!connection)
        return;
    bool is_lost = PQconsumeInput(connection) != 1;
    for (PGnotify *notify = PQnotifies(connection); notify; notify = PQnotifies(connection)) {
        ring_text(waits, notify->extra);
        PQfreemem(notify);
    }
    if (is_lost) {
        vb_pg_disconnect(waits->pg);
        waits->listens_on = NULL;
    }
}

/* Until `until`, a stop (false), or the loss of the connection. */
static bool hear(struct vb_http_waits *waits, int64_t until)
{
    for (;;) {
        take_notifications(waits);
        int64_t left = until - vb_clock_monotonic();
        PGconn *connection = vb_pg_connection(waits->pg);
        if (left <= 0)
            return true;
        struct pollfd fds[2] = {{.fd = waits->wake, .events = POLLIN},
                                {.fd = connection ? PQsocket(connection) : -1, .events = POLLIN}};
        if (poll(fds, 2, (int)(left / 1000) + 1) < 0 && errno != EINTR)
            vb_clock_sleep(VB_SECOND / 10);
        if (fds[0].revents)
            return false;
    }
}

/* Returns when it asked last. The log tells the first failure of a row only. */
static int64_t look(struct vb_http_waits *waits, int64_t asked_at)
{
    struct vb_error err = {0};
    bool is_anew = false;
    int64_t every = waits->listens_on && !waits->failing ? ASK_EVERY : ASK_DEAF;
    enum vb_status status = listen_again(waits, &is_anew, &err);
    if (status == VB_OK && (is_anew || vb_clock_monotonic() - asked_at >= every)) {
        status = ask_all(waits, &err);
        asked_at = vb_clock_monotonic();
    }
    if (status != VB_OK && !waits->failing)
        vb_warn("ends of exports are not heard of: %s", err.text);
    waits->failing = status != VB_OK;
    return asked_at;
}

static void *run(void *context)
{
    struct vb_http_waits *waits = context;
    vb_log_set(VB_LOG_THREAD, "waits");
    for (int64_t asked_at = vb_clock_monotonic();;) {
        asked_at = look(waits, asked_at);
        /* Woken every second at least, since a lost connection is made anew here. */
        if (!hear(waits, vb_clock_monotonic() + ASK_DEAF))
            return NULL;
    }
}

enum vb_status vb_http_waits_start(const struct vb_http_waits_options *options,
                                   struct vb_http_waits **ret_waits, struct vb_error *err)
{
    struct vb_http_waits *waits = calloc(1, sizeof(*waits));
    if (!waits)
        return vb_fail(err, VB_NO_MEMORY, "no memory for waiting requests");
    waits->ask = options->ask;
    (void)snprintf(waits->listen, sizeof(waits->listen), "LISTEN %s", options->channel);
    waits->wake = eventfd(0, EFD_CLOEXEC);
    enum vb_status status = vb_pg_new(&options->pg, &waits->pg, err);
    if (status == VB_OK && waits->wake < 0)
        status = vb_fail_system(err, VB_IO, errno, "cannot make an eventfd");
    pthread_mutex_init(&waits->mutex, NULL);
    if (status == VB_OK)
        status = vb_thread_start(&waits->thread, "vb-waits", run, waits, err);
    if (status == VB_OK) {
        *ret_waits = waits;
        return VB_OK;
    }
    pthread_mutex_destroy(&waits->mutex);
    if (waits->wake >= 0)
        close(waits->wake);
    vb_pg_free(waits->pg);
    free(waits);
    return status;
}

void vb_http_waits_stop(struct vb_http_waits *waits)
{
    if (!waits)
        return;
    uint64_t one = 1;
    if (write(waits->wake, &one, sizeof(one)) != (ssize_t)sizeof(one))
        vb_error_log("the thread for waiting requests cannot be woken");
    vb_thread_join(&waits->thread);
    pthread_mutex_destroy(&waits->mutex);
    close(waits->wake);
    vb_pg_free(waits->pg);
    free(waits);
}
