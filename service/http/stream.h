/* Answers whose length nobody knows yet: bytes come from a descriptor while they go out.
 *
 * Chunked for HTTP/1.1; for HTTP/1.0 the end of the connection is the end of the body. The head
 * goes out with the first bytes, so what fails before them is still answered with a status of
 * its own; what fails later, or with the process, breaks the connection, without the last chunk
 * or by a reset, so that a truncated answer never looks whole. The descriptor is read only when
 * the peer has taken what was there: it holds whoever writes to it back.
 *
 * The answer owns the feed from vb_http_answer_stream on, also where that fails, and is owned by
 * its connection. The loop's thread alone. Errors come as what outcome says, and go on to the
 * client as a status before the first byte, and as a broken connection after it.
 *
 * Source: RFC 9112, 7.1 and 8 (incomplete messages).
 */
#ifndef VERBATIM_HTTP_STREAM_H
#define VERBATIM_HTTP_STREAM_H

#include "server.h"

/* Where the bytes come from. The functions are called on the loop's thread. */
struct vb_http_feed {
    int fd; /* non-blocking; closed by the answer, before `end` */
    void *context;
    /* Asked once, at the end of `fd`. VB_OK: that was everything. */
    enum vb_status (*outcome)(void *context, struct vb_error *err);
    /* Once, whatever happens: the answer is over. VB_OK: it went out whole; VB_STOPPED: it was cut
     * at this side, since the client left, was too slow, or the process ends; else what outcome
     * said. Frees `context`. */
    void (*end)(void *context, enum vb_status how);
};

/* An answer whose bytes are handed over while they come about, instead of read: of those that the
 * peer has not taken `most` are kept. The head goes out at once. Silence longer than the deadline
 * for answers ends it, so whoever has nothing to say says a word from time to time. What the peer
 * sends meanwhile is not looked at; a peer that closes its side is gone, and the exchange with
 * it. */
void vb_http_answer_push(struct vb_http_exchange *exchange, const char *type, size_t most);
/* All of the bytes or none. VB_LIMIT: the peer is too slow; VB_STOPPED: the answer is over, or
 * breaks; VB_NO_MEMORY. */
enum vb_status vb_http_push(struct vb_http_exchange *exchange, struct vb_view bytes) vb_must_check;
/* That was all: it ends well once the peer has taken it. */
void vb_http_push_end(struct vb_http_exchange *exchange);

/* Takes the feed over. The phase's deadline for answers holds until the first byte, and again for
 * each silence of the feed; whether the client takes bytes is judged only while there are some for
 * it. The end of the client's side is the end of the stream: nobody is left to read it. */
void vb_http_answer_stream(struct vb_http_exchange *exchange, const char *type,
                           const struct vb_http_feed *feed);
/* The head alone, for HEAD: as the stream's would be. */
void vb_http_answer_stream_head(struct vb_http_exchange *exchange, const char *type);

/* --- for the connection --- */
/* The next piece, framed, into connection->output, which is empty. VB_OK: send it; once
 * connection->stream is NULL there are no more. VB_AGAIN: it waits for the feed. Else it broke. */
enum vb_status vb_http_stream_next(struct vb_http_connection *connection) vb_must_check;
/* Nothing to send: it waits for the feed, not for the peer. */
bool vb_http_stream_is_waiting(const struct vb_http_connection *connection);
/* The connection closes in the middle of it. NULL stream is a no-op. */
void vb_http_stream_cut(struct vb_http_connection *connection);

#endif
