/* The body of the main contract's POST: every rule, and that all broken fields are listed. */
#include "rules/channel_type.h"
#include "specification/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DATES "\"start_date\":\"2026-02-01\",\"end_date\":\"2026-02-28\""

/* "type field" of each problem, joined by ", "; "" where the body holds. */
static void problems_of(struct vb_view body, char *out, size_t size)
{
    struct vb_export_request request;
    struct vb_problems list;
    struct vb_buffer answer;
    vb_buffer_init(&answer, 1u << 20);
    enum vb_status status = vb_export_request_parse(body, &request, &list);
    out[0] = '\0';
    if (status == VB_OK) {
        vb_export_request_done(&request);
    } else {
        assert_int_equal(status, VB_INVALID);
        struct vb_json json;
        vb_json_init(&json, &answer);
        vb_problems_put(&json, &list);
        assert_int_equal(vb_json_status(&json), VB_OK);
        json_t *root = json_loadb(answer.data, answer.length, 0, NULL);
        assert_non_null(root);
        size_t index;
        json_t *problem;
        json_array_foreach(json_object_get(root, "detail"), index, problem)
        {
            json_t *loc = json_object_get(problem, "loc");
            assert_string_equal(json_string_value(json_array_get(loc, 0)), "body");
            assert_true(json_is_string(json_object_get(problem, "msg")));
            assert_non_null(json_object_get(problem, "input"));
            const char *name = json_string_value(json_array_get(loc, 1));
            size_t length = strlen(out);
            (void)snprintf(out + length, size - length, "%s%s%s%s", index ? ", " : "",
                           json_string_value(json_object_get(problem, "type")), name ? " " : "",
                           name ? name : "");
        }
        json_decref(root);
    }
    vb_problems_done(&list);
    vb_buffer_done(&answer);
}

#define V(literal) VB_VIEW(literal)

static void lists_problems(void **state)
{
    (void)state;
    static const struct {
        struct vb_view body;
        const char *problems;
    } cases[] = {
        {V("{" DATES ",\"channel_id\":\"x\"}"), ""},
        {V("{" DATES ",\"channel_id\":\"\"}"), ""},
        {V("{" DATES ",\"phone_number\":\"+12025550123\",\"channel_type\":\"sms\"}"), ""},
        {V("{" DATES ",\"channel_id\":\"x\",\"phone_number\":null,\"channel_type\":null,"
           "\"notification_email\":null,\"csv_profile\":null}"),
         ""},
        {V("{" DATES ",\"channel_id\":\"x\",\"notification_email\":\"a@example.com\"}"), ""},
        {V("{" DATES ",\"channel_id\":\"x\",\"csv_profile\":\"excel\"}"), ""},
        {V("{" DATES ",\"channel_id\":\"x\",\"activity\":false}"), ""},
        {V("{" DATES ",\"channel_id\":\"x\",\"activity\":1}"), "bool_type activity"},
        {V("{" DATES ",\"channel_id\":\"x\",\"byte_order_mark\":true}"), ""},
        {V("{" DATES ",\"channel_id\":\"x\",\"byte_order_mark\":0}"), "bool_type byte_order_mark"},
        {V("{" DATES ",\"channel_id\":\"x\",\"delimiter\":\";\",\"csv_quote\":\"all\"}"), ""},
        {V("{" DATES ",\"channel_id\":\"x\",\"delimiter\":\";;\",\"csv_quote\":\"\"}"),
         "enum delimiter, enum csv_quote"},
        {V("{\"start_date\":\"2024-02-29\",\"end_date\":\"2024-02-29\",\"channel_id\":\"x\"}"), ""},
        {V("{}"), "missing start_date, missing end_date, value_error"},
        {V("{" DATES "}"), "value_error"},
        {V("{" DATES ",\"channel_id\":\"x\",\"phone_number\":\"+12025550123\"}"), "value_error"},
        {V("{" DATES ",\"channel_id\":7}"), "string_type channel_id"},
        {V("{\"start_date\":null,\"end_date\":20260228,\"channel_id\":\"x\"}"),
         "string_type start_date, string_type end_date"},
        {V("{\"start_date\":\"2026-02-30\",\"end_date\":\"2026-2-28\",\"channel_id\":\"x\"}"),
         "date_parsing start_date, date_parsing end_date"},
        {V("{\"start_date\":\"2026-02-01T00:00:00\",\"end_date\":\"\",\"channel_id\":\"x\"}"),
         "date_parsing start_date, date_parsing end_date"},
        {V("{\"start_date\":\"2026-02-02\",\"end_date\":\"2026-02-01\",\"channel_id\":\"x\"}"),
         "value_error end_date"},
        {V("{" DATES ",\"phone_number\":\"12025550123\"}"), "string_pattern_mismatch phone_number"},
        {V("{" DATES ",\"phone_number\":\"+02025550123\"}"),
         "string_pattern_mismatch phone_number"},
        {V("{" DATES ",\"phone_number\":\"+1\"}"), "string_pattern_mismatch phone_number"},
        {V("{" DATES ",\"phone_number\":\"+1234567890123456\"}"),
         "string_pattern_mismatch phone_number"},
        {V("{" DATES ",\"phone_number\":\"+12025550123\\n\"}"),
         "string_pattern_mismatch phone_number"},
        {V("{" DATES ",\"channel_id\":\"x\",\"channel_type\":\"LOCAL\"}"), "enum channel_type"},
        {V("{" DATES ",\"channel_id\":\"x\",\"csv_profile\":\"none\"}"), "enum csv_profile"},
        {V("{" DATES
           ",\"channel_id\":\"x\",\"notification_email\":\"a@b.c\\r\\nRCPT TO:<e@f.g>\"}"),
         "value_error notification_email"},
        {V("{" DATES ",\"channel_id\":\"x\",\"workspace_id\":\"y\",\"z\":1}"),
         "extra_forbidden workspace_id, extra_forbidden z"},
        {V("{" DATES ",\"channel_id\":\"x\",\"channel_id\":\"y\"}"), "json_invalid"},
        {V("{" DATES ",\"channel_id\":\"x\""), "json_invalid"},
        {V("{" DATES ",\"channel_id\":\"x\"} x"), "json_invalid"},
        {V("{" DATES ",\"channel_id\":\"\xff\"}"), "json_invalid"},
        {V("{" DATES ",\"channel_id\":\"a\\u0000b\"}"), "json_invalid"},
        {V("{" DATES ",\"channel_id\":\"a\0b\"}"), "json_invalid"},
        {V("\xef\xbb\xbf"), "json_invalid"}, /* a byte order mark alone */
        {V("\xef\xbb\xbf\xef\xbb\xbf{}"), "json_invalid"},
        {V("\xef\xbb\xbf{"), "json_invalid"},
        {V("[]"), "model_attributes_type"},
        {V("null"), "model_attributes_type"},
        {V("\"x\""), "model_attributes_type"},
        {V(""), "missing"},
        {V("{\"start_date\":1,\"end_date\":\"x\",\"phone_number\":\"y\",\"channel_type\":\"z\","
           "\"notification_email\":\"@\",\"q\":{}}"),
         "string_type start_date, date_parsing end_date, string_pattern_mismatch phone_number, "
         "enum channel_type, value_error notification_email, extra_forbidden q"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char problems[1024];
        problems_of(cases[i].body, problems, sizeof(problems));
        assert_string_equal(problems, cases[i].problems);
    }
}

static void survives_depth(void **state)
{
    (void)state;
    char deep[60000], problems[256];
    memset(deep, '[', sizeof(deep));
    problems_of((struct vb_view){deep, sizeof(deep)}, problems, sizeof(problems));
    assert_string_equal(problems, "json_invalid");
}

static void writes_specification(void **state)
{
    (void)state;
    static const struct vb_view body =
        VB_VIEW("{" DATES ",\"phone_number\":\"+12025550123\",\"channel_type\":\"sms\","
                "\"csv_profile\":\"excel\",\"delimiter\":\";\",\"csv_quote\":\"all\","
                "\"activity\":true,\"byte_order_mark\":false,"
                "\"notification_email\":\"a@example.com\"}");
    struct vb_export_request request;
    struct vb_specification specification;
    struct vb_problems problems;
    struct vb_buffer out;
    vb_buffer_init(&out, 4096);
    assert_int_equal(vb_export_request_parse(body, &request, &problems), VB_OK);
    assert_int_equal(vb_export_request_specification(&request, &specification, &problems), VB_OK);
    assert_int_equal(vb_specification_write(&specification, true, &out), VB_OK);
    assert_string_equal(
        out.data, "{\"select\":{\"phone_number\":\"+12025550123\",\"channel_type\":\"sms\"},"
                  "\"filter\":{\"from\":\"2026-02-01\",\"to\":\"2026-02-28\",\"activity\":true},"
                  "\"format\":\"csv\",\"layout\":\"messages\",\"files\":\"per_conversation\","
                  "\"include\":[\"messages\",\"customer\",\"tags\"],\"csv_profile\":\"excel\","
                  "\"delimiter\":\";\",\"csv_quote\":\"all\",\"byte_order_mark\":false,"
                  "\"notification_email\":\"a@example.com\"}");
    vb_specification_done(&specification);
    vb_export_request_done(&request);
    vb_problems_done(&problems);
    vb_buffer_done(&out);
}

static void knows_channel_types(void **state)
{
    (void)state;
    assert_string_equal(vb_channel_type_coarse(VB_VIEW("LOCAL")), "sms");
    assert_string_equal(vb_channel_type_coarse(VB_VIEW("WHATSAPP_BUSINESS_PLATFORM")), "whatsapp");
    assert_string_equal(vb_channel_type_coarse(VB_VIEW("MESSENGER")), "messenger");
    assert_null(vb_channel_type_coarse(VB_VIEW("FAX")));
    assert_true(vb_channel_type_known(VB_VIEW("line")));
    assert_false(vb_channel_type_known(VB_VIEW("LINE")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_problems),
        cmocka_unit_test(survives_depth),
        cmocka_unit_test(writes_specification),
        cmocka_unit_test(knows_channel_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
