/* The directory driver's own structs, shared by its files: objects and parts, the join, leftovers.
 * Private.
 *
 * The storage owns its descriptor and path until it is freed, and does not change before: any
 * thread. A session keeps nothing. Statuses are those of storage.h; VB_IO is whatever the file
 * system says and trying again may mend.
 */
#ifndef VERBATIM_STORAGE_FILE_H
#define VERBATIM_STORAGE_FILE_H

#include "path.h"

/* Folder of an object's parts, beside it: VB_PARTS and 16 hex digits of the SHA-256 of the object's
 * name. */
#define VB_PARTS ".parts-"
#define VB_PARTS_TEXT 24
#define VB_PART_TEXT 40

struct vb_file_storage {
    struct vb_storage storage;
    int root;   /* the directory, open for the process's life */
    char *path; /* as configured, to see that the same directory is still there */
};

/* The descriptor stays the storage's: a place duplicates it. */
static inline int vb_file_root(const struct vb_storage *storage)
{
    return ((const struct vb_file_storage *)storage)->root;
}

/* The folder of the parts of an object, by the object's name without its folders. */
void vb_parts_name(const char *object_name, char name[VB_PARTS_TEXT]);
/* "NUMBER-EPOCH" of a part: two claims of one segment never write the same file. */
void vb_part_name(uint32_t number, const char *epoch, char name[VB_PART_TEXT]);

/* Entries of the driver that stand in files of their own: join.c, and sweep.c for the other
 * three. */
enum vb_status vb_file_close(struct vb_storage_session *session, const char *key,
                             const char *upload_id, const struct vb_stored_part *parts,
                             size_t count, uint64_t size, enum vb_close_result *ret_result,
                             bool *bad, struct vb_error *err) vb_must_check;
enum vb_status vb_file_clean(struct vb_storage_session *session, const char *key,
                             const char *upload_id, bool keep_object, char *version,
                             bool *ret_clean, struct vb_error *err) vb_must_check;
enum vb_status vb_file_leftovers(struct vb_storage_session *session, int64_t least_age,
                                 vb_leftover_visit *visit, void *context,
                                 struct vb_error *err) vb_must_check;
enum vb_status vb_file_sweep(struct vb_storage_session *session, const char *folder,
                             int64_t least_age, uint64_t *ret_removed,
                             struct vb_error *err) vb_must_check;

#endif
