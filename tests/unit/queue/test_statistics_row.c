/* A job's statistics as text: what is read back is what was written, and what is not ours is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/job.h"

static void expect_same(const struct vb_statistics *numbers)
{
    struct vb_statistics back = {0};
    struct vb_error err = {0};
    struct vb_buffer text, again;
    vb_buffer_init(&text, 1u << 20);
    vb_buffer_init(&again, 1u << 20);
    assert_int_equal(vb_statistics_print(numbers, &text), VB_OK);
    assert_int_equal(vb_statistics_parse((struct vb_view){text.data, text.length}, &back, &err),
                     VB_OK);
    assert_int_equal(back.unit, numbers->unit);
    assert_int_equal(back.day_count, numbers->day_count);
    assert_memory_equal(back.days, numbers->days, back.day_count * sizeof *back.days);
    assert_int_equal(vb_statistics_print(&back, &again), VB_OK);
    assert_string_equal(again.data, text.data);
    vb_statistics_done(&back);
    vb_buffer_done(&text);
    vb_buffer_done(&again);
}

static void numbers_come_back(void **unused)
{
    (void)unused;
    struct vb_day_count days[] = {{-400, {1, 2, 3, 4}}, {0, {5, 0, 0, 0}}, {9, {0, 0, 0, 1}}};
    struct vb_statistics numbers = {.conversations = UINT64_C(9007199254740993),
                                    .messages = {1, 2, 3, 4},
                                    .hours = {[0] = 7, [23] = 8},
                                    .unit = VB_CALENDAR_MONTHS,
                                    .days = days,
                                    .day_count = 3,
                                    .answered = 6,
                                    .median_answer = 3661};
    days[0].day = vb_calendar_start(VB_CALENDAR_MONTHS, -400);
    days[2].day = vb_calendar_start(VB_CALENDAR_MONTHS, 99);
    expect_same(&numbers);
    const struct vb_statistics none = {0};
    struct vb_statistics back = {0};
    struct vb_error err = {0};
    struct vb_buffer text;
    vb_buffer_init(&text, 1u << 20);
    assert_int_equal(vb_statistics_print(&none, &text), VB_OK);
    assert_int_equal(vb_statistics_parse((struct vb_view){text.data, text.length}, &back, &err),
                     VB_OK);
    assert_int_equal(back.day_count, 0);
    vb_buffer_done(&text);
}

static void what_is_not_ours_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"conversations\": -1}",
        "{\"conversations\":1,\"messages\":[1,2,3],\"hours\":[],\"answered\":0}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vb_statistics back = {0};
        struct vb_error err = {0};
        assert_int_equal(vb_statistics_parse(vb_view_of(texts[i]), &back, &err), VB_INVALID);
        assert_int_not_equal(err.text[0], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(what_is_not_ours_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
