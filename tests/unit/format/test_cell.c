/* Cells written sixteen bytes at a time against the same byte by byte, of every length and with
 * what needs care at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/cell.h"
#include "format/time_text.h"
#include "verbatim/text.h"

#define LONGEST 67u

static const struct vb_cell_form forms[] = {
    {.delimiter = ',', .guard = true},
    {.delimiter = ','},
    {.delimiter = ';', .guard = true},
    {.delimiter = '\t', .quotes = true, .guard = true},
};

/* RFC 4180 and the guard, as cell.h promises them; without the delimiter. */
static void write_plainly(struct vb_buffer *out, struct vb_view text, struct vb_cell_form form)
{
    bool quoted = form.quotes && text.data;
    for (size_t i = 0; i < text.length; i++)
        quoted |= text.data[i] == form.delimiter ||
                  (text.data[i] != '\0' && strchr("\"\r\n", text.data[i]));
    if (quoted)
        assert_int_equal(vb_buffer_append_byte(out, '"'), VB_OK);
    if (form.guard && vb_cell_is_formula(text))
        assert_int_equal(vb_buffer_append_byte(out, '\''), VB_OK);
    for (size_t i = 0; i < text.length; i++) {
        assert_int_equal(vb_buffer_append_byte(out, text.data[i]), VB_OK);
        if (text.data[i] == '"')
            assert_int_equal(vb_buffer_append_byte(out, '"'), VB_OK);
    }
    if (quoted)
        assert_int_equal(vb_buffer_append_byte(out, '"'), VB_OK);
}

/* In an allocation of the text's own size, so that a sanitizer sees what looks behind it; and into
 * one of the room that was promised. */
static void check(struct vb_view text, struct vb_cell_form form)
{
    struct vb_buffer wanted, found;
    vb_buffer_init(&wanted, 1u << 20);
    vb_buffer_init(&found, 1u << 20);
    write_plainly(&wanted, text, form);
    assert_int_equal(vb_cell_append(&found, text, form), VB_OK);
    assert_int_equal(found.length, wanted.length);
    assert_memory_equal(found.data ? found.data : "", wanted.data ? wanted.data : "",
                        wanted.length);
    char *room = malloc(vb_cell_room(text));
    assert_non_null(room);
    char *end = vb_cell_put(room, text, &form);
    assert_int_equal(end - room, wanted.length + 1);
    assert_int_equal(end[-1], form.delimiter);
    free(room);
    vb_buffer_done(&wanted);
    vb_buffer_done(&found);
}

static void check_in_all_forms(const char *bytes, size_t length)
{
    char *text = malloc(length + (length == 0));
    assert_non_null(text);
    memcpy(text, bytes, length);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        check((struct vb_view){text, length}, forms[i]);
    free(text);
}

static void every_length_and_place(void **state)
{
    (void)state;
    static const char specials[] = {',', ';', '\t', '"', '\r', '\n', '=', '\'', '-', '\0', 'x'};
    char bytes[LONGEST];
    for (size_t length = 0; length <= LONGEST; length++)
        for (size_t place = 0; place < length + (length == 0); place++)
            for (size_t k = 0; k < sizeof specials; k++) {
                memset(bytes, 'a', sizeof bytes);
                if (length > 0)
                    bytes[place] = specials[k];
                check_in_all_forms(bytes, length);
            }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        check((struct vb_view){NULL, 0}, forms[i]);
}

static void many_quotes(void **state)
{
    (void)state;
    uint32_t seed = 7;
    char bytes[300];
    for (int round = 0; round < 3000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (seed >> 16) % (1 + (unsigned)round % 20) == 0 ? '"' : 'b';
        }
        check_in_all_forms(bytes, (seed >> 8) % sizeof bytes);
    }
    memset(bytes, '"', sizeof bytes);
    check_in_all_forms(bytes, sizeof bytes);
}

/* Twice a large text would be memory that nobody counts on. */
static void large_texts_have_the_room_that_they_need(void **state)
{
    (void)state;
    enum { LARGE = 100000 };
    char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    memset(bytes, 'c', LARGE);
    for (size_t i = 5; i < LARGE; i += 1000)
        bytes[i] = '"';
    assert_in_range(vb_cell_room((struct vb_view){bytes, LARGE}), LARGE + 100, LARGE + 110);
    check_in_all_forms(bytes, LARGE);
    memset(bytes, '"', LARGE);
    check_in_all_forms(bytes, LARGE);
    free(bytes);
}

static void what_is_no_utf8_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    struct vb_buffer out;
    vb_buffer_init(&out, 1u << 20);
    assert_int_equal(vb_buffer_append_text(&out, "kept"), VB_OK);
    for (size_t length = 1; length <= LONGEST; length++)
        for (size_t place = 0; place < length; place++) {
            char bytes[LONGEST];
            memset(bytes, 'a', sizeof bytes);
            bytes[place] = (char)0x80;
            struct vb_view text = {bytes, length};
            for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
                assert_int_equal(vb_cell_append(&out, text, forms[i]), VB_SOURCE);
                assert_int_equal(vb_cell_append_run(&out, &text, 1, forms[i]), VB_SOURCE);
                assert_string_equal(out.data, "kept");
            }
            if (place + 1 < length) {
                bytes[place] = (char)0xC3, bytes[place + 1] = (char)0xA4;
                check_in_all_forms(bytes, length);
            }
        }
    vb_buffer_done(&out);
}

/* Both forms, beside printf's of the same local time; offsets of long ago have seconds. */
static void times_are_those_of_printf(void **state)
{
    (void)state;
    struct vb_zone *zone = NULL;
    assert_int_equal(vb_zone_new("Asia/Kathmandu", &zone, NULL), VB_OK);
    for (int64_t second = -4000000000; second < 8000000000; second += 99999999) {
        vb_instant at = second * VB_SECOND + 123456;
        int offset = vb_zone_offset(zone, at);
        struct vb_civil c = vb_civil_of(at, offset);
        char text[VB_TIME_ROOM], expected[128], tail[16] = "";
        if (offset % 60)
            snprintf(tail, sizeof tail, ":%02d", offset % 60);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.123456+%02d:%02d%s",
                 c.date.year, c.date.month, c.date.day, c.hour, c.minute, c.second, offset / 3600,
                 offset / 60 % 60, tail);
        *vb_time_put(text, zone, at) = '\0';
        assert_string_equal(text, expected);
        expected[10] = ' ';
        memmove(expected + 19, expected + 26, strlen(expected + 26) + 1);
        *vb_time_put_seconds(text, zone, at) = '\0';
        assert_string_equal(text, expected);
    }
    vb_zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_place),
        cmocka_unit_test(many_quotes),
        cmocka_unit_test(large_texts_have_the_room_that_they_need),
        cmocka_unit_test(what_is_no_utf8_is_refused_wherever_it_stands),
        cmocka_unit_test(times_are_those_of_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
