/* Binary values of the wire: ids of each type, instants at their limits, arrays whole and
 * damaged. */
#include "source/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(literal) ((struct vb_view){literal, sizeof(literal) - 1})

static void expect_id(Oid type, struct vb_view bytes, const char *expected)
{
    char id[VB_CURSOR_ID];
    size_t length = 0;
    assert_int_equal(vb_decode_id(type, bytes, id, &length), VB_OK);
    assert_string_equal(id, expected);
    assert_int_equal(length, strlen(expected));
}

static void ids_have_the_servers_text_form(void **state)
{
    (void)state;
    expect_id(VB_TYPE_UUID,
              BYTES("\x01\x23\x45\x67\x89\xab\xcd\xef\x00\x10\x20\x30\x40\x50\x60\xff"),
              "01234567-89ab-cdef-0010-2030405060ff");
    expect_id(VB_TYPE_INT8, BYTES("\x80\0\0\0\0\0\0\0"), "-9223372036854775808");
    expect_id(VB_TYPE_INT8, BYTES("\0\0\0\0\0\0\0\0"), "0");
    expect_id(VB_TYPE_INT4, BYTES("\xff\xff\xff\xff"), "-1");
    expect_id(VB_TYPE_INT2, BYTES("\x7f\xff"), "32767");
    expect_id(VB_TYPE_TEXT, BYTES("caf\xc3\xa9/7"), "caf\xc3\xa9/7");
}

static void ids_of_a_wrong_size_are_refused(void **state)
{
    (void)state;
    char id[VB_CURSOR_ID], text[VB_CURSOR_ID];
    memset(text, 'x', sizeof text);
    assert_int_equal(vb_decode_id(VB_TYPE_UUID, BYTES("short"), id, NULL), VB_SOURCE);
    assert_int_equal(vb_decode_id(VB_TYPE_INT8, BYTES("\0\0\0\1"), id, NULL), VB_SOURCE);
    assert_int_equal(vb_decode_id(VB_TYPE_TEXT, (struct vb_view){text, 256}, id, NULL), VB_SOURCE);
    assert_int_equal(vb_decode_id(VB_TYPE_TEXT, (struct vb_view){text, 255}, id, NULL), VB_OK);
}

static enum vb_status instant_of(uint64_t value, vb_instant *ret_instant)
{
    uint64_t swapped = __builtin_bswap64(value);
    char bytes[8];
    memcpy(bytes, &swapped, sizeof bytes);
    return vb_decode_instant((struct vb_view){bytes, sizeof bytes}, ret_instant);
}

static void instants_count_from_2000_and_end_with_the_calendar(void **state)
{
    (void)state;
    vb_instant at = 0;
    assert_int_equal(instant_of(0, &at), VB_OK);
    assert_true(at == INT64_C(946684800) * VB_SECOND);
    assert_int_equal(instant_of((uint64_t)INT64_C(-1), &at), VB_OK);
    assert_true(at == INT64_C(946684800) * VB_SECOND - 1);
    assert_int_equal(instant_of((uint64_t)INT64_MAX, &at), VB_SOURCE); /* infinity */
    assert_int_equal(instant_of((uint64_t)INT64_MIN, &at), VB_SOURCE); /* -infinity */
    assert_int_equal(instant_of((uint64_t)(INT64_C(252455616000) * VB_SECOND), &at), VB_SOURCE);
    assert_int_equal(instant_of((uint64_t)(INT64_C(252455616000) * VB_SECOND - 1), &at), VB_OK);
    assert_int_equal(vb_decode_instant((struct vb_view){NULL, 0}, &at), VB_SOURCE);
}

/* {a, NULL, "", bc} */
static const char array[] = "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\4\0\0\0\1"
                            "\0\0\0\1a\xff\xff\xff\xff\0\0\0\0\0\0\0\2bc";

static void arrays_give_their_elements_without_nulls(void **state)
{
    (void)state;
    struct vb_text_list list;
    struct vb_view element;
    assert_int_equal(vb_decode_text_list(BYTES(array), &list), VB_OK);
    assert_int_equal(list.count, 4);
    assert_true(vb_text_list_next(&list, &element) && vb_view_equals(element, VB_VIEW("a")));
    assert_true(vb_text_list_next(&list, &element) && element.length == 0);
    assert_true(vb_text_list_next(&list, &element) && vb_view_equals(element, VB_VIEW("bc")));
    assert_false(vb_text_list_next(&list, &element));
    assert_int_equal(vb_decode_text_list((struct vb_view){NULL, 0}, &list), VB_OK);
    assert_false(vb_text_list_next(&list, &element));
    assert_int_equal(vb_decode_text_list(BYTES("\0\0\0\0\0\0\0\0\0\0\0\x19"), &list), VB_OK);
    assert_int_equal(list.count, 0);
}

/* Each cut either is refused or ends early; the sanitizers see to it that nothing behind it is
 * read. */
static void damaged_arrays_never_reach_past_their_end(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof array - 1; length++) {
        struct vb_text_list list;
        struct vb_view element;
        size_t found = 0;
        char copy[sizeof array];
        memcpy(copy, array, length);
        if (vb_decode_text_list((struct vb_view){copy, length}, &list) != VB_OK)
            continue;
        while (vb_text_list_next(&list, &element))
            assert_true(element.data + element.length <= copy + length && ++found <= 3);
        assert_true(found < 3);
    }
    struct vb_text_list list;
    assert_int_equal(
        vb_decode_text_list(BYTES("\0\0\0\1\0\0\0\0\0\0\0\x19\x7f\xff\xff\xff\0\0\0\1"), &list),
        VB_SOURCE);
    assert_int_equal(vb_decode_text_list(BYTES("\0\0\0\7\0\0\0\0\0\0\0\x19"), &list), VB_SOURCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_the_servers_text_form),
        cmocka_unit_test(ids_of_a_wrong_size_are_refused),
        cmocka_unit_test(instants_count_from_2000_and_end_with_the_calendar),
        cmocka_unit_test(arrays_give_their_elements_without_nulls),
        cmocka_unit_test(damaged_arrays_never_reach_past_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
