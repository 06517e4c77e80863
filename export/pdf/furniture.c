/* What pages carry apart from entries: the head of the document, the head of each further page, the
 * foot, headings. */
#include "press.h"

#include "verbatim/text.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMN_GAP 18.0
#define COLUMN ((VB_PDF_INNER - COLUMN_GAP) / 2)
#define LABEL 74.0
#define LOGO_WIDTH 150.0
#define LOGO_HEIGHT 38.0
#define LOGO_GAP 10.0
#define FOOT (VB_PDF_HEIGHT - 38.0)

static void draw_text(struct vb_pdf *pdf, enum vb_pdf_style style, struct vb_view text, double x,
                      double y, double width, uint32_t color)
{
    struct vb_pdf_line line;
    vb_pdf_set_line(pdf, style, text, width, color, &line);
    vb_pdf_draw_line(pdf, &line, x, y);
    vb_pdf_line_done(&line);
}

/* Ends at `right`. */
static double draw_right(struct vb_pdf *pdf, enum vb_pdf_style style, struct vb_view text,
                         double right, double y, double width, uint32_t color)
{
    struct vb_pdf_line line;
    vb_pdf_set_line(pdf, style, text, width, color, &line);
    double taken = line.width;
    vb_pdf_draw_line(pdf, &line, right - taken, y);
    vb_pdf_line_done(&line);
    return taken;
}

static struct vb_view brand_name(const struct vb_pdf *pdf)
{
    return pdf->brand ? pdf->brand->name : (struct vb_view){NULL, 0};
}

/* --- the first page --- */

static enum vb_status take_value(struct vb_pdf *pdf, void *context, struct vb_pdf_line *line)
{
    double *x = context;
    vb_pdf_draw_line(pdf, line, *x, pdf->y);
    pdf->y += line->height;
    vb_pdf_line_done(line);
    return VB_OK;
}

/* A value may have many words, such as tags: it is cut where it would fill the page. */
static enum vb_status draw_fact(struct vb_pdf *pdf, const struct vb_pdf_fact *fact, double x)
{
    const struct vb_view value = {fact->value.data, vb_utf8_cut(fact->value, 600)};
    double at = x + LABEL;
    draw_text(pdf, VB_PDF_SMALL_TEXT, vb_view_of(fact->label), x, pdf->y + 1.6, LABEL,
              VB_PDF_MUTED);
    return vb_pdf_break_text(pdf, VB_PDF_VALUE_TEXT, value, COLUMN - LABEL, VB_PDF_INK, take_value,
                             &at);
}

/* Two columns, row by row: pairs stand beside each other. */
static enum vb_status draw_facts(struct vb_pdf *pdf, const struct vb_pdf_head *head)
{
    enum vb_status status = VB_OK;
    double top = pdf->y, lowest = top;
    unsigned column = 0;
    for (size_t i = 0; i < head->fact_count && status == VB_OK; i++) {
        if (head->facts[i].value.length == 0)
            continue;
        pdf->y = top;
        status = draw_fact(pdf, &head->facts[i], VB_PDF_MARGIN + column * (COLUMN + COLUMN_GAP));
        if (pdf->y > lowest)
            lowest = pdf->y;
        column = (column + 1) % 2;
        if (column == 0)
            top = lowest += 2.5;
    }
    pdf->y = lowest;
    return status;
}

/* Its width and the gap behind it. */
static double draw_logo(struct vb_pdf *pdf, double x, double y)
{
    double width = cairo_image_surface_get_width(pdf->logo);
    double height = cairo_image_surface_get_height(pdf->logo);
    double scale =
        LOGO_WIDTH / width < LOGO_HEIGHT / height ? LOGO_WIDTH / width : LOGO_HEIGHT / height;
    cairo_save(pdf->cairo);
    cairo_translate(pdf->cairo, x, y + (LOGO_HEIGHT - height * scale) / 2);
    cairo_scale(pdf->cairo, scale, scale);
    cairo_set_source_surface(pdf->cairo, pdf->logo, 0, 0);
    cairo_paint(pdf->cairo);
    cairo_restore(pdf->cairo);
    return width * scale + LOGO_GAP;
}

enum vb_status vb_pdf_draw_head(struct vb_pdf *pdf, const struct vb_pdf_head *head)
{
    double height = pdf->logo ? LOGO_HEIGHT : 22, base = 36 + height;
    /* Words before the logo: cairo 1.16 fails where a picture is the first thing in a tag. */
    (void)draw_right(pdf, VB_PDF_SMALL_TEXT, VB_VIEW("Conversation transcript"),
                     VB_PDF_WIDTH - VB_PDF_MARGIN, 36 + (height - 10) / 2, 140, VB_PDF_MUTED);
    double logo = pdf->logo ? draw_logo(pdf, VB_PDF_MARGIN, 36) : 0;
    if (brand_name(pdf).length > 0)
        draw_text(pdf, VB_PDF_BRAND_TEXT, brand_name(pdf), VB_PDF_MARGIN + logo,
                  36 + (height - 17) / 2, VB_PDF_INNER - 140 - logo, pdf->color);
    pdf->y = base + 8;
    vb_pdf_draw_rule(pdf, VB_PDF_MARGIN, pdf->y, VB_PDF_INNER, 1.6, pdf->color);
    pdf->y += 14;
    draw_text(pdf, VB_PDF_TITLE_TEXT, head->title, VB_PDF_MARGIN, pdf->y, VB_PDF_INNER, VB_PDF_INK);
    pdf->y += 30;
    enum vb_status status = draw_facts(pdf, head);
    pdf->y += 8;
    vb_pdf_draw_rule(pdf, VB_PDF_MARGIN, pdf->y, VB_PDF_INNER, 0.6, VB_PDF_HAIRLINE);
    pdf->y += 12;
    return status;
}

/* --- every page --- */

void vb_pdf_draw_running_head(struct vb_pdf *pdf)
{
    const double y = 34;
    double taken = draw_right(pdf, VB_PDF_SMALL_TEXT, vb_view_of(pdf->about),
                              VB_PDF_WIDTH - VB_PDF_MARGIN, y, VB_PDF_INNER * 0.6, VB_PDF_MUTED);
    draw_text(pdf, VB_PDF_SMALL_TEXT, vb_view_of(pdf->title), VB_PDF_MARGIN, y,
              VB_PDF_INNER - taken - COLUMN_GAP, VB_PDF_MUTED);
    vb_pdf_draw_rule(pdf, VB_PDF_MARGIN, 50, VB_PDF_INNER, 0.6, VB_PDF_HAIRLINE);
}

void vb_pdf_draw_foot(struct vb_pdf *pdf)
{
    char number[32];
    struct vb_view words =
        pdf->brand && pdf->brand->footer.length > 0 ? pdf->brand->footer : brand_name(pdf);
    (void)snprintf(number, sizeof number, "Page %u", pdf->page);
    if (words.length > 0)
        draw_text(pdf, VB_PDF_SMALL_TEXT, words, VB_PDF_MARGIN, FOOT, VB_PDF_INNER - 80,
                  VB_PDF_MUTED);
    (void)draw_right(pdf, VB_PDF_SMALL_TEXT, vb_view_of(number), VB_PDF_WIDTH - VB_PDF_MARGIN, FOOT,
                     80, VB_PDF_MUTED);
}

/* A day stands in the middle of a line, a section at the left. */
enum vb_status vb_pdf_add_heading(struct vb_pdf *pdf, enum vb_pdf_heading kind, struct vb_view text,
                                  struct vb_buffer *out)
{
    struct vb_pdf_line line;
    bool is_day = kind == VB_PDF_DAY;
    pdf->writer.out = out;
    if (!vb_utf8_valid(text))
        return VB_SOURCE;
    vb_pdf_need(pdf, 70); /* and the beginning of an entry */
    vb_pdf_set_line(pdf, is_day ? VB_PDF_DAY_TEXT : VB_PDF_SECTION_TEXT, text, VB_PDF_INNER,
                    is_day ? VB_PDF_MUTED : VB_PDF_INK, &line);
    pdf->y += pdf->is_fresh ? 0 : is_day ? 3 : 8;
    vb_pdf_outline(pdf, pango_layout_get_text(line.layout), pdf->y);
    double x = is_day ? (VB_PDF_WIDTH - line.width) / 2 : VB_PDF_MARGIN;
    vb_pdf_draw_line(pdf, &line, x, pdf->y);
    if (is_day) {
        double side = x - VB_PDF_MARGIN - 10, middle = pdf->y + line.height / 2;
        vb_pdf_draw_rule(pdf, VB_PDF_MARGIN, middle, side, 0.6, VB_PDF_HAIRLINE);
        vb_pdf_draw_rule(pdf, x + line.width + 10, middle, side, 0.6, VB_PDF_HAIRLINE);
    }
    pdf->y += line.height + 7;
    pdf->is_fresh = false;
    vb_pdf_line_done(&line);
    return vb_pdf_status(pdf);
}
