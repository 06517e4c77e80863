/* One loop: a thread, an event base, a listening socket of its own (SO_REUSEPORT), pools of database connections.
 *
 * Other threads reach it by its eventfd only. A tick four times a second looks at deadlines: finer timers would cost
 * every request a heap operation, and a quarter of a second is nothing to a limit of ten.
 */
#include "api/sql.h"
#include "server.h"
#include "waits.h"

#include "verbatim/hash.h"
#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK (VB_SECOND / 4)
#define ACCEPTS 64 /* a round, so that accepting never starves answering */
#define ACCEPT_PAUSE (VB_SECOND / 2)
#define SHORTAGE_TOLD (60 * VB_SECOND)
#define SECRETS_AGE (60 * VB_SECOND)
#define SCRATCH (1u << 20)

void http_loop_wake(void *context)
{
    const struct http_loop *loop = context;
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof(one));
    (void)written; /* a full counter has woken it already */
}

/* Sent blind: there is no room to wait for the request or for a slow reader. A request that is there already is
 * taken off, since a close over unread bytes resets the connection, and the answer with it. */
static void refuse_connection(struct http_loop *loop, int fd)
{
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
        "Content-Length: 34\r\nRetry-After: 2\r\nX-Request-Id: refused\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        "{\"detail\":\"Too many connections.\"}";
    vb_count(VB_COUNT_HTTP_REFUSED, 1);
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

/* The listener stays readable while nothing can be accepted, so the loop would spin: it looks away until the tick. */
static void pause_accepting(struct http_loop *loop)
{
    event_del(loop->accepting);
    loop->accepting_again = vb_clock_monotonic() + ACCEPT_PAUSE;
}

static void resume_accepting(struct http_loop *loop, int64_t now)
{
    if (loop->spare_fd < 0)
        loop->spare_fd = open_spare();
    if (loop->accepting_again == 0 || now < loop->accepting_again || loop->is_draining)
        return;
    loop->accepting_again = 0;
    event_add(loop->accepting, NULL);
}

/* No descriptor for the next client: with the spare one it can at least be told. False: there is none either. */
static bool refuse_with_spare(struct http_loop *loop, evutil_socket_t listener)
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
static bool accept_failed(struct http_loop *loop, evutil_socket_t listener, int code)
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

static void on_accept(evutil_socket_t listener, short what, void *context)
{
    (void)what;
    struct http_loop *loop = context;
    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage address;
        int fd = accept_one(listener, &address);
        if (fd < 0 && accept_failed(loop, listener, errno))
            continue;
        if (fd < 0)
            return;
        unsigned slot = 0;
        if (!http_limits_enter(loop->http, (struct sockaddr *)&address, &slot)) {
            refuse_connection(loop, fd);
            continue;
        }
        /* An answer is one write; waiting to fill a segment would only delay it. */
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        http_connection_new(loop, fd, slot);
    }
}

/* Two generations at most: the current one, and the one before for links that still live. */
static void on_secrets(void *context, const struct pg_outcome *outcome)
{
    struct http_loop *loop = context;
    loop->secrets_ticket = NULL;
    if (outcome->status != VB_OK)
        return; /* those at hand go on; asked again with the next tick */
    const PGresult *rows = outcome->results[1];
    struct vb_link_secrets secrets = {0};
    for (int i = 0; i < PQntuples(rows) && secrets.count < 2; i++) {
        struct vb_view secret = pg_view(rows, i, 1);
        if (secret.length != sizeof(secrets.secrets[0]))
            continue;
        secrets.generations[secrets.count] = (int)pg_integer(rows, i, 0);
        memcpy(secrets.secrets[secrets.count++], secret.data, secret.length);
    }
    loop->secrets = secrets;
    loop->secrets_at = vb_clock_monotonic();
}

static void refresh_secrets(struct http_loop *loop, int64_t now)
{
    bool is_fresh = loop->secrets_at > 0 && now - loop->secrets_at < SECRETS_AGE;
    if (is_fresh || loop->secrets_ticket || now - loop->secrets_asked < TICK)
        return;
    loop->secrets_asked = now;
    static const char *const nowhere[] = {""};
    struct pg_step steps[] = {{&pg_enter[PG_ENTER_READ], nowhere},
                              {&http_sql[HTTP_SQL_SECRETS], NULL}};
    struct vb_error err;
    enum vb_status status =
        pg_pool_send(loop->main_pool, steps, 2, on_secrets, loop, &loop->secrets_ticket, &err);
    (void)status; /* away: the next tick tries again */
}

/* From now on the kernel gives new connections to other processes, or refuses them. */
static void begin_draining(struct http_loop *loop)
{
    loop->is_draining = true;
    event_del(loop->accepting);
    close(loop->listener);
    loop->listener = -1;
    http_waits_drain(loop);
}

/* What is due: stop, deadlines, database, secrets. */
static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct http_loop *loop = context;
    int64_t now = vb_clock_monotonic();
    if (atomic_load(&loop->http->asked) && !loop->is_draining)
        begin_draining(loop);
    resume_accepting(loop, now);
    pg_pool_tick(loop->main_pool);
    pg_pool_tick(loop->source_pool);
    pg_pool_tick(loop->count_pool);
    refresh_secrets(loop, now);
    for (struct http_connection *connection = loop->first, *next; connection; connection = next) {
        next = connection->next;
        http_connection_sweep(connection, now);
    }
    if (atomic_load(&loop->http->stopping) &&
        ((loop->connections == 0 && loop->notes == 0) || now >= loop->http->stop_by))
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
    struct http_loop *loop = context;
    /* A round: all events that are there, then a turn for each connection they made ready. While some have more to do
     * nobody waits for the next event. */
    while (!event_base_got_break(loop->base)) {
        if (event_base_loop(loop->base, EVLOOP_ONCE | (loop->ready ? EVLOOP_NONBLOCK : 0)) != 0)
            break;
        http_connection_turns(loop);
        http_connection_bury(loop);
    }
    return NULL;
}

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    /* Each base is one thread's, so it needs no locks. No changelist: it would take descriptors off epoll
     * only after they were closed, when their number may be another thread's file already. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static enum vb_status make_pools(struct http_loop *loop, struct vb_error *err)
{
    const struct vb_options *options = loop->http->service->options;
    struct pg_pool_options main = {
        .base = loop->base,
        .connection_string = options->database_url,
        .take_role = VB_ROLE_TAKE("api", "true"),
        .prepared = options->prepared_statements,
        .links = HTTP_MAIN_LINKS,
        .wake = http_loop_wake,
        .wake_context = loop,
    };
    http_sql_sets(main.statements);
    enum vb_status status = pg_pool_new(&main, loop->http->main_connector, &loop->main_pool, err);
    if (status != VB_OK)
        return status;
    /* The source's login may be another one and takes on no role of ours; text results, since ids
     * are of any type. */
    struct pg_pool_options source = main;
    source.connection_string = options->source_url ? options->source_url : options->database_url;
    source.take_role = NULL;
    source.text = true;
    memset(source.statements, 0, sizeof(source.statements));
    source.statements[0] =
        (struct pg_statement_set){loop->http->source_statements, VB_RESOLVE_STATEMENTS};
    source.links = HTTP_SOURCE_LINKS;
    status = pg_pool_new(&source, loop->http->source_connector, &loop->source_pool, err);
    if (status != VB_OK)
        return status;
    /* Statements that take their time, one after the other; connected when there is a first one. */
    struct pg_pool_options count = source;
    count.links = HTTP_COUNT_LINKS;
    count.depth = 1;
    count.statements[0].count = 0;
    count.ticket_time = 28 * VB_SECOND;
    return pg_pool_new(&count, loop->http->source_connector, &loop->count_pool, err);
}

enum vb_status http_loop_init(struct http_loop *loop, struct vb_http *http, int listener,
                              struct vb_error *err)
{
    loop->http = http;
    loop->listener = listener;
    loop->last_ready = &loop->ready;
    vb_buffer_init(&loop->scratch, SCRATCH);
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
    enum vb_status status = http_waits_join(loop, err);
    return status == VB_OK ? make_pools(loop, err) : status;
}

enum vb_status http_loop_start(struct http_loop *loop, struct vb_error *err)
{
    struct timeval tick = {0, TICK};
    event_add(loop->accepting, NULL);
    event_add(loop->waking, NULL);
    event_add(loop->ticking, &tick);
    pg_pool_open(loop->main_pool);
    int code = pthread_create(&loop->thread, NULL, run, loop);
    if (code != 0)
        return vb_fail_system(err, VB_IO, code, "cannot start an HTTP loop");
    loop->has_thread = true;
    (void)pthread_setname_np(loop->thread, "vb-http");
    return VB_OK;
}

/* Loops have caches of their own, so no lock; the oldest entry makes room. */
struct vb_zone *http_loop_zone(struct http_loop *loop, const char *name, struct vb_error *err)
{
    size_t slots = sizeof(loop->zones) / sizeof(loop->zones[0]);
    for (size_t i = 0; i < slots; i++)
        if (loop->zones[i].zone && strcmp(loop->zones[i].name, name) == 0)
            return loop->zones[i].zone;
    struct http_zone *slot = &loop->zones[loop->zone_turn++ % slots];
    struct vb_zone *zone;
    if (strlen(name) >= sizeof(slot->name) || vb_zone_new(name, &zone, err) != VB_OK) {
        (void)vb_fail(err, VB_INVALID, "the workspace's time zone %s is unknown", name);
        return NULL;
    }
    vb_zone_free(slot->zone);
    slot->zone = zone;
    (void)snprintf(slot->name, sizeof(slot->name), "%s", name);
    return zone;
}

static void free_spares(struct http_loop *loop)
{
    loop->is_draining = true; /* exchanges are freed, not kept */
    while (loop->spare) {
        struct http_exchange *exchange = loop->spare;
        loop->spare = exchange->spare;
        http_exchange_free(exchange);
    }
}

void http_loop_done(struct http_loop *loop)
{
    while (loop->first)
        http_connection_close(loop->first);
    http_connection_bury(loop);
    free_spares(loop);
    pg_ticket_drop(loop->secrets_ticket);
    pg_pool_free(loop->main_pool);
    pg_pool_free(loop->source_pool);
    pg_pool_free(loop->count_pool);
    for (size_t i = 0; i < sizeof(loop->zones) / sizeof(loop->zones[0]); i++)
        vb_zone_free(loop->zones[i].zone);
    vb_buffer_done(&loop->scratch);
    explicit_bzero(&loop->secrets, sizeof(loop->secrets));
    if (loop->accepting)
        event_free(loop->accepting);
    if (loop->ticking)
        event_free(loop->ticking);
    if (loop->waking)
        event_free(loop->waking);
    http_waits_leave(loop);
    if (loop->base)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
    if (loop->listener >= 0)
        close(loop->listener);
}
