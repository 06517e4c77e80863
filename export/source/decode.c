/* Binary values of the wire as text, instants and lists: see decode.h. Owns nothing.
 *
 * Lengths come from the wire: each is checked against the bytes at hand before anything is read by
 * it. Hand-written formatting, since ids are formatted once for each row.
 */
#include "decode.h"

#include "verbatim/uuid.h"

#include <stdio.h>
#include <string.h>

#define MOST_DIMENSIONS 6 /* the server's MAXDIM */

/* Canonical: lower case, with hyphens. */
static size_t format_uuid(const char *bytes, char *text)
{
    struct vb_uuid uuid;
    memcpy(uuid.bytes, bytes, sizeof uuid.bytes);
    vb_uuid_format(uuid, text);
    return VB_UUID_TEXT - 1;
}

/* `text` has VB_CURSOR_ID bytes; twenty suffice. */
static size_t format_integer(int64_t value, char *text)
{
    char reversed[24];
    size_t count = 0;
    /* Unsigned, so that the most negative number has a magnitude too. */
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        reversed[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        reversed[count++] = '-';
    for (size_t i = 0; i < count; i++)
        text[i] = reversed[count - 1 - i];
    text[count] = '\0';
    return count;
}

/* Two, four or eight bytes with a sign. */
static enum vb_status decode_integer(struct vb_view bytes, size_t size, char *text,
                                     size_t *ret_length)
{
    if (bytes.length != size)
        return VB_SOURCE;
    int64_t value = size == 2   ? (int16_t)vb_decode_uint16(bytes.data)
                    : size == 4 ? (int32_t)vb_decode_uint32(bytes.data)
                                : (int64_t)vb_decode_uint64(bytes.data);
    *ret_length = format_integer(value, text);
    return VB_OK;
}

enum vb_status vb_decode_id(Oid type, struct vb_view bytes, char id[VB_CURSOR_ID],
                            size_t *ret_length)
{
    size_t length = 0;
    enum vb_status status = VB_OK;
    if (type == VB_TYPE_UUID) {
        if (bytes.length != 16)
            return VB_SOURCE;
        length = format_uuid(bytes.data, id);
    } else if (type == VB_TYPE_INT8) {
        status = decode_integer(bytes, 8, id, &length);
    } else if (type == VB_TYPE_INT4) {
        status = decode_integer(bytes, 4, id, &length);
    } else if (type == VB_TYPE_INT2) {
        status = decode_integer(bytes, 2, id, &length);
    } else {
        if (bytes.length >= VB_CURSOR_ID)
            return VB_SOURCE;
        memcpy(id, bytes.data, bytes.length);
        id[bytes.length] = '\0';
        length = bytes.length;
    }
    if (status == VB_OK && ret_length)
        *ret_length = length;
    return status;
}

enum vb_status vb_decode_instant(struct vb_view bytes, vb_instant *ret_instant)
{
    /* 0001-01-01 and 10000-01-01 as Unix microseconds; both infinities lie outside. */
    const vb_instant first = VB_TIME_FIRST;
    const vb_instant end = INT64_C(253402300800) * VB_SECOND;
    if (bytes.length != 8)
        return VB_SOURCE;
    int64_t value = (int64_t)vb_decode_uint64(bytes.data);
    if (value < first - VB_POSTGRES_EPOCH || value >= end - VB_POSTGRES_EPOCH)
        return VB_SOURCE;
    *ret_instant = value + VB_POSTGRES_EPOCH;
    return VB_OK;
}

/* The bounds leave room for every zone's offset: see times.h. */
struct vb_maybe_instant vb_decode_maybe_instant(struct vb_view bytes)
{
    struct vb_maybe_instant found = {0};
    found.is_set = vb_decode_instant(bytes, &found.at) == VB_OK && found.at >= VB_OPTIONAL_FIRST &&
                   found.at < VB_OPTIONAL_END;
    return found;
}

enum vb_status vb_decode_text_list(struct vb_view bytes, struct vb_text_list *ret_list)
{
    *ret_list = (struct vb_text_list){0};
    if (!bytes.data)
        return VB_OK;
    /* int32 dimensions, int32 flags, element type, then size and lower bound of each dimension. */
    if (bytes.length < 12)
        return VB_SOURCE;
    uint32_t dimensions = vb_decode_uint32(bytes.data);
    size_t head = 12 + (size_t)dimensions * 8;
    if (dimensions > MOST_DIMENSIONS || bytes.length < head)
        return VB_SOURCE;
    /* Arrays of several dimensions are read as one list, row by row. */
    uint64_t count = dimensions > 0 ? 1 : 0;
    for (uint32_t i = 0; i < dimensions; i++) {
        count *= vb_decode_uint32(bytes.data + 12 + (size_t)i * 8);
        if (count > bytes.length / 4) /* each element has a length word */
            return VB_SOURCE;
    }
    ret_list->rest = (struct vb_view){bytes.data + head, bytes.length - head};
    ret_list->count = (size_t)count;
    return VB_OK;
}
