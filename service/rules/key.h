/* API keys: `vb_ID_SECRETCRC`, 12 + 43 + 6 characters of base62 in three runs without separators
 * inside.
 *
 * ID is public and is what logs and lists name; SECRET is 32 random bytes; CRC is the CRC-32 of all
 * that stands before it, so garbage is refused without asking the database and scanners know a key
 * when they see one. Only the SHA-256 of the whole key is stored.
 *
 * Nothing is owned; a key's text is the caller's, who wipes it after use. Any thread: pure but for
 * randomness. Errors: VB_INVALID for what is no key; making one cannot fail. An id is a plain
 * value; keys are good until their row is revoked or gone, which is not this module's to know.
 */
#ifndef VERBATIM_RULES_KEY_H
#define VERBATIM_RULES_KEY_H

#include "verbatim/hash.h"

#define VB_KEY_ID_LENGTH 12u
#define VB_KEY_LENGTH 65u /* "vb_" 12 "_" 43 6 */

struct vb_key_id {
    char text[VB_KEY_ID_LENGTH + 1];
};

/* A new key: its text with the NUL, its id and the hash to store. */
void vb_key_make(char ret_key[VB_KEY_LENGTH + 1], struct vb_key_id *ret_id,
                 unsigned char ret_hash[VB_SHA256]);

/* VB_INVALID unless `key` has the form and its CRC holds; then the id to look up. */
enum vb_status vb_key_parse(struct vb_view key, struct vb_key_id *ret_id) vb_must_check;

/* Scopes: names as stored in api_key.scopes. */
#define VB_SCOPE_EXPORT "workspace-events-notification"
#define VB_SCOPE_METRICS "metrics"
bool vb_scope_known(struct vb_view name);

/* What may stand beside a key: a name for people (may be empty), a tag of its audience. Both are
 * UTF-8 on one line, for lists of keys are read line by line. */
#define VB_KEY_NAME_BYTES 200u
#define VB_KEY_TAG_BYTES 200u
bool vb_key_name_valid(struct vb_view name);
bool vb_key_tag_valid(struct vb_view tag);

#endif
