/* Tokens of console sessions: the id of the session, a dot, and 32 random bytes in hexadecimal.
 *
 * The id is public and is what the database is asked for; only the SHA-256 of the whole token is
 * stored. Nothing is owned; a token's text is the caller's, who wipes it after use. Any thread.
 * Errors: VB_INVALID for what is no token; making one cannot fail. Whether a session lives is not
 * this module's to know.
 */
#ifndef VERBATIM_RULES_SESSION_TOKEN_H
#define VERBATIM_RULES_SESSION_TOKEN_H

#include "verbatim/hash.h"
#include "verbatim/uuid.h"

#define VB_SESSION_SECRET 32u                                        /* bytes */
#define VB_SESSION_TOKEN (VB_UUID_TEXT + 2u * VB_SESSION_SECRET + 1) /* with the NUL */

void vb_session_token_make(char ret_token[VB_SESSION_TOKEN], struct vb_uuid *ret_id,
                           unsigned char ret_hash[VB_SHA256]);
/* VB_INVALID unless `token` has the form; then the id to look up and the hash to compare. */
enum vb_status vb_session_token_parse(struct vb_view token, struct vb_uuid *ret_id,
                                      unsigned char ret_hash[VB_SHA256]) vb_must_check;

#endif
