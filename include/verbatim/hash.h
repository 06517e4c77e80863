/* Digests, MACs, checksums, hex, random bytes. OpenSSL underneath; ISA-L for CRC-32.
 *
 * SHA-256 of FIPS 180-4, HMAC of RFC 2104, hexadecimal of RFC 4648, section 8. No other digest is
 * offered. Results go into the caller's memory, whose sizes are the constants below; a vb_digest is
 * its maker's and belongs to one thread. Any thread else. Only vb_hex_decode (VB_INVALID) and
 * vb_digest_new (VB_NO_MEMORY) can fail; where a digest or randomness cannot be had the process
 * aborts.
 */
#ifndef VERBATIM_HASH_H
#define VERBATIM_HASH_H

#include "verbatim/buffer.h"

#define VB_SHA256 32
#define VB_SHA256_HEX 65 /* with the NUL */

void vb_sha256(const void *data, size_t length, unsigned char digest[VB_SHA256]);
void vb_sha256_hex(const void *data, size_t length, char hex[VB_SHA256_HEX]);
void vb_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                    unsigned char mac[VB_SHA256]);

/* SHA-256 of what comes in pieces: begin, add, end, and again. */
struct vb_digest;
enum vb_status vb_digest_new(struct vb_digest **ret_digest, struct vb_error *err) vb_must_check;
void vb_digest_free(struct vb_digest *digest);
void vb_digest_begin(struct vb_digest *digest);
void vb_digest_add(struct vb_digest *digest, const void *data, size_t length);
void vb_digest_end(struct vb_digest *digest, unsigned char ret_sha256[VB_SHA256]);

/* CRC-32 of ZIP and gzip (RFC 1952, section 8: polynomial 0xEDB88320 reflected); start with 0, feed
 * in any pieces. */
uint32_t vb_crc32(uint32_t crc, const void *data, size_t length);
/* The CRC-32 of two pieces one behind the other, from their own; `length` is the second one's. */
uint32_t vb_crc32_combine(uint32_t first, uint32_t second, uint64_t length);

/* FNV-1a of Fowler, Noll and Vo, 64 bits: for look-ups in memory alone. */
uint64_t vb_fnv1a(const void *data, size_t length);

/* Lower-case; `hex` has room for 2 * length + 1. */
void vb_hex_encode(const void *data, size_t length, char *hex);
/* 0 to 15; -1: no hex digit. */
int vb_hex_value(char c);
/* Exactly 2 * length hex digits of either case, else VB_INVALID. */
enum vb_status vb_hex_decode(struct vb_view hex, void *data, size_t length) vb_must_check;

/* Takes the same time wherever the first difference lies. */
bool vb_constant_time_equal(const void *a, const void *b, size_t length);

/* From the kernel's generator; a process without one cannot go on and aborts. */
void vb_random_bytes(void *data, size_t length);
/* Uniform in [0, 1): for jitter, not for secrets. */
double vb_random_unit(void);

#endif
