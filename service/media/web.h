/* Media from web servers, over libcurl. Inside media.c's fetcher only.
 *
 * HTTP and HTTPS with verified certificates. Owned by its fetcher; options are copied, what they
 * point to is borrowed for its life. One thread, on which `stop` is asked. VB_NOT_FOUND for
 * whatever the list or the server refuses; VB_STOPPED, VB_NO_MEMORY and VB_IO for our own troubles.
 * Connections and the memory of hosts live as long as it.
 */
#ifndef VERBATIM_MEDIA_WEB_H
#define VERBATIM_MEDIA_WEB_H

#include "media.h"
#include "rules/media_allow.h"
#include "rules/media_credentials.h"

struct vb_web;

struct vb_web_options {
    const struct vb_media_allow *allow; /* these are borrowed for its life */
    bool (*stop)(void *context);
    void *stop_context;
    int64_t patience; /* microseconds for one answer as a whole */
};
enum vb_status vb_web_new(const struct vb_web_options *options, struct vb_web **ret_web,
                          struct vb_error *err) vb_must_check;
void vb_web_free(struct vb_web *web);
/* `logins` are borrowed for the call. */
enum vb_status vb_web_get(struct vb_web *web, const struct vb_media_credentials *logins,
                          const struct vb_medium *medium, uint64_t most, struct vb_spool *spool,
                          struct vb_error *err) vb_must_check;

#endif
