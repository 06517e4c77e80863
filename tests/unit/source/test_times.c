/* Times in their units: bounds agree with what rows read as, on both sides of each; cursors keep
 * what an instant cannot tell, also as text. */
#include "source/times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START (INT64_C(1780000000) * VB_SECOND)

/* A value as the server sends it. */
static vb_instant read_number(enum vb_time_unit unit, const void *value,
                              struct vb_cursor *ret_cursor)
{
    const struct vb_column column = {.type = VB_TYPE_INT8, .unit = unit};
    uint64_t bits;
    char bytes[8];
    memcpy(&bits, value, sizeof bits);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> (56 - 8 * i));
    assert_int_equal(vb_time_decode(&column, (struct vb_view){bytes, 8}, ret_cursor), VB_OK);
    return ret_cursor->at;
}

static int64_t bound_of(enum vb_time_unit unit, vb_instant instant)
{
    const struct vb_column column = {.type = VB_TYPE_INT8, .unit = unit};
    char text[VB_TIME_TEXT];
    vb_time_text(&column, instant, text);
    return strtoll(text, NULL, 10);
}

/* The bound is the least value that reads as the instant or later. */
static void expect_least(enum vb_time_unit unit, vb_instant instant)
{
    struct vb_cursor cursor;
    int64_t bound = bound_of(unit, instant), before = bound - 1;
    assert_true(read_number(unit, &bound, &cursor) >= instant);
    assert_true(read_number(unit, &before, &cursor) < instant);
}

static void bounds_of_integers_are_the_least_that_fit(void **state)
{
    (void)state;
    const vb_instant instants[] = {START,          START + 1, START - 1, START + 999999,
                                   START + 1500,   0,         1,         -1,
                                   -VB_SECOND - 1, -START,    1 - START};
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++)
        for (enum vb_time_unit unit = VB_UNIT_S; unit <= VB_UNIT_NS; unit++)
            expect_least(unit, instants[i]);
}

static void bounds_of_fractions_are_the_least_that_fit(void **state)
{
    (void)state;
    const struct vb_column column = {.type = VB_TYPE_FLOAT8, .unit = VB_UNIT_EPOCH};
    struct vb_cursor cursor;
    char text[VB_TIME_TEXT];
    for (vb_instant instant = START - 500; instant < START + 500; instant++) {
        vb_time_text(&column, instant, text);
        double bound = strtod(text, NULL);
        uint64_t bits;
        memcpy(&bits, &bound, sizeof bits);
        bits--; /* the double before it */
        double before;
        memcpy(&before, &bits, sizeof before);
        assert_int_equal(read_number(VB_UNIT_EPOCH, &bound, &cursor), instant);
        assert_true(read_number(VB_UNIT_EPOCH, &before, &cursor) < instant);
    }
}

static void bounds_beyond_nanoseconds_are_beyond_all_of_them(void **state)
{
    (void)state;
    assert_int_equal(bound_of(VB_UNIT_NS, VB_TIME_FIRST), INT64_MIN);
    assert_int_equal(bound_of(VB_UNIT_NS, VB_TIME_LAST_DAY), INT64_MAX);
}

static void numbers_beyond_the_years_are_no_times(void **state)
{
    (void)state;
    const struct vb_column column = {.type = VB_TYPE_INT8, .unit = VB_UNIT_S};
    struct vb_cursor cursor;
    assert_int_equal(
        vb_time_decode(&column, (struct vb_view){"\x7f\xff\xff\xff\xff\xff\xff\xff", 8}, &cursor),
        VB_SOURCE);
    assert_int_equal(
        vb_time_decode(&column, (struct vb_view){"\x80\x00\x00\x00\x00\x00\x00\x00", 8}, &cursor),
        VB_SOURCE);
    assert_int_equal(vb_time_decode(&column, (struct vb_view){NULL, 0}, &cursor), VB_SOURCE);
}

static void cursors_of_fine_times_keep_the_very_value(void **state)
{
    (void)state;
    const struct vb_column column = {.type = VB_TYPE_INT8, .unit = VB_UNIT_NS};
    int64_t value = INT64_C(1780000000123456789);
    struct vb_cursor cursor, again;
    char text[VB_TIME_TEXT], kept[VB_CURSOR_TEXT];
    assert_int_equal(read_number(VB_UNIT_NS, &value, &cursor), START + 123456);
    (void)snprintf(cursor.id, sizeof cursor.id, "an id");
    vb_cursor_write(&cursor, kept);
    again.at = cursor.at;
    vb_cursor_read(kept, &again);
    assert_string_equal(again.id, "an id");
    vb_time_cursor_text(&column, &again, text);
    assert_string_equal(text, "1780000000123456789");
}

static void an_id_is_kept_as_it_is(void **state)
{
    (void)state;
    static const char *const ids[] = {"", "7", "5\0377", "\037"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct vb_cursor cursor = {.at = START}, again = {0};
        char kept[VB_CURSOR_TEXT];
        (void)snprintf(cursor.id, sizeof cursor.id, "%s", ids[i]);
        vb_cursor_write(&cursor, kept);
        vb_cursor_read(kept, &again);
        assert_string_equal(again.id, ids[i]);
        assert_string_equal(again.exact, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_of_integers_are_the_least_that_fit),
        cmocka_unit_test(bounds_of_fractions_are_the_least_that_fit),
        cmocka_unit_test(bounds_beyond_nanoseconds_are_beyond_all_of_them),
        cmocka_unit_test(numbers_beyond_the_years_are_no_times),
        cmocka_unit_test(cursors_of_fine_times_keep_the_very_value),
        cmocka_unit_test(an_id_is_kept_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
