/* Cutting a stream of blocks into parts; see parts.h.
 *
 * All blocks but the stream's last are full, save where an insertion split one. A part is a run of
 * whole blocks. Without equal parts it goes out only when VB_PART_MINIMUM stands behind it, and
 * takes one block more rather than cut through a mark, so a mark keeps one part back.
 *
 * Why look behind: S3 refuses parts below 5 MiB but for an upload's last, and a segment's end is
 * not the archive's. With 5 MiB behind it a part can always leave, and what stays is large enough
 * to be a part by itself. Equal parts have no such care: a store that wants them wants all but the
 * last of one length, so one byte behind is enough.
 *
 * Memory is bounded by vb_parts_cut being called often, not by anything here: the open list holds
 * at most a part, what stands behind it and what came since the last cut; held parts are two at
 * most, as a header of at most 32 KiB touches no more than two blocks.
 */
#include "parts.h"

#include "block_pool.h"
#include "verbatim/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The sink is copied; its context stays the caller's. */
enum vb_status vb_parts_init(struct vb_parts *parts, const struct vb_archive_options *options,
                             struct vb_error *err)
{
    if (options->part_size < VB_PART_MINIMUM)
        return vb_fail(err, VB_INVALID, "a part must have at least 5 MiB");
    if (options->part_size > UINT64_MAX / 8)
        return vb_fail(err, VB_INVALID, "the part size is out of range");
    struct vb_block_pool *pool = vb_block_pool_new();
    if (!pool)
        return vb_fail(err, VB_NO_MEMORY, "no memory for parts");
    uint64_t blocks = (options->part_size + VB_BLOCK_SIZE - 1) / VB_BLOCK_SIZE;
    *parts = (struct vb_parts){.pool = pool,
                               .part_size = blocks * VB_BLOCK_SIZE,
                               .equal = options->equal_parts,
                               .sink = options->sink};
    return VB_OK;
}

void vb_parts_done(struct vb_parts *parts)
{
    if (!parts->pool)
        return;
    vb_block_pool_put(parts->pool, parts->open.head);
    for (size_t i = 0; i < parts->held_count; i++)
        vb_block_pool_put(parts->pool, parts->held[i].blocks.head);
    vb_block_pool_unref(parts->pool);
    *parts = (struct vb_parts){0};
}

static enum vb_status add_block(struct vb_parts *parts, struct vb_error *err)
{
    struct vb_block *block = vb_block_pool_get(parts->pool);
    if (!block)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a block of the archive");
    if (parts->open.tail)
        parts->open.tail->next = block;
    else
        parts->open.head = block;
    parts->open.tail = block;
    parts->open.count++;
    return VB_OK;
}

/* Blocks are taken one by one as bytes come, so a small archive stays small. */
static enum vb_status make_room(struct vb_parts *parts, struct vb_error *err)
{
    if (parts->open.tail && parts->open.tail->length < VB_BLOCK_SIZE)
        return VB_OK;
    return add_block(parts, err);
}

enum vb_status vb_parts_append(struct vb_parts *parts, const void *data, size_t length,
                               struct vb_error *err)
{
    const unsigned char *bytes = data;
    while (length > 0) {
        enum vb_status status = make_room(parts, err);
        if (status != VB_OK)
            return status;
        struct vb_block *tail = parts->open.tail;
        /* The tail always has room here. */
        size_t room = VB_BLOCK_SIZE - tail->length;
        size_t taken = length < room ? length : room;
        memcpy(tail->data + tail->length, bytes, taken);
        tail->length += taken;
        parts->open.size += taken;
        parts->size += taken;
        bytes += taken;
        length -= taken;
    }
    return VB_OK;
}

/* What a body owns besides its blocks. The pieces follow in the same allocation; body.owner points
 * back here. */
struct owned_body {
    struct vb_body body;
    struct vb_block_pool *pool;
    struct vb_block *blocks;
    struct iovec pieces[];
};

static void release_body(struct vb_body *body)
{
    struct owned_body *owned = body->owner;
    vb_block_pool_put(owned->pool, owned->blocks);
    vb_block_pool_unref(owned->pool);
    free(owned);
}

/* The blocks change hands without a copy; the pool lives until the last body is released, maybe by
 * another thread after the archive is gone. `list` is empty afterwards in every case: it is the
 * sink's, or its blocks are back in the pool. */
static enum vb_status hand_over(struct vb_parts *parts, struct vb_block_list *list, uint32_t index,
                                bool last, struct vb_error *err)
{
    struct owned_body *owned = malloc(sizeof *owned + list->count * sizeof(struct iovec));
    if (!owned) {
        vb_block_pool_put(parts->pool, list->head);
        *list = (struct vb_block_list){0};
        return vb_fail(err, VB_NO_MEMORY, "no memory for a part's list of blocks");
    }
    size_t count = 0;
    uint32_t crc = 0; /* only here are the bytes final: a header in them may have been patched */
    for (struct vb_block *block = list->head; block; block = block->next)
        if (block->length > 0) {
            owned->pieces[count++] = (struct iovec){block->data, block->length};
            crc = vb_crc32(crc, block->data, block->length);
        }
    owned->pool = vb_block_pool_ref(parts->pool);
    owned->blocks = list->head;
    owned->body = (struct vb_body){.pieces = owned->pieces,
                                   .count = count,
                                   .size = list->size,
                                   .crc = crc,
                                   .release = release_body,
                                   .owner = owned};
    *list = (struct vb_block_list){0};
    return parts->sink.part(parts->sink.context, index, &owned->body, last, err);
}

/* Takes the blocks up to and including `end` off the open list. */
static struct vb_block_list take_until(struct vb_parts *parts, struct vb_block *end, size_t count,
                                       uint64_t size)
{
    struct vb_block_list *open = &parts->open;
    struct vb_block_list taken = {open->head, end, count, size};
    open->head = end->next;
    if (!open->head)
        open->tail = NULL;
    open->count -= count;
    open->size -= size;
    end->next = NULL;
    return taken;
}

/* Cuts one part if one is due; *ret_cut says so. The walk goes block by block over at most a part,
 * and only when enough stands in the list, so that it costs little per byte. A part that touches
 * the mark gets its number here and leaves later: numbers follow positions, arrival does not. */
static enum vb_status cut_one(struct vb_parts *parts, bool *ret_cut, struct vb_error *err)
{
    uint64_t behind = parts->equal ? 1 : VB_PART_MINIMUM;
    *ret_cut = false;
    if (parts->open.size < parts->part_size + behind)
        return VB_OK;
    struct vb_block *end = NULL;
    uint64_t size = 0;
    size_t count = 0;
    bool touches_mark = false, divides_mark = false;
    do {
        end = end ? end->next : parts->open.head;
        size += end->length;
        count++;
        /* A part with the mark in it is complete but for the header, which is filled in when the
         * entry ends. */
        touches_mark |= parts->first && (end == parts->first || end == parts->last);
        divides_mark = end == parts->first && end != parts->last;
    } while (size < parts->part_size || (divides_mark && !parts->equal));
    if (parts->open.size - size < behind)
        return VB_OK;
    struct vb_block_list taken = take_until(parts, end, count, size);
    uint32_t index = parts->next_index++;
    *ret_cut = true;
    if (!touches_mark)
        return hand_over(parts, &taken, index, false, err);
    /* The mark lies in at most two blocks, and only with equal parts can a cut go between them. */
    assert(parts->held_count < 2);
    parts->held[parts->held_count++] = (struct vb_held_part){taken, index};
    return VB_OK;
}

enum vb_status vb_parts_cut(struct vb_parts *parts, struct vb_error *err)
{
    bool cut = true;
    enum vb_status status = VB_OK;
    while (cut && status == VB_OK)
        status = cut_one(parts, &cut, err);
    return status;
}

/* One mark at a time. A failed append leaves bytes without a mark: the archive above is broken
 * then. */
enum vb_status vb_parts_append_marked(struct vb_parts *parts, const void *data, size_t length,
                                      struct vb_error *err)
{
    assert(!parts->first && length > 0 && length <= VB_BLOCK_SIZE);
    enum vb_status status = make_room(parts, err);
    if (status != VB_OK)
        return status;
    struct vb_block *first = parts->open.tail;
    size_t offset = first->length;
    status = vb_parts_append(parts, data, length, err);
    if (status != VB_OK)
        return status;
    parts->first = first;
    parts->offset = offset;
    parts->last = parts->open.tail;
    parts->last_length = parts->last->length;
    return VB_OK;
}

/* The header may lie across two blocks, even in two held parts. Only blocks that are still here are
 * written to: the mark keeps them. */
void vb_parts_patch(struct vb_parts *parts, const void *data, size_t length)
{
    size_t room = VB_BLOCK_SIZE - parts->offset;
    size_t here = length < room ? length : room;
    memcpy(parts->first->data + parts->offset, data, here);
    if (length > here)
        memcpy(parts->last->data, (const char *)data + here, length - here);
}

/* The list that the mark ends in. */
static struct vb_block_list *list_of_mark(struct vb_parts *parts)
{
    return parts->held_count > 0 ? &parts->held[parts->held_count - 1].blocks : &parts->open;
}

/* Splits the block at the end of the mark: what follows moves to a block of its own. The insertion
 * stays with whichever half has room. */
enum vb_status vb_parts_insert(struct vb_parts *parts, const void *data, size_t length,
                               struct vb_error *err)
{
    assert(!parts->equal && length < VB_BLOCK_SIZE / 2);
    struct vb_block *block = parts->last, *rest = vb_block_pool_get(parts->pool);
    if (!rest)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a block of the archive");
    size_t end = parts->last_length, moved = block->length - end;
    bool fits = end + length <= VB_BLOCK_SIZE;
    memcpy(rest->data + (fits ? 0 : length), block->data + end, moved);
    memcpy(fits ? block->data + end : rest->data, data, length);
    block->length = fits ? end + length : end;
    rest->length = fits ? moved : moved + length;

    struct vb_block_list *list = list_of_mark(parts);
    rest->next = block->next;
    block->next = rest;
    if (list->tail == block)
        list->tail = rest;
    list->count++;
    list->size += length;
    parts->size += length;
    return VB_OK;
}

enum vb_status vb_parts_unmark(struct vb_parts *parts, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    parts->first = parts->last = NULL;
    for (size_t i = 0; i < parts->held_count && status == VB_OK; i++) {
        struct vb_held_part *held = &parts->held[i];
        status = hand_over(parts, &held->blocks, held->index, false, err);
    }
    if (status == VB_OK)
        parts->held_count = 0;
    return status;
}

/* The last part may be smaller than any minimum. */
enum vb_status vb_parts_finish(struct vb_parts *parts, struct vb_error *err)
{
    assert(!parts->first && parts->held_count == 0);
    return hand_over(parts, &parts->open, parts->next_index++, true, err);
}

uint64_t vb_parts_unsent(const struct vb_parts *parts)
{
    uint64_t size = parts->open.size;
    for (size_t i = 0; i < parts->held_count; i++)
        size += parts->held[i].blocks.size;
    return size;
}

uint64_t vb_parts_peak(const struct vb_parts *parts)
{
    return vb_block_pool_peak(parts->pool);
}
