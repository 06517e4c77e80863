/* HTML: the head of a page, an export's numbers, the page that leads to files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../rendering.h"

#define EVERYTHING ((1u << VB_INCLUDE_COUNT) - 1)
#define TIME "2026-04-07 23:24:43-04:00"
#define DAY INT64_C(20551) /* 2026-04-08 */

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

/* What the head says is a fact of the export; nothing of it is markup. */
static void the_head_is_of_the_export(void **unused)
{
    (void)unused;
    const struct vb_selection selection = {.as_of = AT, .from = 0, .to = AT};
    struct vb_statistics numbers = {.conversations = 1};
    const struct vb_render_about about = {.kind = VB_FILE_WHOLE,
                                          .what = "Assistant",
                                          .title = VB_VIEW("</title><script>1</script>"),
                                          .workspace = VB_VIEW("A & B"),
                                          .time_zone = "America/New_York",
                                          .selection = &selection,
                                          .has_from = true,
                                          .has_to = true,
                                          .statistics = &numbers};
    struct vb_render_context context = context_of(EVERYTHING);
    context.about = &about;
    const struct vb_message message = {.id = VB_VIEW("m"), .created_at = AT, .text = VB_VIEW("x")};
    const struct story one = {.conversation = {.id = VB_VIEW("c1"), .created_at = AT},
                              .messages = &message,
                              .message_count = 1};
    struct vb_buffer whole = render_file(html, &context, &one, 1, 0);
    assert_non_null(
        strstr(whole.data, "<title>&lt;/title&gt;&lt;script&gt;1&lt;/script&gt;</title>"));
    assert_non_null(strstr(whole.data, "<dt>Workspace</dt><dd>A &amp; B</dd>"));
    assert_non_null(strstr(whole.data, "img-src 'self'; media-src 'self'; "));
    assert_non_null(strstr(whole.data,
                           "<dd><time>1969-12-31 19:00:00-05:00</time> until before "
                           "<time>" TIME "</time> <span>(America/New_York)</span></dd>"));
    vb_buffer_done(&whole);
    context.include = VB_INCLUDE_DEFAULT;
    whole = render_file(html, &context, &one, 1, 0);
    assert_null(strstr(whole.data, "img-src"));
    vb_buffer_done(&whole);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

/* A page has one style and one script, its own, and no element that says how it looks. */
static void nothing_but_its_own_style_and_script(void **unused)
{
    (void)unused;
    struct vb_render_context context = context_of(VB_INCLUDE_DEFAULT);
    struct vb_buffer whole = render_file(html, &context, NULL, 0, 0);
    assert_int_equal(count_of(whole.data, "<style"), 1);
    assert_int_equal(count_of(whole.data, "</style"), 1);
    assert_int_equal(count_of(whole.data, "<script"), 1);
    assert_int_equal(count_of(whole.data, "</script"), 1);
    assert_int_equal(count_of(whole.data, "style-src 'sha256-"), 1);
    assert_int_equal(count_of(whole.data, "script-src 'sha256-"), 1);
    assert_null(strstr(whole.data, " style="));
    vb_buffer_done(&whole);
}

static const struct vb_selection everything = {.as_of = AT};

/* The page of these numbers, without conversations. */
static struct vb_buffer page_of(const struct vb_statistics *numbers, enum vb_file_kind kind)
{
    const struct vb_render_about about = {
        .kind = kind, .time_zone = "UTC", .selection = &everything, .statistics = numbers};
    struct vb_render_context context = context_of(VB_INCLUDE_DEFAULT);
    context.about = &about;
    return render_file(html, &context, NULL, 0, 0);
}

static void expect_in(const struct vb_buffer *whole, const char *expected)
{
    if (!strstr(whole->data, expected))
        fail_msg("not in the page: %s", expected);
}

static void numbers_are_shown_with_their_tables(void **unused)
{
    (void)unused;
    struct vb_day_count days[] = {{DAY, {900, 50, 50, 0}}, {DAY + 2, {1, 1, 0, 0}}};
    const struct vb_statistics numbers = {.conversations = 1234567,
                                          .messages = {901, 51, 50, 0},
                                          .hours = {[0] = 2, [9] = 500, [23] = 500},
                                          .days = days,
                                          .day_count = 2,
                                          .answered = 1000,
                                          .median_answer = 2 * 3600 + 10 * 60};
    struct vb_buffer whole = page_of(&numbers, VB_FILE_WHOLE);
    expect_in(&whole, "<dt>Conversations</dt><dd>1,234,567</dd>");
    expect_in(&whole, "<dt>Messages</dt><dd>1,002</dd>");
    expect_in(&whole, "<dd>2 h 10 min (1,000 answered)</dd>");
    expect_in(&whole, "<dd>09:00\xE2\x80\x93"
                      "10:00 (500), 23:00\xE2\x80\x93"
                      "24:00 (500), "
                      "00:00\xE2\x80\x93"
                      "01:00 (2)</dd>");
    expect_in(&whole, "<th scope=row>Customer<td>901<tr><th scope=row>Bot<td>51<tr><th scope=row>"
                      "Agent<td>50</table>");
    /* The third day has a place of its own although the second has no row; the least is seen. */
    expect_in(&whole, "<svg viewBox=\"0 0 48 100\" preserveAspectRatio=none role=img "
                      "aria-label=\"Messages by day, 2026-04-08 to 2026-04-10, at most 1000\">"
                      "<path class=in d=\"M0 100v-90h3v90zM8 100v-1h3v1z\"/>"
                      "<path class=out d=\"M0 10v-10h3v10z\"/></svg>");
    expect_in(&whole, "<tr><th scope=row>2026-04-08<td>900<td>50<td>50<td>1,000"
                      "<tr><th scope=row>2026-04-10<td>1<td>1<td>0<td>2</table>");
    vb_buffer_done(&whole);
}

static void units_and_others_are_named(void **unused)
{
    (void)unused;
    struct vb_day_count days[] = {{DAY - 7, {0, 0, 0, 3}}};
    struct vb_statistics numbers = {.conversations = 1,
                                    .messages = {0, 0, 0, 3},
                                    .unit = VB_CALENDAR_MONTHS,
                                    .days = days,
                                    .day_count = 1,
                                    .answered = 1};
    struct vb_buffer whole = page_of(&numbers, VB_FILE_WHOLE);
    expect_in(&whole, "<figcaption>Messages by month, 2026-04 to 2026-04 <span class=key-in>");
    expect_in(&whole, "<tr><th scope=row>2026-04<td>0<td>0<td>0<td>3<td>3</table>");
    expect_in(&whole, "<th scope=row>Other<td>3");
    expect_in(&whole, "<dd>0 s (1 answered)</dd>");
    vb_buffer_done(&whole);
    numbers.unit = VB_CALENDAR_YEARS;
    whole = page_of(&numbers, VB_FILE_WHOLE);
    expect_in(&whole, "<th scope=col>Year");
    expect_in(&whole, "<tr><th scope=row>2026<td>");
    vb_buffer_done(&whole);
}

static void a_part_of_an_archive_leads_to_the_whole(void **unused)
{
    (void)unused;
    const struct vb_statistics numbers = {.conversations = 5};
    for (int kind = VB_FILE_CHUNK; kind <= VB_FILE_CONVERSATION; kind++) {
        struct vb_buffer whole = page_of(&numbers, (enum vb_file_kind)kind);
        expect_in(&whole, "<p class=up><a href=index.html>");
        assert_null(strstr(whole.data, "<section id=summary"));
        assert_null(strstr(whole.data, "<dt>Conversations<"));
        /* A browser searches one conversation by itself. */
        assert_int_equal(count_of(whole.data, "<script"), kind == VB_FILE_CHUNK);
        assert_int_equal(count_of(whole.data, "script-src"), kind == VB_FILE_CHUNK);
        vb_buffer_done(&whole);
    }
}

static void nothing_found_is_said(void **unused)
{
    (void)unused;
    const struct vb_statistics numbers = {0};
    struct vb_buffer whole = page_of(&numbers, VB_FILE_WHOLE);
    expect_in(&whole, "<p class=none>Nothing was found");
    expect_in(&whole, "<dd>Until the export <span>(UTC)</span></dd>");
    vb_buffer_done(&whole);
}

static void the_index_links_files_by_their_names(void **unused)
{
    (void)unused;
    struct vb_render_context context = context_of(VB_INCLUDE_DEFAULT);
    struct vb_error err = {0};
    struct vb_buffer out;
    vb_buffer_init(&out, 1u << 20);
    must(html->begin_index(&context, &out, &err), &err);
    size_t before = out.length;
    must(html->index_file(&context, VB_VIEW("J\xC3\xBC & #1? 100%.html"), &out, &err), &err);
    assert_string_equal(out.data + before, "<li><a href=\"J%C3%BC%20%26%20%231%3F%20100%25.html\">"
                                           "J\xC3\xBC &amp; #1? 100%.html</a>\n");
    must(html->end_index(&context, &out, &err), &err);
    expect_in(&out, "</ol>\n</main>");
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
        cmocka_unit_test(the_head_is_of_the_export),
        cmocka_unit_test(nothing_but_its_own_style_and_script),
        cmocka_unit_test(numbers_are_shown_with_their_tables),
        cmocka_unit_test(units_and_others_are_named),
        cmocka_unit_test(a_part_of_an_archive_leads_to_the_whole),
        cmocka_unit_test(nothing_found_is_said),
        cmocka_unit_test(the_index_links_files_by_their_names),
    };
    return cmocka_run_group_tests(tests, with_zone, without_zone);
}
