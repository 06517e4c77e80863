/* The doctor's download by a link, as a person's browser would do it: from here, without
 * credentials.
 *
 * The link itself is a right to read and is never printed, only the server it names.
 *
 * By a plain client of its own, not by the one of s3/: a browser signs nothing and follows
 * redirects.
 */
#include "doctor.h"

#include "settings/reach.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECT "public link"
#define CONNECT_SECONDS 10L
#define WHOLE_SECONDS 30L
#define REDIRECTS_MOST                                                                             \
    3L /* Verbatim's own link leads to the store where credentials are temporary */
#define ANSWER_MOST 65536

/* One answer; `status` is without meaning unless `code` is CURLE_OK. */
struct download {
    struct vb_buffer body;
    CURLcode code;
    long status;
};

/* Fewer bytes than given end the transfer: an answer beyond the limit is none of ours. */
static size_t keep(char *data, size_t size, size_t count, void *context)
{
    struct vb_buffer *body = context;
    return vb_buffer_append(body, data, size * count) == VB_OK ? size * count : 0;
}

/* The first failure stays. No other protocol than HTTP, also behind a redirect. */
static CURLcode set_up(CURL *curl, const char *link, struct download *download)
{
    const char *authorities = getenv("SSL_CERT_FILE");
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, link);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK && authorities)
        code = curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MOST);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_TIMEOUT, WHOLE_SECONDS);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, &download->body);
    return code;
}

/* Any status is an answer here, and judged below. */
static void fetch(const char *link, struct download *download)
{
    CURL *curl = curl_easy_init();
    download->code = curl ? set_up(curl, link, download) : CURLE_OUT_OF_MEMORY;
    if (download->code == CURLE_OK)
        download->code = curl_easy_perform(curl);
    if (download->code == CURLE_OK)
        download->code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &download->status);
    curl_easy_cleanup(curl);
}

/* Bytes of "https://host:port" of a link: all of it that may be shown. */
static int server_length(const char *link)
{
    const char *host = strstr(link, "://");
    return (int)(host ? (size_t)(host - link) + 3 + strcspn(host + 3, "/?") : strcspn(link, "/?"));
}

/* Nothing listening at our own address is a warning: serve may not have been started yet. */
static void judge(struct vb_doctor *doctor, const char *link, const struct download *download,
                  struct vb_view body)
{
    const char *base = doctor->options->base_url;
    bool own = strncmp(link, base, strlen(base)) == 0 && link[strlen(base)] == '/';
    int length = server_length(link);
    const char *remedy = own ? "set base_url to the address at which people reach verbatim serve"
                             : "set s3_public_endpoint to the address at which people reach the "
                               "store, as the store itself knows it";
    if (own && download->code == CURLE_COULDNT_CONNECT)
        vb_doctor_report(
            doctor, VB_FINDING_WARNING, SUBJECT,
            "start verbatim serve and look again, or set base_url to where it is reached",
            "nothing listens at %.*s", length, link);
    else if (download->code != CURLE_OK)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, remedy, "%.*s: %s", length, link,
                         curl_easy_strerror(download->code));
    else if (download->status != 200)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, remedy,
                         "%.*s answers a good link with HTTP %ld", length, link, download->status);
    else if (!vb_view_equals((struct vb_view){download->body.data, download->body.length}, body))
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, remedy,
                         "%.*s gives other bytes than were stored", length, link);
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "%.*s gives the bytes that were stored%s", length, link,
                         vb_reach_of(link) == VB_REACH_MACHINE ? ", to this machine alone" : "");
}

/* What answers here may lead everybody else to himself. Where serve listens on loopback as well,
 * it is one machine's own, or a proxy's that was told so. */
static void judge_reach(struct vb_doctor *doctor, const char *option, const char *address,
                        const char *whose)
{
    enum vb_reach reach = vb_reach_of(address);
    char remedy[128];
    (void)snprintf(remedy, sizeof remedy, "set %s to the address at which people reach %s", option,
                   whose);
    if (reach == VB_REACH_NOBODY)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, remedy,
                         "links begin with %s, where nobody can go", address);
    else if (reach == VB_REACH_MACHINE && vb_reach_of(doctor->options->listen) != VB_REACH_MACHINE)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, remedy,
                         "links begin with %s, which leads others to their own machine", address);
}

/* `body` is what was stored under the link; both are borrowed. */
void vb_doctor_link(struct vb_doctor *doctor, const char *link, struct vb_view body)
{
    struct download download = {.code = CURLE_OK};
    vb_buffer_init(&download.body, ANSWER_MOST);
    fetch(link, &download);
    judge(doctor, link, &download, body);
    judge_reach(doctor, "base_url", doctor->options->base_url, "verbatim serve");
    if (strncmp(doctor->options->storage, "s3://", 5) == 0)
        judge_reach(doctor, "s3_public_endpoint", doctor->options->s3_public_endpoint, "the store");
    vb_buffer_done(&download.body);
}
