/* One HTTP connection: its life, the events that bring it bytes, and a deadline for whatever is
 * going on.
 *
 * Owned by its loop, touched by its loop's thread only. Events, handlers and deadlines change its
 * state and mark it ready; what follows from that is done at its turn (turn.c), when nobody else is
 * on the stack. Only a turn begins requests, takes bodies and sends answers; exchanges are freed by
 * a turn, or by an event or deadline of the connection, under which no handler runs. So whoever
 * holds an exchange keeps it until it returns to the loop.
 *
 * A closed connection is freed at the end of the round (bury), when no list has it.
 */
#include "connection.h"
#include "channel.h"
#include "stream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* For the first request of a connection that came just before a stop. */
#define FIRST_REQUEST VB_SECOND
/* Before the end of a stop: a stream's end has to reach the audit. */
#define CUT_EARLY (3 * VB_SECOND)

void vb_http_connection_set_phase(struct vb_http_connection *connection, enum vb_http_phase phase,
                                  int64_t time)
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

void vb_http_connection_want_reads(struct vb_http_connection *connection, bool wanted)
{
    if (connection->reads == wanted)
        return;
    connection->reads = wanted;
    if (wanted)
        add_event(connection, &connection->readable);
    else
        event_del(&connection->readable);
}

void vb_http_connection_want_writes(struct vb_http_connection *connection, bool wanted)
{
    if (connection->writes == wanted)
        return;
    connection->writes = wanted;
    if (wanted)
        add_event(connection, &connection->writable);
    else
        event_del(&connection->writable);
}

void vb_http_connection_end_file(struct vb_http_connection *connection)
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
    vb_http_connection_want_reads(connection, false);
    vb_http_connection_want_writes(connection, false);
    vb_http_connection_end_file(connection);
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

/* The first request is waited for. */
static void greet(struct vb_http_connection *connection)
{
    vb_http_connection_set_phase(connection, VB_HTTP_IDLE, connection->loop->http->times.head);
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
    vb_http_connection_want_reads(connection, shake != VB_HTTP_SHAKE_WRITES);
    vb_http_connection_want_writes(connection, shake == VB_HTTP_SHAKE_WRITES);
    if (shake == VB_HTTP_SHAKE_DONE)
        greet(connection);
    else if (shake == VB_HTTP_SHAKE_PLAIN)
        vb_http_connection_refuse(connection, plain);
    else if (shake == VB_HTTP_SHAKE_FAILED)
        vb_http_connection_linger(connection); /* so that the client reads why */
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
            vb_http_connection_want_reads(connection, false); /* until on_writable */
            vb_http_connection_want_writes(connection, true);
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
        vb_http_connection_want_reads(connection, false);
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
        vb_http_connection_want_writes(
            connection, false); /* its turn asks again where it has something to send */
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
    vb_http_connection_want_reads(connection, true);
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
        vb_http_connection_refuse(connection, late);
        break;
    case VB_HTTP_WORK:
        vb_http_connection_refuse(connection, stuck);
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
