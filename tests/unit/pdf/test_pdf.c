/* Transcripts from memory: lines hold the text that went in, whatever its length; documents are the
 * same bytes however the output is emptied; memory does not grow with them; what cairo leaves out
 * of the catalog is put in, wherever its output is cut. Needs the fonts of docs/operator.md. */
#include "pdf/press.h"

#include "verbatim/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rendering.h"

#include <malloc.h>
#include <stdio.h>

static const char file_end[] = "xref\n0 3\n0000000000 65535 f \ntrailer\nstartxref\n997\n%%EOF\n";

/* --- the writer --- */

static struct vb_buffer written(const char *text, size_t piece)
{
    struct vb_buffer out;
    struct vb_pdf_writer writer = {.out = &out};
    size_t length = strlen(text);
    vb_buffer_init(&out, 1u << 20);
    writer.is_ending = true;
    for (size_t at = 0; at < length; at += piece) {
        size_t taken = length - at < piece ? length - at : piece;
        assert_int_equal(
            vb_pdf_writer_take(&writer, (const unsigned char *)text + at, (unsigned)taken),
            CAIRO_STATUS_SUCCESS);
    }
    vb_pdf_writer_end(&writer);
    assert_int_equal(writer.status, VB_OK);
    return out;
}

static void puts_the_language_into_the_catalog_however_it_is_cut(void **state)
{
    (void)state;
    static const char lead[] = "9 0 obj\n<< /Type /Font >>\nendobj\n10 0 obj\n";
    static const char rest[] = "   /Pages 1 0 R\n>>\nendobj\n";
    static const char added[] =
        "   /Lang (en)\n   /ViewerPreferences << /DisplayDocTitle true >>\n";
    char text[1024], expected[1024];
    snprintf(text, sizeof text, "%s<< /Type /Catalog\n%s%s", lead, rest, file_end);
    snprintf(expected, sizeof expected, "%s<< /Type /Catalog\n%s%s%.*s%zu\n%%%%EOF\n", lead, added,
             rest, (int)(strstr(file_end, "997") - file_end), file_end, 997 + sizeof added - 1);
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        struct vb_buffer out = written(text, piece);
        assert_string_equal(out.data, expected);
        vb_buffer_done(&out);
    }
}

/* A cairo that writes its end in another way. */
static void leaves_alone_what_it_does_not_know(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof text, "<</Type/Catalog/Pages 1 0 R>>\n%s", file_end);
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        struct vb_buffer out = written(text, piece);
        assert_string_equal(out.data, text);
        vb_buffer_done(&out);
    }
}

static void a_full_buffer_is_kept_as_the_writers_status(void **state)
{
    (void)state;
    struct vb_buffer out;
    struct vb_pdf_writer writer = {.out = &out};
    vb_buffer_init(&out, 16);
    assert_int_equal(vb_pdf_writer_take(&writer, (const unsigned char *)file_end, 40),
                     CAIRO_STATUS_WRITE_ERROR);
    assert_int_equal(writer.status, VB_LIMIT);
    vb_buffer_done(&out);
}

/* --- lines --- */

static struct vb_pdf *make_press(const struct vb_brand *brand)
{
    struct vb_pdf *pdf = NULL;
    struct vb_error err = {0};
    must(vb_pdf_new(VB_PDF_FONTS, brand, &pdf, &err), &err);
    return pdf;
}

struct collection {
    struct vb_buffer text;
    size_t lines;
    double width;
};

static enum vb_status collect(struct vb_pdf *pdf, void *context, struct vb_pdf_line *line)
{
    struct collection *collection = context;
    const char *text = pango_layout_get_text(line->layout);
    (void)pdf;
    assert_true(line->width <= collection->width + 0.01);
    assert_int_equal(vb_buffer_append(&collection->text, text + line->line->start_index,
                                      (size_t)line->line->length),
                     VB_OK);
    collection->lines++;
    vb_pdf_line_done(line);
    return VB_OK;
}

static struct collection broken(struct vb_pdf *pdf, struct vb_view text, double width)
{
    struct collection collection = {.width = width};
    vb_buffer_init(&collection.text, 64u << 20);
    assert_int_equal(vb_pdf_break_text(pdf, VB_PDF_BODY_TEXT, text, width, 0, collect, &collection),
                     VB_OK);
    return collection;
}

/* Words of several scripts and lengths, so that seams of windows fall everywhere. */
static struct vb_buffer make_text(size_t length, bool blanks)
{
    static const char *const words[] = {"a",
                                        "word",
                                        "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
                                        "\xE6\x82\xA8\xE5\xA5\xBD\xE6\x88\x91",
                                        "\xF0\x9F\x98\x80",
                                        "e\xCC\x81\xCC\x82",
                                        "\xE0\xA4\xA8\xE0\xA4\xAE\xE0\xA4\xB8\xE0\xA5\x8D"};
    struct vb_buffer text;
    unsigned dice = 11;
    vb_buffer_init(&text, 64u << 20);
    while (text.length < length) {
        const char *word = words[(unsigned)rand_r(&dice) % COUNT(words)];
        assert_int_equal(vb_buffer_append_text(&text, word), VB_OK);
        if (blanks && rand_r(&dice) % 2)
            assert_int_equal(vb_buffer_append_byte(&text, ' '), VB_OK);
    }
    return text;
}

static void lines_hold_the_whole_text(void **state)
{
    (void)state;
    struct vb_pdf *pdf = make_press(NULL);
    for (size_t length = 100; length < 200000; length = length * 3 + 1)
        for (int blanks = 0; blanks < 2; blanks++) {
            struct vb_buffer text = make_text(length, blanks);
            struct collection found = broken(pdf, (struct vb_view){text.data, text.length}, 300);
            assert_int_equal(found.text.length, text.length);
            assert_memory_equal(found.text.data, text.data, text.length);
            assert_true(found.lines >= 1);
            vb_buffer_done(&found.text);
            vb_buffer_done(&text);
        }
    vb_pdf_free(pdf);
}

struct shown {
    struct vb_view text;
    const char *expected;
    size_t lines;
};

static void controls_are_seen_and_do_nothing(void **state)
{
    (void)state;
    static const struct shown cases[] = {
        {VB_VIEW("a\nb\r\nc\rd"), "abcd", 4},
        {VB_VIEW("a\x07\x1b[31m\x7f"), "a\xE2\x90\x87\xE2\x90\x9B[31m\xE2\x90\xA1", 1},
        {VB_VIEW("a\tb"), "a    b", 1},
        {VB_VIEW("a\xC2\x9F\xEF\xBF\xBF\xEF\xB7\x90"), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 1},
        {VB_VIEW("a\n\n\n\n\n\nb"), "ab", 4},
        {VB_VIEW(""), "", 0},
    };
    struct vb_pdf *pdf = make_press(NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct collection found = broken(pdf, cases[i].text, 300);
        assert_string_equal(found.text.data ? found.text.data : "", cases[i].expected);
        assert_int_equal(found.lines, cases[i].lines);
        vb_buffer_done(&found.text);
    }
    struct collection none = {.width = 300};
    assert_int_equal(
        vb_pdf_break_text(pdf, VB_PDF_BODY_TEXT, VB_VIEW("\xff"), 300, 0, collect, &none),
        VB_SOURCE);
    vb_pdf_free(pdf);
}

/* --- fonts --- */

static void a_missing_font_is_named_with_its_package(void **state)
{
    (void)state;
    struct vb_error err = {0};
    struct vb_pdf *pdf = NULL;
    assert_int_equal(vb_pdf_check_fonts(VB_PDF_FONTS, &err), VB_OK);
    assert_int_equal(vb_pdf_check_fonts("/usr/share/fonts/truetype/noto", &err), VB_INVALID);
    assert_non_null(strstr(err.text, "fonts-wqy-microhei"));
    assert_int_equal(vb_pdf_new("/no<where>", NULL, &pdf, &err), VB_INVALID);
    assert_non_null(strstr(err.text, "\"Noto Sans\""));
    assert_non_null(strstr(err.text, "fonts-noto-core"));
    assert_int_equal(vb_pdf_check_fonts(VB_PDF_FONTS, &err), VB_OK);
}

/* --- documents --- */

static struct vb_message message_of(unsigned i, struct vb_view text)
{
    static const struct vb_view kinds[] = {VB_VIEW("customer"), VB_VIEW("bot"), VB_VIEW("agent")};
    return (struct vb_message){.id = VB_VIEW("m"),
                               .created_at = AT + i * 60 * VB_SECOND,
                               .direction = i % 3 ? VB_VIEW("outbound") : VB_VIEW("inbound"),
                               .speaker_type = kinds[i % 3],
                               .text = text,
                               .status = VB_VIEW("read")};
}

static const struct vb_conversation plain = {.id = VB_VIEW("c1"),
                                             .created_at = AT,
                                             .contact_name = VB_VIEW("Jane Doe"),
                                             .assistant_name = VB_VIEW("Ada")};

static struct vb_render_context make_context(struct vb_render_state *render_state)
{
    struct vb_render_context context = {.include = VB_INCLUDE_DEFAULT | VB_INCLUDE_NOTES,
                                        .state = render_state,
                                        .zone_name = "Europe/Berlin"};
    struct vb_error err = {0};
    vb_render_state_init(render_state);
    must(vb_zone_new("Europe/Berlin", &context.zone, &err), &err);
    return context;
}

static void the_same_bytes_however_the_output_is_emptied(void **state)
{
    (void)state;
    const struct vb_renderer *renderer = vb_renderer_find(VB_VIEW("pdf"), vb_view_of(NULL));
    struct vb_buffer text = make_text(30000, true);
    struct vb_message messages[60];
    const struct vb_extra note = {.kind = VB_EXTRA_NOTE,
                                  .created_at = AT,
                                  .first = VB_VIEW("Grace"),
                                  .second = VB_VIEW("a note")};
    for (unsigned i = 0; i < COUNT(messages); i++)
        messages[i] = message_of(
            i, (struct vb_view){text.data, vb_utf8_cut((struct vb_view){text.data, text.length},
                                                       i == 7 ? text.length : i * 20)});
    const struct story story = {plain, messages, COUNT(messages), &note, 1};
    struct vb_buffer first = {0};
    for (unsigned draining = 0; draining < 4; draining++) {
        struct vb_render_state render_state;
        struct vb_render_context context = make_context(&render_state);
        struct vb_buffer again = {0}, found = render_file(renderer, &context, &story, 1, draining);
        /* A press that has made documents makes the same ones. */
        again = render_file(renderer, &context, &story, 1, draining);
        assert_int_equal(found.length, again.length);
        assert_memory_equal(found.data, again.data, again.length);
        if (draining == 0)
            first = found;
        assert_int_equal(found.length, first.length);
        assert_memory_equal(found.data, first.data, first.length);
        if (draining > 0)
            vb_buffer_done(&found);
        vb_buffer_done(&again);
        vb_render_state_done(&render_state);
        vb_zone_free(context.zone);
    }
    assert_memory_equal(first.data, "%PDF-1.5", 8);
    vb_buffer_done(&first);
    vb_buffer_done(&text);
}

/* What is allocated in the middle of a document, after so many messages. */
static size_t allocated_after(const struct vb_render_context *context, unsigned from, unsigned to)
{
    const struct vb_renderer *renderer = vb_renderer_find(VB_VIEW("pdf"), vb_view_of(NULL));
    struct vb_error err = {0};
    struct vb_buffer out;
    vb_buffer_init(&out, 16u << 20);
    for (unsigned i = from; i < to; i++) {
        struct vb_message message =
            message_of(i, VB_VIEW("Your order left our warehouse this morning. \xF0\x9F\x98\x80"));
        must(renderer->message(context, &plain, &message, &out, &err), &err);
        vb_buffer_reset(&out);
    }
    vb_buffer_done(&out);
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void memory_does_not_grow_with_the_document(void **state)
{
    (void)state;
    const struct vb_renderer *renderer = vb_renderer_find(VB_VIEW("pdf"), vb_view_of(NULL));
    struct vb_render_state render_state;
    struct vb_render_context context = make_context(&render_state);
    struct vb_error err = {0};
    struct vb_buffer out;
    vb_buffer_init(&out, 16u << 20);
    must(renderer->begin_file(&context, &out, &err), &err);
    must(renderer->conversation(&context, &plain, true, &out, &err), &err);
    size_t early = allocated_after(&context, 0, 500), late = allocated_after(&context, 500, 6000);
    assert_true(late < early + (1u << 20));
    must(renderer->end_conversation(&context, &plain, &out, &err), &err);
    vb_buffer_done(&out);
    vb_render_state_done(&render_state);
    vb_zone_free(context.zone);
}

static void too_many_pages_are_refused_by_name(void **state)
{
    (void)state;
    const struct vb_renderer *renderer = vb_renderer_find(VB_VIEW("pdf"), vb_view_of(NULL));
    struct vb_render_state render_state;
    struct vb_render_context context = make_context(&render_state);
    struct vb_message message = message_of(0, VB_VIEW("one more"));
    struct vb_error err = {0};
    struct vb_buffer out;
    vb_buffer_init(&out, 16u << 20);
    must(renderer->begin_file(&context, &out, &err), &err);
    must(renderer->conversation(&context, &plain, true, &out, &err), &err);
    ((struct vb_pdf *)render_state.document)->page = VB_PDF_PAGES;
    must(renderer->message(&context, &plain, &message, &out, &err), &err);
    ((struct vb_pdf *)render_state.document)->page = VB_PDF_PAGES + 1;
    assert_int_equal(renderer->message(&context, &plain, &message, &out, &err), VB_LIMIT);
    assert_non_null(strstr(err.text, "conversation c1: "));
    assert_non_null(strstr(err.text, "at most 25000 pages"));
    assert_false(vb_status_retryable(VB_LIMIT));
    vb_buffer_done(&out);
    vb_render_state_done(&render_state);
    vb_zone_free(context.zone);
}

/* An export may end anywhere; a press may be asked for the next document then. */
static void a_document_that_is_dropped_leaves_nothing(void **state)
{
    (void)state;
    struct vb_pdf *pdf = make_press(NULL);
    const struct vb_pdf_head head = {.title = VB_VIEW("Jane"), .about = VB_VIEW("today")};
    struct vb_error err = {0};
    struct vb_buffer out, small;
    vb_buffer_init(&out, 16u << 20);
    vb_buffer_init(&small, 64);
    for (unsigned i = 0; i < 3; i++) {
        must(vb_pdf_open(pdf, &head, &out, &err), &err);
        assert_int_equal(vb_pdf_add_heading(pdf, VB_PDF_DAY, VB_VIEW("Monday"), &out), VB_OK);
        assert_int_equal(vb_pdf_begin_entry(pdf, VB_PDF_BOT, VB_VIEW("Ada"), VB_VIEW("Bot"), &out),
                         VB_OK);
        if (i == 1)
            assert_int_equal(vb_pdf_close(pdf, &small), VB_LIMIT);
        else
            vb_pdf_drop(pdf);
    }
    must(vb_pdf_open(pdf, &head, &out, &err), &err);
    vb_buffer_reset(&out);
    assert_int_equal(vb_pdf_close(pdf, &out), VB_OK);
    assert_non_null(memmem(out.data, out.length, "%%EOF", 5));
    must(vb_pdf_open(pdf, &head, &out, &err), &err);
    vb_pdf_free(pdf);
    vb_buffer_done(&out);
    vb_buffer_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_the_language_into_the_catalog_however_it_is_cut),
        cmocka_unit_test(leaves_alone_what_it_does_not_know),
        cmocka_unit_test(a_full_buffer_is_kept_as_the_writers_status),
        cmocka_unit_test(lines_hold_the_whole_text),
        cmocka_unit_test(controls_are_seen_and_do_nothing),
        cmocka_unit_test(a_missing_font_is_named_with_its_package),
        cmocka_unit_test(the_same_bytes_however_the_output_is_emptied),
        cmocka_unit_test(memory_does_not_grow_with_the_document),
        cmocka_unit_test(too_many_pages_are_refused_by_name),
        cmocka_unit_test(a_document_that_is_dropped_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
