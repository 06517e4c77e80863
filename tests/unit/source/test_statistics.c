/* Numbers of an export: days in any order, and coarser units where there would be too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verbatim/statistics.h"

static int64_t day_of(int year, int month, int day)
{
    return vb_date_to_days((struct vb_date){year, month, day});
}

static void add(struct vb_statistics *statistics, int64_t day, enum vb_speaker who, uint64_t count)
{
    assert_int_equal(vb_statistics_add(statistics, day, who, count), VB_OK);
}

static void days_are_sorted_and_summed(void **unused)
{
    (void)unused;
    struct vb_statistics statistics = {0};
    for (int64_t i = 0; i < 300; i++)
        add(&statistics, day_of(2026, 1, 1) + i * 7 % 300, VB_SPEAKER_BOT, 1);
    add(&statistics, day_of(2026, 1, 2), VB_SPEAKER_CUSTOMER, 5);
    assert_int_equal(statistics.day_count, 300);
    assert_int_equal(statistics.unit, VB_CALENDAR_DAYS);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(statistics.days[i].day, day_of(2026, 1, 1) + (int64_t)i);
        assert_int_equal(statistics.days[i].messages[VB_SPEAKER_BOT], 1);
    }
    assert_int_equal(statistics.days[1].messages[VB_SPEAKER_CUSTOMER], 5);
    vb_statistics_done(&statistics);
}

static void long_times_are_counted_by_months_then_years(void **unused)
{
    (void)unused;
    struct vb_statistics statistics = {0};
    int64_t first = day_of(2025, 1, 31);
    add(&statistics, first, VB_SPEAKER_AGENT, 1);
    add(&statistics, first + VB_DAYS_MOST, VB_SPEAKER_AGENT, 1);
    assert_int_equal(statistics.unit, VB_CALENDAR_DAYS);
    add(&statistics, first + VB_DAYS_MOST + 1, VB_SPEAKER_AGENT, 1);
    assert_int_equal(statistics.unit, VB_CALENDAR_MONTHS);
    assert_int_equal(statistics.day_count, 2);
    assert_int_equal(statistics.days[0].day, day_of(2025, 1, 1));
    assert_int_equal(statistics.days[1].messages[VB_SPEAKER_AGENT], 2);
    add(&statistics, day_of(1, 1, 1), VB_SPEAKER_OTHER, 1);
    assert_int_equal(statistics.unit, VB_CALENDAR_YEARS);
    assert_int_equal(statistics.days[0].day, day_of(1, 1, 1));
    assert_int_equal(statistics.days[2].day, day_of(2026, 1, 1));
    assert_int_equal(
        vb_calendar_distance(VB_CALENDAR_YEARS, statistics.days[0].day, statistics.days[2].day),
        2025);
    vb_statistics_done(&statistics);
}

static void another_order_gives_the_same(void **unused)
{
    (void)unused;
    struct vb_statistics up = {0}, down = {0};
    for (int64_t i = 0; i < 2000; i++) {
        add(&up, day_of(2020, 5, 5) + i, VB_SPEAKER_BOT, (uint64_t)i);
        add(&down, day_of(2020, 5, 5) + 1999 - i, VB_SPEAKER_BOT, (uint64_t)(1999 - i));
    }
    assert_int_equal(up.unit, VB_CALENDAR_MONTHS);
    assert_int_equal(down.unit, VB_CALENDAR_MONTHS);
    assert_int_equal(up.day_count, down.day_count);
    assert_memory_equal(up.days, down.days, up.day_count * sizeof *up.days);
    vb_statistics_done(&up);
    vb_statistics_done(&down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_sorted_and_summed),
        cmocka_unit_test(long_times_are_counted_by_months_then_years),
        cmocka_unit_test(another_order_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
