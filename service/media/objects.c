/* One medium from a bucket: its size first, then its bytes in pieces of one version. See
 * media/objects.h.
 *
 * One client, of the bucket that was asked last: an export's recordings lie in one or two. Memory
 * is one piece of a megabyte, whatever the object's size; its bytes go to the spool, since the
 * archive wants its size and CRC before the first of them.
 *
 * The service's own rights decide what can be read, which may be more than the export's owner may
 * see: so only folders of the list are asked, and the key must lie below one.
 */
#include "objects.h"

#include "settings/place.h"

#include <stdlib.h>
#include <string.h>

#define PIECE (1024u * 1024u)
/* Fewer than for archives: a medium that fails is listed and left out, it does not fail the
 * export. */
#define ATTEMPTS 3u

struct vb_objects {
    struct vb_objects_options options;
    struct vb_s3_client *client; /* of `bucket`; NULL: none yet */
    char *bucket;
    struct vb_buffer piece;
};

enum vb_status vb_objects_new(const struct vb_objects_options *options,
                              struct vb_objects **ret_objects, struct vb_error *err)
{
    struct vb_objects *objects = calloc(1, sizeof *objects);
    if (!objects)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    objects->options = *options;
    vb_buffer_init(&objects->piece, 2 * PIECE);
    *ret_objects = objects;
    return VB_OK;
}

/* The client first: it borrows the bucket's name. */
static void forget_client(struct vb_objects *objects)
{
    vb_s3_client_free(objects->client);
    free(objects->bucket);
    objects->client = NULL;
    objects->bucket = NULL;
}

void vb_objects_free(struct vb_objects *objects)
{
    if (!objects)
        return;
    forget_client(objects);
    vb_buffer_done(&objects->piece);
    free(objects);
}

static enum vb_status open_bucket(struct vb_objects *objects, struct vb_view bucket,
                                  struct vb_error *err)
{
    if (objects->bucket && vb_view_equals(vb_view_of(objects->bucket), bucket))
        return VB_OK;
    forget_client(objects);
    objects->bucket = strndup(bucket.data, bucket.length);
    if (!objects->bucket)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    const struct vb_s3_options options = {
        .place = vb_s3_place_of(objects->options.options, objects->bucket),
        .credentials = objects->options.credentials,
        .stop = objects->options.stop,
        .stop_context = objects->options.stop_context,
        .attempts = ATTEMPTS,
    };
    enum vb_status status = vb_s3_client_new(&options, &objects->client, err);
    if (status != VB_OK)
        forget_client(objects);
    return status;
}

/* "BUCKET/KEY" behind the scheme. The key is taken as it stands: S3 URIs know no escapes, and "%20"
 * may be in a key. */
static enum vb_status look_at(const struct vb_objects *objects, const char *url,
                              struct vb_view *ret_bucket, const char **ret_key,
                              struct vb_error *err)
{
    const char *at = url + strlen("s3://"), *slash = strchr(at, '/');
    if (!slash || slash == at || !slash[1])
        return vb_fail(err, VB_NOT_FOUND, "the URL is not s3://BUCKET/KEY");
    *ret_bucket = (struct vb_view){at, (size_t)(slash - at)};
    *ret_key = slash + 1;
    if (vb_media_allow_object(objects->options.allow, *ret_bucket, vb_view_of(*ret_key)))
        return VB_OK;
    return vb_fail(err, VB_NOT_FOUND, "s3://%.*s is not in media_allow, or not this folder of it",
                   (int)(ret_bucket->length < 64 ? ret_bucket->length : 64), at);
}

/* Each piece asks for the version of the HEAD: an object that is replaced meanwhile is a conflict
 * and not a mixture. */
static enum vb_status copy_pieces(struct vb_objects *objects, const char *key,
                                  const struct vb_s3_object *object, struct vb_spool *spool,
                                  struct vb_error *err)
{
    enum vb_status status = vb_spool_reset(spool, err);
    while (status == VB_OK && spool->size < object->size) {
        uint64_t left = object->size - spool->size;
        vb_buffer_reset(&objects->piece);
        status = vb_s3_get_range(objects->client, key, object->etag, spool->size,
                                 left < PIECE ? (size_t)left : PIECE, &objects->piece, err);
        if (status != VB_OK)
            return status;
        status = vb_spool_append(spool, objects->piece.data, objects->piece.length, err);
    }
    return status;
}

static enum vb_status copy(struct vb_objects *objects, const char *key,
                           const struct vb_medium *medium, uint64_t most, struct vb_spool *spool,
                           struct vb_error *err)
{
    struct vb_s3_object object;
    /* Its size is known before a byte is paid for, and its version for all pieces. */
    enum vb_status status = vb_s3_head(objects->client, key, &object, err);
    if (status != VB_OK)
        return status;
    if (object.size > most)
        return vb_media_too_large(most, err);
    status = copy_pieces(objects, key, &object, spool, err);
    if (status != VB_OK)
        return status;
    const struct vb_view head = {spool->head, spool->head_length};
    return vb_media_check_type(vb_view_of(object.content_type), medium->declared, head, err);
}

/* The store's refusals are the medium's; our own troubles are the export's. */
static bool is_ours(enum vb_status status)
{
    return status == VB_STOPPED || status == VB_NO_MEMORY || status == VB_IO;
}

enum vb_status vb_objects_get(struct vb_objects *objects, const struct vb_medium *medium,
                              uint64_t most, struct vb_spool *spool, struct vb_error *err)
{
    struct vb_view bucket;
    const char *key = NULL;
    enum vb_status status = look_at(objects, medium->url, &bucket, &key, err);
    if (status == VB_OK)
        status = open_bucket(objects, bucket, err);
    if (status == VB_OK)
        status = copy(objects, key, medium, most, spool, err);
    return status == VB_OK || is_ours(status) ? status : VB_NOT_FOUND;
}
