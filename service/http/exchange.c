/* One request and its answer: from a whole head to the handler, and through the body if the handler
 * wants it.
 *
 * Exchanges are kept by their loop for the next request, with their buffers, so a poll allocates
 * next to nothing. A dropped exchange drops its ticket: no callback ever finds it gone.
 */
#include "server.h"

#include "verbatim/hash.h"
#include "verbatim/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARES 64u

/* Of a head that a spare exchange keeps the buffer of: most are smaller. */
#define HEAD_KEPT 4096u

/* Not a memset: buffers keep their memory, and a hundred headers need no clearing. */
static void reset(struct vb_http_exchange *exchange)
{
    vb_buffer_done(&exchange->body);
    exchange->spare = NULL;
    exchange->ticket = NULL;
    exchange->state = NULL;
    exchange->free_state = NULL;
    exchange->on_body = NULL;
    exchange->on_left = NULL;
    exchange->on_file_end = NULL;
    exchange->wait = NULL;
    exchange->is_head = exchange->continued = exchange->keep_alive = false;
    exchange->may_be_kept = false;
    exchange->is_for_own_pages = false;
    exchange->status = 0;
    exchange->answer_size = 0;
    exchange->path_shown = SIZE_MAX;
    exchange->framing.state = VB_BODY_DONE;
    exchange->head.method = exchange->head.path = (struct vb_view){NULL, 0};
    exchange->head.header_count = 0;
    exchange->head.minor = 1;
    exchange->request_id[0] = '\0';
    vb_buffer_reset(&exchange->head_bytes);
    vb_buffer_reset(&exchange->headers);
    vb_buffer_reset(&exchange->error_headers);
    exchange->headers_status = VB_OK;
}

/* Ceilings only; nothing is allocated before it is used. */
static struct vb_http_exchange *make(const struct vb_http_site *site)
{
    struct vb_http_exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        return NULL;
    exchange->request = site->request_new();
    if (!exchange->request) {
        free(exchange);
        return NULL;
    }
    vb_buffer_init_secret(&exchange->head_bytes, VB_HTTP_HEAD); /* the key is in it */
    vb_buffer_init_secret(&exchange->body, VB_HTTP_BODY);       /* who signs in sends a key in it */
    vb_buffer_init(&exchange->headers, VB_HTTP_HEADERS_MOST);
    vb_buffer_init(&exchange->error_headers, 1024);
    return exchange;
}

struct vb_http_exchange *vb_http_exchange_new(struct vb_http_connection *connection)
{
    struct vb_http_loop *loop = connection->loop;
    struct vb_http_exchange *exchange = loop->spare;
    if (exchange) {
        loop->spare = exchange->spare;
        loop->spares--;
    } else {
        exchange = make(loop->http->site);
        if (!exchange)
            return NULL;
    }
    reset(exchange);
    exchange->connection = connection;
    exchange->loop = loop;
    exchange->begun_at = vb_clock_monotonic();
    (void)snprintf(exchange->request_id, sizeof(exchange->request_id), "%016" PRIx64 "-%" PRIx64,
                   loop->request_prefix, ++loop->request_number);
    return exchange;
}

static void destroy(struct vb_http_exchange *exchange)
{
    exchange->loop->http->site->request_free(exchange->request);
    vb_buffer_done(&exchange->head_bytes);
    vb_buffer_done(&exchange->body);
    vb_buffer_done(&exchange->headers);
    vb_buffer_done(&exchange->error_headers);
    free(exchange);
}

/* The ticket first: its callback must not find a state that is gone. */
void vb_http_exchange_free(struct vb_http_exchange *exchange)
{
    if (!exchange)
        return;
    struct vb_http_loop *loop = exchange->loop;
    vb_pg_ticket_drop(exchange->ticket);
    exchange->ticket = NULL;
    if (exchange->free_state)
        exchange->free_state(exchange->state);
    exchange->state = NULL;
    exchange->free_state = NULL;
    loop->http->site->request_reset(exchange->request);
    if (loop->spares >= SPARES || loop->is_draining) {
        destroy(exchange);
        return;
    }
    vb_buffer_done(&exchange->body);
    if (exchange->head_bytes.capacity > HEAD_KEPT)
        vb_buffer_done(&exchange->head_bytes);
    vb_buffer_reset(&exchange->head_bytes); /* a spare one keeps no key */
    exchange->spare = loop->spare;
    loop->spare = exchange;
    loop->spares++;
}

/* A client's own id is taken over if it can stand in a log line and a header as it is. */
static void take_request_id(struct vb_http_exchange *exchange)
{
    size_t count = 0;
    struct vb_view id = vb_http_header_value(&exchange->head, "x-request-id", &count);
    if (count != 1 || id.length == 0 || id.length > VB_HTTP_REQUEST_ID)
        return;
    for (size_t i = 0; i < id.length; i++) {
        char byte = id.data[i];
        bool is_good = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_' || byte == '.';
        if (!is_good)
            return;
    }
    memcpy(exchange->request_id, id.data, id.length);
    exchange->request_id[id.length] = '\0';
}

bool vb_http_exchange_has_body(const struct vb_http_exchange *exchange)
{
    return exchange->head.chunked || exchange->head.content_length > 0;
}

/* The head is copied: its views have to outlive the connection's input. */
enum vb_status vb_http_exchange_begin(struct vb_http_exchange *exchange, struct vb_view head,
                                      struct vb_http_refusal *ret_refusal)
{
    if (vb_buffer_append(&exchange->head_bytes, head.data, head.length) != VB_OK) {
        *ret_refusal = (struct vb_http_refusal){503, "Out of memory. Try again later."};
        return VB_INVALID;
    }
    struct vb_view bytes = {exchange->head_bytes.data, exchange->head_bytes.length};
    enum vb_status status = vb_http_head_parse(bytes, &exchange->head, ret_refusal);
    if (status != VB_OK)
        return status;
    vb_count(VB_COUNT_HTTP_REQUESTS, 1);
    vb_http_body_init(&exchange->framing, &exchange->head);
    exchange->keep_alive = exchange->head.keep_alive;
    exchange->is_head = vb_view_equals(exchange->head.method, VB_VIEW("HEAD"));
    take_request_id(exchange);
    exchange->loop->http->site->begin(exchange);
    return VB_OK;
}

void vb_http_exchange_read_body(struct vb_http_exchange *exchange,
                                void (*on_body)(struct vb_http_exchange *exchange))
{
    struct vb_http_connection *connection = exchange->connection;
    exchange->on_body = on_body;
    connection->phase = VB_HTTP_READ_BODY;
    connection->deadline = vb_clock_monotonic() + exchange->loop->http->times.body;
    if (exchange->head.expect_continue && connection->input.length == 0) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        exchange->continued = true;
        if (vb_buffer_append(&connection->output, go_on, sizeof(go_on) - 1) != VB_OK)
            vb_http_connection_break(connection);
    }
    /* The bytes of a body that is there already, or an empty one. */
    vb_http_connection_ready(connection);
}
