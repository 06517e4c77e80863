/* Files below one directory, by key: walking, writing and syncing that never leave it. Private.
 *
 * Each component is opened with O_NOFOLLOW below the one before, so neither a `..` nor a symbolic
 * link that somebody put there leads out.
 *
 * A place owns its descriptors until vb_place_done. No state beside it: any thread, and any number
 * of machines. Errors: VB_INVALID for keys, VB_NOT_FOUND where something is missing, else what
 * vb_status_of_errno makes of the failure. All of it blocks as long as the file system does.
 */
#ifndef VERBATIM_STORAGE_PATH_H
#define VERBATIM_STORAGE_PATH_H

#include "driver.h"

#include <dirent.h>

/* Components of a key, a prefix included. */
#define VB_PLACE_DEPTH 16
#define VB_TEMPORARY ".tmp-" /* how names of unfinished files begin */
#define VB_TEMPORARY_TEXT 24

/* An opened folder and the name of a file in it, which need not be there. */
struct vb_place {
    int folder;
    char name[256];
    int parents[VB_PLACE_DEPTH]; /* folders that a folder was made in: to be synced after it */
    size_t parent_count;
};

/* VB_INVALID for keys that are absolute, hold empty, `.` or `..` components, or are too deep. */
enum vb_status vb_key_check(const char *key, struct vb_error *err) vb_must_check;
/* The place of a checked key; its folders are made where asked. VB_NOT_FOUND where one is
 * missing. */
enum vb_status vb_place_open(int root, const char *key, bool create, struct vb_place *ret_place,
                             struct vb_error *err) vb_must_check;
/* Closes all of it. Only for a place that was opened. */
void vb_place_done(struct vb_place *place);
/* Makes what was created, renamed or removed in the folder, and the folder itself, survive a power
 * cut. Without it a rename that was answered may be gone after the cut. */
enum vb_status vb_place_sync(const struct vb_place *place, struct vb_error *err) vb_must_check;

/* Fails with the status and the text of errno. */
enum vb_status vb_path_fail(struct vb_error *err, const char *what);

/* A new file under a temporary name of its own. For its owner only to write into: no other writer
 * has the name. */
enum vb_status vb_temporary_open(int folder, char ret_name[VB_TEMPORARY_TEXT], int *ret_fd,
                                 struct vb_error *err) vb_must_check;
/* Syncs, closes and renames it to `name`; on failure it is closed and removed. */
enum vb_status vb_temporary_finish(int folder, const char *temporary, int fd, const char *name,
                                   struct vb_error *err) vb_must_check;
/* Closes `fd` unless it is negative, and removes the file. What cannot be removed is a leftover. */
void vb_temporary_drop(int folder, const char *temporary, int fd);

/* Writes all pieces; VB_INVALID when they do not add up to `size`. */
enum vb_status vb_path_write(int fd, const struct iovec *pieces, size_t count, uint64_t size,
                             struct vb_error *err) vb_must_check;
/* The next name of a folder but "." and "..", good until the next call. VB_END behind the last one;
 * a folder that was removed meanwhile has none. Any failure to read is one, never an end. */
enum vb_status vb_path_next(DIR *directory, const char **ret_name,
                            struct vb_error *err) vb_must_check;
/* Removes a folder below `folder` with the files in it (no folders): VB_OK also if it is not
 * there. */
enum vb_status vb_path_remove_folder(int folder, const char *name,
                                     struct vb_error *err) vb_must_check;

#endif
