/* errors.csv of an archive: one row for each row of the source that could not be read.
 *
 * Pure but for what is appended. Context, row and buffer are the caller's, borrowed for the call.
 * Any thread with its own context. VB_LIMIT and VB_NO_MEMORY as of a renderer's row, which is not
 * in the buffer then.
 */
#ifndef VERBATIM_BAD_ROWS_H
#define VERBATIM_BAD_ROWS_H

#include "verbatim/render.h"

#define VB_BAD_ROWS_NAME "errors.csv"

/* The profile's mark, then the header line. */
enum vb_status vb_bad_rows_begin(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err) vb_must_check;
enum vb_status vb_bad_rows_add(const struct vb_render_context *context,
                               const struct vb_bad_row *row, struct vb_buffer *out,
                               struct vb_error *err) vb_must_check;

#endif
