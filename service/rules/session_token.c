/* Making and reading tokens. The secret has all bits of the generator, so a plain SHA-256 is enough
 * to store. */
#include "session_token.h"

#include <string.h>

#define DOT (VB_UUID_TEXT - 1u) /* its place */
#define LENGTH (VB_SESSION_TOKEN - 1u)

void vb_session_token_make(char ret_token[VB_SESSION_TOKEN], struct vb_uuid *ret_id,
                           unsigned char ret_hash[VB_SHA256])
{
    unsigned char secret[VB_SESSION_SECRET];
    *ret_id = vb_uuid_random();
    vb_random_bytes(secret, sizeof(secret));
    vb_uuid_format(*ret_id, ret_token);
    ret_token[DOT] = '.';
    vb_hex_encode(secret, sizeof(secret), ret_token + DOT + 1);
    explicit_bzero(secret, sizeof(secret));
    vb_sha256(ret_token, LENGTH, ret_hash);
}

/* Another spelling of the same bytes is another token: it has another hash. */
enum vb_status vb_session_token_parse(struct vb_view token, struct vb_uuid *ret_id,
                                      unsigned char ret_hash[VB_SHA256])
{
    unsigned char secret[VB_SESSION_SECRET];
    if (token.length != LENGTH || token.data[DOT] != '.' ||
        vb_uuid_parse((struct vb_view){token.data, DOT}, ret_id) != VB_OK)
        return VB_INVALID;
    enum vb_status status = vb_hex_decode(
        (struct vb_view){token.data + DOT + 1, 2 * VB_SESSION_SECRET}, secret, sizeof(secret));
    explicit_bzero(secret, sizeof(secret));
    if (status == VB_OK)
        vb_sha256(token.data, LENGTH, ret_hash);
    return status;
}
