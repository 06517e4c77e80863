/* verbatim healthcheck: whether the process that listens here lives, for containers and scripts.
 *
 * Asks /healthz as a supervisor would, and knows nothing but the option `listen` and what is
 * answered: no database is asked, so that one which is away is no reason to restart anything. Owns
 * one transfer of libcurl, on the main thread, for at most WHOLE_SECONDS. Any answer but 200 is a
 * failure that names the address and the status.
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
static void address_of(const char *listen, char url[URL_MOST])
{
    const char *port = strrchr(listen, ':');
    if (strncmp(listen, "0.0.0.0:", 8) == 0)
        (void)snprintf(url, URL_MOST, "http://127.0.0.1%s/healthz", port);
    else if (strncmp(listen, "[::]:", 5) == 0)
        (void)snprintf(url, URL_MOST, "http://[::1]%s/healthz", port);
    else
        (void)snprintf(url, URL_MOST, "http://%s/healthz", listen);
}

static size_t forget(char *data, size_t size, size_t count, void *context)
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

enum vb_status vb_command_healthcheck(const struct vb_arguments *arguments, struct vb_error *err)
{
    char own[URL_MOST];
    long answer = 0;
    address_of(arguments->options.listen, own);
    const char *url = arguments->flags[URL].count > 0 ? arguments->flags[URL].values[0] : own;
    CURL *curl = curl_easy_init();
    CURLcode code = curl ? set_up(curl, url) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK)
        return vb_fail(err, VB_IO, "%s: %s", url, curl_easy_strerror(code));
    if (answer != 200)
        return vb_fail(err, VB_IO, "%s: HTTP %ld", url, answer);
    return vb_command_print("ok\n", err);
}
