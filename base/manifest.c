/* Lines of manifest.json; see manifest.h. Whoever verifies makes the same line and compares. */
#include "verbatim/manifest.h"

#include "verbatim/json.h"

#include <inttypes.h>
#include <stdio.h>

bool vb_manifest_is_own(struct vb_view name)
{
    return vb_view_equals(name, VB_VIEW(VB_MANIFEST_NAME)) ||
           vb_view_equals(name, VB_VIEW(VB_MANIFEST_DIGEST_NAME)) ||
           vb_view_equals(name, VB_VIEW(VB_MANIFEST_SIGNATURE_NAME));
}

enum vb_status vb_manifest_line(struct vb_buffer *out, struct vb_view name, uint64_t size,
                                const unsigned char sha256[VB_SHA256])
{
    char hex[VB_SHA256_HEX];
    vb_hex_encode(sha256, VB_SHA256, hex);
    enum vb_status status = vb_json_append(out, VB_VIEW("{\"name\":"), name);
    return status == VB_OK
               ? vb_buffer_printf(out, ",\"size\":%" PRIu64 ",\"sha256\":\"%s\"}", size, hex)
               : status;
}

enum vb_status vb_manifest_tail(struct vb_buffer *out, const struct vb_manifest_counts *counts,
                                const char *key_id)
{
    return vb_buffer_printf(
        out,
        "\n],\"counts\":{\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"conversations\":%" PRIu64
        ",\"messages\":%" PRIu64 "},\"key\":\"%s\"}\n",
        counts->entries, counts->bytes, counts->conversations, counts->messages, key_id);
}

void vb_manifest_digest(const unsigned char sha256[VB_SHA256], char text[VB_MANIFEST_DIGEST_TEXT])
{
    char hex[VB_SHA256_HEX];
    vb_hex_encode(sha256, VB_SHA256, hex);
    (void)snprintf(text, VB_MANIFEST_DIGEST_TEXT, "%s  " VB_MANIFEST_NAME "\n", hex);
}
