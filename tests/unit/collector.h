/* A part sink for tests that keeps everything, and checks the order of what it is given. */
#ifndef VB_TEST_COLLECTOR_H
#define VB_TEST_COLLECTOR_H

#include "verbatim/archive.h"
#include "verbatim/hash.h"

#include <stdlib.h>
#include <string.h>

#define COLLECTOR_PARTS 256u
#define NO_TIME ((struct vb_entry_time){0, 0})
#define TIME_FIELD 9 /* the extended timestamp */

struct collector {
    struct {
        char *data;
        size_t size;
        uint32_t arrival; /* place in the order of arrival, from 1 */
        uint32_t crc;
    } parts[COLLECTOR_PARTS];
    uint32_t count;      /* parts received */
    uint32_t late;       /* parts that came after one with a higher index */
    uint32_t highest;    /* index */
    bool ended;          /* the last part came */
    uint32_t fail_at;    /* fail the part call with this number, from 1; 0: never */
    size_t record_calls; /* pieces of records */
    size_t largest_piece;
    struct vb_buffer records;
};

static inline enum vb_status collect_part(void *context, uint32_t index, struct vb_body *body,
                                          bool last, struct vb_error *err)
{
    struct collector *c = context;
    enum vb_status status = VB_OK;
    assert_false(c->ended);
    assert_in_range(index, 0, COLLECTOR_PARTS - 1);
    assert_null(c->parts[index].data);
    char *data = malloc(body->size + 1);
    assert_non_null(data);
    size_t size = 0;
    for (size_t i = 0; i < body->count; i++) {
        assert_true(body->pieces[i].iov_len > 0);
        memcpy(data + size, body->pieces[i].iov_base, body->pieces[i].iov_len);
        size += body->pieces[i].iov_len;
    }
    assert_int_equal(size, body->size);
    assert_int_equal(body->crc, vb_crc32(0, data, size));
    c->parts[index].crc = body->crc;
    c->parts[index].data = data;
    c->parts[index].size = size;
    c->late += c->count > 0 && index < c->highest;
    c->highest = index > c->highest ? index : c->highest;
    c->parts[index].arrival = ++c->count;
    c->ended = last;
    if (last)
        assert_int_equal(c->count, c->highest + 1);
    if (c->fail_at == c->count)
        status = vb_fail(err, VB_STORAGE, "the store said no");
    body->release(body);
    return status;
}

static inline enum vb_status collect_records(void *context, const void *records, size_t length,
                                             struct vb_error *err)
{
    struct collector *c = context;
    (void)err;
    c->record_calls++;
    c->largest_piece = length > c->largest_piece ? length : c->largest_piece;
    return vb_buffer_append(&c->records, records, length);
}

static inline struct vb_archive *collector_with_tables(struct collector *c, uint64_t part_size,
                                                       bool equal_parts,
                                                       struct vb_noted_tables tables)
{
    *c = (struct collector){0};
    vb_buffer_init(&c->records, 64u * 1024 * 1024);
    struct vb_archive_options options = {
        .part_size = part_size,
        .equal_parts = equal_parts,
        .tables = tables,
        .sink = {.context = c, .part = collect_part, .directory = collect_records}};
    struct vb_archive *archive = NULL;
    assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_OK);
    return archive;
}

static inline struct vb_archive *collector_archive(struct collector *c, uint64_t part_size,
                                                   bool equal_parts)
{
    return collector_with_tables(c, part_size, equal_parts, (struct vb_noted_tables){0});
}

/* The same for a single raw file. */
static inline struct vb_archive *collector_plain(struct collector *c, uint64_t part_size,
                                                 bool equal_parts)
{
    *c = (struct collector){0};
    vb_buffer_init(&c->records, 1);
    struct vb_archive_options options = {
        .part_size = part_size,
        .equal_parts = equal_parts,
        .plain = true,
        .sink = {.context = c, .part = collect_part, .directory = collect_records}};
    struct vb_archive *archive = NULL;
    assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_OK);
    return archive;
}

/* The CRC-32 of all parts in order, from their own. */
static inline uint32_t collector_crc(const struct collector *c, uint32_t crc)
{
    for (uint32_t i = 0; i <= c->highest; i++)
        crc = vb_crc32_combine(crc, c->parts[i].crc, c->parts[i].size);
    return crc;
}

/* All parts in order, appended. */
static inline void collector_join(const struct collector *c, struct vb_buffer *out)
{
    assert_true(c->ended);
    for (uint32_t i = 0; i <= c->highest; i++)
        assert_int_equal(vb_buffer_append(out, c->parts[i].data, c->parts[i].size), VB_OK);
}

static inline void collector_done(struct collector *c)
{
    for (uint32_t i = 0; i < COLLECTOR_PARTS; i++)
        free(c->parts[i].data);
    vb_buffer_done(&c->records);
}

/* Small, fast, repeatable noise. */
static inline uint32_t noise(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

#endif
