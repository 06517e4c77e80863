/* Getting one medium: from a web server of the list media_allow, or from a bucket with the
 * service's credentials.
 *
 * No plug-ins for other schemes, no cookies, no proxies; logins are those of
 * media_credentials_file. What an answer holds is never quoted in an error: it is a stranger's.
 *
 * struct vb_media is its maker's, borrows the options and outlives its fetchers; a vb_fetcher is
 * its thread's, keeps its connections, and remembers which hosts do not answer. vb_media is for
 * any thread, a fetcher for one. What cannot be had is VB_NOT_FOUND with the reason in words for
 * media/errors.csv; VB_STOPPED, VB_NO_MEMORY and VB_IO end the work as they would anywhere. What
 * was fetched lives in the spool until its next use.
 */
#ifndef VERBATIM_MEDIA_MEDIA_H
#define VERBATIM_MEDIA_MEDIA_H

#include "spool.h"

#include "settings/options.h"

struct vb_media;

/* The options are borrowed. Asks nobody yet. On the main thread, which SIGHUP finds there: logins
 * are read anew then. */
enum vb_status vb_media_new(const struct vb_options *options, struct vb_media **ret_media,
                            struct vb_error *err) vb_must_check;
/* The process ends: nothing fetches credentials from here on. */
void vb_media_request_stop(struct vb_media *media);
void vb_media_free(struct vb_media *media);

struct vb_fetcher;
/* `stop` is asked several times a second while a fetch runs. */
enum vb_status vb_fetcher_new(struct vb_media *media, bool (*stop)(void *context),
                              void *stop_context, struct vb_fetcher **ret_fetcher,
                              struct vb_error *err) vb_must_check;
void vb_fetcher_free(struct vb_fetcher *fetcher);

struct vb_medium {
    const char *url;         /* http, https, or s3://BUCKET/KEY */
    struct vb_view declared; /* content type as the platform says; may be empty */
};
/* Into `spool`, which is emptied first; at most media_file_limit bytes. Redirects are followed,
 * each checked like the first URL. */
enum vb_status vb_fetcher_get(struct vb_fetcher *fetcher, const struct vb_medium *medium,
                              struct vb_spool *spool, struct vb_error *err) vb_must_check;

#endif
