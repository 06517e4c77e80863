/* The small things everything stands on: buffers with ceilings, dates, UTF-8, JSON, digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verbatim/clock.h"
#include "verbatim/hash.h"
#include "verbatim/json.h"
#include "verbatim/text.h"
#include "verbatim/uuid.h"

/* Whether the bytes stand anywhere in the memory of the buffer, in use or not. */
static bool buffer_holds(const struct vb_buffer *buffer, const char *text)
{
    return buffer->data && memmem(buffer->data, buffer->capacity, text, strlen(text));
}

static void a_secret_leaves_nothing_behind(void **state)
{
    (void)state;
    struct vb_buffer buffer;
    vb_buffer_init_secret(&buffer, 1000);
    assert_int_equal(vb_buffer_append_text(&buffer, "Xsesame, and more than that"), VB_OK);
    vb_buffer_consume(&buffer, 7);
    assert_string_equal(buffer.data, ", and more than that");
    assert_false(buffer_holds(&buffer, "sesame"));
    assert_false(buffer_holds(&buffer, "thatan"));
    for (int i = 0; i < 50; i++)
        assert_int_equal(vb_buffer_append_text(&buffer, "0123456789"), VB_OK);
    assert_int_equal(buffer.length, 520);
    assert_memory_equal(buffer.data, ", and more than that0123", 24);
    vb_buffer_consume(&buffer, 519);
    assert_string_equal(buffer.data, "9");
    assert_false(buffer_holds(&buffer, "89"));
    vb_buffer_reset(&buffer);
    assert_false(buffer_holds(&buffer, "9"));
    vb_buffer_done(&buffer);
    assert_true(buffer.is_secret && buffer.ceiling == 1000);
}

static void buffer_stops_at_its_ceiling(void **state)
{
    (void)state;
    struct vb_buffer buffer;
    vb_buffer_init(&buffer, 10);
    assert_int_equal(vb_buffer_append_text(&buffer, "0123456789"), VB_OK);
    assert_int_equal(vb_buffer_append_byte(&buffer, 'x'), VB_LIMIT);
    assert_string_equal(buffer.data, "0123456789");
    vb_buffer_consume(&buffer, 4);
    assert_string_equal(buffer.data, "456789");
    assert_int_equal(vb_buffer_printf(&buffer, "%d", 1234), VB_OK);
    assert_int_equal(vb_buffer_printf(&buffer, "%d", 1), VB_LIMIT);
    assert_string_equal(buffer.data, "4567891234");
    vb_buffer_done(&buffer);
}

/* Nobody but the table decides, so the table is what there is to hold. */
static void what_may_pass_is_the_status_matter(void **state)
{
    (void)state;
    static const enum vb_status passing[] = {VB_EXPIRED, VB_NO_MEMORY,     VB_IO,
                                             VB_NETWORK, VB_DATABASE_AWAY, VB_STORAGE_AWAY};
    unsigned retryable = 0;
    for (int i = 0; i < VB_STATUS_COUNT; i++) {
        assert_non_null(vb_status_name((enum vb_status)i));
        retryable += vb_status_retryable((enum vb_status)i);
    }
    assert_int_equal(retryable, sizeof passing / sizeof *passing);
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        assert_true(vb_status_retryable(passing[i]));
    assert_false(vb_status_retryable(VB_STATUS_COUNT));
    assert_false(vb_status_retryable((enum vb_status) - 1));
    assert_int_equal(vb_status_of_errno(ENOSPC), VB_IO);
    assert_int_equal(vb_status_of_errno(EROFS), VB_DENIED);
    assert_int_equal(vb_status_of_errno(ENOENT), VB_NOT_FOUND);
    assert_int_equal(vb_status_of_errno(ENOMEM), VB_NO_MEMORY);
}

static void assert_cut(struct vb_view *rest, const char *piece, const char *left)
{
    assert_true(vb_view_equals(vb_view_cut(rest, ','), vb_view_of(piece)));
    assert_true(vb_view_equals(*rest, vb_view_of(left)));
}

/* A mark at the end has nothing behind it; one at the begin, or beside another, an empty piece. */
static void lists_are_cut_at_their_marks(void **state)
{
    (void)state;
    struct vb_view rest = VB_VIEW(" a b\t,, c ;d,\te,");
    assert_cut(&rest, "a b", ", c ;d,\te,");
    assert_cut(&rest, "", " c ;d,\te,");
    assert_cut(&rest, "c ;d", "\te,");
    assert_cut(&rest, "e", "");
    assert_cut(&rest, "", "");
    rest = (struct vb_view){NULL, 0};
    assert_cut(&rest, "", "");
    rest = VB_VIEW(" \t");
    assert_cut(&rest, "", "");
}

static void a_failure_stays_one_where_nobody_wants_the_text(void **state)
{
    (void)state;
    struct vb_error err;
    assert_int_equal(vb_fail_within(NULL, VB_IO, "the lid"), VB_IO);
    assert_int_equal(vb_fail(&err, VB_NETWORK, "nobody answers"), VB_NETWORK);
    assert_int_equal(vb_fail_within(&err, VB_NETWORK, "the %s", "cellar"), VB_NETWORK);
    assert_string_equal(err.text, "the cellar: nobody answers");
}

static void dates_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    struct vb_date date;
    assert_int_equal(vb_date_parse(vb_view_of("2024-02-29"), &date), VB_OK);
    assert_int_equal(vb_date_to_days(date), 19782);
    static const char *const bad[] = {
        "2026-02-30",  "2026-02-29", "2026-13-01", "2026-00-10",     "2026-1-01", "20260101",
        "2026-01-01 ", "0000-01-01", "2026-04-31", "２０２６-01-01", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(vb_date_parse(vb_view_of(bad[i]), &date), VB_INVALID);
    for (int64_t day = -800000; day < 3000000; day += 37)
        assert_int_equal(vb_date_to_days(vb_date_from_days(day)), day);
}

static void instants_have_six_digits(void **state)
{
    (void)state;
    char text[VB_INSTANT_TEXT];
    vb_instant_text(INT64_C(1781160643861185), text);
    assert_string_equal(text, "2026-06-11T06:50:43.861185");
    vb_instant_text(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999");
}

static void utf8_takes_only_what_is_well_formed(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                      "\xE2\x82", "\x80",         "\xF0\x80\x80\x80",
                                      "\xFF"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vb_utf8_valid(vb_view_of(bad[i])));
    assert_true(vb_utf8_valid(vb_view_of("Zoë 你好 مرحبا 👩‍👩‍👧")));
    struct vb_view text = vb_view_of("é👍");
    assert_int_equal(vb_utf8_next(&text), 0xE9);
    assert_int_equal(vb_utf8_cut(text, 3), 0);
    assert_int_equal(vb_utf8_next(&text), 0x1F44D);
    assert_int_equal(text.length, 0);
}

static void json_escapes_and_separates(void **state)
{
    (void)state;
    struct vb_buffer out;
    struct vb_json json;
    vb_buffer_init(&out, 4096);
    vb_json_init(&json, &out);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "a\"b", "x\n\x01\xFFy");
    vb_json_name(&json, "list");
    vb_json_begin_array(&json);
    vb_json_integer(&json, -7);
    vb_json_null(&json);
    vb_json_begin_object(&json);
    vb_json_end_object(&json);
    vb_json_boolean(&json, true);
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    assert_int_equal(vb_json_status(&json), VB_OK);
    assert_string_equal(out.data,
                        "{\"a\\\"b\":\"x\\n\\u0001\xEF\xBF\xBDy\",\"list\":[-7,null,{},true]}");
    vb_buffer_done(&out);
}

static void digests_give_the_known_answers(void **state)
{
    (void)state;
    char hex[VB_SHA256_HEX];
    unsigned char mac[VB_SHA256];
    vb_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    vb_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
    vb_hex_encode(mac, sizeof mac, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(vb_crc32(vb_crc32(0, "12345", 5), "6789", 4), 0xCBF43926);
    static const char digits[] = "123456789";
    for (size_t i = 0; i <= 9; i++)
        assert_int_equal(
            vb_crc32_combine(vb_crc32(0, digits, i), vb_crc32(0, digits + i, 9 - i), 9 - i),
            0xCBF43926);
    /* Of 5 GiB of zeros, as Python's zlib says. */
    uint64_t gibibyte = UINT64_C(1) << 30;
    uint32_t zeros = 0, one = 0;
    static const char block[1u << 16];
    for (uint64_t i = 0; i < gibibyte; i += sizeof block)
        one = vb_crc32(one, block, sizeof block);
    for (int i = 0; i < 5; i++)
        zeros = vb_crc32_combine(zeros, one, gibibyte);
    assert_int_equal(zeros, 0x193838C3);
    assert_int_equal(vb_crc32_combine(one, vb_crc32_combine(one, one, gibibyte), 2 * gibibyte),
                     vb_crc32_combine(vb_crc32_combine(one, one, gibibyte), one, gibibyte));
}

static void uuids_and_percent_codes_go_both_ways(void **state)
{
    (void)state;
    char text[VB_UUID_TEXT];
    struct vb_uuid uuid = vb_uuid_random(), back;
    vb_uuid_format(uuid, text);
    assert_int_equal(text[14], '4');
    assert_int_equal(vb_uuid_parse(vb_view_of(text), &back), VB_OK);
    assert_memory_equal(&uuid, &back, sizeof uuid);
    assert_int_equal(vb_uuid_parse(vb_view_of("3fa85f64-5717-4562-b3fc-2c963f66afag"), &back),
                     VB_INVALID);
    struct vb_buffer out, plain;
    vb_buffer_init(&out, 100);
    vb_buffer_init(&plain, 100);
    assert_int_equal(vb_percent_encode(&out, vb_view_of("a/b c+é~"), true), VB_OK);
    assert_string_equal(out.data, "a/b%20c%2B%C3%A9~");
    assert_int_equal(vb_percent_decode(&plain, (struct vb_view){out.data, out.length}), VB_OK);
    assert_string_equal(plain.data, "a/b c+é~");
    assert_int_equal(vb_percent_decode(&plain, vb_view_of("%2")), VB_INVALID);
    vb_buffer_done(&out);
    vb_buffer_done(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_leaves_nothing_behind),
        cmocka_unit_test(buffer_stops_at_its_ceiling),
        cmocka_unit_test(lists_are_cut_at_their_marks),
        cmocka_unit_test(a_failure_stays_one_where_nobody_wants_the_text),
        cmocka_unit_test(what_may_pass_is_the_status_matter),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(instants_have_six_digits),
        cmocka_unit_test(utf8_takes_only_what_is_well_formed),
        cmocka_unit_test(json_escapes_and_separates),
        cmocka_unit_test(digests_give_the_known_answers),
        cmocka_unit_test(uuids_and_percent_codes_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
