/* A package of parts (ECMA-376, part 2: a ZIP file) as a stream of bytes.
 *
 * Small parts are stored with their sizes; large ones are deflated as they come, so their sizes
 * stand behind them. Every part has the same time, the first that ZIP knows: nothing tells when the
 * package was made. Private to export/xlsx.
 *
 * Owned by its workbook. Bytes are appended to the buffer of each call. Memory is that of deflate
 * and some 80 bytes for each part. One thread. VB_LIMIT and VB_NO_MEMORY as the buffer says,
 * VB_CORRUPT where deflate fails; the package is lost then.
 */
#ifndef VERBATIM_EXPORT_XLSX_PACKAGE_H
#define VERBATIM_EXPORT_XLSX_PACKAGE_H

#include "verbatim/buffer.h"

struct vb_package;

enum vb_status vb_package_new(struct vb_package **ret_package, struct vb_error *err) vb_must_check;
void vb_package_free(struct vb_package *package);

/* Drops what was begun before. */
void vb_package_begin(struct vb_package *package);
/* A whole part. Names are copied. */
enum vb_status vb_package_store(struct vb_package *package, const char *name, struct vb_view part,
                                struct vb_buffer *out) vb_must_check;
/* A part in pieces; it must stay below 4 GiB. */
enum vb_status vb_package_part_begin(struct vb_package *package, const char *name,
                                     struct vb_buffer *out) vb_must_check;
enum vb_status vb_package_write(struct vb_package *package, struct vb_view piece,
                                struct vb_buffer *out, struct vb_error *err) vb_must_check;
enum vb_status vb_package_part_end(struct vb_package *package, struct vb_buffer *out,
                                   struct vb_error *err) vb_must_check;
/* Bytes written to the open part. */
uint64_t vb_package_part_size(const struct vb_package *package);
enum vb_status vb_package_end(struct vb_package *package, struct vb_buffer *out) vb_must_check;

#endif
