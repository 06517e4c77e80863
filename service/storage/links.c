/* Verbatim's own links: an HMAC over key and expiry, and the secrets it is made with.
 *
 * Pure but for loading the secrets. A link says nothing the holder may not know; the signature is
 * the right to read one object until one moment. Never logged.
 */
#include "driver.h"

#include "database/pg.h"
#include "verbatim/digits.h"
#include "verbatim/hash.h"
#include "verbatim/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a key: twice what S3 allows. */
#define KEY_MOST 2048
#define EXPIRES_TEXT 21
#define EXPIRES_DIGITS 12 /* until the year 33658 */

/* What a link is for. The words stand in what is signed. */
enum link_kind { SAVED, SHOWN };
static const char *const kinds[] = {[SAVED] = "link", [SHOWN] = "inline link"};

/* The first line keeps the secret from signing anything else by accident. A key holds no line feed
 * (it is refused), so key and expiry cannot run into each other. */
static enum vb_status sign(const unsigned char secret[32], enum link_kind kind, const char *key,
                           struct vb_view expires, char hex[VB_SHA256_HEX])
{
    unsigned char mac[VB_SHA256];
    struct vb_buffer text;
    vb_buffer_init(&text, KEY_MOST + 64);
    if (strchr(key, '\n'))
        return VB_INVALID;
    enum vb_status status = vb_buffer_printf(&text, "verbatim %s 1\n%s\n", kinds[kind], key);
    if (status == VB_OK)
        status = vb_buffer_append(&text, expires.data, expires.length);
    if (status == VB_OK) {
        vb_hmac_sha256(secret, 32, text.data, text.length, mac);
        vb_hex_encode(mac, sizeof mac, hex);
    }
    vb_buffer_done(&text);
    return status;
}

/* The second in which it expires is cut off, not rounded: the link never outlives what was
 * promised. */
static enum vb_status write_link(const char *base_url, const struct vb_link_secrets *secrets,
                                 enum link_kind kind, const char *key, vb_instant expires_at,
                                 struct vb_buffer *out, struct vb_error *err)
{
    char hex[VB_SHA256_HEX], expires[EXPIRES_TEXT];
    if (!secrets || secrets->count == 0)
        return vb_fail(err, VB_DATABASE, "there is no secret to sign links with: run migrate");
    snprintf(expires, sizeof expires, "%" PRId64, expires_at / VB_SECOND);
    enum vb_status status = sign(secrets->secrets[0], kind, key, vb_view_of(expires), hex);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "%s/files/", base_url);
    if (status == VB_OK)
        status = vb_percent_encode(out, vb_view_of(key), true);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "?expires=%s%s&signature=%s", expires,
                                  kind == SHOWN ? "&disposition=inline" : "", hex);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "the link cannot be written");
}

enum vb_status vb_link_write(const char *base_url, const struct vb_link_secrets *secrets,
                             const char *key, vb_instant expires_at, struct vb_buffer *out,
                             struct vb_error *err)
{
    return write_link(base_url, secrets, SAVED, key, expires_at, out, err);
}

enum vb_status vb_link_write_view(const char *base_url, const struct vb_link_secrets *secrets,
                                  const char *key, vb_instant expires_at, struct vb_buffer *out,
                                  struct vb_error *err)
{
    return write_link(base_url, secrets, SHOWN, key, expires_at, out, err);
}

/* Digits alone: a sign or a blank would give one moment two signed texts. */
static bool parse_expires(struct vb_view text, int64_t *ret_seconds)
{
    return text.length <= EXPIRES_DIGITS && vb_digits_whole(text, ret_seconds) == VB_OK;
}

/* All generations are tried, also after a match, so the time tells nothing. Want of memory is no
 * denial: the caller may try again. */
static enum vb_status check_signature(const struct vb_link_secrets *secrets, enum link_kind kind,
                                      const char *key, struct vb_view expires,
                                      struct vb_view signature)
{
    bool holds = false;
    char hex[VB_SHA256_HEX];
    if (signature.length != VB_SHA256_HEX - 1)
        return VB_DENIED;
    for (size_t i = 0; i < secrets->count; i++) {
        enum vb_status status = sign(secrets->secrets[i], kind, key, expires, hex);
        if (status != VB_OK)
            return status == VB_NO_MEMORY ? status : VB_DENIED;
        holds |= vb_constant_time_equal(hex, signature.data, signature.length);
    }
    return holds ? VB_OK : VB_DENIED;
}

/* The signature first, in the text as it came: who cannot sign learns nothing of expiry. */
static enum vb_status check_link(const struct vb_link_secrets *secrets, enum link_kind kind,
                                 const char *key, struct vb_view expires, struct vb_view signature,
                                 vb_instant now, struct vb_error *err)
{
    int64_t seconds;
    enum vb_status status = parse_expires(expires, &seconds)
                                ? check_signature(secrets, kind, key, expires, signature)
                                : VB_DENIED;
    if (status == VB_NO_MEMORY)
        return vb_fail(err, status, "no memory for a link");
    if (status != VB_OK)
        return vb_fail(err, VB_DENIED, "the link is not valid");
    if (now >= seconds * VB_SECOND)
        return vb_fail(err, VB_DENIED, "the link has expired");
    return VB_OK;
}

enum vb_status vb_storage_check_link(const struct vb_link_secrets *secrets, const char *key,
                                     struct vb_view expires, struct vb_view signature,
                                     vb_instant now, struct vb_error *err)
{
    return check_link(secrets, SAVED, key, expires, signature, now, err);
}

enum vb_status vb_storage_check_view(const struct vb_link_secrets *secrets, const char *key,
                                     struct vb_view expires, struct vb_view signature,
                                     vb_instant now, struct vb_error *err)
{
    return check_link(secrets, SHOWN, key, expires, signature, now, err);
}

/* Two generations, so that links signed before a new secret came hold on. */
enum vb_status vb_link_secrets_load(struct vb_pg *pg, struct vb_link_secrets *ret_secrets,
                                    struct vb_error *err)
{
    struct vb_link_secrets secrets = {.count = 0};
    PGresult *result = NULL;
    enum vb_status status = vb_pg_query(pg,
                                        "SELECT generation, encode(secret, 'hex')"
                                        " FROM verbatim.link_secret"
                                        " ORDER BY generation DESC"
                                        " LIMIT 2",
                                        0, NULL, &result, err);
    if (status != VB_OK)
        return status;
    for (int row = 0; row < PQntuples(result) && status == VB_OK; row++) {
        secrets.generations[row] = (int)strtol(vb_pg_value(result, row, 0), NULL, 10);
        status = vb_hex_decode(vb_view_of(vb_pg_value(result, row, 1)), secrets.secrets[row], 32);
        secrets.count++;
    }
    PQclear(result);
    if (status == VB_OK && secrets.count > 0)
        *ret_secrets = secrets;
    else
        status = vb_fail(err, VB_DATABASE, "there is no secret to sign links with: run migrate");
    explicit_bzero(&secrets, sizeof secrets);
    return status;
}
