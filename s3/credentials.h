/* The places of the credential chain, for credentials.c. Each fetches once and keeps nothing.
 *
 * A place is one function without state. What it is asked with is borrowed, the keys are the
 * caller's to wipe. Any thread, several at once. Errors: VB_NOT_FOUND passes to the next place; all
 * others end the search (see vb_s3_fetch).
 */
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

/* Copies one value into a key's field, NULL as "". VB_LIMIT when it does not fit, VB_INVALID when
 * it holds a blank or a control character; both name the field, never the value. */
enum vb_status vb_s3_keys_set(char *to, size_t room, const char *field, const char *value,
                              struct vb_error *err) vb_must_check;
/* The three of them; `temporary` becomes true where there is a token, else it stays. NULL is "". */
enum vb_status vb_s3_keys_fill(struct vb_s3_keys *keys, const char *id, const char *secret,
                               const char *token, struct vb_error *err) vb_must_check;
/* A whole small file, appended; VB_NOT_FOUND if it is not there, VB_LIMIT past the buffer's
 * ceiling. What was read stays in `out` after a failure too: the caller wipes it. */
enum vb_status vb_s3_read_file(const char *path, struct vb_buffer *out,
                               struct vb_error *err) vb_must_check;

#endif
