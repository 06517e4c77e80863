/* What a process needs to get media, and the choice between web servers and buckets. See media.h.
 *
 * The list and the credentials are made once, as both are the same for all threads and the latter
 * cost a fetch; connections are a thread's own. What is tried and for how long is decided in web.c
 * and objects.c, what may be asked at all in rules/media_allow.c.
 */
#include "media.h"

#include "objects.h"
#include "web.h"

#include "settings/reload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* A thread's own side. */
struct vb_fetcher {
    struct vb_media *media;
    struct vb_web *web;
    struct vb_objects *objects;
};

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

enum vb_status vb_fetcher_new(struct vb_media *media, bool (*stop)(void *context),
                              void *stop_context, struct vb_fetcher **ret_fetcher,
                              struct vb_error *err)
{
    struct vb_fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (!fetcher)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    fetcher->media = media;
    const struct vb_web_options web = {.allow = media->allow,
                                       .stop = stop,
                                       .stop_context = stop_context,
                                       .patience = media->options->media_timeout};
    const struct vb_objects_options objects = {.allow = media->allow,
                                               .options = media->options,
                                               .credentials = media->credentials,
                                               .stop = stop,
                                               .stop_context = stop_context};
    enum vb_status status = vb_web_new(&web, &fetcher->web, err);
    if (status == VB_OK)
        status = vb_objects_new(&objects, &fetcher->objects, err);
    if (status == VB_OK)
        *ret_fetcher = fetcher;
    else
        vb_fetcher_free(fetcher);
    return status;
}

void vb_fetcher_free(struct vb_fetcher *fetcher)
{
    if (!fetcher)
        return;
    vb_web_free(fetcher->web);
    vb_objects_free(fetcher->objects);
    free(fetcher);
}

enum vb_status vb_fetcher_get(struct vb_fetcher *fetcher, const struct vb_medium *medium,
                              struct vb_spool *spool, struct vb_error *err)
{
    struct vb_media *media = fetcher->media;
    uint64_t most = media->options->media_file_limit;
    /* A reason of its own: that the host is not on the list would be true, and would not help. */
    if (vb_media_allow_is_empty(media->allow))
        return vb_fail(err, VB_NOT_FOUND, "no media are fetched here: media_allow is not set");
    if (strncasecmp(medium->url, "s3://", strlen("s3://")) == 0)
        return vb_objects_get(fetcher->objects, medium, most, spool, err);
    return vb_web_get(fetcher->web, media->logins, medium, most, spool, err);
}
