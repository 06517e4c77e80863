/* One request to a web server for a medium, and what its answer means. Inside media/web.c only.
 *
 * Sets the handle's options, spools the body, judges the end; sending and waiting are web.c's. The
 * exchange is its fetch's and borrows all that it points to; it owns the easy handle. One thread,
 * on which libcurl calls back. Errors as media.h has them.
 */
#ifndef VERBATIM_MEDIA_EXCHANGE_H
#define VERBATIM_MEDIA_EXCHANGE_H

#include "rules/media_allow.h"
#include "rules/media_credentials.h"
#include "spool.h"

#include <arpa/inet.h>
#include <curl/curl.h>

struct vb_exchange {
    CURL *easy;
    const struct vb_media_allow *allow;
    int64_t patience;                   /* microseconds for the answer as a whole */
    const struct vb_media_login *login; /* NULL: none is sent */
    struct vb_spool *spool;
    uint64_t most; /* bytes of a medium */
    /* Whether so many bytes more may be spooled now; else the transfer rests until it is told to go
     * on (curl_easy_pause). */
    bool (*has_room)(void *context, size_t length);
    void *room_context;
    /* What came of it, each since vb_exchange_prepare: */
    bool too_large, rested;
    char refused[INET6_ADDRSTRLEN]; /* the address that was not connected to; "" for none */
    enum vb_status spooled;         /* of the last append */
    int64_t retry_after;            /* microseconds that the answer asked for; 0: none */
    struct vb_error err;            /* of the spool */
};

/* What a request came to. HAD also for a body that is no medium, since asking again would bring the
 * same. */
enum vb_outcome { VB_HAD, VB_REDIRECTED, VB_FAILED, VB_MAY_HEAL, VB_THROTTLED };

/* Empties the spool and sets the handle for `url`, which is borrowed until the request has
 * ended. */
enum vb_status vb_exchange_prepare(struct vb_exchange *exchange, CURLU *url,
                                   struct vb_error *err) vb_must_check;
/* After its end, of which libcurl says `code`. `host` is what errors call the server. */
enum vb_status vb_exchange_settle(struct vb_exchange *exchange, CURLcode code, const char *host,
                                  struct vb_view declared, enum vb_outcome *ret_outcome,
                                  struct vb_error *err) vb_must_check;

#endif
