/* Durations and sizes: exact units, whole numbers, nothing that does not fit. */
#include "rules/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void durations_have_one_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t microseconds;
    } good[] = {{"0s", 0},
                {"500ms", 500000},
                {"30s", 30000000},
                {"5m", 300000000},
                {"24h", INT64_C(86400000000)},
                {"7d", INT64_C(604800000000)}};
    static const char *const bad[] = {"",
                                      "s",
                                      "30",
                                      "30 s",
                                      "30S",
                                      "-1s",
                                      "+1s",
                                      "1.5h",
                                      "1h30m",
                                      "99999999999999999999s",
                                      "999999999999999d"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = -1;
        assert_int_equal(vb_duration_parse(good[i].text, &value), VB_OK);
        assert_int_equal(value, good[i].microseconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = -1;
        assert_int_equal(vb_duration_parse(bad[i], &value), VB_INVALID);
        assert_int_equal(value, -1);
    }
}

static void sizes_are_bytes_or_powers_of_two(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},           {"5242880", 5242880}, {"12B", 12},
                {"100KiB", 102400}, {"6MiB", 6291456},    {"1GiB", UINT64_C(1073741824)}};
    static const char *const bad[] = {
        "", "MiB", "6MB", "6mib", "6 MiB", "-6", "0x10", "9223372036854775808", "9000000000GiB"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t value = 1;
        assert_int_equal(vb_size_parse(good[i].text, &value), VB_OK);
        assert_int_equal(value, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t value = 1;
        assert_int_equal(vb_size_parse(bad[i], &value), VB_INVALID);
        assert_int_equal(value, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_one_unit),
        cmocka_unit_test(sizes_are_bytes_or_powers_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
