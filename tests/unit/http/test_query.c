/* Query strings: decoding, and each rule's refusal by the parameter's name. */
#include "http/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static bool is_short(struct vb_view text)
{
    return text.length <= 8;
}

static const char *const colours[] = {"red", "green", "blue", NULL};

enum { LIMIT, NAME, CURSOR, COLOUR, PARAMETERS };
static const struct vb_http_parameter table[PARAMETERS] = {
    [LIMIT] = {.name = "limit",
               .is_number = true,
               .least = 1,
               .most = 200,
               .type = "int_parsing",
               .message = "Input should be a number from 1 to 200"},
    [NAME] = {.name = "name",
              .holds = is_short,
              .type = "string_too_long",
              .message = "Input should have at most 8 bytes"},
    [CURSOR] = {.name = "cursor", .type = "", .message = ""},
    [COLOUR] = {.name = "colour", .words = colours, .type = "literal_error", .message = ""},
};

/* "type name" of each problem, joined by ", "; "" where the query holds. */
static void assert_problems(struct vb_view query, const char *wanted)
{
    struct vb_http_query parsed;
    struct vb_problems problems;
    char found[512] = "";
    enum vb_status status = vb_http_query_parse(query, table, PARAMETERS, &parsed, &problems);
    for (size_t i = 0; i < vb_problems_listed(&problems); i++) {
        size_t length = strlen(found);
        (void)snprintf(found + length, sizeof(found) - length, "%s%s %s", i > 0 ? ", " : "",
                       problems.items[i].type,
                       problems.items[i].member ? problems.items[i].member : "-");
    }
    assert_string_equal(found, wanted);
    assert_int_equal(status, *wanted ? VB_INVALID : VB_OK);
    vb_problems_done(&problems);
    if (status == VB_OK)
        vb_http_query_done(&parsed);
}

static void values_are_decoded(void **state)
{
    (void)state;
    struct vb_http_query query;
    struct vb_problems problems;
    assert_int_equal(vb_http_query_parse(VB_VIEW("n%61me=a+b%2Bc%C3%A4&&limit=020&"), table,
                                         PARAMETERS, &query, &problems),
                     VB_OK);
    assert_string_equal(query.values[NAME].text, "a b+c\xC3\xA4");
    assert_int_equal(query.values[LIMIT].number, 20);
    assert_null(query.values[CURSOR].text);
    vb_http_query_done(&query);
    vb_problems_done(&problems);
    assert_int_equal(
        vb_http_query_parse(VB_VIEW("name=&cursor"), table, PARAMETERS, &query, &problems), VB_OK);
    assert_string_equal(query.values[NAME].text, "");
    assert_string_equal(query.values[CURSOR].text, "");
    vb_http_query_done(&query);
    vb_problems_done(&problems);
}

static void no_query_holds(void **state)
{
    (void)state;
    assert_problems((struct vb_view){NULL, 0}, "");
    assert_problems(VB_VIEW(""), "");
    assert_problems(VB_VIEW("&&&"), "");
}

static void rules_are_told_by_name(void **state)
{
    (void)state;
    assert_problems(VB_VIEW("limit=1"), "");
    assert_problems(VB_VIEW("limit=200"), "");
    for (const char *const *at =
             (const char *const[]){"limit=0", "limit=201", "limit=-1", "limit=", "limit=+1",
                                   "limit=1.5", "limit=0x1", "limit=9999999999999999999", NULL};
         *at; at++)
        assert_problems(vb_view_of(*at), "int_parsing limit");
    assert_problems(VB_VIEW("name=123456789"), "string_too_long name");
    assert_problems(VB_VIEW("Limit=1"), "extra_forbidden Limit");
    assert_problems(VB_VIEW("=1"), "extra_forbidden ");
    assert_problems(VB_VIEW("cursor=a&cursor=a"), "repeated cursor");
    assert_problems(VB_VIEW("cursor=a&x+y=2&limit=0"), "extra_forbidden x y, int_parsing limit");
    assert_problems(VB_VIEW("cursor=%FF"), "string_unicode cursor");
    assert_problems(VB_VIEW("cursor=%C3"), "string_unicode cursor");
    assert_problems(VB_VIEW("cursor=%00"), "string_unicode cursor");
    assert_problems(VB_VIEW("cursor=%FF&cursor=a"), "string_unicode cursor, repeated cursor");
    assert_problems(VB_VIEW("%FF=a"), "query_invalid -");
}

static void a_required_one_is_missed(void **state)
{
    (void)state;
    static const struct vb_http_parameter format[] = {
        {.name = "format", .required = true, .type = "", .message = ""}};
    struct vb_http_query query;
    struct vb_problems problems;
    assert_int_equal(vb_http_query_parse(VB_VIEW(""), format, 1, &query, &problems), VB_INVALID);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].type, "missing");
    struct vb_buffer out;
    struct vb_json json;
    vb_buffer_init(&out, 4096);
    vb_json_init(&json, &out);
    vb_problems_put(&json, &problems);
    assert_string_equal(out.data,
                        "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"query\",\"format\"],"
                        "\"msg\":\"Field required\",\"input\":null}]}");
    vb_buffer_done(&out);
    vb_problems_done(&problems);
    assert_int_equal(vb_http_query_parse(VB_VIEW("format="), format, 1, &query, &problems), VB_OK);
    vb_http_query_done(&query);
    vb_problems_done(&problems);
}

static int64_t bits_of(const char *text)
{
    struct vb_http_query query;
    struct vb_problems problems;
    assert_int_equal(vb_http_query_parse(vb_view_of(text), table, PARAMETERS, &query, &problems),
                     VB_OK);
    int64_t bits = query.values[COLOUR].number;
    char literal[VB_HTTP_LIST];
    const char *list = vb_http_value_list(&query.values[COLOUR], colours, literal);
    if (bits == 7)
        assert_string_equal(list, "{red,green,blue}");
    if (bits == 0)
        assert_null(list);
    vb_http_query_done(&query);
    vb_problems_done(&problems);
    return bits;
}

static void a_list_is_repeated_or_has_commas(void **state)
{
    (void)state;
    assert_int_equal(bits_of("limit=3"), 0);
    assert_int_equal(bits_of("colour=green"), 2);
    assert_int_equal(bits_of("colour=blue,red"), 5);
    assert_int_equal(bits_of("colour=blue&limit=1&colour=red%2Cgreen"), 7);
    assert_int_equal(bits_of("colour=red&colour=red,red"), 1);
    for (const char *const *at =
             (const char *const[]){"colour=", "colour=pink", "colour=red,", "colour=,red",
                                   "colour=red,,blue", "colour=red%20", "colour=Red", NULL};
         *at; at++)
        assert_problems(vb_view_of(*at), "literal_error colour");
    assert_problems(VB_VIEW("colour=red&colour=x&colour=y"),
                    "literal_error colour, literal_error colour");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_decoded),
        cmocka_unit_test(no_query_holds),
        cmocka_unit_test(rules_are_told_by_name),
        cmocka_unit_test(a_required_one_is_missed),
        cmocka_unit_test(a_list_is_repeated_or_has_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
