/* A streaming JSON writer (RFC 8259) into a vb_buffer. Parsing is jansson's work, not ours.
 *
 * Commas are put by the writer; that names, values and brackets come in a right order is the
 * caller's care and is not checked. Text that is not UTF-8 has its bad bytes replaced by U+FFFD, so
 * the output is always valid. The writer is a value that owns nothing; the buffer is borrowed for
 * its life. One thread. Errors stick: after the first one (VB_LIMIT, VB_NO_MEMORY) every call is a
 * no-op, and vb_json_status tells it, so a caller checks once at the end; what stands in the buffer
 * then is no JSON. Nothing has to be freed.
 */
#ifndef VERBATIM_JSON_H
#define VERBATIM_JSON_H

#include "verbatim/buffer.h"

/* Open for the sake of the stack; callers touch none of it. */
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

/* Text without a writer, for rows of exports: appends `lead` as it is, then `text` as a JSON string
 * with its quotes, or null for the NULL view. VB_INVALID for text that is not UTF-8: nothing is
 * replaced here. After any failure the buffer is as it was. */
enum vb_status vb_json_append(struct vb_buffer *out, struct vb_view lead,
                              struct vb_view text) vb_must_check;
/* Goes on with a string that is open: the text without quotes; NULL adds nothing to `lead`. */
enum vb_status vb_json_append_inside(struct vb_buffer *out, struct vb_view lead,
                                     struct vb_view text) vb_must_check;
/* A value that the caller knows to be JSON, in one line: the server's text of a jsonb. Line ends
 * beyond ASCII, which can only stand in its strings, are escaped. NULL and errors as above. */
enum vb_status vb_json_append_value(struct vb_buffer *out, struct vb_view lead,
                                    struct vb_view json) vb_must_check;
/* A run of members. */
struct vb_json_member {
    struct vb_view lead, text; /* such as `,"name":`, and the value */
};
enum vb_status vb_json_append_members(struct vb_buffer *out, const struct vb_json_member *members,
                                      size_t count) vb_must_check;

#endif
