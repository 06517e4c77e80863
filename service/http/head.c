/* Parsing of request heads. Owns nothing, touches no socket; limits of time and memory are the
 * connection's.
 *
 * Sources: RFC 9112 (sections 2, 3, 5, 6), RFC 9110 (5.5, 5.6.2, 10.1.1), RFC 3986 (3.3, 3.4).
 *
 * A head is parsed only once it is whole, and refused rather than guessed at: behind a proxy that
 * reads it otherwise, the difference is somebody else's request. Statuses tell what is wrong: 400
 * framing, 414 and 431 sizes, 417 and 505 what is not spoken here.
 */
#include "head.h"

#include "verbatim/hash.h"

#include <string.h>
#include <strings.h>

static enum vb_status refuse(struct vb_http_refusal *refusal, int status, const char *detail)
{
    *refusal = (struct vb_http_refusal){status, detail};
    return VB_INVALID;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* tchar of RFC 9110. */
static bool is_token(char byte)
{
    return is_digit(byte) || is_letter(byte) || (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

/* Goes on where the last look ended, so that a head that comes byte by byte costs no more than a
 * whole one. Bare LF and folded lines are where two readers of one stream begin to disagree:
 * refused. */
enum vb_status vb_http_head_scan(struct vb_http_scan *scan, struct vb_view bytes,
                                 size_t *ret_length, struct vb_http_refusal *ret_refusal)
{
    while (scan->looked < bytes.length) {
        const char *from = bytes.data + scan->looked;
        const char *end = memchr(from, '\n', bytes.length - scan->looked);
        if (!end) {
            scan->looked = bytes.length;
            break;
        }
        size_t at = (size_t)(end - bytes.data);
        scan->looked = at + 1;
        if (at == scan->line || bytes.data[at - 1] != '\r')
            return refuse(ret_refusal, 400, "A line of the request does not end in CR LF.");
        bool is_empty = at == scan->line + 1;
        scan->line = at + 1;
        if (!is_empty) {
            if (++scan->lines > VB_HTTP_HEADERS + 1)
                return refuse(ret_refusal, 431, "Too many header lines.");
        } else if (scan->lines > 0) {
            *ret_length = at + 1;
            return at + 1 <= VB_HTTP_HEAD
                       ? VB_OK
                       : refuse(ret_refusal, 431, "The request head is too large.");
        } else if (scan->start > 0) {
            return refuse(ret_refusal, 400, "Empty lines before the request.");
        } else {
            scan->start = at + 1; /* RFC 9112 2.2: one is skipped */
        }
    }
    size_t held = bytes.length - scan->start;
    /* TLS on a plain port, or garbage: said at once instead of after the deadline. */
    if (held > 0 && bytes.data[scan->start] != '\r' && !is_token(bytes.data[scan->start]))
        return refuse(ret_refusal, 400, "This is not an HTTP request.");
    if (scan->lines == 0 && held > VB_HTTP_LINE)
        return refuse(ret_refusal, 414, "The request line is too long.");
    if (held > VB_HTTP_HEAD)
        return refuse(ret_refusal, 431, "The request head is too large.");
    return VB_AGAIN;
}

/* Cuts the next line off `rest`; false when CR LF is missing. */
static bool cut_line(struct vb_view *rest, struct vb_view *ret_line)
{
    const char *end = memmem(rest->data, rest->length, "\r\n", 2);
    if (!end)
        return false;
    *ret_line = (struct vb_view){rest->data, (size_t)(end - rest->data)};
    rest->data = end + 2;
    rest->length -= ret_line->length + 2;
    return true;
}

/* Exactly one space: RFC 9112 lets lenient servers take more, and we are not one. */
static bool cut_word(struct vb_view *rest, struct vb_view *ret_word)
{
    const char *end = memchr(rest->data, ' ', rest->length);
    if (!end || end == rest->data)
        return false;
    *ret_word = (struct vb_view){rest->data, (size_t)(end - rest->data)};
    rest->data = end + 1;
    rest->length -= ret_word->length + 1;
    return true;
}

/* Bytes that RFC 3986 lets stand in a path or query; every escape whole, and none of them NUL. */
static bool target_is_clean(struct vb_view target)
{
    for (size_t i = 0; i < target.length; i++) {
        char byte = target.data[i];
        if (byte == '%') {
            if (target.length - i < 3)
                return false;
            int high = vb_hex_value(target.data[i + 1]), low = vb_hex_value(target.data[i + 2]);
            if (high < 0 || low < 0 || high + low == 0)
                return false;
            i += 2;
        } else if (!is_digit(byte) && !is_letter(byte) &&
                   (!byte || !strchr("-._~!$&'()*+,;=:@/?", byte))) {
            return false;
        }
    }
    return true;
}

/* Letters, digits and what names, addresses and ports are made of; never empty. */
static bool host_is_clean(struct vb_view host)
{
    for (size_t i = 0; i < host.length; i++)
        if (!is_digit(host.data[i]) && !is_letter(host.data[i]) &&
            (!host.data[i] || !strchr("-._~!$&'()*+,;=:%[]", host.data[i])))
            return false;
    return host.length > 0;
}

/* The absolute form, "http://host/path", becomes "/path"; its host was checked and overrides Host
 * (RFC 9112 3.2.2). */
static bool strip_authority(struct vb_view *target)
{
    size_t skip = 0;
    if (target->length > 7 && strncasecmp(target->data, "http://", 7) == 0)
        skip = 7;
    else if (target->length > 8 && strncasecmp(target->data, "https://", 8) == 0)
        skip = 8;
    else
        return false;
    size_t end = skip;
    while (end < target->length && target->data[end] != '/' && target->data[end] != '?')
        end++;
    if (!host_is_clean((struct vb_view){target->data + skip, end - skip}))
        return false;
    target->data += end;
    target->length -= end;
    return true;
}

/* The origin, absolute and asterisk forms; CONNECT's has no place here. */
static enum vb_status parse_target(struct vb_view target, struct vb_http_head *head,
                                   struct vb_http_refusal *refusal)
{
    if (target.length > VB_HTTP_TARGET)
        return refuse(refusal, 414, "The request target is too long.");
    if (vb_view_equals(target, VB_VIEW("*"))) {
        head->path = target;
        return VB_OK;
    }
    if (target.data[0] != '/' && !strip_authority(&target))
        return refuse(refusal, 400, "The request target is malformed.");
    if (!target_is_clean(target))
        return refuse(refusal, 400, "The request target holds bytes that must be escaped.");
    const char *mark = target.length > 0 ? memchr(target.data, '?', target.length) : NULL;
    head->path = target;
    if (mark) {
        head->path.length = (size_t)(mark - target.data);
        head->query = (struct vb_view){mark + 1, target.length - head->path.length - 1};
    }
    if (head->path.length == 0)
        head->path = VB_VIEW("/");
    return VB_OK;
}

/* A minor version above 1 would promise what nobody has written yet. */
static enum vb_status parse_version(struct vb_view version, struct vb_http_head *head,
                                    struct vb_http_refusal *refusal)
{
    if (version.length != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.' ||
        !is_digit(version.data[5]) || !is_digit(version.data[7]))
        return refuse(refusal, 400, "The request line is malformed.");
    if (version.data[5] != '1' || version.data[7] > '1')
        return refuse(refusal, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    head->minor = version.data[7] - '0';
    return VB_OK;
}

/* Any method of 32 bytes: whether it is known is the route's to say. */
static enum vb_status parse_request_line(struct vb_view line, struct vb_http_head *head,
                                         struct vb_http_refusal *refusal)
{
    struct vb_view target;
    if (!cut_word(&line, &head->method) || !cut_word(&line, &target))
        return refuse(refusal, 400, "The request line is malformed.");
    for (size_t i = 0; i < head->method.length; i++)
        if (!is_token(head->method.data[i]) || i >= 32)
            return refuse(refusal, 400, "The request method is malformed.");
    enum vb_status status = parse_version(line, head, refusal);
    return status == VB_OK ? parse_target(target, head, refusal) : status;
}

/* No blank before the colon (RFC 9112, 5.1), no control but tab in the value. */
bool vb_http_header_line(struct vb_view line, struct vb_http_header *ret_header)
{
    size_t colon = 0;
    while (colon < line.length && is_token(line.data[colon]))
        colon++;
    if (colon == 0 || colon == line.length || line.data[colon] != ':')
        return false;
    size_t from = colon + 1, to = line.length;
    for (size_t i = from; i < to; i++) {
        unsigned char byte = (unsigned char)line.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    while (from < to && (line.data[from] == ' ' || line.data[from] == '\t'))
        from++;
    while (to > from && (line.data[to - 1] == ' ' || line.data[to - 1] == '\t'))
        to--;
    *ret_header = (struct vb_http_header){{line.data, colon}, {line.data + from, to - from}};
    return true;
}

bool vb_http_same_word(struct vb_view text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.data, word, text.length) == 0;
}

/* The first of them, and how many there are: whoever cares about doubles asks for the count. */
struct vb_view vb_http_header_value(const struct vb_http_head *head, const char *name,
                                    size_t *ret_count)
{
    struct vb_view value = {NULL, 0};
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!vb_http_same_word(head->headers[i].name, name))
            continue;
        if (count++ == 0)
            value = head->headers[i].value;
    }
    if (ret_count)
        *ret_count = count;
    return value;
}

/* A list, a sign, a second header: each is how requests are smuggled past a proxy. */
static enum vb_status parse_length(struct vb_http_head *head, struct vb_http_refusal *refusal)
{
    size_t count = 0;
    struct vb_view value = vb_http_header_value(head, "content-length", &count);
    if (count == 0)
        return VB_OK;
    if (count > 1 || value.length == 0 || value.length > 18)
        return refuse(refusal, 400, "Content-Length must stand once, as a number.");
    for (size_t i = 0; i < value.length; i++) {
        if (!is_digit(value.data[i]))
            return refuse(refusal, 400, "Content-Length must stand once, as a number.");
        head->content_length = head->content_length * 10 + (uint64_t)(value.data[i] - '0');
    }
    head->has_length = true;
    return VB_OK;
}

/* After the length, since both together are refused (RFC 9112, 6.1). */
static enum vb_status parse_coding(struct vb_http_head *head, struct vb_http_refusal *refusal)
{
    size_t count = 0;
    struct vb_view value = vb_http_header_value(head, "transfer-encoding", &count);
    if (count == 0)
        return VB_OK;
    if (count > 1 || !vb_http_same_word(value, "chunked"))
        return refuse(refusal, 400, "The only transfer coding known here is chunked.");
    if (head->has_length)
        return refuse(refusal, 400, "Transfer-Encoding and Content-Length exclude each other.");
    if (head->minor == 0)
        return refuse(refusal, 400, "HTTP/1.0 knows no Transfer-Encoding.");
    head->chunked = true;
    return VB_OK;
}

/* RFC 9112, 3.2: HTTP/1.1 needs it once; HTTP/1.0 may leave it out. */
static enum vb_status parse_host(const struct vb_http_head *head, struct vb_http_refusal *refusal)
{
    size_t count = 0;
    struct vb_view value = vb_http_header_value(head, "host", &count);
    if (count > 1 || (count == 0 && head->minor > 0) || (count == 1 && !host_is_clean(value)))
        return refuse(refusal, 400, "The Host header must stand once and name a host.");
    return VB_OK;
}

/* Connection is a list; other words of it concern headers that are ignored here anyway. */
static void parse_connection(struct vb_http_head *head)
{
    bool wants_close = false, wants_keep = false;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!vb_http_same_word(head->headers[i].name, "connection"))
            continue;
        struct vb_view rest = head->headers[i].value;
        while (rest.length > 0) {
            size_t end = 0;
            while (end < rest.length && rest.data[end] != ',' && rest.data[end] != ' ' &&
                   rest.data[end] != '\t')
                end++;
            wants_close |= vb_http_same_word((struct vb_view){rest.data, end}, "close");
            wants_keep |= vb_http_same_word((struct vb_view){rest.data, end}, "keep-alive");
            end += end < rest.length;
            rest = (struct vb_view){rest.data + end, rest.length - end};
        }
    }
    head->keep_alive = !wants_close && (head->minor > 0 || wants_keep);
}

/* Nobody is told to go on with a body of nothing. */
static enum vb_status parse_expect(struct vb_http_head *head, struct vb_http_refusal *refusal)
{
    size_t count = 0;
    struct vb_view value = vb_http_header_value(head, "expect", &count);
    if (count == 0 || head->minor == 0)
        return VB_OK;
    if (count > 1 || !vb_http_same_word(value, "100-continue"))
        return refuse(refusal, 417, "The only expectation known here is 100-continue.");
    head->expect_continue = head->chunked || head->content_length > 0;
    return VB_OK;
}

/* The scan has counted lines already; here they are judged one by one. */
static enum vb_status parse_headers(struct vb_view rest, struct vb_http_head *head,
                                    struct vb_http_refusal *refusal)
{
    struct vb_view line;
    while (cut_line(&rest, &line) && line.length > 0) {
        if (line.data[0] == ' ' || line.data[0] == '\t')
            return refuse(refusal, 400, "A header line is folded.");
        if (head->header_count == VB_HTTP_HEADERS)
            return refuse(refusal, 431, "Too many header lines.");
        if (!vb_http_header_line(line, &head->headers[head->header_count]))
            return refuse(refusal, 400, "A header line is malformed.");
        head->header_count++;
    }
    return rest.length == 0 ? VB_OK : refuse(refusal, 400, "The request head is malformed.");
}

enum vb_status vb_http_head_parse(struct vb_view bytes, struct vb_http_head *ret_head,
                                  struct vb_http_refusal *ret_refusal)
{
    struct vb_http_head *head = ret_head;
    /* Not a whole struct assignment: clearing all headers would cost more than parsing them. */
    memset(head, 0, offsetof(struct vb_http_head, headers));
    memset(&head->header_count, 0, sizeof(*head) - offsetof(struct vb_http_head, header_count));
    struct vb_view line;
    if (!cut_line(&bytes, &line))
        return refuse(ret_refusal, 400, "The request line is malformed.");
    enum vb_status status = parse_request_line(line, head, ret_refusal);
    if (status == VB_OK)
        status = parse_headers(bytes, head, ret_refusal);
    if (status == VB_OK)
        status = parse_host(head, ret_refusal);
    if (status == VB_OK)
        status = parse_length(head, ret_refusal);
    if (status == VB_OK)
        status = parse_coding(head, ret_refusal);
    if (status == VB_OK)
        status = parse_expect(head, ret_refusal);
    if (status == VB_OK)
        parse_connection(head);
    return status;
}
