/* The CSV renderer: columns, quoting, the guard against formulas, times, and rows that cannot
 * be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../rendering.h"
#include "verbatim/render.h"

#define AT (INT64_C(1775618683123456)) /* 2026-04-08 03:24:43.123456 UTC */

static struct vb_zone *zone;
static const struct vb_renderer *csv;

static const struct vb_conversation jane = {.id = {"c-1", 3},
                                            .contact_name = {"Jane Doe", 8},
                                            .contact_phone = {"+12025550123", 12},
                                            .assistant_name = {"Robo", 4}};

static struct vb_message message_of(const char *text)
{
    return (struct vb_message){.id = VB_VIEW("m-1"),
                               .created_at = AT,
                               .direction = VB_VIEW("inbound"),
                               .speaker_type = VB_VIEW("customer"),
                               .text = vb_view_of(text),
                               .status = VB_VIEW("read")};
}

static struct vb_buffer render_row(enum vb_csv_profile profile, struct vb_message message)
{
    struct vb_buffer out;
    struct vb_error err = {0};
    struct vb_render_context context = {
        .zone = zone, .csv_profile = profile, .include = VB_INCLUDE_DEFAULT};
    vb_buffer_init(&out, 1u << 20);
    if (csv->message(&context, &jane, &message, &out, &err) != VB_OK)
        fail_msg("%s", err.text);
    return out;
}

static void expect_row(enum vb_csv_profile profile, struct vb_message message, const char *expected)
{
    struct vb_buffer out = render_row(profile, message);
    assert_string_equal(out.data, expected);
    vb_buffer_done(&out);
}

/* The message_text cell of a rendered row. */
static void expect_text(enum vb_csv_profile profile, const char *text, const char *expected)
{
    char row[1000];
    snprintf(row, sizeof row,
             "m-1,c-1,Jane Doe,+12025550123,inbound,customer,Jane Doe,"
             "2026-04-08T03:24:43.123456+00:00,%s,,read,\r\n",
             expected);
    expect_row(profile, message_of(text), row);
}

static void a_file_begins_with_the_twelve_columns(void **state)
{
    (void)state;
    static const char header[] = "message_id,conversation_id,contact_name,contact_phone,direction,"
                                 "speaker_type,speaker_name,message_time,message_text,media_url,"
                                 "status,sender_account\r\n";
    for (int profile = VB_CSV_SAFE; profile <= VB_CSV_RAW; profile++) {
        struct vb_buffer out;
        struct vb_render_context context = {.zone = zone,
                                            .csv_profile = (enum vb_csv_profile)profile};
        vb_buffer_init(&out, 4096);
        assert_int_equal(csv->begin_file(&context, &out, NULL), VB_OK);
        assert_int_equal(csv->conversation(&context, &jane, true, &out, NULL), VB_OK);
        assert_int_equal(csv->end_file(&context, &out, NULL), VB_OK);
        size_t mark = profile == VB_CSV_EXCEL ? 3 : 0;
        assert_memory_equal(out.data, "\xEF\xBB\xBF", mark);
        assert_string_equal(out.data + mark, header);
        vb_buffer_done(&out);
    }
    assert_string_equal(csv->extension, ".csv");
    assert_null(vb_renderer_find(VB_VIEW("CSV"), (struct vb_view){NULL, 0}));
}

static void cells_are_quoted_only_where_needed(void **state)
{
    (void)state;
    static const char *const plain[] = {"",
                                        "hello",
                                        "a b;c'd",
                                        "tab\there",
                                        "\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x91\x8B",
                                        "a text that is longer than two rows of sixteen bytes"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        expect_text(VB_CSV_SAFE, plain[i], plain[i]);
    expect_text(VB_CSV_SAFE, NULL, "");
    expect_text(VB_CSV_SAFE, "a,b", "\"a,b\"");
    expect_text(VB_CSV_SAFE, "say \"hi\"", "\"say \"\"hi\"\"\"");
    expect_text(VB_CSV_SAFE, "\"", "\"\"\"\"");
    expect_text(VB_CSV_SAFE, "two\nlines", "\"two\nlines\"");
    expect_text(VB_CSV_SAFE, "two\r\nlines", "\"two\r\nlines\"");
    /* The byte that matters at each place of a text longer than a vector. */
    for (size_t at = 0; at < 50; at++) {
        char text[51], quoted[60];
        memset(text, 'x', sizeof text);
        text[50] = '\0';
        text[at] = ',';
        snprintf(quoted, sizeof quoted, "\"%s\"", text);
        expect_text(VB_CSV_SAFE, text, quoted);
    }
}

static void formulas_are_guarded(void **state)
{
    (void)state;
    static const char *const formulas[] = {"=1+1",
                                           "+1",
                                           "-1",
                                           "@a",
                                           "\tx",
                                           " =1",
                                           "   @x",
                                           "'=1",
                                           "''=1",
                                           "' =1",
                                           "'-",
                                           "=",
                                           "\xEF\xBC\x9D"
                                           "1",
                                           "\xEF\xBC\x8B"
                                           "1",
                                           "\xEF\xBC\x8D"
                                           "1",
                                           "\xEF\xBC\xA0"
                                           "a",
                                           " \xEF\xBC\x9D"
                                           "1",
                                           "  \t"};
    static const char *const harmless[] = {"a=1",  "'quoted'", " x",           "'",
                                           " ",    "1+1",      "\xEF\xBC\x81", "\xC2\xA0=1",
                                           " '=1", "3-4",      "''",           "' '"};
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        char guarded[40];
        snprintf(guarded, sizeof guarded, "'%s", formulas[i]);
        expect_text(VB_CSV_SAFE, formulas[i], guarded);
        expect_text(VB_CSV_EXCEL, formulas[i], guarded);
        expect_text(VB_CSV_RAW, formulas[i], formulas[i]);
    }
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        expect_text(VB_CSV_SAFE, harmless[i], harmless[i]);
    expect_text(VB_CSV_SAFE, "\rx", "\"'\rx\"");
    expect_text(VB_CSV_SAFE, "=a,\"b\"", "\"'=a,\"\"b\"\"\"");
    expect_text(VB_CSV_RAW, "=a,\"b\"", "\"=a,\"\"b\"\"\"");
}

static void only_a_telephone_number_may_begin_with_plus(void **state)
{
    (void)state;
    static const struct {
        const char *phone, *cell;
    } cases[] = {{"+12025550123", "+12025550123"},
                 {"+1", "'+1"},
                 {"+0123", "'+0123"},
                 {"+1234567890123456", "'+1234567890123456"},
                 {"+1+cmd", "'+1+cmd"},
                 {"030 123", "030 123"},
                 {"=1", "'=1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vb_buffer out;
        struct vb_conversation c = jane;
        struct vb_message m = message_of("x");
        struct vb_render_context context = {.zone = zone, .include = VB_INCLUDE_DEFAULT};
        char start[80];
        c.contact_phone = vb_view_of(cases[i].phone);
        c.id = VB_VIEW("-5"); /* ids are never guarded */
        vb_buffer_init(&out, 4096);
        assert_int_equal(csv->message(&context, &c, &m, &out, NULL), VB_OK);
        snprintf(start, sizeof start, "m-1,-5,Jane Doe,%s,inbound,", cases[i].cell);
        assert_memory_equal(out.data, start, strlen(start));
        vb_buffer_done(&out);
    }
}

static void speakers_without_a_name_get_the_contract_s(void **state)
{
    (void)state;
    static const char row[] = "m-1,c-1,Jane Doe,+12025550123,inbound,%s,%s,"
                              "2026-04-08T03:24:43.123456+00:00,x,,read,\r\n";
    static const struct {
        const char *type, *name, *expected;
    } cases[] = {{"customer", NULL, "Jane Doe"},
                 {"customer", "", "Jane Doe"},
                 {"customer", "J", "J"},
                 {"bot", NULL, "Robo"},
                 {"bot", "", "Robo"},
                 {"agent", NULL, ""},
                 {"agent", "Ann", "Ann"},
                 {NULL, NULL, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vb_message m = message_of("x");
        char expected[300];
        m.speaker_type = vb_view_of(cases[i].type);
        m.speaker_name = vb_view_of(cases[i].name);
        snprintf(expected, sizeof expected, row, cases[i].type ? cases[i].type : "",
                 cases[i].expected);
        expect_row(VB_CSV_SAFE, m, expected);
    }
}

static void expect_media(const char *elements, size_t length, size_t count, const char *expected)
{
    struct vb_message m = message_of("x");
    char row[400];
    m.media_urls = (struct vb_text_list){{elements, length}, count};
    m.sender_account = VB_VIEW("ann");
    snprintf(row, sizeof row,
             "m-1,c-1,Jane Doe,+12025550123,inbound,customer,Jane Doe,"
             "2026-04-08T03:24:43.123456+00:00,x,%s,read,ann\r\n",
             expected);
    expect_row(VB_CSV_SAFE, m, row);
}

static void media_are_joined_by_a_comma(void **state)
{
    (void)state;
#define LIST(text) text, sizeof(text) - 1
    expect_media(LIST("\0\0\0\3a/b"), 1, "a/b");
    expect_media(LIST("\0\0\0\1a\0\0\0\1b"), 2, "\"a,b\"");
    expect_media(LIST("\0\0\0\3a,b"), 1, "a%2Cb");
    expect_media(LIST("\0\0\0\3a,b\0\0\0\2\"c"), 2, "\"a%2Cb,\"\"c\"");
    expect_media(LIST("\xFF\xFF\xFF\xFF\0\0\0\1b"), 2, "b");
    expect_media(LIST("\xFF\xFF\xFF\xFF"), 1, "");
    expect_media(LIST("\0\0\0\2=a"), 1, "'=a");
    expect_media(NULL, 0, 0, "");
#undef LIST
}

static void expect_time(const char *name, vb_instant at, const char *expected)
{
    struct vb_zone *utc = zone;
    assert_int_equal(vb_zone_new(name, &zone, NULL), VB_OK);
    struct vb_message m = message_of("x");
    m.created_at = at;
    char row[300];
    snprintf(row, sizeof row,
             "m-1,c-1,Jane Doe,+12025550123,inbound,customer,Jane Doe,%s,x,,read,\r\n", expected);
    expect_row(VB_CSV_SAFE, m, row);
    vb_zone_free(zone);
    zone = utc;
}

static void times_have_six_digits_and_the_zone_s_offset(void **state)
{
    (void)state;
    expect_time("Asia/Kathmandu", AT, "2026-04-08T09:09:43.123456+05:45");
    expect_time("America/St_Johns", AT, "2026-04-08T00:54:43.123456-02:30");
    expect_time("America/New_York", INT64_C(1793511000) * VB_SECOND,
                "2026-11-01T01:30:00.000000-04:00");
    expect_time("America/New_York", INT64_C(1793514600) * VB_SECOND,
                "2026-11-01T01:30:00.000000-05:00");
    expect_time("UTC", -1, "1969-12-31T23:59:59.999999+00:00");
    expect_time("UTC", 0, "1970-01-01T00:00:00.000000+00:00");
    expect_time("Africa/Monrovia", 0, "1969-12-31T23:15:30.000000-00:44:30");
}

static void rows_that_cannot_be_name_their_message(void **state)
{
    (void)state;
    struct vb_error err = {0};
    struct vb_render_context context = {.zone = zone, .include = VB_INCLUDE_DEFAULT};
    struct vb_buffer out;
    vb_buffer_init(&out, 400);
    assert_int_equal(vb_buffer_append_text(&out, "before"), VB_OK);
    struct vb_message m = message_of("bad \xC3\x28 bytes");
    assert_int_equal(csv->message(&context, &jane, &m, &out, &err), VB_SOURCE);
    assert_non_null(strstr(err.text, "conversation c-1, message m-1"));
    assert_string_equal(out.data, "before");
    char large[500];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    m.text = vb_view_of(large);
    assert_int_equal(csv->message(&context, &jane, &m, &out, &err), VB_LIMIT);
    assert_non_null(strstr(err.text, "message m-1"));
    assert_string_equal(out.data, "before");
    vb_buffer_done(&out);
}

/* Every byte of the text becomes two, and the rest of the row stands beside it. */
static void a_text_of_64_mib_is_a_row_whatever_is_in_it(void **state)
{
    (void)state;
    const size_t size = (size_t)64 << 20;
    struct vb_error err = {0};
    struct vb_render_context context = {.zone = zone, .include = VB_INCLUDE_DEFAULT};
    struct vb_message m = message_of("");
    struct vb_buffer out;
    char *text = malloc(size + size / 64);
    assert_non_null(text);
    memset(text, '"', size + size / 64);
    m.text = (struct vb_view){text, size};
    vb_buffer_init(&out, VB_ROW_CEILING);
    assert_int_equal(csv->message(&context, &jane, &m, &out, &err), VB_OK);
    assert_true(out.length > 2 * size && out.length < 2 * size + 300);
    vb_buffer_done(&out);
    m.text.length = size + size / 64;
    assert_int_equal(csv->message(&context, &jane, &m, &out, &err), VB_LIMIT);
    assert_string_equal(err.text, "conversation c-1, message m-1: too large for one row: "
                                  "written it has more than 135266304 bytes");
    vb_buffer_done(&out);
    free(text);
}

static void profiles_have_names(void **state)
{
    (void)state;
    enum vb_csv_profile profile = VB_CSV_SAFE;
    static const char *const names[] = {
        [VB_CSV_SAFE] = "safe", [VB_CSV_EXCEL] = "excel", [VB_CSV_RAW] = "raw"};
    for (int i = VB_CSV_SAFE; i <= VB_CSV_RAW; i++) {
        assert_int_equal(vb_csv_profile_parse(vb_view_of(names[i]), &profile), VB_OK);
        assert_int_equal(profile, i);
    }
    assert_int_equal(vb_csv_profile_parse(VB_VIEW("Safe"), &profile), VB_INVALID);
    assert_int_equal(vb_csv_profile_parse(VB_VIEW(""), &profile), VB_INVALID);
}

/* In any form: NULL is nothing, and an empty text is one. */
static void expect_form(const struct vb_render_context *form, struct vb_view text,
                        const char *media, const char *expected)
{
    struct vb_render_context context = *form;
    struct vb_buffer out, list;
    struct vb_error err = {0};
    struct vb_message m = message_of(NULL);
    context.zone = zone;
    context.include = VB_INCLUDE_DEFAULT;
    m.text = text;
    vb_buffer_init(&list, 1000);
    if (media) {
        const struct vb_view urls[] = {vb_view_of(media), VB_VIEW("b")};
        m.media_urls = list_of(&list, urls, 2);
    }
    vb_buffer_init(&out, 1u << 16);
    assert_int_equal(csv->message(&context, &jane, &m, &out, &err), VB_OK);
    assert_string_equal(out.data, expected);
    vb_buffer_done(&out);
    vb_buffer_done(&list);
}

static void other_delimiters_are_quoted_and_commas_are_not(void **state)
{
    (void)state;
    struct vb_render_context form = {.csv_delimiter = ';'};
#define BEFORE                                                                                     \
    "m-1;c-1;Jane Doe;+12025550123;inbound;customer;Jane Doe;2026-04-08T03:24:43.123456+00:00;"
    expect_form(&form, VB_VIEW("a,b"), "u,v", BEFORE "a,b;u%2Cv,b;read;\r\n");
    expect_form(&form, VB_VIEW("a;b"), "u;v", BEFORE "\"a;b\";\"u;v,b\";read;\r\n");
    expect_form(&form, VB_VIEW("=a;b"), NULL, BEFORE "\"'=a;b\";;read;\r\n");
    char wide[64] =
        "0123456789abcdefghijklmnopqrstuvwxyz"; /* the delimiter at each place of a lane */
    for (size_t i = 0; i < 36; i++) {
        char expected[300], text[64];
        memcpy(text, wide, sizeof text);
        text[i] = ';';
        snprintf(expected, sizeof expected, BEFORE "\"%s\";;read;\r\n", text);
        expect_form(&form, vb_view_of(text), NULL, expected);
    }
    form.csv_delimiter = '\t';
    form.csv_profile = VB_CSV_RAW;
    expect_form(&form, VB_VIEW("a\tb;c"), NULL,
                "m-1\tc-1\tJane Doe\t+12025550123\tinbound\tcustomer\tJane Doe\t"
                "2026-04-08T03:24:43.123456+00:00\t\"a\tb;c\"\t\tread\t\r\n");
#undef BEFORE
}

static void all_texts_are_quoted_and_nulls_are_not(void **state)
{
    (void)state;
    struct vb_render_context form = {.csv_quote = VB_CSV_QUOTE_ALL};
#define BEFORE                                                                                     \
    "\"m-1\",\"c-1\",\"Jane Doe\",\"+12025550123\",\"inbound\",\"customer\",\"Jane Doe\","         \
    "\"2026-04-08T03:24:43.123456+00:00\","
    expect_form(&form, VB_VIEW("plain"), NULL, BEFORE "\"plain\",,\"read\",\r\n");
    expect_form(&form, VB_VIEW(""), NULL, BEFORE "\"\",,\"read\",\r\n");
    expect_form(&form, (struct vb_view){NULL, 0}, NULL, BEFORE ",,\"read\",\r\n");
    expect_form(&form, VB_VIEW("00123 \"x\""), "u",
                BEFORE "\"00123 \"\"x\"\"\",\"u,b\",\"read\",\r\n");
    expect_form(&form, VB_VIEW("=1"), NULL, BEFORE "\"'=1\",,\"read\",\r\n");
#undef BEFORE
    struct vb_buffer out;
    struct vb_error err = {0};
    form.csv_delimiter = ';';
    form.csv_profile = VB_CSV_EXCEL;
    vb_buffer_init(&out, 1000);
    assert_int_equal(csv->begin_file(&form, &out, &err), VB_OK);
    assert_memory_equal(out.data, "\xEF\xBB\xBF\"message_id\";\"conversation_id\";", 34);
    assert_string_equal(out.data + out.length - 27, "\"status\";\"sender_account\"\r\n");
    vb_buffer_done(&out);
}

static void a_mark_that_is_asked_for_goes_before_the_profile(void **state)
{
    (void)state;
    static const struct {
        enum vb_csv_profile profile;
        enum vb_csv_mark mark;
        bool has_mark;
    } cases[] = {
        {VB_CSV_SAFE, VB_CSV_MARK_OF_PROFILE, false}, {VB_CSV_SAFE, VB_CSV_MARK_ON, true},
        {VB_CSV_RAW, VB_CSV_MARK_ON, true},           {VB_CSV_EXCEL, VB_CSV_MARK_OFF, false},
        {VB_CSV_EXCEL, VB_CSV_MARK_ON, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vb_render_context form = {.csv_profile = cases[i].profile,
                                         .csv_mark = cases[i].mark};
        struct vb_buffer out;
        struct vb_error err = {0};
        vb_buffer_init(&out, 1000);
        assert_int_equal(csv->begin_file(&form, &out, &err), VB_OK);
        assert_string_equal(out.data + (cases[i].has_mark ? 3 : 0),
                            "message_id,conversation_id,contact_name,contact_phone,direction,"
                            "speaker_type,speaker_name,message_time,message_text,media_url,"
                            "status,sender_account\r\n");
        assert_int_equal(strncmp(out.data, "\xEF\xBB\xBF", 3) == 0, cases[i].has_mark);
        vb_buffer_done(&out);
    }
}

static void delimiters_and_quotes_have_names(void **state)
{
    (void)state;
    char delimiter = 0;
    enum vb_csv_quote quote = VB_CSV_QUOTE_MINIMAL;
    for (const char *good = ",;\t"; *good; good++) {
        assert_int_equal(vb_csv_delimiter_parse((struct vb_view){good, 1}, &delimiter), VB_OK);
        assert_int_equal(delimiter, *good);
    }
    assert_int_equal(vb_csv_delimiter_parse(VB_VIEW(""), &delimiter), VB_INVALID);
    assert_int_equal(vb_csv_delimiter_parse(VB_VIEW("|"), &delimiter), VB_INVALID);
    assert_int_equal(vb_csv_delimiter_parse(VB_VIEW(",,"), &delimiter), VB_INVALID);
    assert_int_equal(vb_csv_delimiter_parse(VB_VIEW("\0"), &delimiter), VB_INVALID);
    assert_int_equal(vb_csv_quote_parse(VB_VIEW("all"), &quote), VB_OK);
    assert_int_equal(quote, VB_CSV_QUOTE_ALL);
    assert_int_equal(vb_csv_quote_parse(VB_VIEW("minimal"), &quote), VB_OK);
    assert_int_equal(quote, VB_CSV_QUOTE_MINIMAL);
    assert_int_equal(vb_csv_quote_parse(VB_VIEW("none"), &quote), VB_INVALID);
}

static int open_zone(void **state)
{
    (void)state;
    csv = vb_renderer_find(VB_VIEW("csv"), VB_VIEW("messages"));
    return csv && vb_zone_new("UTC", &zone, NULL) == VB_OK ? 0 : -1;
}

static int close_zone(void **state)
{
    (void)state;
    vb_zone_free(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_begins_with_the_twelve_columns),
        cmocka_unit_test(cells_are_quoted_only_where_needed),
        cmocka_unit_test(formulas_are_guarded),
        cmocka_unit_test(only_a_telephone_number_may_begin_with_plus),
        cmocka_unit_test(speakers_without_a_name_get_the_contract_s),
        cmocka_unit_test(media_are_joined_by_a_comma),
        cmocka_unit_test(times_have_six_digits_and_the_zone_s_offset),
        cmocka_unit_test(rows_that_cannot_be_name_their_message),
        cmocka_unit_test(a_text_of_64_mib_is_a_row_whatever_is_in_it),
        cmocka_unit_test(profiles_have_names),
        cmocka_unit_test(other_delimiters_are_quoted_and_commas_are_not),
        cmocka_unit_test(all_texts_are_quoted_and_nulls_are_not),
        cmocka_unit_test(a_mark_that_is_asked_for_goes_before_the_profile),
        cmocka_unit_test(delimiters_and_quotes_have_names),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
