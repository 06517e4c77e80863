/* Names of media in the archive: safe on every file system, cut, and different for different
 * ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verbatim/hash.h"
#include "verbatim/names.h"
#include "verbatim/text.h"

static const char *name_of(const char *conversation, const char *id, const char *file,
                           const char *type)
{
    static char name[VB_MEDIA_NAME_BYTES + 1];
    assert_int_equal(vb_media_entry_name(vb_view_of(conversation), vb_view_of(id), vb_view_of(file),
                                         vb_view_of(type), name),
                     VB_OK);
    return name;
}

static void plain_ids_and_names_stand_as_they_are(void **unused)
{
    (void)unused;
    assert_string_equal(name_of("7", "12", "call.wav", "audio/wav"), "media/7/12-call.wav");
    assert_string_equal(name_of("7", "12", "R\xC3\xA9sum\xC3\xA9 (2).PDF", NULL),
                        "media/7/12-R\xC3\xA9sum\xC3\xA9 (2).PDF");
    assert_string_equal(name_of("3fa85f64-5717-4562-b3fc-2c963f66afa6",
                                "a1b2c3d4-0000-4000-8000-000000000001", "x.png", ""),
                        "media/3fa85f64-5717-4562-b3fc-2c963f66afa6/"
                        "a1b2c3d4-0000-4000-8000-000000000001-x.png");
}

static void the_type_gives_an_extension_where_the_name_has_none(void **unused)
{
    (void)unused;
    static const struct {
        const char *file, *type, *end;
    } cases[] = {{NULL, "audio/mpeg", "1.mp3"},
                 {"", "AUDIO/X-WAV", "1.wav"},
                 {"voice", "audio/ogg; codecs=opus", "1-voice.ogg"},
                 {"voice", "image/jpeg", "1-voice.jpg"},
                 {"voice", "image/jpegx", "1-voice"},
                 {"voice", NULL, "1-voice"},
                 {NULL, NULL, "1"},
                 {NULL, "application/octet-stream", "1"},
                 {"a.mp3", "audio/wav", "1-a.mp3"},
                 {"v1.2 final", "image/png", "1-v1.2 final.png"},
                 {"a.muchtoolong1", "image/png", "1-a.muchtoolong1.png"},
                 {".png", "image/gif", "1-.png.gif"},
                 {"a.", "image/gif", "1-a_.gif"},
                 {"a.", NULL, "1-a_"},
                 {"a. . ", NULL, "1-a____"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(name_of("c", "1", cases[i].file, cases[i].type) + strlen("media/c/"),
                            cases[i].end);
}

static void what_a_file_system_refuses_is_replaced(void **unused)
{
    (void)unused;
    assert_string_equal(name_of("c", "1", "..\\..\\evil/../x,y.exe", NULL),
                        "media/c/1-.._.._evil_.._x_y.exe");
    assert_string_equal(name_of("c", "1", "a\x01:b\xE2\x80\xAE.txt", NULL), "media/c/1-a__b_.txt");
}

/* Every id that is not plain shows a piece of its digest. */
static void expect_hashed(const char *id, const char *shown)
{
    char hex[VB_SHA256_HEX], expected[200];
    vb_sha256_hex(id, strlen(id), hex);
    snprintf(expected, sizeof expected, "media/%s~%.16s/1", shown, hex);
    assert_string_equal(name_of(id, "1", NULL, NULL), expected);
    snprintf(expected, sizeof expected, "media/1/%s~%.16s-f.gif", shown, hex);
    assert_string_equal(name_of("1", id, "f.gif", NULL), expected);
}

static void other_ids_are_made_safe_and_told_apart(void **unused)
{
    (void)unused;
    expect_hashed("..", "Unknown");
    expect_hashed("_1", "1");
    expect_hashed("-x", "x");
    expect_hashed("com4.x", "com4_x");
    expect_hashed("", "Unknown");
    expect_hashed("con", "con");
    expect_hashed("ABC", "ABC");
    expect_hashed("abC", "abC");
    expect_hashed("a/b", "a_b");
    expect_hashed("a:b", "a_b");
    expect_hashed("1-2", "1-2");
    expect_hashed("\xC3\xA9", "\xC3\xA9");
    expect_hashed("0123456789012345678901234567890123456789012345678901234567890123456789",
                  "01234567890123456789012");
}

static size_t units_of(const char *name)
{
    size_t count = 0;
    struct vb_view rest = vb_view_of(name);
    while (rest.length > 0)
        count += vb_utf8_next(&rest) > 0xFFFF ? 2 : 1;
    return count;
}

/* The whole path within the limit, also behind the longest ids. */
static void long_names_are_cut_and_keep_their_extension(void **unused)
{
    (void)unused;
    static const char uuid[] = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    static const char *const ids[] = {"c", uuid, "0123456789012345678901234567890123456789",
                                      "\xE8\xAB\x8B\xE8\xAB\x8B\xE8\xAB\x8B\xE8\xAB\x8B"
                                      "\xE8\xAB\x8B\xE8\xAB\x8B\xE8\xAB\x8B\xE8\xAB\x8B"};
    static const char *const letters[] = {"a", "\xE8\xAB\x8B", "\xF0\x9F\x91\xA9"};
    for (size_t i = 0; i < 4 * 3; i++) {
        char file[2000] = "";
        const char *letter = letters[i / 4];
        for (size_t k = 0; k + strlen(letter) < sizeof file - 8; k += strlen(letter))
            memcpy(file + k, letter, strlen(letter) + 1);
        memcpy(file + strlen(file), ".jpeg", 6);
        const char *name = name_of(ids[i % 4], ids[i % 4], file, "image/png");
        assert_in_range(units_of(strrchr(name, '/') + 1), VB_MEDIA_CHARACTERS - 1,
                        VB_MEDIA_CHARACTERS);
        assert_true(units_of(name) <= VB_NAME_CHARACTERS);
        assert_true(vb_utf8_valid(vb_view_of(name)));
        assert_string_equal(name + strlen(name) - 5, ".jpeg");
        file[strlen(file) - 5] = '\0';
        name = name_of(ids[i % 4], ids[i % 4], file, "image/png");
        assert_true(units_of(strrchr(name, '/') + 1) <= VB_MEDIA_CHARACTERS);
        assert_string_equal(name + strlen(name) - 4, ".png");
    }
    char dots[401];
    memset(dots, '.', 400);
    dots[400] = '\0';
    const char *name = name_of("c", "12", dots, NULL);
    assert_int_equal(strlen(strrchr(name, '/') + 1), VB_MEDIA_CHARACTERS);
    assert_int_equal(name[strlen(name) - 1], '_');
}

static void text_that_is_no_utf8_is_refused(void **unused)
{
    (void)unused;
    char name[VB_MEDIA_NAME_BYTES + 1] = "untouched";
    const struct vb_view bad = VB_VIEW("\xFF"), good = VB_VIEW("1"), none = {NULL, 0};
    assert_int_equal(vb_media_entry_name(bad, good, none, none, name), VB_INVALID);
    assert_int_equal(vb_media_entry_name(good, bad, none, none, name), VB_INVALID);
    assert_int_equal(vb_media_entry_name(good, good, bad, none, name), VB_INVALID);
    char behind_the_cut[400];
    memset(behind_the_cut, 'x', sizeof behind_the_cut);
    behind_the_cut[399] = '\xFF';
    const struct vb_view late = {behind_the_cut, sizeof behind_the_cut};
    assert_int_equal(vb_media_entry_name(good, good, late, none, name), VB_INVALID);
    assert_string_equal(name, "untouched");
    assert_int_equal(vb_media_entry_name(good, good, none, bad, name), VB_OK);
    assert_string_equal(name, "media/1/1");
}

/* Of the letters below all that are not ASCII are letters. */
static bool begins_well(const char *component)
{
    return (*component & 0x80) || isalnum(*component);
}

/* Whatever comes: two components of legal length, nothing that leads elsewhere. */
static void any_name_is_safe(void **unused)
{
    (void)unused;
    static const char letters[] = "aB./\\ ~-,:\t0_\xC3\xA9";
    unsigned dice = 7;
    for (int round = 0; round < 20000; round++) {
        char texts[3][40];
        for (int k = 0; k < 3; k++) {
            size_t length = (size_t)rand_r(&dice) % 12;
            for (size_t i = 0; i < length; i++)
                texts[k][i] = letters[(size_t)rand_r(&dice) % (sizeof letters - 3)];
            texts[k][length] = '\0';
        }
        const char *name = name_of(texts[0], texts[1], texts[2], "image/png");
        assert_memory_equal(name, "media/", 6);
        const char *slash = strchr(name + 6, '/');
        assert_non_null(slash);
        assert_null(strpbrk(slash + 1, "/\\:,\t"));
        assert_false(slash == name + 6 || slash[1] == '\0');
        assert_null(strchr(". ", slash[-1]));
        assert_null(strchr(". ", slash[strlen(slash) - 1]));
        assert_true(begins_well(name + 6));
        assert_true(begins_well(slash + 1));
        assert_true(units_of(name) <= VB_NAME_CHARACTERS);
        assert_true(units_of(slash + 1) <= VB_MEDIA_CHARACTERS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ids_and_names_stand_as_they_are),
        cmocka_unit_test(the_type_gives_an_extension_where_the_name_has_none),
        cmocka_unit_test(what_a_file_system_refuses_is_replaced),
        cmocka_unit_test(other_ids_are_made_safe_and_told_apart),
        cmocka_unit_test(long_names_are_cut_and_keep_their_extension),
        cmocka_unit_test(text_that_is_no_utf8_is_refused),
        cmocka_unit_test(any_name_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
