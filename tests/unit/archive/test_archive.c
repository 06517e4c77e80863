/* The archive writer: equal bytes however it is sliced and cut, parts as promised, bounded
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include "../collector.h"
#include "verbatim/hash.h"

#define PART VB_PART_MINIMUM
#define BIG (256u * 1024 * 1024) /* ceiling of joined archives */

/* The content of file `number`: CSV-like text of a size that is often around whole blocks. */
static size_t fill_file(unsigned number, char **ret_data)
{
    static const size_t sizes[] = {0,      1,      700,    65535, 65536, 65537, 131072,
                                   131073, 200000, 900000, 9000,  40,    30000};
    static const char text[] = "inbound,customer,Jane Doe,2026-04-08T03:24:43.123456+00:00,"
                               "Could you tell me when my order arrives?,https://example.com/a.png";
    size_t size = sizes[number % (sizeof sizes / sizeof *sizes)];
    uint64_t seed = number + 1;
    char *data = malloc(size + 1);
    assert_non_null(data);
    for (size_t i = 0; i < size;) {
        size_t start = noise(&seed) % 60, length = 1 + noise(&seed) % 50;
        for (size_t k = 0; k < length && i < size; k++)
            data[i++] = text[start + k];
        if (i < size)
            data[i++] = (char)(' ' + noise(&seed) % 95);
    }
    *ret_data = data;
    return size;
}

/* Adds file `number`, written in slices of the seed's choosing; a zero seed writes it at once. */
static void add_file(struct vb_archive *archive, unsigned number, uint64_t *slices)
{
    char name[64], *data;
    size_t size = fill_file(number, &data);
    int length = snprintf(name, sizeof name, "file %u--\xE4\xBD\xA0\xE5\xA5\xBD.csv", number);
    vb_instant at = (INT64_C(1775618683) + number * 61) * VB_SECOND;
    assert_int_equal(vb_archive_begin_entry(archive, (struct vb_view){name, (size_t)length},
                                            (struct vb_entry_time){at, 0}, NULL),
                     VB_OK);
    for (size_t done = 0; done < size;) {
        size_t slice = *slices ? 1 + noise(slices) % (noise(slices) % 4 ? 300 : 150000) : size;
        slice = slice < size - done ? slice : size - done;
        assert_int_equal(vb_archive_write(archive, data + done, slice, NULL), VB_OK);
        done += slice;
    }
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
    free(data);
}

static void close_alone(struct vb_archive *archive)
{
    assert_int_equal(vb_archive_add_own_directory(archive, 0, NULL), VB_OK);
    assert_int_equal(vb_archive_close(archive, 0, NULL), VB_OK);
}

#define FILES 26u

/* The archive of all files in one segment. */
static void write_whole(struct vb_buffer *out, uint64_t slices)
{
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    vb_buffer_init(out, BIG);
    for (unsigned i = 0; i < FILES; i++)
        add_file(archive, i, &slices);
    close_alone(archive);
    assert_int_equal(vb_archive_totals(archive).entries, FILES);
    vb_archive_free(archive);
    collector_join(&c, out);
    collector_done(&c);
}

static void an_empty_archive_is_an_end_record(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    close_alone(archive);
    static const char end[22] = "PK\5\6";
    assert_int_equal(c.count, 1);
    assert_int_equal(c.parts[0].size, 22);
    assert_memory_equal(c.parts[0].data, end, 22);
    vb_archive_free(archive);
    collector_done(&c);
}

static void slices_do_not_matter(void **state)
{
    (void)state;
    struct vb_buffer whole, sliced;
    write_whole(&whole, 0);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        write_whole(&sliced, seed);
        assert_int_equal(sliced.length, whole.length);
        assert_memory_equal(sliced.data, whole.data, whole.length);
        vb_buffer_done(&sliced);
    }
    vb_buffer_done(&whole);
}

/* Writes files [from, to) as one segment; a closing one gets the records of those before it. */
struct segment {
    unsigned from, to;
    uint64_t base;
    struct collector collector;
};

static void write_segments(struct segment *segments, size_t count, struct vb_buffer *out)
{
    uint64_t whole_slices = 0;
    for (size_t i = 0; i < count; i++) {
        struct segment *s = &segments[i];
        bool last = i + 1 == count;
        struct vb_archive *archive = collector_archive(&s->collector, PART, false);
        s->base = out->length;
        for (unsigned file = s->from; file < s->to; file++)
            add_file(archive, file, &whole_slices);
        if (last)
            assert_int_equal(vb_archive_flush_directory(archive, NULL), VB_OK);
        else
            assert_int_equal(vb_archive_end_segment(archive, NULL), VB_OK);
        for (size_t k = 0; last && k < count; k++)
            assert_int_equal(vb_archive_add_directory(archive, segments[k].base,
                                                      segments[k].collector.records.data,
                                                      segments[k].collector.records.length, NULL),
                             VB_OK);
        if (last)
            assert_int_equal(vb_archive_close(archive, s->base, NULL), VB_OK);
        vb_archive_free(archive);
        collector_join(&s->collector, out);
    }
}

static void cuts_into_segments_do_not_matter(void **state)
{
    (void)state;
    static struct segment segments[FILES];
    struct vb_buffer whole, joined;
    uint64_t seed = 99;
    write_whole(&whole, 0);
    for (int round = 0; round < 300; round++) {
        size_t count = 0;
        for (unsigned from = 0; from < FILES;) {
            unsigned take = noise(&seed) % 5 == 0 ? FILES : 1 + noise(&seed) % 8;
            unsigned to = from + take < FILES ? from + take : FILES;
            segments[count++] = (struct segment){.from = from, .to = to};
            from = to;
        }
        vb_buffer_init(&joined, BIG);
        write_segments(segments, count, &joined);
        assert_int_equal(joined.length, whole.length);
        assert_memory_equal(joined.data, whole.data, whole.length);
        vb_buffer_done(&joined);
        for (size_t i = 0; i < count; i++)
            collector_done(&segments[i].collector);
    }
    vb_buffer_done(&whole);
}

/* Bytes that do not deflate, so that sizes of parts can be steered. */
static void add_noise(struct vb_archive *archive, const char *name, size_t size)
{
    static uint32_t block[65536 / 4];
    uint64_t seed = size;
    assert_int_equal(vb_archive_begin_entry(archive, vb_view_of(name), NO_TIME, NULL), VB_OK);
    while (size > 0) {
        for (size_t i = 0; i < sizeof block / 4; i++)
            block[i] = noise(&seed) ^ noise(&seed) << 16;
        size_t slice = size < sizeof block ? size : sizeof block;
        assert_int_equal(vb_archive_write(archive, block, slice, NULL), VB_OK);
        size -= slice;
    }
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
}

static void write_large(struct collector *c, uint64_t part_size, bool equal)
{
    struct vb_archive *archive = collector_archive(c, part_size, equal);
    char name[32];
    for (unsigned i = 0; i < 24; i++) {
        snprintf(name, sizeof name, "%u", i);
        add_noise(archive, name, i == 3 ? 31000000 : 70000 * i);
    }
    close_alone(archive);
    vb_archive_free(archive);
}

static void every_part_is_legal_and_a_header_waits_for_its_sizes(void **state)
{
    (void)state;
    struct collector loose, equal;
    struct vb_buffer a, b;
    write_large(&loose, PART + 1, false); /* rounded up to a block */
    write_large(&equal, PART, true);
    assert_true(loose.highest >= 4 && equal.highest >= 8);
    assert_true(loose.late > 0 && equal.late > 0);
    for (uint32_t i = 0; i < loose.highest; i++)
        assert_in_range(loose.parts[i].size, PART + VB_BLOCK_SIZE, PART + 2 * VB_BLOCK_SIZE);
    assert_true(loose.parts[loose.highest].size >= VB_PART_MINIMUM);
    for (uint32_t i = 0; i < equal.highest; i++)
        assert_int_equal(equal.parts[i].size, PART);
    assert_in_range(equal.parts[equal.highest].size, 1, PART);
    vb_buffer_init(&a, BIG);
    vb_buffer_init(&b, BIG);
    collector_join(&loose, &a);
    collector_join(&equal, &b);
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
    vb_buffer_done(&a);
    vb_buffer_done(&b);
    collector_done(&loose);
    collector_done(&equal);
}

static void add_empty(struct vb_archive *archive, size_t name_length)
{
    static char name[8000];
    memset(name, '-', sizeof name);
    assert_in_range(name_length, 1, sizeof name);
    assert_int_equal(
        vb_archive_begin_entry(archive, (struct vb_view){name, name_length}, NO_TIME, NULL), VB_OK);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
}

/* A segment in which the header of a giant begins `distance` bytes before the end of a part. */
static void write_around_cut(struct collector *c, uint64_t part_size, bool equal, size_t distance,
                             struct vb_buffer *out)
{
    struct vb_archive *archive = collector_archive(c, part_size, equal);
    add_empty(archive, 1);
    uint64_t overhead = vb_archive_totals(archive).size - 1;
    add_noise(archive, "a", PART - 6000);
    add_empty(archive, PART - distance - overhead - vb_archive_totals(archive).size);
    assert_int_equal(vb_archive_totals(archive).size, PART - distance);
    add_noise(archive, "the header at the cut", 12000000);
    add_noise(archive, "z", 6000000);
    close_alone(archive);
    vb_archive_free(archive);
    vb_buffer_init(out, BIG);
    collector_join(c, out);
}

/* A header that straddles a cut is patched in both parts, or moves the cut: the bytes must equal
 * those of a segment that was never cut there. */
static void headers_around_a_cut_are_patched(void **state)
{
    (void)state;
    for (size_t distance = 0; distance < 66; distance += 3) {
        struct collector c, whole;
        struct vb_buffer cut, uncut;
        bool equal = distance % 2 != 0;
        write_around_cut(&c, PART, equal, distance, &cut);
        write_around_cut(&whole, 64u * 1024 * 1024, equal, distance, &uncut);
        assert_int_equal(whole.count, 1);
        bool straddles = distance > 0 && distance < 30 + 21 + TIME_FIELD;
        if (equal && straddles) /* both sides of the cut were held */
            assert_true(c.parts[0].arrival > c.parts[2].arrival &&
                        c.parts[1].arrival > c.parts[2].arrival);
        if (!equal)
            assert_int_equal(c.parts[0].size, straddles ? PART + VB_BLOCK_SIZE : PART);
        assert_int_equal(cut.length, uncut.length);
        assert_memory_equal(cut.data, uncut.data, cut.length);
        vb_buffer_done(&cut);
        vb_buffer_done(&uncut);
        collector_done(&c);
        collector_done(&whole);
    }
}

/* An uploader one part behind, on a thread of its own. */
struct uploader {
    pthread_t thread;
    bool running;
    struct vb_body *body;
};

static void *upload(void *argument)
{
    struct uploader *uploader = argument;
    vb_clock_sleep(1000);
    uploader->body->release(uploader->body);
    return NULL;
}

static void join_upload(struct uploader *uploader)
{
    if (uploader->running)
        assert_int_equal(pthread_join(uploader->thread, NULL), 0);
    uploader->running = false;
}

static enum vb_status start_upload(void *context, uint32_t index, struct vb_body *body, bool last,
                                   struct vb_error *err)
{
    struct uploader *uploader = context;
    (void)index, (void)last, (void)err;
    join_upload(uploader);
    uploader->body = body;
    assert_int_equal(pthread_create(&uploader->thread, NULL, upload, uploader), 0);
    uploader->running = true;
    return VB_OK;
}

static void memory_stays_within_its_bound(void **state)
{
    (void)state;
    for (int equal = 0; equal < 2; equal++) {
        struct uploader uploader = {0};
        struct collector records = {0};
        vb_buffer_init(&records.records, BIG);
        struct vb_archive_options options = {
            .part_size = PART,
            .equal_parts = equal,
            .sink = {.context = &uploader, .part = start_upload, .directory = collect_records}};
        struct vb_archive *archive = NULL;
        assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_OK);
        add_noise(archive, "small", 3000000);
        add_noise(archive, "giant", 90000000);
        add_noise(archive, "another", 20000000);
        close_alone(archive);
        uint64_t peak = vb_archive_totals(archive).peak_memory;
        vb_archive_free(archive); /* the last body outlives it */
        join_upload(&uploader);
        vb_buffer_done(&records.records);
        assert_true(peak > 2 * PART);
        assert_true(peak < VB_ARCHIVE_MEMORY(PART));
    }
}

static void a_failing_sink_ends_the_archive(void **state)
{
    (void)state;
    struct collector c;
    struct vb_error err = {0};
    struct vb_archive *archive = collector_archive(&c, PART, false);
    c.fail_at = 1;
    add_noise(archive, "first", 9000000);
    assert_int_equal(vb_archive_totals(archive).parts, 0);
    assert_true(vb_archive_totals(archive).unsent > 9000000);
    assert_int_equal(vb_archive_end_segment(archive, &err), VB_STORAGE);
    assert_string_equal(err.text, "the store said no");
    assert_int_equal(vb_archive_begin_entry(archive, VB_VIEW("next"), NO_TIME, &err), VB_INVALID);
    vb_archive_free(archive);
    collector_done(&c);

    /* Mid-way in an entry whose header is held back, and freed there. */
    static char block[1u << 20];
    enum vb_status status = VB_OK;
    uint64_t seed = 5;
    archive = collector_archive(&c, PART, false);
    c.fail_at = 2;
    assert_int_equal(vb_archive_begin_entry(archive, VB_VIEW("giant"), NO_TIME, NULL), VB_OK);
    for (int i = 0; i < 40 && status == VB_OK; i++) {
        for (size_t k = 0; k < sizeof block; k++)
            block[k] = (char)noise(&seed);
        status = vb_archive_write(archive, block, sizeof block, &err);
    }
    assert_int_equal(status, VB_STORAGE);
    assert_int_equal(vb_archive_end_entry(archive, &err), VB_INVALID);
    vb_archive_free(archive);
    collector_done(&c);
}

static void calls_out_of_turn_are_refused(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    assert_int_equal(vb_archive_write(archive, "x", 1, NULL), VB_INVALID);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_INVALID);
    assert_int_equal(vb_archive_begin_entry(archive, VB_VIEW(""), NO_TIME, NULL), VB_INVALID);
    assert_int_equal(vb_archive_begin_entry(archive, VB_VIEW("a"), NO_TIME, NULL), VB_OK);
    assert_int_equal(vb_archive_begin_entry(archive, VB_VIEW("b"), NO_TIME, NULL), VB_INVALID);
    assert_int_equal(vb_archive_close(archive, 0, NULL), VB_INVALID);
    assert_int_equal(vb_archive_end_segment(archive, NULL), VB_INVALID);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
    assert_int_equal(vb_archive_close(archive, 0, NULL), VB_INVALID); /* a record would be lost */
    close_alone(archive);
    assert_int_equal(vb_archive_end_segment(archive, NULL), VB_INVALID);
    vb_archive_free(archive);
    vb_archive_free(NULL);
    collector_done(&c);

    archive = collector_archive(&c, PART, false);
    assert_int_equal(vb_archive_add_directory(archive, 0, "no records at all", 17, NULL),
                     VB_CORRUPT);
    vb_archive_free(archive);
    collector_done(&c);
    struct vb_archive_options small = {.part_size = PART - 1};
    assert_int_equal(vb_archive_new(&small, &archive, NULL), VB_INVALID);
}

static void *take_fingerprint(void *argument)
{
    (void)argument;
    return (void *)(uintptr_t)vb_archive_fingerprint();
}

/* CRC-32 of one small archive with a file whose first bytes come again and again. */
static uint32_t small_archive(void)
{
    static const char line[] = "message_id,conversation_id,contact_name\r\n1,2,Jane\r\n";
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    assert_int_equal(vb_archive_begin_entry(archive, vb_view_of("a.csv"), NO_TIME, NULL), VB_OK);
    for (int i = 0; i < 12; i++)
        assert_int_equal(vb_archive_write(archive, line, sizeof line - 1, NULL), VB_OK);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
    close_alone(archive);
    struct vb_buffer joined;
    vb_buffer_init(&joined, BIG);
    collector_join(&c, &joined);
    uint32_t crc = vb_crc32(0, joined.data, joined.length);
    vb_buffer_done(&joined);
    vb_archive_free(archive);
    collector_done(&c);
    return crc;
}

/* ISA-L alone answers differently at one address of its stream in some 3,000: each round shifts the
 * next allocation by a page of 64 KiB that stays reserved. */
static void addresses_do_not_matter(void **state)
{
    (void)state;
    enum { ROUNDS = 12000 };
    static void *reserved[ROUNDS];
    uint32_t first = small_archive();
    for (int i = 0; i < ROUNDS; i++) {
        reserved[i] =
            mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert_ptr_not_equal(reserved[i], MAP_FAILED);
        assert_int_equal(small_archive(), first);
    }
    for (int i = 0; i < ROUNDS; i++)
        munmap(reserved[i], 65536);
}

static void the_fingerprint_is_one_for_all_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_fingerprint, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        void *answer = NULL;
        assert_int_equal(pthread_join(threads[i], &answer), 0);
        assert_ptr_equal(answer, vb_archive_fingerprint());
    }
    assert_int_equal(strlen(vb_archive_fingerprint()), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_archive_is_an_end_record),
        cmocka_unit_test(slices_do_not_matter),
        cmocka_unit_test(cuts_into_segments_do_not_matter),
        cmocka_unit_test(every_part_is_legal_and_a_header_waits_for_its_sizes),
        cmocka_unit_test(headers_around_a_cut_are_patched),
        cmocka_unit_test(memory_stays_within_its_bound),
        cmocka_unit_test(a_failing_sink_ends_the_archive),
        cmocka_unit_test(calls_out_of_turn_are_refused),
        cmocka_unit_test(addresses_do_not_matter),
        cmocka_unit_test(the_fingerprint_is_one_for_all_threads),
    };
    /* Fixed, or glibc serves streams from its heap once one was freed: at one address for ever. */
    (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
