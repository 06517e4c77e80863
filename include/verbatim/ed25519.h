/* Signatures by Ed25519 (RFC 8032), OpenSSL underneath; public keys in the form that openssl(1)
 * reads.
 *
 * Keys and signatures are plain bytes in the caller's memory; who holds a private key wipes it.
 * Any thread. VB_INVALID for bytes or text that are no key, VB_NO_MEMORY; where randomness cannot
 * be had the process aborts. A message is signed as a whole.
 */
#ifndef VERBATIM_ED25519_H
#define VERBATIM_ED25519_H

#include "verbatim/buffer.h"

#define VB_ED25519_KEY 32 /* either one */
#define VB_ED25519_SIGNATURE 64
#define VB_ED25519_ID 17 /* 16 hex digits, with the NUL */

void vb_ed25519_make(unsigned char ret_private[VB_ED25519_KEY]);
enum vb_status vb_ed25519_public(const unsigned char private_key[VB_ED25519_KEY],
                                 unsigned char ret_public[VB_ED25519_KEY],
                                 struct vb_error *err) vb_must_check;
enum vb_status vb_ed25519_sign(const unsigned char private_key[VB_ED25519_KEY],
                               struct vb_view message,
                               unsigned char ret_signature[VB_ED25519_SIGNATURE],
                               struct vb_error *err) vb_must_check;
bool vb_ed25519_is_signed(const unsigned char public_key[VB_ED25519_KEY], struct vb_view message,
                          const unsigned char signature[VB_ED25519_SIGNATURE]);

/* What a public key is called: the beginning of its SHA-256. */
void vb_ed25519_id(const unsigned char public_key[VB_ED25519_KEY], char ret_id[VB_ED25519_ID]);
/* PEM of a SubjectPublicKeyInfo (RFC 8410), three lines. */
enum vb_status vb_ed25519_write(struct vb_buffer *out,
                                const unsigned char public_key[VB_ED25519_KEY],
                                struct vb_error *err) vb_must_check;
enum vb_status vb_ed25519_read(struct vb_view text, unsigned char ret_public[VB_ED25519_KEY],
                               struct vb_error *err) vb_must_check;

#endif
