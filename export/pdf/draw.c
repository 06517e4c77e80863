/* Ink: colours, boxes, lines of text, and pictures in text.
 *
 * Emoji are pictures in Debian's font, and cairo would put each into the page in the text's size,
 * coarse in print and without a letter behind it. Here they are drawn once, large enough for
 * printing, cairo keeps one copy a document, and a dash in the colour of the ground that means the
 * emoji lies under each, so that it can be searched and copied. (A blank would not do: cairo leaves
 * out what has no ink.)
 */
#include "press.h"

#include "fonts.h"

#include <cairo-ft.h>
#include <pango/pangofc-font.h>
#include <string.h>

#define RADIUS 6.0
#define STRIKE 109.0 /* the size in which the font has its pictures */
#define PICTURE 80   /* pixels, for about 12 points */
#define PICTURE_WIDTH 136.0

static void set_color(struct vb_pdf *pdf, uint32_t color)
{
    cairo_set_source_rgb(pdf->cairo, (color >> 16 & 255) / 255.0, (color >> 8 & 255) / 255.0,
                         (color & 255) / 255.0);
}

uint32_t vb_pdf_tint(uint32_t color, double share)
{
    uint32_t tint = 0;
    for (unsigned shift = 0; shift <= 16; shift += 8) {
        double part = 255 - (255 - (double)(color >> shift & 255)) * share;
        tint |= (uint32_t)(part + 0.5) << shift;
    }
    return tint;
}

void vb_pdf_draw_rule(struct vb_pdf *pdf, double x, double y, double width, double thickness,
                      uint32_t color)
{
    set_color(pdf, color);
    cairo_rectangle(pdf->cairo, x, y, width, thickness);
    cairo_fill(pdf->cairo);
}

/* Corners are round where the entry begins and ends, not where it goes on on another page. */
void vb_pdf_draw_box(struct vb_pdf *pdf, double x, double y, double width, double height,
                     bool is_top, bool is_bottom, uint32_t color)
{
    const double quarter = G_PI / 2, top = is_top ? RADIUS : 0, bottom = is_bottom ? RADIUS : 0;
    cairo_t *cairo = pdf->cairo;
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, x + width - top, y + top, top, -quarter, 0);
    cairo_arc(cairo, x + width - bottom, y + height - bottom, bottom, 0, quarter);
    cairo_arc(cairo, x + bottom, y + height - bottom, bottom, quarter, 2 * quarter);
    cairo_arc(cairo, x + top, y + top, top, 2 * quarter, 3 * quarter);
    cairo_close_path(cairo);
    set_color(pdf, color);
    cairo_fill(cairo);
}

/* --- pictures --- */

static cairo_surface_t *draw_picture(PangoFont *font, PangoGlyph glyph)
{
    cairo_font_face_t *face =
        cairo_ft_font_face_create_for_pattern(pango_fc_font_get_pattern(PANGO_FC_FONT(font)));
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, PICTURE, PICTURE);
    cairo_t *cairo = cairo_create(surface);
    cairo_glyph_t one = {glyph, 0, STRIKE * 0.93};
    cairo_scale(cairo, PICTURE / PICTURE_WIDTH, PICTURE / PICTURE_WIDTH);
    cairo_set_font_face(cairo, face);
    cairo_set_font_size(cairo, STRIKE);
    cairo_show_glyphs(cairo, &one, 1);
    cairo_destroy(cairo);
    cairo_font_face_destroy(face);
    return surface;
}

static void picture_done(struct vb_pdf_picture *picture)
{
    if (picture->surface)
        cairo_surface_destroy(picture->surface);
    for (size_t i = 0; i < VB_PDF_COPIES; i++)
        if (picture->copies[i])
            cairo_surface_destroy(picture->copies[i]);
    *picture = (struct vb_pdf_picture){0};
}

void vb_pdf_pictures_done(struct vb_pdf *pdf)
{
    for (size_t i = 0; i < VB_PDF_PICTURES; i++)
        picture_done(&pdf->pictures[i]);
}

/* The press keeps the last few dozen; an open document has what it needs of others. */
static struct vb_pdf_picture *find_picture(struct vb_pdf *pdf, PangoFont *font, PangoGlyph glyph)
{
    for (size_t i = 0; i < VB_PDF_PICTURES; i++)
        if (pdf->pictures[i].surface && pdf->pictures[i].glyph == glyph)
            return &pdf->pictures[i];
    struct vb_pdf_picture *place = &pdf->pictures[pdf->next_picture++ % VB_PDF_PICTURES];
    picture_done(place);
    place->glyph = glyph;
    place->surface = draw_picture(font, glyph);
    return place;
}

static cairo_surface_t *make_copy(cairo_surface_t *picture)
{
    const cairo_rectangle_t extents = {0, 0, PICTURE, PICTURE};
    cairo_surface_t *copy = cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, &extents);
    cairo_t *cairo = cairo_create(copy);
    cairo_set_source_surface(cairo, picture, 0, 0);
    cairo_paint(cairo);
    cairo_destroy(cairo);
    return copy;
}

/* A reference that is the caller's. */
static cairo_surface_t *next_copy(struct vb_pdf *pdf, struct vb_pdf_picture *picture)
{
    if (picture->page != pdf->page)
        picture->used = 0;
    picture->page = pdf->page;
    unsigned copy = picture->used++;
    if (copy == 0)
        return cairo_surface_reference(picture->surface);
    if (copy > VB_PDF_COPIES)
        return make_copy(picture->surface);
    if (!picture->copies[copy - 1])
        picture->copies[copy - 1] = make_copy(picture->surface);
    return cairo_surface_reference(picture->copies[copy - 1]);
}

static void draw_glyph(struct vb_pdf *pdf, PangoFont *font, PangoGlyph glyph, double width,
                       double x, double y)
{
    cairo_surface_t *surface = next_copy(pdf, find_picture(pdf, font, glyph));
    cairo_save(pdf->cairo);
    cairo_translate(pdf->cairo, x, y - width * 0.8);
    cairo_scale(pdf->cairo, width / PICTURE, width / PICTURE);
    cairo_set_source_surface(pdf->cairo, surface, 0, 0);
    cairo_paint(pdf->cairo);
    cairo_restore(pdf->cairo);
    cairo_surface_destroy(surface);
}

/* cairo writes the text beside a letter that is not known for it (ActualText). */
static void draw_hidden(struct vb_pdf *pdf, const char *text, int length, double x, double y)
{
    const cairo_glyph_t glyph = {pdf->dash_glyph, x, y};
    const cairo_text_cluster_t cluster = {length, 1};
    set_color(pdf, pdf->ground);
    cairo_set_scaled_font(pdf->cairo, pdf->dash);
    cairo_show_text_glyphs(pdf->cairo, text, length, &glyph, 1, &cluster, 1, 0);
}

static void draw_cluster(struct vb_pdf *pdf, PangoFont *font, const PangoGlyphItemIter *cluster,
                         double x, double y)
{
    const PangoGlyphString *glyphs = cluster->glyph_item->glyphs;
    int step = cluster->start_glyph < cluster->end_glyph ? 1 : -1;
    draw_hidden(pdf, cluster->text + cluster->start_index,
                cluster->end_index - cluster->start_index, x, y);
    for (int i = cluster->start_glyph; i != cluster->end_glyph; i += step) {
        PangoGlyph glyph = glyphs->glyphs[i].glyph;
        double width = pango_units_to_double(glyphs->glyphs[i].geometry.width);
        if (glyph != PANGO_GLYPH_EMPTY && !(glyph & PANGO_GLYPH_UNKNOWN_FLAG) && width > 0)
            draw_glyph(pdf, font, glyph, width, x, y);
        x += width;
    }
}

/* Visual order. */
static void draw_pictures(struct vb_pdf *pdf, PangoGlyphItem *run, const char *text, double x,
                          double y)
{
    PangoGlyphItemIter cluster;
    bool is_rtl = run->item->analysis.level % 2 != 0;
    bool more = is_rtl ? pango_glyph_item_iter_init_end(&cluster, run, text)
                       : pango_glyph_item_iter_init_start(&cluster, run, text);
    while (more) {
        int step = cluster.start_glyph < cluster.end_glyph ? 1 : -1;
        draw_cluster(pdf, run->item->analysis.font, &cluster, x, y);
        for (int i = cluster.start_glyph; i != cluster.end_glyph; i += step)
            x += pango_units_to_double(run->glyphs->glyphs[i].geometry.width);
        more = is_rtl ? pango_glyph_item_iter_prev_cluster(&cluster)
                      : pango_glyph_item_iter_next_cluster(&cluster);
    }
}

/* --- lines --- */

void vb_pdf_draw_line(struct vb_pdf *pdf, const struct vb_pdf_line *line, double x, double y)
{
    const char *text = pango_layout_get_text(line->layout);
    for (const GSList *list = line->line->runs; list; list = list->next) {
        PangoGlyphItem *run = list->data;
        set_color(pdf, line->color);
        if (run->item->analysis.font && vb_pdf_font_has_pictures(run->item->analysis.font)) {
            draw_pictures(pdf, run, text, x, y + line->ascent);
        } else {
            cairo_move_to(pdf->cairo, x, y + line->ascent);
            pango_cairo_show_glyph_item(pdf->cairo, text, run);
        }
        x += pango_units_to_double(pango_glyph_string_get_width(run->glyphs));
    }
}
