/* Arrays of text as PostgreSQL has them: the binary form of text[] read, the literal written.
 *
 * Nothing is owned: what is read views the caller's bytes and lives as long as they do. Pure; any
 * thread. Bytes that are no such array read as an empty one; writing fails for want of room alone.
 */
#ifndef VERBATIM_DATABASE_ARRAY_H
#define VERBATIM_DATABASE_ARRAY_H

#include "verbatim/buffer.h"

#include <stdint.h>

/* What is left of a text[]. Views the caller's bytes. */
struct vb_pg_array {
    struct vb_view rest;
    size_t count;
};

/* From the field of a binary result. Anything but an array of one dimension has no elements. */
struct vb_pg_array vb_pg_array_of(struct vb_view bytes);
/* False at the end. NULL elements, and what is cut off, come as the NULL view. */
bool vb_pg_array_next(struct vb_pg_array *array, struct vb_view *ret_element);

/* Appends `{"a","b"}`. */
enum vb_status vb_pg_array_put(struct vb_buffer *out, const char *const *items,
                               size_t count) vb_must_check;

#endif
