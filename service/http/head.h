/* The head of an HTTP/1.x request: from bytes to fields, strictly, without any input or output.
 *
 * Whatever two readers could frame differently is refused, never repaired: bare line feeds, folded
 * lines, blanks around names, control bytes, repeated or unclear lengths, codings other than
 * `chunked`.
 *
 * Views point into the caller's bytes and live as long as those. Pure functions; any thread.
 * Errors: VB_INVALID with a refusal (its status and a static text), VB_AGAIN for want of bytes.
 *
 * Sources: RFC 9112 and 9110; sections stand where they are followed.
 */
#ifndef VERBATIM_HTTP_HEAD_H
#define VERBATIM_HTTP_HEAD_H

#include "verbatim/buffer.h"

#define VB_HTTP_HEAD 32768 /* bytes of a whole head: browsers bring cookies, meshes their headers */
#define VB_HTTP_LINE 2200  /* bytes of the request line */
#define VB_HTTP_TARGET 2048
#define VB_HTTP_HEADERS 100

/* Why a request is refused before anyone has looked at what it wants. Texts are static. */
struct vb_http_refusal {
    int status;
    const char *detail;
};

struct vb_http_header {
    struct vb_view name, value; /* value without the blanks around it */
};

/* Of one request; nothing in it is freed. */
struct vb_http_head {
    struct vb_view method;
    struct vb_view path;  /* still percent-encoded; begins with '/', or is "*" */
    struct vb_view query; /* without '?'; the NULL view when there is none */
    int minor;            /* of HTTP/1.x */
    struct vb_http_header headers[VB_HTTP_HEADERS];
    size_t header_count;
    bool has_length; /* a Content-Length was given */
    uint64_t content_length;
    bool chunked;
    bool keep_alive;      /* what the client wants */
    bool expect_continue; /* it waits for 100 before it sends the body */
};

/* Where the search for the end of a head stands, so that a dripping client costs no second look. */
struct vb_http_scan {
    size_t start;  /* of the request line: an empty line before it is skipped */
    size_t line;   /* start of the line being looked at */
    size_t looked; /* bytes already searched */
    size_t lines;
};

/* Looks for the end of the head. VB_OK: it ends at *ret_length. VB_AGAIN: more bytes are needed.
 * VB_INVALID: refused. */
enum vb_status vb_http_head_scan(struct vb_http_scan *scan, struct vb_view bytes,
                                 size_t *ret_length,
                                 struct vb_http_refusal *ret_refusal) vb_must_check;
/* Parses a whole head, from its request line to its empty line. VB_INVALID: refused. */
enum vb_status vb_http_head_parse(struct vb_view bytes, struct vb_http_head *ret_head,
                                  struct vb_http_refusal *ret_refusal) vb_must_check;

/* The value of a header that may stand once, its name without regard to case; *ret_count (may be
 * NULL) tells how often it stands. The NULL view when absent. */
struct vb_view vb_http_header_value(const struct vb_http_head *head, const char *name,
                                    size_t *ret_count);
/* Whether Accept-Encoding names the coding, or `*`, with a weight above zero (RFC 9110, 12.5.3). */
bool vb_http_accepts_coding(const struct vb_http_head *head, const char *coding);
bool vb_http_same_word(struct vb_view text, const char *word); /* ASCII, without regard to case */
/* One line of a header or trailer, without its CR LF, by the rules above. */
bool vb_http_header_line(struct vb_view line, struct vb_http_header *ret_header);

#endif
