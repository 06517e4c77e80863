/* Accept-Encoding: what is named, weighted and not understood. */
#include "http/head.h"
#include "verbatim/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* Lines of the header, one beside another line that is none. */
static bool takes(const char *first, const char *second)
{
    struct vb_http_head head = {0};
    head.headers[head.header_count++] =
        (struct vb_http_header){vb_view_of("Accept"), vb_view_of("gzip")};
    if (first)
        head.headers[head.header_count++] =
            (struct vb_http_header){vb_view_of("Accept-Encoding"), vb_view_of(first)};
    if (second)
        head.headers[head.header_count++] =
            (struct vb_http_header){vb_view_of("ACCEPT-ENCODING"), vb_view_of(second)};
    return vb_http_accepts_coding(&head, "gzip");
}

static void what_is_taken(void **state)
{
    (void)state;
    static const char *const good[] = {"gzip",
                                       "GZip",
                                       "gzip, deflate, br, zstd",
                                       "br;q=1.0, gzip;q=0.8, *;q=0.1",
                                       " deflate ,\tgzip ; q=0.001 ",
                                       "*",
                                       "identity;q=0, *",
                                       "gzip;level=0",
                                       "*;q=0, gzip",
                                       "gzip;q=",
                                       ", ,gzip,"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(takes(good[i], NULL));
    assert_true(takes("br", "gzip"));
}

static void what_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "identity",   "br",    "xgzip", "gzipx", "gzip;q=0", "gzip ; Q=0.000",
        "*;q=0.0",  "gzip;q=0,",  "g zip", ";",     ",",     "=;=,;q",   "*, gzip;q=0",
        "\"gzip\"", "deflate,br", "q=gzip"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(takes(bad[i], NULL));
    assert_false(takes(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_taken),
                                       cmocka_unit_test(what_is_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
