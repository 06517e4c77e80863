/* Who is silent, and who only waits. */
#include "verbatim/clock.h"
#include "verbatim/liveness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void silence_beyond_patience_is_told(void **state)
{
    struct vb_liveness quick = {0}, slow = {0};
    int64_t now = vb_clock_monotonic(), silence = 0;
    (void)state;
    vb_liveness_join(&quick, "quick", VB_SECOND);
    vb_liveness_join(&slow, "slow", 60 * VB_SECOND);
    assert_null(vb_liveness_silent(now, &silence));
    assert_string_equal(vb_liveness_silent(now + 3600 * VB_SECOND, NULL), "slow");
    assert_string_equal(vb_liveness_silent(now + 30 * VB_SECOND, &silence), "quick");
    assert_in_range(silence, 28 * VB_SECOND, 30 * VB_SECOND);
    vb_liveness_leave(&quick);
    assert_null(vb_liveness_silent(now + 30 * VB_SECOND, NULL));
    vb_liveness_leave(&slow);
    assert_null(vb_liveness_silent(now + 3600 * VB_SECOND, NULL));
}

static void who_waits_for_another_is_not_silent(void **state)
{
    struct vb_liveness one = {0};
    int64_t later = vb_clock_monotonic() + 3600 * VB_SECOND;
    (void)state;
    vb_liveness_join(&one, "one", VB_SECOND);
    vb_liveness_rest(&one);
    assert_null(vb_liveness_silent(later, NULL));
    vb_liveness_beat(&one);
    assert_string_equal(vb_liveness_silent(later, NULL), "one");
    vb_liveness_leave(&one);
}

static void leaving_is_for_everybody(void **state)
{
    struct vb_liveness all[3] = {0}, stranger = {0};
    int64_t later = vb_clock_monotonic() + 3600 * VB_SECOND;
    (void)state;
    for (int i = 0; i < 3; i++)
        vb_liveness_join(&all[i], "one of three", VB_SECOND);
    vb_liveness_leave(&stranger);
    vb_liveness_leave(&all[1]); /* from the middle, then both ends */
    vb_liveness_leave(&all[1]);
    assert_non_null(vb_liveness_silent(later, NULL));
    vb_liveness_leave(&all[2]);
    assert_non_null(vb_liveness_silent(later, NULL));
    vb_liveness_leave(&all[0]);
    assert_null(vb_liveness_silent(later, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_beyond_patience_is_told),
        cmocka_unit_test(who_waits_for_another_is_not_silent),
        cmocka_unit_test(leaving_is_for_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
