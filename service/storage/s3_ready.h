/* Whether a bucket can be used with credentials that may do only what exports need.
 *
 * For s3.c alone. Credentials that are limited to a folder are refused a look at the bucket, and
 * perhaps any list; what they are asked then gets narrower, until a small object is written. Which
 * question was answered is remembered in `question`, so that the next look begins with it. On the
 * client's thread; `question` is shared by all. Errors: those of the client, in the words of the
 * answer that says most.
 */
#ifndef VERBATIM_STORAGE_S3_READY_H
#define VERBATIM_STORAGE_S3_READY_H

#include "verbatim/s3_client.h"

/* `prefix` is "" or ends in a slash. `question` begins at 0. */
enum vb_status vb_s3_ready(struct vb_s3_client *client, const char *prefix, atomic_int *question,
                           struct vb_error *err) vb_must_check;

#endif
