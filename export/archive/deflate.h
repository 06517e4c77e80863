/* Deflate (RFC 1951) of one entry after another, such that equal bytes in give equal bytes out.
 *
 * Raw bytes are collected and fed in blocks of exactly 64 KiB, whatever the caller's slices, into
 * an output buffer that is empty at every call: ISA-L's choices see nothing but the data. Level 1,
 * and level 0 with the archive's common tables for entries of a few KiB; level 3 depends on the
 * processor. What many entries begin with can be deflated once for all of them. Raw streams without
 * the frames of zlib or gzip. Private to export/.
 *
 * Owned by its archive; input and output are borrowed for the call. One thread. Errors are
 * VB_NO_MEMORY at birth, VB_CORRUPT when ISA-L refuses, and whatever the output answers; after one
 * the entry is lost, and vb_deflate_begin starts afresh. Counts are exact after vb_deflate_end,
 * until the next begin.
 */
#ifndef VERBATIM_EXPORT_ARCHIVE_DEFLATE_H
#define VERBATIM_EXPORT_ARCHIVE_DEFLATE_H

#include "tables.h"
#include "verbatim/buffer.h"

#define VB_DEFLATE_BLOCK (64u * 1024u)

/* Takes deflated bytes; borrowed for the call. */
struct vb_deflate_output {
    enum vb_status (*write)(void *context, const void *data, size_t length, struct vb_error *err);
    void *context;
};

/* Of the entry begun last; exact once it ended. */
struct vb_deflate_counts {
    uint64_t raw_size, deflated_size;
    uint32_t crc; /* of the raw bytes */
};

struct vb_deflate;

/* `tables` is borrowed, and shown the first block of each entry; NULL: each entry has its own. */
enum vb_status vb_deflate_new(struct vb_deflate_output output, struct vb_tables *tables,
                              struct vb_deflate **ret_deflate, struct vb_error *err) vb_must_check;
void vb_deflate_free(struct vb_deflate *deflate);

/* What entries may begin with. One whose first block begins with exactly these bytes gets them as
 * they are deflated here, apart from what follows, which neither refers to them nor teaches the
 * common tables by them. Between entries; more than a block, or nothing: none. Borrowed for the
 * call. */
enum vb_status vb_deflate_set_front(struct vb_deflate *deflate, struct vb_view front,
                                    struct vb_error *err) vb_must_check;

/* Starts an entry; drops what an earlier one left. */
void vb_deflate_begin(struct vb_deflate *deflate);
/* Any length. Output comes when a block is full and the next byte arrives, in slices of up to 64
 * KiB. */
enum vb_status vb_deflate_write(struct vb_deflate *deflate, const void *data, size_t length,
                                struct vb_error *err) vb_must_check;
/* Feeds the rest and the end mark; an entry without a byte gets its two bytes of deflate too. */
enum vb_status vb_deflate_end(struct vb_deflate *deflate, struct vb_error *err) vb_must_check;

struct vb_deflate_counts vb_deflate_counts(const struct vb_deflate *deflate);

#endif
