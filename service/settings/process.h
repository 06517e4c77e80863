/* Surroundings of a process that runs on: signals, limits, memory. Used by main and by serve and
 * worker.
 *
 * Global state of the process, owned by nobody and never undone. The main thread's, in the order
 * below; vb_process_files is for any. Errors: VB_NO_MEMORY where the system refuses. What is set
 * lasts until the process ends.
 */
#ifndef VERBATIM_SETTINGS_PROCESS_H
#define VERBATIM_SETTINGS_PROCESS_H

#include "verbatim/clock.h"

/* For every command, before any thread: no core dump may hold a key, and a closed pipe is an
 * error, not a death. */
void vb_process_guard(void);
/* For serve and worker, before any thread: few heaps, small stacks, many files; libcurl set up. */
enum vb_status vb_process_prepare(struct vb_error *err) vb_must_check;

/* Files that the process may have open. */
unsigned vb_process_files(void);

/* SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 are blocked in all threads started after this,
 * and waited for by the main thread alone. The last three end nothing: SIGHUP reloads
 * (settings/reload.h), the others are logged. */
void vb_signals_block(void);
/* True once a signal to end has come; waits for one at most so many microseconds. Once true,
 * always true. */
bool vb_signals_wait(int64_t microseconds);
/* Whether it was SIGINT, by which somebody at a terminal asks, who does not want to wait. */
bool vb_signals_is_interrupt(void);
/* From here on the process ends by itself: at the next signal to end, or after so many
 * microseconds. Returns when the watching thread runs. */
enum vb_status vb_signals_set_deadline(int64_t microseconds, struct vb_error *err) vb_must_check;

#endif
