/* What a service manager is told: sd_notify(3)'s protocol, a datagram to the socket that
 * NOTIFY_SOCKET names. Without that variable nothing is sent, and all of this does nothing.
 *
 * Of the command that runs the parts, on the main thread; one to a process, from before the parts
 * start to after they have stopped. It owns a thread where WATCHDOG_USEC asks for signs of life.
 * What cannot be sent is lost, with a line at level debug: no service fails because its manager is
 * deaf. Errors: VB_NO_MEMORY where the system gives no thread.
 */
#ifndef VERBATIM_SETTINGS_SUPERVISOR_H
#define VERBATIM_SETTINGS_SUPERVISOR_H

#include "verbatim/status.h"

#include <stdint.h>

struct vb_supervisor;

/* Reads the environment. WATCHDOG=1 goes out three times in WATCHDOG_USEC, for as long as no loop
 * is silent (liveness.h): one that hangs leaves the manager to end the process. */
enum vb_status vb_supervisor_start(struct vb_supervisor **ret_supervisor,
                                   struct vb_error *err) vb_must_check;
/* NULL is a no-op. */
void vb_supervisor_stop(struct vb_supervisor *supervisor);

/* Not ready yet, for a reason that may last: the manager waits so many microseconds more. */
void vb_supervisor_waiting(const char *reason, int64_t more);
/* It takes requests, or work. Also after a reload. */
void vb_supervisor_ready(const char *state);
void vb_supervisor_reloading(void);
/* Nothing new is taken; the end may take so many microseconds. */
void vb_supervisor_stopping(int64_t most);

#endif
