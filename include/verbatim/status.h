/* Status codes and the error value that travels with them.
 *
 * Every fallible function returns enum vb_status and takes an optional `struct vb_error *err` as
 * its last parameter. Library code fills the error and returns; only the top (a worker, a request,
 * a command) logs it. Results go through `ret_` parameters, written only on VB_OK. The error is the
 * caller's, a plain value with nothing to free, good until it is filled again; on VB_OK it may hold
 * anything. Any thread: nothing here has state.
 */
#ifndef VERBATIM_STATUS_H
#define VERBATIM_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#define vb_must_check __attribute__((warn_unused_result))
#define vb_printf_like(format_index, first) __attribute__((format(printf, format_index, first)))

/* Whether a failure may be repeated belongs to its status and to nothing else
 * (vb_status_retryable): where one event may pass and another like it lasts, they are two statuses.
 * "Retryable" below marks those that may pass. */
enum vb_status {
    VB_OK = 0,
    VB_AGAIN,     /* nothing now; ask again later. Not a failure */
    VB_END,       /* the stream is exhausted. Not a failure */
    VB_INVALID,   /* input or configuration breaks a rule */
    VB_NOT_FOUND, /* the thing named does not exist */
    VB_CONFLICT,  /* somebody else holds what was asked for */
    VB_DENIED,    /* credentials or rights refuse it */
    VB_EXPIRED,   /* credentials or clock are not good at the moment; both get renewed. Retryable */
    VB_LIMIT,     /* a ceiling given at birth was reached */
    VB_NO_MEMORY, /* an allocation failed. Retryable */
    VB_IO,        /* local file system, socket or thread: disks get emptied. Retryable */
    VB_NETWORK,   /* a peer could not be reached or answered too late. Retryable */
    VB_UNTRUSTED, /* a peer's certificate does not verify */
    VB_DATABASE,  /* PostgreSQL refused a statement for what it says */
    /* PostgreSQL is gone, too busy, a standby, or gave a transaction up. Retryable */
    VB_DATABASE_AWAY,
    VB_STORAGE,      /* the object store refused */
    VB_STORAGE_AWAY, /* the object store failed or asks for patience. Retryable */
    VB_SOURCE,       /* the source contract is broken, or a row cannot be rendered */
    VB_FENCED,       /* a segment or job is not ours any more: stop, leave nothing behind */
    VB_STOPPED,      /* the process was asked to stop */
    VB_CORRUPT,      /* bytes read back are not what was written */
    VB_STATUS_COUNT
};

/* What went wrong, for a person. A plain value: copy it freely, nothing to free. */
struct vb_error {
    enum vb_status status;
    int system_code;  /* errno, CURLcode or HTTP status; 0 where there is none */
    char sqlstate[6]; /* of PostgreSQL, where it was the server that refused; else "" */
    char text[512];   /* lower-case sentence without full stop; UTF-8, cut at a character */
};

/* Fills `err` (may be NULL) and returns `status`, so a failure is one line. */
enum vb_status vb_fail(struct vb_error *err, enum vb_status status, const char *format, ...)
    vb_printf_like(3, 4);
/* The same from errno: appends ": " and its text; remembers the code. */
enum vb_status vb_fail_system(struct vb_error *err, enum vb_status status, int system_code,
                              const char *format, ...) vb_printf_like(4, 5);
/* Puts "prefix: " before the text of an error that already happened, with `status`. Returns it,
 * also where nobody wants the text. */
enum vb_status vb_fail_within(struct vb_error *err, enum vb_status status, const char *format, ...)
    vb_printf_like(3, 4);

void vb_error_clear(struct vb_error *err);
const char *vb_status_name(enum vb_status status);
/* Whether the same call may succeed later. False for what is no failure. */
bool vb_status_retryable(enum vb_status status);
/* The status of an errno: what is missing, what rights refuse (also a file system that is
 * read-only), what the caller got wrong, and VB_IO for the rest. */
enum vb_status vb_status_of_errno(int system_code);

/* The analyzer looks at one file at a time: tell it that these return what they are given, not
 * VB_OK. */
#if defined(__clang_analyzer__) && !defined(VB_STATUS_IMPLEMENTATION)
#define vb_fail(err, status, ...) ((void)(vb_fail)(err, status, __VA_ARGS__), (status))
#define vb_fail_within(err, status, ...)                                                           \
    ((void)(vb_fail_within)(err, status, __VA_ARGS__), (status))
#define vb_fail_system(err, status, ...)                                                           \
    ((void)(vb_fail_system)(err, status, __VA_ARGS__), (status))
#endif

#endif
