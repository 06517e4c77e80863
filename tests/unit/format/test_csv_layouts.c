/* CSV with one row a conversation, and the cells of the messages layout that depend on
 * `include`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "../rendering.h"

#define CONVERSATIONS_HEADER                                                                       \
    "conversation_id,customer_email,channel,started_at,ended_at,status,priority,tags,"             \
    "message_count,agent_assigned,csat_rating,csat_comment,first_message,last_message\r\n"
#define LEADS_HEADER                                                                               \
    "conversation_id,agent_id,channel,status,started_at,ended_at,lead_name,lead_email,lead_phone," \
    "lead_status,message_count,first_user_message,last_assistant_message\r\n"

static struct vb_zone *zone;
static struct vb_render_state state;
static const struct vb_renderer *conversations, *leads, *messages;

static void expect_rows(const struct vb_renderer *renderer, unsigned include,
                        enum vb_csv_profile profile, const struct story *stories, size_t count,
                        const char *expected)
{
    struct vb_render_context context = {.zone = zone,
                                        .include = include,
                                        .csv_profile = profile,
                                        .state = &state,
                                        .channel = {.id = VB_VIEW("ch"), .name = VB_VIEW("Job's")}};
    for (unsigned draining = 0; draining < 4; draining++) {
        struct vb_buffer whole = render_file(renderer, &context, stories, count, draining);
        assert_string_equal(whole.data, expected);
        vb_buffer_done(&whole);
    }
}

static struct vb_message said(const char *speaker, const char *text)
{
    return (struct vb_message){.id = VB_VIEW("m"),
                               .created_at = AT,
                               .direction = VB_VIEW("inbound"),
                               .speaker_type = vb_view_of(speaker),
                               .text = vb_view_of(text)};
}

static const struct vb_conversation full = {.id = {"-7", 2},
                                            .created_at = AT,
                                            .contact_name = {"=Jane", 5},
                                            .contact_phone = {"+12025550123", 12},
                                            .contact_email = {"j@x,y", 5},
                                            .contact_lead_status = {"hot", 3},
                                            .assistant_id = {"-1", 2},
                                            .channel = {.id = {"c2", 2}, .name = {"Web", 3}},
                                            .has_ended_at = true,
                                            .ended_at = AT + 60 * VB_SECOND,
                                            .status = {"closed", 6},
                                            .priority = {"high", 4},
                                            .assigned_agent = {"@ann", 4},
                                            .has_csat_rating = true,
                                            .csat_rating = -2,
                                            .csat_comment = {"so \"so\"", 7}};

static void a_conversation_is_one_row(void **unused)
{
    (void)unused;
    struct vb_buffer store;
    const struct vb_view tags[] = {VB_VIEW("a,b"), {NULL, 0}, VB_VIEW("c")};
    const struct vb_message m[] = {said("bot", "Hello"), said("customer", "=1+1"),
                                   said("agent", "bye,\nbye")};
    struct story s[] = {{full, m, 3, NULL, 0},
                        {{.id = VB_VIEW("8"), .created_at = 0}, NULL, 0, NULL, 0}};
    s[0].conversation.tags = list_of(&store, tags, 3);
#define TIMES "2026-04-08T09:09:43.123456+05:45,2026-04-08T09:10:43.123456+05:45"
    expect_rows(conversations, VB_INCLUDE_DEFAULT, VB_CSV_SAFE, s, 2,
                CONVERSATIONS_HEADER "-7,\"j@x,y\",Web," TIMES
                                     ",closed,high,\"a%2Cb,c\",3,'@ann,-2,\"so \"\"so\"\"\","
                                     "Hello,\"bye,\nbye\"\r\n"
                                     "8,,Job's,1970-01-01T05:30:00.000000+05:30,,,,,0,,,,,\r\n");
    expect_rows(conversations, VB_INCLUDE_MESSAGES, VB_CSV_RAW, s, 1,
                CONVERSATIONS_HEADER "-7,,Web," TIMES ",closed,high,,3,@ann,-2,\"so \"\"so\"\"\","
                                     "Hello,\"bye,\nbye\"\r\n");
    expect_rows(conversations, VB_INCLUDE_CUSTOMER, VB_CSV_EXCEL, s, 1,
                "\xEF\xBB\xBF" CONVERSATIONS_HEADER "-7,\"j@x,y\",Web," TIMES
                ",closed,high,,,'@ann,-2,\"so \"\"so\"\"\",,\r\n");
    expect_rows(conversations, VB_INCLUDE_DEFAULT, VB_CSV_SAFE, NULL, 0, CONVERSATIONS_HEADER);
    vb_buffer_done(&store);
}

/* Numbers are no texts, and what a row quotes does not depend on the rows before it. */
static void all_texts_of_a_conversation_are_quoted_and_numbers_are_not(void **unused)
{
    (void)unused;
    const struct vb_message m[] = {said("bot", "Hello"), said("customer", "x;y")};
    const struct story s[] = {{full, m, 2, NULL, 0},
                              {{.id = VB_VIEW("8"), .created_at = 0}, NULL, 0, NULL, 0}};
    struct vb_render_context context = {.zone = zone,
                                        .include = VB_INCLUDE_DEFAULT,
                                        .csv_quote = VB_CSV_QUOTE_ALL,
                                        .csv_delimiter = ';',
                                        .state = &state,
                                        .channel = {.id = VB_VIEW("ch"), .name = VB_VIEW("Job's")}};
    struct vb_buffer whole = render_file(conversations, &context, s, 2, 0);
    const char *rows = strchr(whole.data, '\n') + 1;
    assert_string_equal(rows,
                        "\"-7\";\"j@x,y\";\"Web\";\"2026-04-08T09:09:43.123456+05:45\";"
                        "\"2026-04-08T09:10:43.123456+05:45\";\"closed\";\"high\";;2;\"'@ann\";-2;"
                        "\"so \"\"so\"\"\";\"Hello\";\"x;y\"\r\n"
                        "\"8\";;\"Job's\";\"1970-01-01T05:30:00.000000+05:30\";;;;;0;;;;;\r\n");
    vb_buffer_done(&whole);
}

static void a_lead_is_one_row(void **unused)
{
    (void)unused;
    const struct vb_message m[] = {said("bot", "Hello"), said("customer", "=1+1"),
                                   said("customer", "second"), said("bot", "last bot"),
                                   said("agent", "a human")};
    const struct vb_message silent[] = {said("agent", "anybody?")};
    const struct story s[] = {
        {full, m, 5, NULL, 0},
        {{.id = VB_VIEW("8"), .created_at = 0}, silent, 1, NULL, 0},
    };
    expect_rows(leads, VB_INCLUDE_DEFAULT, VB_CSV_SAFE, s, 2,
                LEADS_HEADER "-7,-1,Web,closed," TIMES
                             ",'=Jane,\"j@x,y\",+12025550123,hot,5,'=1+1,last bot\r\n"
                             "8,,Job's,,1970-01-01T05:30:00.000000+05:30,,,,,,1,,\r\n");
    expect_rows(leads, VB_INCLUDE_MESSAGES, VB_CSV_RAW, s, 1,
                LEADS_HEADER "-7,-1,Web,closed," TIMES ",,,,,5,=1+1,last bot\r\n");
    expect_rows(leads, VB_INCLUDE_CUSTOMER, VB_CSV_RAW, s, 1,
                LEADS_HEADER "-7,-1,Web,closed," TIMES ",=Jane,\"j@x,y\",+12025550123,hot,,,\r\n");
}

static void a_first_message_without_text_is_the_first(void **unused)
{
    (void)unused;
    const struct vb_message m[] = {said("customer", ""), said("customer", "later"),
                                   said("bot", "x"), said("bot", NULL)};
    const struct story s = {{.id = VB_VIEW("8"), .created_at = 0}, m, 4, NULL, 0};
    expect_rows(conversations, VB_INCLUDE_MESSAGES, VB_CSV_SAFE, &s, 1,
                CONVERSATIONS_HEADER "8,,Job's,1970-01-01T05:30:00.000000+05:30,,,,,4,,,,,\r\n");
    expect_rows(leads, VB_INCLUDE_MESSAGES, VB_CSV_SAFE, &s, 1,
                LEADS_HEADER "8,,Job's,,1970-01-01T05:30:00.000000+05:30,,,,,,4,,\r\n");
}

static void rows_that_cannot_be_name_what_they_are(void **unused)
{
    (void)unused;
    struct vb_error err = {0};
    struct vb_buffer out;
    struct vb_render_context context = {
        .zone = zone, .include = VB_INCLUDE_DEFAULT, .state = &state};
    struct vb_conversation c = full;
    struct vb_message bad = said("bot", "\xC3");
    vb_buffer_init(&out, 200);
    must(conversations->conversation(&context, &c, true, &out, &err), &err);
    assert_int_equal(conversations->message(&context, &c, &bad, &out, &err), VB_SOURCE);
    assert_non_null(strstr(err.text, "conversation -7, message m"));
    must(conversations->conversation(&context, &c, false, &out, &err), &err);
    c.csat_comment = VB_VIEW("\xFF");
    assert_int_equal(conversations->end_conversation(&context, &c, &out, &err), VB_SOURCE);
    assert_non_null(strstr(err.text, "conversation -7:"));
    assert_int_equal(out.length, 0);
    char large[300];
    memset(large, 'x', sizeof large);
    c.csat_comment = (struct vb_view){large, sizeof large};
    assert_int_equal(conversations->end_conversation(&context, &c, &out, &err), VB_LIMIT);
    assert_non_null(strstr(err.text, "conversation -7:"));
    assert_int_equal(out.length, 0);
    vb_buffer_done(&out);
}

static void a_large_text_is_not_kept_for_the_next_conversation(void **unused)
{
    (void)unused;
    struct vb_error err = {0};
    struct vb_buffer out;
    size_t size = 8u << 20;
    char *large = malloc(size);
    assert_non_null(large);
    memset(large, 'x', size);
    struct vb_render_context context = {
        .zone = zone, .include = VB_INCLUDE_DEFAULT, .state = &state};
    struct vb_message m = said("bot", "");
    m.text = (struct vb_view){large, size};
    vb_buffer_init(&out, 64u << 20);
    must(conversations->conversation(&context, &full, true, &out, &err), &err);
    must(conversations->message(&context, &full, &m, &out, &err), &err);
    must(conversations->end_conversation(&context, &full, &out, &err), &err);
    assert_true(out.length > 2 * size);
    must(conversations->conversation(&context, &full, false, &out, &err), &err);
    assert_true(state.first.capacity + state.last.capacity < 1u << 20);
    vb_buffer_done(&out);
    free(large);
}

static void media_cells_name_the_entries(void **unused)
{
    (void)unused;
    static const char header[] = "message_id,conversation_id,contact_name,contact_phone,direction,"
                                 "speaker_type,speaker_name,message_time,message_text,media_url,"
                                 "status,sender_account\r\n";
    struct vb_buffer stores[2];
    const struct vb_view urls[] = {VB_VIEW("https://x/a"), VB_VIEW("https://x/b,c")};
    const struct vb_view attached[] = {VB_VIEW("1"), VB_VIEW("https://x/a"), VB_VIEW("a,b.wav"),
                                       VB_VIEW(""),  VB_VIEW("2"),           VB_VIEW("s3://b/k"),
                                       VB_VIEW(""),  VB_VIEW("audio/mpeg")};
    struct vb_message m = said("customer", "hi");
    char expected[1000];
    m.media_urls = list_of(&stores[0], urls, 2);
    m.attachments = list_of(&stores[1], attached, 8);
    struct story s = {full, &m, 1, NULL, 0};
#define FRONT                                                                                      \
    "m,-7,'=Jane,+12025550123,inbound,customer,'=Jane,2026-04-08T09:09:43.123456+05:45,hi,"
    snprintf(expected, sizeof expected, "%s%s", header,
             FRONT "\"https://x/a,https://x/b%2Cc\",,\r\n");
    expect_rows(messages, VB_INCLUDE_DEFAULT, VB_CSV_SAFE, &s, 1, expected);
    s.conversation.id = VB_VIEW("7");
    snprintf(expected, sizeof expected, "%s%s", header,
             "m,7,'=Jane,+12025550123,inbound,customer,'=Jane,2026-04-08T09:09:43.123456+05:45,hi,"
             "\"media/7/1-a_b.wav,media/7/2.mp3,https://x/b%2Cc\",,\r\n");
    expect_rows(messages, VB_INCLUDE_DEFAULT | VB_INCLUDE_MEDIA, VB_CSV_SAFE, &s, 1, expected);
    m.attachments.count = 0;
    m.media_urls.count = 0;
    snprintf(expected, sizeof expected, "%s%s", header,
             "m,7,,,inbound,customer,,2026-04-08T09:09:43.123456+05:45,hi,,,\r\n");
    expect_rows(messages, VB_INCLUDE_MESSAGES | VB_INCLUDE_MEDIA, VB_CSV_SAFE, &s, 1, expected);
    vb_buffer_done(&stores[0]);
    vb_buffer_done(&stores[1]);
}

static int open_zone(void **unused)
{
    (void)unused;
    conversations = vb_renderer_find(VB_VIEW("csv"), VB_VIEW("conversations"));
    leads = vb_renderer_find(VB_VIEW("csv"), VB_VIEW("leads"));
    messages = vb_renderer_find(VB_VIEW("csv"), (struct vb_view){NULL, 0});
    vb_render_state_init(&state);
    return conversations && leads && messages && vb_zone_new("Asia/Kathmandu", &zone, NULL) == VB_OK
               ? 0
               : -1;
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
        cmocka_unit_test(a_conversation_is_one_row),
        cmocka_unit_test(a_lead_is_one_row),
        cmocka_unit_test(all_texts_of_a_conversation_are_quoted_and_numbers_are_not),
        cmocka_unit_test(a_first_message_without_text_is_the_first),
        cmocka_unit_test(rows_that_cannot_be_name_what_they_are),
        cmocka_unit_test(a_large_text_is_not_kept_for_the_next_conversation),
        cmocka_unit_test(media_cells_name_the_entries),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
