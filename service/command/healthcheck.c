/* verbatim healthcheck: whether the process that listens here lives, for containers and scripts.
 *
 * Asks /healthz as a supervisor would, and knows nothing but the options of the listener and what
 * is answered: no database is asked, so that one which is away is no reason to restart anything.
 * Owns one transfer of libcurl, on the main thread, for at most WHOLE_SECONDS. Any answer but 200
 * is a failure that names the address and the status.
 *
 * The process's own certificate names another host than the loopback address, so it is not
 * verified. Where clients need certificates of their own there is none to show here: that the
 * connection is taken has to do.
 */
#include "command.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define WHOLE_SECONDS 5L
#define URL_MOST 512

enum { URL };

/* Where the process is reached that was told to listen on `listen`: a wildcard is no address to
 * connect to. */
static void address_of(const struct vb_options *options, char url[URL_MOST])
{
    bool speaks_tls = options->tls_cert_file && !options->tls_client_ca_file;
    const char *scheme = speaks_tls ? "https" : "http";
    const char *listen = options->listen, *port = strrchr(listen, ':');
    if (strncmp(listen, "0.0.0.0:", 8) == 0)
        (void)snprintf(url, URL_MOST, "%s://127.0.0.1%s/healthz", scheme, port);
    else if (strncmp(listen, "[::]:", 5) == 0)
        (void)snprintf(url, URL_MOST, "%s://[::1]%s/healthz", scheme, port);
    else
        (void)snprintf(url, URL_MOST, "%s://%s/healthz", scheme, listen);
}

static size_t forget(const char *data, size_t size, size_t count, void *context)
{
    (void)data, (void)context;
    return size * count;
}

/* The first failure stays. The environment's proxies are not asked for what is next door. */
static CURLcode set_up(CURL *curl, const char *url)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_TIMEOUT, WHOLE_SECONDS);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, forget);
    return code;
}

/* Of the process next door, which the address names and no certificate has to. */
static CURLcode set_up_own(CURL *curl, const struct vb_options *options)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    if (code == CURLE_OK && options->tls_client_ca_file)
        code = curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    return code;
}

enum vb_status vb_command_healthcheck(const struct vb_arguments *arguments, struct vb_error *err)
{
    const struct vb_options *options = &arguments->options;
    bool is_own = arguments->flags[URL].count == 0;
    char own[URL_MOST];
    long answer = 0;
    address_of(options, own);
    const char *url = is_own ? own : arguments->flags[URL].values[0];
    CURL *curl = curl_easy_init();
    CURLcode code = curl ? set_up(curl, url) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK && is_own)
        code = set_up_own(curl, options);
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK)
        return vb_fail(err, VB_IO, "%s: %s", url, curl_easy_strerror(code));
    if (answer != 200 && !(is_own && options->tls_client_ca_file))
        return vb_fail(err, VB_IO, "%s: HTTP %ld", url, answer);
    return vb_command_print("ok\n", err);
}
