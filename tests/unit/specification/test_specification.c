/* Specifications: every rule with its path, the canonical form, the stored form, ranges. */
#include "specification/specification.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define V(literal) VB_VIEW(literal)
#define ALL "\"select\":{\"all\":true}"
#define ID "\"channel_id\":\"x\""

/* "type path" of each problem, joined by ", "; "" where the document holds. */
static void problems_of(struct vb_view body, char *out, size_t size)
{
    struct vb_specification specification;
    struct vb_problems problems;
    enum vb_status status = vb_specification_parse(body, &specification, &problems);
    out[0] = '\0';
    assert_int_equal(status, problems.count == 0 ? VB_OK : VB_INVALID);
    for (size_t i = 0; i < vb_problems_listed(&problems); i++) {
        const struct vb_problem *problem = &problems.items[i];
        size_t length = strlen(out);
        assert_true(strlen(problem->message) > 0);
        (void)snprintf(out + length, size - length, "%s%s%s%s", i > 0 ? ", " : "", problem->type,
                       problem->path[0] ? " " : "", problem->path);
    }
    if (status == VB_OK)
        vb_specification_done(&specification);
    vb_problems_done(&problems);
}

struct problem_case {
    struct vb_view body;
    const char *problems;
};

static void run_cases(const struct problem_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char problems[1024];
        problems_of(cases[i].body, problems, sizeof problems);
        if (strcmp(problems, cases[i].problems) != 0)
            fail_msg("%.*s\n  gives    %s\n  expected %s", (int)cases[i].body.length,
                     cases[i].body.data, problems, cases[i].problems);
    }
}
#define RUN(cases) run_cases(cases, sizeof(cases) / sizeof((cases)[0]))

static void judges_documents(void **state)
{
    (void)state;
    static const struct problem_case cases[] = {
        {V("{" ALL "}"), ""},
        {V("{" ALL ",\"filter\":null,\"format\":null,\"include\":null,\"link_ttl\":null}"), ""},
        {V("{}"), "missing select"},
        {V(""), "missing"},
        {V("[]"), "model_attributes_type"},
        {V("{" ALL), "json_invalid"},
        {V("{" ALL "," ALL "}"), "json_invalid"},
        {V("{" ALL ",\"audience\":[\"vip\"],\"channel_ids\":[],\"x\":1}"),
         "extra_forbidden audience, extra_forbidden channel_ids, extra_forbidden x"},
        {V("{\"select\":7,\"filter\":[],\"y\":null}"),
         "model_attributes_type select, model_attributes_type filter, extra_forbidden y"},
        {V("{\"select\":null}"), "model_attributes_type select"},
    };
    RUN(cases);
}

static void judges_selections(void **state)
{
    (void)state;
    static const struct problem_case cases[] = {
        {V("{\"select\":{" ID "}}"), ""},
        {V("{\"select\":{" ID ",\"phone_number\":null}}"), ""},
        {V("{\"select\":{\"channel_id\":\"\"}}"), ""},
        {V("{\"select\":{\"phone_number\":\"+12025550123\",\"channel_type\":\"sms\"}}"), ""},
        {V("{\"select\":{\"assistant_id\":\"a\"}}"), ""},
        {V("{\"select\":{\"contact_id\":\"a\"}}"), ""},
        {V("{\"select\":{\"contact_id\":\"a\",\"match\":\"identity\"}}"), ""},
        {V("{\"select\":{\"contact_id\":\"a\",\"match\":null}}"), ""},
        {V("{\"select\":{\"contact_id\":\"a\",\"match\":\"name\"}}"), "enum select.match"},
        {V("{\"select\":{" ID ",\"match\":\"id\"}}"), "value_error select.match"},
        {V("{\"select\":{\"conversation_ids\":[\"a\",\"b\"]}}"), ""},
        {V("{\"select\":{}}"), "value_error select"},
        {V("{\"select\":{\"all\":null}}"), "value_error select"},
        {V("{\"select\":{\"all\":false}}"), "literal_error select.all"},
        {V("{\"select\":{\"all\":\"true\"}}"), "literal_error select.all"},
        {V("{\"select\":{" ID ",\"contact_id\":\"y\"}}"), "value_error select"},
        {V("{\"select\":{" ID ",\"all\":true}}"), "value_error select"},
        {V("{\"select\":{\"channel_id\":7}}"), "string_type select.channel_id"},
        {V("{\"select\":{\"phone_number\":\"12\"}}"),
         "string_pattern_mismatch select.phone_number"},
        {V("{\"select\":{" ID ",\"channel_type\":\"sms\"}}"), "value_error select.channel_type"},
        {V("{\"select\":{\"all\":true,\"channel_type\":\"fax\"}}"), "enum select.channel_type"},
        {V("{\"select\":{\"conversation_ids\":[]}}"), "too_short select.conversation_ids"},
        {V("{\"select\":{\"conversation_ids\":\"a\"}}"), "list_type select.conversation_ids"},
        {V("{\"select\":{\"conversation_ids\":[\"a\",1,\"a\"]}}"),
         "string_type select.conversation_ids.1, value_error select.conversation_ids.2"},
        {V("{\"select\":{\"all\":true,\"channels\":1}}"), "extra_forbidden select.channels"},
    };
    RUN(cases);
}

static void judges_filters(void **state)
{
    (void)state;
    static const struct problem_case cases[] = {
        {V("{" ALL ",\"filter\":{" ID ",\"channel_type\":\"sms\",\"assistant_id\":\"a\","
           "\"contact_id\":\"c\",\"status\":[\"open\"],\"tags\":[\"a\",\"b\"],"
           "\"completed_only\":true,\"activity\":true,"
           "\"from\":\"2026-02-01\",\"to\":\"2026-02-01\"}}"),
         ""},
        {V("{" ALL ",\"filter\":{\"from\":\"2026-02-01T00:00:00Z\",\"to\":\"2026-03-01\"}}"), ""},
        {V("{" ALL ",\"filter\":{\"from\":\"2026-02-30\",\"to\":\"2026-2-1\"}}"),
         "datetime_parsing filter.from, datetime_parsing filter.to"},
        {V("{" ALL ",\"filter\":{\"from\":\"2026-02-01T00:00:00\",\"to\":20260201}}"),
         "datetime_parsing filter.from, string_type filter.to"},
        {V("{" ALL ",\"filter\":{\"from\":\"2026-02-02\",\"to\":\"2026-02-01\"}}"),
         "value_error filter.to"},
        {V("{" ALL ",\"filter\":{\"from\":\"2026-02-01T01:00:00+01:00\","
           "\"to\":\"2026-02-01T00:00:00Z\"}}"),
         "value_error filter.to"},
        {V("{" ALL ",\"filter\":{\"status\":\"open\",\"tags\":[],\"completed_only\":1}}"),
         "list_type filter.status, too_short filter.tags, bool_type filter.completed_only"},
        {V("{" ALL ",\"filter\":{\"activity\":\"yes\"}}"), "bool_type filter.activity"},
        {V("{" ALL ",\"filter\":{\"tags\":[\"a\",null],\"status\":[\"o\",\"o\"]}}"),
         "value_error filter.status.1, string_type filter.tags.1"},
        {V("{" ALL ",\"filter\":{\"channel_type\":\"LOCAL\",\"since\":\"x\"}}"),
         "enum filter.channel_type, extra_forbidden filter.since"},
        {V("{\"select\":{" ID "},\"filter\":{" ID ",\"channel_type\":\"sms\"}}"),
         "value_error filter.channel_id, value_error filter.channel_type"},
        {V("{\"select\":{\"contact_id\":\"a\"},\"filter\":{\"contact_id\":\"a\"}}"),
         "value_error filter.contact_id"},
        {V("{\"select\":{\"assistant_id\":\"a\"},\"filter\":{\"assistant_id\":\"b\"," ID "}}"),
         "value_error filter.assistant_id"},
    };
    RUN(cases);
}

static void judges_shapes(void **state)
{
    (void)state;
    static const struct problem_case cases[] = {
        {V("{" ALL ",\"format\":\"csv\",\"layout\":\"messages\",\"files\":\"chunks\","
           "\"include\":[\"messages\",\"notes\"],\"csv_profile\":\"raw\",\"link_ttl\":\"7d\","
           "\"notification_email\":\"a@example.com\"}"),
         ""},
        {V("{" ALL ",\"format\":\"xml\",\"layout\":\"messages\"}"), "enum format"},
        {V("{" ALL ",\"format\":\"html\"}"), ""},
        {V("{" ALL ",\"format\":\"html\",\"layout\":\"messages\"}"), "value_error layout"},
        {V("{" ALL ",\"format\":\"pdf\"}"), ""},
        {V("{" ALL ",\"format\":\"pdf\",\"layout\":\"messages\"}"), "value_error layout"},
        {V("{" ALL ",\"format\":\"pdf\",\"files\":\"chunks\"}"), "value_error files"},
        {V("{" ALL ",\"format\":\"pdf\",\"files\":\"single\"}"), "value_error files"},
        {V("{\"select\":{\"conversation_ids\":[\"a\",\"b\"]},\"format\":\"pdf\","
           "\"files\":\"single\"}"),
         "value_error files"},
        {V("{\"select\":{\"conversation_ids\":[\"a\"]},\"format\":\"pdf\",\"files\":\"single\"}"),
         ""},
        {V("{" ALL ",\"format\":\"json\",\"layout\":\"messages\"}"), "value_error layout"},
        {V("{" ALL ",\"format\":\"xlsx\",\"layout\":\"leads\",\"files\":\"chunks\"}"), ""},
        {V("{" ALL ",\"format\":\"xlsx\",\"include\":[\"messages\",\"media\"]}"), ""},
        {V("{" ALL ",\"format\":\"xlsx\",\"include\":[\"tags\"]}"), "value_error include"},
        {V("{" ALL ",\"format\":\"xlsx\",\"layout\":\"turns\"}"), "enum layout"},
        {V("{" ALL ",\"format\":\"json\",\"layout\":\"turns\"}"), "value_error layout"},
        {V("{" ALL ",\"layout\":\"turns\"}"), "enum layout"},
        {V("{" ALL ",\"files\":\"zip\",\"include\":[\"all\"]}"), "enum include.0, enum files"},
        {V("{" ALL ",\"include\":[]}"), "too_short include"},
        {V("{" ALL ",\"include\":[\"messages\",\"messages\"]}"), "value_error include.1"},
        {V("{" ALL ",\"include\":[\"tags\"]}"), "value_error include"},
        {V("{" ALL ",\"files\":\"single\",\"include\":[\"messages\",\"media\"]}"),
         "value_error include"},
        {V("{" ALL ",\"csv_profile\":\"none\",\"notification_email\":\"a@-b\"}"),
         "enum csv_profile, value_error notification_email"},
        {V("{" ALL ",\"delimiter\":\";\",\"csv_quote\":\"all\"}"), ""},
        {V("{" ALL ",\"delimiter\":\"\\t\",\"csv_quote\":\"minimal\"}"), ""},
        {V("{" ALL ",\"byte_order_mark\":true}"), ""},
        {V("{" ALL ",\"byte_order_mark\":null}"), ""},
        {V("{" ALL ",\"byte_order_mark\":\"yes\"}"), "bool_type byte_order_mark"},
        {V("{" ALL ",\"delimiter\":\"|\",\"csv_quote\":\"none\"}"),
         "enum delimiter, enum csv_quote"},
        {V("{" ALL ",\"delimiter\":\"\",\"csv_quote\":true}"),
         "enum delimiter, string_type csv_quote"},
        {V("{" ALL ",\"link_ttl\":\"8d\"}"), "value_error link_ttl"},
        {V("{" ALL ",\"link_ttl\":\"169h\"}"), "value_error link_ttl"},
        {V("{" ALL ",\"link_ttl\":\"0h\"}"), "value_error link_ttl"},
        {V("{" ALL ",\"link_ttl\":\"48 h\"}"), "value_error link_ttl"},
        {V("{" ALL ",\"link_ttl\":48}"), "string_type link_ttl"},
    };
    RUN(cases);
}

/* 200 conversations pass, 201 do not. */
static void counts_conversations(void **state)
{
    (void)state;
    for (int count = 200; count <= 201; count++) {
        struct vb_buffer body;
        char problems[256];
        vb_buffer_init(&body, 65536);
        enum vb_status status = vb_buffer_append_text(&body, "{\"select\":{\"conversation_ids\":[");
        for (int i = 0; i < count && status == VB_OK; i++)
            status = vb_buffer_printf(&body, "%s\"%d\"", i > 0 ? "," : "", i);
        if (status == VB_OK)
            status = vb_buffer_append_text(&body, "]}}");
        assert_int_equal(status, VB_OK);
        problems_of((struct vb_view){body.data, body.length}, problems, sizeof problems);
        assert_string_equal(problems, count == 200 ? "" : "too_long select.conversation_ids");
        vb_buffer_done(&body);
    }
}

static void prints_canonically(void **state)
{
    (void)state;
#define TAIL ",\"files\":\"per_conversation\",\"include\":[\"messages\",\"customer\",\"tags\"]"
    static const struct {
        struct vb_view body;
        const char *text;
    } cases[] = {
        {V("{" ALL "}"),
         "{" ALL ",\"filter\":{},\"format\":\"csv\",\"layout\":\"messages\"" TAIL "}"},
        {V("{\"byte_order_mark\":false,\"link_ttl\":\"2d\",\"csv_profile\":\"raw\",\"csv_quote\":"
           "\"all\",\"delimiter\":"
           "\"\\t\",\"select\":{\"channel_type\":\"sms\","
           "\"phone_number\":\"+12025550123\"}}"),
         "{\"select\":{\"phone_number\":\"+12025550123\",\"channel_type\":\"sms\"},\"filter\":{},"
         "\"format\":\"csv\",\"layout\":\"messages\"" TAIL
         ",\"csv_profile\":\"raw\",\"delimiter\":\"\\t\",\"csv_quote\":\"all\","
         "\"byte_order_mark\":false,\"link_ttl\":\"48h\"}"},
        {V("{\"select\":{\"conversation_ids\":[\"b\",\"a\"]},\"include\":[\"notes\",\"messages\"],"
           "\"files\":\"chunks\",\"notification_email\":\"a@example.com\",\"link_ttl\":\"90m\"}"),
         "{\"select\":{\"conversation_ids\":[\"b\",\"a\"]},\"filter\":{},\"format\":\"csv\","
         "\"layout\":\"messages\",\"files\":\"chunks\",\"include\":[\"messages\",\"notes\"],"
         "\"notification_email\":\"a@example.com\",\"link_ttl\":\"90m\"}"},
        {V("{" ALL ",\"filter\":{\"to\":\"2026-03-01T01:00:00.5+01:00\",\"from\":\"2026-02-01\","
           "\"completed_only\":false,\"activity\":false,\"tags\":[\"b\"],"
           "\"status\":[\"open\"],"
           "\"contact_id\":\"\\u00e9\"}}"),
         "{" ALL ",\"filter\":{\"contact_id\":\"\xc3\xa9\",\"from\":\"2026-02-01\","
         "\"to\":\"2026-03-01T00:00:00.500000+00:00\",\"status\":[\"open\"],\"tags\":[\"b\"]},"
         "\"format\":\"csv\",\"layout\":\"messages\"" TAIL "}"},
        {V("{\"filter\":{\"activity\":true,\"completed_only\":true}," ALL "}"),
         "{" ALL ",\"filter\":{\"completed_only\":true,\"activity\":true},"
         "\"format\":\"csv\",\"layout\":\"messages\"" TAIL "}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vb_specification specification;
        struct vb_problems problems;
        struct vb_buffer out;
        vb_buffer_init(&out, 4096);
        assert_int_equal(vb_specification_parse(cases[i].body, &specification, &problems), VB_OK);
        assert_int_equal(vb_specification_write(&specification, true, &out), VB_OK);
        assert_string_equal(out.data, cases[i].text);
        vb_specification_done(&specification);
        vb_problems_done(&problems);
        vb_buffer_done(&out);
    }
}

static void same_words(struct vb_words words, size_t count, const char *first)
{
    assert_non_null(words.items);
    assert_int_equal(words.count, count);
    if (count > 0)
        assert_string_equal(words.items[0], first);
}

/* What the service adds comes back from the stored form, and is nowhere in the public one. */
static void keeps_its_own(void **state)
{
    (void)state;
    static const char *const tags[] = {"vip", "z\"\\"};
    struct vb_specification specification, again;
    struct vb_problems problems;
    struct vb_buffer stored, shown;
    vb_buffer_init(&stored, 4096);
    vb_buffer_init(&shown, 4096);
    assert_int_equal(vb_specification_parse(V("{" ALL "}"), &specification, &problems), VB_OK);
    assert_int_equal(vb_specification_limit(&specification, "audience", (struct vb_words){tags, 2}),
                     VB_OK);
    assert_int_equal(
        vb_specification_limit(&specification, "channel_ids", (struct vb_words){tags, 0}), VB_OK);
    assert_int_equal(vb_specification_write(&specification, true, &stored), VB_OK);
    assert_int_equal(vb_specification_write(&specification, false, &shown), VB_OK);
    assert_null(strstr(shown.data, "vip"));
    assert_int_equal(
        vb_specification_read((struct vb_view){stored.data, stored.length}, &again, NULL), VB_OK);
    same_words(again.audience, 2, "vip");
    assert_string_equal(again.audience.items[1], "z\"\\");
    same_words(again.channel_ids, 0, NULL);
    assert_null(again.contact_ids.items);
    vb_specification_done(&specification);
    vb_specification_done(&again);
    vb_problems_done(&problems);
    vb_buffer_done(&stored);
    vb_buffer_done(&shown);
}

static void refuses_what_is_not_stored(void **state)
{
    (void)state;
    struct vb_specification specification;
    struct vb_error err;
    assert_int_equal(vb_specification_read(V("{}"), &specification, &err), VB_INVALID);
    assert_non_null(strstr(err.text, "select: Field required"));
    assert_int_equal(vb_specification_read(V("{" ALL ",\"format\":\"fax\"}"), &specification, NULL),
                     VB_INVALID);
}

static void parses_moments(void **state)
{
    (void)state;
    static const struct {
        struct vb_view text;
        const char *canonical; /* NULL: refused */
    } cases[] = {
        {V("2026-02-01"), "2026-02-01"},
        {V("2026-02-01T10:00:00Z"), "2026-02-01T10:00:00.000000+00:00"},
        {V("2026-02-01t10:00:00.25-05:30"), "2026-02-01T15:30:00.250000+00:00"},
        {V("2026-01-01T00:00:00+23:59"), "2025-12-31T00:01:00.000000+00:00"},
        {V("2026-02-01T10:00:00.123456000Z"), "2026-02-01T10:00:00.123456+00:00"},
        {V("2026-02-01T10:00:00.123456001Z"), "2026-02-01T10:00:00.123457+00:00"},
        {V("2026-02-01T23:59:59.9999999Z"), "2026-02-02T00:00:00.000000+00:00"},
        {V("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00.000000+00:00"},
        {V("0001-01-01T00:00:00+00:01"), NULL},
        {V("9999-12-31T23:59:59-00:01"), NULL},
        {V("2026-02-01T10:00:00"), NULL},
        {V("2026-02-01T10:00Z"), NULL},
        {V("2026-02-01 10:00:00Z"), NULL},
        {V("2026-02-01T24:00:00Z"), NULL},
        {V("2026-02-01T10:60:00Z"), NULL},
        {V("2026-02-01T10:00:60Z"), NULL},
        {V("2026-02-01T10:00:00.Z"), NULL},
        {V("2026-02-01T10:00:00.1234567890Z"), NULL},
        {V("2026-02-01T10:00:00+0100"), NULL},
        {V("2026-02-01T10:00:00+24:00"), NULL},
        {V("2026-02-01T10:00:00ZZ"), NULL},
        {V("2026-02-30T10:00:00Z"), NULL},
        {V("2026-02-01\0"), NULL},
        {V(""), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vb_moment moment;
        char text[VB_MOMENT_TEXT];
        enum vb_status status = vb_moment_parse(cases[i].text, &moment);
        if (status != (cases[i].canonical ? VB_OK : VB_INVALID))
            fail_msg("%s: %s", cases[i].text.data, vb_status_name(status));
        if (!cases[i].canonical)
            continue;
        vb_moment_text(&moment, text);
        assert_string_equal(text, cases[i].canonical);
    }
}

/* `expected`: whether the end comes after the start. */
static void check_range(const char *filter, bool expected, const char *from, const char *to)
{
    struct vb_specification specification;
    struct vb_problems problems;
    struct vb_zone *zone = NULL;
    char body[512], text[VB_INSTANT_TEXT];
    vb_instant first = 0, last = 0;
    int length = snprintf(body, sizeof body, "{" ALL ",\"filter\":{%s}}", filter);
    assert_int_equal(vb_zone_new("Asia/Tokyo", &zone, NULL), VB_OK);
    assert_int_equal(
        vb_specification_parse((struct vb_view){body, (size_t)length}, &specification, &problems),
        VB_OK);
    assert_int_equal(vb_specification_range(&specification, zone, 0, &first, &last),
                     expected ? VB_OK : VB_INVALID);
    if (expected) {
        vb_instant_text(first, text);
        assert_string_equal(text, from);
        vb_instant_text(last, text);
        assert_string_equal(text, to);
    }
    vb_specification_done(&specification);
    vb_problems_done(&problems);
    vb_zone_free(zone);
}

static void makes_ranges(void **state)
{
    (void)state;
    check_range("", true, "0001-01-01T00:00:00.000000", "1970-01-01T00:00:00.000001");
    check_range("\"from\":\"2026-02-01\",\"to\":\"2026-02-01\"", true, "2026-01-31T15:00:00.000000",
                "2026-02-01T15:00:00.000000");
    check_range("\"from\":\"2026-02-01T00:00:00Z\",\"to\":\"2026-02-01\"", true,
                "2026-02-01T00:00:00.000000", "2026-02-01T15:00:00.000000");
    check_range("\"from\":\"2026-02-01\"", true, "2026-01-31T15:00:00.000000",
                "2026-01-31T15:00:00.000001");
    check_range("\"from\":\"2026-02-01T15:00:00Z\",\"to\":\"2026-02-01\"", false, NULL, NULL);
    check_range("\"from\":\"2026-02-02\",\"to\":\"2026-02-01T15:00:00Z\"", false, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_documents),     cmocka_unit_test(judges_selections),
        cmocka_unit_test(judges_filters),       cmocka_unit_test(judges_shapes),
        cmocka_unit_test(counts_conversations), cmocka_unit_test(prints_canonically),
        cmocka_unit_test(keeps_its_own),        cmocka_unit_test(refuses_what_is_not_stored),
        cmocka_unit_test(parses_moments),       cmocka_unit_test(makes_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
