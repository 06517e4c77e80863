/* Links to one object, and the file name that a browser saves it under. Pure; see s3_client.h.
 *
 * A link is a request signed ahead, by query (SigV4 "Using query parameters"): whoever has it may
 * fetch the object until it ends, without any key. It therefore is a secret, is never logged, and
 * lives as short as its option says. The body's digest cannot be known and is not signed.
 */
#include "endpoint.h"

#include "verbatim/s3_signer.h"
#include "verbatim/text.h"

#include <stdlib.h>
#include <string.h>

/* Of the path before it is signed; the link itself has the ceiling of the caller's buffer. */
#define LINK_MOST 32768u
#define NAME_MOST 1024u
#define DISPOSITION_MOST 8192u

/* For clients that know no filename*: what is not plain ASCII becomes '_', and so do the
 * characters that such clients are known to trip over. */
static enum vb_status append_plain_name(struct vb_buffer *out, struct vb_view name)
{
    enum vb_status status = VB_OK;
    while (name.length > 0 && status == VB_OK) {
        uint32_t character = vb_utf8_next(&name);
        bool plain = character >= 0x20 && character < 0x7f && !strchr("\"\\%/", (char)character);
        status = vb_buffer_append_byte(out, plain ? (char)character : '_');
    }
    return status;
}

/* All else than unreserved characters is escaped, which is more than RFC 8187 asks and hurts
 * nobody. */
static enum vb_status put_disposition(struct vb_buffer *out, const char *word,
                                      const char *file_name)
{
    struct vb_view name = vb_view_of(file_name);
    if (name.length == 0 || name.length > NAME_MOST)
        return VB_INVALID;
    enum vb_status status = vb_buffer_printf(out, "%s; filename=\"", word);
    if (status == VB_OK)
        status = append_plain_name(out, name);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "\"; filename*=UTF-8''");
    return status == VB_OK ? vb_percent_encode(out, name, false) : status;
}

enum vb_status vb_content_disposition(struct vb_buffer *out, const char *file_name)
{
    return put_disposition(out, "attachment", file_name);
}

/* Only Host is signed: the person with the link sends whatever headers a browser sends. The instant
 * is the caller's, so the same job gives the same link at every poll. */
static enum vb_status sign_link(const struct vb_s3_link *link, const struct vb_s3_address *address,
                                const char *disposition, struct vb_s3_signature *ret_signature,
                                struct vb_error *err)
{
    struct vb_buffer path;
    vb_buffer_init(&path, LINK_MOST);
    const struct vb_s3_pair query[] = {
        {VB_VIEW("response-content-disposition"), vb_view_of(disposition)}};
    const struct vb_s3_pair headers[] = {{VB_VIEW("host"), vb_view_of(address->host)}};
    enum vb_status status = vb_buffer_printf(&path, "%s/%s", address->base, link->key);
    if (status != VB_OK)
        return vb_fail(err, status,
                       status == VB_LIMIT ? "the key is too long" : "no memory for a link");
    const struct vb_s3_signing signing = {
        .method = link->is_head ? "HEAD" : "GET",
        .path = {path.data, path.length},
        .query = query,
        .query_count = disposition ? 1 : 0,
        .headers = headers,
        .header_count = 1,
        .access_key_id = link->keys->access_key_id,
        .secret_access_key = link->keys->secret_access_key,
        .session_token = link->keys->session_token,
        .at = link->at,
        .region = link->place->region,
        .service = "s3",
        .mode = VB_S3_SIGN_QUERY,
        .expires = link->lifetime,
    };
    status = vb_s3_sign(&signing, ret_signature, err);
    vb_buffer_done(&path);
    return status;
}

/* Whether the keys outlive the link is not asked here: `expires` of the keys is the caller's to
 * compare. On failure a part of the link may stand in `out`. */
enum vb_status vb_s3_presign_get(const struct vb_s3_link *link, struct vb_buffer *out,
                                 struct vb_error *err)
{
    struct vb_s3_address address = {0};
    struct vb_s3_signature signature = {0};
    struct vb_buffer disposition;
    vb_buffer_init(&disposition, DISPOSITION_MOST);
    enum vb_status status = vb_s3_address_of(link->place, &address, err);
    if (status == VB_OK && link->file_name) {
        status = put_disposition(&disposition, link->is_shown ? "inline" : "attachment",
                                 link->file_name);
        if (status != VB_OK)
            vb_fail(err, status,
                    status == VB_NO_MEMORY ? "no memory for a link to %s"
                                           : "the file name of %s cannot be shown",
                    link->key);
    }
    if (status == VB_OK)
        status = sign_link(link, &address, disposition.data, &signature, err);
    if (status == VB_OK) {
        status = vb_buffer_printf(out, "%s%s", address.origin, signature.target.data);
        if (status != VB_OK)
            (void)vb_fail(err, status, "no room for a link");
    }
    vb_s3_signature_done(&signature);
    vb_s3_address_done(&address);
    vb_buffer_done(&disposition);
    return status;
}
