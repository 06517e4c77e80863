/* media/errors.csv of an archive: one row for each medium that could not be had, with its reason.
 *
 * Pure but for what is appended. Context, row and buffer are the caller's, borrowed for the call.
 * Any thread with its own context. VB_SOURCE, VB_LIMIT and VB_NO_MEMORY as of a renderer's row,
 * which is not in the buffer then.
 */
#ifndef VERBATIM_MEDIA_ERRORS_H
#define VERBATIM_MEDIA_ERRORS_H

#include "verbatim/render.h"

#define VB_MEDIA_ERRORS_NAME "media/errors.csv"

/* Of whom and what. */
struct vb_media_error {
    struct vb_view conversation_id, message_id, attachment_id;
    struct vb_view url;
    const char *entry;  /* the name that it would have, and by which the other files call it */
    const char *reason; /* UTF-8 */
};

/* The profile's mark, then the header line. */
enum vb_status vb_media_errors_begin(const struct vb_render_context *context, struct vb_buffer *out,
                                     struct vb_error *err) vb_must_check;
enum vb_status vb_media_errors_add(const struct vb_render_context *context,
                                   const struct vb_media_error *error, struct vb_buffer *out,
                                   struct vb_error *err) vb_must_check;

#endif
