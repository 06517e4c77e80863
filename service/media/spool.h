/* A file without a name, for what is too large for memory and worth nothing after a crash.
 *
 * In TMPDIR, else /var/tmp, which is on a disk where /tmp may be memory. Made at the first use and
 * kept from one use to the next. No ceiling of its own: who appends counts.
 *
 * Its owner inits it and is done with it; it owns the descriptor. One thread. Failures are VB_IO,
 * so they may pass: a full disk gets emptied. Contents live until the next reset.
 */
#ifndef VERBATIM_MEDIA_SPOOL_H
#define VERBATIM_MEDIA_SPOOL_H

#include "type.h"

struct vb_spool {
    int file; /* -1: none yet */
    uint64_t size;
    uint32_t crc; /* CRC-32 of all of it */
    size_t head_length;
    char head[VB_MEDIA_HEAD]; /* the first bytes */
};

void vb_spool_init(struct vb_spool *spool);
void vb_spool_done(struct vb_spool *spool);
/* Empties it; gives the disk back. */
enum vb_status vb_spool_reset(struct vb_spool *spool, struct vb_error *err) vb_must_check;
/* After a failure a part may be there; reset it. */
enum vb_status vb_spool_append(struct vb_spool *spool, const void *data, size_t length,
                               struct vb_error *err) vb_must_check;
/* Exactly `length` bytes from `offset` on; VB_IO where they are not there. */
enum vb_status vb_spool_read(const struct vb_spool *spool, uint64_t offset, void *data,
                             size_t length, struct vb_error *err) vb_must_check;

#endif
