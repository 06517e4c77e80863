/* Growing byte buffers with a ceiling. See buffer.h.
 *
 * A buffer belongs to one thread. Its bytes are always followed by a NUL that does not count, so
 * they can be handed to C functions as text where no NUL is inside. Nothing is allocated before the
 * first byte.
 *
 * Invariants: length < capacity wherever data is not NULL, and capacity is at most ceiling + 1, the
 * NUL's byte. A failed append changes nothing, so a caller may end with what it has, empty the
 * buffer and go on. Every grower goes through vb_buffer_reserve, where the ceiling is held; a
 * writer that took room elsewhere would be held by nothing.
 */
#include "verbatim/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most texts of one row or message fit the first allocation. */
#define FIRST_CAPACITY 256u

struct vb_view vb_view_of(const char *text)
{
    return (struct vb_view){text, text ? strlen(text) : 0};
}

/* The NULL view equals the empty one here; who tells them apart asks for `data`. */
bool vb_view_equals(struct vb_view a, struct vb_view b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* strchr() alone would find a NUL in every text. */
static bool is_one_of(char byte, const char *bytes)
{
    return byte != '\0' && strchr(bytes, byte);
}

struct vb_view vb_view_trim(struct vb_view text, const char *blanks)
{
    while (text.length > 0 && is_one_of(text.data[0], blanks))
        text = (struct vb_view){text.data + 1, text.length - 1};
    while (text.length > 0 && is_one_of(text.data[text.length - 1], blanks))
        text.length--;
    return text;
}

struct vb_view vb_view_cut(struct vb_view *rest, char mark)
{
    const char *end = rest->length > 0 ? memchr(rest->data, mark, rest->length) : NULL;
    struct vb_view piece = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
    size_t used = piece.length + (end != NULL);
    if (used > 0)
        *rest = (struct vb_view){rest->data + used, rest->length - used};
    return vb_view_trim(piece, " \t");
}

void vb_buffer_init(struct vb_buffer *buffer, size_t ceiling)
{
    *buffer = (struct vb_buffer){.ceiling = ceiling};
}

void vb_buffer_init_secret(struct vb_buffer *buffer, size_t ceiling)
{
    *buffer = (struct vb_buffer){.ceiling = ceiling, .is_secret = true};
}

/* What lies behind the length was wiped when it went out of use, so the bytes in use are all there
 * is. */
static void wipe(struct vb_buffer *buffer, size_t from)
{
    if (buffer->is_secret && buffer->data)
        explicit_bzero(buffer->data + from, buffer->length - from);
}

void vb_buffer_done(struct vb_buffer *buffer)
{
    if (!buffer)
        return;
    wipe(buffer, 0);
    free(buffer->data);
    *buffer = (struct vb_buffer){.ceiling = buffer->ceiling, .is_secret = buffer->is_secret};
}

void vb_buffer_reset(struct vb_buffer *buffer)
{
    wipe(buffer, 0);
    buffer->length = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

char *vb_buffer_take(struct vb_buffer *buffer)
{
    char *data = buffer->data;
    *buffer = (struct vb_buffer){.ceiling = buffer->ceiling, .is_secret = buffer->is_secret};
    return data;
}

/* realloc may leave the old bytes anywhere, also where it grows in place by remapping; here the old
 * allocation is wiped before it is freed. */
static char *move_secret(struct vb_buffer *buffer, size_t capacity)
{
    char *data = malloc(capacity);
    if (!data)
        return NULL;
    if (buffer->data)
        memcpy(data, buffer->data, buffer->length + 1);
    wipe(buffer, 0);
    free(buffer->data);
    return data;
}

/* The one place where memory is taken and the ceiling held. Also the empty reservation allocates;
 * the NUL behind the bytes is vb_buffer_grown's to write. */
enum vb_status vb_buffer_reserve(struct vb_buffer *buffer, size_t more)
{
    /* In this order, so that no sum can wrap. */
    if (more > buffer->ceiling || buffer->length > buffer->ceiling - more)
        return VB_LIMIT;
    size_t need = buffer->length + more + 1; /* the NUL */
    if (need <= buffer->capacity)
        return VB_OK;
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
    /* By half, not double: what is unused at the ceiling of a large buffer stays below a third. */
    while (capacity < need)
        capacity += capacity / 2;
    if (capacity > buffer->ceiling + 1)
        capacity = buffer->ceiling + 1;
    char *data =
        buffer->is_secret ? move_secret(buffer, capacity) : realloc(buffer->data, capacity);
    if (!data)
        return VB_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return VB_OK;
}

void vb_buffer_grown(struct vb_buffer *buffer, size_t more)
{
    assert(buffer->length + more < buffer->capacity);
    buffer->length += more;
    buffer->data[buffer->length] = '\0';
}

/* `data` may be NULL where length is 0: the NULL view appends nothing, and memcpy must not see
 * it. */
enum vb_status vb_buffer_append(struct vb_buffer *buffer, const void *data, size_t length)
{
    enum vb_status status = vb_buffer_reserve(buffer, length);
    if (status != VB_OK)
        return status;
    if (length > 0)
        memcpy(buffer->data + buffer->length, data, length);
    vb_buffer_grown(buffer, length);
    return VB_OK;
}

enum vb_status vb_buffer_append_text(struct vb_buffer *buffer, const char *text)
{
    return vb_buffer_append(buffer, text, strlen(text));
}

enum vb_status vb_buffer_append_byte(struct vb_buffer *buffer, char byte)
{
    return vb_buffer_append(buffer, &byte, 1);
}

enum vb_status vb_buffer_printf(struct vb_buffer *buffer, const char *format, ...)
{
    /* Into the room there is, and once more where that was too little. */
    size_t room = buffer->capacity - buffer->length; /* 0 before the first byte */
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(room > 0 ? buffer->data + buffer->length : NULL, room, format, arguments);
    va_end(arguments);
    bool fits = length >= 0 && (size_t)length < room;
    if (room > 0 && !fits)
        buffer->data[buffer->length] = '\0'; /* what was begun is none of the text */
    if (length < 0)
        return VB_INVALID;
    enum vb_status status = vb_buffer_reserve(buffer, (size_t)length);
    if (status != VB_OK)
        return status;
    if (!fits) {
        va_start(arguments, format);
        (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    vb_buffer_grown(buffer, (size_t)length);
    return VB_OK;
}

/* Moves what is left to the front: cheap for a protocol's few bytes, and the wrong tool for taking
 * small bites off a large buffer, which would cost the square of its size. */
void vb_buffer_consume(struct vb_buffer *buffer, size_t length)
{
    assert(length <= buffer->length);
    if (length == 0)
        return;
    size_t left = buffer->length - length;
    memmove(buffer->data, buffer->data + length, left + 1);
    wipe(buffer, left + 1); /* the NUL stands at `left` */
    buffer->length = left;
}
