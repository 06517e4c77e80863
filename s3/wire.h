/* One HTTP exchange over libcurl: a request with a body in pieces, a small answer in a buffer.
 *
 * No retries, no signatures, no redirects; the answer's body is collected whole, up to its buffer's
 * ceiling. A vb_s3_wire owns one easy handle and its connection; requests and their parts are
 * borrowed for the call, and the answer's buffer is the caller's. One thread. Errors are about the
 * exchange and never about what the answer says: VB_NETWORK, VB_UNTRUSTED, VB_LIMIT, VB_INVALID,
 * VB_NO_MEMORY, VB_STOPPED. Answers are plain values and outlive the wire.
 */
#ifndef VERBATIM_S3_WIRE_H
#define VERBATIM_S3_WIRE_H

#include "verbatim/s3_client.h"
#include "verbatim/s3_signer.h"

#define VB_S3_WIRE_HEADER 256 /* ceiling of a header value that is kept, with the NUL */

struct vb_s3_wire;

struct vb_s3_wire_request {
    const char *method;
    const char *url;
    const struct vb_s3_pair
        *headers; /* sent as given; nothing else but Content-Length and Accept is */
    size_t header_count;
    const struct vb_s3_body *body; /* NULL: none; a PUT or POST then sends Content-Length: 0 */
    unsigned connect_seconds;      /* 0: 5 */
    unsigned stall_seconds;        /* without progress for so long it fails; 0: never */
    unsigned total_seconds;        /* for the whole exchange; 0: no limit */
    bool direct;                   /* past any proxy: for addresses of the machine itself */
    bool (*stop)(void *context);
    void *stop_context;
};

struct vb_s3_wire_answer {
    int status; /* 0: none came */
    char etag[VB_S3_WIRE_HEADER];
    char request_id[VB_S3_WIRE_HEADER];
    char retry_after[VB_S3_WIRE_HEADER];
    char content_type[VB_S3_WIRE_HEADER];
    char version[VB_S3_WIRE_HEADER]; /* x-amz-version-id */
    char region[VB_S3_WIRE_HEADER];  /* x-amz-bucket-region */
    bool is_marker;                  /* x-amz-delete-marker: the version is one */
    vb_instant date;                 /* the server's clock; 0: not told */
    vb_instant last_modified;        /* 0: not told */
    int64_t content_length;          /* -1: not told */
    uint64_t sent;                   /* bytes of the body that left */
    struct vb_buffer *body;          /* given by the caller: the answer's body is appended */
    enum vb_status body_kept; /* VB_LIMIT, VB_NO_MEMORY: ended, the body could not be taken */
};

enum vb_status vb_s3_wire_new(struct vb_s3_wire **ret_http, struct vb_error *err) vb_must_check;
void vb_s3_wire_free(struct vb_s3_wire *http);

/* VB_OK for any whole answer, whatever its status. VB_NETWORK, VB_STOPPED, VB_LIMIT,
 * VB_UNTRUSTED for a certificate that does not verify, VB_INVALID for a URL that cannot be asked.
 * `answer` is filled as far as it came. */
enum vb_status vb_s3_wire_exchange(struct vb_s3_wire *http,
                                   const struct vb_s3_wire_request *request,
                                   struct vb_s3_wire_answer *answer,
                                   struct vb_error *err) vb_must_check;

#endif
