/* A streaming JSON writer (RFC 8259) into a vb_buffer. Parsing is jansson's work, not ours.
 *
 * Errors stick: after the first one every call is a no-op, and vb_json_status tells it, so a caller
 * checks once at the end. Commas are put by the writer. Text that is not UTF-8 has its bad bytes
 * replaced by U+FFFD, so the output is always valid.
 */
#ifndef VERBATIM_JSON_H
#define VERBATIM_JSON_H

#include "verbatim/buffer.h"

struct vb_json {
    struct vb_buffer *out; /* borrowed */
    enum vb_status status;
    bool need_comma;
};

void vb_json_init(struct vb_json *json, struct vb_buffer *out);
enum vb_status vb_json_status(const struct vb_json *json) vb_must_check;

void vb_json_begin_object(struct vb_json *json);
void vb_json_end_object(struct vb_json *json);
void vb_json_begin_array(struct vb_json *json);
void vb_json_end_array(struct vb_json *json);

/* The name of the next value. */
void vb_json_name(struct vb_json *json, const char *name);

void vb_json_text(struct vb_json *json, const char *text);    /* NULL writes null */
void vb_json_view(struct vb_json *json, struct vb_view text); /* the NULL view writes null */
void vb_json_integer(struct vb_json *json, int64_t value);
void vb_json_boolean(struct vb_json *json, bool value);
void vb_json_null(struct vb_json *json);
/* Already JSON: goes in as it is. */
void vb_json_raw(struct vb_json *json, const char *text);

void vb_json_member_text(struct vb_json *json, const char *name, const char *text);
void vb_json_member_integer(struct vb_json *json, const char *name, int64_t value);
void vb_json_member_boolean(struct vb_json *json, const char *name, bool value);

#endif
