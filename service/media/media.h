/* Getting media, a window of them at a time: from web servers of the list media_allow, or from a
 * bucket with the service's credentials.
 *
 * No plug-ins for other schemes, no cookies, no proxies; logins are those of
 * media_credentials_file. What an answer holds is never quoted in an error: it is a stranger's.
 *
 * struct vb_media is its maker's, borrows the options and outlives its fetchers; a vb_fetcher is
 * its thread's, keeps its connections, and remembers how hosts behave. vb_media is for any thread,
 * a fetcher for one. What cannot be had is VB_NOT_FOUND with the reason in words for
 * media/errors.csv; VB_STOPPED, VB_NO_MEMORY and VB_IO end the work as they would anywhere.
 *
 * Media are taken in the order in which they were asked for, whenever their answers come. Each
 * waits in a spool of its own; those behind the first together have at most VB_MEDIA_AHEAD bytes on
 * the disk, and what would be more rests at its server until its turn comes.
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

#define VB_MEDIA_AHEAD (UINT64_C(64) * 1024 * 1024)

struct vb_fetcher;
/* `stop` is asked several times a second while the fetcher waits. The options media_fetches and
 * media_host_fetches say how many media are under way at a time. */
enum vb_status vb_fetcher_new(struct vb_media *media, bool (*stop)(void *context),
                              void *stop_context, struct vb_fetcher **ret_fetcher,
                              struct vb_error *err) vb_must_check;
void vb_fetcher_free(struct vb_fetcher *fetcher);

struct vb_medium {
    const char *url;         /* http, https, or s3://BUCKET/KEY */
    struct vb_view declared; /* content type as the platform says; may be empty */
};
/* Whether there is a place for another medium whose texts are so long. Always where none is asked
 * for yet. */
bool vb_fetcher_has_place(const struct vb_fetcher *fetcher, size_t texts);
/* Asks for one more, of at most media_file_limit bytes; copies the texts. Redirects are followed,
 * each checked like the first URL. Objects of buckets are fetched when they are taken. What becomes
 * of it is told then; here VB_NO_MEMORY alone. */
enum vb_status vb_fetcher_ask(struct vb_fetcher *fetcher, const struct vb_medium *medium,
                              struct vb_error *err) vb_must_check;
/* How many bytes of media are wanted yet, in all: none is begun that those before it probably leave
 * nothing for. */
void vb_fetcher_want(struct vb_fetcher *fetcher, uint64_t bytes);
/* Goes on with those under way, without waiting. True: the first has ended. */
bool vb_fetcher_look(struct vb_fetcher *fetcher);
/* Waits for the first that was asked for. Its bytes are good until vb_fetcher_done. */
enum vb_status vb_fetcher_take(struct vb_fetcher *fetcher, const struct vb_spool **ret_spool,
                               struct vb_error *err) vb_must_check;
/* Gives up the first one's place, whatever it came to. */
void vb_fetcher_done(struct vb_fetcher *fetcher);
/* Gives up all; requests under way are broken off. */
void vb_fetcher_drop(struct vb_fetcher *fetcher);

#endif
