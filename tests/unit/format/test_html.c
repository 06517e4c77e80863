/* HTML: exact threads of small conversations, hostile texts and addresses, what is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
         .text = VB_VIEW("Hi")},
        {.id = VB_VIEW("3"),
         .created_at = AT,
         .speaker_type = VB_VIEW("agent"),
         .speaker_name = VB_VIEW("Ann"),
         .text = VB_VIEW("Hi\nthere")},
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
    };
    const struct story told = {.conversation = {.id = VB_VIEW("c1"),
                                                .created_at = AT,
                                                .contact_name = VB_VIEW("Jane"),
                                                .assistant_name = VB_VIEW("Bella")},
                               .messages = messages,
                               .message_count = COUNT(messages)};
    expect_body(
        VB_INCLUDE_DEFAULT, &told, 1,
        "<article id=c-c1><h2><a href=#c-c1>Jane</a></h2>\n" BARE_META
        "<span>assistant <bdi>Bella</bdi></span>\n<ol>\n"
        "<li class=in id=m-1><b>Jane </b><a href=#m-1>" TIME
        "</a><small>delivered</small><p>Hello?\n"
        "<li class=bot id=m-2><b>Bella </b><i>bot </i><a href=#m-2>" TIME "</a><p>Hi\n"
        "<li class=agent id=m-3><b>Ann </b><i>agent </i><a href=#m-3>" TIME "</a><p>Hi\nthere\n"
        "<li class=agent id=m-4><b>Agent </b><a href=#m-4>" TIME "</a>\n"
        "<li class=\"in other\" id=m-5><b>Unknown </b><a href=#m-5>" TIME "</a><p>?\n"
        "<li class=\"in other\" id=m-6><b>cron </b><i>system </i><a href=#m-6>" TIME "</a>\n"
        "<li class=other id=m-7><b>Unknown </b><a href=#m-7>" TIME "</a>\n"
        "</ol></article>\n");
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
    };
    return cmocka_run_group_tests(tests, with_zone, without_zone);
}
