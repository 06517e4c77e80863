/* One loop: a thread, an event base, a listening socket of its own (SO_REUSEPORT), and what the
 * site keeps beside it.
 *
 * Other threads reach it by its eventfd only. A tick four times a second looks at deadlines: finer
 * timers would cost every request a heap operation, and a quarter of a second is nothing to a limit
 * of ten.
 */
#include "pack.h"
#include "server.h"
#include "waits.h"

#include "verbatim/hash.h"
#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK (VB_SECOND / 4)
/* Of a loop that has stopped going round: a slow disk under a file's bytes takes less. */
#define SILENCE (30 * VB_SECOND)
#define ACCEPTS 64 /* a round, so that accepting never starves answering */
#define ACCEPT_PAUSE (VB_SECOND / 2)
#define SHORTAGE_TOLD (60 * VB_SECOND)
/* Of one JSON body; larger ones are refused as too large. */
#define SCRATCH (1u << 20)

void vb_http_loop_wake(void *context)
{
    const struct vb_http_loop *loop = context;
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof(one));
    (void)written; /* a full counter has woken it already */
}

/* Sent blind: there is no room to wait for the request or for a slow reader. A request that is
 * there already is taken off, since a close over unread bytes resets the connection, and the answer
 * with it. */
static void refuse_connection(struct vb_http_loop *loop, int fd)
{
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
        "Content-Length: 34\r\nRetry-After: 2\r\nX-Request-Id: refused\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        "{\"detail\":\"Too many connections.\"}";
    vb_count(VB_COUNT_HTTP_REFUSED, 1);
    if (!loop->http->tls) /* by TLS it could not be read */
        (void)send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    ssize_t count = recv(fd, loop->chunk, sizeof(loop->chunk), MSG_DONTWAIT);
    explicit_bzero(loop->chunk, count > 0 ? (size_t)count : 0); /* perhaps with a key */
    close(fd);
}

static int accept_one(evutil_socket_t listener, struct sockaddr_storage *ret_address)
{
    socklen_t length = sizeof(*ret_address);
    *ret_address = (struct sockaddr_storage){0};
    return accept4(listener, (struct sockaddr *)ret_address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Once for all loops, and again only where it lasts. */
static void tell_shortage(struct vb_http *http, int code)
{
    long long now = vb_clock_monotonic(), told = atomic_load(&http->shortage_told);
    if ((told == 0 || now - told > SHORTAGE_TOLD) &&
        atomic_compare_exchange_strong(&http->shortage_told, &told, now))
        vb_warn("new connections are refused: %s (%d of %u connections)", strerror(code),
                (int)atomic_load(&http->connections), atomic_load(&http->connection_limit));
}

/* The listener stays readable while nothing can be accepted, so the loop would spin: it looks away
 * until the tick. */
static void pause_accepting(struct vb_http_loop *loop)
{
    event_del(loop->accepting);
    loop->accepting_again = vb_clock_monotonic() + ACCEPT_PAUSE;
}

static void resume_accepting(struct vb_http_loop *loop, int64_t now)
{
    if (loop->spare_fd < 0)
        loop->spare_fd = open_spare();
    if (loop->accepting_again == 0 || now < loop->accepting_again || loop->is_draining)
        return;
    loop->accepting_again = event_add(loop->accepting, NULL) == 0 ? 0 : now + ACCEPT_PAUSE;
}

/* No descriptor for the next client: with the spare one it can at least be told. False: there is
 * none either. */
static bool refuse_with_spare(struct vb_http_loop *loop, evutil_socket_t listener)
{
    struct sockaddr_storage address;
    if (loop->spare_fd < 0)
        return false;
    close(loop->spare_fd);
    int fd = accept_one(listener, &address);
    if (fd >= 0)
        refuse_connection(loop, fd);
    loop->spare_fd = open_spare();
    return fd >= 0;
}

/* False: no more of them now. */
static bool accept_failed(struct vb_http_loop *loop, evutil_socket_t listener, int code)
{
    if (code == ECONNABORTED || code == EINTR)
        return true; /* that one is gone; others may wait */
    if (code == EAGAIN)
        return false;
    tell_shortage(loop->http, code);
    if ((code == EMFILE || code == ENFILE) && refuse_with_spare(loop, listener))
        return true;
    pause_accepting(loop);
    return false;
}

/* How many there were; ACCEPTS: perhaps more. */
static int accept_some(struct vb_http_loop *loop)
{
    int i = 0;
    for (; i < ACCEPTS; i++) {
        struct sockaddr_storage address;
        int fd = accept_one(loop->listener, &address);
        if (fd < 0 && accept_failed(loop, loop->listener, errno))
            continue;
        if (fd < 0)
            break;
        unsigned slot = 0;
        unsigned char peer[VB_ADDRESS];
        vb_address_of((struct sockaddr *)&address, peer);
        if (!vb_http_limits_enter(loop->http, peer, &slot)) {
            refuse_connection(loop, fd);
            continue;
        }
        /* An answer is one write; waiting to fill a segment would only delay it. */
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        vb_http_connection_new(loop, fd, slot, peer);
    }
    return i;
}

static void on_accept(evutil_socket_t listener, short what, void *context)
{
    (void)listener;
    (void)what;
    (void)accept_some(context);
}

/* A connection that waits to be accepted would be reset by the close, with the request on it: so
 * the kernel is told to hear of no more of them, and those that are there are taken. Who comes in
 * between tries again, and is refused or comes to another process, before he has sent anything. */
static void take_last(struct vb_http_loop *loop)
{
    struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    const struct sock_fprog program = {1, nothing};
    (void)setsockopt(loop->listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
    if (loop->accepting_again == 0)
        while (accept_some(loop) == ACCEPTS)
            ;
}

/* From now on the kernel gives new connections to other processes, or refuses them. */
static void begin_draining(struct vb_http_loop *loop)
{
    take_last(loop);
    loop->is_draining = true;
    event_del(loop->accepting);
    close(loop->listener);
    loop->listener = -1;
    vb_http_waits_drain(loop);
}

/* What is due: a stop, accepting again, what the site has to do, deadlines. */
static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct vb_http_loop *loop = context;
    int64_t now = vb_clock_monotonic();
    if (atomic_load(&loop->http->asked) && !loop->is_draining)
        begin_draining(loop);
    resume_accepting(loop, now);
    loop->http->site->loop_tick(loop, now);
    for (struct vb_http_connection *connection = loop->first, *next; connection;
         connection = next) {
        next = connection->next;
        vb_http_connection_sweep(connection, now);
    }
    if (atomic_load(&loop->http->stopping) &&
        ((loop->connections == 0 && !loop->http->site->loop_is_busy(loop)) ||
         now >= loop->http->stop_by))
        event_base_loopbreak(loop->base);
}

/* The count is of no interest: whatever was asked is found by the tick. */
static void on_wake(evutil_socket_t fd, short what, void *context)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof(count));
    (void)got;
    on_tick(fd, what, context);
}

static void *run(void *context)
{
    struct vb_http_loop *loop = context;
    /* A round: all events that are there, then a turn for each connection they made ready. While
     * some have more to do nobody waits for the next event. Where the site waits for a quiet round,
     * those who have just been answered get a chance to ask again, and then share what is sent. */
    bool is_held = false;
    while (!event_base_got_break(loop->base)) {
        vb_liveness_beat(&loop->liveness);
        if (is_held)
            (void)sched_yield();
        int flags = loop->ready || is_held ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE;
        if (event_base_loop(loop->base, flags) != 0)
            break;
        bool is_quiet = !loop->ready;
        vb_http_connection_turns(loop);
        is_held = loop->http->site->loop_round(loop, is_quiet);
        vb_http_connection_bury(loop);
    }
    vb_liveness_leave(&loop->liveness);
    return NULL;
}

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    /* Each base is one thread's, so it needs no locks. No changelist: it would take descriptors off
     * epoll only after they were closed, when their number may be another thread's file already. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

enum vb_status vb_http_loop_init(struct vb_http_loop *loop, struct vb_http *http, int listener,
                                 struct vb_error *err)
{
    loop->http = http;
    loop->listener = listener;
    loop->last_ready = &loop->ready;
    vb_buffer_init(&loop->scratch, SCRATCH);
    vb_buffer_init(&loop->packed, VB_HTTP_ANSWER);
    vb_random_bytes(&loop->request_prefix, sizeof(loop->request_prefix));
    loop->spare_fd = open_spare(); /* without it the loop pauses instead */
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0)
        return vb_fail_system(err, VB_IO, errno, "cannot make an eventfd");
    loop->base = make_base();
    if (!loop->base)
        return vb_fail(err, VB_NO_MEMORY, "cannot make an event loop");
    loop->accepting = event_new(loop->base, listener, EV_READ | EV_PERSIST, on_accept, loop);
    loop->ticking = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
    loop->waking = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    if (!loop->accepting || !loop->ticking || !loop->waking)
        return vb_fail(err, VB_NO_MEMORY, "cannot make events");
    enum vb_status status = vb_http_waits_join(loop, err);
    return status == VB_OK ? http->site->loop_init(loop, err) : status;
}

enum vb_status vb_http_loop_start(struct vb_http_loop *loop, struct vb_error *err)
{
    struct timeval tick = {0, TICK};
    if (event_add(loop->accepting, NULL) != 0 || event_add(loop->waking, NULL) != 0 ||
        event_add(loop->ticking, &tick) != 0)
        return vb_fail(err, VB_NO_MEMORY, "cannot add the events of an HTTP loop");
    vb_liveness_join(&loop->liveness, "an HTTP loop", SILENCE);
    enum vb_status status = vb_thread_start(&loop->thread, "vb-http", run, loop, err);
    if (status != VB_OK)
        vb_liveness_leave(&loop->liveness);
    return status;
}

/* By the exchanges' own way out, so that the site frees its part. */
static void free_spares(struct vb_http_loop *loop)
{
    loop->is_draining = true; /* exchanges are freed, not kept */
    while (loop->spare) {
        struct vb_http_exchange *exchange = loop->spare;
        loop->spare = exchange->spare;
        vb_http_exchange_free(exchange);
    }
}

/* Also of one whose init failed half-way: what is not there is NULL or -1. */
void vb_http_loop_done(struct vb_http_loop *loop)
{
    while (loop->first) {
        if (loop->first->exchange)
            loop->first->exchange->on_file_end = NULL; /* what it would ask has ended */
        vb_http_connection_close(loop->first);
    }
    vb_http_connection_bury(loop);
    free_spares(loop);
    loop->http->site->loop_done(loop);
    vb_buffer_done(&loop->scratch);
    vb_buffer_done(&loop->packed);
    vb_http_pack_free(loop->pack);
    if (loop->accepting)
        event_free(loop->accepting);
    if (loop->ticking)
        event_free(loop->ticking);
    if (loop->waking)
        event_free(loop->waking);
    vb_http_waits_leave(loop);
    if (loop->base)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
    if (loop->listener >= 0)
        close(loop->listener);
}
