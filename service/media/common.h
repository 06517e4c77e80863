/* What the threads of a process share to get media. Inside media.c and fetcher.c only.
 *
 * Made and freed by media.c; read by any thread. Only SIGHUP changes it: another list of logins
 * takes the place of the one before.
 */
#ifndef VERBATIM_MEDIA_COMMON_H
#define VERBATIM_MEDIA_COMMON_H

#include "media.h"
#include "rules/media_allow.h"
#include "rules/media_credentials.h"

#include "verbatim/s3_client.h"

struct vb_media {
    const struct vb_options *options;
    struct vb_media_allow *allow;
    /* At web servers, as the file was read last. Fetches that run go on with those that they began
     * with, so what was replaced is kept to the end. */
    struct vb_media_credentials *_Atomic logins;
    struct vb_media_credentials **replaced;
    size_t replaced_count;
    /* Apart from the storage's own: archives may go to a directory while recordings lie in a
     * bucket. Nobody is asked for them before the first object is. */
    struct vb_s3_credentials *credentials;
};

#endif
