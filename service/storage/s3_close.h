/* Complete of the S3 driver: from recorded parts alone, and what a refusal means.
 *
 * For s3.c alone. All of it is borrowed for the call; on the client's thread. Errors: those of
 * vb_storage_close, and of vb_storage_look_for_more.
 */
#ifndef VERBATIM_STORAGE_S3_CLOSE_H
#define VERBATIM_STORAGE_S3_CLOSE_H

#include "storage.h"
#include "verbatim/s3_client.h"

/* An upload and what the rows say of it. */
struct vb_s3_record {
    const char *key, *upload_id;
    const struct vb_stored_part *parts; /* in order of number */
    size_t count;
    uint64_t size; /* of them all */
};

/* As vb_storage_close. *ret_equal: where it is VB_CONFLICT, that the store wants parts of one size,
 * numbered without gaps. */
enum vb_status vb_s3_close(struct vb_s3_client *client, const struct vb_s3_record *record,
                           enum vb_close_result *ret_result, bool *bad, bool *ret_equal,
                           struct vb_error *err) vb_must_check;
/* As vb_storage_look_for_more. */
enum vb_status vb_s3_look_for_more(struct vb_s3_client *client, const struct vb_s3_record *record,
                                   bool *ret_more, struct vb_error *err) vb_must_check;
/* Whether the last call's failure tells that the store takes no part of such a number; *ret_most:
 * the highest that it does take, as it says, else the usual low limit. */
bool vb_s3_refuses_number(const struct vb_error *err, uint32_t number, uint32_t *ret_most);
/* Nothing could begin anew in a bucket that is gone: VB_NOT_FOUND tells of the upload alone. */
enum vb_status vb_s3_of_upload(struct vb_s3_client *client, enum vb_status status,
                               struct vb_error *err) vb_must_check;

#endif
