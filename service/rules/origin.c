/* Lists of origins: see origin.h. Kept as text, of which each question reads all. */
#include "origin.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct vb_origins {
    bool every;
    char text[]; /* "" for none */
};

static bool has_prefix(struct vb_view text, const char *prefix, struct vb_view *ret_rest)
{
    size_t length = strlen(prefix);
    if (text.length <= length || memcmp(text.data, prefix, length) != 0)
        return false;
    *ret_rest = (struct vb_view){text.data + length, text.length - length};
    return true;
}

static bool is_port(struct vb_view text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!isdigit((unsigned char)text.data[i]))
            return false;
    return text.length > 0 && text.length <= 5 && text.data[0] != '0';
}

/* A name, an address, or one of IPv6 in brackets; what a browser would write otherwise would match
 * nothing, so it is refused. */
static bool is_origin(struct vb_view entry)
{
    struct vb_view host;
    bool is_tls = has_prefix(entry, "https://", &host);
    if (!is_tls && !has_prefix(entry, "http://", &host))
        return false;
    const char *bracket = memrchr(host.data, ']', host.length);
    size_t from = bracket ? (size_t)(bracket - host.data) : 0;
    const char *colon = memchr(host.data + from, ':', host.length - from);
    if (colon) {
        struct vb_view port = {colon + 1, host.length - (size_t)(colon + 1 - host.data)};
        if (!is_port(port) || vb_view_equals(port, is_tls ? VB_VIEW("443") : VB_VIEW("80")))
            return false;
        host.length = (size_t)(colon - host.data);
    }
    for (size_t i = 0; i < host.length; i++) {
        unsigned char byte = (unsigned char)host.data[i];
        if (!islower(byte) && !isdigit(byte) && !(byte && strchr("-._[]:", byte)))
            return false;
    }
    return host.length > 0;
}

enum vb_status vb_origins_new(const char *text, struct vb_origins **ret_origins,
                              struct vb_error *err)
{
    size_t size = (text ? strlen(text) : 0) + 1;
    struct vb_origins *origins = calloc(1, sizeof *origins + size);
    if (!origins)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a list of origins");
    memcpy(origins->text, text ? text : "", size);
    origins->every = vb_view_equals(vb_view_trim(vb_view_of(origins->text), " \t"), VB_VIEW("*"));
    struct vb_view rest = vb_view_of(origins->text);
    while (!origins->every && rest.length > 0) {
        struct vb_view entry = vb_view_cut(&rest, ',');
        if (is_origin(entry))
            continue;
        vb_fail(err, VB_INVALID, "'%.*s' is no origin",
                (int)(entry.length < 80 ? entry.length : 80), entry.data);
        free(origins);
        return VB_INVALID;
    }
    *ret_origins = origins;
    return VB_OK;
}

void vb_origins_free(struct vb_origins *origins)
{
    free(origins);
}

bool vb_origins_any(const struct vb_origins *origins)
{
    return origins && origins->text[0];
}

bool vb_origins_every(const struct vb_origins *origins)
{
    return origins && origins->every;
}

bool vb_origins_have(const struct vb_origins *origins, struct vb_view origin)
{
    struct vb_view rest = vb_view_of(origins ? origins->text : NULL);
    if (origin.length == 0 || vb_origins_every(origins))
        return origin.length > 0;
    while (rest.length > 0)
        if (vb_view_equals(vb_view_cut(&rest, ','), origin))
            return true;
    return false;
}
