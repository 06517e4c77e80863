/* The watch over the storage, while the wall clock jumps. */
#include "storage/watch.h"

#include "verbatim/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic time_t ahead; /* seconds that the wall clock was ahead before it was set back */

/* In the place of the C library's. The kernel's own clocks, which waits go by, stay as they are.
 * NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME)
        time->tv_sec += ahead;
    return result;
}

static bool becomes(struct vb_storage_watch *watch, bool wanted, int seconds)
{
    for (int i = 0; i < seconds * 20; i++) {
        if (vb_storage_watch_ready(watch) == wanted)
            return true;
        vb_clock_sleep(VB_SECOND / 20);
    }
    return false;
}

static void a_clock_that_was_set_back_stalls_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/verbatim-watch-XXXXXX", url[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(url, sizeof(url), "file://%s", folder);
    char name[] = "verbatim", option[] = "--storage";
    char *arguments[] = {name, option, url};
    char *environment[] = {NULL};
    struct vb_options options;
    struct vb_error err = {0};
    struct vb_storage *storage = NULL;
    struct vb_storage_watch *watch = NULL;
    assert_int_equal(vb_options_load(3, arguments, environment, &options, &err), VB_OK);
    assert_int_equal(vb_storage_new(&options, &storage, &err), VB_OK);
    ahead = 3600;
    assert_int_equal(vb_storage_watch_start(storage, &watch, &err), VB_OK);
    assert_true(becomes(watch, true, 5));
    assert_int_equal(chmod(folder, 0), 0);
    char away[sizeof(folder) + 8];
    (void)snprintf(away, sizeof(away), "%s-away", folder);
    assert_int_equal(rename(folder, away), 0);
    assert_true(becomes(watch, false, 12)); /* it looks every five seconds */
    vb_storage_watch_stop(watch);
    vb_storage_free(storage);
    vb_options_done(&options);
    assert_int_equal(chmod(away, 0700), 0);
    (void)snprintf(url, sizeof(url), "%s/.verbatim-store", away);
    (void)unlink(url);
    (void)rmdir(away);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_was_set_back_stalls_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
