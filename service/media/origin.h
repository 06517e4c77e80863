/* Whom a medium's URL would ask: scheme, host and port, by the parser of the library that fetches
 * it, so that both mean the same.
 *
 * Plain values. `url` is the caller's handle; any thread with handles of its own. VB_NOT_FOUND with
 * the reason for what cannot be asked, VB_NO_MEMORY.
 */
#ifndef VERBATIM_MEDIA_ORIGIN_H
#define VERBATIM_MEDIA_ORIGIN_H

#include "verbatim/buffer.h"

#include <curl/curl.h>

#define VB_HOST_TEXT 256 /* names of DNS are shorter */

struct vb_origin {
    char scheme[8]; /* "http" or "https" */
    char host[VB_HOST_TEXT];
    unsigned port;
};

/* Puts the text into the handle. */
enum vb_status vb_origin_parse(CURLU *url, const char *text, struct vb_error *err) vb_must_check;
enum vb_status vb_origin_of(CURLU *url, struct vb_origin *ret_origin,
                            struct vb_error *err) vb_must_check;
bool vb_origin_equals(const struct vb_origin *a, const struct vb_origin *b);

#endif
