/* Making text safe as (part of) a file name on Windows, macOS and Linux. Pure functions.
 * Private to export/. */
#ifndef VERBATIM_EXPORT_FORMAT_FILE_NAME_H
#define VERBATIM_EXPORT_FORMAT_FILE_NAME_H

#include "verbatim/buffer.h"

/* Appends `text` with every character that a file system refuses, or that hides or reorders
 * others, as '_'. Stops at a character when `out` would exceed its ceiling: more could not be used.
 * VB_INVALID for bytes that are not UTF-8. */
enum vb_status vb_file_name_append(struct vb_buffer *out, struct vb_view text) vb_must_check;

/* Appends `text` with every run of characters other than letters, digits, '.' and '-' as one '_'.
 * Otherwise as above. */
enum vb_status vb_file_name_append_word(struct vb_buffer *out, struct vb_view text) vb_must_check;

/* Windows opens a device for such a name, whatever follows the first dot. */
bool vb_file_name_is_device(struct vb_view name);

#endif
