/* Headers of answers to pages of other origins: see http/cors.h. Pure.
 *
 * An answer for one origin must not be given to another by a cache, so each says that it varies,
 * but where all are let in.
 */
#include "cors.h"

#include "rules/origin.h"

/* Beside the few that the standard lets pages read anyway. */
#define EXPOSED                                                                                    \
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Preference-Applied, "      \
    "Retry-After, WWW-Authenticate, X-Request-Id"
#define ALLOWED                                                                                    \
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, Last-Event-ID, "       \
    "Prefer, Range, X-API-Key, X-Request-Id"
/* How long a browser need not ask again; none remembers for longer than two hours. */
#define MAX_AGE "7200"

static bool is_let_in(const struct vb_origins *origins, const struct vb_http_head *head,
                      struct vb_view *ret_origin)
{
    size_t count = 0;
    *ret_origin = vb_http_header_value(head, "origin", &count);
    return count == 1 && vb_origins_have(origins, *ret_origin);
}

struct vb_view vb_http_cors_asked(const struct vb_origins *origins, const struct vb_http_head *head)
{
    struct vb_view origin;
    if (!vb_view_equals(head->method, VB_VIEW("OPTIONS")) || !is_let_in(origins, head, &origin))
        return (struct vb_view){NULL, 0};
    return vb_http_header_value(head, "access-control-request-method", NULL);
}

enum vb_status vb_http_cors_put(const struct vb_origins *origins, const struct vb_http_head *head,
                                struct vb_buffer *out)
{
    struct vb_view origin;
    if (!vb_origins_any(origins))
        return VB_OK;
    if (vb_origins_every(origins))
        return vb_buffer_append_text(out, "Access-Control-Allow-Origin: *\r\n"
                                          "Access-Control-Expose-Headers: " EXPOSED "\r\n");
    enum vb_status status = vb_buffer_append_text(out, "Vary: Origin\r\n");
    if (status == VB_OK && is_let_in(origins, head, &origin))
        status = vb_buffer_printf(out,
                                  "Access-Control-Allow-Origin: %.*s\r\n"
                                  "Access-Control-Expose-Headers: " EXPOSED "\r\n",
                                  (int)origin.length, origin.data);
    return status;
}

enum vb_status vb_http_cors_put_leave(const char *methods, struct vb_buffer *out)
{
    return vb_buffer_printf(out,
                            "Access-Control-Allow-Methods: %s\r\n"
                            "Access-Control-Allow-Headers: " ALLOWED "\r\n"
                            "Access-Control-Max-Age: " MAX_AGE "\r\n",
                            methods);
}
