/* What this process uses of the machine, as Prometheus's client libraries name it (process_*), and
 * which build it is.
 *
 * Owns nothing; any thread. Reads files below /proc, so it is for somebody who asks now and then. A
 * figure that cannot be read is left out, which is what an alert on its absence expects; else only
 * the buffer's statuses.
 */
#ifndef VERBATIM_SETTINGS_USAGE_H
#define VERBATIM_SETTINGS_USAGE_H

#include "verbatim/buffer.h"

/* process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
 * process_open_fds, process_max_fds, process_start_time_seconds, process_threads. */
enum vb_status vb_usage_write(struct vb_buffer *out) vb_must_check;

#endif
