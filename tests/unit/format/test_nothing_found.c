/* nothing-found.txt: what was asked for in words, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verbatim/nothing_found.h"

#define START "Nothing was found: no conversation matches what was asked for.\r\n\r\n"
#define JUNE (INT64_C(1780264800) * VB_SECOND) /* 2026-06-01 00:00 in Berlin */
#define DAY (86400 * VB_SECOND)

static struct vb_zone *zone;

static void expect(const struct vb_render_about *about, struct vb_channel channel,
                   const char *expected)
{
    struct vb_buffer out;
    vb_buffer_init(&out, 1u << 16);
    const struct vb_render_context context = {.zone = zone, .about = about, .channel = channel};
    assert_int_equal(vb_nothing_found(&context, &out), VB_OK);
    assert_string_equal(out.data, expected);
    vb_buffer_done(&out);
}

static void days_are_inclusive_and_channels_have_their_names(void **unused)
{
    (void)unused;
    const struct vb_selection selection = {
        .channel_id = "77", .from = JUNE, .to = JUNE + 30 * DAY, .completed_only = true};
    const struct vb_render_about about = {
        .time_zone = "Europe/Berlin", .selection = &selection, .has_from = true, .has_to = true};
    expect(&about,
           (struct vb_channel){.name = VB_VIEW("SMS Support"), .phone_number = VB_VIEW("+1202")},
           START "Channel: SMS Support\r\nChannel's number: +1202\r\n"
                 "Time range: from 1 June 2026 to the end of 30 June 2026 (Europe/Berlin)\r\n"
                 "Only: completed conversations\r\n");
    expect(&about, (struct vb_channel){.phone_number = VB_VIEW("+1202")},
           START "Channel: +1202\r\n"
                 "Time range: from 1 June 2026 to the end of 30 June 2026 (Europe/Berlin)\r\n"
                 "Only: completed conversations\r\n");
}

static void instants_are_told_with_their_offset(void **unused)
{
    (void)unused;
    const struct vb_selection selection = {.from = JUNE + 1, .to = JUNE + 3600 * VB_SECOND};
    struct vb_render_about about = {
        .time_zone = "Europe/Berlin", .selection = &selection, .has_from = true, .has_to = true};
    expect(&about, (struct vb_channel){.id = VB_VIEW("")},
           START "Time range: from 1 June 2026, 00:00:00 UTC+02:00 until before "
                 "1 June 2026, 01:00:00 UTC+02:00 (Europe/Berlin)\r\n");
    about.has_from = false;
    expect(&about, (struct vb_channel){.id = VB_VIEW("")},
           START "Time range: until before 1 June 2026, 01:00:00 UTC+02:00 (Europe/Berlin)\r\n");
}

/* The export's own instant differs from job to job. */
static void an_open_end_is_told_without_its_instant(void **unused)
{
    (void)unused;
    static const char *const tags[] = {"vip", "red\r\nX: y"};
    static const char *const statuses[] = {"open"};
    static const char *const ids[] = {"a", "b"};
    struct vb_selection selection = {.assistant_id = "5",
                                     .contact_id = "9",
                                     .from = JUNE,
                                     .to = JUNE + DAY + 1,
                                     .as_of = JUNE + DAY};
    struct vb_render_about about = {.time_zone = "Europe/Berlin",
                                    .selection = &selection,
                                    .what = "Assistant",
                                    .title = VB_VIEW("Ada\n\x1b[31m\xFF"),
                                    .has_from = true};
    selection.tags = (struct vb_words){tags, 2};
    selection.statuses = (struct vb_words){statuses, 1};
    expect(&about, (struct vb_channel){.id = VB_VIEW("")},
           START "Assistant: Ada??[31m?\r\nContact: 9\r\n"
                 "Time range: from 1 June 2026 until the export (Europe/Berlin)\r\n"
                 "Only with status: open\r\nOnly tagged: vip, red??X: y\r\n");
    about.has_from = false;
    about.what = NULL;
    selection = (struct vb_selection){.channel_id = "7", .conversation_ids = {ids, 2}};
    expect(&about, (struct vb_channel){.id = VB_VIEW("")},
           START "Channel: 7\r\nConversations: a, b\r\n"
                 "Time range: everything until the export\r\n");
}

static int open_zone(void **state)
{
    (void)state;
    return vb_zone_new("Europe/Berlin", &zone, NULL) == VB_OK ? 0 : -1;
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
        cmocka_unit_test(days_are_inclusive_and_channels_have_their_names),
        cmocka_unit_test(instants_are_told_with_their_offset),
        cmocka_unit_test(an_open_end_is_told_without_its_instant),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
