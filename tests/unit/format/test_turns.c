/* JSON of turns: the documented example to the letter, turns, times in words, notes that come
 * first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "../rendering.h"

#define INCLUDED (VB_INCLUDE_DEFAULT | VB_INCLUDE_NOTES)
#define DECEMBER (INT64_C(1733049000) * VB_SECOND) /* 2024-12-01 10:30:00 UTC */
#define OPENING "{\"success\":true,\"message\":\"Conversations exported successfully\",\"data\":["

static struct vb_zone *zone;
static struct vb_render_state state;
static const struct vb_renderer *turns;

static struct vb_render_context context_of(unsigned include)
{
    return (struct vb_render_context){.zone = zone, .include = include, .state = &state};
}

static void expect_file(unsigned include, const struct story *stories, size_t count,
                        const char *expected)
{
    struct vb_render_context context = context_of(include);
    for (unsigned draining = 0; draining < 4; draining++) {
        struct vb_buffer whole = render_file(turns, &context, stories, count, draining);
        assert_string_equal(whole.data, expected);
        vb_buffer_done(&whole);
    }
}

static struct vb_message said(const char *speaker, const char *text)
{
    return (struct vb_message){.id = VB_VIEW("m"),
                               .created_at = DECEMBER,
                               .direction = VB_VIEW("outbound"),
                               .speaker_type = vb_view_of(speaker),
                               .text = vb_view_of(text)};
}

/* Members, their order and their values are those of the document's example; address and website,
 * which its notes promise, stand between company and notes. */
static void the_documented_example_comes_out(void **unused)
{
    (void)unused;
    struct vb_buffer store;
    const struct vb_view tags[] = {VB_VIEW("new-lead"), VB_VIEW("high-priority")};
    const struct vb_message hello = said("customer", "Hello!");
    const struct vb_extra note = {.kind = VB_EXTRA_NOTE,
                                  .id = VB_VIEW("1"),
                                  .second = VB_VIEW("Customer interested in premium plan")};
    const struct story s = {{.id = VB_VIEW("convo123"),
                             .created_at = DECEMBER,
                             .contact_name = VB_VIEW("John Doe"),
                             .contact_email = VB_VIEW("john@example.com"),
                             .contact_phone = VB_VIEW("+1234567890"),
                             .contact_company = VB_VIEW("Acme Corp"),
                             .feedback = VB_VIEW("Positive"),
                             .tags = list_of(&store, tags, 2)},
                            &hello,
                            1,
                            &note,
                            1};
    expect_file(INCLUDED, &s, 1,
                OPENING
                "{\"metadata\":{\"feedback\":\"Positive\",\"convo\":{\"id\":\"convo123\","
                "\"userName\":\"John Doe\",\"userEmail\":\"john@example.com\","
                "\"userPhone\":\"+1234567890\",\"userCompany\":\"Acme Corp\",\"userAddress\":\"\","
                "\"userWebsite\":\"\",\"notes\":\"Customer interested in premium plan\","
                "\"tags\":[\"new-lead\",\"high-priority\"]},\"sessions\":[]},"
                "\"turns\":[{\"from\":\"user\",\"messages\":[{\"type\":\"text\","
                "\"ts\":\"December 1st 2024, 10:30:00 am\","
                "\"payload\":{\"message\":\"Hello!\",\"feedback\":\"Unset\"}}]}]}]}\n");
    vb_buffer_done(&store);
}

/* A conversation with nothing in it, from its id on. */
#define METADATA(id, notes)                                                                        \
    "{\"metadata\":{\"feedback\":\"Unset\",\"convo\":{\"id\":\"" id "\",\"userName\":\"\","        \
    "\"userEmail\":\"\",\"userPhone\":\"\",\"userCompany\":\"\",\"userAddress\":\"\","             \
    "\"userWebsite\":\"\",\"notes\":\"" notes "\",\"tags\":[]},\"sessions\":[]},\"turns\":["
#define SAID(text)                                                                                 \
    "{\"type\":\"text\",\"ts\":\"December 1st 2024, 10:30:00 "                                     \
    "am\",\"payload\":{\"message\":\"" text "\",\"feedback\":\"Unset\"}}"

static void files_without_conversations_or_messages_are_valid(void **unused)
{
    (void)unused;
    const struct story s[] = {{{.id = VB_VIEW("1")}, NULL, 0, NULL, 0},
                              {{.id = VB_VIEW("2")}, NULL, 0, NULL, 0}};
    expect_file(INCLUDED, NULL, 0, OPENING "]}\n");
    expect_file(INCLUDED, s, 2, OPENING METADATA("1", "") "]},\n" METADATA("2", "") "]}]}\n");
}

static void a_turn_is_a_run_of_one_side(void **unused)
{
    (void)unused;
    struct vb_message m[] = {said("customer", "a"), said("customer", "b"), said("bot", "c"),
                             said("agent", "d"),    said("agent", "e"),    said("customer", "f"),
                             said("system", "g"),   said(NULL, "h")};
    m[6].direction = VB_VIEW("inbound"); /* the user's, like the one before */
    const struct story s = {{.id = VB_VIEW("1")}, m, 8, NULL, 0};
#define FROM(side) "{\"from\":\"" side "\",\"messages\":["
    expect_file(INCLUDED, &s, 1,
                OPENING METADATA("1", "") FROM("user") SAID("a") "," SAID("b") "]}," FROM("bot")
                    SAID("c") "]}," FROM("agent") SAID("d") "," SAID("e") "]}," FROM("user")
                        SAID("f") "," SAID("g") "]}," FROM("agent") SAID("h") "]}]}]}\n");
    expect_file(VB_INCLUDE_TAGS, &s, 1, OPENING METADATA("1", "") "]}]}\n");
}

static void notes_are_joined_by_line_feeds(void **unused)
{
    (void)unused;
    const struct vb_message m = said("bot", "x");
    struct vb_extra notes[] = {{.kind = VB_EXTRA_NOTE, .second = VB_VIEW("say \"hi\"")},
                               {.kind = VB_EXTRA_NOTE, .second = VB_VIEW("")},
                               {.kind = VB_EXTRA_NOTE, .second = VB_VIEW("two\nlines")},
                               {.kind = VB_EXTRA_EVENT, .second = VB_VIEW("not a note")}};
    const struct story s = {{.id = VB_VIEW("1")}, &m, 1, notes, 4};
    expect_file(INCLUDED, &s, 1,
                OPENING METADATA("1", "say \\\"hi\\\"\\n\\ntwo\\nlines") FROM("bot")
                    SAID("x") "]}]}]}\n");
    expect_file(VB_INCLUDE_DEFAULT, &s, 1,
                OPENING METADATA("1", "") FROM("bot") SAID("x") "]}]}]}\n");
    assert_int_equal(turns->columns(INCLUDED), VB_COLUMNS_DETAILS | VB_COLUMNS_CUSTOMER |
                                                   VB_COLUMNS_NOTES | VB_COLUMNS_NOTES_FIRST);
}

static void feedback_is_one_of_three_words(void **unused)
{
    (void)unused;
    static const struct {
        const char *feedback, *word;
    } cases[] = {{"positive", "Positive"},
                 {"NEGATIVE", "Negative"},
                 {"Positive", "Positive"},
                 {NULL, "Unset"},
                 {"", "Unset"},
                 {"positive!", "Unset"},
                 {"unset", "Unset"},
                 {"\xFF", "Unset"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vb_render_context context = context_of(INCLUDED);
        struct vb_message m = said("bot", "x");
        struct story s = {{.id = VB_VIEW("1")}, &m, 1, NULL, 0};
        m.feedback = s.conversation.feedback = vb_view_of(cases[i].feedback);
        struct vb_buffer whole = render_file(turns, &context, &s, 1, 0);
        char of_message[60], of_conversation[60];
        snprintf(of_message, sizeof of_message, "\"x\",\"feedback\":\"%s\"}", cases[i].word);
        snprintf(of_conversation, sizeof of_conversation, "\"metadata\":{\"feedback\":\"%s\",",
                 cases[i].word);
        assert_non_null(strstr(whole.data, of_message));
        assert_non_null(strstr(whole.data, of_conversation));
        vb_buffer_done(&whole);
    }
}

static void media_carry_their_urls(void **unused)
{
    (void)unused;
    struct vb_buffer store;
    const struct vb_view urls[] = {{NULL, 0}, VB_VIEW("https://x/\"a\""), VB_VIEW("https://x/b")};
    struct vb_message m[] = {said("bot", ""), said("bot", "x"), said("bot", NULL)};
    m[0].media_urls = m[1].media_urls = list_of(&store, urls, 3);
    const struct story s = {{.id = VB_VIEW("1")}, m, 3, NULL, 0};
#define TS ",\"ts\":\"December 1st 2024, 10:30:00 am\",\"payload\":{\"message\":"
#define URLS ",\"feedback\":\"Unset\",\"urls\":[\"https://x/\\\"a\\\"\",\"https://x/b\"]}}"
    expect_file(INCLUDED, &s, 1,
                OPENING METADATA("1", "") FROM("bot") "{\"type\":\"media\"" TS "\"\"" URLS
                                                      ",{\"type\":\"text\"" TS "\"x\"" URLS
                                                      "," SAID("") "]}]}]}\n");
    vb_buffer_done(&store);
}

static void expect_time(const char *name, int64_t second, const char *expected)
{
    struct vb_zone *before = zone;
    assert_int_equal(vb_zone_new(name, &zone, NULL), VB_OK);
    struct vb_message m = said("bot", "x");
    m.created_at = second * VB_SECOND + 999999;
    struct story s = {{.id = VB_VIEW("1")}, &m, 1, NULL, 0};
    struct vb_render_context context = context_of(INCLUDED);
    struct vb_buffer whole = render_file(turns, &context, &s, 1, 0);
    char member[80];
    snprintf(member, sizeof member, "\"ts\":\"%s\",", expected);
    if (!strstr(whole.data, member))
        fail_msg("%s is not in %s", member, whole.data);
    vb_buffer_done(&whole);
    vb_zone_free(zone);
    zone = before;
}

static void times_are_written_as_people_say_them(void **unused)
{
    (void)unused;
    static const char *const ordinals[] = {
        "1st",  "2nd",  "3rd",  "4th",  "5th",  "6th",  "7th",  "8th",  "9th",  "10th", "11th",
        "12th", "13th", "14th", "15th", "16th", "17th", "18th", "19th", "20th", "21st", "22nd",
        "23rd", "24th", "25th", "26th", "27th", "28th", "29th", "30th", "31st"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    for (int day = 0; day < 31; day++) {
        char expected[60];
        snprintf(expected, sizeof expected, "March %s 2026, 5:07:09 pm", ordinals[day]);
        expect_time("UTC", INT64_C(1772384829) + day * 86400, expected);
    }
    for (int month = 1; month <= 12; month++) {
        char expected[60];
        snprintf(expected, sizeof expected, "%s 15th 2025, 12:00:00 am", months[month - 1]);
        expect_time("UTC", vb_date_to_days((struct vb_date){2025, month, 15}) * 86400, expected);
    }
    for (int hour = 0; hour < 24; hour++) {
        char expected[60];
        snprintf(expected, sizeof expected, "January 1st 1970, %d:00:00 %s",
                 hour % 12 == 0 ? 12 : hour % 12, hour < 12 ? "am" : "pm");
        expect_time("UTC", hour * 3600, expected);
    }
    expect_time("Asia/Kathmandu", INT64_C(1775618683), "April 8th 2026, 9:09:43 am");
    expect_time("America/New_York", INT64_C(1775618683), "April 7th 2026, 11:24:43 pm");
    expect_time("UTC", -1, "December 31st 1969, 11:59:59 pm");
}

static void a_row_that_fails_changes_nothing(void **unused)
{
    (void)unused;
    struct vb_error err = {0};
    struct vb_buffer out;
    struct vb_render_context context = context_of(INCLUDED);
    struct vb_conversation c = {.id = VB_VIEW("c-1")};
    struct vb_message bad = said("bot", "\xED\xA0\x80"), good = said("agent", "x");
    struct vb_extra note = {.kind = VB_EXTRA_NOTE, .second = VB_VIEW("\xFF")};
    char large[5000];
    memset(large, '\x01', sizeof large);
    vb_buffer_init(&out, 4000);
    must(turns->conversation(&context, &c, true, &out, &err), &err);
    assert_int_equal(turns->extra(&context, &c, &note, &out, &err), VB_SOURCE);
    assert_non_null(strstr(err.text, "conversation c-1:"));
    assert_int_equal(turns->message(&context, &c, &bad, &out, &err), VB_SOURCE);
    assert_non_null(strstr(err.text, "conversation c-1, message m:"));
    bad.text = (struct vb_view){large, 1000};
    assert_int_equal(turns->message(&context, &c, &bad, &out, &err), VB_LIMIT);
    must(turns->message(&context, &c, &good, &out, &err), &err);
    must(turns->end_conversation(&context, &c, &out, &err), &err);
    assert_string_equal(out.data, METADATA("c-1", "") FROM("agent") SAID("x") "]}]}");
    vb_buffer_done(&out);
}

static int open_zone(void **unused)
{
    (void)unused;
    turns = vb_renderer_find(VB_VIEW("json"), VB_VIEW("turns"));
    vb_render_state_init(&state);
    return turns && vb_zone_new("UTC", &zone, NULL) == VB_OK ? 0 : -1;
}

static int close_zone(void **unused)
{
    (void)unused;
    vb_render_state_done(&state);
    vb_zone_free(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_example_comes_out),
        cmocka_unit_test(files_without_conversations_or_messages_are_valid),
        cmocka_unit_test(a_turn_is_a_run_of_one_side),
        cmocka_unit_test(notes_are_joined_by_line_feeds),
        cmocka_unit_test(feedback_is_one_of_three_words),
        cmocka_unit_test(media_carry_their_urls),
        cmocka_unit_test(times_are_written_as_people_say_them),
        cmocka_unit_test(a_row_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
