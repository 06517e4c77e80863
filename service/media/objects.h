/* Media from buckets of the service's own object store, s3://BUCKET/KEY. Inside media.c's fetcher
 * only.
 *
 * Owned by its fetcher; options are copied, what they point to is borrowed for its life. One
 * thread. VB_NOT_FOUND for whatever the list, the key or the store refuses; VB_STOPPED,
 * VB_NO_MEMORY and VB_IO for our own troubles. The client lives from bucket to bucket.
 */
#ifndef VERBATIM_MEDIA_OBJECTS_H
#define VERBATIM_MEDIA_OBJECTS_H

#include "media.h"
#include "rules/media_allow.h"

#include "verbatim/s3_client.h"

struct vb_objects;

struct vb_objects_options {
    const struct vb_media_allow *allow; /* these are borrowed for its life */
    const struct vb_options *options;   /* endpoint, region, addressing */
    struct vb_s3_credentials *credentials;
    bool (*stop)(void *context);
    void *stop_context;
};
enum vb_status vb_objects_new(const struct vb_objects_options *options,
                              struct vb_objects **ret_objects, struct vb_error *err) vb_must_check;
void vb_objects_free(struct vb_objects *objects);
enum vb_status vb_objects_get(struct vb_objects *objects, const struct vb_medium *medium,
                              uint64_t most, struct vb_spool *spool,
                              struct vb_error *err) vb_must_check;

#endif
