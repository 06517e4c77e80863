/* What the bytes of a connection go through: the socket itself, or TLS over it.
 *
 * One TLS session a connection, made when it is accepted, freed when it closes; its loop's thread.
 * Reading and writing are as recv() and send() are: -1 with errno EAGAIN where the socket has to be
 * waited for, 0 at the peer's end, -1 with another errno where it has failed. An end of the socket
 * without TLS's own is a failure: what came may be cut.
 *
 * Until its handshake is done a connection carries nothing. Handshakes under way are at most a
 * quarter of all connections: one more ends the oldest, so that those who never finish keep nobody
 * out.
 */
#ifndef VERBATIM_HTTP_CHANNEL_H
#define VERBATIM_HTTP_CHANNEL_H

#include "server.h"

enum vb_http_shake {
    VB_HTTP_SHAKE_DONE,
    VB_HTTP_SHAKE_READS,  /* goes on when the socket is readable */
    VB_HTTP_SHAKE_WRITES, /* or writable */
    VB_HTTP_SHAKE_PLAIN,  /* the client speaks HTTP without TLS, and is answered so from here on */
    VB_HTTP_SHAKE_FAILED  /* the client has been told, if it can be */
};

/* Where the listener has TLS. VB_NO_MEMORY. */
enum vb_status vb_http_channel_open(struct vb_http_connection *connection) vb_must_check;
/* NULL session: a no-op. */
void vb_http_channel_free(struct vb_http_connection *connection);
/* Its handshake is under way. */
bool vb_http_channel_is_new(const struct vb_http_connection *connection);
enum vb_http_shake vb_http_channel_shake(struct vb_http_connection *connection);

ssize_t vb_http_channel_read(struct vb_http_connection *connection, void *bytes, size_t size);
ssize_t vb_http_channel_write(struct vb_http_connection *connection, const void *bytes,
                              size_t size);
/* Of the connection's file from file_at, which moves on. 0: the file is shorter than it was. */
ssize_t vb_http_channel_file(struct vb_http_connection *connection, size_t size);
/* Once: a read has to wait until the socket is writable. */
bool vb_http_channel_read_writes(struct vb_http_connection *connection);
/* Tells the peer that nothing follows. VB_AGAIN: the socket is full. Anything else is VB_OK, since
 * nothing can be done about it. */
enum vb_status vb_http_channel_end(struct vb_http_connection *connection);

#endif
