/* A growing byte buffer with a ceiling given at birth, and read-only views of bytes.
 *
 * Nothing else in the program grows memory by itself. A buffer never shrinks before vb_buffer_done.
 * The struct is its owner's, on the stack or in another struct, and owns its bytes; a view owns
 * nothing. One owner, one thread; views of bytes that nobody changes are for any thread. Errors:
 * VB_LIMIT past the ceiling, VB_NO_MEMORY, and VB_INVALID where printf cannot convert; each leaves
 * the contents as they were. `data` and views of it live until the next call that may grow, shrink
 * or free the buffer.
 */
#ifndef VERBATIM_BUFFER_H
#define VERBATIM_BUFFER_H

#include "verbatim/status.h"

#include <stdint.h>

/* A borrowed run of bytes; data may be NULL when length is 0. `data == NULL` also means SQL
 * NULL. */
struct vb_view {
    const char *data;
    size_t length;
};

struct vb_buffer {
    char *data;      /* NUL-terminated after every call but vb_buffer_grown */
    size_t length;   /* bytes in use, without the NUL */
    size_t capacity; /* bytes allocated */
    size_t ceiling;  /* most bytes it may ever hold */
    bool is_secret;  /* bytes that go out of use are overwritten */
};

#define VB_VIEW(literal) ((struct vb_view){(literal), sizeof(literal) - 1})

struct vb_view vb_view_of(const char *text); /* NULL gives the NULL view */
bool vb_view_equals(struct vb_view a, struct vb_view b);
/* Without the bytes of `blanks` at either end. */
struct vb_view vb_view_trim(struct vb_view text, const char *blanks);
/* Cuts off what stands before the first `mark`, or all, and the mark with it. Returned without the
 * spaces and tabs around it. */
struct vb_view vb_view_cut(struct vb_view *rest, char mark);

/* No allocation until the first append. */
void vb_buffer_init(struct vb_buffer *buffer, size_t ceiling);
/* The same for keys and passwords: no copy of what it held stays behind, whether it grows, shrinks
 * or is freed. */
void vb_buffer_init_secret(struct vb_buffer *buffer, size_t ceiling);
/* Frees; the buffer is as after init. A zeroed or NULL buffer is a no-op. */
void vb_buffer_done(struct vb_buffer *buffer);
/* Length 0; keeps the memory. */
void vb_buffer_reset(struct vb_buffer *buffer);
/* Hands the NUL-terminated bytes to the caller (free()); the buffer is empty afterwards. */
char *vb_buffer_take(struct vb_buffer *buffer);

/* Makes room for `more` bytes behind length; write there, then call vb_buffer_grown. */
enum vb_status vb_buffer_reserve(struct vb_buffer *buffer, size_t more) vb_must_check;
void vb_buffer_grown(struct vb_buffer *buffer, size_t more);

/* `data` must not lie in the buffer itself: growing moves it. */
enum vb_status vb_buffer_append(struct vb_buffer *buffer, const void *data,
                                size_t length) vb_must_check;
/* Without the NUL; `text` is not NULL. */
enum vb_status vb_buffer_append_text(struct vb_buffer *buffer, const char *text) vb_must_check;
enum vb_status vb_buffer_append_byte(struct vb_buffer *buffer, char byte) vb_must_check;
enum vb_status vb_buffer_printf(struct vb_buffer *buffer, const char *format, ...) vb_must_check
    vb_printf_like(2, 3);
/* Drops the first `length` bytes. */
void vb_buffer_consume(struct vb_buffer *buffer, size_t length);

#endif
