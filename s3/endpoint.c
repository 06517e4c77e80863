/* Endpoints and addressing. See endpoint.h. libcurl's parser takes the URL apart.
 *
 * The same parser reads the URL again when the request is sent, so what is signed for a host is
 * what goes to it. Path style is the default everywhere but at Amazon, whose new buckets answer in
 * the host's name only; stores of one's own seldom have a wildcard name and certificate. Source:
 * Amazon S3 User Guide, "Virtual hosting of buckets"; bucket names by "Bucket naming rules", with
 * the capital letters and underscores of old buckets let pass.
 */
#include "endpoint.h"

#include "verbatim/text.h"
#include "verbatim/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MOST 2048u
#define BUCKET_MOST 255u

/* The parts of an endpoint; strings belong to libcurl. */
struct parts {
    char *scheme, *host, *port, *path;
};

/* What becomes part of a host or path is checked by what it may hold, not by what it may not. ASCII
 * only; NULL and the empty text are made of nothing. */
static bool made_of(const char *text, size_t most, const char *punctuation)
{
    if (!text)
        return false;
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !strchr(punctuation, c))
            return false;
    }
    return length > 0 && length <= most;
}

/* Can stand as one label before a host: dots would break the certificate's wildcard, which covers
 * one label. S3's own rule for new buckets, 3 to 63 bytes. */
static bool is_label(const char *bucket)
{
    size_t length = strlen(bucket);
    for (size_t i = 0; i < length; i++)
        if (!((bucket[i] >= 'a' && bucket[i] <= 'z') || (bucket[i] >= '0' && bucket[i] <= '9') ||
              (bucket[i] == '-' && i > 0 && i + 1 < length)))
            return false;
    return length >= 3 && length <= 63;
}

/* An address or a name of the local network has no subdomains: `auto` asks for them at Amazon only.
 * `virtual` that is asked for is taken at its word. */
static bool is_virtual(const struct vb_s3_place *place, const char *host)
{
    if (place->addressing == VB_S3_AUTO)
        return vb_s3_host_is_amazon(host) && is_label(place->bucket);
    return place->addressing == VB_S3_VIRTUAL;
}

/* "." and ".." would be steps in a path. The region goes into the signature and into a host
 * name. */
static enum vb_status check_place(const struct vb_s3_place *place, struct vb_error *err)
{
    if (!made_of(place->region, 63, "-_"))
        return vb_fail(err, VB_INVALID, "\"%s\" is no S3 region",
                       place->region ? place->region : "");
    if (!made_of(place->bucket, BUCKET_MOST, "-_.") || strspn(place->bucket, ".") > 0)
        return vb_fail(err, VB_INVALID, "\"%s\" is no bucket name",
                       place->bucket ? place->bucket : "");
    return VB_OK;
}

/* The text is libcurl's, freed by free_parts. */
static bool get_part(CURLU *url, CURLUPart part, char **to, bool *is_short)
{
    CURLUcode code = curl_url_get(url, part, to, 0);
    *is_short = *is_short || code == CURLUE_OUT_OF_MEMORY;
    return code == CURLUE_OK;
}

/* Strings of `parts` are libcurl's and are the caller's to free, also after a failure. A URL
 * without a scheme is refused: which one is meant decides about encryption. */
static enum vb_status refuse(const char *endpoint, struct vb_error *err)
{
    struct vb_buffer shown;
    vb_buffer_init(&shown, URL_MOST);
    bool fits = vb_url_show_setting(&shown, vb_view_of(endpoint)) == VB_OK && shown.data;
    enum vb_status status = vb_fail(
        err, VB_INVALID, "\"%s\" is no S3 endpoint: http(s)://HOST[:PORT][/PREFIX] is wanted",
        fits ? shown.data : "...");
    vb_buffer_done(&shown);
    return status;
}

static enum vb_status take_apart(const char *endpoint, struct parts *parts, struct vb_error *err)
{
    CURLU *url = curl_url();
    char *rest = NULL;
    if (!url)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an endpoint");
    /* A user in the URL would end up in logs; a query or fragment has no meaning in an endpoint. */
    CURLUcode code = curl_url_set(url, CURLUPART_URL, endpoint, CURLU_DISALLOW_USER);
    bool is_short = code == CURLUE_OUT_OF_MEMORY;
    bool good = code == CURLUE_OK && get_part(url, CURLUPART_SCHEME, &parts->scheme, &is_short) &&
                get_part(url, CURLUPART_HOST, &parts->host, &is_short) &&
                get_part(url, CURLUPART_PATH, &parts->path, &is_short) &&
                (strcmp(parts->scheme, "http") == 0 || strcmp(parts->scheme, "https") == 0);
    (void)get_part(url, CURLUPART_PORT, &parts->port, &is_short);
    if (get_part(url, CURLUPART_QUERY, &rest, &is_short) ||
        get_part(url, CURLUPART_FRAGMENT, &rest, &is_short))
        good = false;
    curl_free(rest);
    curl_url_cleanup(url);
    if (is_short)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an endpoint");
    return good ? VB_OK : refuse(endpoint, err);
}

static void free_parts(struct parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
    curl_free(parts->path);
}

/* Clients leave a default port out of Host, and what is signed must be what is sent. */
static bool port_is_default(const struct parts *parts)
{
    return !parts->port ||
           strcmp(parts->port, strcmp(parts->scheme, "https") == 0 ? "443" : "80") == 0;
}

/* The prefix without its trailing slashes, decoded, and the bucket where it is part of the path.
 * Decoded because the signer encodes each path once; an escape that is kept would be encoded twice.
 * The append of nothing makes an empty base a text. */
static enum vb_status write_base(const struct vb_s3_place *place, const struct parts *parts,
                                 struct vb_buffer *out)
{
    struct vb_view prefix = vb_view_of(parts->path);
    while (prefix.length > 0 && prefix.data[prefix.length - 1] == '/')
        prefix.length--;
    enum vb_status status = vb_percent_decode(out, prefix);
    if (status == VB_OK && !is_virtual(place, parts->host))
        status = vb_buffer_printf(out, "/%s", place->bucket);
    return status == VB_OK ? vb_buffer_append(out, "", 0) : status;
}

/* `origin` and `host` must name the same place in the same words: the signature covers the latter,
 * the connection goes to the former. */
static enum vb_status assemble(const struct vb_s3_place *place, const struct parts *parts,
                               struct vb_s3_address *ret_address)
{
    struct vb_buffer host, origin, base;
    bool in_host = is_virtual(place, parts->host), plain_port = port_is_default(parts);
    vb_buffer_init(&host, URL_MOST);
    vb_buffer_init(&origin, URL_MOST);
    vb_buffer_init(&base, URL_MOST);
    enum vb_status status =
        vb_buffer_printf(&host, "%s%s%s%s%s", in_host ? place->bucket : "", in_host ? "." : "",
                         parts->host, plain_port ? "" : ":", plain_port ? "" : parts->port);
    if (status == VB_OK)
        status = vb_buffer_printf(&origin, "%s://%s", parts->scheme, host.data);
    if (status == VB_OK)
        status = write_base(place, parts, &base);
    if (status == VB_OK && !base.data)
        status = vb_buffer_printf(&base, "%s", "");
    if (status == VB_OK) {
        *ret_address = (struct vb_s3_address){vb_buffer_take(&origin), vb_buffer_take(&host),
                                              vb_buffer_take(&base)};
        return VB_OK;
    }
    vb_buffer_done(&host);
    vb_buffer_done(&origin);
    vb_buffer_done(&base);
    return status;
}

enum vb_status vb_s3_address_of(const struct vb_s3_place *place, struct vb_s3_address *ret_address,
                                struct vb_error *err)
{
    char amazon[160];
    struct parts parts = {0};
    enum vb_status status = check_place(place, err);
    if (status != VB_OK)
        return status;
    snprintf(amazon, sizeof amazon, "https://s3.%s.%s", place->region,
             vb_s3_domain_of(place->region));
    status =
        take_apart(place->endpoint && *place->endpoint ? place->endpoint : amazon, &parts, err);
    if (status == VB_OK && place->addressing == VB_S3_VIRTUAL && !made_of(place->bucket, 63, "-."))
        status =
            vb_fail(err, VB_INVALID, "bucket \"%s\" cannot be part of a host name", place->bucket);
    if (status == VB_OK) {
        status = assemble(place, &parts, ret_address);
        if (status != VB_OK)
            (void)vb_fail(err, status, "the endpoint is too long or not well-formed");
    }
    free_parts(&parts);
    return status;
}

void vb_s3_address_done(struct vb_s3_address *address)
{
    if (!address)
        return;
    free(address->origin);
    free(address->host);
    free(address->base);
    *address = (struct vb_s3_address){0};
}
