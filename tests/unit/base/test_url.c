/* Addresses as they may be shown: who is meant can be read, what opens the door cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "verbatim/url.h"

static void expect_url(const char *url, const char *expected)
{
    struct vb_buffer out;
    vb_buffer_init(&out, 4096);
    assert_int_equal(vb_url_show(&out, vb_view_of(url)), VB_OK);
    assert_string_equal(out.data ? out.data : "", expected);
    vb_buffer_done(&out);
}

static void a_url_is_shown_without_user_and_values(void **state)
{
    (void)state;
    expect_url("https://cdn.example/a/b.jpg", "https://cdn.example/a/b.jpg");
    expect_url("https://cdn.example/a@2x.jpg", "https://cdn.example/a@2x.jpg");
    expect_url("https://bob:hunter2@cdn.example/a", "https://...@cdn.example/a");
    expect_url("https://bob@cdn.example", "https://...@cdn.example");
    expect_url("https://bob:p@ss@cdn.example:8/a", "https://...@cdn.example:8/a");
    expect_url("https://x/a?X-Amz-Date=2026&X-Amz-Signature=aeee", "https://x/a?X-Amz-Date=...&"
                                                                   "X-Amz-Signature=...");
    expect_url("https://x/a?secret", "https://x/a?...");
    expect_url("https://x/a?id=&b=1", "https://x/a?id=...&b=...");
    expect_url("https://x?t=1@y/z", "https://x?t=...");
    expect_url("https://x/a#token", "https://x/a#...");
    expect_url("s3://bucket/key", "s3://bucket/key");
    expect_url("", "");
    expect_url("no address", "no address");
}

static void expect_setting(const char *text, const char *expected)
{
    struct vb_buffer out;
    vb_buffer_init(&out, 4096);
    assert_int_equal(vb_url_show_setting(&out, vb_view_of(text)), VB_OK);
    assert_string_equal(out.data, expected);
    vb_buffer_done(&out);
}

/* What was not understood may hold a password whose characters should have been escaped. */
static void a_setting_is_shown_without_what_may_be_a_password(void **state)
{
    (void)state;
    expect_setting("smtp://bob:hunter2@mail:587", "smtp://...@mail:587");
    expect_setting("smtp://bob:hun/ter@2@mail:587", "smtp://...@mail:587");
    expect_setting("bob:hunter2@mail:587", "...@mail:587");
    expect_setting("smtp://mail:587/x", "smtp://mail:587/x");
    expect_setting("Exports <exports@example.com>", "Exports <exports@example.com>");
    expect_setting("maybe", "maybe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_shown_without_user_and_values),
        cmocka_unit_test(a_setting_is_shown_without_what_may_be_a_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
