/* Streamed answers: see http/stream.h.
 *
 * A stream belongs to its connection and is freed with its last byte, or when the connection
 * closes. At most one piece lies in the connection's output at a time. What the feed's other end
 * does is its own business: here is only the reading end.
 *
 * Two phases by has_head: before it the connection is in WORK, and the answer may still become an
 * error; after it the status is out and only the connection can tell of a failure.
 */
#include "stream.h"
#include "pack.h"

#include "verbatim/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PIECE 32768u
#define PACKED_READS 16 /* reads for one piece, at most */
/* Of one put: a block of the packer, and what it held before. */
#define PACKED_MOST (1u << 20)
#define FRAME 6u /* "8000\r\n" */

struct vb_http_stream {
    struct vb_http_feed feed;
    struct event fed;
    const char *type;
    bool chunked, has_head;
    bool waits;    /* `fed` is on; of a pushed one: there is nothing to send */
    bool is_whole; /* all of it lies in the output */
    enum vb_status how;
    /* Without a feed: what was handed over and has not gone out. */
    bool is_pushed, is_over;
    struct vb_buffer pushed;
    /* As gzip; NULL: as it is. `packed` has come out, `holds` that more went in. */
    struct vb_http_pack *pack;
    struct vb_buffer packed;
    bool holds;
};

/* Level-triggered: left on while bytes wait for a slow peer, it would spin. */
static void wait_for_feed(struct vb_http_connection *connection, bool wanted)
{
    struct vb_http_stream *stream = connection->stream;
    if (wanted == stream->waits)
        return;
    stream->waits = wanted;
    if (stream->is_pushed)
        return;
    if (wanted && event_add(&stream->fed, NULL) != 0)
        vb_http_connection_break(connection);
    if (!wanted)
        event_del(&stream->fed);
}

/* A body that ends with its connection would look whole where that breaks. So the kernel resets the
 * connection, however it closes, also where the process is killed; what had not gone out is lost by
 * that. A chunked body lacks its last chunk, and what is there of it may arrive. */
static void reset_on_close(const struct vb_http_connection *connection, bool wanted)
{
    const struct linger at_once = {wanted, 0};
    if (!connection->stream->chunked)
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* `end` may free what the feed pointed at, so the descriptor is closed before. */
static void free_stream(struct vb_http_connection *connection, enum vb_status how)
{
    struct vb_http_stream *stream = connection->stream;
    wait_for_feed(connection, false);
    if (stream->has_head)
        vb_http_answer_log(connection->exchange);
    connection->stream = NULL;
    if (!stream->is_pushed) {
        close(stream->feed.fd);
        stream->feed.end(stream->feed.context, how);
    }
    vb_buffer_done(&stream->pushed);
    vb_buffer_done(&stream->packed);
    vb_http_pack_free(stream->pack);
    free(stream);
}

bool vb_http_stream_is_waiting(const struct vb_http_connection *connection)
{
    return connection->stream && connection->stream->waits;
}

void vb_http_stream_cut(struct vb_http_connection *connection)
{
    if (connection->stream)
        free_stream(connection, connection->stream->how);
}

/* As read() does it, from what was handed over. */
static ssize_t take_pushed(struct vb_http_stream *stream, char *at, size_t most)
{
    size_t count = stream->pushed.length < most ? stream->pushed.length : most;
    if (count == 0 && !stream->is_over) {
        errno = EAGAIN;
        return -1;
    }
    if (count > 0)
        memcpy(at, stream->pushed.data, count);
    vb_buffer_consume(&stream->pushed, count);
    return (ssize_t)count;
}

static ssize_t take_bytes(struct vb_http_stream *stream, char *at, size_t most)
{
    return stream->is_pushed ? take_pushed(stream, at, most) : read(stream->feed.fd, at, most);
}

/* What has come out of the packer goes out as one chunk. */
static enum vb_status put_packed(struct vb_http_connection *connection)
{
    struct vb_http_stream *stream = connection->stream;
    struct vb_buffer *packed = &stream->packed, *out = &connection->output;
    enum vb_status status = VB_OK;
    if (packed->length == 0)
        return VB_OK;
    if (stream->chunked)
        status = vb_buffer_printf(out, "%zx\r\n", packed->length);
    if (status == VB_OK)
        status = vb_buffer_append(out, packed->data, packed->length);
    if (status == VB_OK && stream->chunked)
        status = vb_buffer_append_text(out, "\r\n");
    connection->exchange->answer_size += packed->length;
    vb_buffer_reset(packed);
    return status;
}

/* Until a good piece has come out, or there is nothing to read: then also what the packer holds,
 * since a client may wait for it. */
static enum vb_status take_packed(struct vb_http_connection *connection)
{
    struct vb_http_stream *stream = connection->stream;
    struct vb_http_loop *loop = connection->loop;
    static const struct vb_view none = {NULL, 0};
    enum vb_status status = VB_OK;
    ssize_t count = 1;
    for (int i = 0; i < PACKED_READS && stream->packed.length < PIECE / 2 && status == VB_OK; i++) {
        count = take_bytes(stream, loop->chunk, sizeof(loop->chunk));
        if (count <= 0)
            break;
        stream->holds = true;
        status = vb_http_pack_put(stream->pack, (struct vb_view){loop->chunk, (size_t)count},
                                  VB_PACK_MORE, &stream->packed);
    }
    if (status == VB_OK && count < 0 && errno != EAGAIN && errno != EINTR)
        return VB_IO;
    if (status == VB_OK && count != 0 && stream->packed.length == 0 && stream->holds) {
        stream->holds = false;
        status = vb_http_pack_put(stream->pack, none, VB_PACK_FLUSH, &stream->packed);
    }
    if (status != VB_OK)
        return status;
    if (stream->packed.length == 0)
        return count == 0 ? VB_END : VB_AGAIN;
    return put_packed(connection);
}

/* Reads straight into the output, behind room for the chunk's size. VB_END: the feed is at its
 * end. */
static enum vb_status take_piece(struct vb_http_connection *connection)
{
    struct vb_http_stream *stream = connection->stream;
    if (stream->pack)
        return take_packed(connection);
    struct vb_buffer *out = &connection->output;
    size_t frame = stream->chunked ? FRAME : 0;
    enum vb_status status = vb_buffer_reserve(out, frame + PIECE + 2);
    if (status != VB_OK)
        return status;
    char *at = out->data + out->length;
    ssize_t count = take_bytes(stream, at + frame, PIECE);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? VB_AGAIN : VB_IO;
    if (count == 0)
        return VB_END;
    connection->exchange->answer_size += (uint64_t)count;
    size_t length = frame + (size_t)count;
    if (stream->chunked) {
        char size[FRAME + 16];
        (void)snprintf(size, sizeof(size), "%04zx\r\n", (size_t)count);
        memcpy(at, size, FRAME);
        at[length++] = '\r';
        at[length++] = '\n';
    }
    vb_buffer_grown(out, length);
    return VB_OK;
}

/* The feed has ended: well, or not. */
static enum vb_status finish(struct vb_http_connection *connection)
{
    struct vb_http_stream *stream = connection->stream;
    struct vb_error err = {0};
    stream->how = stream->is_pushed ? VB_OK : stream->feed.outcome(stream->feed.context, &err);
    if (stream->how != VB_OK) {
        vb_log_set(VB_LOG_REQUEST, connection->exchange->request_id);
        vb_warn("a streamed answer breaks off: %s", err.text);
        vb_log_set(VB_LOG_REQUEST, NULL);
        return VB_IO;
    }
    static const struct vb_view none = {NULL, 0};
    enum vb_status status = VB_OK;
    if (stream->pack)
        status = vb_http_pack_put(stream->pack, none, VB_PACK_END, &stream->packed);
    if (status == VB_OK)
        status = put_packed(connection);
    if (status != VB_OK)
        return status;
    stream->is_whole = true;
    return stream->chunked ? vb_buffer_append_text(&connection->output, "0\r\n\r\n") : VB_OK;
}

enum vb_status vb_http_stream_next(struct vb_http_connection *connection)
{
    struct vb_http_stream *stream = connection->stream;
    const struct vb_http_times *times = &connection->loop->http->times;
    if (stream->is_whole) {
        reset_on_close(connection, false);
        free_stream(connection, VB_OK);
        return VB_OK;
    }
    enum vb_status status = take_piece(connection);
    wait_for_feed(connection, status == VB_AGAIN);
    /* Either the feed has to come with more, or the peer has to take what is there. */
    connection->deadline =
        vb_clock_monotonic() + (status == VB_AGAIN ? times->answer : times->progress);
    return status == VB_END ? finish(connection) : status;
}

/* False: as it is. */
static bool is_to_be_packed(struct vb_http_exchange *exchange, const char *type)
{
    if (!vb_http_pack_pays(type))
        return false;
    vb_http_answer_header(exchange, "Vary", "Accept-Encoding");
    if (!vb_http_accepts_coding(&exchange->head, "gzip"))
        return false;
    vb_http_answer_header(exchange, "Content-Encoding", "gzip");
    return true;
}

/* Before the head. VB_NO_MEMORY: it has said already how the body comes. */
static enum vb_status choose_coding(struct vb_http_exchange *exchange,
                                    struct vb_http_stream *stream)
{
    if (!is_to_be_packed(exchange, stream->type))
        return VB_OK;
    vb_buffer_init(&stream->packed, PACKED_MOST);
    stream->pack = vb_http_pack_new();
    return stream->pack ? VB_OK : VB_NO_MEMORY;
}

/* Something is there, or never will be. Until now the answer could still have been another one. */
static void begin(struct vb_http_connection *connection)
{
    struct vb_http_stream *stream = connection->stream;
    struct vb_http_exchange *exchange = connection->exchange;
    struct vb_error err = {0};
    int held = 0;
    bool is_end = ioctl(stream->feed.fd, FIONREAD, &held) != 0 || held == 0;
    if (is_end && (stream->how = stream->feed.outcome(stream->feed.context, &err)) != VB_OK) {
        free_stream(connection, stream->how);
        vb_http_answer_error(exchange, &err);
        return;
    }
    wait_for_feed(connection, false);
    if (exchange->headers_status == VB_OK)
        exchange->headers_status = choose_coding(exchange, stream);
    if (exchange->headers_status != VB_OK) {
        free_stream(connection, VB_LIMIT);
        (void)vb_http_answer_headers_hold(exchange);
        return;
    }
    stream->has_head = true;
    reset_on_close(connection, true);
    vb_http_answer_begin(exchange, stream->type, stream->chunked);
}

/* Posted but for the first time, when no head is out yet. */
static void on_fed(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct vb_http_connection *connection = context;
    if (connection->phase == VB_HTTP_WORK)
        begin(connection);
    else
        vb_http_connection_ready(connection);
}

void vb_http_answer_stream(struct vb_http_exchange *exchange, const char *type,
                           const struct vb_http_feed *feed)
{
    struct vb_http_connection *connection = exchange->connection;
    struct vb_http_stream *stream = connection->ended ? NULL : calloc(1, sizeof(*stream));
    if (!stream) {
        close(feed->fd);
        feed->end(feed->context, VB_STOPPED);
        vb_http_connection_break(connection);
        return;
    }
    *stream = (struct vb_http_stream){
        .feed = *feed, .type = type, .chunked = exchange->head.minor > 0, .how = VB_STOPPED};
    connection->stream = stream;
    event_assign(&stream->fed, exchange->loop->base, feed->fd, EV_READ | EV_PERSIST, on_fed,
                 connection);
    wait_for_feed(connection, true);
}

void vb_http_answer_push(struct vb_http_exchange *exchange, const char *type, size_t most)
{
    struct vb_http_connection *connection = exchange->connection;
    if (!vb_http_answer_headers_hold(exchange))
        return;
    struct vb_http_stream *stream = connection->ended ? NULL : calloc(1, sizeof(*stream));
    if (!stream) {
        vb_http_connection_break(connection);
        return;
    }
    *stream = (struct vb_http_stream){.type = type,
                                      .chunked = exchange->head.minor > 0,
                                      .has_head = true,
                                      .how = VB_STOPPED,
                                      .is_pushed = true};
    vb_buffer_init(&stream->pushed, most);
    connection->stream = stream;
    if (choose_coding(exchange, stream) != VB_OK) {
        vb_http_connection_break(connection);
        return;
    }
    reset_on_close(connection, true);
    vb_http_answer_begin(exchange, type, stream->chunked);
}

/* The stream whose turn it still is; NULL: it is over or breaks. */
static struct vb_http_stream *open_push(const struct vb_http_exchange *exchange)
{
    struct vb_http_stream *stream = exchange->connection->stream;
    bool is_open =
        stream && stream->is_pushed && !stream->is_over && !exchange->connection->is_broken;
    return is_open ? stream : NULL;
}

enum vb_status vb_http_push(struct vb_http_exchange *exchange, struct vb_view bytes)
{
    struct vb_http_stream *stream = open_push(exchange);
    if (!stream)
        return VB_STOPPED;
    enum vb_status status = vb_buffer_append(&stream->pushed, bytes.data, bytes.length);
    if (status == VB_OK)
        vb_http_connection_ready(exchange->connection);
    return status;
}

void vb_http_push_end(struct vb_http_exchange *exchange)
{
    struct vb_http_stream *stream = open_push(exchange);
    if (!stream)
        return;
    stream->is_over = true;
    vb_http_connection_ready(exchange->connection);
}

void vb_http_answer_stream_head(struct vb_http_exchange *exchange, const char *type)
{
    (void)is_to_be_packed(exchange, type);
    if (vb_http_answer_headers_hold(exchange))
        vb_http_answer_begin(exchange, type, exchange->head.minor > 0);
}
