/* JSON strings written sixteen bytes at a time against the same byte by byte, of every length and
 * with what needs care at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "verbatim/json.h"

#define LONGEST 53u
#define ROOM 1024u

/* What needs care, or only looks as if it did; and what becomes of it. */
static const struct {
    const char *text, *written;
} pieces[] = {
    {"\"", "\\\""},
    {"\\", "\\\\"},
    {"\n", "\\n"},
    {"\r", "\\r"},
    {"\t", "\\t"},
    {"\x01", "\\u0001"},
    {"\x1F", "\\u001f"},
    {"\x7F", "\x7F"},
    {"/", "/"},
    {"\xC2\x85", "\\u0085"},
    {"\xC2\x84", "\xC2\x84"},
    {"\xC3\x85", "\xC3\x85"},
    {"\xE2\x80\xA8", "\\u2028"},
    {"\xE2\x80\xA9", "\\u2029"},
    {"\xE2\x80\xA7", "\xE2\x80\xA7"},
    {"\xE3\x80\xA8", "\xE3\x80\xA8"},
    {"\xF0\x9F\x99\x8F", "\xF0\x9F\x99\x8F"},
    {"\"\"\n\xE2\x80\xA8\\", "\\\"\\\"\\n\\u2028\\\\"},
};
#define PIECES (sizeof pieces / sizeof *pieces)

static void expect(struct vb_view text, const char *written)
{
    struct vb_buffer one, run;
    char expected[ROOM];
    const struct vb_json_member members[] = {{VB_VIEW("{\"a\":"), text},
                                             {VB_VIEW(",\"a longer name of a member\":"), text},
                                             {VB_VIEW(",\"n\":"), {NULL, 0}}};
    (void)snprintf(expected, sizeof expected,
                   "{\"a\":\"%s\",\"a longer name of a member\":\"%s\",\"n\":null", written,
                   written);
    vb_buffer_init(&run, ROOM * 16);
    assert_int_equal(vb_json_append_members(&run, members, 3), VB_OK);
    assert_string_equal(run.data, expected);
    vb_buffer_done(&run);
    /* Where the ceiling leaves no room to spare, and where it is one byte short. */
    vb_buffer_init(&run, strlen(expected));
    assert_int_equal(vb_json_append_members(&run, members, 3), VB_OK);
    assert_string_equal(run.data, expected);
    vb_buffer_done(&run);
    vb_buffer_init(&run, strlen(expected) - 1);
    assert_int_equal(vb_json_append_members(&run, members, 3), VB_LIMIT);
    vb_buffer_done(&run);

    (void)snprintf(expected, sizeof expected, "x\"%s\"", written);
    vb_buffer_init(&one, ROOM);
    assert_int_equal(vb_json_append(&one, VB_VIEW("x"), text), VB_OK);
    assert_string_equal(one.data, expected);
    vb_buffer_done(&one);
}

static void every_length_and_place(void **state)
{
    (void)state;
    char text[ROOM], written[ROOM];
    for (size_t length = 0; length <= LONGEST; length++)
        for (size_t place = 0; place <= length; place++)
            for (size_t i = 0; i < PIECES; i++) {
                size_t size = strlen(pieces[i].text), wide = strlen(pieces[i].written);
                memset(text, 'a', sizeof text);
                memset(written, 'a', sizeof written);
                memcpy(text + place, pieces[i].text, size);
                memcpy(written + place, pieces[i].written, wide);
                written[length + wide] = '\0';
                expect((struct vb_view){text, length + size}, written);
            }
}

static void texts_of_nothing_else_are_whole(void **state)
{
    (void)state;
    char text[ROOM] = "", written[ROOM] = "";
    for (size_t i = 0; i < 100; i++) {
        text[i] = '"';
        memcpy(written + 2 * i, "\\\"", 3);
        expect((struct vb_view){text, i + 1}, written);
    }
}

/* Its room is counted and not the most that it could be. */
static void a_large_text_takes_what_it_needs(void **state)
{
    (void)state;
    static char text[6000];
    struct vb_buffer out;
    memset(text, 'a', sizeof text);
    text[77] = text[5999] = '\n';
    const struct vb_json_member member = {VB_VIEW("x"), {text, sizeof text}};
    vb_buffer_init(&out, 2 * sizeof text);
    assert_int_equal(vb_json_append_members(&out, &member, 1), VB_OK);
    assert_int_equal(out.length, sizeof text + 2 + 3);
    assert_memory_equal(out.data + 78, "a\\na", 4);
    assert_string_equal(out.data + out.length - 3, "\\n\"");
    vb_buffer_done(&out);
}

static void what_is_no_utf8_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    struct vb_buffer out;
    char text[LONGEST + 1];
    vb_buffer_init(&out, ROOM * 16);
    assert_int_equal(vb_buffer_append_text(&out, "before"), VB_OK);
    for (size_t length = 1; length <= LONGEST; length++)
        for (size_t place = 0; place < length; place++) {
            memset(text, 'a', sizeof text);
            text[place] = '\xFF';
            const struct vb_json_member members[] = {{VB_VIEW("x"), VB_VIEW("good")},
                                                     {VB_VIEW("y"), {text, length}}};
            assert_int_equal(vb_json_append_members(&out, members, 2), VB_INVALID);
            assert_string_equal(out.data, "before");
        }
    vb_buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_place),
        cmocka_unit_test(texts_of_nothing_else_are_whole),
        cmocka_unit_test(a_large_text_takes_what_it_needs),
        cmocka_unit_test(what_is_no_utf8_is_refused_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
