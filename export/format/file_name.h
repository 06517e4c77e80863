/* Making text safe as (part of) a file name on Windows, macOS and Linux.
 *
 * Knows nothing of paths: a slash is a character like others that are refused. Private to export/.
 * Nothing is owned, texts are borrowed for the call. Any thread: pure functions. VB_INVALID for
 * bytes that are not UTF-8, VB_NO_MEMORY; a part may stand in the buffer then.
 */
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

/* Bytes in front that are no letters or digits of any script: a '-' makes a name an option, a '.'
 * or '_' hides it, a blank is lost. Bytes that are not UTF-8 are not skipped. */
size_t vb_file_name_skip(struct vb_view name);

/* UTF-16 code units of text that is UTF-8. */
size_t vb_file_name_units(struct vb_view name);
/* The longest beginning of at most so many bytes and UTF-16 code units that ends at a character, in
 * bytes. */
size_t vb_file_name_cut(struct vb_view name, size_t bytes, size_t units);

/* Puts a '_' behind the base of a name that is a device's. The ceiling must leave room for it. */
enum vb_status vb_file_name_mend_device(struct vb_buffer *name) vb_must_check;

/* Windows opens a device for such a name, whatever follows the first dot. */
bool vb_file_name_is_device(struct vb_view name);

#endif
