/* See api/own_page.h. Origins are compared as browsers write them: without a path, and without the
 * port that the scheme has anyway. */
#include "own_page.h"

#include <string.h>
#include <strings.h>

static bool same_text(struct vb_view a, struct vb_view b)
{
    return a.length == b.length && (a.length == 0 || strncasecmp(a.data, b.data, a.length) == 0);
}

/* The scheme with its "://"; empty where there is none. */
static struct vb_view scheme_of(struct vb_view url)
{
    const char *mark = url.length > 0 ? memmem(url.data, url.length, "://", 3) : NULL;
    return (struct vb_view){url.data, mark ? (size_t)(mark - url.data) + 3 : 0};
}

/* HOST[:PORT] of a URL; the port of its scheme is left out. */
static struct vb_view authority_of(struct vb_view url, struct vb_view scheme)
{
    static const struct {
        const char *scheme, *port;
    } usual[] = {{"http://", ":80"}, {"https://", ":443"}};
    struct vb_view rest = {url.data + scheme.length, url.length - scheme.length};
    const char *slash = rest.length > 0 ? memchr(rest.data, '/', rest.length) : NULL;
    if (slash)
        rest.length = (size_t)(slash - rest.data);
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        size_t port = strlen(usual[i].port);
        if (same_text(scheme, vb_view_of(usual[i].scheme)) && rest.length > port &&
            memcmp(rest.data + rest.length - port, usual[i].port, port) == 0)
            rest.length -= port;
    }
    return rest;
}

/* That of base_url, or of the host that was asked: a proxy may be known by several names. */
static bool is_our_origin(const struct vb_http_head *head, struct vb_view origin,
                          const char *base_url)
{
    struct vb_view base = vb_view_of(base_url), base_scheme = scheme_of(base);
    struct vb_view scheme = scheme_of(origin), authority = authority_of(origin, scheme);
    struct vb_view host = vb_http_header_value(head, "host", NULL);
    bool is_web = same_text(scheme, VB_VIEW("http://")) || same_text(scheme, VB_VIEW("https://"));
    if (!is_web || authority.length == 0)
        return false;
    if (same_text(scheme, base_scheme) && same_text(authority, authority_of(base, base_scheme)))
        return true;
    return host.length > 0 && same_text(authority, authority_of(host, (struct vb_view){NULL, 0}));
}

static bool is_reading(const struct vb_http_head *head)
{
    return vb_view_equals(head->method, VB_VIEW("GET")) ||
           vb_view_equals(head->method, VB_VIEW("HEAD"));
}

const char *vb_api_own_page_refusal(const struct vb_http_head *head, const char *base_url)
{
    size_t own = 0, sites = 0, origins = 0;
    struct vb_view mark = vb_http_header_value(head, "x-verbatim-console", &own);
    struct vb_view site = vb_http_header_value(head, "sec-fetch-site", &sites);
    struct vb_view origin = vb_http_header_value(head, "origin", &origins);
    if (is_reading(head))
        return NULL;
    if (sites > 1 || (sites == 1 && !vb_view_equals(site, VB_VIEW("same-origin"))) || origins > 1 ||
        (origins == 1 && !is_our_origin(head, origin, base_url)))
        return "The request comes from another site.";
    if (own != 1 || !vb_view_equals(mark, VB_VIEW("1")))
        return "With a session this request needs the header X-Verbatim-Console: 1.";
    return NULL;
}
