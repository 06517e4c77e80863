/* JSON and NDJSON: exact bytes of small files, what is absent and what is null, texts that come
 * back unchanged, rows that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>

#include "../rendering.h"
#include "verbatim/json.h"
#include "verbatim/text.h"

/* But for rows that few sources have (tests/end_to_end/test_source_marks.py). */
#define EVERYTHING (VB_INCLUDE_DELETED - 1u)

static struct vb_zone *zone;
static struct vb_render_state state;
static const struct vb_renderer *json, *ndjson;

static struct vb_render_context context_of(unsigned include)
{
    return (struct vb_render_context){
        .zone = zone,
        .include = include,
        .state = &state,
        .channel = {.id = VB_VIEW("ch-1"), .name = VB_VIEW("Support")}};
}

static void expect_file(const struct vb_renderer *renderer, unsigned include,
                        const struct story *stories, size_t count, const char *expected)
{
    struct vb_render_context context = context_of(include);
    struct vb_buffer whole = render_file(renderer, &context, stories, count, 0);
    assert_string_equal(whole.data, expected);
    vb_buffer_done(&whole);
}

static void a_file_without_conversations_is_valid(void **unused)
{
    (void)unused;
    struct vb_render_context context = context_of(VB_INCLUDE_DEFAULT);
    expect_file(json, VB_INCLUDE_DEFAULT, NULL, 0, "[]\n");
    struct vb_buffer whole = render_file(ndjson, &context, NULL, 0, 0);
    assert_int_equal(whole.length, 0);
    vb_buffer_done(&whole);
    assert_string_equal(json->extension, ".json");
    assert_string_equal(ndjson->extension, ".ndjson");
    assert_ptr_equal(vb_renderer_find(VB_VIEW("json"), VB_VIEW("messages")), NULL);
}

/* A conversation of which the source knows nothing but what the contract requires. */
#define BARE                                                                                       \
    ",\"channel\":{\"id\":\"ch-1\",\"name\":\"Support\",\"type\":null,\"phone_number\":null},"     \
    "\"assistant\":null,\"created_at\":\"2026-04-07T23:24:43.123456-04:00\",\"ended_at\":null,"    \
    "\"status\":null,\"priority\":null"
#define BARE_END ",\"csat\":{\"rating\":null,\"comment\":null},\"feedback\":null"

static void what_is_not_included_is_absent(void **unused)
{
    (void)unused;
    const struct vb_message m = {.id = VB_VIEW("m"), .created_at = AT, .text = VB_VIEW("x")};
    const struct vb_extra note = {.kind = VB_EXTRA_NOTE, .created_at = AT, .id = VB_VIEW("n")};
    const struct story s[] = {{{.id = VB_VIEW("1"), .created_at = AT}, &m, 1, &note, 1},
                              {{.id = VB_VIEW("2"), .created_at = AT}, NULL, 0, NULL, 0}};
    expect_file(json, 0, s, 2,
                "[{\"id\":\"1\"" BARE BARE_END "},\n{\"id\":\"2\"" BARE BARE_END "}]\n");
    expect_file(ndjson, 0, s, 2,
                "{\"id\":\"1\"" BARE BARE_END "}\n{\"id\":\"2\"" BARE BARE_END "}\n");
    expect_file(ndjson, VB_INCLUDE_TAGS | VB_INCLUDE_NOTES, s + 1, 1,
                "{\"id\":\"2\"" BARE ",\"tags\":[],\"audience\":null" BARE_END ",\"notes\":[]}\n");
}

static void lists_are_there_when_they_are_empty(void **unused)
{
    (void)unused;
    const struct story s = {{.id = VB_VIEW("1"), .created_at = AT}, NULL, 0, NULL, 0};
    expect_file(ndjson, EVERYTHING, &s, 1,
                "{\"id\":\"1\"" BARE ",\"tags\":[],\"audience\":null,\"customer\":{\"id\":null,"
                "\"name\":null,\"email\":null,\"phone\":null,"
                "\"company\":null,\"address\":null,\"website\":null,\"lead_status\":null}" BARE_END
                ",\"messages\":[],\"notes\":[],\"events\":[],\"skills\":[]}\n");
}

static void everything_that_the_source_has_is_there(void **unused)
{
    (void)unused;
    struct vb_buffer stores[5];
    const struct vb_view eu[] = {VB_VIEW("eu")};
    const struct vb_view tags[] = {VB_VIEW("new, \"hot\""), {NULL, 0}, VB_VIEW("vip")};
    const struct vb_view urls[] = {VB_VIEW("https://x/a.png")};
    const struct vb_view cited[] = {VB_VIEW("T"), VB_VIEW("https://t"), VB_VIEW("")};
    const struct vb_view attached[] = {VB_VIEW("7"), VB_VIEW("https://x/a.png"), VB_VIEW(""),
                                       VB_VIEW("image/png")};
    const struct vb_message messages[] = {{.id = VB_VIEW("m1"),
                                           .created_at = AT,
                                           .direction = VB_VIEW("inbound"),
                                           .speaker_type = VB_VIEW("customer"),
                                           .text = VB_VIEW("a\nb"),
                                           .media_urls = list_of(&stores[1], urls, 1),
                                           .status = VB_VIEW("read"),
                                           .citations = list_of(&stores[2], cited, 3),
                                           .attachments = list_of(&stores[3], attached, 4)},
                                          {.id = VB_VIEW("m2"),
                                           .created_at = AT + 1,
                                           .direction = VB_VIEW("outbound"),
                                           .speaker_type = VB_VIEW("bot"),
                                           .text = VB_VIEW(""),
                                           .sender_account = VB_VIEW("acc"),
                                           .feedback = VB_VIEW("positive")}};
    const struct vb_extra extras[] = {
        {VB_EXTRA_NOTE,
         false,
         AT,
         VB_VIEW("n1"),
         VB_VIEW("Ann"),
         VB_VIEW("call \\ back"),
         {NULL, 0}},
        {VB_EXTRA_NOTE, false, AT, VB_VIEW("n2"), {NULL, 0}, VB_VIEW("t"), {NULL, 0}},
        {VB_EXTRA_SKILL, false, AT, {NULL, 0}, VB_VIEW("order"), {NULL, 0}, VB_VIEW("m2")}};
    const struct story s = {
        {.id = VB_VIEW("c1"),
         .created_at = AT,
         .contact_name = VB_VIEW("Jane"),
         .contact_phone = VB_VIEW("+12025550123"),
         .contact_email = VB_VIEW("j@x"),
         .assistant_name = VB_VIEW("Robo"),
         .channel = {VB_VIEW("ch-2"), VB_VIEW("Web"), VB_VIEW("SMS"), VB_VIEW("+1555")},
         .contact_id = VB_VIEW("p1"),
         .contact_company = VB_VIEW("Acme"),
         .assistant_id = VB_VIEW("a1"),
         .has_ended_at = true,
         .has_csat_rating = true,
         .ended_at = AT + 5,
         .csat_rating = -5,
         .status = VB_VIEW("closed"),
         .csat_comment = VB_VIEW("ok"),
         .feedback = VB_VIEW("good"),
         .tags = list_of(&stores[0], tags, 3),
         .audience = list_of(&stores[4], eu, 1),
         .has_audience = true},
        messages,
        2,
        extras,
        3};
    expect_file(
        json, EVERYTHING, &s, 1,
        "[{\"id\":\"c1\",\"channel\":{\"id\":\"ch-2\",\"name\":\"Web\",\"type\":\"SMS\","
        "\"phone_number\":\"+1555\"},\"assistant\":{\"id\":\"a1\",\"name\":\"Robo\"},"
        "\"created_at\":\"2026-04-07T23:24:43.123456-04:00\","
        "\"ended_at\":\"2026-04-07T23:24:43.123461-04:00\",\"status\":\"closed\",\"priority\":null,"
        "\"tags\":[\"new, "
        "\\\"hot\\\"\",\"vip\"],\"audience\":[\"eu\"],\"customer\":{\"id\":\"p1\",\"name\":"
        "\"Jane\","
        "\"email\":\"j@x\",\"phone\":\"+12025550123\",\"company\":\"Acme\",\"address\":null,"
        "\"website\":null,\"lead_status\":null},\"csat\":{\"rating\":-5,\"comment\":\"ok\"},"
        "\"feedback\":\"good\",\"messages\":["
        "{\"id\":\"m1\",\"created_at\":\"2026-04-07T23:24:43.123456-04:00\","
        "\"direction\":\"inbound\",\"speaker_type\":\"customer\",\"speaker_name\":\"Jane\","
        "\"text\":\"a\\nb\",\"media_urls\":[\"https://x/a.png\"],\"status\":\"read\","
        "\"sender_account\":null,\"feedback\":null,"
        "\"citations\":[{\"title\":\"T\",\"url\":\"https://t\",\"snippet\":null}],"
        "\"media\":[{\"id\":\"7\",\"url\":\"https://x/a.png\",\"file_name\":null,"
        "\"content_type\":\"image/png\",\"entry\":\"media/c1/7.png\"}]},"
        "{\"id\":\"m2\",\"created_at\":\"2026-04-07T23:24:43.123457-04:00\","
        "\"direction\":\"outbound\",\"speaker_type\":\"bot\",\"speaker_name\":\"Robo\","
        "\"text\":\"\",\"media_urls\":[],\"status\":null,\"sender_account\":\"acc\","
        "\"feedback\":\"positive\",\"citations\":[],\"media\":[]}],"
        "\"notes\":[{\"id\":\"n1\",\"created_at\":\"2026-04-07T23:24:43.123456-04:00\","
        "\"author\":\"Ann\",\"text\":\"call \\\\ back\"},"
        "{\"id\":\"n2\",\"created_at\":\"2026-04-07T23:24:43.123456-04:00\","
        "\"author\":null,\"text\":\"t\"}],\"events\":[],"
        "\"skills\":[{\"created_at\":\"2026-04-07T23:24:43.123456-04:00\",\"name\":\"order\","
        "\"outcome\":null,\"message_id\":\"m2\"}]}]\n");
    for (size_t i = 0; i < 5; i++)
        vb_buffer_done(&stores[i]);
}

/* Characters of every kind; the text always is valid UTF-8. */
static struct vb_buffer random_text(unsigned *dice)
{
    static const uint32_t limits[] = {0x20, 0x80, 0x80, 0x800, 0x10000, 0x110000};
    struct vb_buffer text;
    vb_buffer_init(&text, 4096);
    size_t length = (size_t)rand_r(dice) % 60;
    for (size_t i = 0; i < length; i++) {
        uint32_t limit = limits[rand_r(dice) % 6], c = (uint32_t)rand_r(dice) % limit;
        if (rand_r(dice) % 8 == 0)
            c = rand_r(dice) % 2 ? '"' : '\\';
        if (c >= 0xD800 && c <= 0xDFFF)
            c = 0xFFFD;
        assert_int_equal(vb_utf8_append(&text, c), VB_OK);
    }
    if (!text.data)
        assert_int_equal(vb_buffer_append_text(&text, ""), VB_OK);
    return text;
}

#define RANDOM_TEXTS 24u

static void expect_text(json_t *value, struct vb_buffer text)
{
    assert_int_equal(json_string_length(value), text.length);
    assert_memory_equal(json_string_value(value), text.data, text.length);
}

/* One conversation of random texts, read back by jansson, emptied at random places. */
static void round_trip(const struct vb_renderer *renderer, unsigned seed)
{
    unsigned dice = seed;
    struct vb_buffer texts[RANDOM_TEXTS];
    struct vb_message messages[RANDOM_TEXTS];
    struct vb_extra extras[RANDOM_TEXTS];
    for (size_t i = 0; i < RANDOM_TEXTS; i++) {
        texts[i] = random_text(&dice);
        struct vb_view view = {texts[i].data, texts[i].length};
        messages[i] = (struct vb_message){.id = VB_VIEW("m"), .created_at = AT, .text = view};
        extras[i] = (struct vb_extra){.kind = (enum vb_extra_kind)(i * 3 / RANDOM_TEXTS),
                                      .created_at = AT,
                                      .id = VB_VIEW("x"),
                                      .second = view};
    }
    struct story s = {
        {.id = VB_VIEW("1"), .created_at = AT}, messages, RANDOM_TEXTS, extras, RANDOM_TEXTS};
    s.conversation.contact_name = messages[0].text;
    struct vb_render_context context = context_of(EVERYTHING);
    struct vb_buffer whole = render_file(renderer, &context, &s, 1, seed + 1);
    struct vb_buffer at_once = render_file(renderer, &context, &s, 1, 0);
    assert_string_equal(whole.data, at_once.data);
    json_error_t error;
    json_t *root = json_loadb(whole.data, whole.length, JSON_ALLOW_NUL, &error);
    assert_non_null(root);
    json_t *c = renderer == json ? json_array_get(root, 0) : root;
    expect_text(json_object_get(json_object_get(c, "customer"), "name"), texts[0]);
    for (size_t i = 0; i < RANDOM_TEXTS; i++) {
        static const char *const lists[] = {"notes", "events", "skills"};
        static const char *const names[] = {"text", "actor", "outcome"};
        size_t kind = i * 3 / RANDOM_TEXTS, place = i - kind * RANDOM_TEXTS / 3;
        json_t *m = json_array_get(json_object_get(c, "messages"), i);
        json_t *x = json_array_get(json_object_get(c, lists[kind]), place);
        expect_text(json_object_get(m, "text"), texts[i]);
        expect_text(json_object_get(x, names[kind]), texts[i]);
        vb_buffer_done(&texts[i]);
    }
    json_decref(root);
    vb_buffer_done(&whole);
    vb_buffer_done(&at_once);
}

static void any_text_comes_back(void **unused)
{
    (void)unused;
    for (unsigned seed = 1; seed <= 300; seed++) {
        round_trip(json, seed);
        round_trip(ndjson, seed);
    }
}

static void the_byte_that_matters_is_found_at_each_place(void **unused)
{
    (void)unused;
    static const struct {
        char byte;
        const char *escape;
    } cases[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"},   {'\r', "\\r"},
                 {'\t', "\\t"}, {1, "\\u0001"}, {31, "\\u001f"}, {127, "\x7f"}};
    for (size_t k = 0; k < COUNT(cases); k++)
        for (size_t at = 0; at < 50; at++) {
            char text[51];
            memset(text, 'x', 50);
            text[50] = '\0';
            text[at] = cases[k].byte;
            char expected[80];
            snprintf(expected, sizeof expected, "\"%.*s%s%s\"", (int)at, text, cases[k].escape,
                     text + at + 1);
            struct vb_buffer out;
            vb_buffer_init(&out, 4096);
            assert_int_equal(vb_json_append(&out, VB_VIEW(""), vb_view_of(text)), VB_OK);
            assert_string_equal(out.data, expected);
            vb_buffer_done(&out);
        }
}

/* Readers that split lines split at these too; their neighbours stay as they are. */
static void line_ends_beyond_ascii_are_escaped_at_each_place(void **unused)
{
    (void)unused;
    static const char fifty[] = "01234567890123456789012345678901234567890123456789";
    static const struct {
        const char *character, *escape;
    } cases[] = {{"\xC2\x85", "\\u0085"},          {"\xE2\x80\xA8", "\\u2028"},
                 {"\xE2\x80\xA9", "\\u2029"},      {"\xC2\x84", "\xC2\x84"},
                 {"\xC3\x85", "\xC3\x85"},         {"\xE2\x80\xA7", "\xE2\x80\xA7"},
                 {"\xE2\x80\xAA", "\xE2\x80\xAA"}, {"\xE3\x80\xA8", "\xE3\x80\xA8"}};
    for (size_t k = 0; k < COUNT(cases); k++)
        for (int at = 0; at < 50; at++) {
            char text[160], expected[160];
            snprintf(text, sizeof text, "%.*s%s%s", at, fifty, cases[k].character, fifty + at);
            snprintf(expected, sizeof expected, "\"%.*s%s%s\"", at, fifty, cases[k].escape,
                     fifty + at);
            struct vb_buffer out;
            vb_buffer_init(&out, 4096);
            assert_int_equal(vb_json_append(&out, VB_VIEW(""), vb_view_of(text)), VB_OK);
            assert_string_equal(out.data, expected);
            vb_buffer_done(&out);
        }
}

static void expect_failure(struct vb_message m, size_t ceiling, enum vb_status expected)
{
    struct vb_error err = {0};
    struct vb_buffer out;
    struct vb_render_context context = context_of(EVERYTHING);
    struct story s = {{.id = VB_VIEW("c-1"), .created_at = AT}, NULL, 0, NULL, 0};
    struct vb_message good = {.id = VB_VIEW("ok"), .created_at = AT, .text = VB_VIEW("fine")};
    vb_buffer_init(&out, ceiling);
    must(json->conversation(&context, &s.conversation, true, &out, &err), &err);
    size_t before = out.length;
    assert_int_equal(json->message(&context, &s.conversation, &m, &out, &err), expected);
    assert_non_null(strstr(err.text, "conversation c-1, message m-1"));
    assert_int_equal(out.length, before);
    /* As if it had not been tried. */
    must(json->message(&context, &s.conversation, &good, &out, &err), &err);
    static const char expected_start[] = ",\"messages\":[{\"id\":\"ok\"";
    assert_memory_equal(out.data + before, expected_start, sizeof expected_start - 1);
    vb_buffer_done(&out);
}

static void rows_that_cannot_be_name_their_message(void **unused)
{
    (void)unused;
    static const char *const broken[] = {"bad \xC3\x28 bytes", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                         "cut \xE2\x82", "\xC0\x80"};
    struct vb_message m = {.id = VB_VIEW("m-1"), .created_at = AT};
    for (size_t i = 0; i < COUNT(broken); i++) {
        m.text = vb_view_of(broken[i]);
        expect_failure(m, 1u << 20, VB_SOURCE);
    }
    char large[5000];
    memset(large, 'x', sizeof large);
    m.text = (struct vb_view){large, sizeof large};
    expect_failure(m, 4000, VB_LIMIT);
}

static void a_giant_conversation_needs_no_memory(void **unused)
{
    (void)unused;
    struct vb_error err = {0};
    struct vb_buffer out;
    struct vb_render_context context = context_of(EVERYTHING);
    const struct vb_conversation c = {.id = VB_VIEW("1"), .created_at = AT};
    const struct vb_message m = {.id = VB_VIEW("m"), .created_at = AT, .text = VB_VIEW("x")};
    const struct vb_extra note = {.kind = VB_EXTRA_NOTE, .created_at = AT, .id = VB_VIEW("n")};
    vb_buffer_init(&out, 4096);
    must(json->conversation(&context, &c, true, &out, &err), &err);
    for (int i = 0; i < 200000; i++) {
        vb_buffer_reset(&out);
        must(i < 100000 ? json->message(&context, &c, &m, &out, &err)
                        : json->extra(&context, &c, &note, &out, &err),
             &err);
    }
    assert_int_equal(state.first.capacity + state.last.capacity, 0);
    vb_buffer_done(&out);
}

static void a_name_is_not_told_where_the_customer_is_left_out(void **unused)
{
    (void)unused;
    const struct vb_message m = {.id = VB_VIEW("m"),
                                 .created_at = AT,
                                 .speaker_type = VB_VIEW("customer"),
                                 .text = VB_VIEW("x")};
    const struct story s = {
        {.id = VB_VIEW("1"), .created_at = AT, .contact_name = VB_VIEW("Jane")}, &m, 1, NULL, 0};
    struct vb_render_context context = context_of(VB_INCLUDE_MESSAGES);
    struct vb_buffer whole = render_file(json, &context, &s, 1, 0);
    assert_null(strstr(whole.data, "Jane"));
    assert_non_null(strstr(whole.data, "\"speaker_name\":null"));
    vb_buffer_done(&whole);
}

static void the_reader_is_asked_for_what_is_included(void **unused)
{
    (void)unused;
    unsigned bare = VB_COLUMNS_CHANNEL | VB_COLUMNS_DETAILS | VB_COLUMNS_MARKS | VB_COLUMNS_EXTRA;
    assert_int_equal(json->columns(VB_INCLUDE_MESSAGES), bare);
    assert_int_equal(json->columns(VB_INCLUDE_CITATIONS | VB_INCLUDE_MEDIA),
                     bare | VB_COLUMNS_NO_MESSAGES);
    assert_int_equal(json->columns(EVERYTHING), bare | VB_COLUMNS_CUSTOMER | VB_COLUMNS_NOTES |
                                                    VB_COLUMNS_EVENTS | VB_COLUMNS_SKILLS |
                                                    VB_COLUMNS_CITATIONS | VB_COLUMNS_MEDIA);
    assert_int_equal(json->columns(VB_INCLUDE_MESSAGES | VB_INCLUDE_PARTICIPANTS |
                                   VB_INCLUDE_REACTIONS | VB_INCLUDE_REVISIONS),
                     bare | VB_COLUMNS_PARTICIPANTS | VB_COLUMNS_REACTIONS | VB_COLUMNS_REVISIONS);
}

static int open_zone(void **unused)
{
    (void)unused;
    json = vb_renderer_find(VB_VIEW("json"), (struct vb_view){NULL, 0});
    ndjson = vb_renderer_find(VB_VIEW("ndjson"), (struct vb_view){NULL, 0});
    vb_render_state_init(&state);
    return json && ndjson && vb_zone_new("America/New_York", &zone, NULL) == VB_OK ? 0 : -1;
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
        cmocka_unit_test(a_file_without_conversations_is_valid),
        cmocka_unit_test(what_is_not_included_is_absent),
        cmocka_unit_test(lists_are_there_when_they_are_empty),
        cmocka_unit_test(everything_that_the_source_has_is_there),
        cmocka_unit_test(any_text_comes_back),
        cmocka_unit_test(the_byte_that_matters_is_found_at_each_place),
        cmocka_unit_test(line_ends_beyond_ascii_are_escaped_at_each_place),
        cmocka_unit_test(rows_that_cannot_be_name_their_message),
        cmocka_unit_test(a_giant_conversation_needs_no_memory),
        cmocka_unit_test(a_name_is_not_told_where_the_customer_is_left_out),
        cmocka_unit_test(the_reader_is_asked_for_what_is_included),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
