/* Writing of answers: status line, headers, JSON. One place decides what every answer carries.
 *
 * An answer is put into the connection's output whole, and goes out at its turn: so a handler may
 * answer and still hold its exchange. Once put_head has set the status nothing else can be
 * answered; what fails then breaks the connection. Headers of the answer that was meant are kept
 * apart from those of an error, which is another answer.
 */
#include "cors.h"
#include "pack.h"
#include "server.h"

#include "verbatim/log.h"
#include "verbatim/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A body below this fits a packet as it is; polls are smaller. */
#define PACK_FROM 1400u
/* Of what comes out a loop keeps the room. */
#define PACKED_KEPT (64u << 10)

/* Every status that is ever sent. */
static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {302, "Found"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

/* IMF-fixdate of RFC 9110; strftime would follow the locale. */
void vb_http_date_text(time_t time, char text[64])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm = {0};
    (void)gmtime_r(&time, &tm);
    (void)snprintf(text, 64, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
                   months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Formatted once a second for all answers of the loop. */
static const char *date_header(struct vb_http_loop *loop)
{
    time_t now = (time_t)(vb_clock_now() / VB_SECOND);
    if (now != loop->date_of) {
        loop->date_of = now;
        vb_http_date_text(now, loop->date);
    }
    return loop->date;
}

/* A header that is lost must not be missed in silence: Content-Disposition or ETag change what the
 * body means. */
static void put_header(struct vb_http_exchange *exchange, struct vb_buffer *headers,
                       const char *name, const char *value)
{
    enum vb_status status = vb_buffer_printf(headers, "%s: %s\r\n", name, value);
    if (status == VB_OK)
        return;
    vb_warn("no room for the header %s of an answer", name);
    exchange->headers_status = status;
}

void vb_http_answer_header(struct vb_http_exchange *exchange, const char *name, const char *value)
{
    put_header(exchange, &exchange->headers, name, value);
}

void vb_http_answer_error_header(struct vb_http_exchange *exchange, const char *name,
                                 const char *value)
{
    put_header(exchange, &exchange->error_headers, name, value);
}

bool vb_http_answer_headers_hold(struct vb_http_exchange *exchange)
{
    if (exchange->headers_status == VB_OK)
        return true;
    vb_http_answer_status(exchange, exchange->headers_status, "the headers of an answer");
    return false;
}

/* RFC 6266: a plain name for old clients, the real one in filename*. */
static void put_disposition(struct vb_http_exchange *exchange, const char *word, const char *name)
{
    struct vb_buffer value;
    vb_buffer_init(&value, VB_HTTP_HEADERS_MOST);
    enum vb_status status = vb_buffer_printf(&value, "%s; filename=\"", word);
    for (const char *at = name; *at && status == VB_OK; at++) {
        unsigned char byte = (unsigned char)*at;
        bool is_plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\' && byte != '%';
        if (is_plain || (byte & 0xc0) != 0x80) /* one '_' a character */
            status = vb_buffer_append_byte(&value, is_plain ? *at : '_');
    }
    if (status == VB_OK)
        status = vb_buffer_append_text(&value, "\"; filename*=UTF-8''");
    if (status == VB_OK)
        status = vb_percent_encode(&value, vb_view_of(name), false);
    if (status == VB_OK)
        vb_http_answer_header(exchange, "Content-Disposition", value.data);
    else
        exchange->headers_status = status;
    vb_buffer_done(&value);
}

void vb_http_answer_attachment(struct vb_http_exchange *exchange, const char *name)
{
    put_disposition(exchange, "attachment", name);
}

void vb_http_answer_inline(struct vb_http_exchange *exchange, const char *name)
{
    put_disposition(exchange, "inline", name);
}

/* Bytes of a body that nobody reads make the connection unusable unless they are few and surely on
 * their way. */
static void decide_keep_alive(struct vb_http_exchange *exchange)
{
    if (vb_http_is_leaving(exchange->loop->http))
        exchange->keep_alive = false;
    if (exchange->framing.state == VB_BODY_DONE)
        return;
    bool is_coming = !exchange->head.expect_continue || exchange->continued;
    if (exchange->head.chunked || exchange->head.content_length > VB_HTTP_BODY || !is_coming)
        exchange->keep_alive = false;
}

/* The path only: the query of a link holds its signature. */
static void log_line(const struct vb_http_exchange *exchange, uint64_t sent, int64_t taken)
{
    const struct vb_http_site *site = exchange->loop->http->site;
    enum vb_log_level level = site->log_level(exchange);
    if (!vb_log_enabled(level))
        return;
    vb_log_set(VB_LOG_REQUEST, exchange->request_id);
    vb_log_set(VB_LOG_WORKSPACE, site->workspace(exchange));
    const struct vb_view path = exchange->head.path;
    size_t shown = path.length < exchange->path_shown ? path.length : exchange->path_shown;
    char client[VB_ADDRESS_TEXT], size[48];
    vb_http_client_text(exchange, client);
    (void)snprintf(size, sizeof(size), "%" PRIu64, sent);
    if (sent != exchange->answer_size)
        (void)snprintf(size, sizeof(size), "%" PRIu64 " of %" PRIu64, sent, exchange->answer_size);
    vb_log(level, "http %.*s %.*s%s %d, %s bytes, %" PRId64 " us, from %s",
           (int)exchange->head.method.length,
           exchange->head.method.data ? exchange->head.method.data : "", (int)shown,
           path.data ? path.data : "", shown < path.length ? "..." : "", exchange->status, size,
           taken, client);
    vb_log_set(VB_LOG_REQUEST, NULL);
    vb_log_set(VB_LOG_WORKSPACE, NULL);
}

void vb_http_answer_log(struct vb_http_exchange *exchange)
{
    const int64_t taken = vb_clock_monotonic() - exchange->begun_at;
    exchange->loop->http->site->answered(exchange, taken);
    if (exchange->connection->file < 0)
        log_line(exchange, exchange->answer_size, taken);
}

void vb_http_answer_log_file(const struct vb_http_exchange *exchange, uint64_t sent)
{
    log_line(exchange, sent, vb_clock_monotonic() - exchange->begun_at);
}

/* Clients that know when an idle connection ends do not send into its end. */
static void say_keep_alive(const struct vb_http_exchange *exchange, char header[96])
{
    if (!exchange->keep_alive)
        (void)snprintf(header, 96, "Connection: close\r\n");
    else
        (void)snprintf(header, 96, "%sKeep-Alive: timeout=%" PRId64 "\r\n",
                       exchange->head.minor == 0 ? "Connection: keep-alive\r\n" : "",
                       exchange->loop->http->times.idle / VB_SECOND);
}

/* Status line and headers. `type`: "" for none. `framing`: the header that tells where the body
 * ends, if one does. */
static enum vb_status put_head(struct vb_http_exchange *exchange, int status, const char *type,
                               const char *framing)
{
    bool is_error = status >= 400;
    const struct vb_buffer *headers = is_error ? &exchange->error_headers : &exchange->headers;
    char keep_alive[96];
    decide_keep_alive(exchange);
    say_keep_alive(exchange, keep_alive);
    exchange->status = status;
    struct vb_buffer *out = &exchange->connection->output;
    enum vb_status done = vb_buffer_printf(
        out,
        "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s%s%s"
        "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\n%s%s%s",
        status, reason_of(status), date_header(exchange->loop), *type ? "Content-Type: " : "", type,
        *type ? "\r\n" : "", framing, exchange->request_id,
        exchange->may_be_kept && !is_error ? "" : "Cache-Control: no-store\r\n",
        headers->length > 0 ? headers->data : "", keep_alive);
    if (done == VB_OK && !exchange->is_for_own_pages)
        done = vb_http_cors_put(exchange->loop->http->origins, &exchange->head, out);
    return done == VB_OK ? vb_buffer_append_text(out, "\r\n") : done;
}

/* Posted, not written: the handler is still on the stack. */
static void begin_writing(struct vb_http_exchange *exchange)
{
    exchange->connection->phase = VB_HTTP_WRITE;
    exchange->connection->deadline = vb_clock_monotonic() + exchange->loop->http->times.progress;
    vb_http_connection_ready(exchange->connection);
}

/* Half a head may be in the output: nobody could make sense of a second one. */
static void give_up(struct vb_http_exchange *exchange)
{
    vb_warn("an answer was too large or found no memory");
    vb_http_connection_break(exchange->connection);
}

/* Puts the head, and the body unless it is a file or the request a HEAD, and lets it go. */
static void send_answer(struct vb_http_exchange *exchange, int status, const char *type,
                        uint64_t length, struct vb_view body)
{
    char framing[64] = "";
    /* Neither has a body: a 204 may tell no length, and a 304 only that of the 200 in its place
     * (RFC 9110, 8.6). */
    if (status != 204 && status != 304)
        (void)snprintf(framing, sizeof(framing), "Content-Length: %" PRIu64 "\r\n", length);
    exchange->answer_size = length;
    enum vb_status done = put_head(exchange, status, type, framing);
    if (done == VB_OK && !exchange->is_head && body.length > 0)
        done = vb_buffer_append(&exchange->connection->output, body.data, body.length);
    if (done != VB_OK) {
        give_up(exchange);
        return;
    }
    vb_http_answer_log(exchange);
    begin_writing(exchange);
}

/* A proxy that spools an answer to its disk would hide from us how fast its client reads. */
#define UNSPOOLED "X-Accel-Buffering: no\r\n"

void vb_http_answer_begin(struct vb_http_exchange *exchange, const char *type, bool chunked)
{
    if (!chunked)
        exchange->keep_alive = false;
    if (put_head(exchange, 200, type,
                 chunked ? "Transfer-Encoding: chunked\r\n" UNSPOOLED : UNSPOOLED) != VB_OK) {
        give_up(exchange);
        return;
    }
    if (exchange->is_head)
        vb_http_answer_log(exchange);
    begin_writing(exchange);
}

/* One that has a tag stays as it is: the tag is that of its bytes. */
static bool may_be_packed(const struct vb_http_exchange *exchange, int status, const char *type,
                          size_t length)
{
    const struct vb_buffer *headers = &exchange->headers;
    return status < 300 && length >= PACK_FROM && vb_http_pack_pays(type) &&
           (headers->length == 0 || (!strcasestr(headers->data, "ETag:") &&
                                     !strcasestr(headers->data, "Content-Encoding:")));
}

/* Into the loop's buffer, which holds it until it is copied. What fails leaves the body as it
 * is. */
static void pack_body(struct vb_http_exchange *exchange, struct vb_view *body)
{
    struct vb_http_loop *loop = exchange->loop;
    if (!loop->pack)
        loop->pack = vb_http_pack_new();
    if (!loop->pack)
        return;
    if (loop->packed.capacity > PACKED_KEPT)
        vb_buffer_done(&loop->packed);
    vb_buffer_reset(&loop->packed);
    vb_http_pack_begin(loop->pack);
    if (vb_http_pack_put(loop->pack, *body, VB_PACK_END, &loop->packed) != VB_OK ||
        loop->packed.length >= body->length)
        return;
    vb_http_answer_header(exchange, "Content-Encoding", "gzip");
    *body = (struct vb_view){loop->packed.data, loop->packed.length};
}

void vb_http_answer(struct vb_http_exchange *exchange, int status, const char *type,
                    struct vb_view body)
{
    if (may_be_packed(exchange, status, type, body.length)) {
        vb_http_answer_header(exchange, "Vary", "Accept-Encoding");
        if (vb_http_accepts_coding(&exchange->head, "gzip"))
            pack_body(exchange, &body);
    }
    if (status < 400 && !vb_http_answer_headers_hold(exchange))
        return;
    send_answer(exchange, status, type, body.length, body);
}

void vb_http_answer_unchanged(struct vb_http_exchange *exchange)
{
    vb_http_answer(exchange, 304, "", (struct vb_view){NULL, 0});
}

void vb_http_answer_file(struct vb_http_exchange *exchange, int status, const char *type, int file,
                         off_t at, uint64_t length)
{
    struct vb_http_connection *connection = exchange->connection;
    if (!vb_http_answer_headers_hold(exchange)) {
        close(file);
        return;
    }
    /* The length is told, the bytes are not sent. */
    if (exchange->is_head) {
        close(file);
        file = -1;
    }
    connection->file = file;
    connection->file_at = at;
    connection->file_left = file >= 0 ? length : 0;
    send_answer(exchange, status, type, length, (struct vb_view){NULL, 0});
}

struct vb_json vb_http_json(struct vb_http_exchange *exchange)
{
    struct vb_json json;
    vb_buffer_reset(&exchange->loop->scratch);
    vb_json_init(&json, &exchange->loop->scratch);
    return json;
}

void vb_http_answer_json(struct vb_http_exchange *exchange, int status, const struct vb_json *json)
{
    const struct vb_buffer *body = json->out;
    if (vb_json_status(json) == VB_OK)
        vb_http_answer(exchange, status, "application/json",
                       (struct vb_view){body->data, body->length});
    else
        vb_http_answer_detail(exchange, 500, "The answer is too large.");
}

void vb_http_answer_detail(struct vb_http_exchange *exchange, int status, const char *detail)
{
    struct vb_json json = vb_http_json(exchange);
    exchange->loop->http->site->put_error(exchange, &json, status, detail);
    vb_http_answer_json(exchange, status, &json);
}

void vb_http_answer_problems(struct vb_http_exchange *exchange, const struct vb_problems *problems)
{
    struct vb_json json = vb_http_json(exchange);
    int status = exchange->loop->http->site->put_problems(exchange, &json, problems);
    vb_http_answer_json(exchange, status, &json);
}

/* What is away, as far as a caller may know. Whatever is neither database nor memory is the
 * storage: nothing else is asked on behalf of a request. */
static const char *away_detail(enum vb_status status)
{
    if (status == VB_DATABASE_AWAY)
        return "The database is not available. Try again later.";
    if (status == VB_NO_MEMORY)
        return "Out of memory. Try again later.";
    return "The storage is not available. Try again later.";
}

/* The text goes to the log; the caller learns only whether trying again may help. */
void vb_http_answer_error(struct vb_http_exchange *exchange, const struct vb_error *error)
{
    vb_log_set(VB_LOG_REQUEST, exchange->request_id);
    bool is_passing = vb_status_retryable(error->status);
    vb_log(is_passing ? VB_LOG_WARN : VB_LOG_ERROR, "request failed: %s", error->text);
    vb_log_set(VB_LOG_REQUEST, NULL);
    if (is_passing) {
        vb_http_answer_error_header(exchange, "Retry-After", "2");
        vb_http_answer_detail(exchange, 503, away_detail(error->status));
    } else if (error->status == VB_SOURCE) {
        vb_http_answer_detail(exchange, 500,
                              "The platform's database refuses what is asked of it. The service's "
                              "log says how, and verbatim doctor why.");
    } else {
        vb_http_answer_detail(exchange, 500, "Internal Server Error");
    }
}

void vb_http_answer_status(struct vb_http_exchange *exchange, enum vb_status status,
                           const char *what)
{
    struct vb_error err;
    (void)vb_fail(&err, status, "%s: %s", what, vb_status_name(status));
    vb_http_answer_error(exchange, &err);
}
