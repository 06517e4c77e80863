/* A single raw file in the archive's parts: the bytes as written, however sliced and cut, in legal
 * parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../collector.h"

#define PART VB_PART_MINIMUM
#define CONTENT (37u * 1024 * 1024 + 12345)

/* What the file is to be: noise, so that every misplaced byte shows. */
static const char *content(void)
{
    static char *data;
    uint64_t seed = 4711;
    if (!data) {
        data = malloc(CONTENT);
        assert_non_null(data);
        for (size_t i = 0; i < CONTENT; i++)
            data[i] = (char)noise(&seed);
    }
    return data;
}

static void write_sliced(struct vb_archive *archive, size_t from, size_t to, uint64_t *slices)
{
    while (from < to) {
        size_t slice = 1 + noise(slices) % (noise(slices) % 8 ? 70000 : 9000000);
        slice = slice < to - from ? slice : to - from;
        assert_int_equal(vb_archive_write(archive, content() + from, slice, NULL), VB_OK);
        from += slice;
    }
}

static void parts_are_the_bytes_written(void **state)
{
    (void)state;
    for (int equal = 0; equal < 2; equal++) {
        struct collector c;
        struct vb_buffer joined;
        uint64_t slices = 3 + (unsigned)equal;
        struct vb_archive *archive = collector_plain(&c, PART, equal);
        write_sliced(archive, 0, CONTENT, &slices);
        assert_int_equal(vb_archive_totals(archive).size, CONTENT);
        assert_int_equal(vb_archive_totals(archive).raw_size, CONTENT);
        assert_true(vb_archive_totals(archive).peak_memory < VB_ARCHIVE_MEMORY(PART));
        assert_int_equal(vb_archive_close(archive, 0, NULL), VB_OK);
        vb_archive_free(archive);
        assert_true(c.highest >= 5);
        assert_int_equal(c.late, 0); /* no header waits for anything */
        for (uint32_t i = 0; i < c.highest; i++)
            assert_int_equal(c.parts[i].size, PART);
        if (!equal)
            assert_true(c.parts[c.highest].size >= VB_PART_MINIMUM);
        vb_buffer_init(&joined, CONTENT);
        collector_join(&c, &joined);
        assert_int_equal(joined.length, CONTENT);
        assert_memory_equal(joined.data, content(), CONTENT);
        assert_int_equal(collector_crc(&c, 0), vb_crc32(0, content(), CONTENT));
        vb_buffer_done(&joined);
        collector_done(&c);
    }
}

/* One write of everything must not gather more than the parts may be long. */
static void one_giant_write_stays_within_the_bound(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_plain(&c, PART, false);
    assert_int_equal(vb_archive_write(archive, content(), CONTENT, NULL), VB_OK);
    assert_true(vb_archive_totals(archive).peak_memory < VB_ARCHIVE_MEMORY(PART));
    assert_true(vb_archive_totals(archive).parts >= 4);
    vb_archive_free(archive);
    collector_done(&c);
}

static void segments_join_to_the_file(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (int round = 0; round < 12; round++) {
        struct vb_buffer joined;
        uint32_t crc = 0;
        vb_buffer_init(&joined, CONTENT);
        for (size_t from = 0; from < CONTENT;) {
            struct collector c;
            size_t take = noise(&seed) % 3 ? noise(&seed) % 20000000 : 0; /* also empty ones */
            size_t to = from + take < CONTENT ? from + take : CONTENT;
            struct vb_archive *archive = collector_plain(&c, PART, false);
            write_sliced(archive, from, to, &seed);
            if (to < CONTENT)
                assert_int_equal(vb_archive_end_segment(archive, NULL), VB_OK);
            else
                assert_int_equal(vb_archive_close(archive, from, NULL), VB_OK);
            vb_archive_free(archive);
            collector_join(&c, &joined);
            crc = collector_crc(&c, crc);
            collector_done(&c);
            from = to;
        }
        assert_int_equal(joined.length, CONTENT);
        assert_memory_equal(joined.data, content(), CONTENT);
        assert_int_equal(crc, vb_crc32(0, content(), CONTENT));
        vb_buffer_done(&joined);
    }
}

static void an_empty_file_is_one_empty_part(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_plain(&c, PART, false);
    assert_int_equal(vb_archive_close(archive, 0, NULL), VB_OK);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.parts[0].size, 0);
    vb_archive_free(archive);
    collector_done(&c);
}

static void there_are_no_entries(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_plain(&c, PART, false);
    assert_int_equal(vb_archive_begin_entry(archive, VB_VIEW("a"), NO_TIME, NULL), VB_INVALID);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_INVALID);
    assert_int_equal(vb_archive_flush_directory(archive, NULL), VB_INVALID);
    assert_int_equal(vb_archive_add_directory(archive, 0, "", 0, NULL), VB_INVALID);
    assert_int_equal(vb_archive_close(archive, 0, NULL), VB_OK);
    assert_int_equal(vb_archive_write(archive, "x", 1, NULL), VB_INVALID);
    vb_archive_free(archive);
    collector_done(&c);
}

static void a_failing_sink_ends_the_file(void **state)
{
    (void)state;
    struct collector c;
    struct vb_error err = {0};
    struct vb_archive *archive = collector_plain(&c, PART, false);
    c.fail_at = 2;
    assert_int_equal(vb_archive_write(archive, content(), CONTENT, &err), VB_STORAGE);
    assert_string_equal(err.text, "the store said no");
    assert_int_equal(vb_archive_write(archive, "x", 1, &err), VB_INVALID);
    assert_int_equal(vb_archive_close(archive, 0, &err), VB_INVALID);
    vb_archive_free(archive);
    collector_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_the_bytes_written),
        cmocka_unit_test(one_giant_write_stays_within_the_bound),
        cmocka_unit_test(segments_join_to_the_file),
        cmocka_unit_test(an_empty_file_is_one_empty_part),
        cmocka_unit_test(there_are_no_entries),
        cmocka_unit_test(a_failing_sink_ends_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
