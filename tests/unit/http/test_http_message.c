/* Strict framing of requests: what is taken, what is refused, and that it does not matter how the
 * bytes arrive. */
#include "http/body.h"
#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads one request off `bytes` as a connection does, `piece` bytes at a time. Returns the
 * refusal's status, 0 for a whole request (then *ret_used bytes of it), -1 when more would be
 * needed. */
static int read_request(struct vb_view bytes, size_t piece, struct vb_http_head *head,
                        struct vb_buffer *body, size_t *ret_used)
{
    struct vb_http_scan scan = {0};
    struct vb_http_refusal refusal = {0};
    size_t length = 0, held = 0;
    enum vb_status status = VB_AGAIN;
    while (status == VB_AGAIN && held < bytes.length) {
        held = held + piece < bytes.length ? held + piece : bytes.length;
        status = vb_http_head_scan(&scan, (struct vb_view){bytes.data, held}, &length, &refusal);
    }
    if (status == VB_OK)
        status = vb_http_head_parse((struct vb_view){bytes.data + scan.start, length - scan.start},
                                    head, &refusal);
    if (status != VB_OK)
        return status == VB_AGAIN ? -1 : refusal.status;
    struct vb_http_body framing;
    vb_http_body_init(&framing, head);
    size_t at = length;
    status = framing.state == VB_BODY_DONE ? VB_OK : VB_AGAIN;
    while (status == VB_AGAIN && at < bytes.length) {
        size_t step = bytes.length - at < piece ? bytes.length - at : piece, used = 0;
        status = vb_http_body_feed(&framing, (struct vb_view){bytes.data + at, step}, body, &used,
                                   &refusal);
        at += used;
    }
    *ret_used = at;
    return status == VB_OK ? 0 : status == VB_AGAIN ? -1 : refusal.status;
}

/* One byte at a time and all at once must agree. */
static int read_both_ways(struct vb_view bytes, struct vb_buffer *body, size_t *ret_used)
{
    struct vb_http_head head;
    struct vb_buffer other;
    size_t used = 0;
    vb_buffer_init(&other, VB_HTTP_BODY);
    int slow = read_request(bytes, 1, &head, &other, &used);
    int fast = read_request(bytes, 100000, &head, body, ret_used);
    assert_int_equal(slow, fast);
    if (fast == 0) {
        assert_int_equal(used, *ret_used);
        assert_int_equal(other.length, body->length);
        if (body->length > 0)
            assert_memory_equal(other.data, body->data, body->length);
    }
    vb_buffer_done(&other);
    return fast;
}

#define V(literal) VB_VIEW(literal)
#define HOST "Host: a\r\n"

struct refused {
    struct vb_view bytes;
    int status;
};

static void expect_refusals(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct vb_buffer body;
        vb_buffer_init(&body, VB_HTTP_BODY);
        size_t used = 0;
        int status = read_both_ways(cases[i].bytes, &body, &used);
        if (status != cases[i].status)
            print_error("case %zu: %s\n", i, cases[i].bytes.data);
        assert_int_equal(status, cases[i].status);
        vb_buffer_done(&body);
    }
}

/* Every irregular form that a well-known server was seen to accept, and those it refuses: lengths
 * and chunks, then lines. */
static void refuses_irregular_bodies(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 35\r\n\r\n"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
           "chunked\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n"), 400},
        {V("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nabc"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: 3,3\r\n\r\nabc"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\nabc"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nabc"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n3 zzz\r\nabc\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc0\r\n\r\n"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n3;x=\ny\r\nabc\r\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n100000003\r\nabc\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n"),
         400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\na: b\n\r\n"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10001\r\n"), 413},
    };
    expect_refusals(cases, sizeof(cases) / sizeof(cases[0]));
}

static void refuses_irregular_heads(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {V("GET / HTTP/1.1\n" HOST "\r\n"), 400},
        {V("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\n" HOST "\n"), 400},
        {V("GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n"), 400},
        {V("GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\n" HOST "A\x01"
           "B: c\r\n\r\n"),
         400},
        {V("GET / HTTP/1.1\r\n" HOST "A B: c\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\n" HOST "A: aa\0bb\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\n" HOST "A: aa\rbb\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\n" HOST "A: \x7f\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\n" HOST "nothing\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400},
        {V("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400},
        {V("GET http:// HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET http:///x HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET http://u@h@h/x HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET ftp://a/x HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400},
        {V("GET\t/\tHTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET /%00 HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET /%0 HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET /%zz HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET /a\0b HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET /#a HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("GET / HTTP/1.1\rX: y\r\n" HOST "\r\n"), 400},
        {V("GET / http/1.1\r\n" HOST "\r\n"), 400},
        {V("GET / HTTP/01.1\r\n" HOST "\r\n"), 400},
        {V("GET / HTTP/1\r\n" HOST "\r\n"), 400},
        {V("GET /\r\n\r\n"), 400},
        {V("GET / HTTP/2.0\r\n" HOST "\r\n"), 505},
        {V("GET / HTTP/1.2\r\n" HOST "\r\n"), 505},
        {V("GET / HTTP/0.9\r\n\r\n"), 505},
        {V("G(T / HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
        {V("\x16\x03\x01\x02"), 400},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 200-ok\r\n\r\n"), 417},
    };
    expect_refusals(cases, sizeof(cases) / sizeof(cases[0]));
}

static void takes_regular_requests(void **state)
{
    (void)state;
    static const struct {
        struct vb_view bytes;
        const char *body;
    } cases[] = {
        {V("GET / HTTP/1.1\r\n" HOST "\r\n"), ""},
        {V("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), ""},
        {V("GET / HTTP/1.0\r\n\r\n"), ""},
        {V("GET http://a:80/x?y HTTP/1.1\r\n" HOST "\r\n"), ""},
        {V("OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), ""},
        {V("POST / HTTP/1.1\r\n" HOST "Content-Length: 003\r\n\r\nabc"), "abc"},
        {V("POST / HTTP/1.1\r\nhost:\ta\t \r\ncontent-length:3\r\n\r\nabc"), "abc"},
        {V("POST / HTTP/1.1\r\n" HOST
           "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0002\r\nde\r\n0\r\n\r\n"),
         "abcde"},
        {V("POST / HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\nU: "
           "w\r\n\r\n"),
         "0123456789"},
        {V("DELETE /%41?a=%20 HTTP/1.1\r\n" HOST "A:\r\nB: \xc3\xa4\r\n\r\n"), ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vb_buffer body;
        vb_buffer_init(&body, VB_HTTP_BODY);
        size_t used = 0;
        int status = read_both_ways(cases[i].bytes, &body, &used);
        if (status != 0)
            print_error("case %zu: %s\n", i, cases[i].bytes.data);
        assert_int_equal(status, 0);
        assert_int_equal(used, cases[i].bytes.length);
        assert_int_equal(body.length, strlen(cases[i].body));
        assert_memory_equal(body.data ? body.data : "", cases[i].body, body.length);
        vb_buffer_done(&body);
    }
}

static void reads_fields(void **state)
{
    (void)state;
    static const struct vb_view bytes =
        VB_VIEW("PUT https://h/p/%41?q=1?2 HTTP/1.1\r\nHost: h\r\nX-API-Key:  k \r\n"
                "Connection: foo, Close\r\nExpect: 100-Continue\r\nContent-Length: 12\r\n\r\n");
    struct vb_http_head head;
    struct vb_http_refusal refusal;
    assert_int_equal(vb_http_head_parse(bytes, &head, &refusal), VB_OK);
    assert_true(vb_view_equals(head.method, VB_VIEW("PUT")));
    assert_true(vb_view_equals(head.path, VB_VIEW("/p/%41")));
    assert_true(vb_view_equals(head.query, VB_VIEW("q=1?2")));
    assert_true(vb_view_equals(vb_http_header_value(&head, "x-api-key", NULL), VB_VIEW("k")));
    assert_int_equal(head.content_length, 12);
    assert_true(head.expect_continue);
    assert_false(head.keep_alive);
    assert_int_equal(head.minor, 1);
}

static void limits_heads(void **state)
{
    (void)state;
    char *bytes = malloc(70000);
    assert_non_null(bytes);
    struct vb_http_scan scan = {0};
    struct vb_http_refusal refusal = {0};
    size_t length;
    memset(bytes, 'a', 70000);
    assert_int_equal(vb_http_head_scan(&scan, (struct vb_view){bytes, 9000}, &length, &refusal),
                     VB_INVALID);
    assert_int_equal(refusal.status, 414);
    scan = (struct vb_http_scan){0};
    static const struct vb_view start = VB_VIEW("GET / HTTP/1.1\r\n");
    memcpy(bytes, start.data, start.length);
    assert_int_equal(
        vb_http_head_scan(&scan, (struct vb_view){bytes, VB_HTTP_HEAD}, &length, &refusal),
        VB_AGAIN);
    assert_int_equal(
        vb_http_head_scan(&scan, (struct vb_view){bytes, VB_HTTP_HEAD + 1}, &length, &refusal),
        VB_INVALID);
    assert_int_equal(refusal.status, 431);
    scan = (struct vb_http_scan){0};
    size_t at = 16;
    for (int i = 0; i < VB_HTTP_HEADERS + 2; i++)
        at += (size_t)snprintf(bytes + at, 100, "A%d: b\r\n", i);
    assert_int_equal(vb_http_head_scan(&scan, (struct vb_view){bytes, at}, &length, &refusal),
                     VB_INVALID);
    assert_int_equal(refusal.status, 431);
    free(bytes);
}

/* A pipeline is cut exactly where the framing says, so the second request is never part of the
 * first. */
static void cuts_pipelines(void **state)
{
    (void)state;
    static const struct vb_view bytes =
        VB_VIEW("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nGET /"
                "GET /next HTTP/1.1\r\n" HOST "\r\n");
    struct vb_http_head head = {0};
    struct vb_buffer body;
    vb_buffer_init(&body, VB_HTTP_BODY);
    size_t used = 0;
    assert_int_equal(read_request(bytes, 100000, &head, &body, &used), 0);
    assert_int_equal(body.length, 5);
    struct vb_view rest = {bytes.data + used, bytes.length - used};
    assert_int_equal(read_request(rest, 7, &head, &body, &used), 0);
    assert_true(vb_view_equals(head.path, VB_VIEW("/next")));
    assert_int_equal(used, rest.length);
    vb_buffer_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_irregular_bodies),
        cmocka_unit_test(refuses_irregular_heads),
        cmocka_unit_test(takes_regular_requests),
        cmocka_unit_test(reads_fields),
        cmocka_unit_test(limits_heads),
        cmocka_unit_test(cuts_pipelines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
