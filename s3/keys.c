/* The fields of a set of keys: filled, checked, wiped. See credentials.h and
 * verbatim/s3_credentials.h.
 *
 * Values come from files and answers, so they are checked before they can reach a header.
 */
#include "credentials.h"

#include <openssl/crypto.h>
#include <string.h>

void vb_s3_keys_wipe(struct vb_s3_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof *keys);
}

/* Keys end up in headers: a stray line feed from a file must not become one more header. */
enum vb_status vb_s3_keys_set(char *to, size_t room, const char *field, const char *value,
                              struct vb_error *err)
{
    size_t length = value ? strlen(value) : 0;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] <= 0x20 || value[i] == 0x7f)
            return vb_fail(err, VB_INVALID, "the %s holds a blank or a control character", field);
    if (length >= room)
        return vb_fail(err, VB_LIMIT, "the %s exceeds %zu bytes", field, room - 1);
    if (length > 0)
        memcpy(to, value, length);
    to[length] = '\0';
    return VB_OK;
}

enum vb_status vb_s3_keys_fill(struct vb_s3_keys *keys, const char *id, const char *secret,
                               const char *token, struct vb_error *err)
{
    enum vb_status status =
        vb_s3_keys_set(keys->access_key_id, sizeof keys->access_key_id, "access key id", id, err);
    if (status == VB_OK)
        status = vb_s3_keys_set(keys->secret_access_key, sizeof keys->secret_access_key,
                                "secret access key", secret, err);
    if (status == VB_OK)
        status = vb_s3_keys_set(keys->session_token, sizeof keys->session_token, "session token",
                                token, err);
    /* Temporary keys cannot sign links that outlive them; the storage asks for this. */
    keys->temporary = keys->temporary || *keys->session_token != '\0';
    return status;
}
