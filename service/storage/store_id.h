/* The id of a storage directory, by which processes of several machines know that they share it.
 *
 * For file.c alone. A file in the directory that is written once, by whoever comes first, and never
 * again. Any thread, several processes at once. VB_CORRUPT for a file that holds something else,
 * VB_IO and the statuses of errno for what the file system refuses.
 */
#ifndef VERBATIM_STORAGE_STORE_ID_H
#define VERBATIM_STORAGE_STORE_ID_H

#include "verbatim/status.h"
#include "verbatim/uuid.h"

/* Reads the id of the open directory `root`. VB_NOT_FOUND: it has none. */
enum vb_status vb_store_id_read(int root, char ret_id[VB_UUID_TEXT],
                                struct vb_error *err) vb_must_check;
/* The same, and makes one where there is none. */
enum vb_status vb_store_id(int root, char ret_id[VB_UUID_TEXT], struct vb_error *err) vb_must_check;

#endif
