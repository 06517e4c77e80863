/* Objects and multipart uploads in an S3-compatible store, over libcurl.
 *
 * Each attempt is signed afresh; what may succeed later is tried again with jittered back-off, a
 * wrong clock is corrected from the answer's Date, expired credentials are fetched anew once. Lists
 * no buckets, follows no redirects, sends no x-amz-checksum and no aws-chunked. Source: Amazon S3
 * API Reference, version 2006-03-01.
 *
 * A client is its caller's until vb_s3_client_free; it copies its place and borrows credentials and
 * counters, which outlive it. Bodies are borrowed for the call and never copied whole. A client is
 * one connection's worth of state and belongs to one thread. Errors: what remains after the
 * retries, with a status that says whether a later call may succeed (the list stands above
 * vb_s3_put). Results are plain values; the code is that of the last call.
 */
#ifndef VERBATIM_S3_CLIENT_H
#define VERBATIM_S3_CLIENT_H

#include "verbatim/s3_credentials.h"

#include <stdatomic.h>
#include <sys/uio.h>

/* Ceilings with the NUL. */
#define VB_S3_ETAG 80
#define VB_S3_TYPE 128
#define VB_S3_UPLOAD_ID 1024
#define VB_S3_VERSION 256      /* a longer one counts as none */
#define VB_S3_PART_MOST 10000u /* the highest part number */

enum vb_s3_addressing { VB_S3_AUTO, VB_S3_PATH, VB_S3_VIRTUAL };

/* "amazonaws.com", or the domain of the partition of AWS that the region is in, such as China's. */
const char *vb_s3_domain_of(const char *region);

/* A bucket and how to reach it. Strings are borrowed where a place is passed. */
struct vb_s3_place {
    const char *endpoint; /* http(s)://HOST[:PORT][/PREFIX]; NULL: https://s3.REGION.DOMAIN */
    const char *region;
    const char *bucket;
    enum vb_s3_addressing addressing; /* auto: virtual for AWS, path elsewhere */
};

/* Encryption by the store that is asked for with each object, x-amz-server-side-encryption. */
enum vb_s3_sse { VB_S3_SSE_OFF, VB_S3_SSE_AES256, VB_S3_SSE_KMS };

enum vb_s3_outcome {
    VB_S3_SUCCEEDED,
    VB_S3_THROTTLED,     /* 429, SlowDown and their like */
    VB_S3_SERVER_FAILED, /* other 5xx */
    VB_S3_REFUSED,       /* other 4xx, redirects, answers that make no sense */
    VB_S3_UNREACHABLE,   /* no connection, reset, timed out */
    VB_S3_CUT_SHORT,     /* stopped by the stop callback */
    VB_S3_OUTCOMES
};
/* For metrics; shared by all clients, read at any time from any thread. Zero it before use. */
struct vb_s3_counters {
    _Atomic uint64_t requests[VB_S3_OUTCOMES]; /* every attempt counts */
    _Atomic uint64_t retries;
    _Atomic uint64_t bytes_sent; /* of bodies */
};

struct vb_s3_options {
    struct vb_s3_place place;              /* copied */
    struct vb_s3_credentials *credentials; /* borrowed for the client's life */
    struct vb_s3_counters *counters;       /* borrowed; may be NULL */
    /* Asked at least once a second while a call runs; true ends it with VB_STOPPED. May be NULL. */
    bool (*stop)(void *context);
    void *stop_context;
    enum vb_s3_sse sse;
    const char *sse_key; /* with VB_S3_SSE_KMS, borrowed for the client's life; NULL: the store's */
    /* Whether bodies go with a Content-MD5: learned from a refusal that asks for it, and shared by
     * the clients of one bucket for their lives. NULL: each learns for itself. */
    atomic_bool *wants_md5;
    unsigned attempts;        /* of one call; 0: 5 */
    unsigned connect_seconds; /* to connect; 0: 5 */
    unsigned stall_seconds;   /* without progress; 0: 30 */
};

struct vb_s3_client;

/* Connects to nobody yet. VB_INVALID for an endpoint, region or bucket that cannot be. */
enum vb_status vb_s3_client_new(const struct vb_s3_options *options,
                                struct vb_s3_client **ret_client,
                                struct vb_error *err) vb_must_check;
void vb_s3_client_free(struct vb_s3_client *client);
/* The S3 code of the last call's failure, such as "NoSuchUpload"; "" if it had none. */
const char *vb_s3_client_code(const struct vb_s3_client *client);

/* What the last answer told of a bucket that keeps versions; "" where it does not. After a put, a
 * completion or a look: the version id of the object. */
const char *vb_s3_client_version(const struct vb_s3_client *client);
/* After a deletion, or a look that was VB_NOT_FOUND: that of the deletion marker on top. */
const char *vb_s3_client_marker(const struct vb_s3_client *client);

/* The status of every call below: VB_NOT_FOUND for 404 (no such key, upload or bucket),
 * VB_DENIED for 401 and 403, VB_EXPIRED for keys or a clock that the store found too old,
 * VB_NETWORK when no whole answer came, VB_STOPPED, VB_CONFLICT where a multipart upload's parts
 * are not as told (InvalidPart, InvalidPartOrder, EntityTooSmall), VB_STORAGE_AWAY for what the
 * store may get over, VB_STORAGE for the rest. Keys are UTF-8, decoded, without a leading "/". */

/* A body in pieces, borrowed for the call. */
struct vb_s3_body {
    const struct iovec *pieces;
    size_t count;
    uint64_t size; /* sum of the pieces */
};

/* The object's kind: NULL members are left out. */
struct vb_s3_kind {
    const char *content_type;
    const char *file_name; /* becomes a Content-Disposition for any language */
};

/* The whole object at once, in the place of one that stands there. The ETag comes with its
 * quotes. */
enum vb_status vb_s3_put(struct vb_s3_client *client, const char *key,
                         const struct vb_s3_body *body, struct vb_s3_kind kind,
                         char ret_etag[VB_S3_ETAG], struct vb_error *err) vb_must_check;

/* Begins an upload. Not idempotent: a lost answer leaves an upload that vb_s3_list_uploads
 * finds. */
enum vb_status vb_s3_create_upload(struct vb_s3_client *client, const char *key,
                                   struct vb_s3_kind kind, char ret_upload_id[VB_S3_UPLOAD_ID],
                                   struct vb_error *err) vb_must_check;
/* One part, in the place of an earlier one of the same number. Numbers may come in any order and
 * from several processes. VB_NOT_FOUND: the upload is gone. */
enum vb_status vb_s3_upload_part(struct vb_s3_client *client, const char *key,
                                 const char *upload_id, uint32_t number,
                                 const struct vb_s3_body *body, char ret_etag[VB_S3_ETAG],
                                 struct vb_error *err) vb_must_check;

struct vb_s3_part {
    uint32_t number; /* 1 to VB_S3_PART_MOST */
    uint64_t size;
    char etag[VB_S3_ETAG];
};
/* Parts in ascending order of number. The answer's body decides. When the upload is gone but
 * an object of the parts' total size stands at the key, an earlier answer was lost and this is
 * success too, so it may be called again after a crash. */
enum vb_status vb_s3_complete_upload(struct vb_s3_client *client, const char *key,
                                     const char *upload_id, const struct vb_s3_part *parts,
                                     size_t count, char ret_etag[VB_S3_ETAG],
                                     struct vb_error *err) vb_must_check;
/* VB_NOT_FOUND when the upload is gone already, but MinIO answers VB_OK then too; a part under
 * way may land after an abort. What tells that nothing is left is VB_NOT_FOUND from
 * vb_s3_list_parts. */
enum vb_status vb_s3_abort_upload(struct vb_s3_client *client, const char *key,
                                  const char *upload_id, struct vb_error *err) vb_must_check;
/* Calls `part` for each uploaded part, in the store's order, which need not be that of numbers; a
 * number sent twice may come twice. Anything but VB_OK from it ends the listing. */
enum vb_status vb_s3_list_parts(struct vb_s3_client *client, const char *key, const char *upload_id,
                                enum vb_status (*part)(void *context,
                                                       const struct vb_s3_part *part),
                                void *context, struct vb_error *err) vb_must_check;

/* Calls `upload` with the id of each unfinished upload of exactly this key; anything but VB_OK
 * from it ends the listing and is returned, with what it put into `err` itself. It may use the
 * client. A list may end early, since some stores cannot go on inside one key: whoever empties it
 * lists again until nothing comes. Some stores cannot list at all (code NotImplemented), and some
 * rights do not allow it. */
enum vb_status vb_s3_list_uploads(struct vb_s3_client *client, const char *key,
                                  enum vb_status (*upload)(void *context, const char *upload_id,
                                                           struct vb_error *err),
                                  void *context, struct vb_error *err) vb_must_check;

struct vb_s3_object {
    uint64_t size;
    vb_instant last_modified; /* 0 if not told */
    char etag[VB_S3_ETAG];
    char content_type[VB_S3_TYPE]; /* "" if not told, or longer */
};
/* Size, time and kind of an object, without its bytes. VB_STORAGE where the answer tells no
 * size. */
enum vb_status vb_s3_head(struct vb_s3_client *client, const char *key,
                          struct vb_s3_object *ret_object, struct vb_error *err) vb_must_check;
/* Appends the whole object; VB_LIMIT when it exceeds the buffer's ceiling. For small objects. */
enum vb_status vb_s3_get(struct vb_s3_client *client, const char *key, struct vb_buffer *out,
                         struct vb_error *err) vb_must_check;
/* Appends `length` bytes of the object from `offset` on, which must be within it. `etag`, as
 * vb_s3_head told it ("": any): another version than that is VB_CONFLICT. */
enum vb_status vb_s3_get_range(struct vb_s3_client *client, const char *key, const char *etag,
                               uint64_t offset, size_t length, struct vb_buffer *out,
                               struct vb_error *err) vb_must_check;
/* An object that is not there counts as deleted. A bucket that keeps versions puts a deletion
 * marker on top and keeps the bytes. */
enum vb_status vb_s3_delete(struct vb_s3_client *client, const char *key,
                            struct vb_error *err) vb_must_check;
/* One version, or one deletion marker, for good; what is under it is on top then. Needs the right
 * DeleteObjectVersion. A version that is not there counts as deleted. */
enum vb_status vb_s3_delete_version(struct vb_s3_client *client, const char *key,
                                    const char *version, struct vb_error *err) vb_must_check;
/* Whether the place is there, one attempt each: for readiness. The first asks with HEAD, whose
 * refusal has no words; the second lists one key below `prefix`, and is told why not; the third
 * reads an object that need not be there (VB_OK too), for credentials that may not list. */
enum vb_status vb_s3_check_bucket(struct vb_s3_client *client, struct vb_error *err) vb_must_check;
enum vb_status vb_s3_check_list(struct vb_s3_client *client, const char *prefix,
                                struct vb_error *err) vb_must_check;
enum vb_status vb_s3_check_key(struct vb_s3_client *client, const char *key,
                               struct vb_error *err) vb_must_check;

/* A link to GET (or HEAD) one object, signed over the host alone. Pure: the same arguments, the
 * same link. */
struct vb_s3_link {
    const struct vb_s3_place *place; /* with the endpoint that the person with the link reaches */
    const struct vb_s3_keys *keys;   /* if temporary, the link dies with them */
    const char *key;
    vb_instant at;
    unsigned lifetime;     /* seconds, 1 to 604800 */
    const char *file_name; /* response-content-disposition; NULL: none */
    bool is_shown;         /* by the browser, instead of saved */
    bool is_head;          /* for HEAD: the method is signed, so a link is good for one alone */
};
/* Appends the link to `out`. */
enum vb_status vb_s3_presign_get(const struct vb_s3_link *link, struct vb_buffer *out,
                                 struct vb_error *err) vb_must_check;

/* Appends `attachment; filename="..."; filename*=UTF-8''...` (RFC 6266, RFC 8187): an ASCII
 * form for old clients, and the true name. */
enum vb_status vb_content_disposition(struct vb_buffer *out, const char *file_name) vb_must_check;

#endif
