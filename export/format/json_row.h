/* Pieces of rows that the JSON formats are made of: times, and members that few sources have.
 *
 * Private to export/format/. Nothing is owned; rows, contexts and buffers are the caller's. Any
 * thread with its own context. VB_INVALID for text that is not UTF-8, VB_LIMIT and VB_NO_MEMORY as
 * the buffer says; what was appended before a failure stays, the row is taken back by its
 * renderer.
 */
#ifndef VERBATIM_EXPORT_FORMAT_JSON_ROW_H
#define VERBATIM_EXPORT_FORMAT_JSON_ROW_H

#include "verbatim/render.h"

/* `lead` as it is, then the time with its quotes. */
enum vb_status vb_json_row_time(const struct vb_render_context *context, struct vb_view lead,
                                vb_instant at, struct vb_buffer *out) vb_must_check;
/* Likewise, or null. */
enum vb_status vb_json_row_maybe_time(const struct vb_render_context *context, struct vb_view lead,
                                      struct vb_maybe_instant time,
                                      struct vb_buffer *out) vb_must_check;
/* The members of enum vb_marks: each is there in every row of a source that has its column, and
 * null where the row has no value. */
enum vb_status vb_json_row_conversation_marks(const struct vb_render_context *context,
                                              const struct vb_conversation *c,
                                              struct vb_buffer *out) vb_must_check;
enum vb_status vb_json_row_message_marks(const struct vb_render_context *context,
                                         const struct vb_message *m,
                                         struct vb_buffer *out) vb_must_check;

#endif
