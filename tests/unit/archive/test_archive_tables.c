/* Tables that small entries have in common: when they are known, who goes by which, and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/mman.h>

#include "../collector.h"

#define PART VB_PART_MINIMUM
#define BIG (64u * 1024 * 1024)
#define FILES 120u

/* What a segment was, and what it left. */
struct segment {
    struct vb_buffer bytes;
    struct vb_buffer tables; /* length 0: none */
    unsigned settled_at;     /* entries before it was so; FILES: never */
};

static void segment_done(struct segment *s)
{
    vb_buffer_done(&s->bytes);
    vb_buffer_done(&s->tables);
}

/* Rows that are much alike, of sizes from one row to several blocks; `salt` changes the words. */
static void add_file(struct vb_archive *archive, unsigned number, unsigned rows, unsigned salt)
{
    char name[32], row[256];
    uint32_t seed = number * 7919u + salt;
    (void)snprintf(name, sizeof name, "%u.csv", number);
    assert_int_equal(vb_archive_begin_entry(archive, vb_view_of(name), NO_TIME, NULL), VB_OK);
    for (unsigned i = 0; i < rows; i++) {
        seed = seed * 1664525u + 1013904223u;
        int length = snprintf(row, sizeof row,
                              "%08x-%04x,%u,Jane Doe,inbound,2026-04-08T03:24:%02u+00:00,a message "
                              "of %x words %u,,delivered\r\n",
                              seed, seed >> 19, number, i % 60, seed >> (9 + salt % 5), i * salt);
        assert_int_equal(vb_archive_write(archive, row, (size_t)length, NULL), VB_OK);
    }
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
}

static unsigned usual_rows(unsigned number)
{
    return number % 11 == 10 ? 900 : 1 + number * 37 % 90;
}

/* Files [from, to) as one segment without its directory. */
static void write_segment(struct segment *s, unsigned from, unsigned to, unsigned salt,
                          struct vb_noted_tables noted)
{
    struct collector c;
    struct vb_archive *archive = collector_with_tables(&c, PART, false, noted);
    *s = (struct segment){.settled_at = FILES};
    vb_buffer_init(&s->bytes, BIG);
    vb_buffer_init(&s->tables, 4096);
    for (unsigned i = from; i < to; i++) {
        if (s->settled_at == FILES && vb_archive_is_settled(archive))
            s->settled_at = i - from;
        add_file(archive, i, usual_rows(i), salt);
    }
    if (vb_archive_tables(archive))
        assert_int_equal(vb_buffer_append_text(&s->tables, vb_archive_tables(archive)), VB_OK);
    assert_int_equal(vb_archive_end_segment(archive, NULL), VB_OK);
    vb_archive_free(archive);
    collector_join(&c, &s->bytes);
    collector_done(&c);
}

static const struct vb_noted_tables first = {.begins = true};

static struct vb_noted_tables noted_with(const struct segment *s, bool begins)
{
    return (struct vb_noted_tables){
        .begins = begins, .is_noted = true, .text = s->tables.length > 0 ? s->tables.data : NULL};
}

static void tables_are_known_after_the_first_entries(void **state)
{
    (void)state;
    struct segment with, without;
    write_segment(&with, 0, FILES, 1, first);
    write_segment(&without, 0, FILES, 1, (struct vb_noted_tables){0});
    assert_in_range(with.settled_at, 8, 64);
    assert_int_equal(without.settled_at, 0);
    assert_true(with.tables.length > 0);
    assert_int_equal(without.tables.length, 0);
    /* Other bytes, of about the same number. */
    assert_in_range(with.bytes.length, without.bytes.length * 97 / 100,
                    without.bytes.length * 103 / 100);
    assert_int_not_equal(with.bytes.length, without.bytes.length);
    segment_done(&with);
    segment_done(&without);
}

static void other_segments_go_by_what_was_noted(void **state)
{
    (void)state;
    struct segment whole, front, rest;
    write_segment(&whole, 0, FILES, 1, first);
    for (unsigned cut = whole.settled_at; cut < FILES; cut += 7) {
        write_segment(&front, 0, cut, 1, first);
        assert_int_equal(front.tables.length, whole.tables.length);
        write_segment(&rest, cut, FILES, 1, noted_with(&front, false));
        assert_int_equal(rest.settled_at, 0);
        assert_int_equal(front.bytes.length + rest.bytes.length, whole.bytes.length);
        assert_memory_equal(front.bytes.data, whole.bytes.data, front.bytes.length);
        assert_memory_equal(rest.bytes.data, whole.bytes.data + front.bytes.length,
                            rest.bytes.length);
        segment_done(&front);
        segment_done(&rest);
    }
    segment_done(&whole);
}

/* Rows may have been edited between: what was noted holds, for others have gone by it. */
static void a_first_segment_that_is_written_again_goes_by_what_was_noted(void **state)
{
    (void)state;
    struct segment whole, again, edited, own, none;
    write_segment(&whole, 0, FILES, 1, first);
    write_segment(&again, 0, FILES, 1, noted_with(&whole, true));
    assert_int_equal(again.settled_at, whole.settled_at);
    assert_int_equal(again.bytes.length, whole.bytes.length);
    assert_memory_equal(again.bytes.data, whole.bytes.data, whole.bytes.length);

    write_segment(&own, 0, FILES, 4, first);
    write_segment(&edited, 0, FILES, 4, noted_with(&whole, true));
    assert_string_equal(edited.tables.data, whole.tables.data);
    assert_string_not_equal(own.tables.data, whole.tables.data);
    assert_int_not_equal(own.bytes.length, edited.bytes.length);

    /* So does that there are none. */
    struct vb_noted_tables nothing = {.begins = true, .is_noted = true};
    struct segment plain;
    write_segment(&plain, 0, FILES, 1, (struct vb_noted_tables){0});
    write_segment(&none, 0, FILES, 1, nothing);
    assert_int_equal(none.tables.length, 0);
    assert_int_equal(none.bytes.length, plain.bytes.length);
    assert_memory_equal(none.bytes.data, plain.bytes.data, plain.bytes.length);
    segment_done(&whole), segment_done(&again), segment_done(&own);
    segment_done(&edited), segment_done(&none), segment_done(&plain);
}

static void few_entries_or_few_bytes_make_none(void **state)
{
    (void)state;
    struct segment few;
    write_segment(&few, 0, 7, 1, first);
    assert_int_equal(few.settled_at, FILES);
    assert_int_equal(few.tables.length, 0);
    segment_done(&few);

    struct collector c;
    struct vb_archive *archive = collector_with_tables(&c, PART, false, first);
    for (unsigned i = 0; i < 64; i++) {
        assert_false(vb_archive_is_settled(archive));
        add_file(archive, i, 1, 1);
    }
    assert_true(vb_archive_is_settled(archive));
    assert_null(vb_archive_tables(archive));
    vb_archive_free(archive);
    collector_done(&c);
}

/* However few entries came before: the next part may leave, and is to find it noted. */
static void it_is_settled_before_a_part_is_cut(void **state)
{
    (void)state;
    static char media[VB_PART_MINIMUM];
    struct collector c;
    struct vb_archive *archive = collector_with_tables(&c, PART, true, first);
    add_file(archive, 1, 40, 1);
    assert_int_equal(vb_archive_begin_stored(archive, VB_VIEW("a.jpg"), NO_TIME, sizeof media,
                                             vb_crc32(0, media, sizeof media), NULL),
                     VB_OK);
    for (size_t at = 0; at < sizeof media; at += 4096) {
        assert_true(c.count == 0 || vb_archive_is_settled(archive));
        assert_int_equal(vb_archive_write(archive, media + at, 4096, NULL), VB_OK);
    }
    assert_int_equal(c.count, 1);
    assert_true(vb_archive_is_settled(archive));
    vb_archive_free(archive);
    collector_done(&c);
}

static void damaged_tables_are_refused(void **state)
{
    (void)state;
    struct segment good;
    struct vb_archive *archive = NULL;
    write_segment(&good, 0, FILES, 1, first);
    char *text = good.tables.data;
    size_t length = good.tables.length;
    struct vb_archive_options options = {.part_size = PART,
                                         .tables = {.is_noted = true, .text = text}};
    for (size_t i = 0; i < length; i += 5) {
        struct vb_error err = {0};
        char kept = text[i];
        text[i] = kept == '7' ? '8' : '7';
        assert_int_equal(vb_archive_new(&options, &archive, &err), VB_CORRUPT);
        assert_non_null(strstr(err.text, "deflate tables"));
        text[i] = 'G';
        assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_CORRUPT);
        text[i] = '\0';
        assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_CORRUPT);
        text[i] = kept;
    }
    options.tables.begins = true; /* it says no less to who writes the first one again */
    text[0] ^= 1;
    assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_CORRUPT);
    text[0] ^= 1;
    assert_int_equal(vb_archive_new(&options, &archive, NULL), VB_OK);
    vb_archive_free(archive);
    segment_done(&good);
}

/* As with tables of their own: see test_archive.c. */
static void addresses_do_not_matter(void **state)
{
    (void)state;
    enum { ROUNDS = 300 };
    static void *reserved[ROUNDS];
    struct segment expected, found;
    write_segment(&expected, 0, 40, 1, first);
    for (int i = 0; i < ROUNDS; i++) {
        reserved[i] =
            mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert_ptr_not_equal(reserved[i], MAP_FAILED);
        write_segment(&found, 0, 40, 1, first);
        assert_int_equal(found.bytes.length, expected.bytes.length);
        assert_memory_equal(found.bytes.data, expected.bytes.data, found.bytes.length);
        segment_done(&found);
    }
    for (int i = 0; i < ROUNDS; i++)
        munmap(reserved[i], 65536);
    segment_done(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_known_after_the_first_entries),
        cmocka_unit_test(other_segments_go_by_what_was_noted),
        cmocka_unit_test(a_first_segment_that_is_written_again_goes_by_what_was_noted),
        cmocka_unit_test(few_entries_or_few_bytes_make_none),
        cmocka_unit_test(it_is_settled_before_a_part_is_cut),
        cmocka_unit_test(damaged_tables_are_refused),
        cmocka_unit_test(addresses_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
