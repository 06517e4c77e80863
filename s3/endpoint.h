/* From a place (endpoint, bucket, addressing) to the host and the path that are signed and sent.
 *
 * Resolves no names, connects to nobody. Sources: RFC 3986 for the endpoint, Amazon S3 User Guide
 * for addressing. An address owns its strings until vb_s3_address_done; it keeps nothing of the
 * place. Any thread: pure. VB_INVALID for an endpoint, region or bucket that cannot be,
 * VB_NO_MEMORY.
 */
#ifndef VERBATIM_S3_ENDPOINT_H
#define VERBATIM_S3_ENDPOINT_H

#include "verbatim/s3_client.h"

struct vb_s3_address {
    char *origin; /* "https://HOST[:PORT]", what the encoded path is put behind */
    char *host;   /* "HOST[:PORT]" as sent; the scheme's own port is left out */
    char *base;   /* decoded path of the bucket: "/PREFIX/BUCKET", "/BUCKET" or "" */
};

/* An endpoint that is NULL or "" is Amazon's of the region, in China its own. */
enum vb_status vb_s3_address_of(const struct vb_s3_place *place, struct vb_s3_address *ret_address,
                                struct vb_error *err) vb_must_check;
void vb_s3_address_done(struct vb_s3_address *address);

/* Whether the host is one of AWS, in whatever partition. */
bool vb_s3_host_is_amazon(const char *host);

#endif
