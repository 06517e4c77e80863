/* Audiences from the wire and back, the shapes of errors by path, and methods of a path. */
#include "api/access.h"
#include "api/doors/routes.h"
#include "database/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void an_array_is_read_from_the_wire(void **state)
{
    (void)state;
    static const char wire[] = "\0\0\0\1"
                               "\0\0\0\1"
                               "\0\0\0\x19"
                               "\0\0\0\3"
                               "\0\0\0\1"
                               "\0\0\0\3vip"
                               "\xff\xff\xff\xff"
                               "\0\0\0\0";
    struct vb_pg_array array = vb_pg_array_of(VB_VIEW(wire));
    struct vb_view element;
    assert_true(vb_pg_array_next(&array, &element));
    assert_true(vb_view_equals(element, VB_VIEW("vip")));
    assert_true(vb_pg_array_next(&array, &element));
    assert_null(element.data);
    assert_true(vb_pg_array_next(&array, &element));
    assert_int_equal(element.length, 0);
    assert_non_null(element.data);
    assert_false(vb_pg_array_next(&array, &element));
    /* However it is cut, nothing is read past its end. */
    for (size_t length = 0; length < sizeof(wire) - 1; length++) {
        array = vb_pg_array_of((struct vb_view){wire, length});
        while (vb_pg_array_next(&array, &element))
            assert_true(element.data == NULL || element.data + element.length <= wire + length);
    }
}

static void an_audience_is_written_as_a_literal(void **state)
{
    (void)state;
    const char *const tags[] = {"a b", "\"x\\", "{,}", ""};
    const char *text = "unset";
    struct vb_buffer out;
    vb_buffer_init(&out, 1024);
    struct vb_caller caller = {.is_restricted = false};
    assert_int_equal(vb_caller_audience(&caller, &out, &text), VB_OK);
    assert_null(text);
    caller = (struct vb_caller){.is_restricted = true, .audience = {tags, 4}};
    assert_int_equal(vb_caller_audience(&caller, &out, &text), VB_OK);
    assert_string_equal(text, "{\"a b\",\"\\\"x\\\\\",\"{,}\",\"\"}");
    vb_buffer_reset(&out);
    caller.audience.count = 0;
    assert_int_equal(vb_caller_audience(&caller, &out, &text), VB_OK);
    assert_string_equal(text, "{}");
    vb_buffer_done(&out);
}

static void a_path_tells_the_shape_of_errors(void **state)
{
    (void)state;
    assert_ptr_equal(vb_door_of_path(VB_VIEW("/v3/x")), &vb_door_v3);
    assert_ptr_equal(vb_door_of_path(VB_VIEW("/v3")), &vb_door_main);
    assert_ptr_equal(vb_door_of_path(VB_VIEW("/v33/x")), &vb_door_main);
    assert_ptr_equal(vb_door_of_path((struct vb_view){NULL, 0}), &vb_door_main);
}

static void allow_names_the_methods_of_a_path(void **state)
{
    (void)state;
    struct vb_buffer arguments[VB_API_ARGUMENTS];
    char allow[VB_API_ALLOW];
    for (size_t i = 0; i < VB_API_ARGUMENTS; i++)
        vb_buffer_init(&arguments[i], 1024);
    assert_non_null(vb_route_find(VB_VIEW("HEAD"), VB_VIEW("/healthz"), arguments, allow));
    assert_null(vb_route_find(VB_VIEW("POST"), VB_VIEW("/healthz"), arguments, allow));
    assert_string_equal(allow, "GET, HEAD");
    assert_null(vb_route_find(VB_VIEW("GET"), VB_VIEW("/healthz/"), arguments, allow));
    assert_string_equal(allow, "");
    assert_null(vb_route_find(VB_VIEW("PUT"), VB_VIEW("/api/v1/workspace/a/export-conversations"),
                              arguments, allow));
    assert_string_equal(allow, "POST");
    /* A literal path is no id of the pattern beside it. */
    assert_null(vb_route_find(VB_VIEW("GET"), VB_VIEW("/api/v1/workspace/a/exports/preview"),
                              arguments, allow));
    assert_string_equal(allow, "POST");
    for (size_t i = 0; i < VB_API_ARGUMENTS; i++)
        vb_buffer_done(&arguments[i]);
}

static void text_of(void (*put)(struct vb_json *json, int status, const char *detail), int status,
                    char *out, size_t size)
{
    struct vb_buffer buffer;
    struct vb_json json;
    vb_buffer_init(&buffer, 4096);
    vb_json_init(&json, &buffer);
    put(&json, status, "No.");
    assert_int_equal(vb_json_status(&json), VB_OK);
    assert_true(buffer.length < size);
    memcpy(out, buffer.data, buffer.length + 1);
    vb_buffer_done(&buffer);
}

static void errors_have_the_shape_of_their_door(void **state)
{
    (void)state;
    static const struct vb_api_door *const plain[] = {
        &vb_door_main, &vb_door_native, &vb_door_assistant, &vb_door_app, &vb_door_v1};
    static const struct {
        int status;
        const char *code;
    } codes[] = {
        {400, "BAD_REQUEST"},        {401, "UNAUTHORIZED"},         {403, "FORBIDDEN"},
        {404, "NOT_FOUND"},          {405, "METHOD_NOT_SUPPORTED"}, {500, "INTERNAL_SERVER_ERROR"},
        {503, "SERVICE_UNAVAILABLE"}};
    char text[256], wanted[256];
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        text_of(plain[i]->put_error, 404, text, sizeof(text));
        assert_string_equal(text, "{\"detail\":\"No.\"}");
    }
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        text_of(vb_door_v3.put_error, codes[i].status, text, sizeof(text));
        (void)snprintf(wanted, sizeof(wanted),
                       "{\"message\":\"No.\",\"code\":\"%s\",\"issues\":[{\"message\":\"No.\"}]}",
                       codes[i].code);
        assert_string_equal(text, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_is_read_from_the_wire),
        cmocka_unit_test(an_audience_is_written_as_a_literal),
        cmocka_unit_test(a_path_tells_the_shape_of_errors),
        cmocka_unit_test(allow_names_the_methods_of_a_path),
        cmocka_unit_test(errors_have_the_shape_of_their_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
