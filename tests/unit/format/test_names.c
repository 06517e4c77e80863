/* Names of entries and archives: safe, cut, numbered, and the same from any segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verbatim/names.h"
#include "verbatim/text.h"

#define AT (INT64_C(1775618683) * VB_SECOND) /* 2026-04-08 03:24:43 UTC */

static struct vb_zone *zone;
static const struct vb_channel sms = {.name = {"SMS Support", 11},
                                      .phone_number = {"+12025550123", 12}};

static struct vb_namer *namer_of(struct vb_channel channel)
{
    struct vb_namer *namer = NULL;
    assert_int_equal(vb_namer_new(zone, channel, ".csv", &namer, NULL), VB_OK);
    return namer;
}

static void expect_among(struct vb_namer *namer, const char *contact, vb_instant at,
                         uint32_t ordinal, uint32_t count, const char *expected)
{
    char name[VB_NAME_BYTES + 1];
    struct vb_conversation c = {.id = VB_VIEW("1"),
                                .created_at = at,
                                .contact_name = vb_view_of(contact),
                                .ordinal_in_second = ordinal,
                                .count_in_second = count};
    assert_int_equal(vb_namer_entry(namer, &c, name, NULL), VB_OK);
    assert_string_equal(name, expected);
}

/* The name of a lone conversation, its fixed rest left out. */
static void expect_contact(const char *contact, const char *expected)
{
    char whole[VB_NAME_BYTES + 1];
    struct vb_namer *namer = namer_of(sms);
    snprintf(whole, sizeof whole, "%s--2026-04-08_032443--SMS Support (+12025550123).csv",
             expected);
    expect_among(namer, contact, AT, 1, 1, whole);
    vb_namer_free(namer);
}

static void names_are_those_of_the_contract(void **state)
{
    (void)state;
    expect_contact("Jane Doe", "Jane Doe");
    expect_contact("", "Unknown");
    expect_contact(NULL, "Unknown");
    expect_contact("a/b\\c:d*e?f\"g<h>i|j", "a_b_c_d_e_f_g_h_i_j");
    expect_contact("tab\there\nline\x7F\x1F", "tab_here_line__");
    expect_contact("a\xC2\x85next line", "a_next line");
    expect_contact("up ../../etc/passwd", "up .._.._etc_passwd");
    expect_contact("\xE4\xBD\xA0\xE5\xA5\xBD \xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7",
                   "\xE4\xBD\xA0\xE5\xA5\xBD \xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7");
    /* A family of emoji is joined by U+200D and stays whole; an override (U+202E) does not stay. */
    expect_contact("x \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",
                   "x \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7");
    expect_contact("x\xE2\x80\xAEvsc.exe", "x_vsc.exe");
    expect_contact("zero\xE2\x80\x8Bwidth\xEF\xBB\xBF", "zero_width_");
}

/* Nothing that a shell takes for an option, a tool for a hidden file, or a person for nothing. */
static void names_begin_with_a_letter_or_digit_of_any_script(void **state)
{
    (void)state;
    expect_contact("--help", "help");
    expect_contact("-", "Unknown");
    expect_contact("../../etc/passwd", "etc_passwd");
    expect_contact("_under", "under");
    expect_contact("/slash", "slash");
    expect_contact(" \t(Bob)", "Bob)");
    expect_contact("\xC2\x85next line", "next line");
    expect_contact("\xE2\x80\xAEoverride", "override");
    expect_contact("@ \xD9\x85\xD8\xB1\xD8\xAD", "\xD9\x85\xD8\xB1\xD8\xAD");
    expect_contact("#\xD9\xA2\xD9\xA4", "\xD9\xA2\xD9\xA4"); /* digits of Arabic */
    expect_contact("\xCC\x88u", "u");                        /* a mark needs a letter before it */
    expect_contact("\xF0\x9F\x8E\x89", "Unknown");
    expect_contact("\xF0\x9F\x8E\x89 Anna", "Anna");
    expect_contact("..con.tact", "con_.tact");
    char dots[401];
    memset(dots, '.', 397);
    snprintf(dots + 397, sizeof dots - 397, "end");
    expect_contact(dots, "end");
}

static void a_name_without_letters_or_digits_counts_as_none(void **state)
{
    (void)state;
    char name[VB_NAME_BYTES + 1];
    struct vb_namer *namer = namer_of((struct vb_channel){.name = VB_VIEW("-c")});
    struct vb_conversation c = {.created_at = AT,
                                .contact_name = VB_VIEW("..."),
                                .contact_phone = VB_VIEW("+4930123"),
                                .count_in_second = 1};
    assert_int_equal(vb_namer_entry(namer, &c, name, NULL), VB_OK);
    assert_string_equal(name, "4930123--2026-04-08_032443---c.csv");
    c.contact_phone = VB_VIEW("+");
    assert_int_equal(vb_namer_entry(namer, &c, name, NULL), VB_OK);
    assert_string_equal(name, "Unknown--2026-04-08_032443---c.csv");
    vb_namer_free(namer);
}

static void no_name_is_a_device(void **state)
{
    (void)state;
    expect_contact("CON", "CON"); /* the base goes on with the time */
    expect_contact("con.tact", "con_.tact");
    expect_contact("Aux .x", "Aux _.x");
    expect_contact("lpt9.", "lpt9_.");
    expect_contact("COM\xC2\xB2.a", "COM\xC2\xB2_.a");
    expect_contact("nul.", "nul_.");
    expect_contact("conan.b", "conan.b");
    expect_contact("com10.b", "com10.b");
    expect_contact("x.con", "x.con");
}

static void phone_and_mail_stand_in_for_a_name(void **state)
{
    (void)state;
    char name[VB_NAME_BYTES + 1];
    struct vb_namer *namer = namer_of((struct vb_channel){.name = VB_VIEW("Web: chat")});
    struct vb_conversation c = {.created_at = AT,
                                .contact_name = VB_VIEW(""),
                                .contact_email = VB_VIEW("a@b.c"),
                                .count_in_second = 1};
    assert_int_equal(vb_namer_entry(namer, &c, name, NULL), VB_OK);
    assert_string_equal(name, "a@b.c--2026-04-08_032443--Web_ chat.csv");
    c.contact_phone = VB_VIEW("+4930123");
    assert_int_equal(vb_namer_entry(namer, &c, name, NULL), VB_OK);
    assert_string_equal(name, "4930123--2026-04-08_032443--Web_ chat.csv");
    vb_namer_free(namer);
    vb_namer_free(NULL);
}

static void a_local_time_that_occurs_twice_carries_its_offset(void **state)
{
    (void)state;
    struct vb_zone *utc = zone;
    assert_int_equal(vb_zone_new("America/New_York", &zone, NULL), VB_OK);
    struct vb_namer *namer = namer_of((struct vb_channel){.name = VB_VIEW("c")});
    vb_instant first = INT64_C(1793511000) * VB_SECOND; /* 2026-11-01 05:30 UTC */
    expect_among(namer, "a", first, 1, 1, "a--2026-11-01_013000-0400--c.csv");
    expect_among(namer, "a", first + 3600 * VB_SECOND, 1, 1, "a--2026-11-01_013000-0500--c.csv");
    expect_among(namer, "a", first + 7200 * VB_SECOND, 1, 1, "a--2026-11-01_023000--c.csv");
    vb_namer_free(namer);
    vb_zone_free(zone);
    zone = utc;
}

static void equal_names_are_numbered_without_regard_to_case(void **state)
{
    (void)state;
    struct vb_namer *namer = namer_of((struct vb_channel){.name = VB_VIEW("c")});
    expect_among(namer, "J\xC3\xBCrgen", AT, 1, 5, "J\xC3\xBCrgen--2026-04-08_032443--c.csv");
    expect_among(namer, "J\xC3\x9CRGEN", AT + 1, 2, 5,
                 "J\xC3\x9CRGEN--2026-04-08_032443--c (2).csv");
    expect_among(namer, "other", AT + 2, 3, 5, "other--2026-04-08_032443--c.csv");
    expect_among(namer, "ju\xCC\x88rgen", AT + 3, 4, 5,
                 "ju\xCC\x88rgen--2026-04-08_032443--c (3).csv");
    expect_among(namer, "a*", AT + 4, 4, 5, "a_--2026-04-08_032443--c.csv");
    expect_among(namer, "A?", AT + 5, 5, 5, "A_--2026-04-08_032443--c (2).csv");
    expect_among(namer, "other", AT + VB_SECOND, 1, 2, "other--2026-04-08_032444--c.csv");
    vb_namer_free(namer);
}

static void a_crowd_carries_its_ordinals(void **state)
{
    (void)state;
    struct vb_namer *namer = namer_of((struct vb_channel){.name = VB_VIEW("c")});
    expect_among(namer, "a", AT, 1, VB_CROWD + 1, "a--2026-04-08_032443--c (1).csv");
    expect_among(namer, "b", AT, 70001, VB_CROWD + 1, "b--2026-04-08_032443--c (70001).csv");
    vb_namer_free(namer);
}

/* As file systems and the archive's readers on Windows count. */
static size_t units_of(const char *name)
{
    size_t count = 0;
    struct vb_view rest = vb_view_of(name);
    while (rest.length > 0)
        count += vb_utf8_next(&rest) > 0xFFFF ? 2 : 1;
    return count;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Long names of every kind of character, many equal: all within the limit, whole, and different. */
static void long_names_are_cut_at_a_character_and_stay_unique(void **state)
{
    (void)state;
    static char names[4096][VB_NAME_BYTES + 1], contact[1200];
    static const char *const letters[] = {"x", "\xC3\xA9", "\xE4\xBD\xA0", "\xF0\xA0\x80\x80"};
    char channel[401];
    for (size_t long_channel = 0; long_channel < 2; long_channel++) {
        memset(channel, 'c', sizeof channel - 1);
        channel[long_channel ? 400 : 5] = '\0';
        struct vb_namer *namer = namer_of((struct vb_channel){.name = vb_view_of(channel)});
        for (size_t i = 0; i < 4096; i++) {
            size_t width = strlen(letters[i % 4]), count = 200 + i % 3 * 20;
            for (size_t k = 0; k < count; k++)
                memcpy(contact + k * width, letters[i % 4], width);
            struct vb_conversation c = {.created_at = AT,
                                        .contact_name = {contact, count * width},
                                        .ordinal_in_second = (uint32_t)i + 1,
                                        .count_in_second = 4096};
            assert_int_equal(vb_namer_entry(namer, &c, names[i], NULL), VB_OK);
            assert_in_range(units_of(names[i]), i % 4 == 2 ? 80 : 110, VB_NAME_CHARACTERS);
            assert_true(strlen(names[i]) <= VB_NAME_BYTES);
            assert_true(vb_utf8_valid(vb_view_of(names[i])));
            assert_non_null(strstr(names[i], "--2026-04-08_032443--cccc"));
            assert_string_equal(names[i] + strlen(names[i]) - 4, ".csv");
        }
        qsort(names, 4096, sizeof *names, compare_text);
        for (size_t i = 1; i < 4096; i++)
            assert_string_not_equal(names[i - 1], names[i]);
        vb_namer_free(namer);
    }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    char name[VB_NAME_BYTES + 1];
    struct vb_error err = {0};
    struct vb_namer *namer = namer_of(sms);
    struct vb_conversation c = {
        .id = VB_VIEW("77"), .contact_name = VB_VIEW("a\xFFz"), .count_in_second = 1};
    assert_int_equal(vb_namer_entry(namer, &c, name, &err), VB_SOURCE);
    assert_non_null(strstr(err.text, "conversation 77"));
    vb_namer_free(namer);
}

static void expect_archive(const char *channel, const char *phone, const char *expected)
{
    char name[VB_NAME_BYTES + 1];
    struct vb_channel c = {.name = vb_view_of(channel), .phone_number = vb_view_of(phone)};
    assert_int_equal(vb_archive_name(vb_channel_title(c), (struct vb_date){2026, 6, 30},
                                     "1c4639da-f7dc-4744-8ad9-a16b4913e52c", ".zip", name, NULL),
                     VB_OK);
    assert_string_equal(name, expected);
}

static void archives_are_named_by_channel_month_and_job(void **state)
{
    (void)state;
    char name[VB_NAME_BYTES + 1], longest[600];
    expect_archive("SMS Support", "+1", "SMS_Support_2026-06_1c4639da.zip");
    expect_archive("", "+12025550123", "12025550123_2026-06_1c4639da.zip");
    expect_archive("--help", NULL, "help_2026-06_1c4639da.zip");
    expect_archive("._-", "+1", "Unknown_2026-06_1c4639da.zip");
    expect_archive("a  /__b", NULL, "a_b_2026-06_1c4639da.zip");
    expect_archive("\xE5\xAE\xA2\xE6\x9C\x8D 1.2-x", NULL,
                   "\xE5\xAE\xA2\xE6\x9C\x8D_1.2-x_2026-06_1c4639da.zip");
    expect_archive("\xE0\xA4\xB9\xE0\xA4\xBF", NULL,
                   "\xE0\xA4\xB9\xE0\xA4\xBF_2026-06_1c4639da.zip");
    expect_archive("../..", NULL, "Unknown_2026-06_1c4639da.zip");
    expect_archive("nul.x", NULL, "nul_.x_2026-06_1c4639da.zip");
    expect_archive(NULL, NULL, "Unknown_2026-06_1c4639da.zip");
    memset(longest, 'q', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct vb_view c = vb_view_of(longest);
    struct vb_date day = {2026, 6, 30};
    assert_int_equal(vb_archive_name(c, day, "1c4639da-x", ".zip", name, NULL), VB_OK);
    assert_int_equal(strlen(name), VB_NAME_CHARACTERS);
    for (size_t i = 0; i + 1 < sizeof longest; i += 2)
        memcpy(longest + i, "\xD8\xAF", 2); /* two bytes a letter */
    c.length = 598;
    assert_int_equal(vb_archive_name(c, day, "1c4639da-x", ".zip", name, NULL), VB_OK);
    assert_in_range(strlen(name), VB_ARCHIVE_NAME_BYTES - 1, VB_ARCHIVE_NAME_BYTES);
    assert_true(vb_utf8_valid(vb_view_of(name)));
    assert_string_equal(name + strlen(name) - 21, "_2026-06_1c4639da.zip");
    assert_int_equal(vb_dated_name(c, AT, ".html", name, NULL), VB_OK);
    assert_in_range(strlen(name), VB_ARCHIVE_NAME_BYTES - 1, VB_ARCHIVE_NAME_BYTES);
    assert_int_equal(vb_archive_name(c, day, "not-a-job", ".zip", name, NULL), VB_INVALID);
    assert_int_equal(vb_archive_name(VB_VIEW("all"), day, "1c4639da-x", ".ndjson", name, NULL),
                     VB_OK);
    assert_string_equal(name, "all_2026-06_1c4639da.ndjson");
}

static void expect_of_channel(struct vb_namer *namer, struct vb_channel channel,
                              const char *expected)
{
    char name[VB_NAME_BYTES + 1];
    struct vb_conversation c = {.id = VB_VIEW("1"),
                                .created_at = AT,
                                .contact_name = VB_VIEW("Jane"),
                                .channel = channel,
                                .ordinal_in_second = 1,
                                .count_in_second = 1};
    assert_int_equal(vb_namer_entry(namer, &c, name, NULL), VB_OK);
    assert_string_equal(name, expected);
}

static void entries_are_named_by_their_own_channel(void **state)
{
    (void)state;
    char moving[] = "Chat";
    struct vb_namer *namer = namer_of((struct vb_channel){.id = {NULL, 0}});
    struct vb_channel web = {.id = VB_VIEW("9"), .name = vb_view_of(moving)};
    struct vb_channel line = sms, bare = {.id = VB_VIEW("8"), .phone_number = VB_VIEW("Chat")};
    line.id = VB_VIEW("1");
    expect_of_channel(namer, web, "Jane--2026-04-08_032443--Chat.csv");
    expect_of_channel(namer, web, "Jane--2026-04-08_032443--Chat.csv");
    moving[3] = 'p'; /* another row of the reader in the same place */
    expect_of_channel(namer, web, "Jane--2026-04-08_032443--Chap.csv");
    expect_of_channel(namer, line, "Jane--2026-04-08_032443--SMS Support (+12025550123).csv");
    expect_of_channel(namer, bare, "Jane--2026-04-08_032443--Chat.csv");
    expect_of_channel(namer, (struct vb_channel){.id = VB_VIEW("7")},
                      "Jane--2026-04-08_032443--Unknown.csv");
    expect_of_channel(namer, line, "Jane--2026-04-08_032443--SMS Support (+12025550123).csv");
    vb_namer_free(namer);
}

static void chunks_are_numbered(void **state)
{
    (void)state;
    char name[VB_NAME_BYTES + 1];
    vb_chunk_name(1, ".csv", name);
    assert_string_equal(name, "conversations-00001.csv");
    vb_chunk_name(123456, ".ndjson", name);
    assert_string_equal(name, "conversations-123456.ndjson");
}

static int open_zone(void **state)
{
    (void)state;
    return vb_zone_new("UTC", &zone, NULL) == VB_OK ? 0 : -1;
}

static int close_zone(void **state)
{
    (void)state;
    vb_zone_free(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_contract),
        cmocka_unit_test(names_begin_with_a_letter_or_digit_of_any_script),
        cmocka_unit_test(a_name_without_letters_or_digits_counts_as_none),
        cmocka_unit_test(no_name_is_a_device),
        cmocka_unit_test(phone_and_mail_stand_in_for_a_name),
        cmocka_unit_test(a_local_time_that_occurs_twice_carries_its_offset),
        cmocka_unit_test(equal_names_are_numbered_without_regard_to_case),
        cmocka_unit_test(a_crowd_carries_its_ordinals),
        cmocka_unit_test(long_names_are_cut_at_a_character_and_stay_unique),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(archives_are_named_by_channel_month_and_job),
        cmocka_unit_test(entries_are_named_by_their_own_channel),
        cmocka_unit_test(chunks_are_numbered),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
