/* Turns of statements and the pauses between them. Times are lower bounds, but where a pause of a
 * minute is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "../../../export/source/pace.h"
#include "verbatim/clock.h"
#include "verbatim/thread.h"

#define MILLISECOND (VB_SECOND / 1000)

static bool is_set(void *flag)
{
    return *(atomic_bool *)flag;
}

static const struct vb_stop never = {NULL, NULL};

static int make(void **state)
{
    struct vb_error err;
    struct vb_pace *pace = NULL;
    int failed = vb_pace_new(&pace, &err) != VB_OK;
    *state = pace;
    return failed;
}

static int unmake(void **state)
{
    vb_pace_free(*state);
    return 0;
}

static void full_speed_has_no_turns(void **state)
{
    (void)state;
    struct vb_error err;
    assert_int_equal(vb_pace_enter(NULL, &never, &err), VB_OK);
    assert_int_equal(vb_pace_enter(NULL, &never, &err), VB_OK);
    vb_pace_leave(NULL, 60 * VB_SECOND);
    assert_false(vb_pace_reads_ahead(NULL));
    vb_pace_free(NULL);
}

static void a_pause_is_twice_the_time(void **state)
{
    struct vb_error err;
    assert_int_equal(vb_pace_enter(*state, &never, &err), VB_OK);
    vb_pace_leave(*state, 30 * MILLISECOND);
    int64_t since = vb_clock_monotonic();
    assert_int_equal(vb_pace_enter(*state, &never, &err), VB_OK);
    assert_true(vb_clock_monotonic() - since >= 55 * MILLISECOND);
    vb_pace_leave(*state, 0);
}

struct guest {
    struct vb_pace *pace;
    atomic_bool stop;
    atomic_int *count;
    int place; /* in which it had its turn, from 1; -1: it was stopped */
};

static void *visit(void *context)
{
    struct guest *guest = context;
    struct vb_error err;
    const struct vb_stop stop = {is_set, &guest->stop};
    enum vb_status status = vb_pace_enter(guest->pace, &stop, &err);
    guest->place = status == VB_OK ? atomic_fetch_add(guest->count, 1) + 1 : -1;
    if (status == VB_OK)
        vb_pace_leave(guest->pace, 0);
    return NULL;
}

static void start(struct guest *guest, struct vb_thread *thread)
{
    struct vb_error err;
    assert_int_equal(vb_thread_start(thread, "guest", visit, guest, &err), VB_OK);
    vb_clock_sleep(100 * MILLISECOND); /* it stands in the line by then */
}

/* In the middle of a pause of a minute. */
static void a_stop_ends_a_pause(void **state)
{
    struct vb_error err;
    atomic_int count = 0;
    struct guest guest = {.pace = *state, .count = &count};
    struct vb_thread thread = {0};
    assert_int_equal(vb_pace_enter(*state, &never, &err), VB_OK);
    vb_pace_leave(*state, 3600 * VB_SECOND);
    start(&guest, &thread);
    int64_t since = vb_clock_monotonic();
    guest.stop = true;
    vb_thread_join(&thread);
    assert_true(vb_clock_monotonic() - since < 30 * VB_SECOND);
    assert_int_equal(guest.place, -1);
}

/* The second of three gives up; nobody enters while the turn is taken. */
static void turns_come_in_the_order_of_asking(void **state)
{
    struct vb_error err;
    atomic_int count = 0;
    struct guest guests[3];
    struct vb_thread threads[3] = {0};
    assert_int_equal(vb_pace_enter(*state, &never, &err), VB_OK);
    for (size_t i = 0; i < 3; i++) {
        guests[i] = (struct guest){.pace = *state, .count = &count};
        start(&guests[i], &threads[i]);
    }
    assert_int_equal(count, 0);
    guests[1].stop = true;
    vb_thread_join(&threads[1]);
    assert_int_equal(count, 0);
    vb_pace_leave(*state, 0);
    vb_thread_join(&threads[0]);
    vb_thread_join(&threads[2]);
    assert_int_equal(guests[0].place, 1);
    assert_int_equal(guests[1].place, -1);
    assert_int_equal(guests[2].place, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_speed_has_no_turns),
        cmocka_unit_test_setup_teardown(a_pause_is_twice_the_time, make, unmake),
        cmocka_unit_test_setup_teardown(a_stop_ends_a_pause, make, unmake),
        cmocka_unit_test_setup_teardown(turns_come_in_the_order_of_asking, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
