/* Rows of media/errors.csv: guarded cells, and addresses that open nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "verbatim/media_errors.h"

static void expect_row(const char *url, const char *expected)
{
    const struct vb_render_context context = {.csv_profile = VB_CSV_SAFE};
    const struct vb_media_error error = {.conversation_id = VB_VIEW("7"),
                                         .message_id = VB_VIEW("8"),
                                         .attachment_id = VB_VIEW("9"),
                                         .url = vb_view_of(url),
                                         .entry = "media/7/9.jpg",
                                         .reason = "the answer was 404"};
    struct vb_buffer out;
    vb_buffer_init(&out, 4096);
    assert_int_equal(vb_media_errors_add(&context, &error, &out, NULL), VB_OK);
    assert_string_equal(out.data, expected);
    vb_buffer_done(&out);
}

static void an_address_is_shown_without_what_opens_it(void **state)
{
    (void)state;
    expect_row("https://x.example/a.jpg",
               "7,8,9,https://x.example/a.jpg,media/7/9.jpg,the answer was 404\r\n");
    expect_row("https://bob:hunter2@x.example/a.jpg",
               "7,8,9,https://...@x.example/a.jpg,media/7/9.jpg,the answer was 404\r\n");
    expect_row("https://b.s3.example/k?X-Amz-Expires=60&X-Amz-Signature=fe5f",
               "7,8,9,https://b.s3.example/k?X-Amz-Expires=...&X-Amz-Signature=...,"
               "media/7/9.jpg,the answer was 404\r\n");
    expect_row("=cmd()", "7,8,9,'=cmd(),media/7/9.jpg,the answer was 404\r\n");
    expect_row("", "7,8,9,,media/7/9.jpg,the answer was 404\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_shown_without_what_opens_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
