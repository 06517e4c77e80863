/* The places of the credential chain, for credentials.c. Each fetches once and keeps nothing. */
#ifndef VERBATIM_S3_CREDENTIAL_PLACES_H
#define VERBATIM_S3_CREDENTIAL_PLACES_H

#include "verbatim/s3_credentials.h"

/* What a place may need. Borrowed for one fetch. */
struct vb_s3_lookup {
    const char *region; /* may be NULL */
    /* Asked while the network is waited for; true ends the fetch with VB_STOPPED. */
    bool (*stop)(void *context);
    void *stop_context;
};

/* VB_NOT_FOUND: this place is not set up, ask the next. Any other failure ends the chain: a
 * place that is set up but broken must not silently give way to other rights. */
typedef enum vb_status vb_s3_fetch(const struct vb_s3_lookup *lookup, struct vb_s3_keys *ret_keys,
                                   struct vb_error *err);

vb_s3_fetch vb_s3_fetch_shared_file;
vb_s3_fetch vb_s3_fetch_web_identity;
vb_s3_fetch vb_s3_fetch_container;
vb_s3_fetch vb_s3_fetch_instance;

/* Copies one value into a key's field; VB_LIMIT names the field when it does not fit or holds
 * a control. */
enum vb_status vb_s3_keys_set(char *to, size_t room, const char *field, const char *value,
                              struct vb_error *err) vb_must_check;
/* The three of them; `temporary` becomes true where there is a token, else it stays. NULL is "". */
enum vb_status vb_s3_keys_fill(struct vb_s3_keys *keys, const char *id, const char *secret,
                               const char *token, struct vb_error *err) vb_must_check;
/* A whole small file; VB_NOT_FOUND if it is not there. */
enum vb_status vb_s3_read_file(const char *path, struct vb_buffer *out,
                               struct vb_error *err) vb_must_check;

#endif
