/* Taking in a JSON body: size and type are judged before a byte of it is read. Only who holds a
 * good key comes here. */
#include "api.h"

#include <string.h>

/* application/json, in UTF-8 if it says so; no body needs no type. */
static bool type_is_json(const struct vb_http_exchange *exchange)
{
    size_t count = 0;
    struct vb_view type = vb_http_header_value(&exchange->head, "content-type", &count);
    if (count == 0)
        return !vb_http_exchange_has_body(exchange);
    const char *mark = memchr(type.data, ';', type.length);
    struct vb_view media = {type.data, mark ? (size_t)(mark - type.data) : type.length};
    while (media.length > 0 &&
           (media.data[media.length - 1] == ' ' || media.data[media.length - 1] == '\t'))
        media.length--;
    if (count > 1 || !vb_http_same_word(media, "application/json"))
        return false;
    if (!mark)
        return true;
    struct vb_view rest = {mark + 1, type.length - (size_t)(mark + 1 - type.data)};
    while (rest.length > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t'))
        rest = (struct vb_view){rest.data + 1, rest.length - 1};
    return rest.length == 0 || vb_http_same_word(rest, "charset=utf-8") ||
           vb_http_same_word(rest, "charset=\"utf-8\"");
}

/* None, or the one that says so (RFC 9110, 8.4.1): a compressed body would be read as broken. */
static bool is_as_it_is(const struct vb_http_exchange *exchange)
{
    size_t count = 0;
    struct vb_view coding = vb_http_header_value(&exchange->head, "content-encoding", &count);
    return count == 0 || (count == 1 && vb_http_same_word(coding, "identity"));
}

/* A chunked body has no length to be judged by: its framing keeps the same limit as it comes. */
void vb_api_receive_json(struct vb_http_exchange *exchange,
                         void (*on_body)(struct vb_http_exchange *exchange))
{
    if (exchange->head.content_length > VB_HTTP_BODY) {
        vb_http_answer_detail(exchange, 413, "The request body is larger than 64 KiB.");
    } else if (!type_is_json(exchange)) {
        vb_http_answer_detail(exchange, 415, "The request body must be application/json.");
    } else if (!is_as_it_is(exchange)) {
        vb_http_answer_error_header(exchange, "Accept-Encoding", "identity");
        vb_http_answer_detail(exchange, 415,
                              "The request body must come without Content-Encoding.");
    } else {
        vb_http_exchange_read_body(exchange, on_body);
    }
}
