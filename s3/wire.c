/* One HTTP exchange over libcurl. See wire.h.
 *
 * Memory: the handle's receive buffer of 16 KiB and send buffer of 64 KiB, TLS state, and one list
 * of headers a call. The body is read from the caller's pieces by the callbacks below.
 *
 * HTTP/1.1 only: one request at a time needs no multiplexing, and a part of many megabytes on a
 * shared HTTP/2 connection would wait for flow control. A stop is heard between slices of 200 ms
 * (transfer.c), and waits a second for the answer to a body that has left as a whole. AWS_CA_BUNDLE
 * names the certificates, as for AWS's tools; else the system's are used. Certificates are always
 * verified; there is no option to let that be.
 *
 * Options that libcurl copies may fail for want of memory, and a request without one of them would
 * be another request: the first failure ends the exchange before anything is sent.
 */
#include "wire.h"

#include "verbatim/transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define RECEIVE_BUFFER 16384L
#define SEND_BUFFER 65536L
#define LAST_ANSWER VB_SECOND         /* of a request that is stopped when its body has left */
#define DEAD_PEER_MILLISECONDS 15000u /* unacknowledged for so long: the peer is gone */
/* A longer header is passed over, not an error. */
#define HEADER_LINE_MOST 8192u

struct vb_s3_wire {
    CURL *easy;
    CURLM *multi; /* keeps the connection */
    char detail[CURL_ERROR_SIZE];
};

/* What the callbacks share during one exchange. */
struct exchange {
    CURL *easy;
    const struct vb_s3_wire_request *request;
    struct vb_s3_wire_answer *answer;
    size_t piece;       /* next byte to send: which piece, */
    size_t offset;      /* and where in it */
    int64_t stopped_at; /* monotonic; 0: not asked to stop */
};

/* A store may go on with a body that it has whole after its sender has gone, and keep what comes of
 * it behind an abort (s3proxy). So the answer to such a request is waited for, a moment. */
static bool is_stopped(void *context)
{
    struct exchange *exchange = context;
    const struct vb_s3_wire_request *request = exchange->request;
    if (!request->stop || !request->stop(request->stop_context))
        return false;
    bool is_whole =
        request->body && request->body->size > 0 && exchange->piece == request->body->count;
    int64_t now = vb_clock_monotonic();
    if (exchange->stopped_at == 0)
        exchange->stopped_at = now;
    return !is_whole || now - exchange->stopped_at > LAST_ANSWER;
}

/* libcurl's global state is made at the first handle and stays until the process ends. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void start_curl(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Copies from the caller's pieces; nothing of a part is held twice but in libcurl's send buffer. 0
 * is the end of the body, so an empty piece must not end the loop. */
static size_t give_body(char *to, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const struct vb_s3_body *body = exchange->request->body;
    size_t room = size * count, given = 0;
    while (body && given < room && exchange->piece < body->count) {
        const struct iovec *piece = &body->pieces[exchange->piece];
        size_t left = piece->iov_len - exchange->offset;
        size_t step = left < room - given ? left : room - given;
        if (step > 0)
            memcpy(to + given, (const char *)piece->iov_base + exchange->offset, step);
        given += step;
        exchange->offset += step;
        if (exchange->offset == piece->iov_len) {
            exchange->piece++;
            exchange->offset = 0;
        }
    }
    return given;
}

/* libcurl rewinds when a kept connection turned out to be closed before the first byte of an
 * answer. */
static int seek_body(void *context, curl_off_t offset, int origin)
{
    struct exchange *exchange = context;
    const struct vb_s3_body *body = exchange->request->body;
    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_FAIL;
    uint64_t left = (uint64_t)offset;
    exchange->piece = 0;
    exchange->offset = 0;
    while (body && exchange->piece < body->count && left >= body->pieces[exchange->piece].iov_len) {
        left -= body->pieces[exchange->piece].iov_len;
        exchange->piece++;
    }
    exchange->offset = (size_t)left;
    return CURL_SEEKFUNC_OK;
}

/* The answer's body as it comes, behind what the caller's buffer held. */
static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t length = size * count;
    long code = 0;
    if (!exchange->answer->body)
        return length;
    enum vb_status status = vb_buffer_append(exchange->answer->body, data, length);
    /* Of a refusal the beginning says enough; only a wanted body has to be whole. */
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &code);
    if (status == VB_OK || (status == VB_LIMIT && code >= 300))
        return length;
    exchange->answer->body_kept = status;
    return 0;
}

/* Names in any case (RFC 9110, section 5.1); the value without blanks around it. */
static bool header_is(const char *line, size_t length, const char *name, struct vb_view *ret_value)
{
    size_t width = strlen(name);
    if (length <= width || line[width] != ':' || strncasecmp(line, name, width) != 0)
        return false;
    const char *start = line + width + 1, *end = line + length;
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *ret_value = (struct vb_view){start, (size_t)(end - start)};
    return true;
}

/* A value that does not fit is as good as none. */
static void keep(struct vb_view value, char to[VB_S3_WIRE_HEADER])
{
    if (value.length >= VB_S3_WIRE_HEADER)
        return;
    memcpy(to, value.data, value.length);
    to[value.length] = '\0';
}

/* RFC 9110, section 5.6.7. 0 for what is no date. */
static vb_instant http_date(struct vb_view value)
{
    char text[VB_S3_WIRE_HEADER] = "";
    keep(value, text);
    time_t seconds = *text ? curl_getdate(text, NULL) : -1;
    return seconds > 0 ? (vb_instant)seconds * VB_SECOND : 0;
}

/* Every line of the answer comes here, also those of an interim answer (100, 103); the last one
 * wins. */
static size_t take_header(char *line, size_t size, size_t count, void *context)
{
    struct vb_s3_wire_answer *answer = ((struct exchange *)context)->answer;
    size_t length = size * count;
    struct vb_view value;
    if (length > HEADER_LINE_MOST)
        return length;
    if (header_is(line, length, "etag", &value))
        keep(value, answer->etag);
    else if (header_is(line, length, "x-amz-request-id", &value))
        keep(value, answer->request_id);
    else if (header_is(line, length, "retry-after", &value))
        keep(value, answer->retry_after);
    else if (header_is(line, length, "content-type", &value))
        keep(value, answer->content_type);
    else if (header_is(line, length, "x-amz-version-id", &value))
        keep(value, answer->version);
    else if (header_is(line, length, "x-amz-bucket-region", &value))
        keep(value, answer->region);
    else if (header_is(line, length, "x-amz-delete-marker", &value))
        answer->is_marker = vb_view_equals(value, VB_VIEW("true"));
    else if (header_is(line, length, "date", &value))
        answer->date = http_date(value);
    else if (header_is(line, length, "last-modified", &value))
        answer->last_modified = http_date(value);
    return length;
}

/* A peer that vanished without a word is noticed by the kernel, also while a slow answer is
 * awaited. */
static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
    unsigned limit = DEAD_PEER_MILLISECONDS;
    (void)context, (void)purpose;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
    return CURL_SOCKOPT_OK;
}

enum vb_status vb_s3_wire_new(struct vb_s3_wire **ret_http, struct vb_error *err)
{
    pthread_once(&once, start_curl);
    if (global_result != CURLE_OK)
        return vb_fail(err, VB_NO_MEMORY, "libcurl could not start: %s",
                       curl_easy_strerror(global_result));
    struct vb_s3_wire *http = calloc(1, sizeof *http);
    if (!http)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an HTTP handle");
    http->easy = curl_easy_init();
    http->multi = curl_multi_init();
    if (!http->easy || !http->multi) {
        vb_s3_wire_free(http);
        return vb_fail(err, VB_NO_MEMORY, "no memory for an HTTP handle");
    }
    /* One store, one connection a session; more would only wait for their idle time. */
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 1L);
    *ret_http = http;
    return VB_OK;
}

void vb_s3_wire_free(struct vb_s3_wire *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    curl_multi_cleanup(http->multi);
    free(http);
}

/* "Name: value" lines; an empty Expect and Transfer-Encoding keep libcurl from adding its own:
 * 100-continue would cost a round trip with stores that do not answer it, and chunked bodies are
 * refused by S3 without a signature of each chunk. */
static enum vb_status make_headers(const struct vb_s3_wire_request *request,
                                   struct curl_slist **ret_list)
{
    static const char *const fixed[] = {"Expect:", "Transfer-Encoding:", "Content-Type:"};
    struct curl_slist *list = NULL, *grown;
    bool has_type = false;
    for (size_t i = 0; i < request->header_count; i++)
        /* libcurl would add a type of its own to a POST, which was not signed. */
        has_type =
            has_type || (request->headers[i].name.length == 12 &&
                         strncasecmp(request->headers[i].name.data, "content-type", 12) == 0);
    for (size_t i = 0; i < request->header_count + (has_type ? 2 : 3); i++) {
        struct vb_buffer line;
        enum vb_status status = VB_OK;
        vb_buffer_init(&line, 2 * VB_S3_TOKEN_TEXT);
        if (i < request->header_count)
            status = vb_buffer_printf(&line, "%.*s: %.*s", (int)request->headers[i].name.length,
                                      request->headers[i].name.data,
                                      (int)request->headers[i].value.length,
                                      request->headers[i].value.data);
        else
            status = vb_buffer_append_text(&line, fixed[i - request->header_count]);
        grown = status == VB_OK ? curl_slist_append(list, line.data) : NULL;
        vb_buffer_done(&line);
        if (!grown) {
            curl_slist_free_all(list);
            return status == VB_OK ? VB_NO_MEMORY : status;
        }
        list = grown;
    }
    *ret_list = list;
    return VB_OK;
}

/* UPLOAD is what makes libcurl read a body with a length for POST as well; the method's name is
 * then put in its place. */
static CURLcode set_method(CURL *easy, const struct vb_s3_wire_request *request)
{
    bool sends = strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0;
    CURLcode code = CURLE_OK;
    VB_TRANSFER_SET(code, easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (strcmp(request->method, "HEAD") == 0)
        VB_TRANSFER_SET(code, easy, CURLOPT_NOBODY, 1L);
    if (!sends)
        return code;
    VB_TRANSFER_SET(code, easy, CURLOPT_UPLOAD, 1L);
    VB_TRANSFER_SET(code, easy, CURLOPT_INFILESIZE_LARGE,
                    (curl_off_t)(request->body ? request->body->size : 0));
    return code;
}

/* Timeouts in whole seconds; 0 is none for each of them. */
static CURLcode set_limits(CURL *easy, const struct vb_s3_wire_request *request)
{
    CURLcode code = CURLE_OK;
    unsigned connect = request->connect_seconds ? request->connect_seconds : 5;
    VB_TRANSFER_SET(code, easy, CURLOPT_CONNECTTIMEOUT, (long)connect);
    VB_TRANSFER_SET(code, easy, CURLOPT_TIMEOUT, (long)request->total_seconds);
    /* Silence ends a call; a slow line does not. */
    VB_TRANSFER_SET(code, easy, CURLOPT_LOW_SPEED_LIMIT, request->stall_seconds ? 1L : 0L);
    VB_TRANSFER_SET(code, easy, CURLOPT_LOW_SPEED_TIME, (long)request->stall_seconds);
    VB_TRANSFER_SET(code, easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    VB_TRANSFER_SET(code, easy, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
    VB_TRANSFER_SET(code, easy, CURLOPT_TCP_KEEPALIVE, 1L);
    VB_TRANSFER_SET(code, easy, CURLOPT_TCP_KEEPIDLE, 5L);
    VB_TRANSFER_SET(code, easy, CURLOPT_TCP_KEEPINTVL, 5L);
    return code;
}

/* The handle keeps its connection, its name cache and its TLS session over a reset. */
static CURLcode set_options(struct vb_s3_wire *http, struct exchange *exchange,
                            struct curl_slist *headers)
{
    CURL *easy = http->easy;
    const char *bundle = getenv("AWS_CA_BUNDLE");
    CURLcode code = CURLE_OK;
    curl_easy_reset(easy);
    http->detail[0] = '\0';
    VB_TRANSFER_SET(code, easy, CURLOPT_URL, exchange->request->url);
    VB_TRANSFER_SET(code, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    VB_TRANSFER_SET(code, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    /* Keys may hold "..": the path must arrive as it was signed. */
    VB_TRANSFER_SET(code, easy, CURLOPT_PATH_AS_IS, 1L);
    VB_TRANSFER_SET(code, easy, CURLOPT_NOSIGNAL, 1L);
    VB_TRANSFER_SET(code, easy, CURLOPT_ERRORBUFFER, http->detail);
    VB_TRANSFER_SET(code, easy, CURLOPT_HTTPHEADER, headers);
    VB_TRANSFER_SET(code, easy, CURLOPT_READFUNCTION, give_body);
    VB_TRANSFER_SET(code, easy, CURLOPT_READDATA, exchange);
    VB_TRANSFER_SET(code, easy, CURLOPT_SEEKFUNCTION, seek_body);
    VB_TRANSFER_SET(code, easy, CURLOPT_SEEKDATA, exchange);
    VB_TRANSFER_SET(code, easy, CURLOPT_WRITEFUNCTION, take_body);
    VB_TRANSFER_SET(code, easy, CURLOPT_WRITEDATA, exchange);
    VB_TRANSFER_SET(code, easy, CURLOPT_HEADERFUNCTION, take_header);
    VB_TRANSFER_SET(code, easy, CURLOPT_HEADERDATA, exchange);
    VB_TRANSFER_SET(code, easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    if (exchange->request->direct)
        VB_TRANSFER_SET(code, easy, CURLOPT_NOPROXY, "*");
    if (bundle && *bundle)
        VB_TRANSFER_SET(code, easy, CURLOPT_CAINFO, bundle);
    if (code == CURLE_OK)
        code = set_method(easy, exchange->request);
    return code == CURLE_OK ? set_limits(easy, exchange->request) : code;
}

/* A certificate that does not verify is told at once; all else may be a moment's trouble, also a
 * name that is not found: resolvers say so when they are out of reach. */
static enum vb_status status_of(CURLcode code)
{
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return VB_UNTRUSTED;
    return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ? VB_INVALID
                                                                             : VB_NETWORK;
}

/* In this order: a stop and a full buffer both make libcurl fail with a code that says less. */
static enum vb_status explain(const struct vb_s3_wire *http, CURLcode code,
                              const struct exchange *exchange, struct vb_error *err)
{
    if (code == CURLE_OK)
        return VB_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return vb_fail(err, VB_STOPPED, "stopped");
    if (exchange->answer->body_kept == VB_LIMIT)
        return vb_fail(err, VB_LIMIT, "the answer exceeds %zu bytes",
                       exchange->answer->body->ceiling);
    if (code == CURLE_OUT_OF_MEMORY || exchange->answer->body_kept != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a request");
    const char *detail = *http->detail ? http->detail : curl_easy_strerror(code);
    enum vb_status status = vb_fail(err, status_of(code), "%s", detail);
    if (err)
        err->system_code = (int)code;
    return status;
}

/* The list of headers must outlive the transfer: libcurl borrows it. */
enum vb_status vb_s3_wire_exchange(struct vb_s3_wire *http,
                                   const struct vb_s3_wire_request *request,
                                   struct vb_s3_wire_answer *answer, struct vb_error *err)
{
    struct exchange exchange = {.easy = http->easy, .request = request, .answer = answer};
    struct curl_slist *headers = NULL;
    struct vb_buffer *body = answer->body;
    *answer = (struct vb_s3_wire_answer){.body = body, .content_length = -1};
    enum vb_status status = make_headers(request, &headers);
    if (status != VB_OK)
        return vb_fail(err, status,
                       status == VB_LIMIT ? "a header is too long" : "no memory for a request");
    CURLcode code = set_options(http, &exchange, headers);
    if (code == CURLE_OK)
        code = vb_transfer(http->multi, http->easy, is_stopped, &exchange);
    long code_of_answer = 0;
    curl_off_t length = -1, sent = 0;
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &code_of_answer);
    curl_easy_getinfo(http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(http->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_slist_free_all(headers);
    answer->status = (int)code_of_answer;
    answer->content_length = length;
    answer->sent = (uint64_t)sent;
    return explain(http, code, &exchange, err);
}
