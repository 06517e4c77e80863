/* A growing byte stream, kept in pooled blocks and cut into parts for a vb_part_sink.
 *
 * A stretch of the stream (a local header) can be marked: it can be rewritten and lengthened later,
 * and parts that hold some of it are kept back until it is let go. One mark, at most a block long.
 * Private to export/.
 *
 * The struct is its archive's and owns all blocks until a body takes them along. The stream and its
 * marks belong to one thread; bodies handed to the sink may be released on any. Errors are
 * VB_INVALID for sizes at birth, VB_NO_MEMORY, and what the sink answers; bytes appended before a
 * failure stay. Bodies may outlive the stream: the pool lives until the last of them.
 */
#ifndef VERBATIM_EXPORT_ARCHIVE_PARTS_H
#define VERBATIM_EXPORT_ARCHIVE_PARTS_H

#include "verbatim/archive.h"

struct vb_block;
struct vb_block_pool;

/* A chain linked by `next`; `size` is the sum of the blocks' lengths, `count` their number. */
struct vb_block_list {
    struct vb_block *head, *tail;
    size_t count;
    uint64_t size;
};

/* A part that cannot go yet. */
struct vb_held_part {
    struct vb_block_list blocks;
    uint32_t index;
};

struct vb_parts {
    struct vb_block_pool *pool;
    struct vb_block_list open;   /* not cut yet */
    struct vb_held_part held[2]; /* a mark touches two parts at most; in order */
    size_t held_count;
    uint32_t next_index;
    uint64_t size; /* of the stream */
    uint64_t part_size;
    bool equal;
    struct vb_part_sink sink;
    /* The mark: from `offset` in `first` to `last_length` in `last`, the same block or the next. */
    struct vb_block *first, *last;
    size_t offset, last_length;
};

enum vb_status vb_parts_init(struct vb_parts *parts, const struct vb_archive_options *options,
                             struct vb_error *err) vb_must_check;
/* Drops what was not handed over. A zeroed value is a no-op. */
void vb_parts_done(struct vb_parts *parts);

/* Never hands a part over; call vb_parts_cut after at most VB_DIRECTORY_PIECE bytes or so. */
enum vb_status vb_parts_append(struct vb_parts *parts, const void *data, size_t length,
                               struct vb_error *err) vb_must_check;
/* Hands over what is due. */
enum vb_status vb_parts_cut(struct vb_parts *parts, struct vb_error *err) vb_must_check;

/* Appends and marks what was appended, at most one block long. */
enum vb_status vb_parts_append_marked(struct vb_parts *parts, const void *data, size_t length,
                                      struct vb_error *err) vb_must_check;
/* Overwrites the first bytes of the mark. */
void vb_parts_patch(struct vb_parts *parts, const void *data, size_t length);
/* Inserts behind the mark; a few bytes. Not with equal parts. */
enum vb_status vb_parts_insert(struct vb_parts *parts, const void *data, size_t length,
                               struct vb_error *err) vb_must_check;
/* Lets go of the mark and of the parts held back for it. */
enum vb_status vb_parts_unmark(struct vb_parts *parts, struct vb_error *err) vb_must_check;

/* Hands over the rest as the last part. */
enum vb_status vb_parts_finish(struct vb_parts *parts, struct vb_error *err) vb_must_check;

/* Bytes not handed over. */
uint64_t vb_parts_unsent(const struct vb_parts *parts);
/* Most bytes of blocks in use at once, bodies that were not released included. */
uint64_t vb_parts_peak(const struct vb_parts *parts);

#endif
