/* See supervisor.h. A socket for each message: there are a few in a process's life, and one every
 * some seconds from the watchdog.
 *
 * The protocol is a stable interface of systemd's, and others speak it too; libsystemd itself would
 * bring four compressors into the process for one sendto.
 */
#include "supervisor.h"

#include "verbatim/clock.h"
#include "verbatim/digits.h"
#include "verbatim/liveness.h"
#include "verbatim/log.h"
#include "verbatim/pulse.h"
#include "verbatim/thread.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MOST 512
/* More often than this proves nothing, and less often would notice late with a long limit. */
#define SIGN_SHORTEST (VB_SECOND / 20)
#define SIGN_LONGEST (20 * VB_SECOND)

struct vb_supervisor {
    struct vb_thread thread;
    struct vb_pulse pulse;
    int64_t every; /* between two signs of life */
};

/* A path, or a name in the abstract space behind an @. False: nobody to tell, or a kind of socket
 * that is not known here. */
static bool find_socket(struct sockaddr_un *ret_address, socklen_t *ret_length)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t length = name ? strlen(name) : 0;
    if (length < 2 || length >= sizeof ret_address->sun_path || (*name != '/' && *name != '@'))
        return false;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, name, length);
    if (*name == '@')
        ret_address->sun_path[0] = '\0';
    *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

/* Does not wait: a manager whose queue is full is behind by more than this message. */
static void tell(const char *message)
{
    struct sockaddr_un address;
    socklen_t length;
    if (!find_socket(&address, &length))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
                         (const struct sockaddr *)&address, length) < 0)
        vb_debug("the service manager cannot be told: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* A line of the log is told once for each silence, not at each look. */
static void *watch(void *context)
{
    struct vb_supervisor *supervisor = context;
    bool told = false;
    vb_log_set(VB_LOG_THREAD, "watchdog");
    do {
        int64_t silence = 0;
        const char *silent = vb_liveness_silent(vb_clock_monotonic(), &silence);
        if (!silent)
            tell("WATCHDOG=1");
        else if (!told)
            vb_error_log("%s has not gone round for %lld s: the watchdog is told no more", silent,
                         (long long)(silence / VB_SECOND));
        told = silent != NULL;
    } while (!vb_pulse_wait(&supervisor->pulse, supervisor->every));
    return NULL;
}

/* 0: no signs of life are wanted, or those of another process (sd_watchdog_enabled(3)). */
static int64_t watchdog_limit(void)
{
    const char *limit = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t wanted = 0, process = 0;
    struct sockaddr_un address;
    socklen_t length;
    if (!limit || vb_digits_whole(vb_view_of(limit), &wanted) != VB_OK)
        return 0;
    if (pid && (vb_digits_whole(vb_view_of(pid), &process) != VB_OK || process != getpid()))
        return 0;
    return find_socket(&address, &length) ? wanted : 0;
}

enum vb_status vb_supervisor_start(struct vb_supervisor **ret_supervisor, struct vb_error *err)
{
    int64_t every = watchdog_limit() / 3;
    if (every == 0)
        return VB_OK;
    struct vb_supervisor *supervisor = calloc(1, sizeof *supervisor);
    if (!supervisor)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the watchdog");
    supervisor->every = every < SIGN_SHORTEST  ? SIGN_SHORTEST
                        : every > SIGN_LONGEST ? SIGN_LONGEST
                                               : every;
    vb_pulse_init(&supervisor->pulse);
    enum vb_status status =
        vb_thread_start(&supervisor->thread, "vb-watchdog", watch, supervisor, err);
    if (status == VB_OK) {
        *ret_supervisor = supervisor;
        return VB_OK;
    }
    vb_pulse_done(&supervisor->pulse);
    free(supervisor);
    return status;
}

void vb_supervisor_stop(struct vb_supervisor *supervisor)
{
    if (!supervisor)
        return;
    vb_pulse_request_stop(&supervisor->pulse);
    vb_thread_join(&supervisor->thread);
    vb_pulse_done(&supervisor->pulse);
    free(supervisor);
}

void vb_supervisor_waiting(const char *reason, int64_t more)
{
    char message[MESSAGE_MOST];
    snprintf(message, sizeof message, "EXTEND_TIMEOUT_USEC=%lld\nSTATUS=%.300s", (long long)more,
             reason);
    /* The rest would be read as variables of the protocol. */
    char *line = strchr(strchr(message, '\n') + 1, '\n');
    if (line)
        *line = '\0';
    tell(message);
}

void vb_supervisor_ready(const char *state)
{
    char message[MESSAGE_MOST];
    snprintf(message, sizeof message, "READY=1\nSTATUS=%.300s", state);
    tell(message);
}

/* The time is for Type=notify-reload, which systemd has since 253. */
void vb_supervisor_reloading(void)
{
    char message[MESSAGE_MOST];
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)vb_clock_monotonic());
    tell(message);
}

void vb_supervisor_stopping(int64_t most)
{
    char message[MESSAGE_MOST];
    snprintf(message, sizeof message, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\nSTATUS=stopping",
             (long long)most);
    tell(message);
}
