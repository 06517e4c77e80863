/* Making and checking API keys. Owns no memory; any thread. Knows nothing of the database.
 *
 * The secret is the whole 256 bits of the generator, so a plain SHA-256 is enough to store: nobody
 * guesses it, and a slow hash would only cost each request. The CRC is no protection. It catches
 * typing and cutting, and lets scanners of repositories tell a key from other text that begins with
 * "vb_".
 */
#include "key.h"

#include "verbatim/text.h"

#include <string.h>

#define PREFIX "vb_"
#define PREFIX_LENGTH 3u
#define SECRET_BYTES 32u
#define SECRET_LENGTH 43u /* 62^43 > 2^256 */
#define CRC_LENGTH 6u     /* 62^6 > 2^32 */
#define SIGNED_LENGTH (VB_KEY_LENGTH - CRC_LENGTH)

_Static_assert(PREFIX_LENGTH + VB_KEY_ID_LENGTH + 1 + SECRET_LENGTH + CRC_LENGTH == VB_KEY_LENGTH,
               "the lengths of a key's pieces add up");

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* The big-endian number in `bytes` as exactly `length` digits; `bytes` is used up. Higher digits
 * that do not fit are dropped, which makes an id out of more bits than it can hold. */
static void base62(unsigned char *bytes, size_t count, char *text, size_t length)
{
    for (size_t at = length; at-- > 0;) {
        unsigned remainder = 0;
        for (size_t i = 0; i < count; i++) {
            unsigned value = remainder << 8 | bytes[i];
            bytes[i] = (unsigned char)(value / 62);
            remainder = value % 62;
        }
        text[at] = digits[remainder];
    }
}

/* Over prefix, id, "_" and secret: all that stands before it. */
static void crc_text(const char *text, char crc[CRC_LENGTH])
{
    uint32_t value = vb_crc32(0, text, SIGNED_LENGTH);
    unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                              (unsigned char)(value >> 8), (unsigned char)value};
    base62(bytes, sizeof bytes, crc, CRC_LENGTH);
}

void vb_key_make(char ret_key[VB_KEY_LENGTH + 1], struct vb_key_id *ret_id,
                 unsigned char ret_hash[VB_SHA256])
{
    unsigned char id[12],
        secret[SECRET_BYTES]; /* more bits than digits hold: the digits are even */
    char *at = ret_key;
    memcpy(at, PREFIX, sizeof PREFIX);
    at += PREFIX_LENGTH;
    vb_random_bytes(id, sizeof id);
    base62(id, sizeof id, at, VB_KEY_ID_LENGTH);
    memcpy(ret_id->text, at, VB_KEY_ID_LENGTH);
    ret_id->text[VB_KEY_ID_LENGTH] = '\0';
    at += VB_KEY_ID_LENGTH;
    *at++ = '_';
    vb_random_bytes(secret, sizeof secret);
    base62(secret, sizeof secret, at, SECRET_LENGTH);
    explicit_bzero(secret, sizeof secret);
    crc_text(ret_key, at + SECRET_LENGTH);
    ret_key[VB_KEY_LENGTH] = '\0';
    vb_sha256(ret_key, VB_KEY_LENGTH, ret_hash);
}

/* strchr would find a NUL in the digits' own end. */
static bool all_base62(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\0' || !strchr(digits, text[i]))
            return false;
    return true;
}

/* Compared with memcmp: the CRC is no secret. What is secret is compared by its hash, in constant
 * time, once the id has been found. */
enum vb_status vb_key_parse(struct vb_view key, struct vb_key_id *ret_id)
{
    if (key.length != VB_KEY_LENGTH)
        return VB_INVALID;
    const char *id = key.data + PREFIX_LENGTH;
    char crc[CRC_LENGTH];
    if (memcmp(key.data, PREFIX, PREFIX_LENGTH) != 0 || !all_base62(id, VB_KEY_ID_LENGTH) ||
        id[VB_KEY_ID_LENGTH] != '_' ||
        !all_base62(id + VB_KEY_ID_LENGTH + 1, SECRET_LENGTH + CRC_LENGTH))
        return VB_INVALID;
    crc_text(key.data, crc);
    if (memcmp(crc, key.data + SIGNED_LENGTH, CRC_LENGTH) != 0)
        return VB_INVALID;
    memcpy(ret_id->text, id, VB_KEY_ID_LENGTH);
    ret_id->text[VB_KEY_ID_LENGTH] = '\0';
    return VB_OK;
}

bool vb_scope_known(struct vb_view name)
{
    return vb_view_equals(name, VB_VIEW(VB_SCOPE_EXPORT)) ||
           vb_view_equals(name, VB_VIEW(VB_SCOPE_METRICS));
}

bool vb_key_name_valid(struct vb_view name)
{
    return name.length <= VB_KEY_NAME_BYTES && vb_utf8_is_line(name);
}

bool vb_key_tag_valid(struct vb_view tag)
{
    return tag.length >= 1 && tag.length <= VB_KEY_TAG_BYTES && vb_utf8_is_line(tag);
}
