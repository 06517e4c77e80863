/* Digests, CRC-32, hexadecimal, comparison without a clock to read, randomness. See hash.h.
 *
 * SHA-256 and HMAC are OpenSSL's, CRC-32 is ISA-L's (with carry-less multiplication where the
 * processor has it). All of it is pure and thread-safe. What cannot fail in a sound process aborts
 * rather than return a weak answer.
 */
#include "verbatim/hash.h"

#include <isa-l/crc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void vb_sha256(const void *data, size_t length, unsigned char digest[VB_SHA256])
{
    if (EVP_Digest(data, length, digest, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* only without memory or without SHA-256: nothing signed could be trusted */
}

void vb_sha256_hex(const void *data, size_t length, char hex[VB_SHA256_HEX])
{
    unsigned char digest[VB_SHA256];
    vb_sha256(data, length, digest);
    vb_hex_encode(digest, sizeof digest, hex);
}

struct vb_digest {
    EVP_MD_CTX *context;
};

enum vb_status vb_digest_new(struct vb_digest **ret_digest, struct vb_error *err)
{
    struct vb_digest *digest = malloc(sizeof *digest);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!digest || !context) {
        free(digest);
        EVP_MD_CTX_free(context);
        return vb_fail(err, VB_NO_MEMORY, "no memory for a digest");
    }
    digest->context = context;
    *ret_digest = digest;
    return VB_OK;
}

void vb_digest_free(struct vb_digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

void vb_digest_begin(struct vb_digest *digest)
{
    if (EVP_DigestInit_ex2(digest->context, EVP_sha256(), NULL) != 1)
        abort();
}

void vb_digest_add(struct vb_digest *digest, const void *data, size_t length)
{
    if (EVP_DigestUpdate(digest->context, data, length) != 1)
        abort();
}

void vb_digest_end(struct vb_digest *digest, unsigned char ret_sha256[VB_SHA256])
{
    if (EVP_DigestFinal_ex(digest->context, ret_sha256, NULL) != 1)
        abort();
}

/* The key's length goes to OpenSSL as an int; keys here are of some hundred bytes at most. */
void vb_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                    unsigned char mac[VB_SHA256])
{
    if (!HMAC(EVP_sha256(), key, (int)key_length, data, length, mac, NULL))
        abort();
}

/* The polynomial of gzip and ZIP, reflected; chains over pieces like zlib's crc32. */
uint32_t vb_crc32(uint32_t crc, const void *data, size_t length)
{
    return crc32_gzip_refl(crc, data, length);
}

/* Lower-case: SigV4 signs digests in that form, and ids and hashes are stored so. */
void vb_hex_encode(const void *data, size_t length, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * length] = '\0';
}

int vb_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum vb_status vb_hex_decode(struct vb_view hex, void *data, size_t length)
{
    unsigned char *bytes = data;
    if (hex.length != 2 * length)
        return VB_INVALID;
    for (size_t i = 0; i < length; i++) {
        int high = vb_hex_value(hex.data[2 * i]), low = vb_hex_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return VB_INVALID;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return VB_OK;
}

/* The time taken tells nothing of where two keys or signatures differ. */
bool vb_constant_time_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

void vb_random_bytes(void *data, size_t length)
{
    char *to = data;
    while (length > 0) {
        ssize_t got = getrandom(to, length, 0);
        /* A read of up to 256 bytes is whole and is interrupted by no signal once the kernel's pool
         * is ready (getrandom(2)); longer ones may be, and end the process here. All callers ask
         * for less. A process without randomness must not make keys. */
        if (got <= 0)
            abort();
        to += got;
        length -= (size_t)got;
    }
}

uint64_t vb_fnv1a(const void *data, size_t length)
{
    const unsigned char *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

double vb_random_unit(void)
{
    uint64_t bits;
    vb_random_bytes(&bits, sizeof bits);
    /* 53 bits, as many as a double holds exactly: uniform in [0, 1). */
    return (double)(bits >> 11) / (double)(UINT64_C(1) << 53);
}
