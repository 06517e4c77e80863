/* Logging to standard error, one line an event, as text or JSON.
 *
 * Who a line is about (job, request, workspace) is put into the thread's context once and stands in
 * every line of that thread until taken off, so no message can forget it. Library code returns
 * errors; only the top (worker, request, command) logs them. Never pass a secret, key, signature or
 * the query string of a link. The context belongs to its thread and ends with it; texts are copied.
 * Any thread may log: one write(2) a line, so lines of threads and processes do not mix. No errors:
 * a line that cannot be written is lost. A message is cut at 2,047 bytes.
 */
#ifndef VERBATIM_LOG_H
#define VERBATIM_LOG_H

#include "verbatim/status.h"

enum vb_log_level { VB_LOG_DEBUG, VB_LOG_INFO, VB_LOG_WARN, VB_LOG_ERROR };
enum vb_log_format { VB_LOG_TEXT, VB_LOG_JSON };

/* Before any thread starts. The default is info, text. */
void vb_log_setup(enum vb_log_level level, enum vb_log_format format);
/* At any time. */
void vb_log_set_level(enum vb_log_level level);
bool vb_log_enabled(enum vb_log_level level);

void vb_log(enum vb_log_level level, const char *format, ...) vb_printf_like(2, 3);

#define vb_debug(...) vb_log(VB_LOG_DEBUG, __VA_ARGS__)
#define vb_info(...) vb_log(VB_LOG_INFO, __VA_ARGS__)
#define vb_warn(...) vb_log(VB_LOG_WARN, __VA_ARGS__)
#define vb_error_log(...) vb_log(VB_LOG_ERROR, __VA_ARGS__)

/* The thread's context. Values are copied, cut at 63 bytes; NULL takes the field off. */
enum vb_log_field { VB_LOG_JOB, VB_LOG_REQUEST, VB_LOG_WORKSPACE, VB_LOG_THREAD, VB_LOG_FIELDS };
void vb_log_set(enum vb_log_field field, const char *value);

#endif
