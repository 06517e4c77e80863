/* Taking a medium's URL apart; see media/origin.h. */
#include "origin.h"

#include "verbatim/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const default_ports[][2] = {{"http", "80"}, {"https", "443"}};

/* Schemes that libcurl does not know pass here, so that vb_origin_of can name them; bytes that a
 * URL may not hold are escaped. */
enum vb_status vb_origin_parse(CURLU *url, const char *text, struct vb_error *err)
{
    CURLUcode code =
        vb_utf8_valid(vb_view_of(text))
            ? curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE)
            : CURLUE_MALFORMED_INPUT;
    if (code == CURLUE_OUT_OF_MEMORY)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    if (code != CURLUE_OK)
        return vb_fail(err, VB_NOT_FOUND, "the URL cannot be read");
    return VB_OK;
}

/* What libcurl's parser gave, each freed by curl_free. */
struct parts {
    char *scheme, *host, *port;
};

static CURLUcode take_apart(CURLU *url, struct parts *parts)
{
    CURLUcode code = curl_url_get(url, CURLUPART_SCHEME, &parts->scheme, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(url, CURLUPART_HOST, &parts->host, 0);
    if (code == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PORT, &parts->port, 0) == CURLUE_OUT_OF_MEMORY)
        code = CURLUE_OUT_OF_MEMORY;
    return code;
}

static enum vb_status judge(CURLUcode code, const struct parts *parts, struct vb_origin *ret_origin,
                            struct vb_error *err)
{
    const char *port = NULL;
    for (size_t i = 0; code == CURLUE_OK && i < 2; i++)
        if (strcmp(parts->scheme, default_ports[i][0]) == 0)
            port = parts->port ? parts->port : default_ports[i][1];
    if (code == CURLUE_OUT_OF_MEMORY)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    if (!port)
        return vb_fail(err, VB_NOT_FOUND, "the URL is not of http, https or s3");
    if (strlen(parts->host) >= sizeof ret_origin->host)
        return vb_fail(err, VB_NOT_FOUND, "the URL's host is too long");
    ret_origin->port = (unsigned)strtoul(port, NULL, 10);
    (void)snprintf(ret_origin->scheme, sizeof ret_origin->scheme, "%s", parts->scheme);
    (void)snprintf(ret_origin->host, sizeof ret_origin->host, "%s", parts->host);
    return VB_OK;
}

enum vb_status vb_origin_of(CURLU *url, struct vb_origin *ret_origin, struct vb_error *err)
{
    struct parts parts = {NULL, NULL, NULL};
    enum vb_status status = judge(take_apart(url, &parts), &parts, ret_origin, err);
    curl_free(parts.scheme);
    curl_free(parts.host);
    curl_free(parts.port);
    return status;
}

bool vb_origin_equals(const struct vb_origin *a, const struct vb_origin *b)
{
    return a->port == b->port && strcmp(a->scheme, b->scheme) == 0 &&
           strcasecmp(a->host, b->host) == 0;
}
