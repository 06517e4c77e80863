/* Media from web servers, over libcurl, several at a time. Inside media.c's fetcher only.
 *
 * HTTP and HTTPS with verified certificates. A fetch is one medium with its redirects and attempts;
 * it moves on in vb_fetch_start and vb_web_turn alone. Options are copied, what they point to is
 * borrowed for the life of the web, which outlives its fetches. One thread. VB_NOT_FOUND for
 * whatever the list or the server refuses; VB_NO_MEMORY and VB_IO for our own troubles. Connections
 * and the memory of hosts live as long as the web.
 */
#ifndef VERBATIM_MEDIA_WEB_H
#define VERBATIM_MEDIA_WEB_H

#include "media.h"
#include "rules/media_allow.h"
#include "rules/media_credentials.h"

struct vb_web;
struct vb_fetch;

struct vb_web_options {
    const struct vb_media_allow *allow; /* borrowed for its life, as is room_context */
    int64_t patience;                   /* microseconds for one answer as a whole */
    size_t fetches;                     /* at most so many fetches */
    size_t at_one_host;                 /* of them under way at one host */
    /* Whether the fetch may spool so many bytes more now; else it rests until vb_fetch_go_on. */
    bool (*has_room)(void *context, const struct vb_fetch *fetch, size_t length);
    void *room_context;
};
enum vb_status vb_web_new(const struct vb_web_options *options, struct vb_web **ret_web,
                          struct vb_error *err) vb_must_check;
void vb_web_free(struct vb_web *web);
/* Takes up what has come in, and where nothing has waits for it, for at most so many microseconds.
 * VB_NO_MEMORY: no fetch of it can go on. */
enum vb_status vb_web_turn(struct vb_web *web, int64_t wait, struct vb_error *err) vb_must_check;

/* Without a medium yet. */
enum vb_status vb_fetch_new(struct vb_web *web, struct vb_fetch **ret_fetch,
                            struct vb_error *err) vb_must_check;
void vb_fetch_free(struct vb_fetch *fetch);
/* Another medium, of at most `most` bytes; the texts and the logins are borrowed until it has ended
 * or was dropped. Sends nothing yet; a URL that may not be asked for ends it. */
void vb_fetch_begin(struct vb_fetch *fetch, const struct vb_media_credentials *logins,
                    const struct vb_medium *medium, uint64_t most);
/* Sends its next request, if it is time for it and its host bears one more. Returns when it is
 * to be called again at the latest (monotonic; INT64_MAX: what it waits for is another's end). */
int64_t vb_fetch_start(struct vb_fetch *fetch, int64_t now);
/* After has_room has said no. */
void vb_fetch_go_on(struct vb_fetch *fetch);
/* Gives it up; a request under way is broken off. */
void vb_fetch_drop(struct vb_fetch *fetch);
bool vb_fetch_has_ended(const struct vb_fetch *fetch);
/* What it came to; `err` is filled unless that is VB_OK. After its end only. */
enum vb_status vb_fetch_result(const struct vb_fetch *fetch, struct vb_error *err) vb_must_check;
/* Its bytes so far; after an end with VB_OK they are the medium. */
struct vb_spool *vb_fetch_spool(struct vb_fetch *fetch);
/* How large the server says that the medium is; -1: it has not said. */
int64_t vb_fetch_told_size(const struct vb_fetch *fetch);

#endif
