/* What entries begin with, deflated once: every reader gets the entries back, their bytes do not
 * depend on slices, places or addresses, and entries that begin otherwise are as without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/mman.h>
#include <zip.h>

#include "../collector.h"

#define PART VB_PART_MINIMUM
#define BIG (64u * 1024 * 1024)
#define FRONT 11000u
#define LONGEST (FRONT + 150000u)
#define ENTRIES 90u

/* A head, and behind it rows: entries are prefixes of it. */
static char page[LONGEST];
static const struct vb_noted_tables first = {.begins = true};

static int fill(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (size_t at = 0; at + 160 < sizeof page;) {
        uint32_t a = noise(&seed), b = noise(&seed);
        at += (size_t)(at < FRONT ? snprintf(page + at, 160, ".c%x{color:#%06x;margin:%upx}\n",
                                             a % 900, b & 0xFFFFFF, a % 40)
                                  : snprintf(page + at, 160,
                                             "<li class=in id=m-%08x><b>Jane </b>"
                                             "<p>%u words of %x\n",
                                             a, b % 90, b >> 20));
    }
    return 0;
}

/* Of entry `number`: most begin with the front; some are it alone, part of it, or another text. */
static struct vb_view content_of(unsigned number)
{
    static const size_t sizes[] = {FRONT + 2200, FRONT, FRONT - 1, FRONT + 1, 0,
                                   FRONT + 9000, 65536, 65537,     LONGEST,   FRONT + 5000};
    size_t size = sizes[number % (sizeof sizes / sizeof *sizes)];
    return number % 7 == 6 && size < LONGEST ? (struct vb_view){page + 1, size}
                                             : (struct vb_view){page, size};
}

static void add_entry(struct vb_archive *archive, unsigned number, uint64_t *slices)
{
    char name[32];
    struct vb_view rest = content_of(number);
    (void)snprintf(name, sizeof name, "%u.html", number);
    assert_int_equal(vb_archive_begin_entry(archive, vb_view_of(name), NO_TIME, NULL), VB_OK);
    while (rest.length > 0) {
        size_t slice = *slices ? 1 + noise(slices) % 30000 : rest.length;
        slice = slice < rest.length ? slice : rest.length;
        assert_int_equal(vb_archive_write(archive, rest.data, slice, NULL), VB_OK);
        rest.data += slice;
        rest.length -= slice;
    }
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
}

static void set_front(struct vb_archive *archive, size_t length)
{
    const struct vb_view front = {page, length};
    assert_int_equal(vb_archive_set_front(archive, front, NULL), VB_OK);
}

/* All entries, closed; `front` bytes of the page are the front. */
static void write_archive(struct vb_buffer *out, size_t front, uint64_t slices)
{
    struct collector c;
    struct vb_archive *archive = collector_with_tables(&c, PART, false, first);
    set_front(archive, front);
    for (unsigned i = 0; i < ENTRIES; i++)
        add_entry(archive, i, &slices);
    assert_int_equal(vb_archive_add_own_directory(archive, 0, NULL), VB_OK);
    assert_int_equal(vb_archive_close(archive, 0, NULL), VB_OK);
    vb_archive_free(archive);
    vb_buffer_init(out, BIG);
    collector_join(&c, out);
    collector_done(&c);
}

static zip_t *open_archive(const struct vb_buffer *bytes)
{
    zip_error_t error;
    zip_source_t *source = zip_source_buffer_create(bytes->data, bytes->length, 0, &error);
    assert_non_null(source);
    zip_t *zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    assert_non_null(zip);
    return zip;
}

static void entries_come_back_as_they_were(void **state)
{
    (void)state;
    static char found[LONGEST + 1];
    struct vb_buffer with, without;
    uint64_t sizes[2] = {0, 0};
    write_archive(&with, FRONT, 0);
    write_archive(&without, 0, 0);
    zip_t *zip = open_archive(&with), *plain = open_archive(&without);
    assert_int_equal(zip_get_num_entries(zip, 0), ENTRIES);
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct vb_view wanted = content_of(i);
        struct zip_stat stat, other;
        assert_int_equal(zip_stat_index(zip, i, 0, &stat), 0);
        assert_int_equal(zip_stat_index(plain, i, 0, &other), 0);
        assert_int_equal(stat.crc, vb_crc32(0, wanted.data, wanted.length));
        assert_int_equal(stat.crc, other.crc);
        zip_file_t *file = zip_fopen_index(zip, i, 0);
        assert_non_null(file);
        assert_int_equal(zip_fread(file, found, sizeof found), wanted.length);
        assert_memory_equal(found, wanted.data, wanted.length);
        assert_int_equal(zip_fclose(file), 0);
        sizes[0] += stat.comp_size;
        sizes[1] += other.comp_size;
    }
    zip_discard(zip);
    zip_discard(plain);
    /* Tables learned from rows and not from heads: it pays in size too. */
    assert_true(sizes[0] < sizes[1]);
    vb_buffer_done(&with);
    vb_buffer_done(&without);
}

static void assert_same(const struct vb_buffer *found, const struct vb_buffer *expected)
{
    assert_int_equal(found->length, expected->length);
    assert_memory_equal(found->data, expected->data, found->length);
}

static void slices_and_addresses_do_not_matter(void **state)
{
    (void)state;
    enum { ROUNDS = 60 };
    static void *reserved[ROUNDS];
    struct vb_buffer expected, found;
    write_archive(&expected, FRONT, 0);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        reserved[i] =
            mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert_ptr_not_equal(reserved[i], MAP_FAILED);
        write_archive(&found, FRONT, i);
        assert_same(&found, &expected);
        vb_buffer_done(&found);
    }
    for (int i = 0; i < ROUNDS; i++)
        munmap(reserved[i], 65536);
    vb_buffer_done(&expected);
}

/* Another segment of the archive is given the same front and the tables of the first one. */
static void other_segments_write_the_same(void **state)
{
    (void)state;
    enum { CUT = 70 };
    struct collector whole, rest;
    struct vb_buffer joined, expected;
    uint64_t slices = 0;
    struct vb_archive *archive = collector_with_tables(&whole, PART, false, first);
    set_front(archive, FRONT);
    for (unsigned i = 0; i < CUT; i++)
        add_entry(archive, i, &slices);
    assert_non_null(vb_archive_tables(archive));
    struct vb_noted_tables noted = {.is_noted = true, .text = vb_archive_tables(archive)};
    struct vb_archive *second = collector_with_tables(&rest, PART, false, noted);
    set_front(second, FRONT);
    uint64_t before = vb_archive_totals(archive).size;
    for (unsigned i = CUT; i < ENTRIES; i++) {
        add_entry(archive, i, &slices);
        add_entry(second, i, &slices);
    }
    assert_int_equal(vb_archive_end_segment(archive, NULL), VB_OK);
    assert_int_equal(vb_archive_end_segment(second, NULL), VB_OK);
    vb_buffer_init(&expected, BIG);
    vb_buffer_init(&joined, BIG);
    collector_join(&whole, &expected);
    collector_join(&rest, &joined);
    assert_int_equal(before + joined.length, expected.length);
    assert_memory_equal(joined.data, expected.data + before, joined.length);
    vb_archive_free(archive);
    vb_archive_free(second);
    vb_buffer_done(&expected);
    vb_buffer_done(&joined);
    collector_done(&whole);
    collector_done(&rest);
}

static void a_front_that_is_too_long_is_none(void **state)
{
    (void)state;
    struct vb_buffer long_one, none;
    write_archive(&none, 0, 0);
    write_archive(&long_one, 65537, 0);
    assert_same(&long_one, &none);
    vb_buffer_done(&long_one);
    vb_buffer_done(&none);
}

static void it_is_given_before_the_first_entry(void **state)
{
    (void)state;
    struct collector c;
    uint64_t slices = 0;
    const struct vb_view front = {page, FRONT};
    struct vb_archive *archive = collector_with_tables(&c, PART, false, first);
    add_entry(archive, 0, &slices);
    assert_int_equal(vb_archive_set_front(archive, front, NULL), VB_INVALID);
    add_entry(archive, 1, &slices); /* nothing is broken by it */
    vb_archive_free(archive);
    collector_done(&c);

    struct vb_archive *plain = collector_plain(&c, PART, false);
    assert_int_equal(vb_archive_set_front(plain, front, NULL), VB_INVALID);
    vb_archive_free(plain);
    collector_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back_as_they_were),
        cmocka_unit_test(slices_and_addresses_do_not_matter),
        cmocka_unit_test(other_segments_write_the_same),
        cmocka_unit_test(a_front_that_is_too_long_is_none),
        cmocka_unit_test(it_is_given_before_the_first_entry),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
