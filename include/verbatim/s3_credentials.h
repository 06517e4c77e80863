/* Where S3 credentials come from: the chain that AWS tools use, asked in order, refreshed in time.
 *
 * Environment, web identity, shared file, container, instance metadata (IMDSv2). Writes nothing,
 * logs nothing. No SSO, no credential_process.
 *
 * A provider is its maker's, who frees it when no thread uses it any more; copies of keys are the
 * caller's to wipe. One provider is shared by all threads: a lock guards the cached keys, one
 * thread at a time fetches, and the others go on with the keys at hand while those are valid.
 * Errors name the place they came from: VB_DENIED and VB_EXPIRED (see vb_s3_credentials_get),
 * VB_INVALID and VB_LIMIT for what is set up wrong, VB_STOPPED, and those of files and exchanges.
 * Keys that were handed out live until their `expires`; names of places are static.
 */
#ifndef VERBATIM_S3_CREDENTIALS_H
#define VERBATIM_S3_CREDENTIALS_H

#include "verbatim/clock.h"

/* Ceilings with the NUL; a longer value is refused. */
#define VB_S3_KEY_TEXT 256
#define VB_S3_TOKEN_TEXT 8192

/* A copy of the keys: a plain value. Wipe it with vb_s3_keys_wipe when done. */
struct vb_s3_keys {
    char access_key_id[VB_S3_KEY_TEXT];
    char secret_access_key[VB_S3_KEY_TEXT];
    char session_token[VB_S3_TOKEN_TEXT]; /* "" for none */
    vb_instant expires;                   /* 0: not told, or never */
    bool temporary;                       /* a link signed with them dies with them */
};
void vb_s3_keys_wipe(struct vb_s3_keys *keys);

struct vb_s3_credentials;

/* Asks nobody yet. `region` chooses the STS endpoint of web identity; copied, NULL allowed. */
enum vb_status vb_s3_credentials_new(const char *region, struct vb_s3_credentials **ret_credentials,
                                     struct vb_error *err) vb_must_check;
void vb_s3_credentials_free(struct vb_s3_credentials *credentials);

/* The keys to sign with. Renewed 15 minutes before they expire; when that fails, the old ones
 * serve until a minute before the end. May wait for the network (seconds), but not again for a
 * while after a fetch that failed: then its error is returned. VB_DENIED with the places that
 * were asked when there are none; VB_EXPIRED when there were some. */
enum vb_status vb_s3_credentials_get(struct vb_s3_credentials *credentials,
                                     struct vb_s3_keys *ret_keys,
                                     struct vb_error *err) vb_must_check;
/* The keys as last fetched, for threads that may not wait: never asks anybody. VB_EXPIRED
 * when they are not good any more; somebody else has to renew them. */
enum vb_status vb_s3_credentials_peek(struct vb_s3_credentials *credentials,
                                      struct vb_s3_keys *ret_keys,
                                      struct vb_error *err) vb_must_check;
/* For a thread that keeps the keys fresh: renews them if it is time, and returns how long to wait
 * before the next call, 1 to 60 s. May wait for the network. */
int64_t vb_s3_credentials_keep(struct vb_s3_credentials *credentials);
/* Ends a fetch under way, and every later one, with VB_STOPPED. Any thread. */
void vb_s3_credentials_stop(struct vb_s3_credentials *credentials);
/* The store called these keys expired: the next get fetches anew, unless that already happened. */
void vb_s3_credentials_expired(struct vb_s3_credentials *credentials,
                               const struct vb_s3_keys *keys);

/* Which place the keys at hand came from: "environment", "shared file", ...; "" before the
 * first get. */
const char *vb_s3_credentials_source(struct vb_s3_credentials *credentials);

#endif
