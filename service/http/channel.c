/* Bytes of a connection: see http/channel.h. */
#include "channel.h"
#include "tls_session.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define RECORD 16384u      /* most bytes of one record of TLS */
#define HANDSHAKE 0x16     /* the first byte of whoever speaks TLS */
#define HANDSHAKES_MOST 4u /* a fourth of all connections */
#define HANDSHAKES_LEAST 16u

struct vb_http_channel {
    SSL *ssl;
    bool is_new, has_failed, has_ended, read_writes;
    struct vb_http_connection *older, *newer; /* while it is new */
    /* Of a file: read, and not taken by TLS, which wants the same bytes again. */
    unsigned char *held;
    size_t held_at, held_length;
};

/* --- handshakes under way, of a loop --- */

static void join_handshakes(struct vb_http_connection *connection)
{
    struct vb_http_handshakes *all = &connection->loop->handshakes;
    connection->tls->older = all->newest;
    if (all->newest)
        all->newest->tls->newer = connection;
    else
        all->oldest = connection;
    all->newest = connection;
    all->count++;
}

static void leave_handshakes(struct vb_http_connection *connection)
{
    struct vb_http_handshakes *all = &connection->loop->handshakes;
    struct vb_http_channel *tls = connection->tls;
    if (!tls->is_new)
        return;
    if (tls->older)
        tls->older->tls->newer = tls->newer;
    else
        all->oldest = tls->newer;
    if (tls->newer)
        tls->newer->tls->older = tls->older;
    else
        all->newest = tls->older;
    tls->older = tls->newer = NULL;
    tls->is_new = false;
    all->count--;
}

static unsigned handshakes_most(const struct vb_http *http)
{
    unsigned each = atomic_load(&http->connection_limit) / HANDSHAKES_MOST /
                    (unsigned)(http->loop_count > 0 ? http->loop_count : 1);
    return each > HANDSHAKES_LEAST ? each : HANDSHAKES_LEAST;
}

enum vb_status vb_http_channel_open(struct vb_http_connection *connection)
{
    struct vb_http_loop *loop = connection->loop;
    if (!loop->http->tls)
        return VB_OK;
    if (loop->handshakes.count >= handshakes_most(loop->http)) {
        vb_count(VB_COUNT_TLS_FAILED, 1);
        vb_http_connection_close(loop->handshakes.oldest);
    }
    struct vb_http_channel *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return VB_NO_MEMORY;
    tls->ssl = vb_tls_session(loop->http->tls, connection->fd);
    if (!tls->ssl) {
        free(tls);
        return VB_NO_MEMORY;
    }
    tls->is_new = true;
    connection->tls = tls;
    join_handshakes(connection);
    return VB_OK;
}

void vb_http_channel_free(struct vb_http_connection *connection)
{
    struct vb_http_channel *tls = connection->tls;
    if (!tls)
        return;
    leave_handshakes(connection);
    SSL_free(tls->ssl);
    free(tls->held);
    free(tls);
    connection->tls = NULL;
}

bool vb_http_channel_is_new(const struct vb_http_connection *connection)
{
    return connection->tls && connection->tls->is_new;
}

/* A method's first letter, or an empty line before it, stands where TLS has its own first byte. */
static bool speaks_http(const struct vb_http_connection *connection)
{
    char byte = 0;
    return SSL_in_before(connection->tls->ssl) &&
           recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && byte != HANDSHAKE &&
           ((byte >= 'A' && byte <= 'Z') || byte == '\r' || byte == '\n');
}

static enum vb_http_shake handshake_failed(struct vb_http_connection *connection)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    vb_debug("a handshake of TLS failed: %s", reason ? reason : "the client went away");
    vb_count(VB_COUNT_TLS_FAILED, 1);
    ERR_clear_error();
    leave_handshakes(connection);
    connection->tls->has_failed = true;
    return VB_HTTP_SHAKE_FAILED;
}

enum vb_http_shake vb_http_channel_shake(struct vb_http_connection *connection)
{
    struct vb_http_channel *tls = connection->tls;
    if (speaks_http(connection)) {
        vb_count(VB_COUNT_TLS_FAILED, 1);
        vb_http_channel_free(connection);
        return VB_HTTP_SHAKE_PLAIN;
    }
    ERR_clear_error();
    int done = SSL_do_handshake(tls->ssl);
    if (done == 1) {
        leave_handshakes(connection);
        return VB_HTTP_SHAKE_DONE;
    }
    switch (SSL_get_error(tls->ssl, done)) {
    case SSL_ERROR_WANT_READ:
        return VB_HTTP_SHAKE_READS;
    case SSL_ERROR_WANT_WRITE:
        return VB_HTTP_SHAKE_WRITES;
    default:
        return handshake_failed(connection);
    }
}

/* --- reading and writing --- */

static ssize_t failed(struct vb_http_channel *tls)
{
    ERR_clear_error();
    tls->has_failed = true; /* OpenSSL wants no more of it, not even a farewell */
    errno = EIO;
    return -1;
}

static ssize_t again(void)
{
    errno = EAGAIN;
    return -1;
}

/* A record is read whole before anything of it comes out, and no more than that: so while there is
 * something left to read the socket is readable. */
static ssize_t read_tls(struct vb_http_channel *tls, void *bytes, size_t size)
{
    size_t count = 0;
    ERR_clear_error();
    int done = SSL_read_ex(tls->ssl, bytes, size, &count);
    if (done == 1)
        return (ssize_t)count;
    switch (SSL_get_error(tls->ssl, done)) {
    case SSL_ERROR_WANT_READ:
        return again();
    case SSL_ERROR_WANT_WRITE:
        tls->read_writes = true;
        return again();
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        return failed(tls);
    }
}

/* One that waits for a read would be renegotiating, which nobody may. */
static ssize_t write_tls(struct vb_http_channel *tls, const void *bytes, size_t size)
{
    size_t count = 0;
    ERR_clear_error();
    int done = SSL_write_ex(tls->ssl, bytes, size, &count);
    if (done == 1)
        return (ssize_t)count;
    return SSL_get_error(tls->ssl, done) == SSL_ERROR_WANT_WRITE ? again() : failed(tls);
}

ssize_t vb_http_channel_read(struct vb_http_connection *connection, void *bytes, size_t size)
{
    if (connection->tls)
        return read_tls(connection->tls, bytes, size);
    return recv(connection->fd, bytes, size, MSG_DONTWAIT);
}

ssize_t vb_http_channel_write(struct vb_http_connection *connection, const void *bytes, size_t size)
{
    if (connection->tls)
        return write_tls(connection->tls, bytes, size);
    return send(connection->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool vb_http_channel_read_writes(struct vb_http_connection *connection)
{
    bool found = connection->tls && connection->tls->read_writes;
    if (found)
        connection->tls->read_writes = false;
    return found;
}

/* Fills what is held. 0: the file has ended. */
static ssize_t hold(const struct vb_http_connection *connection, size_t size)
{
    struct vb_http_channel *tls = connection->tls;
    if (!tls->held)
        tls->held = malloc(RECORD);
    if (!tls->held) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t count =
        pread(connection->file, tls->held, size < RECORD ? size : RECORD, connection->file_at);
    if (count > 0) {
        tls->held_at = 0;
        tls->held_length = (size_t)count;
    }
    return count;
}

ssize_t vb_http_channel_file(struct vb_http_connection *connection, size_t size)
{
    struct vb_http_channel *tls = connection->tls;
    if (!tls)
        return sendfile(connection->fd, connection->file, &connection->file_at, size);
    if (tls->held_length == 0) {
        ssize_t count = hold(connection, size);
        if (count <= 0)
            return count;
    }
    ssize_t count = write_tls(tls, tls->held + tls->held_at, tls->held_length);
    if (count > 0) {
        tls->held_at += (size_t)count;
        tls->held_length -= (size_t)count;
        connection->file_at += count;
    }
    return count;
}

enum vb_status vb_http_channel_end(struct vb_http_connection *connection)
{
    struct vb_http_channel *tls = connection->tls;
    if (!tls || tls->is_new || tls->has_failed || tls->has_ended)
        return VB_OK;
    ERR_clear_error();
    int done = SSL_shutdown(tls->ssl);
    if (done < 0 && SSL_get_error(tls->ssl, done) == SSL_ERROR_WANT_WRITE)
        return VB_AGAIN;
    ERR_clear_error();
    tls->has_ended = true;
    return VB_OK;
}
