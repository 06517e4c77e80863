/* What a process needs to get media. See media.h.
 *
 * The list and the credentials are made once, as both are the same for all threads and the latter
 * cost a fetch; connections are a thread's own (fetcher.c). What may be asked at all is decided in
 * rules/media_allow.c.
 */
#include "common.h"

#include "settings/reload.h"

#include <stdlib.h>

static enum vb_status load_logins(const struct vb_media *media,
                                  struct vb_media_credentials **ret_logins, struct vb_error *err)
{
    return vb_media_credentials_load(media->options->media_credentials_file, ret_logins, err);
}

/* SIGHUP. */
static enum vb_status renew_logins(void *context, const struct vb_options *fresh, bool *ret_changed,
                                   struct vb_error *err)
{
    struct vb_media *media = context;
    struct vb_media_credentials *logins = NULL;
    (void)fresh; /* another path takes a restart */
    enum vb_status status = load_logins(media, &logins, err);
    if (status != VB_OK)
        return status;
    *ret_changed = !vb_media_credentials_same(logins, media->logins);
    struct vb_media_credentials **kept =
        *ret_changed ? realloc(media->replaced,
                               (media->replaced_count + 1) * sizeof(struct vb_media_credentials *))
                     : NULL;
    if (!kept) {
        vb_media_credentials_free(logins);
        return *ret_changed ? vb_fail(err, VB_NO_MEMORY, "no memory for logins") : VB_OK;
    }
    media->replaced = kept;
    media->replaced[media->replaced_count++] = media->logins;
    media->logins = logins;
    return VB_OK;
}

static enum vb_status open_logins(struct vb_media *media, struct vb_error *err)
{
    const struct vb_reload reload = {"logins of media", renew_logins, media};
    struct vb_media_credentials *logins = NULL;
    enum vb_status status = load_logins(media, &logins, err);
    media->logins = logins;
    if (status != VB_OK || !media->options->media_credentials_file)
        return status;
    return vb_reload_register(&reload, err);
}

enum vb_status vb_media_new(const struct vb_options *options, struct vb_media **ret_media,
                            struct vb_error *err)
{
    struct vb_media *media = calloc(1, sizeof *media);
    if (!media)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    media->options = options;
    enum vb_status status = vb_media_allow_new(options->media_allow, &media->allow, err);
    if (status == VB_OK)
        status = open_logins(media, err);
    if (status == VB_OK)
        status = vb_s3_credentials_new(options->s3_region, &media->credentials, err);
    if (status == VB_OK)
        *ret_media = media;
    else
        vb_media_free(media);
    return status;
}

/* The credentials are asked for on the thread that fetches, so a stop must reach them there. */
void vb_media_request_stop(struct vb_media *media)
{
    if (media)
        vb_s3_credentials_stop(media->credentials);
}

void vb_media_free(struct vb_media *media)
{
    if (!media)
        return;
    vb_s3_credentials_free(media->credentials);
    vb_reload_unregister(media);
    vb_media_credentials_free(media->logins);
    for (size_t i = 0; i < media->replaced_count; i++)
        vb_media_credentials_free(media->replaced[i]);
    free(media->replaced);
    vb_media_allow_free(media->allow);
    free(media);
}
