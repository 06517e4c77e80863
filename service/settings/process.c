/* Signals, limits and memory of the process. No handler ever runs: signals are blocked and waited
 * for.
 *
 * The main thread waits; when it stops the parts, a thread of its own watches the time and the
 * second signal. The numbers for memory are those of docs/memory-budget.md.
 *
 * Everything about a process that is global in C stands here and nowhere else: signal dispositions,
 * limits, malloc's options, the stack size of threads, libcurl's start. The order is: guard first,
 * in every command; then prepare; then block signals; only then threads, which inherit the mask and
 * the stack size.
 */
#include "process.h"

#include "reload.h"

#include "verbatim/log.h"

#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* malloc would make one for up to eight times the cores, each keeping what it once had. */
#define HEAPS 2
#define MAPPED_FROM                                                                                \
    (128 * 1024) /* larger pieces are mapped, and go back to the system when freed */
/* Of all threads made afterwards, those of libraries included; the main thread keeps its own. */
#define STACK_SIZE (1024u * 1024u)
/* More would only lengthen loops over all descriptors that libraries make. */
#define FILES_MOST 65536u

/* Of the main thread alone, so without a lock. */
static int signal_that_came;

void vb_process_guard(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    /* For all that writes: sendfile, libpq's and libcurl's sockets know no flag against it, or
     * not everywhere. */
    signal(SIGPIPE, SIG_IGN);
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max < FILES_MOST ? limit.rlim_max : FILES_MOST;
    /* Best effort: the limits of the HTTP front end hold under any value. */
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        vb_debug("the limit of open files stays as it is");
}

unsigned vb_process_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024; /* what POSIX systems commonly begin with */
    return limit.rlim_cur < FILES_MOST ? (unsigned)limit.rlim_cur : FILES_MOST;
}

enum vb_status vb_process_prepare(struct vb_error *err)
{
    pthread_attr_t attributes;
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TRIM_THRESHOLD, MAPPED_FROM);
    int failed = pthread_attr_init(&attributes);
    if (!failed) {
        failed = pthread_attr_setstacksize(&attributes, STACK_SIZE);
        if (!failed)
            failed = pthread_setattr_default_np(&attributes);
        pthread_attr_destroy(&attributes);
    }
    if (failed)
        return vb_fail_system(err, VB_NO_MEMORY, failed, "cannot set the size of stacks");
    raise_file_limit();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return vb_fail(err, VB_NO_MEMORY, "libcurl cannot be set up");
    return VB_OK;
}

/* By default the harmless ones would kill the process without a word. They are sent by habit: by
 * scripts that reload or rotate logs, by a terminal that closes. */
static const struct {
    int number;
    const char *harmless; /* what the log says; NULL: a signal to end */
} signals[] = {
    {SIGTERM, NULL},
    {SIGINT, NULL},
    {SIGHUP, "SIGHUP: nothing is reloaded while the process stops"},
    {SIGUSR1, "SIGUSR1: means nothing here"},
    {SIGUSR2, "SIGUSR2: means nothing here"},
};
#define SIGNALS (sizeof signals / sizeof *signals)

/* One set for blocking and for waiting: a signal that is in one only would be lost or deadly. */
static sigset_t awaited(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&set, signals[i].number);
    return set;
}

/* False, and a line in the log, for a harmless one. Only while the process runs on is there
 * anything to reload. */
static bool ends_process(int number, bool is_stopping)
{
    if (number == SIGHUP && !is_stopping) {
        vb_reload_run();
        return false;
    }
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i].number == number && signals[i].harmless) {
            vb_info("%s", signals[i].harmless);
            return false;
        }
    return true;
}

void vb_signals_block(void)
{
    sigset_t set = awaited();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Waits until `until` on the monotonic clock; the signal to end that came, or 0. */
static int wait_until(int64_t until, bool is_stopping)
{
    sigset_t set = awaited();
    for (;;) {
        int64_t left = until - vb_clock_monotonic();
        if (left < 0)
            left = 0;
        struct timespec rest = {left / VB_SECOND, (left % VB_SECOND) * 1000};
        int number = sigtimedwait(&set, NULL, &rest);
        if (number > 0 && ends_process(number, is_stopping))
            return number;
        if (number < 0 && left == 0) /* EAGAIN; EINTR goes round again */
            return 0;
    }
}

bool vb_signals_wait(int64_t microseconds)
{
    if (!signal_that_came)
        signal_that_came = wait_until(vb_clock_monotonic() + microseconds, false);
    return signal_that_came != 0;
}

bool vb_signals_is_interrupt(void)
{
    return signal_that_came == SIGINT;
}

/* _exit and not exit: other threads still run, and handlers of exit would free what they use. */
static void *watch(void *argument)
{
    int64_t until = *(const int64_t *)argument;
    if (wait_until(until, true) != 0)
        vb_warn("a second signal: ending at once; what ran is taken over when its lease ends");
    else
        vb_error_log("the parts did not stop in time: ending; what ran is taken over when its "
                     "lease ends");
    _exit(1);
}

enum vb_status vb_signals_set_deadline(int64_t microseconds, struct vb_error *err)
{
    static int64_t until; /* read by the thread at any later time */
    pthread_t thread;
    until = vb_clock_monotonic() + microseconds;
    int failed = pthread_create(&thread, NULL, watch, &until);
    if (failed)
        return vb_fail_system(err, VB_NO_MEMORY, failed, "cannot start a thread");
    pthread_detach(thread);
    return VB_OK;
}
