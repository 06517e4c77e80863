/* Names of statuses, which of them may pass, and filling in of errors. See status.h.
 *
 * Errors lie with the caller, usually on the stack: nothing is allocated, so running out of memory
 * can be told as well. Texts are for people and are cut at a character where they are too long.
 *
 * The table is the only place that says whether a failure may be repeated. A caller that knows
 * better has found two events under one status: they become two, and the callers stay without lists
 * of their own. Never retryable are those that a repetition meets again (VB_INVALID, VB_DENIED,
 * VB_UNTRUSTED, VB_DATABASE, VB_STORAGE, VB_SOURCE, VB_LIMIT) and those that forbid one (VB_FENCED,
 * VB_STOPPED).
 */
#define VB_STATUS_IMPLEMENTATION
#include "verbatim/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool is_retryable;
} statuses[VB_STATUS_COUNT] = {
    [VB_OK] = {"ok", false},
    [VB_AGAIN] = {"again", false},
    [VB_END] = {"end", false},
    [VB_INVALID] = {"invalid", false},
    [VB_NOT_FOUND] = {"not_found", false},
    [VB_CONFLICT] = {"conflict", false},
    [VB_DENIED] = {"denied", false},
    [VB_EXPIRED] = {"expired", true},
    [VB_LIMIT] = {"limit", false},
    [VB_NO_MEMORY] = {"no_memory", true},
    [VB_IO] = {"io", true},
    [VB_NETWORK] = {"network", true},
    [VB_UNTRUSTED] = {"untrusted", false},
    [VB_DATABASE] = {"database", false},
    [VB_DATABASE_AWAY] = {"database_away", true},
    [VB_STORAGE] = {"storage", false},
    [VB_STORAGE_AWAY] = {"storage_away", true},
    [VB_SOURCE] = {"source", false},
    [VB_FENCED] = {"fenced", false},
    [VB_STOPPED] = {"stopped", false},
    [VB_CORRUPT] = {"corrupt", false},
};

/* These also take values that came from outside, where nothing vouches for the range. */
const char *vb_status_name(enum vb_status status)
{
    return (unsigned)status < VB_STATUS_COUNT ? statuses[status].name : "unknown";
}

bool vb_status_retryable(enum vb_status status)
{
    return (unsigned)status < VB_STATUS_COUNT && statuses[status].is_retryable;
}

/* ENOSPC, EDQUOT, EMFILE, EIO and all that is not named are VB_IO, which may pass. ENOENT has a
 * status of its own: for some callers it is no failure. */
enum vb_status vb_status_of_errno(int system_code)
{
    switch (system_code) {
    case ENOENT:
        return VB_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: /* a link where none may be followed */
    case ENOTDIR:
        return VB_DENIED;
    case ENAMETOOLONG:
        return VB_INVALID;
    case ENOMEM:
        return VB_NO_MEMORY;
    default:
        return VB_IO;
    }
}

void vb_error_clear(struct vb_error *err)
{
    if (err)
        *err = (struct vb_error){.status = VB_OK};
}

/* Drops a UTF-8 sequence that snprintf cut in the middle. */
static void cut_at_character(char *text)
{
    size_t length = strlen(text);
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (length - (start - 1) < need)
        text[start - 1] = '\0';
}

/* Declared first: gcc takes the attribute in this place on a declaration alone. */
static enum vb_status fill(struct vb_error *err, enum vb_status status, const char *format,
                           va_list arguments) __attribute__((format(printf, 3, 0)));

static enum vb_status fill(struct vb_error *err, enum vb_status status, const char *format,
                           va_list arguments)
{
    if (!err)
        return status;
    /* Arguments may point into err->text itself, so the text is built beside it. */
    char text[sizeof err->text];
    vsnprintf(text, sizeof text, format, arguments);
    cut_at_character(text);
    *err = (struct vb_error){.status = status};
    memcpy(err->text, text, sizeof text);
    return status;
}

enum vb_status vb_fail(struct vb_error *err, enum vb_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, status, format, arguments);
    va_end(arguments);
    return status;
}

/* The system's words come last and are cut first where the text is full. */
enum vb_status vb_fail_system(struct vb_error *err, enum vb_status status, int system_code,
                              const char *format, ...)
{
    if (!err)
        return status;
    char reason[128];
    va_list arguments;
    va_start(arguments, format);
    fill(err, status, format, arguments);
    va_end(arguments);
    err->system_code = system_code;
    /* The GNU strerror_r: thread-safe, and may return a static string. */
    const char *text = strerror_r(system_code, reason, sizeof reason);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", text);
    cut_at_character(err->text);
    return status;
}

/* The inner text is kept at its end, where it says what happened; the words before it say where. */
enum vb_status vb_fail_within(struct vb_error *err, enum vb_status status, const char *format, ...)
{
    if (!err)
        return status;
    char prefix[sizeof err->text / 2];
    char whole[sizeof prefix + sizeof err->text + 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s: %s", prefix, err->text);
    whole[sizeof err->text - 1] = '\0';
    cut_at_character(whole);
    memcpy(err->text, whole, strlen(whole) + 1);
    err->status = status;
    return status;
}
