/* Options, callbacks and judgement of one request. See media/exchange.h.
 *
 * The address is judged when the socket is made: whatever the resolver says then is what is
 * connected to. The environment's proxies are not used, since behind one no address could be
 * judged. Redirects are not libcurl's to follow: each is a URL of a stranger's and is judged like
 * the first.
 */
#include "exchange.h"

#include "verbatim/clock.h"
#include "verbatim/transfer.h"
#include "verbatim/version.h"

#include <stdio.h>
#include <stdlib.h>

#define LONGEST_WAIT (60 * VB_SECOND)
/* To connect, and without a byte: a server of recordings answers in a second or not at all. An
 * answer as a whole has the option media_timeout. */
#define CONNECT_SECONDS 10L
#define STALL_SECONDS 15L

/* --- libcurl's questions --- */

/* Only of an answer that counts: the text of an error or a redirect is nobody's medium. Only 200:
 * no range was asked for, so a 206 would be a part. */
static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct vb_exchange *exchange = context;
    size_t length = size * count;
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return length;
    if (length > exchange->most - exchange->spool->size) {
        exchange->too_large = true;
        return 0;
    }
    if (!exchange->has_room(exchange->room_context, length)) {
        exchange->rested = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    exchange->spooled = vb_spool_append(exchange->spool, data, length, &exchange->err);
    return exchange->spooled == VB_OK ? length : 0;
}

static void note_refused(struct vb_exchange *exchange, const struct sockaddr *address)
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
    struct vb_exchange *exchange = context;
    if (purpose == CURLSOCKTYPE_IPCXN && vb_media_allow_address(exchange->allow, &address->addr))
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    note_refused(exchange, &address->addr);
    return CURL_SOCKET_BAD;
}

/* --- the request --- */

/* With the first request, so that a server need not ask for it. */
static CURLcode set_login(const struct vb_exchange *exchange, CURLcode code)
{
    CURL *easy = exchange->easy;
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

/* No cookies and no referrer. */
static CURLcode set_options(struct vb_exchange *exchange, CURLU *url)
{
    char agent[64]; /* copied by libcurl */
    snprintf(agent, sizeof agent, "verbatim/%s", vb_version_number);
    CURL *easy = exchange->easy;
    CURLcode code = CURLE_OK;
    curl_easy_reset(easy);
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
    VB_TRANSFER_SET(code, easy, CURLOPT_TIMEOUT_MS, (long)(exchange->patience / 1000));
    VB_TRANSFER_SET(code, easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)exchange->most);
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities && *authorities)
        VB_TRANSFER_SET(code, easy, CURLOPT_CAINFO, authorities);
    return set_login(exchange, code);
}

/* The spool is emptied first, so an attempt that failed half way leaves nothing in front of the
 * next. */
enum vb_status vb_exchange_prepare(struct vb_exchange *exchange, CURLU *url, struct vb_error *err)
{
    exchange->too_large = exchange->rested = false;
    exchange->refused[0] = '\0';
    exchange->spooled = VB_OK;
    exchange->retry_after = 0;
    enum vb_status status = vb_spool_reset(exchange->spool, err);
    CURLcode code = status == VB_OK ? set_options(exchange, url) : CURLE_OK;
    if (code == CURLE_OUT_OF_MEMORY)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    if (code != CURLE_OK)
        return vb_fail(err, VB_NOT_FOUND, "the URL cannot be asked: %s", curl_easy_strerror(code));
    return status;
}

/* --- its end --- */

/* Those that a moment's trouble may have caused. */
static bool may_heal(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
           code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING ||
           code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE ||
           code == CURLE_SSL_CONNECT_ERROR;
}

/* libcurl gave up; *ret_outcome says whether to ask once more. */
static enum vb_status explain(const struct vb_exchange *exchange, CURLcode code, const char *host,
                              enum vb_outcome *ret_outcome, struct vb_error *err)
{
    *ret_outcome = VB_FAILED;
    if (exchange->spooled != VB_OK) {
        *err = exchange->err;
        return exchange->spooled;
    }
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
        *ret_outcome = VB_MAY_HEAL;
    return vb_fail(err, VB_NOT_FOUND, "%s: %s", host, curl_easy_strerror(code));
}

/* An answer came whole. */
static enum vb_status judge(const struct vb_exchange *exchange, struct vb_view declared,
                            enum vb_outcome *ret_outcome, struct vb_error *err)
{
    CURL *easy = exchange->easy;
    const struct vb_view head = {exchange->spool->head, exchange->spool->head_length};
    const char *type = NULL, *next = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &next);
    *ret_outcome = VB_FAILED;
    if (status == 200) {
        *ret_outcome = VB_HAD;
        return vb_media_check_type(vb_view_of(type), declared, head, err);
    }
    if (next) {
        *ret_outcome = VB_REDIRECTED;
        return VB_OK;
    }
    if (status == 429 || (status == 503 && exchange->retry_after > 0))
        *ret_outcome = VB_THROTTLED;
    else if (status >= 500)
        *ret_outcome = VB_MAY_HEAL;
    if (status == 401)
        return vb_fail(err, VB_NOT_FOUND, "the answer was 401%s",
                       exchange->login ? " to the login of media_credentials_file"
                                       : " (a login for the host: media_credentials_file)");
    return vb_fail(err, VB_NOT_FOUND, "the answer was %ld", status);
}

enum vb_status vb_exchange_settle(struct vb_exchange *exchange, CURLcode code, const char *host,
                                  struct vb_view declared, enum vb_outcome *ret_outcome,
                                  struct vb_error *err)
{
    curl_off_t length = -1, retry_after = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &retry_after);
    exchange->retry_after =
        retry_after < LONGEST_WAIT / VB_SECOND ? retry_after * VB_SECOND : LONGEST_WAIT;
    /* Told by its head, or found out when it was too long. */
    if (code == CURLE_FILESIZE_EXCEEDED ||
        (code == CURLE_OK && length > (curl_off_t)exchange->most))
        exchange->too_large = true;
    return code == CURLE_OK && !exchange->too_large
               ? judge(exchange, declared, ret_outcome, err)
               : explain(exchange, code, host, ret_outcome, err);
}
