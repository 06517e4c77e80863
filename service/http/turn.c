/* The turns of connections: requests in order, their bodies, and answers out.
 *
 * Requests of a pipeline are taken one at a time, one a turn: the next is looked at when the answer
 * before it has left. Whose turn it is and who may change a connection meanwhile: see connection.c.
 */
#include "channel.h"
#include "connection.h"
#include "stream.h"

#include "verbatim/metrics.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define SEND_FILE (256u << 10) /* bytes of a file a turn, so that others get theirs */
#define SEND_PIECES 8          /* of a stream, likewise */

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

void vb_http_connection_linger(struct vb_http_connection *connection)
{
    if (connection->ended || shutdown(connection->fd, SHUT_WR) != 0) {
        vb_http_connection_close(connection);
        return;
    }
    vb_http_connection_set_phase(connection, VB_HTTP_LINGER, connection->loop->http->times.linger);
    vb_buffer_done(&connection->input);
    vb_http_connection_want_writes(connection, false);
    vb_http_connection_want_reads(connection, true);
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
    vb_http_connection_end_file(connection);
    /* The answer came before the body: what is left of it is not the next request. */
    if (goes_on && exchange->framing.state != VB_BODY_DONE) {
        vb_http_connection_set_phase(connection, VB_HTTP_DRAIN, connection->loop->http->times.body);
        return;
    }
    vb_http_exchange_free(exchange);
    connection->exchange = NULL;
    if (!goes_on) {
        vb_http_connection_linger(connection);
        return;
    }
    connection->scan = (struct vb_http_scan){0};
    connection->kept_until = 0;
    if (connection->input.length == 0 && connection->input.capacity > 1024)
        vb_buffer_done(&connection->input);
    if (connection->output.capacity > 4096)
        vb_buffer_done(&connection->output);
    vb_http_connection_set_phase(connection, VB_HTTP_IDLE, connection->loop->http->times.idle);
}

void vb_http_connection_refuse(struct vb_http_connection *connection,
                               struct vb_http_refusal refusal)
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
    vb_http_connection_set_phase(connection, VB_HTTP_WORK, connection->loop->http->times.answer);
    enum vb_status status = vb_http_exchange_begin(exchange, head, &refusal);
    vb_buffer_consume(&connection->input, length);
    if (status != VB_OK)
        vb_http_connection_refuse(connection, refusal);
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
        vb_http_connection_refuse(connection, refusal);
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
        vb_http_connection_refuse(connection, refusal);
    return false;
}

/* 100 Continue, as far as the peer takes it. False: the connection is gone. */
static bool flush_continue(struct vb_http_connection *connection)
{
    enum vb_status status = send_output(connection);
    vb_http_connection_want_writes(connection, status == VB_AGAIN);
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
    vb_http_connection_set_phase(connection, VB_HTTP_WORK, connection->loop->http->times.answer);
    exchange->on_body(exchange);
}

static void write_answer(struct vb_http_connection *connection)
{
    enum vb_status status = send_all(connection);
    if (status == VB_OK && is_last(connection))
        status = vb_http_channel_end(connection);
    if (status == VB_OK) {
        vb_http_connection_want_writes(connection, false);
        next_request(connection);
    } else if (status == VB_AGAIN) {
        vb_http_connection_want_writes(connection, !vb_http_stream_is_waiting(connection));
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
            vb_http_connection_set_phase(connection, VB_HTTP_READ,
                                         connection->loop->http->times.head);
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
        vb_http_connection_want_reads(connection, connection->input.length <= most);
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
