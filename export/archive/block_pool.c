/* The free list under one mutex: a block is a quarter of a megabyte of work, so nobody waits here.
 *
 * Blocks come back from the uploader's thread and are used again by the writer, so a long export
 * allocates as many as it needs at its peak and then no more. Nothing is given back to the system
 * before the last reference goes; then the whole list is. The contents are not cleared: who takes a
 * block fills it and looks at `length` alone.
 */
#include "block_pool.h"

#include <pthread.h>
#include <stdlib.h>

struct vb_block_pool {
    pthread_mutex_t lock;
    struct vb_block *free_blocks;
    size_t references;
    size_t in_use, peak; /* blocks */
};

struct vb_block_pool *vb_block_pool_new(void)
{
    struct vb_block_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return NULL;
    }
    pool->references = 1;
    return pool;
}

struct vb_block_pool *vb_block_pool_ref(struct vb_block_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->references++;
    pthread_mutex_unlock(&pool->lock);
    return pool;
}

void vb_block_pool_unref(struct vb_block_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    bool last = --pool->references == 0;
    pthread_mutex_unlock(&pool->lock);
    if (!last)
        return;
    while (pool->free_blocks) {
        struct vb_block *block = pool->free_blocks;
        pool->free_blocks = block->next;
        free(block);
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

/* malloc outside the lock: it may have to map pages. */
struct vb_block *vb_block_pool_get(struct vb_block_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct vb_block *block = pool->free_blocks;
    if (block)
        pool->free_blocks = block->next;
    if (++pool->in_use > pool->peak)
        pool->peak = pool->in_use;
    pthread_mutex_unlock(&pool->lock);
    if (!block)
        block = malloc(sizeof *block);
    if (!block) {
        pthread_mutex_lock(&pool->lock);
        pool->in_use--;
        pthread_mutex_unlock(&pool->lock);
        return NULL;
    }
    block->next = NULL;
    block->length = 0;
    return block;
}

/* The caller must hold a reference, which may be the last one, until this has returned. */
void vb_block_pool_put(struct vb_block_pool *pool, struct vb_block *chain)
{
    pthread_mutex_lock(&pool->lock);
    while (chain) {
        struct vb_block *next = chain->next;
        chain->next = pool->free_blocks;
        pool->free_blocks = chain;
        pool->in_use--;
        chain = next;
    }
    pthread_mutex_unlock(&pool->lock);
}

uint64_t vb_block_pool_peak(struct vb_block_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    uint64_t peak = (uint64_t)pool->peak * sizeof(struct vb_block);
    pthread_mutex_unlock(&pool->lock);
    return peak;
}
