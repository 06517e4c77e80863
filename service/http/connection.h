/* What a connection's events and its turns share. Private to connection.c and turn.c, which say who
 * may call when; on the loop's thread. Nothing here fails: a connection that cannot go on is broken
 * or closed.
 */
#ifndef VERBATIM_HTTP_CONNECTION_H
#define VERBATIM_HTTP_CONNECTION_H

#include "server.h"

/* Absolute: bytes that trickle in do not move the deadline of a head or a body. */
void vb_http_connection_set_phase(struct vb_http_connection *connection, enum vb_http_phase phase,
                                  int64_t time);
/* Kept in a flag, so that asking twice costs no system call. */
void vb_http_connection_want_reads(struct vb_http_connection *connection, bool wanted);
void vb_http_connection_want_writes(struct vb_http_connection *connection, bool wanted);
/* Once for each file, whichever way it ends. */
void vb_http_connection_end_file(struct vb_http_connection *connection);

/* A request that cannot be framed ends its connection: nobody knows where the next one would
 * begin. */
void vb_http_connection_refuse(struct vb_http_connection *connection,
                               struct vb_http_refusal refusal);
/* Closing at once with unread bytes in the socket would make the kernel reset the connection, and
 * the answer could be lost on its way; so the peer gets a moment to read it. */
void vb_http_connection_linger(struct vb_http_connection *connection);

#endif
