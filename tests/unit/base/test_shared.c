/* Small readers and writers that every room shares: numbers, lines, markup, files, waits. */
#include "verbatim/clock.h"
#include "verbatim/digits.h"
#include "verbatim/file_read.h"
#include "verbatim/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void digits_leave_the_rest(void **state)
{
    (void)state;
    int64_t value = -1;
    const char *rest = NULL;
    assert_int_equal(vb_digits_parse("443/x", &value, &rest), VB_OK);
    assert_int_equal(value, 443);
    assert_string_equal(rest, "/x");
    assert_int_equal(vb_digits_parse("x443", &value, &rest), VB_INVALID);
    assert_int_equal(vb_digits_parse("9223372036854775807", &value, &rest), VB_OK);
    assert_int_equal(vb_digits_parse("9223372036854775808", &value, &rest), VB_INVALID);
}

static void a_whole_number_is_nothing_but_digits(void **state)
{
    static const char *const bad[] = {
        "", "+1", "-1", " 1", "1 ", "0x10", "1.", "1e3", "9223372036854775808"};
    int64_t value = -1;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(vb_digits_whole(vb_view_of(bad[i]), &value), VB_INVALID);
    assert_int_equal(vb_digits_whole((struct vb_view){NULL, 0}, &value), VB_INVALID);
    assert_int_equal(value, -1);
    assert_int_equal(vb_digits_whole(VB_VIEW("0009223372036854775807"), &value), VB_OK);
    assert_int_equal(value, INT64_MAX);
}

static void digits_of_a_fixed_width(void **state)
{
    int value = -1;
    (void)state;
    assert_int_equal(vb_digits_fixed("0712", 2, &value), VB_OK);
    assert_int_equal(value, 7);
    assert_int_equal(vb_digits_fixed("7:", 2, &value), VB_INVALID);
    assert_int_equal(vb_digits_fixed("+7", 2, &value), VB_INVALID);
    assert_int_equal(vb_digits_fixed("0000000001", 10, &value), VB_INVALID);
}

static void a_phone_number_has_the_form_of_e164(void **state)
{
    static const char *const bad[] = {"",    "+", "+1", "12", "+012", "+1a", "+1234567890123456",
                                      "+1 2"};
    (void)state;
    assert_true(vb_digits_is_e164(VB_VIEW("+12")));
    assert_true(vb_digits_is_e164(VB_VIEW("+123456789012345")));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vb_digits_is_e164(vb_view_of(bad[i])));
}

static void a_line_has_no_controls(void **state)
{
    (void)state;
    assert_true(vb_utf8_is_line(VB_VIEW("")));
    assert_true(vb_utf8_is_line(VB_VIEW("caf\xC3\xA9 ~")));
    assert_false(vb_utf8_is_line(VB_VIEW("a\tb")));
    assert_false(vb_utf8_is_line(VB_VIEW("a\n")));
    assert_false(vb_utf8_is_line(VB_VIEW("\x7F")));
    assert_false(vb_utf8_is_line(VB_VIEW("a\0b")));
    assert_false(vb_utf8_is_line(VB_VIEW("\xC3")));
}

static void markup_is_escaped(void **state)
{
    struct vb_buffer out;
    (void)state;
    vb_buffer_init(&out, 64);
    assert_int_equal(vb_markup_escape(&out, "<a b=\"1\">&'\xC3\xA9"), VB_OK);
    assert_string_equal(out.data, "&lt;a b=&quot;1&quot;&gt;&amp;&#39;\xC3\xA9");
    vb_buffer_done(&out);
    vb_buffer_init(&out, 4);
    assert_int_equal(vb_markup_escape(&out, "&"), VB_LIMIT);
    vb_buffer_done(&out);
}

/* Reads a file of `size` bytes into a buffer of `ceiling`. */
static enum vb_status read_of(size_t size, size_t ceiling, size_t *ret_length)
{
    char path[] = "/tmp/verbatim-file-XXXXXX", block[10000];
    int fd = mkstemp(path);
    assert_true(fd >= 0 && size <= sizeof block);
    memset(block, 'x', sizeof block);
    assert_int_equal(write(fd, block, size), size);
    close(fd);
    struct vb_buffer out;
    struct vb_error err;
    vb_buffer_init_secret(&out, ceiling);
    enum vb_status status = vb_file_read(path, &out, &err);
    if (status != VB_OK)
        assert_non_null(strstr(err.text, path));
    *ret_length = out.length;
    vb_buffer_done(&out);
    unlink(path);
    return status;
}

static void a_file_is_read_whole_or_refused(void **state)
{
    size_t length = 1;
    struct vb_buffer out;
    (void)state;
    assert_int_equal(read_of(0, 10, &length), VB_OK);
    assert_int_equal(length, 0);
    assert_int_equal(read_of(10, 10, &length), VB_OK);
    assert_int_equal(length, 10);
    assert_int_equal(read_of(11, 10, &length), VB_LIMIT);
    assert_int_equal(read_of(10000, 65536, &length), VB_OK);
    assert_int_equal(length, 10000);
    vb_buffer_init(&out, 10);
    assert_int_equal(vb_file_read("/nowhere/at/all", &out, NULL), VB_NOT_FOUND);
    assert_int_equal(vb_file_read("/", &out, NULL), VB_IO);
    vb_buffer_done(&out);
}

static bool stop_at_zero(void *context)
{
    return (*(int *)context)-- == 0;
}

static void a_wait_ends_by_its_time_or_a_stop(void **state)
{
    int left = 1;
    int64_t start = vb_clock_monotonic();
    (void)state;
    assert_false(vb_clock_wait(3600 * VB_SECOND, stop_at_zero, &left));
    left = -1;
    assert_true(vb_clock_wait(VB_SECOND / 100, stop_at_zero, &left));
    assert_true(vb_clock_wait(VB_SECOND / 100, NULL, NULL));
    assert_true(vb_clock_monotonic() - start >= VB_SECOND / 50);
    left = 0;
    assert_false(vb_clock_wait(0, stop_at_zero, &left));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_leave_the_rest),
        cmocka_unit_test(a_whole_number_is_nothing_but_digits),
        cmocka_unit_test(digits_of_a_fixed_width),
        cmocka_unit_test(a_phone_number_has_the_form_of_e164),
        cmocka_unit_test(a_line_has_no_controls),
        cmocka_unit_test(markup_is_escaped),
        cmocka_unit_test(a_file_is_read_whole_or_refused),
        cmocka_unit_test(a_wait_ends_by_its_time_or_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
