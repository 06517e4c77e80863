/* What an export leaves in a bucket, taken away: its upload, uploads nobody knows, its object.
 *
 * For s3.c alone. Everything is borrowed for the call; what the store held is not remembered. On
 * the client's thread. A bucket that keeps versions deletes nothing by a plain DELETE: it puts a
 * deletion marker on top. So versions are named by their ids, which come from the row or are read
 * off the object by looking; no listing of versions is needed, nor the right to one. Errors: those
 * of the client, the first one; the steps behind it are tried all the same.
 */
#ifndef VERBATIM_STORAGE_S3_CLEAN_H
#define VERBATIM_STORAGE_S3_CLEAN_H

#include "storage.h"
#include "verbatim/s3_client.h"

struct vb_s3_remains {
    const char *key;
    const char *upload_id; /* "": none is known */
    bool keep_object;
    char *version;              /* as for vb_storage_remove; NULL: neither known nor wanted */
    atomic_bool *told_unlisted; /* that uploads cannot be listed is logged once */
};

/* As vb_storage_clean and vb_storage_remove. */
enum vb_status vb_s3_clean(struct vb_s3_client *client, const struct vb_s3_remains *remains,
                           bool *ret_clean, struct vb_error *err) vb_must_check;

#endif
