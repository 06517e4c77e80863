/* The keys that manifests are signed by, in the database: all processes sign with the newest one.
 *
 * Statements of their own, on the caller's connection: of a worker, or of an operator's command
 * (the API's role may not see them). Results go into the caller's memory, who wipes a private key.
 * VB_NOT_FOUND: there is none; VB_CORRUPT: a row that is no key; those of the database.
 */
#ifndef VERBATIM_QUEUE_MANIFEST_KEY_H
#define VERBATIM_QUEUE_MANIFEST_KEY_H

#include "database/pg.h"

#include "verbatim/ed25519.h"

/* The id of the newest key; makes the first one. */
enum vb_status vb_manifest_key_now(struct vb_pg *pg, char ret_id[VB_ED25519_ID],
                                   struct vb_error *err) vb_must_check;
/* Makes another, which signs from here on. */
enum vb_status vb_manifest_key_make(struct vb_pg *pg, char ret_id[VB_ED25519_ID],
                                    struct vb_error *err) vb_must_check;
enum vb_status vb_manifest_key_private(struct vb_pg *pg, const char *id,
                                       unsigned char ret_private[VB_ED25519_KEY],
                                       struct vb_error *err) vb_must_check;
enum vb_status vb_manifest_key_public(struct vb_pg *pg, const char *id,
                                      unsigned char ret_public[VB_ED25519_KEY],
                                      struct vb_error *err) vb_must_check;
/* Calls `tell` for each, the newest first, until one fails; texts live as long as the call. The
 * time is as PostgreSQL writes it. */
enum vb_status vb_manifest_key_each(struct vb_pg *pg,
                                    enum vb_status (*tell)(void *context, const char *id,
                                                           const char *created_at,
                                                           const unsigned char *public_key,
                                                           struct vb_error *err),
                                    void *context, struct vb_error *err) vb_must_check;

#endif
