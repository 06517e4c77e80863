/* What a service manager hears, at a real datagram socket, and when it is told no more. */
#include "settings/supervisor.h"

#include "verbatim/clock.h"
#include "verbatim/liveness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/verbatim-supervisor-XXXXXX";
static int manager;

static void listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    memcpy(address.sun_path, name, strlen(name));
    if (*name == '@')
        address.sun_path[0] = '\0';
    struct timeval patience = {.tv_sec = 10};
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&address, length), 0);
    assert_int_equal(
        setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, (socklen_t)sizeof patience), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static int set_up(void **state)
{
    char name[64];
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/verbatim-supervisor-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(name, sizeof name, "%s/notify", folder);
    listen_at(name);
    return 0;
}

static int tear_down(void **state)
{
    char name[64];
    (void)state;
    snprintf(name, sizeof name, "%s/notify", folder);
    close(manager);
    unlink(name);
    rmdir(folder);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

/* "": nothing came in time. */
static const char *heard(int flags)
{
    static char message[1024];
    ssize_t length = recv(manager, message, sizeof message - 1, flags);
    message[length > 0 ? length : 0] = '\0';
    return message;
}

static void each_state_is_a_datagram(void **state)
{
    (void)state;
    vb_supervisor_waiting("waiting for the database", 60 * VB_SECOND);
    assert_string_equal(heard(0), "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=waiting for the database");
    vb_supervisor_ready("taking requests");
    assert_string_equal(heard(0), "READY=1\nSTATUS=taking requests");
    int64_t before = vb_clock_monotonic();
    long long at = -1;
    vb_supervisor_reloading();
    assert_int_equal(sscanf(heard(0), "RELOADING=1\nMONOTONIC_USEC=%lld", &at), 1);
    assert_in_range(at, before, vb_clock_monotonic());
    vb_supervisor_stopping(20 * VB_SECOND);
    assert_string_equal(heard(0), "STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000\nSTATUS=stopping");
}

static void a_reason_adds_no_variables(void **state)
{
    (void)state;
    vb_supervisor_waiting("one line\nREADY=1", VB_SECOND);
    assert_string_equal(heard(0), "EXTEND_TIMEOUT_USEC=1000000\nSTATUS=one line");
}

static void a_name_in_the_abstract_space_is_understood(void **state)
{
    char name[64];
    (void)state;
    close(manager);
    snprintf(name, sizeof name, "@verbatim-supervisor-%d", getpid());
    listen_at(name);
    vb_supervisor_ready("working");
    assert_string_equal(heard(0), "READY=1\nSTATUS=working");
}

static void a_deaf_manager_harms_nobody(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/", "relative", "vsock:2:1", "/nonexistent/notify"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", bad[i], 1), 0);
        vb_supervisor_ready("working");
    }
    unsetenv("NOTIFY_SOCKET");
    vb_supervisor_ready("working");
    assert_string_equal(heard(MSG_DONTWAIT), "");
}

static struct vb_supervisor *start(const char *limit, const char *pid)
{
    struct vb_supervisor *supervisor = NULL;
    struct vb_error err;
    assert_int_equal(setenv("WATCHDOG_USEC", limit, 1), 0);
    if (pid)
        assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    assert_int_equal(vb_supervisor_start(&supervisor, &err), VB_OK);
    return supervisor;
}

static void signs_of_life_go_out_while_all_loops_go_round(void **state)
{
    char pid[24];
    struct vb_liveness loop = {0}, other = {0};
    (void)state;
    snprintf(pid, sizeof pid, "%d", getpid());
    vb_liveness_join(&loop, "a loop", 3600 * VB_SECOND);
    vb_liveness_join(&other, "another", 3600 * VB_SECOND);
    struct vb_supervisor *supervisor = start("150000", pid);
    for (int i = 0; i < 3; i++)
        assert_string_equal(heard(0), "WATCHDOG=1");
    vb_supervisor_stop(supervisor);
    vb_liveness_leave(&other);
    vb_liveness_leave(&loop);
}

/* One of several that hangs is enough; once it goes round again, or is gone, all is well. */
static void a_silent_loop_ends_them(void **state)
{
    struct vb_liveness lively = {0}, silent = {0};
    (void)state;
    vb_liveness_join(&silent, "a loop that hangs", -1);
    vb_liveness_join(&lively, "a lively one", 3600 * VB_SECOND);
    struct vb_supervisor *supervisor = start("150000", NULL);
    vb_clock_sleep(VB_SECOND / 2);
    assert_string_equal(heard(MSG_DONTWAIT), "");
    vb_liveness_leave(&silent);
    assert_string_equal(heard(0), "WATCHDOG=1");
    vb_supervisor_stop(supervisor);
    vb_liveness_leave(&lively);
}

static void no_watchdog_where_none_is_asked_for(void **state)
{
    static const char *const limits[] = {"", "0", "-1", "1e6", "99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        assert_null(start(limits[i], NULL));
    assert_null(start("150000", "1")); /* another process's */
    vb_supervisor_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_state_is_a_datagram, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reason_adds_no_variables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_in_the_abstract_space_is_understood, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_deaf_manager_harms_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signs_of_life_go_out_while_all_loops_go_round, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_silent_loop_ends_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_watchdog_where_none_is_asked_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
