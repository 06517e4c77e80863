/* Getting one medium: from a web server of the list media_allow, or from a bucket with the
 * service's credentials.
 *
 * struct vb_media is made once a process, shared and read-only; a vb_fetcher belongs to one thread,
 * keeps its connections, and remembers which hosts do not answer. What cannot be had is
 * VB_NOT_FOUND with the reason in words for media/errors.csv; nothing of an answer's content is
 * quoted there. Everything else ends the work as it would anywhere.
 */
#ifndef VERBATIM_MEDIA_MEDIA_H
#define VERBATIM_MEDIA_MEDIA_H

#include "spool.h"

#include "settings/options.h"

struct vb_media;

/* The options are borrowed. Asks nobody yet. */
enum vb_status vb_media_new(const struct vb_options *options, struct vb_media **ret_media,
                            struct vb_error *err) vb_must_check;
/* The process ends: nothing fetches credentials from here on. */
void vb_media_ask(struct vb_media *media);
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
