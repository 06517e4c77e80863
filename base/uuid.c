/* Random ids in the canonical text form of RFC 9562. See uuid.h. Ids of the source are opaque text,
 * never these.
 *
 * Version 4 throughout, so an id tells neither when nor where it was made: ids of exports are seen
 * by people outside. 122 random bits need no check for one that exists.
 */
#include "verbatim/uuid.h"

#include "verbatim/hash.h"

/* Positions of the hyphens in the canonical text, 8-4-4-4-12. */
static bool is_hyphen_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

struct vb_uuid vb_uuid_random(void)
{
    struct vb_uuid uuid;
    vb_random_bytes(uuid.bytes, sizeof uuid.bytes);
    /* Version 4, and the variant of the RFC. */
    uuid.bytes[6] = (unsigned char)((uuid.bytes[6] & 0x0F) | 0x40);
    uuid.bytes[8] = (unsigned char)((uuid.bytes[8] & 0x3F) | 0x80);
    return uuid;
}

/* Called for each message of an export, so without printf. */
void vb_uuid_format(struct vb_uuid uuid, char text[VB_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *out = text;
    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[uuid.bytes[i] >> 4];
        *out++ = digits[uuid.bytes[i] & 15];
    }
    *out = '\0';
}

/* Version and variant are not looked at: ids that other systems made pass as well. Braces,
 * "urn:uuid:" and digits without hyphens do not, so that each id has two spellings at most (by
 * case). */
enum vb_status vb_uuid_parse(struct vb_view text, struct vb_uuid *ret_uuid)
{
    char hex[32];
    size_t count = 0;
    if (text.length != 36)
        return VB_INVALID;
    for (size_t i = 0; i < 36; i++) {
        if (is_hyphen_at(i)) {
            if (text.data[i] != '-')
                return VB_INVALID;
        } else {
            hex[count++] = text.data[i];
        }
    }
    struct vb_uuid uuid;
    enum vb_status status = vb_hex_decode((struct vb_view){hex, 32}, uuid.bytes, sizeof uuid.bytes);
    if (status == VB_OK)
        *ret_uuid = uuid;
    return status;
}
