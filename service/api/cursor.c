/* Cursors: time and id of a row, and a MAC over both and the workspace, in hexadecimal digits. See
 * api/cursor.h. */
#include "cursor.h"

#include "verbatim/hash.h"

#include <string.h>

#define POSITION 24u /* eight bytes of time, big-endian, and the id */
#define MAC 16u
_Static_assert(VB_API_CURSOR_TEXT == 2 * (POSITION + MAC) + 1, "the text of a cursor");

/* The name keeps a cursor from ever being a link's signature; the workspace goes in as its digest,
 * since its length is anyone's. */
static void sign(const unsigned char secret[32], const char *workspace,
                 const unsigned char position[POSITION], unsigned char mac[VB_SHA256])
{
    static const char name[] = "verbatim list cursor";
    unsigned char text[sizeof(name) + VB_SHA256 + POSITION];
    memcpy(text, name, sizeof(name));
    vb_sha256(workspace, strlen(workspace), text + sizeof(name));
    memcpy(text + sizeof(name) + VB_SHA256, position, POSITION);
    vb_hmac_sha256(secret, 32, text, sizeof(text), mac);
}

void vb_api_cursor_write(const struct vb_link_secrets *secrets, const char *workspace,
                         const struct vb_api_cursor *cursor, char text[VB_API_CURSOR_TEXT])
{
    unsigned char bytes[POSITION + MAC], mac[VB_SHA256];
    uint64_t time = (uint64_t)cursor->created_at;
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(time >> (56 - 8 * i));
    memcpy(bytes + 8, cursor->id.bytes, sizeof(cursor->id.bytes));
    sign(secrets->secrets[0], workspace, bytes, mac);
    memcpy(bytes + POSITION, mac, MAC);
    vb_hex_encode(bytes, sizeof(bytes), text);
}

enum vb_status vb_api_cursor_read(const struct vb_link_secrets *secrets, const char *workspace,
                                  struct vb_view text, struct vb_api_cursor *ret_cursor)
{
    unsigned char bytes[POSITION + MAC], mac[VB_SHA256];
    struct vb_api_cursor cursor;
    uint64_t time = 0;
    bool is_ours = false;
    if (text.length != VB_API_CURSOR_TEXT - 1 || vb_hex_decode(text, bytes, sizeof(bytes)) != VB_OK)
        return VB_INVALID;
    char again[VB_API_CURSOR_TEXT];
    vb_hex_encode(bytes, sizeof(bytes), again);
    if (memcmp(again, text.data, text.length) != 0)
        return VB_INVALID; /* one place has one text */
    for (size_t i = 0; i < secrets->count && !is_ours; i++) {
        sign(secrets->secrets[i], workspace, bytes, mac);
        is_ours = vb_constant_time_equal(mac, bytes + POSITION, MAC);
    }
    if (!is_ours)
        return VB_INVALID;
    for (size_t i = 0; i < 8; i++)
        time = time << 8 | bytes[i];
    cursor.created_at = (vb_instant)time;
    memcpy(cursor.id.bytes, bytes + 8, sizeof(cursor.id.bytes));
    *ret_cursor = cursor;
    return VB_OK;
}
