/* One medium from a web server: looked at, asked for, redirected, tried again. See media/web.h.
 *
 * The URL is taken apart by the parser of the library that fetches it, so that both mean the same
 * host. The host is judged before anything is sent, and the address once more when the socket is
 * made: whatever the resolver says then is what is connected to. The environment's proxies are not
 * used, since behind one no address could be judged.
 *
 * A login is sent to the scheme, host and port that the file has it for, and only while redirects
 * have not left the medium's own: where a server sends us is a stranger's choice, and a platform's
 * media host commonly sends to a store that must not see its key.
 */
#include "web.h"

#include "origin.h"

#include "verbatim/clock.h"
#include "verbatim/hash.h"
#include "verbatim/transfer.h"
#include "verbatim/version.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIRECTS 5
#define ATTEMPTS 3
/* A server that asks for patience gets more of it: what is skipped then would be most of what it
 * has. */
#define THROTTLED_ATTEMPTS 8
#define LONGEST_WAIT (60 * VB_SECOND)
#define FIRST_WAIT (VB_SECOND / 4)
/* To connect, and without a byte: a server of recordings answers in a second or not at all. An
 * answer as a whole has the option media_timeout. */
#define CONNECT_SECONDS 10L
#define STALL_SECONDS 15L
#define CONNECTIONS 4L /* kept open, to as many hosts */
/* A host that failed so often in a row is passed over for a while: ten thousand attachments of one
 * that is gone would otherwise take days. */
#define PATIENT_FAILURES 5u
#define PASSED_OVER (30 * VB_SECOND)
#define HOSTS 8u

struct host {
    char name[VB_HOST_TEXT];
    unsigned failures;  /* in a row */
    int64_t not_before; /* monotonic */
};

struct vb_web {
    struct vb_web_options options;
    CURL *easy;
    CURLM *multi;        /* keeps the connections */
    int64_t retry_after; /* microseconds that the last answer asked for; 0: none */
    struct host hosts[HOSTS];
    size_t next_host; /* to be forgotten */
};

/* One request. */
struct exchange {
    struct vb_web *web;
    const struct vb_media_login *login; /* NULL: none is sent */
    struct vb_spool *spool;
    uint64_t most;
    bool too_large;
    char refused[INET6_ADDRSTRLEN]; /* the address that was not connected to; "" for none */
    enum vb_status spooled;         /* of the last append */
    struct vb_error *err;
};

/* What an attempt came to. */
enum outcome { HAD, REDIRECTED, FAILED, MAY_HEAL, THROTTLED };

enum vb_status vb_web_new(const struct vb_web_options *options, struct vb_web **ret_web,
                          struct vb_error *err)
{
    struct vb_web *web = calloc(1, sizeof *web);
    if (!web)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    web->options = *options;
    web->easy = curl_easy_init();
    web->multi = curl_multi_init();
    if (!web->easy || !web->multi) {
        vb_web_free(web);
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    }
    curl_multi_setopt(web->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS);
    *ret_web = web;
    return VB_OK;
}

void vb_web_free(struct vb_web *web)
{
    if (!web)
        return;
    curl_easy_cleanup(web->easy);
    curl_multi_cleanup(web->multi);
    free(web);
}

static enum vb_status stopped(struct vb_error *err)
{
    return vb_fail(err, VB_STOPPED, "stopped while fetching media");
}

/* --- libcurl's questions --- */

/* Only of an answer that counts: the text of an error or a redirect is nobody's medium. Only 200:
 * no range was asked for, so a 206 would be a part. */
static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t length = size * count;
    long status = 0;
    curl_easy_getinfo(exchange->web->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return length;
    if (length > exchange->most - exchange->spool->size) {
        exchange->too_large = true;
        return 0;
    }
    exchange->spooled = vb_spool_append(exchange->spool, data, length, exchange->err);
    return exchange->spooled == VB_OK ? length : 0;
}

static void note_refused(struct exchange *exchange, const struct sockaddr *address)
{
    const void *bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!inet_ntop(address->sa_family, bytes, exchange->refused, sizeof exchange->refused))
        snprintf(exchange->refused, sizeof exchange->refused, "an address");
}

/* The last place where the address can be judged, and the only one that sees what is connected to:
 * a check after a resolution of our own would be of another answer. After a refusal libcurl goes on
 * with the name's next address, if it has one. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct exchange *exchange = context;
    if (purpose == CURLSOCKTYPE_IPCXN &&
        vb_media_allow_address(exchange->web->options.allow, &address->addr))
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    note_refused(exchange, &address->addr);
    return CURL_SOCKET_BAD;
}

/* With the first request, so that a server need not ask for it. */
static CURLcode set_login(const struct exchange *exchange, CURLcode code)
{
    CURL *easy = exchange->web->easy;
    const struct vb_media_login *login = exchange->login;
    if (!login)
        return code;
    VB_TRANSFER_SET(code, easy, CURLOPT_HTTPAUTH,
                    (long)(login->token ? CURLAUTH_BEARER : CURLAUTH_BASIC));
    VB_TRANSFER_SET(code, easy, CURLOPT_XOAUTH2_BEARER, login->token);
    VB_TRANSFER_SET(code, easy, CURLOPT_USERNAME, login->user);
    VB_TRANSFER_SET(code, easy, CURLOPT_PASSWORD, login->password);
    return code;
}

/* No cookies and no referrer. Redirects are not libcurl's to follow: each is a URL of a stranger's
 * and is judged like the first. */
static CURLcode set_options(struct exchange *exchange, CURLU *url)
{
    char agent[64]; /* copied by libcurl */
    snprintf(agent, sizeof agent, "verbatim/%s", vb_version_number);
    CURL *easy = exchange->web->easy;
    CURLcode code = CURLE_OK;
    curl_easy_reset(easy); /* keeps connections */
    VB_TRANSFER_SET(code, easy, CURLOPT_CURLU, url);
    VB_TRANSFER_SET(code, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    VB_TRANSFER_SET(code, easy, CURLOPT_PROXY, ""); /* also none of the environment */
    VB_TRANSFER_SET(code, easy, CURLOPT_FOLLOWLOCATION, 0L);
    VB_TRANSFER_SET(code, easy, CURLOPT_NOSIGNAL, 1L);
    VB_TRANSFER_SET(code, easy, CURLOPT_USERAGENT, agent);
    VB_TRANSFER_SET(code, easy, CURLOPT_WRITEFUNCTION, take_body);
    VB_TRANSFER_SET(code, easy, CURLOPT_WRITEDATA, exchange);
    VB_TRANSFER_SET(code, easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    VB_TRANSFER_SET(code, easy, CURLOPT_OPENSOCKETDATA, exchange);
    VB_TRANSFER_SET(code, easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    VB_TRANSFER_SET(code, easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    VB_TRANSFER_SET(code, easy, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
    VB_TRANSFER_SET(code, easy, CURLOPT_TIMEOUT_MS, (long)(exchange->web->options.patience / 1000));
    VB_TRANSFER_SET(code, easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)exchange->most);
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities && *authorities)
        VB_TRANSFER_SET(code, easy, CURLOPT_CAINFO, authorities);
    return code == CURLE_OK ? set_login(exchange, code) : code;
}

/* --- one request --- */

/* Those that a moment's trouble may have caused. */
static bool may_heal(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
           code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING ||
           code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE ||
           code == CURLE_SSL_CONNECT_ERROR;
}

/* libcurl gave up; *ret_outcome says whether to ask once more. */
static enum vb_status explain(const struct exchange *exchange, CURLcode code, const char *host,
                              enum outcome *ret_outcome, struct vb_error *err)
{
    *ret_outcome = FAILED;
    if (exchange->spooled != VB_OK)
        return exchange->spooled;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return stopped(err);
    if (exchange->too_large)
        return vb_media_too_large(exchange->most, err);
    if (code == CURLE_OUT_OF_MEMORY)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    if (*exchange->refused)
        return vb_fail(err, VB_NOT_FOUND,
                       "%s leads to %s, a private address that media_allow does "
                       "not list",
                       host, exchange->refused);
    if (may_heal(code))
        *ret_outcome = MAY_HEAL;
    return vb_fail(err, VB_NOT_FOUND, "%s: %s", host, curl_easy_strerror(code));
}

/* An answer came whole. *ret_outcome says whether to go on: HAD also for a body that is none, since
 * asking again would bring the same. */
static enum vb_status judge(const struct exchange *exchange, const struct vb_medium *medium,
                            enum outcome *ret_outcome, struct vb_error *err)
{
    CURL *easy = exchange->web->easy;
    const struct vb_view head = {exchange->spool->head, exchange->spool->head_length};
    const char *type = NULL, *next = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &next);
    *ret_outcome = FAILED;
    if (status == 200) {
        *ret_outcome = HAD;
        return vb_media_check_type(vb_view_of(type), medium->declared, head, err);
    }
    if (next) {
        *ret_outcome = REDIRECTED;
        return VB_OK;
    }
    if (status == 429 || (status == 503 && exchange->web->retry_after > 0))
        *ret_outcome = THROTTLED;
    else if (status >= 500)
        *ret_outcome = MAY_HEAL;
    if (status == 401)
        return vb_fail(err, VB_NOT_FOUND, "the answer was 401%s",
                       exchange->login ? " to the login of media_credentials_file"
                                       : " (a login for the host: media_credentials_file)");
    return vb_fail(err, VB_NOT_FOUND, "the answer was %ld", status);
}

/* The spool is emptied first, so an attempt that failed half way leaves nothing in front of the
 * next. */
static enum vb_status ask(struct vb_web *web, CURLU *url, const char *host,
                          const struct vb_media_login *login, const struct vb_medium *medium,
                          uint64_t most, struct vb_spool *spool, enum outcome *ret_outcome,
                          struct vb_error *err)
{
    struct exchange exchange = {
        .web = web, .login = login, .spool = spool, .most = most, .err = err};
    curl_off_t length = -1, retry_after = 0;
    *ret_outcome = FAILED;
    enum vb_status status = vb_spool_reset(spool, err);
    if (status != VB_OK)
        return status;
    CURLcode code = set_options(&exchange, url);
    if (code == CURLE_OK)
        code = vb_transfer(web->multi, web->easy, web->options.stop, web->options.stop_context);
    curl_easy_getinfo(web->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(web->easy, CURLINFO_RETRY_AFTER, &retry_after);
    web->retry_after =
        retry_after < LONGEST_WAIT / VB_SECOND ? retry_after * VB_SECOND : LONGEST_WAIT;
    /* Told by its head, or found out when it was too long. */
    if (code == CURLE_FILESIZE_EXCEEDED || (code == CURLE_OK && length > (curl_off_t)most))
        exchange.too_large = true;
    return code == CURLE_OK && !exchange.too_large
               ? judge(&exchange, medium, ret_outcome, err)
               : explain(&exchange, code, host, ret_outcome, err);
}

/* --- hosts that do not answer --- */

/* The oldest of eight is forgotten for a new one, so an export whose media lie on many hosts
 * remembers the last ones only. Names are those of libcurl's parser; ports do not matter. */
static struct host *find_host(struct vb_web *web, const char *name)
{
    for (size_t i = 0; i < HOSTS; i++)
        if (strcmp(web->hosts[i].name, name) == 0)
            return &web->hosts[i];
    struct host *host = &web->hosts[web->next_host++ % HOSTS];
    *host = (struct host){.failures = 0};
    snprintf(host->name, sizeof host->name, "%s", name);
    return host;
}

/* Failures count by medium and not by attempt. */
static void note_host(struct vb_web *web, const char *name, bool healthy)
{
    struct host *host = find_host(web, name);
    host->failures = healthy ? 0 : host->failures + 1;
    if (host->failures >= PATIENT_FAILURES)
        host->not_before = vb_clock_monotonic() + PASSED_OVER;
}

/* Jittered, doubled each time, and not less than was asked for. False: stopped meanwhile. */
static bool wait_before(const struct vb_web *web, int attempt)
{
    int64_t wait = (int64_t)((double)(FIRST_WAIT << attempt) * (0.5 + vb_random_unit()));
    if (wait < web->retry_after)
        wait = web->retry_after;
    return vb_clock_wait(wait, web->options.stop, web->options.stop_context);
}

/* Several attempts at one URL, one for a host that has failed before. A host that throttles gets
 * more of them, each after the wait that it asked for. */
static enum vb_status ask_patiently(struct vb_web *web, CURLU *url, const char *host,
                                    const struct vb_media_login *login,
                                    const struct vb_medium *medium, uint64_t most,
                                    struct vb_spool *spool, enum outcome *ret_outcome,
                                    struct vb_error *err)
{
    const struct host *known = find_host(web, host);
    int attempts = known->failures < PATIENT_FAILURES ? ATTEMPTS : 1;
    enum vb_status status = VB_OK;
    bool healthy = true;
    *ret_outcome = FAILED;
    if (vb_clock_monotonic() < known->not_before && known->failures >= PATIENT_FAILURES)
        return vb_fail(err, VB_NOT_FOUND, "%s has failed %u times in a row and was not asked", host,
                       known->failures);
    for (int attempt = 1;; attempt++) {
        status = ask(web, url, host, login, medium, most, spool, ret_outcome, err);
        healthy = *ret_outcome != MAY_HEAL && *ret_outcome != THROTTLED;
        if (*ret_outcome == THROTTLED && attempts > 1)
            attempts = THROTTLED_ATTEMPTS;
        if (healthy || attempt >= attempts)
            break;
        if (!wait_before(web, attempt))
            return stopped(err);
    }
    if (status == VB_OK || status == VB_NOT_FOUND)
        note_host(web, host, healthy);
    return status;
}

/* --- URLs --- */

/* A chain of redirects. */
struct chain {
    const struct vb_medium *medium;
    const struct vb_media_credentials *logins;
    struct vb_origin origin; /* where it began */
    bool begun, left; /* left: it has been somewhere else; it may come back, without a login */
};

/* A URL with a user of its own keeps to that. */
static bool find_login(CURLU *url, const struct vb_origin *origin, const struct chain *chain,
                       struct vb_media_login *ret_login)
{
    char *user = NULL;
    bool has_user = curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    return !chain->left && !has_user &&
           vb_media_credentials_find(chain->logins, origin->scheme, origin->host, origin->port,
                                     ret_login);
}

/* One URL of the chain. */
static enum vb_status visit(struct vb_web *web, CURLU *url, struct chain *chain, uint64_t most,
                            struct vb_spool *spool, enum outcome *ret_outcome, struct vb_error *err)
{
    struct vb_origin origin;
    struct vb_media_login login = {0};
    *ret_outcome = FAILED;
    enum vb_status status = vb_origin_of(url, &origin, err);
    if (status != VB_OK)
        return status;
    if (!vb_media_allow_host(web->options.allow, origin.host, origin.port))
        return vb_fail(err, VB_NOT_FOUND, "%.200s:%u is not in media_allow", origin.host,
                       origin.port);
    if (!chain->begun)
        chain->origin = origin;
    chain->begun = true;
    chain->left = chain->left || !vb_origin_equals(&origin, &chain->origin);
    bool known = find_login(url, &origin, chain, &login);
    return ask_patiently(web, url, origin.host, known ? &login : NULL, chain->medium, most, spool,
                         ret_outcome, err);
}

/* At most REDIRECTS hops; a loop of redirects ends there too. */
enum vb_status vb_web_get(struct vb_web *web, const struct vb_media_credentials *logins,
                          const struct vb_medium *medium, uint64_t most, struct vb_spool *spool,
                          struct vb_error *err)
{
    CURLU *url = curl_url();
    enum outcome outcome = REDIRECTED;
    struct chain chain = {.medium = medium, .logins = logins};
    if (!url)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    enum vb_status status = vb_origin_parse(url, medium->url, err);
    for (int hop = 0; status == VB_OK && outcome == REDIRECTED; hop++) {
        const char *next = NULL;
        status = visit(web, url, &chain, most, spool, &outcome, err);
        if (status != VB_OK || outcome != REDIRECTED)
            break;
        /* The text lives until the handle's next request. */
        curl_easy_getinfo(web->easy, CURLINFO_REDIRECT_URL, &next);
        status = hop < REDIRECTS ? vb_origin_parse(url, next, err)
                                 : vb_fail(err, VB_NOT_FOUND, "more than %d redirects", REDIRECTS);
    }
    curl_url_cleanup(url);
    return status;
}
