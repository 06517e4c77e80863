/* What an S3 answer that is no success means: its code, its text, and what to do about it.
 *
 * Plain values that own nothing; texts that are longer are cut. Any thread: pure functions. The
 * statuses given are those that s3_client.h promises to callers. Nothing has to be freed.
 */
#ifndef VERBATIM_S3_FAILURE_H
#define VERBATIM_S3_FAILURE_H

#include "verbatim/s3_client.h"

/* What one answer said of itself; "" for what it did not say. */
struct vb_s3_failure {
    int status; /* of HTTP; 200 where a failure hid in a success */
    char code[64];
    char message[256];
    char request_id[256];
    char region[256]; /* where the bucket is, of an answer that says that it is not here */
};

enum vb_s3_remedy {
    VB_S3_GIVE_UP,
    VB_S3_TRY_AGAIN,
    VB_S3_TRY_LATER,     /* throttled: wait longer */
    VB_S3_CORRECT_CLOCK, /* sign with the server's time, once */
    VB_S3_RENEW_KEYS,    /* fetch new credentials, once */
    VB_S3_SEND_MD5,      /* send the body's MD5 along, from here on */
    VB_S3_SEND_SSE       /* send the headers of encryption within uploads, from here on */
};

/* Reads `<Error>` out of the body. VB_INVALID where there is none, VB_NO_MEMORY. */
enum vb_status vb_s3_failure_read(struct vb_view body, struct vb_s3_failure *failure) vb_must_check;

enum vb_s3_remedy vb_s3_failure_remedy(const struct vb_s3_failure *failure);
enum vb_s3_outcome vb_s3_failure_outcome(const struct vb_s3_failure *failure);

/* Fills `err`: status and the text "HTTP 503 SlowDown: message (request id X)".
 * Whatever of the keys, and whatever looks like a signature, is taken out of the server's
 * words. */
enum vb_status vb_s3_failure_explain(const struct vb_s3_failure *failure,
                                     const struct vb_s3_keys *keys,
                                     struct vb_error *err) vb_must_check;

#endif
