/* HTML: exact threads of small conversations, hostile texts and addresses, what is left out. The
 * head of a page is test_html_head.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "../rendering.h"

#define EVERYTHING ((1u << VB_INCLUDE_COUNT) - 1)
#define TIME "2026-04-07 23:24:43-04:00"

static struct vb_zone *zone;
static struct vb_render_state state;
static const struct vb_renderer *html;

static struct vb_render_context context_of(unsigned include)
{
    return (struct vb_render_context){
        .zone = zone,
        .include = include,
        .state = &state,
        .channel = {.id = VB_VIEW("ch-1"), .name = VB_VIEW("Support")}};
}

/* What stands between <main> and its end. */
static char *body_of(struct vb_buffer *whole)
{
    char *start = strstr(whole->data, "<main>\n"), *end = strstr(whole->data, "</main>");
    assert_non_null(start);
    assert_non_null(end);
    *end = '\0';
    return start + strlen("<main>\n");
}

static void expect_body(unsigned include, const struct story *stories, size_t count,
                        const char *expected)
{
    struct vb_render_context context = context_of(include);
    struct vb_buffer whole = render_file(html, &context, stories, count, 0);
    assert_string_equal(body_of(&whole), expected);
    vb_buffer_done(&whole);
}

#define BARE_META "<p class=meta><span><time>" TIME "</time></span><span><bdi>Support</bdi></span>"

static void what_the_source_lacks_is_left_out(void **unused)
{
    (void)unused;
    const struct story bare = {.conversation = {.id = VB_VIEW("c1"), .created_at = AT}};
    expect_body(VB_INCLUDE_DEFAULT, &bare, 1,
                "<article id=c-c1><h2><a href=#c-c1>Unknown</a></h2>\n" BARE_META "\n</article>\n");
    expect_body(VB_INCLUDE_MESSAGES, &bare, 1,
                "<article id=c-c1><h2><a href=#c-c1>Conversation</a></h2>\n" BARE_META
                "\n</article>\n");
}

static void speakers_are_told_apart_in_words(void **unused)
{
    (void)unused;
    const struct vb_message messages[] = {
        {.id = VB_VIEW("1"),
         .created_at = AT,
         .speaker_type = VB_VIEW("customer"),
         .text = VB_VIEW("Hello?"),
         .status = VB_VIEW("delivered")},
        {.id = VB_VIEW("2"),
         .created_at = AT,
         .speaker_type = VB_VIEW("bot"),
         .text = VB_VIEW("Hi"),
         .feedback = VB_VIEW("Negative")},
        {.id = VB_VIEW("3"),
         .created_at = AT,
         .speaker_type = VB_VIEW("agent"),
         .speaker_name = VB_VIEW("Ann"),
         .text = VB_VIEW("Hi\nthere"),
         .status = VB_VIEW("read"),
         .feedback = VB_VIEW("Positive")},
        {.id = VB_VIEW("4"), .created_at = AT, .speaker_type = VB_VIEW("agent")},
        {.id = VB_VIEW("5"),
         .created_at = AT,
         .direction = VB_VIEW("inbound"),
         .text = VB_VIEW("?")},
        {.id = VB_VIEW("6"),
         .created_at = AT,
         .speaker_type = VB_VIEW("system"),
         .speaker_name = VB_VIEW("cron"),
         .direction = VB_VIEW("inbound")},
        {.id = VB_VIEW("7"), .created_at = AT},
        {.id = VB_VIEW("8"),
         .created_at = AT,
         .speaker_type = VB_VIEW("\u0646\u0648\u0631"),
         .status = VB_VIEW("\u0645\u0642\u0631\u0648\u0621")},
    };
    const struct story told = {.conversation = {.id = VB_VIEW("c1"),
                                                .created_at = AT,
                                                .contact_name = VB_VIEW("Jane"),
                                                .assistant_name = VB_VIEW("Bella")},
                               .messages = messages,
                               .message_count = COUNT(messages)};
    expect_body(VB_INCLUDE_DEFAULT, &told, 1,
                "<article id=c-c1><h2><a href=#c-c1>Jane</a></h2>\n" BARE_META
                "<span>assistant <bdi>Bella</bdi></span>\n<ol>\n"
                "<li class=in id=m-1><b>Jane </b><time>" TIME "</time> delivered<p>Hello?\n"
                "<li class=bot id=m-2><b>Bella </b>bot <time>" TIME "</time> Negative<p>Hi\n"
                "<li class=agent id=m-3><b>Ann </b>agent <time>" TIME
                "</time> read \xC2\xB7 Positive<p>Hi\nthere\n"
                "<li class=agent id=m-4><b>Agent </b><time>" TIME "</time>\n"
                "<li class=\"in other\" id=m-5><b>Unknown </b><time>" TIME "</time><p>?\n"
                "<li class=\"in other\" id=m-6><b>cron </b>system <time>" TIME "</time>\n"
                "<li class=other id=m-7><b>Unknown </b><time>" TIME "</time>\n"
                "<li class=other id=m-8><b>Unknown </b><bdi>\u0646\u0648\u0631</bdi> <time>" TIME
                "</time> <bdi>\u0645\u0642\u0631\u0648\u0621</bdi>\n"
                "</ol></article>\n");
}

/* A hundred rows a list, however many kinds of rows there are; none is empty. */
static void long_threads_are_several_lists(void **unused)
{
    struct vb_message messages[200];
    const struct vb_extra note = {
        .kind = VB_EXTRA_NOTE, .created_at = AT, .id = VB_VIEW("n"), .second = VB_VIEW("so")};
    struct story told = {.conversation = {.id = VB_VIEW("c1"), .created_at = AT},
                         .messages = messages,
                         .message_count = COUNT(messages)};
    struct vb_render_context context = context_of(EVERYTHING);
    (void)unused;
    for (size_t i = 0; i < COUNT(messages); i++)
        messages[i] = (struct vb_message){.id = VB_VIEW("m"), .created_at = AT};
    for (size_t extras = 0; extras < 2; extras++) {
        told.extras = &note;
        told.extra_count = extras;
        struct vb_buffer whole = render_file(html, &context, &told, 1, 0);
        size_t lists = 0, rows = 0;
        for (const char *at = body_of(&whole); (at = strstr(at, "<ol>\n")); at++, lists++)
            rows += strncmp(at, "<ol>\n<li ", 9) == 0;
        assert_int_equal(lists, 2 + extras);
        assert_int_equal(rows, lists);
        vb_buffer_done(&whole);
    }
}

/* What is left of the head's row and what stands behind the first message's time. */
static void expect_message(unsigned include, const struct vb_message *message, const char *expected)
{
    struct vb_render_context context = context_of(include);
    const struct story one = {.conversation = {.id = VB_VIEW("c"), .created_at = AT},
                              .messages = message,
                              .message_count = 1};
    struct vb_buffer whole = render_file(html, &context, &one, 1, 7);
    char *start = strstr(body_of(&whole), "<ol>\n");
    assert_non_null(start);
    start = strstr(start, "</time>");
    assert_non_null(start);
    char *end = strstr(start, "\n</ol>");
    assert_non_null(end);
    *end = '\0';
    assert_string_equal(start + strlen("</time>"), expected);
    vb_buffer_done(&whole);
}

static struct vb_message saying(const char *text)
{
    return (struct vb_message){.id = VB_VIEW("m"), .created_at = AT, .text = vb_view_of(text)};
}

static void texts_are_never_markup(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"<script>alert(\"1\")</script>", "<p>&lt;script&gt;alert(\"1\")&lt;/script&gt;"},
        {"</p></li></ol></main><img src=x onerror=alert(1)>",
         "<p>&lt;/p&gt;&lt;/li&gt;&lt;/ol&gt;&lt;/main&gt;&lt;img src=x onerror=alert(1)&gt;"},
        {"a & b &amp; &#60;", "<p>a &amp; b &amp;amp; &amp;#60;"},
        {"<!-- --> ]]> <![CDATA[", "<p>&lt;!-- --&gt; ]]&gt; &lt;![CDATA["},
        {"lines\r\nand\ttabs\n\n", "<p>lines\r\nand\ttabs\n\n"},
        {"bell\x07 escape\x1b[31m delete\x7f form\f", "<p>bell\xE2\x90\x87 escape\xE2\x90\x9B[31m "
                                                      "delete\xE2\x90\xA1 form\xE2\x90\x8C"},
        {"sixteen bytes long, and then <", "<p>sixteen bytes long, and then &lt;"},
        {"<sixteen bytes long, and then more", "<p>&lt;sixteen bytes long, and then more"},
        /* From right to left, and marks that turn the text round. */
        {"\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", "<p dir=auto>\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D"},
        {"x\xE2\x80\xAEgpj.exe", "<p dir=auto>x\xE2\x80\xAEgpj.exe"},
        {"\xC3\xBC \xD0\x96", "<p>\xC3\xBC \xD0\x96"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vb_message message = saying(cases[i].text);
        expect_message(VB_INCLUDE_DEFAULT, &message, cases[i].expected);
    }
    struct vb_message nul = saying("");
    nul.text = (struct vb_view){"a\0b", 3};
    expect_message(VB_INCLUDE_DEFAULT, &nul,
                   "<p>a\xE2\x90\x80"
                   "b");
}

static void names_and_states_are_never_markup(void **unused)
{
    (void)unused;
    const struct vb_view bad = VB_VIEW("<b title='&\">\xE2\x80\xAE");
#define ESCAPED "&lt;b title='&amp;\"&gt;\xE2\x80\xAE"
    struct vb_buffer store;
    const struct vb_view tags[] = {bad};
    const struct vb_message message = {.id = VB_VIEW("m"),
                                       .created_at = AT,
                                       .speaker_type = bad,
                                       .speaker_name = bad,
                                       .status = bad,
                                       .feedback = bad};
    const struct vb_extra note = {
        .kind = VB_EXTRA_NOTE, .created_at = AT, .id = bad, .first = bad, .second = bad};
    const struct story told = {
        .conversation = {.id = bad,
                         .created_at = AT,
                         .contact_name = bad,
                         .contact_email = bad,
                         .assistant_name = bad,
                         .status = bad,
                         .summary = bad,
                         .channel = {.id = VB_VIEW("x"), .name = bad, .type = bad},
                         .tags = list_of(&store, tags, 1)},
        .messages = &message,
        .message_count = 1,
        .extras = &note,
        .extra_count = 1};
    struct vb_render_context context = context_of(EVERYTHING);
    struct vb_buffer whole = render_file(html, &context, &told, 1, 0);
    const char *body = body_of(&whole);
    size_t escaped = 0;
    for (const char *at = body; (at = strstr(at, ESCAPED)); at++)
        escaped++;
    /* Contact, mail, assistant, status, summary, channel and its type, tag; of the message name,
     * type, status, feedback; of the note author and text. */
    assert_int_equal(escaped, 14);
    assert_null(strstr(body, "<b title"));
    assert_non_null(strstr(body, "<article id=c-.3Cb.20title.3D.27.26.22.3E.E2.80.AE>"));
    vb_buffer_done(&whole);
    vb_buffer_done(&store);
}

static void only_addresses_of_the_web_are_links(void **unused)
{
    (void)unused;
    static const struct {
        const char *url, *expected;
    } cases[] = {
        {"https://example.com/a.jpg?x=1&y=\"2\"",
         "<a rel=noreferrer href=\"https://example.com/a.jpg?x=1&amp;y=&#34;2&#34;\">"
         "https://example.com/a.jpg?x=1&amp;y=\"2\"</a>"},
        {"HTTP://EXAMPLE.COM",
         "<a rel=noreferrer href=\"HTTP://EXAMPLE.COM\">HTTP://EXAMPLE.COM</a>"},
        {"javascript:alert(1)", "<span>javascript:alert(1)</span>"},
        {" javascript:alert(1)", "<span> javascript:alert(1)</span>"},
        {"java\nscript:alert(1)", "<span>java\nscript:alert(1)</span>"},
        {"data:text/html,<script>1</script>",
         "<span>data:text/html,&lt;script&gt;1&lt;/script&gt;</span>"},
        {"vbscript:x", "<span>vbscript:x</span>"},
        {"file:///etc/passwd", "<span>file:///etc/passwd</span>"},
        {"//example.com/x", "<span>//example.com/x</span>"},
        {"blob:https://example.com/1", "<span>blob:https://example.com/1</span>"},
        {"https://", "<span>https://</span>"},
        {"https://a\tb", "<span>https://a\tb</span>"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char expected[400];
        struct vb_buffer store;
        const struct vb_view urls[] = {vb_view_of(cases[i].url)};
        struct vb_message message = saying("");
        message.media_urls = list_of(&store, urls, 1);
        snprintf(expected, sizeof expected, "<ul class=media><li>%s</ul>", cases[i].expected);
        expect_message(VB_INCLUDE_DEFAULT, &message, expected);
        vb_buffer_done(&store);
    }
}

static void citations_stand_behind_the_text(void **unused)
{
    (void)unused;
    struct vb_buffer store;
    const struct vb_view cited[] = {VB_VIEW("Prices <2026>"), VB_VIEW("https://example.com/p"),
                                    VB_VIEW("\"10\" & more"), VB_VIEW("No link"),
                                    VB_VIEW("javascript:1"),  VB_VIEW("")};
    struct vb_message message = saying("See");
    message.citations = list_of(&store, cited, COUNT(cited));
    expect_message(EVERYTHING, &message,
                   "<p>See<ul class=cites>"
                   "<li><a rel=noreferrer href=\"https://example.com/p\">Prices &lt;2026&gt;</a> "
                   "<q>\"10\" &amp; more</q><li><span>No link</span></ul>");
    expect_message(VB_INCLUDE_DEFAULT, &message, "<p>See");
    vb_buffer_done(&store);
}

static void archived_media_are_shown_from_beside_the_file(void **unused)
{
    (void)unused;
    struct vb_buffer store, urls;
    const struct vb_view attached[] = {VB_VIEW("a1"),
                                       VB_VIEW("https://m.example.com/1"),
                                       VB_VIEW("my \"photo\".jpg"),
                                       VB_VIEW("image/jpeg"),
                                       VB_VIEW("a2"),
                                       VB_VIEW("https://m.example.com/2"),
                                       VB_VIEW(""),
                                       VB_VIEW("audio/wav"),
                                       VB_VIEW("a3"),
                                       VB_VIEW("javascript:1"),
                                       VB_VIEW("x.svg"),
                                       VB_VIEW("image/svg+xml"),
                                       VB_VIEW("a4"),
                                       VB_VIEW("https://m.example.com/4"),
                                       VB_VIEW("f.pdf"),
                                       VB_VIEW("application/pdf")};
    const struct vb_view listed[] = {VB_VIEW("https://m.example.com/1"),
                                     VB_VIEW("https://other.example.com/")};
    struct vb_message message = saying("");
    message.attachments = list_of(&store, attached, COUNT(attached));
    message.media_urls = list_of(&urls, listed, COUNT(listed));
    expect_message(
        EVERYTHING, &message,
        "<ul class=media>"
        "<li><img loading=lazy src=\"media/c/a1-my%20_photo_.jpg\" alt=\"my &#34;photo&#34;.jpg\">"
        "<a href=\"media/c/a1-my%20_photo_.jpg\">my \"photo\".jpg</a> "
        "<a rel=noreferrer href=\"https://m.example.com/1\">(source)</a>"
        "<li><audio controls preload=none src=\"media/c/a2.wav\"></audio><a "
        "href=\"media/c/a2.wav\">file</a> "
        "<a rel=noreferrer href=\"https://m.example.com/2\">(source)</a>"
        "<li><a href=\"media/c/a3-x.svg\">x.svg</a> <span>(source)</span>"
        "<li><a href=\"media/c/a4-f.pdf\">f.pdf</a> "
        "<a rel=noreferrer href=\"https://m.example.com/4\">(source)</a>"
        "<li><a rel=noreferrer "
        "href=\"https://other.example.com/\">https://other.example.com/</a></ul>");
    vb_buffer_done(&store);
    vb_buffer_done(&urls);
}

static void what_is_no_message_stands_behind_the_messages(void **unused)
{
    (void)unused;
    const struct vb_message message = saying("Hi");
    const struct vb_extra extras[] = {
        {.kind = VB_EXTRA_NOTE,
         .created_at = AT,
         .id = VB_VIEW("1"),
         .first = VB_VIEW("Ann"),
         .second = VB_VIEW("call\nback")},
        {.kind = VB_EXTRA_NOTE, .created_at = AT, .id = VB_VIEW("2"), .second = VB_VIEW("?")},
        {.kind = VB_EXTRA_EVENT,
         .created_at = AT,
         .id = VB_VIEW("3"),
         .first = VB_VIEW("escalate"),
         .second = VB_VIEW("Ann"),
         .third = VB_VIEW("to Bob")},
        {.kind = VB_EXTRA_SKILL,
         .created_at = AT,
         .first = VB_VIEW("refund"),
         .second = VB_VIEW("done"),
         .third = VB_VIEW("m")}};
    const struct story told = {.conversation = {.id = VB_VIEW("c1"), .created_at = AT},
                               .messages = &message,
                               .message_count = 1,
                               .extras = extras,
                               .extra_count = COUNT(extras)};
#define HEAD "<article id=c-c1><h2><a href=#c-c1>Unknown</a></h2>\n" BARE_META "\n<ol>\n"
#define SAID "<li class=other id=m-m><b>Unknown </b><time>" TIME "</time><p>Hi\n"
    expect_body(EVERYTHING, &told, 1,
                HEAD SAID "<li class=note id=n-1><b>Ann </b>note <time>" TIME
                          "</time><p>call\nback\n"
                          "<li class=note id=n-2><b>Note </b>note <time>" TIME "</time><p>?\n"
                          "<li class=event id=e-3><b>escalate </b>event <time>" TIME
                          "</time> <small>Ann</small><p>to Bob\n"
                          "<li class=skill><b>refund </b>skill <time>" TIME "</time><p>done\n"
                          "</ol></article>\n");
    expect_body(VB_INCLUDE_DEFAULT, &told, 1, HEAD SAID "</ol></article>\n");
}

static void a_row_that_fails_leaves_nothing(void **unused)
{
    (void)unused;
    struct vb_render_context context = context_of(EVERYTHING);
    const struct vb_conversation conversation = {.id = VB_VIEW("c1"), .created_at = AT};
    struct vb_message message = saying("fine");
    struct vb_error err = {0};
    struct vb_buffer out;
    vb_buffer_init(&out, 1u << 20);
    must(html->conversation(&context, &conversation, true, &out, &err), &err);
    size_t before = out.length;
    message.text = VB_VIEW("caf\xE9");
    assert_int_equal(html->message(&context, &conversation, &message, &out, &err), VB_SOURCE);
    assert_string_equal(err.text, "conversation c1, message m: text that is not valid UTF-8");
    assert_int_equal(out.length, before);
    message.text = VB_VIEW("fine");
    must(html->message(&context, &conversation, &message, &out, &err), &err);
    assert_non_null(strstr(out.data + before, "\n<ol>\n<li"));
    vb_buffer_done(&out);
}

#define WHEN "<b>Unknown </b><time>" TIME "</time>"

/* A link only to what stands above in the same conversation. */
static void replies_lead_to_what_they_answer(void **unused)
{
    (void)unused;
    const struct vb_message first[] = {
        {.id = VB_VIEW("1"), .created_at = AT, .marks = VB_MARK_REPLY_TO},
        {.id = VB_VIEW("2/b"),
         .created_at = AT,
         .marks = VB_MARK_REPLY_TO,
         .reply_to = VB_VIEW("1")},
        {.id = VB_VIEW("3"),
         .created_at = AT,
         .marks = VB_MARK_REPLY_TO,
         .kind = VB_VIEW("form"),
         .reply_to = VB_VIEW("2/b")},
        {.id = VB_VIEW("4"), .created_at = AT, .marks = VB_MARK_REPLY_TO, .reply_to = VB_VIEW("x")},
    };
    const struct vb_message second[] = {
        {.id = VB_VIEW("5"), .created_at = AT, .marks = VB_MARK_REPLY_TO, .reply_to = VB_VIEW("1")},
    };
    const struct story stories[] = {
        {.conversation = {.id = VB_VIEW("c1"), .created_at = AT},
         .messages = first,
         .message_count = COUNT(first)},
        {.conversation = {.id = VB_VIEW("c2"), .created_at = AT},
         .messages = second,
         .message_count = COUNT(second)},
    };
    expect_body(VB_INCLUDE_MESSAGES, stories, 2,
                "<article id=c-c1><h2><a href=#c-c1>Conversation</a></h2>\n" BARE_META "\n<ol>\n"
                "<li class=other id=m-1>" WHEN "\n"
                "<li class=other id=m-2.2Fb>" WHEN
                " in reply to <a class=re href=#m-1>an earlier message</a>\n"
                "<li class=other id=m-3>" WHEN
                " form in reply to <a class=re href=#m-2.2Fb>an earlier message</a>\n"
                "<li class=other id=m-4>" WHEN " in reply to an earlier message\n"
                "</ol></article>\n"
                "<article id=c-c2><h2><a href=#c-c2>Conversation</a></h2>\n" BARE_META "\n<ol>\n"
                "<li class=other id=m-5>" WHEN " in reply to an earlier message\n"
                "</ol></article>\n");
}

/* Only so many are remembered, and the newest of them. */
static void a_reply_far_behind_is_no_link(void **unused)
{
    (void)unused;
    struct vb_error err;
    struct vb_buffer out;
    char ids[2][24];
    struct vb_render_context context = context_of(VB_INCLUDE_MESSAGES);
    const struct vb_conversation conversation = {.id = VB_VIEW("c1"), .created_at = AT};
    vb_buffer_init(&out, 1u << 20);
    must(html->conversation(&context, &conversation, true, &out, &err), &err);
    for (int i = 0; i < 5000; i++) {
        snprintf(ids[0], sizeof ids[0], "m%d", i);
        snprintf(ids[1], sizeof ids[1], "m%d", i - (i < 4999 ? 4096 : 4097));
        struct vb_message message = {.id = vb_view_of(ids[0]), .marks = VB_MARK_REPLY_TO};
        if (i >= 4998)
            message.reply_to = vb_view_of(ids[1]);
        vb_buffer_reset(&out);
        must(html->message(&context, &conversation, &message, &out, &err), &err);
        assert_int_equal(strstr(out.data, "href=#m-m902>an earlier") != NULL, i == 4998);
        assert_int_equal(strstr(out.data, "in reply to") != NULL, i >= 4998);
    }
    vb_buffer_done(&out);
}

static int with_zone(void **unused)
{
    struct vb_error err;
    (void)unused;
    html = vb_renderer_find(VB_VIEW("html"), (struct vb_view){NULL, 0});
    vb_render_state_init(&state);
    return html && vb_zone_new("America/New_York", &zone, &err) == VB_OK ? 0 : -1;
}

static int without_zone(void **unused)
{
    (void)unused;
    vb_zone_free(zone);
    vb_render_state_done(&state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_source_lacks_is_left_out),
        cmocka_unit_test(speakers_are_told_apart_in_words),
        cmocka_unit_test(texts_are_never_markup),
        cmocka_unit_test(names_and_states_are_never_markup),
        cmocka_unit_test(only_addresses_of_the_web_are_links),
        cmocka_unit_test(citations_stand_behind_the_text),
        cmocka_unit_test(archived_media_are_shown_from_beside_the_file),
        cmocka_unit_test(what_is_no_message_stands_behind_the_messages),
        cmocka_unit_test(a_row_that_fails_leaves_nothing),
        cmocka_unit_test(long_threads_are_several_lists),
        cmocka_unit_test(replies_lead_to_what_they_answer),
        cmocka_unit_test(a_reply_far_behind_is_no_link),
    };
    return cmocka_run_group_tests(tests, with_zone, without_zone);
}
