/* Short links. See storage/short_link.h.
 *
 * Base32 (RFC 4648, section 6, lower-case): letters and digits alone, so that no reader of mail
 * ends a link early, and no two that are told apart by case.
 */
#include "short_link.h"

#include "verbatim/hash.h"

#include <stdio.h>
#include <string.h>

#define PREFIX_BYTES 4
#define MAC_BYTES 16
#define TOKEN_BYTES (PREFIX_BYTES + 1 + MAC_BYTES)

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

/* 21 bytes are 33 digits and three bits, which a last digit carries with two that are 0. */
static void write_token(const unsigned char bytes[TOKEN_BYTES], char token[VB_SHORT_LINK_TOKEN + 1])
{
    unsigned bits = 0, held = 0, at = 0;
    for (size_t i = 0; i < TOKEN_BYTES; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 5; held -= 5)
            token[at++] = digits[bits >> (held - 5) & 31];
    }
    token[at++] = digits[bits << (5 - held) & 31];
    token[at] = '\0';
}

/* 0 to 31; -1: no digit. */
static int digit_value(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* False: no token. One with other bits at its end would be a second text for the same link. */
static bool read_token(struct vb_view token, unsigned char bytes[TOKEN_BYTES])
{
    unsigned bits = 0, held = 0;
    size_t at = 0;
    if (token.length != VB_SHORT_LINK_TOKEN)
        return false;
    for (size_t i = 0; i < token.length; i++) {
        int value = digit_value(token.data[i]);
        if (value < 0)
            return false;
        bits = bits << 5 | (unsigned)value;
        held += 5;
        if (held >= 8) {
            held -= 8;
            bytes[at++] = (unsigned char)(bits >> held & 0xff);
        }
    }
    return (bits & ((1u << held) - 1)) == 0;
}

/* The first line keeps the secret from signing anything else by accident. The schema's link_open
 * says the same. */
static void make_mac(const unsigned char secret[32], const char *job_id, int number,
                     unsigned char mac[VB_SHA256])
{
    char text[128];
    int length = snprintf(text, sizeof text, "verbatim short link 1\n%.36s\n%d", job_id, number);
    vb_hmac_sha256(secret, 32, text, (size_t)length, mac);
}

enum vb_status vb_short_link_write(const char *base_url, const struct vb_link_secrets *secrets,
                                   const char *job_id, int number, struct vb_buffer *out,
                                   struct vb_error *err)
{
    unsigned char bytes[TOKEN_BYTES], mac[VB_SHA256];
    char token[VB_SHORT_LINK_TOKEN + 1];
    if (!secrets || secrets->count == 0)
        return vb_fail(err, VB_DATABASE, "there is no secret to sign links with: run migrate");
    if (strlen(job_id) != 36 || number < 1 || number > 255 ||
        vb_hex_decode((struct vb_view){job_id, 2 * PREFIX_BYTES}, bytes, PREFIX_BYTES) != VB_OK)
        return vb_fail(err, VB_INVALID, "a short link of no job");
    bytes[PREFIX_BYTES] = (unsigned char)number;
    make_mac(secrets->secrets[0], job_id, number, mac);
    memcpy(bytes + PREFIX_BYTES + 1, mac, MAC_BYTES);
    write_token(bytes, token);
    enum vb_status status = vb_buffer_printf(out, "%s" VB_SHORT_LINK_PATH "%s", base_url, token);
    explicit_bzero(token, sizeof token);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "the short link cannot be written");
}

enum vb_status vb_short_link_parse(struct vb_view token, struct vb_short_link *ret_link)
{
    unsigned char bytes[TOKEN_BYTES];
    if (!read_token(token, bytes))
        return VB_INVALID;
    vb_hex_encode(bytes, PREFIX_BYTES, ret_link->prefix);
    ret_link->number = bytes[PREFIX_BYTES];
    vb_hex_encode(bytes + PREFIX_BYTES + 1, MAC_BYTES, ret_link->mac);
    return VB_OK;
}
