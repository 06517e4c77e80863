/* Lines on standard error, as text or JSON, with the thread's job, request and workspace. See
 * log.h.
 *
 * Settings are made before threads start, but for the level, and are read without a lock; the
 * context belongs to its thread. A line is one write(2), so lines of several threads and
 * processes do not mix (up to PIPE_BUF, 4,096 bytes on Linux, on a pipe). Secrets are kept out
 * by the callers: nobody formats a key, a signature or a connection string.
 *
 * Logging must never be what a process dies of: no memory, a closed standard error or a full disk
 * lose the line and nothing else. A write that is cut short is not continued, since the rest might
 * land inside another line.
 */
#include "verbatim/log.h"

#include "verbatim/clock.h"
#include "verbatim/json.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A longer value is cut: ids and names fit. */
#define VALUE_SIZE 64
/* A line that does not fit is dropped; the message itself is cut at 2 KiB before, and only one full
 * of control characters grows past this as JSON, sixfold. */
#define LINE_CEILING 8192

static _Atomic enum vb_log_level threshold = VB_LOG_INFO;
static enum vb_log_format line_format = VB_LOG_TEXT;
/* "" is a field that is off. In the thread's own storage, so no lock and nothing to free at its
 * end. */
static _Thread_local char context[VB_LOG_FIELDS][VALUE_SIZE];

/* By enum vb_log_level and enum vb_log_field. The names are read by people's log pipelines:
 * docs/operator.md promises them. */
static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const field_names[VB_LOG_FIELDS] = {"job", "request", "workspace", "thread"};

void vb_log_setup(enum vb_log_level level, enum vb_log_format format)
{
    vb_log_set_level(level);
    line_format = format;
}

void vb_log_set_level(enum vb_log_level level)
{
    atomic_store_explicit(&threshold, level, memory_order_relaxed);
}

bool vb_log_enabled(enum vb_log_level level)
{
    return level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

void vb_log_set(enum vb_log_field field, const char *value)
{
    snprintf(context[field], VALUE_SIZE, "%s", value ? value : "");
}

/* Control characters of a message (a peer's words may hold them) become blanks: one line an event,
 * and no escape sequence reaches a terminal. */
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            *text = ' ';
}

/* Bytes that are no UTF-8, such as a message cut inside a character, become U+FFFD in the
 * writer. */
static enum vb_status compose_json(struct vb_buffer *line, const char *time, const char *level,
                                   const char *message)
{
    struct vb_json json;
    vb_json_init(&json, line);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "time", time);
    vb_json_member_text(&json, "level", level);
    for (int i = 0; i < VB_LOG_FIELDS; i++)
        if (context[i][0])
            vb_json_member_text(&json, field_names[i], context[i]);
    vb_json_member_text(&json, "message", message);
    vb_json_end_object(&json);
    return vb_json_status(&json);
}

/* For people and journald: no quoting, so a value with blanks cannot be told from what follows
 * it. */
static enum vb_status compose_text(struct vb_buffer *line, const char *time, const char *level,
                                   const char *message)
{
    enum vb_status status = vb_buffer_printf(line, "%s %-5s", time, level);
    for (int i = 0; i < VB_LOG_FIELDS && status == VB_OK; i++)
        if (context[i][0])
            status = vb_buffer_printf(line, " %s=%s", field_names[i], context[i]);
    if (status == VB_OK)
        status = vb_buffer_printf(line, " %s", message);
    if (line->data)
        flatten(line->data);
    return status;
}

/* The buffer is the line's own: nothing is shared between threads but the file descriptor. */
void vb_log(enum vb_log_level level, const char *format, ...)
{
    if (!vb_log_enabled(level))
        return;
    char message[2048], time[VB_INSTANT_TEXT + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    vb_instant_text(vb_clock_now(), time);
    memcpy(time + strlen(time), "Z", 2);

    struct vb_buffer line;
    vb_buffer_init(&line, LINE_CEILING);
    enum vb_status status = line_format == VB_LOG_JSON
                                ? compose_json(&line, time, level_names[level], message)
                                : compose_text(&line, time, level_names[level], message);
    if (status == VB_OK && vb_buffer_append_byte(&line, '\n') == VB_OK) {
        ssize_t written = write(STDERR_FILENO, line.data, line.length);
        (void)written; /* nobody is left to tell */
    }
    vb_buffer_done(&line);
}
