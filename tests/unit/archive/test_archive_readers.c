/* Archives read back by programs that are not ours: libzip with consistency checks, Python's
 * zipfile, unzip, and bsdtar from a pipe, which sees local headers only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include "../collector.h"
#include "verbatim/hash.h"

#define PART VB_PART_MINIMUM
#define GIB (UINT64_C(1024) * 1024 * 1024)

static char folder[] = "/tmp/verbatim-archive-XXXXXX";
static char path[sizeof folder + 16];

static void write_file(const struct collector *c, off_t base)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_true(c->ended);
    for (uint32_t i = 0; i <= c->highest; i++) {
        ssize_t size = (ssize_t)c->parts[i].size;
        assert_int_equal(pwrite(file, c->parts[i].data, c->parts[i].size, base), size);
        base += size;
    }
    assert_int_equal(close(file), 0);
}

/* Runs a shell command in which $Z is the archive; fails the test if the command does. */
static void run(const char *command)
{
    assert_int_equal(setenv("Z", path, 1), 0);
    int result = system(command);
    if (result != 0)
        fail_msg("exit %d: %s", WEXITSTATUS(result), command);
}

static const char python_check[] =
    "python3 -c 'import os, sys, zipfile; z = zipfile.ZipFile(os.environ[\"Z\"]); "
    "assert z.testzip() is None; assert len(z.namelist()) == int(sys.argv[1]), len(z.namelist()); "
    "assert all(i.flag_bits == 0x800 and i.create_system == 3 and i.external_attr >> 16 == "
    "0o100644 "
    "for i in z.infolist())' ";

static void check_with_everyone(unsigned entries)
{
    char command[sizeof python_check + 16];
    snprintf(command, sizeof command, "%s%u", python_check, entries);
    run(command);
    run("unzip -tqq \"$Z\"");
    run("cat \"$Z\" | bsdtar -xOf - > /dev/null");
    snprintf(command, sizeof command, "test $(cat \"$Z\" | bsdtar -tf - | wc -l) = %u", entries);
    run(command);
}

static zip_t *open_strictly(void)
{
    int code = 0;
    zip_t *zip = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code);
    if (!zip)
        fail_msg("libzip refuses the archive: error %d", code);
    return zip;
}

static void add_entry(struct vb_archive *archive, const char *name, vb_instant at, const void *data,
                      size_t length)
{
    const struct vb_entry_time time = {at, 0};
    assert_int_equal(vb_archive_begin_entry(archive, vb_view_of(name), time, NULL), VB_OK);
    assert_int_equal(vb_archive_write(archive, data, length, NULL), VB_OK);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
}

static void close_alone(struct vb_archive *archive)
{
    assert_int_equal(vb_archive_add_own_directory(archive, 0, NULL), VB_OK);
    assert_int_equal(vb_archive_close(archive, 0, NULL), VB_OK);
}

/* Small entries by tables that they have in common, among those that are too large or too small for
 * them; every byte is compared. */
static void everyone_reads_entries_with_common_tables(void **state)
{
    (void)state;
    enum { ENTRIES = 60 };
    static char rows[60000];
    struct collector c;
    char name[16], kept[sizeof rows];
    const struct vb_noted_tables first = {.begins = true};
    struct vb_archive *archive = collector_with_tables(&c, PART, false, first);
    for (size_t at = 0, i = 0; at + 80 < sizeof rows; i++)
        at += (size_t)snprintf(rows + at, 80, "%08zx,%zu,Jane \xE4\xBD\xA0,inbound,%zu words\r\n",
                               i * 2654435761u & 0xFFFFFFFF, i, i * i);
    for (size_t i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "%zu.csv", i);
        add_entry(archive, name, 0, rows + i, i * i * 13);
    }
    assert_non_null(vb_archive_tables(archive));
    close_alone(archive);
    vb_archive_free(archive);
    write_file(&c, 0);
    check_with_everyone(ENTRIES);
    zip_t *zip = open_strictly();
    for (size_t i = 0; i < ENTRIES; i++) {
        zip_file_t *file = zip_fopen_index(zip, i, 0);
        assert_non_null(file);
        assert_int_equal(zip_fread(file, kept, sizeof kept), i * i * 13);
        assert_memory_equal(kept, rows + i, i * i * 13);
        zip_fclose(file);
    }
    zip_discard(zip);
    collector_done(&c);
}

static void everyone_reads_names_times_and_contents(void **state)
{
    (void)state;
    static const char name[] =
        "Jane \xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x91\x8B--2026-04-08_032443--c.csv";
    static char large[300000];
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i * i % 23);
    add_entry(archive, name, INT64_C(1775618683) * VB_SECOND, "hello\r\n", 7);
    add_entry(archive, "empty.csv", 0, NULL, 0);
    add_entry(archive, "large.csv", INT64_C(7258118400) * VB_SECOND, large, sizeof large);
    close_alone(archive);
    vb_archive_free(archive);
    write_file(&c, 0);
    collector_done(&c);
    check_with_everyone(3);

    struct zip_stat stat;
    char back[8] = "";
    zip_t *zip = open_strictly();
    assert_int_equal(zip_stat(zip, name, ZIP_FL_ENC_UTF_8, &stat), 0);
    assert_int_equal(stat.size, 7);
    assert_int_equal(stat.crc, vb_crc32(0, "hello\r\n", 7));
    zip_file_t *file = zip_fopen(zip, name, 0);
    assert_non_null(file);
    assert_int_equal(zip_fread(file, back, sizeof back), 7);
    assert_string_equal(back, "hello\r\n");
    zip_fclose(file);
    zip_discard(zip);
    run("python3 -c 'import os, zipfile; i = zipfile.ZipFile(os.environ[\"Z\"]).infolist(); "
        "assert [x.date_time for x in i] == [(2026, 4, 8, 3, 24, 42), (1980, 1, 1, 0, 0, 0), "
        "(2107, 12, 31, 23, 59, 58)], i'");
}

/* The old time is the zone's, as in the name; what is unpacked carries the instant, wherever. */
static void times_are_local_in_listings_and_instants_on_disk(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    const struct {
        const char *name;
        struct vb_entry_time time;
    } entries[] = {{"winter.csv", {INT64_C(1768464000) * VB_SECOND + 7, 3600}},
                   {"summer.csv", {INT64_C(1784102399) * VB_SECOND, 7200}},
                   {"west.csv", {INT64_C(1768464000) * VB_SECOND, -8 * 3600}},
                   {"before.csv", {-VB_SECOND, 0}},
                   {"last.csv", {INT64_C(2147483647) * VB_SECOND, 0}},
                   {"after.csv", {INT64_C(2147483648) * VB_SECOND, 0}}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        assert_int_equal(
            vb_archive_begin_entry(archive, vb_view_of(entries[i].name), entries[i].time, NULL),
            VB_OK);
        assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
    }
    assert_int_equal(
        vb_archive_begin_stored(archive, VB_VIEW("stored.png"), entries[0].time, 0, 0, NULL),
        VB_OK);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
    close_alone(archive);
    vb_archive_free(archive);
    write_file(&c, 0);
    collector_done(&c);
    check_with_everyone(7);
    zip_discard(open_strictly());
    run("python3 -c 'import os, zipfile; i = zipfile.ZipFile(os.environ[\"Z\"]).infolist(); "
        "assert [x.date_time[:5] for x in i] == [(2026, 1, 15, 9, 0), (2026, 7, 15, 9, 59), "
        "(2026, 1, 15, 0, 0), (1980, 1, 1, 0, 0), (2038, 1, 19, 3, 14), (2038, 1, 19, 3, 14), "
        "(2026, 1, 15, 9, 0)], i; "
        "assert [len(x.extra) for x in i] == [9, 9, 9, 0, 9, 0, 9], i'");
    run("cd \"$(dirname \"$Z\")\" && for zone in UTC Asia/Tokyo America/New_York; do "
        "for tool in 'unzip -qo' 'bsdtar -xf'; do mkdir out && cd out && "
        "TZ=$zone $tool \"$Z\" && "
        "test \"$(stat -c %Y winter.csv summer.csv west.csv last.csv stored.png | tr '\\n' ' ')\" "
        "= "
        "'1768464000 1784102399 1768464000 2147483647 1768464000 ' && cd .. && rm -r out || exit "
        "1; "
        "done; done");
    /* A reader of local headers alone. */
    run("cd \"$(dirname \"$Z\")\" && mkdir out && cd out && cat \"$Z\" | "
        "TZ=Asia/Tokyo bsdtar -xf - && test $(stat -c %Y summer.csv) = 1784102399 && "
        "cd .. && rm -r out");
}

/* Data in which every byte, repeated and run into the first bytes, occurs: no dictionary can be
 * hidden from it. */
static size_t fill_with_every_run(char *data)
{
    size_t length = 0;
    memcpy(data, "abc", sizeof "abc");
    length += 3;
    for (int byte = 0; byte < 256; byte++)
        for (size_t own = 0; own < 4; own++) {
            memset(data + length, byte, 4 - own);
            memcpy(data + length + 4 - own, "abc", own);
            length += 4;
        }
    return length;
}

/* Readers compare the CRC of what they inflate, so each of these must come back as it went in. */
static void bytes_of_any_kind_come_back(void **state)
{
    (void)state;
    static char data[70000];
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    memset(data, 0xFF, sizeof data);
    add_entry(archive, "ff.bin", 0, data, sizeof data);
    size_t length = fill_with_every_run(data);
    add_entry(archive, "runs.bin", 0, data, length);
    add_entry(archive, "text.csv", 0, "abcabcabc\r\n", 11);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i % 256 ^ i / 256);
    add_entry(archive, "all.bin", 0, data, sizeof data);
    for (size_t i = 1; i <= 8; i++)
        add_entry(archive, &"12345678"[8 - i], 0, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", i);
    close_alone(archive);
    vb_archive_free(archive);
    write_file(&c, 0);
    collector_done(&c);
    check_with_everyone(12);
}

static void add_stored(struct vb_archive *archive, const char *name, const char *data,
                       size_t length)
{
    assert_int_equal(vb_archive_begin_stored(archive, vb_view_of(name), NO_TIME, length,
                                             vb_crc32(0, data, length), NULL),
                     VB_OK);
    for (size_t done = 0; done < length; done += 100000)
        assert_int_equal(vb_archive_write(archive, data + done,
                                          length - done < 100000 ? length - done : 100000, NULL),
                         VB_OK);
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
}

/* Between deflated ones, over the borders of parts, through our own directory records. */
static void stored_entries_stand_as_they_are(void **state)
{
    (void)state;
    static char noise_data[7u << 20];
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof noise_data; i++)
        noise_data[i] = (char)noise(&seed);
    add_entry(archive, "before.csv", 0, "a,b\r\n", 5);
    add_stored(archive, "media/1/large.wav", noise_data, sizeof noise_data);
    add_entry(archive, "between.csv", 0, "c,d\r\n", 5);
    add_stored(archive, "media/1/empty.mp3", NULL, 0);
    add_stored(archive, "media/1/small.png", "picture", 7);
    assert_int_equal(c.late, 0); /* no header waited for its sizes */
    close_alone(archive);
    vb_archive_free(archive);
    write_file(&c, 0);
    collector_done(&c);
    check_with_everyone(5);
    run("python3 -c 'import os, zipfile; z = zipfile.ZipFile(os.environ[\"Z\"]); "
        "assert [i.compress_type for i in z.infolist()] == [8, 0, 8, 0, 0]; "
        "assert [i.file_size for i in z.infolist()] == [5, 7 << 20, 5, 0, 7]; "
        "assert all(i.extract_version == (20 if i.compress_type else 10) for i in z.infolist()); "
        "assert z.read(\"media/1/small.png\") == b\"picture\"'");
    zip_discard(open_strictly());
}

static void an_empty_archive_is_valid(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    close_alone(archive);
    vb_archive_free(archive);
    write_file(&c, 0);
    collector_done(&c);
    zip_discard(open_strictly());
    run("python3 -c 'import os, zipfile; assert not "
        "zipfile.ZipFile(os.environ[\"Z\"]).namelist()'");
}

/* The directory is as long as ever, yet memory holds one piece of it. Both sides of the limit of 16
 * bits. */
static void more_entries_than_16_bits_can_count(void **state)
{
    (void)state;
    static const unsigned counts[] = {65534, 65535, 70000};
    for (size_t k = 0; k < 3; k++) {
        struct collector c;
        struct vb_archive *archive = collector_archive(&c, PART, false);
        char name[32];
        for (unsigned i = 0; i < counts[k]; i++) {
            snprintf(name, sizeof name, "%u.csv", i);
            add_entry(archive, name, 0, name, i % 7);
        }
        assert_true(c.record_calls > 10);
        assert_in_range(c.largest_piece, VB_DIRECTORY_PIECE, VB_DIRECTORY_PIECE + 100);
        assert_int_equal(vb_archive_flush_directory(archive, NULL), VB_OK);
        assert_int_equal(
            vb_archive_add_directory(archive, 0, c.records.data, c.records.length, NULL), VB_OK);
        close_alone(archive);
        vb_archive_free(archive);
        write_file(&c, 0);
        collector_done(&c);
        zip_t *zip = open_strictly();
        assert_int_equal(zip_get_num_entries(zip, 0), counts[k]);
        zip_discard(zip);
        check_with_everyone(counts[k]);
        assert_int_equal(unlink(path), 0);
    }
}

/* A segment that begins past 4 GiB: its offsets need ZIP64, its sizes do not. What lies before it
 * is a hole in the file. */
static void offsets_past_4_gib(void **state)
{
    (void)state;
    struct collector c;
    struct vb_archive *archive = collector_archive(&c, PART, false);
    add_entry(archive, "one", 0, "1", 1);
    add_entry(archive, "two", 0, "22", 2);
    assert_int_equal(vb_archive_add_own_directory(archive, 5 * GIB, NULL), VB_OK);
    assert_int_equal(vb_archive_close(archive, 5 * GIB, NULL), VB_OK);
    vb_archive_free(archive);
    write_file(&c, (off_t)(5 * GIB));
    collector_done(&c);
    zip_t *zip = open_strictly();
    assert_int_equal(zip_get_num_entries(zip, 0), 2);
    zip_discard(zip);
    run("unzip -tqq \"$Z\"");
    run("python3 -c 'import os, zipfile; z = zipfile.ZipFile(os.environ[\"Z\"]); "
        "assert z.read(\"two\") == b\"22\"'");
    assert_int_equal(unlink(path), 0);
}

/* An entry of `size` bytes, nearly all of them zeros, then a small one. */
static void write_zeros(struct collector *c, uint64_t size)
{
    static char zeros[1u << 20];
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof zeros; i += 700)
        zeros[i] = (char)noise(&seed);
    struct vb_archive *archive = collector_archive(c, PART, false);
    assert_int_equal(vb_archive_begin_entry(archive, VB_VIEW("zeros"), NO_TIME, NULL), VB_OK);
    for (uint64_t left = size; left > 0;) {
        size_t slice = left < sizeof zeros ? (size_t)left : sizeof zeros;
        assert_int_equal(vb_archive_write(archive, zeros, slice, NULL), VB_OK);
        left -= slice;
    }
    assert_int_equal(vb_archive_end_entry(archive, NULL), VB_OK);
    add_entry(archive, "after", 0, "after", 5);
    close_alone(archive);
    vb_archive_free(archive);
}

/* One byte on each side of where the local header must grow by its ZIP64 field. */
static void an_entry_past_4_gib(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {UINT32_MAX - UINT64_C(1), UINT32_MAX};
    for (size_t k = 0; k < 2; k++) {
        struct collector c;
        struct zip_stat stat;
        write_zeros(&c, sizes[k]);
        assert_true(c.late > 0); /* the header's part waited */
        assert_true(memcmp(c.parts[0].data + 18, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8) != 0 ||
                    k == 1);
        assert_int_equal(c.parts[0].data[28], TIME_FIELD + (k == 1 ? 20 : 0));
        assert_int_equal(c.parts[0].size, PART + (k == 1 ? 20 : 0));
        write_file(&c, 0);
        collector_done(&c);
        zip_t *zip = open_strictly();
        assert_int_equal(zip_stat(zip, "zeros", 0, &stat), 0);
        assert_true(stat.size == sizes[k]);
        zip_discard(zip);
        run("test $(unzip -p \"$Z\" after) = after");
        /* The end record tells readers that look no further that there is such a field. */
        run(k == 1 ? "tail -c 98 \"$Z\" | head -c 4 | grep -qaP '^PK\\x06\\x06'"
                   : "! tail -c 98 \"$Z\" | head -c 4 | grep -qaP '^PK\\x06\\x06'");
        if (k == 1)
            run("test $(cat \"$Z\" | bsdtar -xOf - | tail -c 5) = after");
        assert_int_equal(unlink(path), 0);
    }
}

static void equal_parts_refuse_an_entry_past_4_gib(void **state)
{
    (void)state;
    static char zeros[1u << 20];
    struct collector c;
    struct vb_error err = {0};
    struct vb_archive *archive = collector_archive(&c, PART, true);
    enum vb_status status = vb_archive_begin_entry(archive, VB_VIEW("zeros"), NO_TIME, &err);
    for (int i = 0; i < 4097 && status == VB_OK; i++)
        status = vb_archive_write(archive, zeros, sizeof zeros, &err);
    assert_int_equal(status, VB_LIMIT);
    assert_non_null(strstr(err.text, "s3_equal_parts"));
    vb_archive_free(archive);
    collector_done(&c);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/archive.zip", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_reads_names_times_and_contents),
        cmocka_unit_test(everyone_reads_entries_with_common_tables),
        cmocka_unit_test(times_are_local_in_listings_and_instants_on_disk),
        cmocka_unit_test(bytes_of_any_kind_come_back),
        cmocka_unit_test(stored_entries_stand_as_they_are),
        cmocka_unit_test(an_empty_archive_is_valid),
        cmocka_unit_test(more_entries_than_16_bits_can_count),
        cmocka_unit_test(offsets_past_4_gib),
        cmocka_unit_test(an_entry_past_4_gib),
        cmocka_unit_test(equal_parts_refuse_an_entry_past_4_gib),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
