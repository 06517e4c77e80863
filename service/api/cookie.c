/* Reading the Cookie header, strictly: names and values end where the grammar ends them, and
 * quotation marks are part of a value. Of some thousand pieces at most, since a head has 32 KiB. */
#include "cookie.h"

#include <string.h>
#include <strings.h>

/* Cuts one NAME=VALUE off the list. False: there are no more. */
static bool cut_pair(struct vb_view *list, struct vb_view *ret_name, struct vb_view *ret_value)
{
    if (list->length == 0)
        return false;
    struct vb_view pair = vb_view_cut(list, ';');
    const char *sign = pair.length > 0 ? memchr(pair.data, '=', pair.length) : NULL;
    size_t length = sign ? (size_t)(sign - pair.data) : 0;
    *ret_name = (struct vb_view){pair.data, length};
    *ret_value =
        sign ? (struct vb_view){sign + 1, pair.length - length - 1} : (struct vb_view){NULL, 0};
    return true;
}

struct vb_view vb_api_cookie(const struct vb_http_head *head, const char *name)
{
    static const struct vb_view none = {NULL, 0};
    struct vb_view found = none, each, value;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!vb_http_same_word(head->headers[i].name, "cookie"))
            continue;
        struct vb_view list = head->headers[i].value;
        while (cut_pair(&list, &each, &value)) {
            if (!value.data || !vb_view_equals(each, vb_view_of(name)))
                continue;
            if (found.data && !vb_view_equals(found, value))
                return none;
            found = value;
        }
    }
    return found;
}

/* Behind the authority; "" where it has no path. */
static const char *path_of(const char *base_url)
{
    const char *mark = strstr(base_url, "://");
    const char *path = strchr(mark ? mark + 3 : base_url, '/');
    return path ? path : "";
}

enum vb_status vb_api_cookie_path(const char *base_url, const char *below, struct vb_buffer *out)
{
    const char *path = path_of(base_url);
    for (const char *at = path; *at; at++)
        if (*at <= ' ' || *at >= 0x7f || *at == ';' || *at == ',')
            return vb_buffer_append_text(out, "/");
    return vb_buffer_printf(out, "%s%s", path, below);
}

bool vb_api_cookie_is_secure(const char *base_url)
{
    return strncasecmp(base_url, "https://", 8) == 0;
}
