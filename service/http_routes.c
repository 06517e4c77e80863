/* The whole API in one table, and the matching of paths against it. Pure but for the handlers it names. */
#include "http_api.h"

#include "verbatim/key.h"
#include "verbatim/text.h"

#include <string.h>

#define EXPORTS "/api/v1/workspace/{}/export-conversations"

/* clang-format off */
static const struct http_route routes[] = {
    /* method  pattern           scope of the key    handler */
    {"POST",   EXPORTS,          VB_SCOPE_EXPORT,    http_create_begin},
    {"GET",    EXPORTS "/{}",    VB_SCOPE_EXPORT,    http_job_begin},
    {"GET",    "/files/*",       NULL,               http_file_begin},
    {"GET",    "/healthz",       NULL,               http_alive_begin},
    {"GET",    "/readyz",        NULL,               http_ready_begin},
    {"GET",    "/metrics",       VB_SCOPE_METRICS,   http_metrics_begin},
};
/* clang-format on */
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* Decodes an argument. Text that is not UTF-8 can name nothing here. */
static bool take_argument(struct vb_buffer *argument, struct vb_view raw)
{
    vb_buffer_reset(argument);
    return raw.length > 0 && vb_percent_decode(argument, raw) == VB_OK &&
           vb_utf8_valid((struct vb_view){argument->data, argument->length}) &&
           !memchr(argument->data, '\0', argument->length);
}

/* Both are walked segment by segment; "{}" takes one that is not empty. */
static bool path_matches(const char *pattern, struct vb_view path,
                         struct vb_buffer arguments[HTTP_ARGUMENTS])
{
    size_t at = 0, taken = 0;
    while (*pattern) {
        if (*pattern == '*')
            return take_argument(&arguments[taken],
                                 (struct vb_view){path.data + at, path.length - at});
        if (*pattern != '{') {
            if (at == path.length || path.data[at] != *pattern)
                return false;
            at++;
            pattern++;
            continue;
        }
        size_t from = at;
        while (at < path.length && path.data[at] != '/')
            at++;
        if (!take_argument(&arguments[taken++], (struct vb_view){path.data + from, at - from}))
            return false;
        pattern += 2;
    }
    return at == path.length;
}

/* GET also serves HEAD. */
static bool method_matches(const char *wanted, struct vb_view method)
{
    return vb_view_equals(vb_view_of(wanted), method) ||
           (strcmp(wanted, "GET") == 0 && vb_view_equals(method, VB_VIEW("HEAD")));
}

const struct http_route *http_route_find(struct vb_view method, struct vb_view path,
                                         struct vb_buffer arguments[HTTP_ARGUMENTS],
                                         const char **ret_allow)
{
    *ret_allow = NULL;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!path_matches(routes[i].pattern, path, arguments))
            continue;
        if (method_matches(routes[i].method, method))
            return &routes[i];
        *ret_allow = strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method;
    }
    return NULL;
}
