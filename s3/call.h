/* One S3 request from first attempt to final answer: sign, send, judge, wait, again.
 *
 * The client's inside, shared by client.c, multipart.c, uploads.c and call.c. Knows objects and
 * uploads only as method, key and query. The client owns its wire, address and copy of the keys; a
 * call and all in it are borrowed. One thread a client. Errors: the statuses of s3_client.h, the
 * text names verb and key. `client->code` is of the last call, and lives until the next.
 */
#ifndef VERBATIM_S3_CALL_H
#define VERBATIM_S3_CALL_H

#include "endpoint.h"
#include "failure.h"
#include "verbatim/s3_signer.h"
#include "wire.h"

struct vb_s3_client {
    struct vb_s3_wire *http;
    struct vb_s3_address address;
    char *region;
    struct vb_s3_credentials *credentials; /* borrowed */
    struct vb_s3_counters *counters;       /* borrowed; may be NULL */
    enum vb_s3_sse sse;
    const char *sse_key;              /* borrowed; may be NULL */
    bool sse_in_uploads;              /* calls in an upload need the headers too, as found out */
    atomic_bool *wants_md5, own_wish; /* the first borrowed, or the second */
    bool (*stop)(void *context);
    void *stop_context;
    unsigned attempts, connect_seconds, stall_seconds;
    vb_instant clock_offset;     /* server's clock minus ours, once it was found wrong */
    struct vb_s3_keys keys;      /* of the attempt that runs */
    char code[64];               /* of the last failure */
    char version[VB_S3_VERSION]; /* that the last answer named, */
    bool is_marker;              /* and whether it is a deletion marker */
};

/* A request. All borrowed. */
struct vb_s3_call {
    const char *verb; /* for the error's text: "put", "complete upload of" */
    const char *method;
    const char *key; /* NULL: the bucket itself */
    const struct vb_s3_pair *query;
    size_t query_count;
    const char *content_type;        /* signed; may be NULL */
    const char *content_disposition; /* not signed; may be NULL */
    const char *range, *if_match;    /* likewise */
    const struct vb_s3_body *body;   /* may be NULL */
    unsigned attempts;               /* 0: the client's */
    bool stores;                     /* makes an object: the headers of encryption go along */
    bool in_upload;                  /* a part or a completion: they go along if it was refused */
    bool patient;                    /* the answer may take minutes without a byte */
    /* Looks into a 2xx answer. VB_INVALID is a failure of the attempt, with the code filled in
     * where there is one; VB_NO_MEMORY. May be NULL. */
    enum vb_status (*check)(struct vb_view body, struct vb_s3_failure *failure);
};

/* `answer->body` collects the body of the final answer, behind what it held before. The key is
 * named in `err`. */
enum vb_status vb_s3_call(struct vb_s3_client *client, const struct vb_s3_call *call,
                          struct vb_s3_wire_answer *answer, struct vb_error *err) vb_must_check;

/* The same where the body of the answer does not matter; `answer` is filled here. */
enum vb_status vb_s3_call_plain(struct vb_s3_client *client, const struct vb_s3_call *call,
                                struct vb_s3_wire_answer *answer,
                                struct vb_error *err) vb_must_check;
/* The same where only the header ETag matters. */
enum vb_status vb_s3_call_for_etag(struct vb_s3_client *client, const struct vb_s3_call *call,
                                   char ret_etag[VB_S3_ETAG], struct vb_error *err) vb_must_check;

/* The Content-Disposition of a kind; `out` is initialised here and stays empty where there is
 * no name. */
enum vb_status vb_s3_disposition_of(struct vb_s3_kind kind, struct vb_buffer *out,
                                    struct vb_error *err) vb_must_check;

#endif
