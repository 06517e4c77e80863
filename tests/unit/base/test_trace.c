/* Traces: the header in and out, places, the ring's bounds, and many threads at it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "verbatim/metrics.h"
#include "verbatim/thread.h"
#include "verbatim/trace.h"

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void a_good_header_is_read_and_printed(void **state)
{
    (void)state;
    struct vb_trace_place place;
    char text[VB_TRACE_PARENT];
    assert_true(vb_trace_parse(VB_VIEW(GOOD), &place));
    assert_true(place.is_sampled);
    assert_int_equal(place.trace_id[0], 0x4b);
    assert_int_equal(place.span_id[7], 0xb7);
    vb_trace_print(&place, text);
    assert_string_equal(text, GOOD);
    assert_true(vb_trace_parse(VB_VIEW("cc"
                                       "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-x"),
                               &place));
    assert_false(place.is_sampled);
}

static void others_count_as_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bg-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
    };
    struct vb_trace_place place;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vb_trace_parse(vb_view_of(bad[i]), &place))
            fail_msg("%s", bad[i]);
}

static void every_worker_knows_an_export_s_span(void **state)
{
    (void)state;
    static const char job[] = "79f13adf-f7dc-4744-8ad9-a16b4913e52c";
    struct vb_trace_place one = vb_trace_job(job, GOOD), two = vb_trace_job(job, GOOD);
    struct vb_trace_place alone = vb_trace_job(job, NULL);
    assert_memory_equal(&one, &two, sizeof one);
    assert_int_equal(one.trace_id[0], 0x4b);
    assert_int_equal(alone.trace_id[0], 0x79);
    assert_int_equal(alone.span_id[0], 0x79);
    assert_true(alone.is_sampled);
}

/* Of each, the first character that does not fit whole is left out. */
static void texts_are_cut_at_a_character(void **state)
{
    (void)state;
    struct vb_span span;
    char text[2 * VB_SPAN_TEXT];
    struct vb_trace_place place = vb_trace_below(NULL);
    memset(text, 'a', sizeof text);
    memcpy(text + VB_SPAN_TEXT - 2, "\xc3\xa4", 2);
    text[sizeof text - 1] = '\0';
    vb_span_begin(&span, VB_SPAN_CLIENT, "upload", &place, NULL);
    vb_span_text(&span, "k", text);
    assert_int_equal(strlen(span.attributes[0].text), VB_SPAN_TEXT - 2);
    for (int i = 0; i < 2 * VB_SPAN_ATTRIBUTES; i++)
        vb_span_number(&span, "n", i);
    assert_int_equal(span.attribute_count, VB_SPAN_ATTRIBUTES);
}

static void *make_spans(void *context)
{
    (void)context;
    const struct vb_trace_place place = vb_trace_below(NULL);
    for (int i = 0; i < 2000; i++) {
        struct vb_span span;
        vb_span_begin(&span, VB_SPAN_INTERNAL, "segment", &place, NULL);
        vb_span_end(&span);
    }
    return NULL;
}

/* None is counted twice, and none is lost in silence. */
static void what_finds_no_room_is_counted(void **state)
{
    (void)state;
    struct vb_thread threads[4] = {0};
    struct vb_span *taken = calloc(64, sizeof *taken);
    uint64_t before = vb_counted(VB_COUNT_SPANS_DROPPED), found = 0;
    assert_non_null(taken);
    make_spans(NULL);
    assert_int_equal(vb_counted(VB_COUNT_SPANS_DROPPED), before);
    vb_trace_switch(true);
    for (int i = 0; i < 4; i++)
        assert_int_equal(vb_thread_start(&threads[i], "spans", make_spans, NULL, NULL), VB_OK);
    for (int i = 0; i < 50; i++) {
        vb_trace_wait(1000);
        found += vb_trace_take(taken, 64);
    }
    for (int i = 0; i < 4; i++)
        vb_thread_join(&threads[i]);
    for (size_t count; (count = vb_trace_take(taken, 64)) > 0;)
        found += count;
    assert_int_equal(found + vb_counted(VB_COUNT_SPANS_DROPPED) - before, 4 * 2000);
    assert_true(found > 64);
    vb_trace_switch(false);
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_header_is_read_and_printed),
        cmocka_unit_test(others_count_as_none),
        cmocka_unit_test(every_worker_knows_an_export_s_span),
        cmocka_unit_test(texts_are_cut_at_a_character),
        cmocka_unit_test(what_finds_no_room_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
