/* Entries that are not deflated: headers that are final at once, and what may not come of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../collector.h"
#include "verbatim/hash.h"

#define PART VB_PART_MINIMUM
#define NAME VB_VIEW("media/1/2.wav")

static void expect_refused(uint64_t size, uint32_t crc, const char *data, size_t length)
{
    struct collector c;
    struct vb_error err = {0};
    struct vb_archive *archive = collector_archive(&c, PART, false);
    assert_int_equal(vb_archive_begin_stored(archive, NAME, NO_TIME, size, crc, NULL), VB_OK);
    assert_int_equal(vb_archive_write(archive, data, length, NULL), VB_OK);
    assert_int_equal(vb_archive_end_entry(archive, &err), VB_INVALID);
    assert_non_null(strstr(err.text, "not what its header says"));
    /* Its header stands in the archive: there is no way on. */
    assert_int_equal(vb_archive_begin_entry(archive, NAME, NO_TIME, NULL), VB_INVALID);
    assert_int_equal(vb_archive_end_segment(archive, NULL), VB_INVALID);
    vb_archive_free(archive);
    collector_done(&c);
}

static void what_differs_from_its_header_is_refused(void **state)
{
    (void)state;
    uint32_t crc = vb_crc32(0, "sound", 5);
    expect_refused(5, crc, "sound", 4);
    expect_refused(5, crc, "sounds", 6);
    expect_refused(5, crc, "round", 5);
    expect_refused(5, crc + 1, "sound", 5);
}

static void entries_begin_in_turn_and_with_a_name(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    assert_int_equal(vb_archive_begin_stored(archive, VB_VIEW(""), NO_TIME, 0, 0, NULL),
                     VB_INVALID);
    assert_int_equal(vb_archive_begin_stored(archive, NAME, NO_TIME, 0, 0, NULL), VB_OK);
    assert_int_equal(vb_archive_begin_stored(archive, NAME, NO_TIME, 0, 0, NULL), VB_INVALID);
    assert_int_equal(vb_archive_begin_entry(archive, NAME, NO_TIME, NULL), VB_INVALID);
    assert_int_equal(vb_archive_end_segment(archive, NULL), VB_INVALID);
    vb_archive_free(archive);
    collector_done(&c);
}

/* Of deflated entries as of stored ones, in pieces of any size; and the archive is the same. */
static void records_hold_digests_where_they_are_asked_for(void **state)
{
    (void)state;
    struct collector made[2];
    struct vb_buffer whole[2];
    unsigned char sha256[VB_SHA256];
    vb_sha256("sound", 5, sha256);
    for (size_t k = 0; k < 2; k++) {
        struct vb_archive *archive = collector_archive(&made[k], PART, false);
        vb_archive_free(archive);
        const struct vb_archive_options options = {
            .part_size = PART, .sha256 = k == 1, .sink = {&made[k], collect_part, collect_records}};
        assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_OK);
        assert_int_equal(
            vb_archive_begin_stored(archive, NAME, NO_TIME, 5, vb_crc32(0, "sound", 5), NULL),
            VB_OK);
        assert_int_equal(vb_archive_write(archive, "so", 2, NULL), VB_OK);
        assert_int_equal(vb_archive_write(archive, "und", 3, NULL), VB_OK);
        assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
        assert_int_equal(vb_archive_begin_entry(archive, VB_VIEW("b"), NO_TIME, NULL), VB_OK);
        assert_int_equal(vb_archive_write(archive, "sound", 5, NULL), VB_OK);
        assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
        assert_int_equal(vb_archive_flush_directory(archive, NULL), VB_OK);
        struct vb_view records = {made[k].records.data, made[k].records.length};
        struct vb_archive_record record;
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(vb_archive_record_next(&records, &record), VB_OK);
            assert_int_equal(record.name.length, i == 0 ? NAME.length : 1);
            assert_int_equal(record.size, 5);
            assert_int_equal(record.has_sha256, k == 1);
            if (k == 1)
                assert_memory_equal(record.sha256, sha256, sizeof sha256);
        }
        assert_int_equal(vb_archive_record_next(&records, &record), VB_END);
        records = (struct vb_view){made[k].records.data, made[k].records.length - 1};
        assert_int_equal(vb_archive_record_next(&records, &record), VB_OK);
        assert_int_equal(vb_archive_record_next(&records, &record), VB_CORRUPT);
        assert_int_equal(vb_archive_add_directory(archive, 0, made[k].records.data,
                                                  made[k].records.length, NULL),
                         VB_OK);
        assert_int_equal(vb_archive_close(archive, 0, NULL), VB_OK);
        vb_archive_free(archive);
        vb_buffer_init(&whole[k], 4096);
        collector_join(&made[k], &whole[k]);
    }
    assert_int_equal(whole[0].length, whole[1].length);
    assert_memory_equal(whole[0].data, whole[1].data, whole[0].length);
    for (size_t k = 0; k < 2; k++) {
        vb_buffer_done(&whole[k]);
        collector_done(&made[k]);
    }
}

/* The segments' pieces of records keep the method. */
static void records_remember_the_method(void **state)
{
    (void)state;
    struct collector first, second;
    struct vb_buffer whole;
    struct vb_archive *archive = collector_archive(&first, PART, false);
    uint32_t crc = vb_crc32(0, "sound", 5);
    assert_int_equal(vb_archive_begin_stored(archive, NAME, NO_TIME, 5, crc, NULL), VB_OK);
    assert_int_equal(vb_archive_write(archive, "sound", 5, NULL), VB_OK);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
    struct vb_archive_totals totals = vb_archive_totals(archive);
    assert_int_equal(totals.entries, 1);
    assert_int_equal(totals.raw_size, 5);
    assert_int_equal(totals.size, 30 + NAME.length + TIME_FIELD + 5);
    assert_int_equal(vb_archive_end_segment(archive, NULL), VB_OK);
    vb_archive_free(archive);

    archive = collector_archive(&second, PART, false);
    assert_int_equal(
        vb_archive_add_directory(archive, 0, first.records.data, first.records.length, NULL),
        VB_OK);
    assert_int_equal(vb_archive_close(archive, totals.size, NULL), VB_OK);
    vb_archive_free(archive);
    vb_buffer_init(&whole, 4096);
    collector_join(&first, &whole);
    collector_join(&second, &whole);
    const unsigned char *local = (const unsigned char *)whole.data, *central = local + totals.size;
    /* Version needed and method, in both headers (APPNOTE.TXT 4.3.7 and 4.3.12). */
    assert_int_equal(local[4], 10);
    assert_int_equal(local[8], 0);
    assert_int_equal(central[6], 10);
    assert_int_equal(central[10], 0);
    assert_memory_equal(local + 14, central + 16, 12); /* CRC and sizes */
    vb_buffer_done(&whole);
    collector_done(&first);
    collector_done(&second);
}

/* A sink that keeps the first bytes alone. */
struct head {
    unsigned char bytes[256];
    uint64_t size;
};

static enum vb_status keep_head(void *context, uint32_t index, struct vb_body *body, bool last,
                                struct vb_error *err)
{
    struct head *head = context;
    (void)last, (void)err;
    if (index == 0)
        memcpy(head->bytes, body->pieces[0].iov_base, sizeof head->bytes);
    head->size += body->size;
    body->release(body);
    return VB_OK;
}

static enum vb_status keep_nothing(void *context, const void *records, size_t length,
                                   struct vb_error *err)
{
    (void)context, (void)records, (void)length, (void)err;
    return VB_OK;
}

/* The header has its ZIP64 field from the start, also where parts have to be equal. */
static void an_entry_past_4_gib(void **state)
{
    (void)state;
    static char zeros[1u << 20];
    const uint64_t size = (UINT64_C(4) << 30) + 5;
    struct head head = {.size = 0};
    const struct vb_archive_options options = {
        .part_size = PART, .equal_parts = true, .sink = {&head, keep_head, keep_nothing}};
    struct vb_archive *archive = NULL;
    uint32_t crc = 0;
    for (uint64_t left = size; left > 0; left -= left < sizeof zeros ? left : sizeof zeros)
        crc = vb_crc32(crc, zeros, left < sizeof zeros ? (size_t)left : sizeof zeros);
    assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_OK);
    assert_int_equal(vb_archive_begin_stored(archive, NAME, NO_TIME, size, crc, NULL), VB_OK);
    for (uint64_t left = size; left > 0; left -= left < sizeof zeros ? left : sizeof zeros)
        assert_int_equal(vb_archive_write(archive, zeros,
                                          left < sizeof zeros ? (size_t)left : sizeof zeros, NULL),
                         VB_OK);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
    assert_int_equal(vb_archive_end_segment(archive, NULL), VB_OK);
    assert_true(head.size == 30 + NAME.length + TIME_FIELD + 20 + size);
    assert_int_equal(head.bytes[4], 45);
    assert_memory_equal(head.bytes + 18, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
    const unsigned char *extra = head.bytes + 30 + NAME.length + TIME_FIELD;
    static const unsigned char expected[20] = {1, 0, 16, 0, 5, 0, 0, 0, 1, 0,
                                               0, 0, 5,  0, 0, 0, 1, 0, 0, 0};
    assert_memory_equal(extra, expected, sizeof expected);
    vb_archive_free(archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_from_its_header_is_refused),
        cmocka_unit_test(entries_begin_in_turn_and_with_a_name),
        cmocka_unit_test(records_hold_digests_where_they_are_asked_for),
        cmocka_unit_test(records_remember_the_method),
        cmocka_unit_test(an_entry_past_4_gib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
