/* The text of an archive's manifest.json: which entries it holds, each with size and SHA-256.
 *
 * One entry a line, in the archive's order, so that it is written and compared in the memory of a
 * line. Beside it stand manifest.sha256, its digest as sha256sum(1) prints it, and manifest.sig,
 * the Ed25519 signature of that line: both can be checked without this program. None of the three
 * is listed.
 *
 * Pure; appends to the caller's buffer. Any thread. Errors are the buffer's, and VB_INVALID for a
 * name that is no UTF-8; nothing was appended then.
 */
#ifndef VERBATIM_MANIFEST_H
#define VERBATIM_MANIFEST_H

#include "verbatim/ed25519.h"
#include "verbatim/hash.h"

#define VB_MANIFEST_NAME "manifest.json"
#define VB_MANIFEST_DIGEST_NAME "manifest.sha256"
#define VB_MANIFEST_SIGNATURE_NAME "manifest.sig"
bool vb_manifest_is_own(struct vb_view name);

#define VB_MANIFEST_HEAD "{\"version\":1,\"entries\":[\n"
/* Without the line end, and without the comma before the next. */
enum vb_status vb_manifest_line(struct vb_buffer *out, struct vb_view name, uint64_t size,
                                const unsigned char sha256[VB_SHA256]) vb_must_check;

struct vb_manifest_counts {
    uint64_t entries, bytes; /* of the entries listed, unpacked */
    uint64_t conversations, messages;
};
/* The last line, with its end. */
enum vb_status vb_manifest_tail(struct vb_buffer *out, const struct vb_manifest_counts *counts,
                                const char *key_id) vb_must_check;
/* "<hex>  manifest.json\n", with a NUL. */
#define VB_MANIFEST_DIGEST_TEXT (VB_SHA256_HEX + 2 + sizeof VB_MANIFEST_NAME)
void vb_manifest_digest(const unsigned char sha256[VB_SHA256], char text[VB_MANIFEST_DIGEST_TEXT]);

#endif
