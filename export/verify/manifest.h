/* An archive's manifest, compared line by line while the entries are read.
 *
 * A comparison is the check's, borrows the open archive, and tells what it finds by `fail`; after
 * the first line that stands elsewhere it compares no further, since all others would differ too.
 * One thread. VB_NO_MEMORY alone.
 */
#ifndef VERBATIM_EXPORT_VERIFY_MANIFEST_H
#define VERBATIM_EXPORT_VERIFY_MANIFEST_H

#include "verbatim/manifest.h"
#include "verbatim/verify.h"

#include <zip.h>

struct vb_listed {
    zip_t *zip;
    zip_file_t *file;      /* manifest.json; NULL: there is none, or no more of it is compared */
    struct vb_buffer line; /* the one read last, without its end and comma */
    struct vb_buffer expected, piece;
    size_t piece_at;
    struct vb_digest *digest;         /* of manifest.json as it is read */
    struct vb_manifest_counts counts; /* of what was compared */
    char key_id[VB_ED25519_ID];
    void *context;
    void (*fail)(void *context, const char *entry, const char *problem);
};

enum vb_status vb_listed_open(struct vb_listed *listed, zip_t *zip,
                              struct vb_error *err) vb_must_check;
void vb_listed_close(struct vb_listed *listed);
/* The next entry, which is none of the manifest's own. */
enum vb_status vb_listed_entry(struct vb_listed *listed, const char *name, uint64_t size,
                               const unsigned char sha256[VB_SHA256],
                               struct vb_error *err) vb_must_check;
/* All entries have been compared: the end of the list, its digest, and with a key its signature. */
enum vb_status vb_listed_end(struct vb_listed *listed,
                             const unsigned char public_key[VB_ED25519_KEY],
                             struct vb_error *err) vb_must_check;

#endif
