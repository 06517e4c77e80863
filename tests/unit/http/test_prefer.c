/* The preference `wait` (RFC 7240): read where it can be, passed over where not. */
#include "http/prefer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>

static int seconds_of(const char *first, const char *second)
{
    struct vb_http_head head = {.header_count = second ? 3 : 2};
    head.headers[0] = (struct vb_http_header){VB_VIEW("Accept"), VB_VIEW("wait=1")};
    head.headers[1] = (struct vb_http_header){VB_VIEW("pReFeR"), vb_view_of(first)};
    if (second)
        head.headers[2] = (struct vb_http_header){VB_VIEW("Prefer"), vb_view_of(second)};
    return vb_http_prefer_wait(&head);
}

static void wait_is_found(void **state)
{
    (void)state;
    assert_int_equal(seconds_of("wait=10", NULL), 10);
    assert_int_equal(seconds_of("WAIT = \"10\"", NULL), 10);
    assert_int_equal(seconds_of("respond-async, wait=5;a=b , x", NULL), 5);
    assert_int_equal(seconds_of("x=\"a, wait=1; \\\", wait=2\", wait=3", NULL), 3);
    assert_int_equal(seconds_of("respond-async", "wait=7"), 7);
    assert_int_equal(seconds_of("wait=0", NULL), 0);
    assert_int_equal(seconds_of("wait=007", NULL), 7);
    assert_int_equal(seconds_of("wait=99999999999999999999", NULL), INT_MAX);
}

static void the_first_counts(void **state)
{
    (void)state;
    assert_int_equal(seconds_of("wait=3, wait=9", NULL), 3);
    assert_int_equal(seconds_of("wait=3", "wait=9"), 3);
    assert_int_equal(seconds_of("wait=x", "wait=9"), -1);
}

static void what_is_malformed_says_nothing(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",        "wait", "wait=", "wait=-1",  "wait=1.5",  "wait=1 2",   "waits=1",
        "await=1", "=1",   ",;=,",  "wait=\"1", "wait=\"\"", "wait=\"x\"", "wait==1"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_int_equal(seconds_of(values[i], NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_is_found),
        cmocka_unit_test(the_first_counts),
        cmocka_unit_test(what_is_malformed_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
