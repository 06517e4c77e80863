/* Texts into lines.
 *
 * A paragraph is laid out in windows of a few thousand bytes, so that a text of any length takes
 * the same memory: all lines of a window but the last are taken, and what that last one holds
 * begins the next window, as it would have begun the next line. The direction is the paragraph's,
 * found at its beginning. Pango would find paragraphs by itself, but in all of the text at once.
 */
#include "press.h"

#include "verbatim/text.h"

#include <fribidi.h>
#include <string.h>

#define WINDOW 4096u
#define LINE_TEXT 1000u /* what a single line may show at all */
#define TAB_STOPS "    "

/* Blank lines in a row that are shown. */
#define BLANKS 2u

void vb_pdf_line_done(struct vb_pdf_line *line)
{
    if (line->line)
        pango_layout_line_unref(line->line);
    if (line->layout)
        g_object_unref(line->layout);
    *line = (struct vb_pdf_line){0};
}

/* Code points that Unicode keeps free for ever; cairo takes text with one for broken. */
static bool is_noncharacter(uint32_t character)
{
    return (character & 0xfffe) == 0xfffe || (character >= 0xfdd0 && character <= 0xfdef);
}

/* Controls as their pictures (U+2400 and on), so that none is lost and none does anything; those of
 * the second kind and noncharacters have none. */
static enum vb_status append_shown(struct vb_buffer *out, uint32_t character)
{
    if (character == '\t')
        return vb_buffer_append_text(out, TAB_STOPS);
    if (character < 0x20)
        return vb_utf8_append(out, 0x2400 + character);
    if (character == 0x7f)
        return vb_utf8_append(out, 0x2421);
    if ((character >= 0x80 && character < 0xa0) || is_noncharacter(character))
        return vb_utf8_append(out, 0xfffd);
    return vb_utf8_append(out, character);
}

static bool ends_paragraph(uint32_t character)
{
    return character == '\n' || character == '\r' || character == 0x0b || character == 0x0c ||
           character == 0x2029 || character == 0x85;
}

static PangoLayout *make_layout(struct vb_pdf *pdf, enum vb_pdf_style style, struct vb_view text)
{
    PangoLayout *layout = pango_layout_new(pdf->context);
    pango_layout_set_font_description(layout, pdf->styles[style]);
    pango_layout_set_auto_dir(layout, FALSE);
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_attributes(layout, pdf->attributes);
    pango_layout_set_text(layout, text.data ? text.data : "", (int)text.length);
    return layout;
}

/* By the first letter that has a direction (UAX 9, P2); a text without any runs from the left. */
static bool is_right_to_left(struct vb_view text)
{
    while (text.length > 0) {
        FriBidiCharType type = fribidi_get_bidi_type(vb_utf8_next(&text));
        if (FRIBIDI_IS_LETTER(type))
            return FRIBIDI_IS_RTL(type);
    }
    return false;
}

static bool set_direction(struct vb_pdf *pdf, struct vb_view text)
{
    bool is_rtl = is_right_to_left(text);
    pango_context_set_base_dir(pdf->context, is_rtl ? PANGO_DIRECTION_RTL : PANGO_DIRECTION_LTR);
    return is_rtl;
}

/* A reference to the layout and to its line go with the result. */
static void get_line(PangoLayout *layout, int number, bool is_rtl, uint32_t color,
                     struct vb_pdf_line *ret_line)
{
    PangoRectangle logical;
    PangoLayoutLine *line = pango_layout_get_line_readonly(layout, number);
    pango_layout_line_get_extents(line, NULL, &logical);
    *ret_line = (struct vb_pdf_line){.layout = g_object_ref(layout),
                                     .line = pango_layout_line_ref(line),
                                     .width = pango_units_to_double(logical.width),
                                     .ascent = pango_units_to_double(-logical.y),
                                     .height = pango_units_to_double(logical.height),
                                     .is_rtl = is_rtl,
                                     .color = color};
}

/* Text that is not UTF-8 has been refused before; what is too long for a line is not looked at. */
void vb_pdf_set_line(struct vb_pdf *pdf, enum vb_pdf_style style, struct vb_view text, double width,
                     uint32_t color, struct vb_pdf_line *ret_line)
{
    struct vb_buffer shown;
    struct vb_view rest = {text.data, vb_utf8_cut(text, LINE_TEXT)};
    vb_buffer_init(&shown, 8u * LINE_TEXT);
    enum vb_status status = VB_OK;
    while (rest.length > 0 && status == VB_OK) {
        uint32_t character = vb_utf8_next(&rest);
        bool is_break = ends_paragraph(character) || character == 0x2028;
        status = append_shown(&shown, is_break ? ' ' : character);
    }
    vb_pdf_keep_status(pdf, status);
    const struct vb_view line = {shown.data, shown.length};
    bool is_rtl = line.length > 0 && set_direction(pdf, line);
    PangoLayout *layout = make_layout(pdf, style, line);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_width(layout, pango_units_from_double(width));
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    get_line(layout, 0, is_rtl, color, ret_line);
    g_object_unref(layout);
    vb_buffer_done(&shown);
}

/* --- long texts --- */

struct breaking {
    struct vb_pdf *pdf;
    enum vb_pdf_style style;
    double width;
    uint32_t color;
    vb_pdf_take_line *take;
    void *context;
    struct vb_view rest; /* not yet in the window */
    bool is_rtl;         /* the paragraph */
    bool has_window;     /* the paragraph has had one */
    unsigned blanks;
};

/* Moves characters into the window, up to its size or the paragraph's end, which is taken too. */
static enum vb_status fill_window(struct breaking *breaking, bool *ret_ended)
{
    struct vb_buffer *window = &breaking->pdf->scratch;
    enum vb_status status = VB_OK;
    while (breaking->rest.length > 0 && window->length < WINDOW && status == VB_OK) {
        uint32_t character = vb_utf8_next(&breaking->rest);
        if (ends_paragraph(character)) {
            if (character == '\r' && breaking->rest.length > 0 && breaking->rest.data[0] == '\n')
                (void)vb_utf8_next(&breaking->rest);
            *ret_ended = true;
            return VB_OK;
        }
        status = append_shown(window, character);
    }
    *ret_ended = breaking->rest.length == 0;
    return status;
}

/* Hands the lines over; of an unfinished paragraph all but the last, unless there is no other. */
static enum vb_status take_lines(struct breaking *breaking, PangoLayout *layout, bool has_ended)
{
    struct vb_buffer *window = &breaking->pdf->scratch;
    int count = pango_layout_get_line_count(layout);
    int taken = has_ended || count == 1 ? count : count - 1;
    size_t left = taken < count ? (size_t)pango_layout_get_line_readonly(layout, taken)->start_index
                                : window->length;
    enum vb_status status = VB_OK;
    for (int i = 0; i < taken && status == VB_OK; i++) {
        struct vb_pdf_line line;
        get_line(layout, i, breaking->is_rtl, breaking->color, &line);
        status = breaking->take(breaking->pdf, breaking->context, &line);
    }
    vb_buffer_consume(window, left);
    return status;
}

static enum vb_status break_window(struct breaking *breaking, bool has_ended)
{
    struct vb_pdf *pdf = breaking->pdf;
    const struct vb_view window = {pdf->scratch.data, pdf->scratch.length};
    if (!breaking->has_window)
        breaking->is_rtl = window.length > 0 && set_direction(pdf, window);
    breaking->has_window = true;
    PangoLayout *layout = make_layout(pdf, breaking->style, window);
    pango_layout_set_width(layout, pango_units_from_double(breaking->width));
    enum vb_status status = take_lines(breaking, layout, has_ended);
    g_object_unref(layout);
    return status;
}

/* Of many blank lines in a row a few are shown, else a message could be a ream of white paper. */
static bool is_too_blank(struct breaking *breaking)
{
    bool is_blank = breaking->pdf->scratch.length == 0;
    breaking->blanks = is_blank ? breaking->blanks + 1 : 0;
    return breaking->blanks > BLANKS;
}

static enum vb_status break_paragraph(struct breaking *breaking)
{
    bool has_ended = false;
    enum vb_status status = VB_OK;
    breaking->has_window = false;
    vb_buffer_reset(&breaking->pdf->scratch);
    do {
        status = fill_window(breaking, &has_ended);
        if (status == VB_OK && has_ended && !breaking->has_window && is_too_blank(breaking))
            return VB_OK;
        if (status == VB_OK)
            status = break_window(breaking, has_ended);
    } while (status == VB_OK && !has_ended);
    return status;
}

enum vb_status vb_pdf_break_text(struct vb_pdf *pdf, enum vb_pdf_style style, struct vb_view text,
                                 double width, uint32_t color, vb_pdf_take_line *take,
                                 void *context)
{
    struct breaking breaking = {.pdf = pdf,
                                .style = style,
                                .width = width,
                                .color = color,
                                .take = take,
                                .context = context,
                                .rest = text};
    enum vb_status status = vb_utf8_valid(text) ? VB_OK : VB_SOURCE;
    while (status == VB_OK && breaking.rest.length > 0)
        status = break_paragraph(&breaking);
    return status;
}
