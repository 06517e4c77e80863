/* Clocks of times without zone: instants rise with local times, and the place of an instant among
 * them is the first that is not before it, through changes forth and back. */
#include "source/local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOUR (3600 * VB_SECOND)
#define MINUTE (60 * VB_SECOND)
/* 2026-03-29 01:00 and 2026-10-25 01:00 UTC: Berlin's clocks go forth and back. */
#define SPRING (INT64_C(1774746000) * VB_SECOND)
#define AUTUMN (INT64_C(1792890000) * VB_SECOND)

static const struct vb_offset_change berlin[] = {{0, 3600}, {SPRING, 7200}, {AUTUMN, 3600}};

static struct vb_local *clock_of(const struct vb_offset_change *changes, size_t count)
{
    struct vb_local *local = NULL;
    assert_int_equal(vb_local_new("Some/Where", changes, count, &local), VB_OK);
    return local;
}

static void a_clock_that_is_not_given_is_utc(void **state)
{
    (void)state;
    assert_int_equal(vb_local_instant(NULL, SPRING), SPRING);
    assert_int_equal(vb_local_first(NULL, SPRING), SPRING);
    assert_string_equal(vb_local_zone(NULL), "UTC");
}

static void an_hour_that_comes_twice_is_the_later_one(void **state)
{
    (void)state;
    struct vb_local *local = clock_of(berlin, 3);
    int64_t two = AUTUMN + HOUR; /* 02:00 on the clock, for the second time */
    assert_int_equal(vb_local_instant(local, two), AUTUMN);
    assert_int_equal(vb_local_instant(local, two - 1), AUTUMN - HOUR - 1);
    assert_int_equal(vb_local_instant(local, two + HOUR / 2), AUTUMN + HOUR / 2);
    /* What happened while it came for the first time was written down as the second one. */
    assert_int_equal(vb_local_first(local, AUTUMN - HOUR / 2), two);
    assert_string_equal(vb_local_zone(local), "Some/Where");
    vb_local_free(local);
}

static void an_hour_that_is_skipped_is_the_moment_of_it(void **state)
{
    (void)state;
    struct vb_local *local = clock_of(berlin, 3);
    int64_t two = SPRING + HOUR;
    assert_int_equal(vb_local_instant(local, two - 1), SPRING - 1);
    assert_int_equal(vb_local_instant(local, two), SPRING);
    assert_int_equal(vb_local_instant(local, two + HOUR / 2), SPRING);
    assert_int_equal(vb_local_instant(local, two + HOUR + 1), SPRING + 1);
    assert_int_equal(vb_local_first(local, SPRING), two);
    assert_int_equal(vb_local_first(local, SPRING + 1), two + HOUR + 1);
    vb_local_free(local);
}

static void before_1970_the_first_offset_holds(void **state)
{
    (void)state;
    struct vb_local *local = clock_of(berlin, 3);
    assert_int_equal(vb_local_instant(local, -SPRING), -SPRING - HOUR);
    assert_int_equal(vb_local_first(local, -SPRING - HOUR), -SPRING);
    vb_local_free(local);
}

/* All pairs of minutes around the changes. */
static void expect_agreement(const struct vb_offset_change *changes, size_t count)
{
    struct vb_local *local = clock_of(changes, count);
    for (size_t i = 0; i < count; i++)
        for (int64_t minute = -1600; minute <= 1600; minute++) {
            vb_instant instant = changes[i].at + minute * MINUTE;
            int64_t first = vb_local_first(local, instant);
            assert_true(vb_local_instant(local, first) >= instant);
            assert_true(vb_local_instant(local, first - 1) < instant);
            assert_true(vb_local_instant(local, instant) <= vb_local_instant(local, instant + 1));
        }
    vb_local_free(local);
}

static void bounds_agree_with_rows(void **state)
{
    (void)state;
    static const struct vb_offset_change lord_howe[] = {
        {0, 36000}, {SPRING, 37800}, {AUTUMN, 39600}, {AUTUMN + 90 * MINUTE, 37800}};
    static const struct vb_offset_change samoa[] = {
        {0, -39600}, {SPRING, -36000}, {AUTUMN, 50400}, {AUTUMN + 3000 * HOUR, 46800}};
    static const struct vb_offset_change back_at_once[] = {
        {0, 0}, {SPRING, 86400}, {SPRING + HOUR, -86400}, {SPRING + 2 * HOUR, 0}};
    expect_agreement(berlin, 3);
    expect_agreement(lord_howe, 4);
    expect_agreement(samoa, 4);
    expect_agreement(back_at_once, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_is_not_given_is_utc),
        cmocka_unit_test(an_hour_that_comes_twice_is_the_later_one),
        cmocka_unit_test(an_hour_that_is_skipped_is_the_moment_of_it),
        cmocka_unit_test(before_1970_the_first_offset_holds),
        cmocka_unit_test(bounds_agree_with_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
