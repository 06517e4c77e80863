/* The body of an HTTP/1.x request: Content-Length or chunked, from bytes to bytes, strictly. Fed as
 * the bytes come.
 *
 * Keeps no bytes but a line of the trailer; the decoded ones go into the caller's buffer. A plain
 * value without an end. Pure; any thread. Errors: VB_INVALID with a refusal, whose text is static;
 * after one the framing is lost, and with it the connection.
 *
 * Source: RFC 9112, sections 6 and 7.
 */
#ifndef VERBATIM_HTTP_BODY_H
#define VERBATIM_HTTP_BODY_H

#include "head.h"

#define VB_HTTP_BODY 65536 /* decoded bytes of a body */

enum vb_http_body_state {
    VB_BODY_BYTES,     /* `left` bytes of a Content-Length, or none */
    VB_BODY_SIZE,      /* hex digits of a chunk's size */
    VB_BODY_EXTENSION, /* behind a ';' */
    VB_BODY_SIZE_LF,   /* the LF of the size line */
    VB_BODY_CHUNK,     /* `left` bytes of a chunk */
    VB_BODY_CHUNK_CR,
    VB_BODY_CHUNK_LF,
    VB_BODY_TRAILER, /* lines behind the last chunk: checked, then dropped */
    VB_BODY_DONE
};

struct vb_http_body {
    enum vb_http_body_state state;
    uint64_t left;
    unsigned digits;   /* of the size being read */
    size_t decoded;    /* bytes of the body so far */
    size_t overhead;   /* bytes of extensions and trailers so far */
    size_t line;       /* bytes held of the trailer line being read */
    char trailer[512]; /* one line */
};

/* From a head that was parsed: without a body it is whole at once. */
void vb_http_body_init(struct vb_http_body *body, const struct vb_http_head *head);
/* Takes what it can from `bytes` (*ret_used of them) and appends the decoded bytes to `out` (NULL:
 * drops them). VB_OK: the body is whole. VB_AGAIN: more bytes are needed. VB_INVALID: refused, as
 * *ret_refusal tells. */
enum vb_status vb_http_body_feed(struct vb_http_body *body, struct vb_view bytes,
                                 struct vb_buffer *out, size_t *ret_used,
                                 struct vb_http_refusal *ret_refusal) vb_must_check;

#endif
