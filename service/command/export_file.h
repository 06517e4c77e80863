/* A finished export as a file of this machine. Private to this folder.
 *
 * The file is there whole, or as it was before: bytes go to a temporary one beside it, are compared
 * with the size and the checksum that the job noted, and take the name in one step. Everything is
 * closed and, on failure, removed before a call returns. The main thread's. VB_IO for the file,
 * VB_CORRUPT for other bytes than were written, and the store's own.
 */
#ifndef VERBATIM_COMMAND_EXPORT_FILE_H
#define VERBATIM_COMMAND_EXPORT_FILE_H

#include "output/progress.h"
#include "storage/storage.h"

struct vb_export_file {
    const char *key; /* in the store */
    uint64_t size;
    int64_t crc; /* CRC-32 of the whole; -1: not known */
};

/* A name that can be written to, before anything is ordered. */
enum vb_status vb_export_file_check(const char *path, struct vb_error *err) vb_must_check;
enum vb_status vb_export_file_save(struct vb_storage_session *session,
                                   const struct vb_export_file *file, const char *path,
                                   struct vb_progress *progress,
                                   struct vb_error *err) vb_must_check;

#endif
