/* One HTTP connection: bytes in, requests in order, bytes out, and a deadline for whatever is going
 * on.
 *
 * Owned by its loop, touched by its loop's thread only. Events, handlers and deadlines change its
 * state and mark it ready; what follows from that is done at its turn, when nobody else is on the
 * stack. Only a turn begins requests, takes bodies and sends answers; exchanges are freed by a
 * turn, or by an event or deadline of the connection, under which no handler runs. So whoever holds
 * an exchange keeps it until it returns to the loop.
 *
 * Requests of a pipeline are taken one at a time, one a turn: the next is looked at when the answer
 * before it has left. A closed connection is freed at the end of the round (bury), when no list has
 * it.
 */
#include "channel.h"
#include "stream.h"

#include "verbatim/metrics.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SEND_FILE (256u << 10) /* bytes of a file a turn, so that others get theirs */
#define SEND_PIECES 8          /* of a stream, likewise */
/* For the first request of a connection that came just before a stop. */
#define FIRST_REQUEST VB_SECOND
/* Before the end of a stop: a stream's end has to reach the audit. */
#define CUT_EARLY (3 * VB_SECOND)

/* Absolute: bytes that trickle in do not move the deadline of a head or a body. */
static void set_phase(struct vb_http_connection *connection, enum vb_http_phase phase, int64_t time)
{
    connection->phase = phase;
    connection->deadline = vb_clock_monotonic() + time;
}

/* One that would not be told of anything ends at its turn, and not with its deadline. */
static void add_event(struct vb_http_connection *connection, struct event *event)
{
    if (event_add(event, NULL) != 0)
        vb_http_connection_break(connection);
}

/* Kept in a flag, so that asking twice costs no system call. */
static void want_reads(struct vb_http_connection *connection, bool wanted)
{
    if (connection->reads == wanted)
        return;
    connection->reads = wanted;
    if (wanted)
        add_event(connection, &connection->readable);
    else
        event_del(&connection->readable);
}

static void want_writes(struct vb_http_connection *connection, bool wanted)
{
    if (connection->writes == wanted)
        return;
    connection->writes = wanted;
    if (wanted)
        add_event(connection, &connection->writable);
    else
        event_del(&connection->writable);
}

/* Once for each file, whichever way it ends. */
static void end_file(struct vb_http_connection *connection)
{
    struct vb_http_exchange *exchange = connection->exchange;
    if (connection->file < 0)
        return;
    close(connection->file);
    connection->file = -1;
    if (!exchange)
        return;
    uint64_t sent = exchange->answer_size - connection->file_left;
    vb_http_answer_log_file(exchange, sent);
    if (exchange->on_file_end)
        exchange->on_file_end(exchange, sent);
}

/* Frees what is expensive at once and queues the rest for bury(). */
void vb_http_connection_close(struct vb_http_connection *connection)
{
    if (connection->phase == VB_HTTP_DEAD)
        return;
    struct vb_http_loop *loop = connection->loop;
    if (connection->phase == VB_HTTP_IDLE)
        (void)vb_http_channel_end(connection); /* an answer that was cut must not look whole */
    connection->phase = VB_HTTP_DEAD;
    want_reads(connection, false);
    want_writes(connection, false);
    end_file(connection);
    vb_http_stream_cut(connection);
    vb_http_channel_free(connection);
    close(connection->fd);
    vb_http_exchange_free(connection->exchange);
    connection->exchange = NULL;
    vb_http_limits_leave(loop->http, connection->slot);
    loop->connections--;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        loop->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    connection->next = loop->dead;
    loop->dead = connection;
}

void vb_http_connection_ready(struct vb_http_connection *connection)
{
    struct vb_http_loop *loop = connection->loop;
    if (connection->is_ready)
        return;
    connection->is_ready = true;
    connection->next_ready = NULL;
    *loop->last_ready = connection;
    loop->last_ready = &connection->next_ready;
}

void vb_http_connection_break(struct vb_http_connection *connection)
{
    connection->is_broken = true;
    vb_http_connection_ready(connection);
}

void vb_http_connection_bury(struct vb_http_loop *loop)
{
    while (loop->dead) {
        struct vb_http_connection *connection = loop->dead;
        loop->dead = connection->next;
        vb_buffer_done(&connection->input);
        vb_buffer_done(&connection->output);
        free(connection);
    }
}

/* Sends what is held. VB_OK: all gone. VB_AGAIN: the peer is slow. */
static enum vb_status send_output(struct vb_http_connection *connection)
{
    while (connection->sent < connection->output.length) {
        ssize_t count =
            vb_http_channel_write(connection, connection->output.data + connection->sent,
                                  connection->output.length - connection->sent);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR ? VB_AGAIN : VB_IO;
        connection->sent += (size_t)count;
        if (connection->phase == VB_HTTP_WRITE)
            connection->deadline = vb_clock_monotonic() + connection->loop->http->times.progress;
    }
    vb_buffer_reset(&connection->output);
    connection->sent = 0;
    return VB_OK;
}

/* From the page cache to the socket; nothing of the archive passes through this process's
 * memory. */
static enum vb_status send_file(struct vb_http_connection *connection)
{
    size_t turn = SEND_FILE;
    while (connection->file_left > 0 && turn > 0) {
        size_t wish = connection->file_left < turn ? (size_t)connection->file_left : turn;
        ssize_t count = vb_http_channel_file(connection, wish);
        if (count == 0)
            /* the file became shorter: a broken connection says so, a short answer would lie */
            return VB_IO;
        if (count < 0)
            return errno == EAGAIN || errno == EINTR ? VB_AGAIN : VB_IO;
        connection->file_left -= (uint64_t)count;
        turn -= (size_t)count;
        connection->deadline = vb_clock_monotonic() + connection->loop->http->times.progress;
    }
    return connection->file_left > 0 ? VB_AGAIN : VB_OK;
}

/* A piece is asked for when the one before it is out, so a slow peer holds back whoever makes
 * them. */
static enum vb_status send_stream(struct vb_http_connection *connection)
{
    enum vb_status status = VB_OK;
    for (int i = 0; i < SEND_PIECES && connection->stream && status == VB_OK; i++) {
        status = vb_http_stream_next(connection);
        if (status == VB_OK)
            status = send_output(connection);
    }
    return status == VB_OK && connection->stream ? VB_AGAIN : status;
}

static enum vb_status send_all(struct vb_http_connection *connection)
{
    enum vb_status status = send_output(connection);
    if (status == VB_OK && connection->file >= 0)
        status = send_file(connection);
    if (status == VB_OK && connection->stream)
        status = send_stream(connection);
    return status;
}

/* Closing at once with unread bytes in the socket would make the kernel reset the connection, and
 * the answer could be lost on its way; so the peer gets a moment to read it. */
static void linger(struct vb_http_connection *connection)
{
    if (connection->ended || shutdown(connection->fd, SHUT_WR) != 0) {
        vb_http_connection_close(connection);
        return;
    }
    set_phase(connection, VB_HTTP_LINGER, connection->loop->http->times.linger);
    vb_buffer_done(&connection->input);
    want_writes(connection, false);
    want_reads(connection, true);
}

/* Nothing follows the answer. */
static bool is_last(const struct vb_http_connection *connection)
{
    const struct vb_http_exchange *exchange = connection->exchange;
    return !exchange || !exchange->keep_alive || connection->loop->is_draining;
}

/* The answer is out: the next request, or the end. */
static void next_request(struct vb_http_connection *connection)
{
    struct vb_http_exchange *exchange = connection->exchange;
    bool goes_on = !is_last(connection);
    end_file(connection);
    /* The answer came before the body: what is left of it is not the next request. */
    if (goes_on && exchange->framing.state != VB_BODY_DONE) {
        set_phase(connection, VB_HTTP_DRAIN, connection->loop->http->times.body);
        return;
    }
    vb_http_exchange_free(exchange);
    connection->exchange = NULL;
    if (!goes_on) {
        linger(connection);
        return;
    }
    connection->scan = (struct vb_http_scan){0};
    connection->kept_until = 0;
    if (connection->input.length == 0 && connection->input.capacity > 1024)
        vb_buffer_done(&connection->input);
    if (connection->output.capacity > 4096)
        vb_buffer_done(&connection->output);
    set_phase(connection, VB_HTTP_IDLE, connection->loop->http->times.idle);
}

/* A request that cannot be framed ends its connection: nobody knows where the next one would
 * begin. */
static void refuse(struct vb_http_connection *connection, struct vb_http_refusal refusal)
{
    vb_count(VB_COUNT_HTTP_REFUSED, 1);
    struct vb_http_exchange *exchange = connection->exchange;
    if (!exchange)
        exchange = connection->exchange = vb_http_exchange_new(connection);
    /* An answer has begun: a second one inside it would be read as its body. */
    if (!exchange || exchange->status != 0) {
        vb_http_connection_close(connection);
        return;
    }
    exchange->keep_alive = false;
    /* What the handler waits for must not answer a second time while a slow peer takes this. */
    vb_pg_ticket_drop(exchange->ticket);
    exchange->ticket = NULL;
    vb_http_stream_cut(connection);
    if (refusal.status == 503)
        vb_http_answer_error_header(exchange, "Retry-After", "2");
    vb_http_answer_detail(exchange, refusal.status, refusal.detail);
}

/* The head's bytes are copied, so the input may move on under it. */
static void begin_request(struct vb_http_connection *connection, size_t length)
{
    struct vb_http_exchange *exchange = connection->exchange = vb_http_exchange_new(connection);
    if (!exchange) {
        vb_http_connection_close(connection);
        return;
    }
    struct vb_http_refusal refusal = {0};
    struct vb_view head = {connection->input.data + connection->scan.start,
                           length - connection->scan.start};
    /* Before the handler runs, since it may answer or ask for the body at once. */
    set_phase(connection, VB_HTTP_WORK, connection->loop->http->times.answer);
    enum vb_status status = vb_http_exchange_begin(exchange, head, &refusal);
    vb_buffer_consume(&connection->input, length);
    if (status != VB_OK)
        refuse(connection, refusal);
}

/* Of half a head nothing can be answered once the peer has no more to send. */
static void read_head(struct vb_http_connection *connection)
{
    size_t length = 0;
    struct vb_http_refusal refusal = {0};
    struct vb_view bytes = {connection->input.data, connection->input.length};
    enum vb_status status = vb_http_head_scan(&connection->scan, bytes, &length, &refusal);
    if (status == VB_OK)
        begin_request(connection, length);
    else if (status == VB_INVALID)
        refuse(connection, refusal);
    else if (connection->ended)
        vb_http_connection_close(connection);
}

/* Takes bytes of the body; `out` NULL drops them. True: it is whole. */
static bool take_body(struct vb_http_connection *connection, struct vb_buffer *out)
{
    struct vb_http_exchange *exchange = connection->exchange;
    size_t used = 0;
    struct vb_http_refusal refusal = {0};
    struct vb_view bytes = {connection->input.data, connection->input.length};
    enum vb_status status = vb_http_body_feed(&exchange->framing, bytes, out, &used, &refusal);
    vb_buffer_consume(&connection->input, used);
    if (status == VB_OK)
        return true;
    if (status == VB_AGAIN && !connection->ended)
        return false;
    if (status == VB_AGAIN || connection->phase == VB_HTTP_DRAIN)
        vb_http_connection_close(connection);
    else
        refuse(connection, refusal);
    return false;
}

/* 100 Continue, as far as the peer takes it. False: the connection is gone. */
static bool flush_continue(struct vb_http_connection *connection)
{
    enum vb_status status = send_output(connection);
    want_writes(connection, status == VB_AGAIN);
    if (status == VB_OK || status == VB_AGAIN)
        return true;
    vb_http_connection_close(connection);
    return false;
}

/* on_body may answer, or wait for something that will. */
static void read_body(struct vb_http_connection *connection)
{
    if (!flush_continue(connection))
        return;
    struct vb_http_exchange *exchange = connection->exchange; /* there is one in this phase */
    if (!exchange || !take_body(connection, &exchange->body))
        return;
    set_phase(connection, VB_HTTP_WORK, connection->loop->http->times.answer);
    exchange->on_body(exchange);
}

static void write_answer(struct vb_http_connection *connection)
{
    enum vb_status status = send_all(connection);
    if (status == VB_OK && is_last(connection))
        status = vb_http_channel_end(connection);
    if (status == VB_OK) {
        want_writes(connection, false);
        next_request(connection);
    } else if (status == VB_AGAIN) {
        want_writes(connection, !vb_http_stream_is_waiting(connection));
    } else {
        vb_http_connection_close(connection);
    }
}

/* One step; true: it led somewhere. */
static bool step(struct vb_http_connection *connection)
{
    enum vb_http_phase before = connection->phase;
    size_t held = connection->input.length;
    switch (before) {
    case VB_HTTP_IDLE:
        if (held > 0)
            set_phase(connection, VB_HTTP_READ, connection->loop->http->times.head);
        else if (connection->ended)
            vb_http_connection_close(connection);
        break;
    case VB_HTTP_READ:
        read_head(connection);
        break;
    case VB_HTTP_READ_BODY:
        read_body(connection);
        break;
    case VB_HTTP_WRITE:
        write_answer(connection);
        break;
    case VB_HTTP_DRAIN:
        if (take_body(connection, NULL))
            next_request(connection);
        break;
    case VB_HTTP_WORK:
        flush_continue(connection);
        return false;
    case VB_HTTP_LINGER:
    case VB_HTTP_DEAD:
        return false;
    }
    return connection->phase != before;
}

/* As far as it goes, but for one answer at most. It counts as ready meanwhile, so that nothing it
 * does lists it. */
static void take_turn(struct vb_http_connection *connection)
{
    while (!connection->is_broken && step(connection) && connection->phase != VB_HTTP_IDLE)
        ;
    connection->is_ready = false;
    if (connection->is_broken)
        vb_http_connection_close(connection);
    if (connection->phase == VB_HTTP_DEAD)
        return;
    if (connection->phase == VB_HTTP_IDLE && (connection->input.length > 0 || connection->ended))
        vb_http_connection_ready(connection);
    /* A client that pipelines without reading its answers is held back by TCP; the buffer grows
     * beyond a read for a head alone. */
    size_t most = connection->phase == VB_HTTP_READ ? VB_HTTP_HEAD + 2 : VB_HTTP_CHUNK;
    if (!connection->ended)
        want_reads(connection, connection->input.length <= most);
}

void vb_http_connection_turns(struct vb_http_loop *loop)
{
    struct vb_http_connection *connection = loop->ready;
    loop->ready = NULL;
    loop->last_ready = &loop->ready;
    while (connection) {
        struct vb_http_connection *next = connection->next_ready;
        take_turn(connection);
        connection = next;
    }
}

/* The first request is waited for. */
static void greet(struct vb_http_connection *connection)
{
    set_phase(connection, VB_HTTP_IDLE, connection->loop->http->times.head);
    connection->kept_until = vb_clock_monotonic() + FIRST_REQUEST;
}

/* True: a handshake was under way, and this was its event. The time for it is that for a first
 * request, which begins anew with its end. */
static bool shake_hands(struct vb_http_connection *connection)
{
    static const struct vb_http_refusal plain = {400, "This port speaks TLS: use https."};
    if (!vb_http_channel_is_new(connection))
        return false;
    enum vb_http_shake shake = vb_http_channel_shake(connection);
    want_reads(connection, shake != VB_HTTP_SHAKE_WRITES);
    want_writes(connection, shake == VB_HTTP_SHAKE_WRITES);
    if (shake == VB_HTTP_SHAKE_DONE)
        greet(connection);
    else if (shake == VB_HTTP_SHAKE_PLAIN)
        refuse(connection, plain);
    else if (shake == VB_HTTP_SHAKE_FAILED)
        linger(connection); /* so that the client reads why */
    return true;
}

/* Takes bytes and posts, or closes; of the handler it calls on_left alone, which frees nothing. */
static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct vb_http_connection *connection = context;
    struct vb_http_loop *loop = connection->loop;
    /* One buffer for all connections of the loop: idle ones hold none. */
    if (connection->phase == VB_HTTP_IDLE && shake_hands(connection))
        return;
    ssize_t count = connection->phase == VB_HTTP_LINGER
                        ? recv(fd, loop->chunk, sizeof(loop->chunk), MSG_DONTWAIT)
                        : vb_http_channel_read(connection, loop->chunk, sizeof(loop->chunk));
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (vb_http_channel_read_writes(connection)) {
            want_reads(connection, false); /* until on_writable */
            want_writes(connection, true);
        }
        return;
    }
    if (count < 0 || (count == 0 && connection->phase == VB_HTTP_LINGER)) {
        vb_http_connection_close(connection);
        return;
    }
    if (connection->phase == VB_HTTP_LINGER) {
        explicit_bzero(loop->chunk, (size_t)count);
        return;
    }
    if (count == 0 && connection->stream) {
        vb_http_connection_close(connection); /* nobody is left to work for */
        return;
    }
    if (count == 0) {
        /* Half closed: what was asked for is still answered. */
        connection->ended = true;
        want_reads(connection, false);
        if (connection->phase == VB_HTTP_WORK && connection->exchange->on_left)
            connection->exchange->on_left(connection->exchange);
    } else {
        enum vb_status status = vb_buffer_append(&connection->input, loop->chunk, (size_t)count);
        explicit_bzero(loop->chunk, (size_t)count);
        if (status != VB_OK) {
            vb_http_connection_close(connection);
            return;
        }
    }
    vb_http_connection_ready(connection);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct vb_http_connection *connection = context;
    if (connection->phase == VB_HTTP_IDLE && shake_hands(connection))
        return;
    if (connection->phase != VB_HTTP_WRITE)
        want_writes(connection, false); /* its turn asks again where it has something to send */
    vb_http_connection_ready(connection);
}

/* Takes the descriptor and the slot over, also on failure. */
void vb_http_connection_new(struct vb_http_loop *loop, int fd, unsigned slot,
                            const unsigned char peer[VB_ADDRESS])
{
    struct vb_http_connection *connection = calloc(1, sizeof(*connection));
    if (!connection) {
        close(fd);
        vb_http_limits_leave(loop->http, slot);
        return;
    }
    *connection = (struct vb_http_connection){.loop = loop, .fd = fd, .slot = slot, .file = -1};
    memcpy(connection->peer, peer, VB_ADDRESS);
    vb_buffer_init_secret(&connection->input, VB_HTTP_INPUT); /* keys come through it */
    vb_buffer_init(&connection->output, VB_HTTP_ANSWER);
    event_assign(&connection->readable, loop->base, fd, EV_READ | EV_PERSIST, on_readable,
                 connection);
    event_assign(&connection->writable, loop->base, fd, EV_WRITE | EV_PERSIST, on_writable,
                 connection);
    connection->next = loop->first;
    if (loop->first)
        loop->first->previous = connection;
    loop->first = connection;
    loop->connections++;
    greet(connection);
    want_reads(connection, true);
    if (vb_http_channel_open(connection) != VB_OK)
        vb_http_connection_close(connection);
}

/* The socket takes more only once a good part of its megabytes is free: for a peer on a slow line
 * that lasts longer than the deadline, though it takes bytes all the time. So what the peer has
 * acknowledged counts as well. */
static void note_progress(struct vb_http_connection *connection, int64_t now)
{
    int held = 0;
    if (ioctl(connection->fd, SIOCOUTQ, &held) != 0)
        return;
    if (held < connection->unacknowledged)
        connection->deadline = now + connection->loop->http->times.progress;
    connection->unacknowledged = held;
}

/* Of a request that has come and was not read yet. */
static bool has_bytes(const struct vb_http_connection *connection)
{
    char byte;
    return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Whoever sends into a connection that closes cannot know whether his request was carried out, so
 * one is closed between two requests only, and one that has just come gets its first answered. A
 * stream may go on for hours: at a stop it gets what others get, less the time its end takes. */
static bool is_in_the_way(const struct vb_http_connection *connection, int64_t now)
{
    struct vb_http *http = connection->loop->http;
    if (connection->phase == VB_HTTP_IDLE)
        return connection->loop->is_draining && now >= connection->kept_until &&
               !has_bytes(connection);
    return connection->stream && atomic_load(&http->stopping) && now >= http->stop_by - CUT_EARLY;
}

/* From the tick, outside of turns: a refusal here is only posted as well. */
void vb_http_connection_sweep(struct vb_http_connection *connection, int64_t now)
{
    if (connection->phase == VB_HTTP_WRITE && !vb_http_stream_is_waiting(connection))
        note_progress(connection, now);
    if (is_in_the_way(connection, now)) {
        vb_http_connection_close(connection);
        return;
    }
    if (now < connection->deadline)
        return;
    static const struct vb_http_refusal late = {408, "The request took too long to arrive."};
    static const struct vb_http_refusal stuck = {503, "The answer took too long. Try again later."};
    switch (connection->phase) {
    case VB_HTTP_READ:
    case VB_HTTP_READ_BODY:
        refuse(connection, late);
        break;
    case VB_HTTP_WORK:
        refuse(connection, stuck);
        break;
    case VB_HTTP_IDLE:
    case VB_HTTP_WRITE:
    case VB_HTTP_DRAIN:
    case VB_HTTP_LINGER:
    case VB_HTTP_DEAD:
        vb_http_connection_close(connection);
        break;
    }
}
