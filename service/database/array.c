/* Arrays of text on the wire and in parameters. The form is that of array_send: three numbers
 * (dimensions, whether there are NULLs, the type), then for each dimension its length and lower
 * bound, then length and bytes of each. */
#include "array.h"

#include <arpa/inet.h>
#include <string.h>

static uint32_t take_number(struct vb_view *bytes)
{
    uint32_t number = 0;
    if (bytes->length < sizeof(number)) {
        *bytes = (struct vb_view){NULL, 0};
        return 0;
    }
    memcpy(&number, bytes->data, sizeof(number));
    *bytes = (struct vb_view){bytes->data + sizeof(number), bytes->length - sizeof(number)};
    return ntohl(number);
}

struct vb_pg_array vb_pg_array_of(struct vb_view bytes)
{
    struct vb_pg_array array = {bytes, 0};
    uint32_t dimensions = take_number(&array.rest);
    (void)take_number(&array.rest);
    (void)take_number(&array.rest);
    if (dimensions != 1)
        return array;
    uint32_t count = take_number(&array.rest);
    (void)take_number(&array.rest);
    /* Each has four bytes at least: a count beyond that is none of the server's. */
    array.count = count <= array.rest.length / sizeof(count) ? count : 0;
    return array;
}

bool vb_pg_array_next(struct vb_pg_array *array, struct vb_view *ret_element)
{
    if (array->count == 0)
        return false;
    array->count--;
    uint32_t length = take_number(&array->rest);
    if (length > array->rest.length) { /* also the -1 of NULL */
        *ret_element = (struct vb_view){NULL, 0};
        return true;
    }
    *ret_element = (struct vb_view){array->rest.data, length};
    array->rest = (struct vb_view){array->rest.data + length, array->rest.length - length};
    return true;
}

/* Quoted always: then only the quote and the backslash are special. */
static enum vb_status put_quoted(struct vb_buffer *out, const char *text)
{
    enum vb_status status = vb_buffer_append_byte(out, '"');
    for (; *text && status == VB_OK; text++) {
        if (*text == '"' || *text == '\\')
            status = vb_buffer_append_byte(out, '\\');
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, *text);
    }
    return status == VB_OK ? vb_buffer_append_byte(out, '"') : status;
}

enum vb_status vb_pg_array_put(struct vb_buffer *out, const char *const *items, size_t count)
{
    enum vb_status status = vb_buffer_append_byte(out, '{');
    for (size_t i = 0; i < count && status == VB_OK; i++) {
        if (i > 0)
            status = vb_buffer_append_byte(out, ',');
        if (status == VB_OK)
            status = put_quoted(out, items[i]);
    }
    return status == VB_OK ? vb_buffer_append_byte(out, '}') : status;
}
