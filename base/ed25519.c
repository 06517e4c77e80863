/* Ed25519 over OpenSSL's EVP; see ed25519.h. Raw keys go in and out, handles live for a call. */
#include "verbatim/ed25519.h"

#include "verbatim/hash.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

void vb_ed25519_make(unsigned char ret_private[VB_ED25519_KEY])
{
    vb_random_bytes(ret_private, VB_ED25519_KEY); /* any 32 bytes are a private key */
}

static EVP_PKEY *open_private(const unsigned char key[VB_ED25519_KEY])
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key, VB_ED25519_KEY);
}

static EVP_PKEY *open_public(const unsigned char key[VB_ED25519_KEY])
{
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, VB_ED25519_KEY);
}

static enum vb_status no_memory(struct vb_error *err)
{
    return vb_fail(err, VB_NO_MEMORY, "no memory for a signature");
}

enum vb_status vb_ed25519_public(const unsigned char private_key[VB_ED25519_KEY],
                                 unsigned char ret_public[VB_ED25519_KEY], struct vb_error *err)
{
    EVP_PKEY *key = open_private(private_key);
    size_t length = VB_ED25519_KEY;
    bool done = key && EVP_PKEY_get_raw_public_key(key, ret_public, &length) == 1;
    EVP_PKEY_free(key);
    return done ? VB_OK : no_memory(err);
}

enum vb_status vb_ed25519_sign(const unsigned char private_key[VB_ED25519_KEY],
                               struct vb_view message,
                               unsigned char ret_signature[VB_ED25519_SIGNATURE],
                               struct vb_error *err)
{
    EVP_PKEY *key = open_private(private_key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t length = VB_ED25519_SIGNATURE;
    bool done = key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestSign(context, ret_signature, &length, (const unsigned char *)message.data,
                               message.length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return done ? VB_OK : no_memory(err);
}

bool vb_ed25519_is_signed(const unsigned char public_key[VB_ED25519_KEY], struct vb_view message,
                          const unsigned char signature[VB_ED25519_SIGNATURE])
{
    EVP_PKEY *key = open_public(public_key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, VB_ED25519_SIGNATURE,
                                 (const unsigned char *)message.data, message.length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

void vb_ed25519_id(const unsigned char public_key[VB_ED25519_KEY], char ret_id[VB_ED25519_ID])
{
    unsigned char digest[VB_SHA256];
    vb_sha256(public_key, VB_ED25519_KEY, digest);
    vb_hex_encode(digest, (VB_ED25519_ID - 1) / 2, ret_id);
}

enum vb_status vb_ed25519_write(struct vb_buffer *out,
                                const unsigned char public_key[VB_ED25519_KEY],
                                struct vb_error *err)
{
    EVP_PKEY *key = open_public(public_key);
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    enum vb_status status = VB_NO_MEMORY;
    if (key && memory && PEM_write_bio_PUBKEY(memory, key) == 1) {
        long length = BIO_get_mem_data(memory, &text);
        status = vb_buffer_append(out, text, (size_t)length);
    }
    BIO_free(memory);
    EVP_PKEY_free(key);
    return status == VB_OK ? VB_OK : no_memory(err);
}

enum vb_status vb_ed25519_read(struct vb_view text, unsigned char ret_public[VB_ED25519_KEY],
                               struct vb_error *err)
{
    BIO *memory = text.length <= INT_MAX ? BIO_new_mem_buf(text.data, (int)text.length) : NULL;
    EVP_PKEY *key = memory ? PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL) : NULL;
    size_t length = VB_ED25519_KEY;
    bool good = key && EVP_PKEY_base_id(key) == EVP_PKEY_ED25519 &&
                EVP_PKEY_get_raw_public_key(key, ret_public, &length) == 1;
    EVP_PKEY_free(key);
    BIO_free(memory);
    return good ? VB_OK
                : vb_fail(err, VB_INVALID,
                          "is no public key of Ed25519 (-----BEGIN PUBLIC KEY-----)");
}
