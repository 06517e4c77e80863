/* Blocks of VB_BLOCK_SIZE, given back from any thread and used again. No ceiling of its own: the
 * parts and their sink have one. Private to export/.
 *
 * Counted references: one of the stream, one of each body; the last one frees. A block is whose who
 * got it, until it is put back. Any thread: one mutex inside. Without memory there is NULL and
 * nothing else can fail. Blocks must come back before the reference of whoever took them goes.
 */
#ifndef VERBATIM_EXPORT_ARCHIVE_BLOCK_POOL_H
#define VERBATIM_EXPORT_ARCHIVE_BLOCK_POOL_H

#include "verbatim/archive.h"

struct vb_block {
    struct vb_block *next;
    size_t length; /* bytes in use */
    unsigned char data[VB_BLOCK_SIZE];
};

struct vb_block_pool;

struct vb_block_pool *vb_block_pool_new(void); /* NULL without memory */
struct vb_block_pool *vb_block_pool_ref(struct vb_block_pool *pool);
void vb_block_pool_unref(struct vb_block_pool *pool);

/* An empty block, or NULL without memory. */
struct vb_block *vb_block_pool_get(struct vb_block_pool *pool);
/* Takes a chain linked by `next`; NULL is a no-op. */
void vb_block_pool_put(struct vb_block_pool *pool, struct vb_block *chain);
/* Most bytes in use at once. */
uint64_t vb_block_pool_peak(struct vb_block_pool *pool);

#endif
