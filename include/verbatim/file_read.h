/* A whole small file into a buffer, for configurations, secrets and keys.
 *
 * No copy of what was read stays behind but in the buffer, which is the caller's and secret where
 * its contents are. Any thread. VB_NOT_FOUND, VB_DENIED and the like by vb_status_of_errno,
 * VB_LIMIT past the buffer's ceiling, VB_NO_MEMORY; the text names the file. What was read stays in
 * the buffer after a failure too.
 */
#ifndef VERBATIM_FILE_READ_H
#define VERBATIM_FILE_READ_H

#include "verbatim/buffer.h"

/* Appends all of the file. */
enum vb_status vb_file_read(const char *path, struct vb_buffer *out,
                            struct vb_error *err) vb_must_check;

#endif
