/* Signature Version 4, as a pure function: time and credentials are arguments, nothing is sent.
 *
 * Signs a request by header or by query (presigned link) and shows every stage: canonical request,
 * string to sign, signature. Path and query come decoded; each octet is encoded exactly once, and
 * what is signed is what must be sent. Knows no body (its digest is given), does no aws-chunked and
 * no SigV4A. Source: AWS General Reference, "Signature Version 4".
 *
 * What is signed is borrowed for the call; the signature owns its buffers until
 * vb_s3_signature_done. Any thread. VB_INVALID for what cannot be signed, VB_LIMIT past 256 pairs
 * or 256 KiB, VB_NO_MEMORY; the earlier signature is untouched then.
 */
#ifndef VERBATIM_S3_SIGNER_H
#define VERBATIM_S3_SIGNER_H

#include "verbatim/clock.h"
#include "verbatim/hash.h"

#include <stdio.h>

#define VB_S3_LIFETIME_MOST 604800u       /* seconds a presigned link may live: seven days */
#define VB_S3_UNSIGNED "UNSIGNED-PAYLOAD" /* stands for the digest of a presigned request's body */

/* A header, or a parameter of the query. Borrowed. */
struct vb_s3_pair {
    struct vb_view name, value;
};

enum vb_s3_sign_mode { VB_S3_SIGN_HEADER, VB_S3_SIGN_QUERY };

/* Everything that goes into a signature. All borrowed for the call. */
struct vb_s3_signing {
    const char *method;
    struct vb_view path; /* decoded; "" counts as "/" */
    const struct vb_s3_pair *query;
    size_t query_count;
    /* `host` must be among them, as `host[:port]` exactly as sent. x-amz-date and
     * x-amz-security-token are added by the signer; x-amz-content-sha256 is not. All are
     * signed but those a proxy may change. */
    const struct vb_s3_pair *headers;
    size_t header_count;
    /* Hex SHA-256 of the body or VB_S3_UNSIGNED. NULL: the empty body's, and VB_S3_UNSIGNED for a
     * presigned request to the service "s3". */
    const char *payload_sha256;
    const char *access_key_id, *secret_access_key;
    const char *session_token; /* NULL or "": none */
    vb_instant at;             /* whole seconds count */
    const char *region, *service;
    enum vb_s3_sign_mode mode;
    unsigned expires;    /* query mode: seconds, 1 to VB_S3_LIFETIME_MOST */
    bool normalize_path; /* fold ".", ".." and "//": on for most services, off for S3 */
};

/* The stages. Zero it before the first use; vb_s3_signature_done frees. */
struct vb_s3_signature {
    struct vb_buffer canonical_request;
    struct vb_buffer string_to_sign;
    struct vb_buffer target; /* encoded path, and "?" with the encoded query where there is one;
                                       in query mode with X-Amz-Signature at the end */
    struct vb_buffer authorization; /* value of that header; empty in query mode */
    char date[17];                  /* YYYYMMDDTHHMMSSZ: value of x-amz-date */
    char signature[VB_SHA256_HEX];
};

/* VB_INVALID for a request that cannot be signed (no host, no keys, lifetime out of range). */
enum vb_status vb_s3_sign(const struct vb_s3_signing *signing,
                          struct vb_s3_signature *ret_signature,
                          struct vb_error *err) vb_must_check;
void vb_s3_signature_done(struct vb_s3_signature *signature);

/* The command `verbatim s3 sign`: one request as JSON from `in`, the three stages as JSON to
 * `out`. */
enum vb_status vb_s3_sign_command(FILE *in, FILE *out, struct vb_error *err) vb_must_check;

#endif
