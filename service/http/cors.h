/* Pages of other origins that may call what is served here (Fetch standard, CORS protocol).
 *
 * Named origins, or all of them, read answers by keys that they send themselves. Credentials of
 * the browser, such as the console's cookie, are never let in: no answer carries
 * Access-Control-Allow-Credentials. Without origins no answer says a word.
 *
 * The list (rules/origin.h) is borrowed for each call; any thread. Errors are the buffer's.
 */
#ifndef VERBATIM_HTTP_CORS_H
#define VERBATIM_HTTP_CORS_H

#include "head.h"

struct vb_origins;

/* The headers of an answer, each with its CR LF: what a page of the asking origin may read. Nothing
 * where `origins` is NULL or empty. */
enum vb_status vb_http_cors_put(const struct vb_origins *origins, const struct vb_http_head *head,
                                struct vb_buffer *out) vb_must_check;
/* A browser asks whether a page may send this request: OPTIONS with the method it is about, which
 * is returned; the NULL view for anything else, and where no origin is let in. */
struct vb_view vb_http_cors_asked(const struct vb_origins *origins,
                                  const struct vb_http_head *head);
/* What a page may send, for the answer to such a question; `methods` as in Allow. */
enum vb_status vb_http_cors_put_leave(const char *methods, struct vb_buffer *out) vb_must_check;

#endif
