/* Contents and names of entries, judged in pieces of any length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "verify/content.h"

static void judge(enum vb_content_kind kind, const char *text, size_t length, size_t step,
                  struct vb_content *content)
{
    vb_content_begin(content, kind);
    for (size_t done = 0; done < length; done += step)
        vb_content_feed(content, text + done, length - done < step ? length - done : step);
    vb_content_end(content);
}

/* However the bytes are cut the answer is the same. */
static void expect(enum vb_content_kind kind, const char *text, size_t length, const char *problem,
                   uint64_t items)
{
    for (size_t step = 1; step <= length + 1; step++) {
        struct vb_content content;
        judge(kind, text, length, step, &content);
        if (strstr(content.problem, problem ? problem : "") != content.problem ||
            (!problem && *content.problem))
            fail_msg("%.*s: \"%s\", not \"%s\"", (int)length, text, content.problem,
                     problem ? problem : "");
        if (!problem)
            assert_int_equal(content.items, items);
        assert_int_equal(content.size, length);
    }
}

static void expect_text(enum vb_content_kind kind, const char *text, const char *problem,
                        uint64_t items)
{
    expect(kind, text, strlen(text), problem, items);
}

static void csv_is_rfc_4180(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *problem;
        uint64_t rows;
    } cases[] = {
        {"a\r\n", NULL, 0},
        {"\xEF\xBB\xBF"
         "a,b\r\n1,2\r\n",
         NULL, 1},
        {"a,b\r\n\"x\r\ny\n,\"\"\",\"\"\r\n,\r\n", NULL, 2},
        {"a;b\r\n1,1;2\r\n", NULL, 1},
        {"a\tb\r\n1;1\t\"2\"\r\n", NULL, 1},
        {"\"a\",\"b\"\r\n\"1\",\"2\"\r\n", NULL, 1},
        {"", "there is no header line", 0},
        {"a,b\r\n1\r\n", "row 2 has 1 columns, the header has 2", 0},
        {"a,b\r\n1,2\r\n1,2,3\r\n", "row 3 has 3 columns", 0},
        {"a,b\n", "row 1: a line feed without its carriage return", 0},
        {"a,b\r1", "row 1: a carriage return without its line feed", 0},
        {"a,b\r\n1,x\"y\r\n", "row 2: a quote where none may stand", 0},
        {"a,b\r\n1,\"x\"y\r\n", "row 2: a character behind the closing quote", 0},
        {"a,b\r\n1,2", "the last row has no end", 0},
        {"a,b\r\n1,\"2\r\n", "the last row has no end", 0},
        {"a,b\r\n1,\xC3\xA9\xFF\r\n", "byte 9 is no UTF-8", 0},
        {"a,b\r\n1,\xED\xA0\x80\r\n", "byte 8 is no UTF-8", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_text(VB_CONTENT_CSV, cases[i].text, cases[i].problem, cases[i].rows);
}

static void json_is_rfc_8259(void **unused)
{
    (void)unused;
    static const char *const good[] = {
        "[]",           " [ ] \n",
        "{}",           "0",
        "-0.5e+10",     "1E5",
        "true",         "[false,null]",
        "\"\"",         "{\"a\":{\"b\":[1,{\"c\":[]}]},\"d\":\"\\u00e9\\n\\\"\\\\/\"}",
        "[1.5,0,-1,10]"};
    static const char *const bad[] = {"",
                                      "[",
                                      "]",
                                      "[1,]",
                                      "[,1]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "[1 2]",
                                      "[01]",
                                      "[1.]",
                                      "[.5]",
                                      "[-]",
                                      "[+1]",
                                      "[1e]",
                                      "[1e+]",
                                      "tru",
                                      "[nul]",
                                      "truex",
                                      "[1]]",
                                      "[\"\\x\"]",
                                      "[\"\\u12g4\"]",
                                      "[\"a\nb\"]",
                                      "\"a",
                                      "[\"a]",
                                      "{\"a\":1]",
                                      "[1}",
                                      "[] []",
                                      "'a'",
                                      "[1.2.3]",
                                      "[1e5e5]",
                                      "[--1]",
                                      "\xEF\xBB\xBF[]",
                                      "[0x10]",
                                      "[NaN]",
                                      "[\"\\\"]"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct vb_content content;
        judge(VB_CONTENT_JSON, good[i], strlen(good[i]), 1, &content);
        assert_string_equal(content.problem, "");
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vb_content content;
        judge(VB_CONTENT_JSON, bad[i], strlen(bad[i]), 1, &content);
        if (!*content.problem)
            fail_msg("%s passed", bad[i]);
    }
    expect_text(VB_CONTENT_JSON, "[{\"a\":[1,2]},{},[3]]", NULL, 3);
    expect_text(VB_CONTENT_NDJSON, "{\"a\":1}\n{}\n", NULL, 2);
    expect_text(VB_CONTENT_NDJSON, "", NULL, 0);
    expect_text(VB_CONTENT_NDJSON, "{}\n\n", "line 2 is no JSON object", 0);
    expect_text(VB_CONTENT_NDJSON, "{}\n[]\n", "line 2 is no JSON object", 0);
    expect_text(VB_CONTENT_NDJSON, "{}\n{\n}\n", "line 2 is no JSON object", 0);
    expect_text(VB_CONTENT_NDJSON, "{}", "the last line has no end", 0);
}

/* A deep one is refused without running out of anything. */
static void depth_is_bounded(void **unused)
{
    (void)unused;
    char text[2 * (VB_JSON_DEPTH + 1)];
    struct vb_content content;
    memset(text, '[', VB_JSON_DEPTH + 1);
    memset(text + VB_JSON_DEPTH + 1, ']', VB_JSON_DEPTH + 1);
    judge(VB_CONTENT_JSON, text, sizeof text, 7, &content);
    assert_string_equal(content.problem, "no JSON at byte 64");
    judge(VB_CONTENT_JSON, text + 1, sizeof text - 2, 7, &content);
    assert_string_equal(content.problem, "");
}

/* Against a parser of a library, over texts made of JSON's own characters. */
static void it_agrees_with_a_parser(void **unused)
{
    (void)unused;
    static const char *const pieces[] = {"{",     "}",    "[", "]",       ",",          ":",
                                         "\"a\"", "1",    "0", "-",       ".5",         "e1",
                                         "true",  "null", " ", "\"\\n\"", "\"\\u0041\""};
    unsigned dice = 11, good = 0;
    for (int round = 0; round < 200000; round++) {
        char text[80] = "[";
        size_t length = 1;
        int count = rand_r(&dice) % 7;
        for (int i = 0; i < count; i++)
            length +=
                (size_t)snprintf(text + length, sizeof text - length, "%s",
                                 pieces[(size_t)rand_r(&dice) % (sizeof pieces / sizeof *pieces)]);
        snprintf(text + length, sizeof text - length, "]");
        struct vb_content content;
        judge(VB_CONTENT_JSON, text, strlen(text), 80, &content);
        json_t *parsed = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
        if ((parsed != NULL) != !*content.problem)
            fail_msg("%s: \"%s\"", text, content.problem);
        if (parsed) {
            assert_int_equal(content.items, json_array_size(parsed));
            good++;
        }
        json_decref(parsed);
    }
    assert_in_range(good, 1000, 200000);
}

static void pages_and_pdfs_are_whole(void **unused)
{
    (void)unused;
    expect_text(VB_CONTENT_HTML, "<!DOCTYPE html>\n<p>x</body></html>\n", NULL, 0);
    expect_text(VB_CONTENT_HTML, "<!DOCTYPE html>\n<p>x", "is no whole page", 0);
    expect_text(VB_CONTENT_HTML, "<p>x</html>\n", "is no whole page", 0);
    expect_text(VB_CONTENT_HTML, "<!DOCTYPE html>\xC0\xAF</html>", "byte 15 is no UTF-8", 0);
    expect_text(VB_CONTENT_PDF, "%PDF-1.7\n\xFF\xFE\n%%EOF\n", NULL, 0);
    expect_text(VB_CONTENT_PDF, "%PDF-1.7\n\xFF\xFE\n", "is no whole PDF", 0);
    expect_text(VB_CONTENT_PDF, "", "is no whole PDF", 0);
    expect_text(VB_CONTENT_TEXT, "x\xC3", "the last character is cut", 0);
    expect_text(VB_CONTENT_MEDIUM, "\xFF", NULL, 0);
}

static void names_are_those_of_exports(void **unused)
{
    (void)unused;
    static const struct {
        const char *name, *problem;
        enum vb_content_kind kind;
    } cases[] = {
        {"Jane--2026-04-08_032443--SMS (+1).csv", "", VB_CONTENT_CSV},
        {"\xD9\x85--x.ndjson", "", VB_CONTENT_NDJSON},
        {"conversations-00001.json", "", VB_CONTENT_JSON},
        {"index.html", "", VB_CONTENT_HTML},
        {"a.pdf", "", VB_CONTENT_PDF},
        {"nothing-found.txt", "", VB_CONTENT_TEXT},
        {"media/1/2-a.csv", "", VB_CONTENT_MEDIUM},
        {"media/errors.csv", "", VB_CONTENT_CSV},
        {"other/a.csv", "", VB_CONTENT_UNKNOWN},
        {"--help.csv", "does not begin with a letter or digit", VB_CONTENT_CSV},
        {".hidden.csv", "does not begin with a letter or digit", VB_CONTENT_CSV},
        {"media/1/_a.png", "does not begin with a letter or digit", VB_CONTENT_MEDIUM},
        {"../up.csv", "the path leads elsewhere", VB_CONTENT_UNKNOWN},
        {"a/../../up.csv", "the path leads elsewhere", VB_CONTENT_UNKNOWN},
        {"/etc/passwd", "a part of the path is empty", VB_CONTENT_UNKNOWN},
        {"a//b.csv", "a part of the path is empty", VB_CONTENT_UNKNOWN},
        {"folder/", "a part of the path is empty", VB_CONTENT_UNKNOWN},
        {"C:\\x.csv", "has a character", VB_CONTENT_CSV},
        {"a\\..\\b.csv", "has a character", VB_CONTENT_CSV},
        {"a\x1b[31m.csv", "has a character", VB_CONTENT_CSV},
        {"a\xE2\x80\xAEvsc.csv", "has a character", VB_CONTENT_CSV},
        {"a\xFF.csv", "the name is no UTF-8", VB_CONTENT_CSV},
        {"con.csv", "is a device for Windows", VB_CONTENT_CSV},
        {"a./b.csv", "ends in a dot or blank", VB_CONTENT_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char problem[160];
        vb_entry_name_judge(vb_view_of(cases[i].name), problem);
        if (strncmp(problem, cases[i].problem, strlen(cases[i].problem)) != 0 ||
            (!*cases[i].problem && *problem))
            fail_msg("%s: \"%s\"", cases[i].name, problem);
        assert_int_equal(vb_content_kind_of(vb_view_of(cases[i].name)), cases[i].kind);
    }
    char problem[160], longest[140] = "";
    memset(longest, 'x', 121);
    vb_entry_name_judge((struct vb_view){longest, 120}, problem);
    assert_string_equal(problem, "");
    vb_entry_name_judge((struct vb_view){longest, 121}, problem);
    assert_string_equal(problem, "has more than 120 characters");
    for (size_t i = 0; i < 8; i++)
        longest[i] = "media/1/"[i];
    vb_entry_name_judge((struct vb_view){longest, 68}, problem);
    assert_string_equal(problem, "");
    vb_entry_name_judge((struct vb_view){longest, 69}, problem);
    assert_string_equal(problem, "the medium's name has more than 60 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_rfc_4180),          cmocka_unit_test(json_is_rfc_8259),
        cmocka_unit_test(depth_is_bounded),         cmocka_unit_test(it_agrees_with_a_parser),
        cmocka_unit_test(pages_and_pdfs_are_whole), cmocka_unit_test(names_are_those_of_exports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
