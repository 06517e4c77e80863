/* Presses and their documents; see verbatim/pdf.h. */
#include "press.h"

#include "fonts.h"
#include "verbatim/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH (64u * 1024u)
#define PROPERTY 1000u /* bytes of a title that readers are given */

static const struct {
    double size;
    PangoWeight weight;
} styles[VB_PDF_STYLES] = {
    [VB_PDF_TITLE_TEXT] = {17, PANGO_WEIGHT_BOLD},
    [VB_PDF_BRAND_TEXT] = {12, PANGO_WEIGHT_BOLD},
    [VB_PDF_SECTION_TEXT] = {11, PANGO_WEIGHT_BOLD},
    [VB_PDF_DAY_TEXT] = {8, PANGO_WEIGHT_BOLD},
    [VB_PDF_NAME_TEXT] = {8.2, PANGO_WEIGHT_BOLD},
    [VB_PDF_BODY_TEXT] = {9.4, PANGO_WEIGHT_NORMAL},
    [VB_PDF_VALUE_TEXT] = {8.8, PANGO_WEIGHT_NORMAL},
    [VB_PDF_SMALL_TEXT] = {7.2, PANGO_WEIGHT_NORMAL},
};

/* --- a press --- */

/* Nothing of a screen: no hinting, no whole pixels. Rounded places of letters would look uneven in
 * print, and readers would take the gaps between them for spaces. */
static void make_context(struct vb_pdf *pdf)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pdf->context = pango_font_map_create_context(pdf->map);
    pango_cairo_context_set_font_options(pdf->context, options);
    pango_cairo_context_set_resolution(pdf->context, 72);
    pango_context_set_round_glyph_positions(pdf->context, FALSE);
    pango_context_set_language(pdf->context, pango_language_from_string("en"));
    cairo_font_options_destroy(options);
    /* A word that is cut, such as an address, gets no hyphen that was not in it. */
    pdf->attributes = pango_attr_list_new();
    pango_attr_list_insert(pdf->attributes, pango_attr_insert_hyphens_new(FALSE));
    for (size_t i = 0; i < VB_PDF_STYLES; i++) {
        pdf->styles[i] = pango_font_description_new();
        pango_font_description_set_family_static(pdf->styles[i], vb_pdf_families);
        pango_font_description_set_weight(pdf->styles[i], styles[i].weight);
        pango_font_description_set_absolute_size(pdf->styles[i], styles[i].size * PANGO_SCALE);
    }
}

/* About as wide as an emoji, and in the middle of it. */
static void find_dash(struct vb_pdf *pdf)
{
    PangoFont *font = pango_context_load_font(pdf->context, pdf->styles[VB_PDF_BODY_TEXT]);
    cairo_scaled_font_t *scaled = pango_cairo_font_get_scaled_font(PANGO_CAIRO_FONT(font));
    cairo_glyph_t one, *glyphs = &one;
    int count = 1;
    pdf->dash = cairo_scaled_font_reference(scaled);
    if (cairo_scaled_font_text_to_glyphs(scaled, 0, 0, "\u2014", 3, &glyphs, &count, NULL, NULL,
                                         NULL) == CAIRO_STATUS_SUCCESS)
        pdf->dash_glyph = glyphs[0].index;
    if (glyphs != &one)
        cairo_glyph_free(glyphs);
    g_object_unref(font);
}

static cairo_status_t read_logo(void *context, unsigned char *to, unsigned length)
{
    struct vb_view *rest = context;
    if (length > rest->length)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(to, rest->data, length);
    rest->data += length;
    rest->length -= length;
    return CAIRO_STATUS_SUCCESS;
}

/* A logo that cannot be read any more is left out: a transcript is worth more than its looks. */
static void open_logo(struct vb_pdf *pdf)
{
    struct vb_view rest = pdf->brand ? pdf->brand->logo : (struct vb_view){NULL, 0};
    if (rest.length == 0)
        return;
    pdf->logo = cairo_image_surface_create_from_png_stream(read_logo, &rest);
    if (cairo_surface_status(pdf->logo) == CAIRO_STATUS_SUCCESS)
        return;
    cairo_surface_destroy(pdf->logo);
    pdf->logo = NULL;
}

enum vb_status vb_pdf_new(const char *fonts, const struct vb_brand *brand, struct vb_pdf **ret_pdf,
                          struct vb_error *err)
{
    struct vb_pdf *pdf = calloc(1, sizeof *pdf);
    if (!pdf)
        return vb_fail(err, VB_NO_MEMORY, "no memory for pages");
    pdf->brand = brand;
    pdf->color = brand && brand->has_color ? brand->color : VB_PDF_BRAND;
    vb_buffer_init(&pdf->scratch, SCRATCH);
    enum vb_status status = vb_pdf_font_map(fonts, &pdf->map, err);
    if (status != VB_OK) {
        vb_pdf_free(pdf);
        return status;
    }
    make_context(pdf);
    find_dash(pdf);
    open_logo(pdf);
    *ret_pdf = pdf;
    return VB_OK;
}

enum vb_status vb_pdf_check_fonts(const char *fonts, struct vb_error *err)
{
    PangoFontMap *map = NULL;
    enum vb_status status = vb_pdf_font_map(fonts, &map, err);
    if (status == VB_OK)
        g_object_unref(map);
    return status;
}

void vb_pdf_free(struct vb_pdf *pdf)
{
    if (!pdf)
        return;
    vb_pdf_drop(pdf);
    vb_pdf_pictures_done(pdf);
    if (pdf->logo)
        cairo_surface_destroy(pdf->logo);
    for (size_t i = 0; i < VB_PDF_STYLES; i++)
        if (pdf->styles[i])
            pango_font_description_free(pdf->styles[i]);
    if (pdf->dash)
        cairo_scaled_font_destroy(pdf->dash);
    if (pdf->attributes)
        pango_attr_list_unref(pdf->attributes);
    if (pdf->context)
        g_object_unref(pdf->context);
    if (pdf->map)
        g_object_unref(pdf->map);
    vb_buffer_done(&pdf->scratch);
    free(pdf);
}

/* --- a document --- */

static void set_property(struct vb_pdf *pdf, cairo_pdf_metadata_t property, const char *value)
{
    if (value && value[0])
        cairo_pdf_surface_set_metadata(pdf->surface, property, value);
}

/* Times of PDF are UTC here, and the conversation's. */
static void set_properties(struct vb_pdf *pdf, vb_instant created_at)
{
    char when[VB_INSTANT_TEXT + 1], author[PROPERTY + 1];
    struct vb_view name = pdf->brand ? pdf->brand->name : (struct vb_view){NULL, 0};
    vb_instant_text(created_at, when);
    (void)snprintf(when + 19, sizeof when - 19, "Z"); /* whole seconds */
    (void)snprintf(author, sizeof author, "%.*s", (int)vb_utf8_cut(name, PROPERTY), name.data);
    set_property(pdf, CAIRO_PDF_METADATA_TITLE, pdf->title);
    set_property(pdf, CAIRO_PDF_METADATA_SUBJECT, pdf->about);
    set_property(pdf, CAIRO_PDF_METADATA_AUTHOR, name.length > 0 ? author : "Verbatim");
    set_property(pdf, CAIRO_PDF_METADATA_CREATOR, "Verbatim");
    set_property(pdf, CAIRO_PDF_METADATA_CREATE_DATE, when);
    set_property(pdf, CAIRO_PDF_METADATA_MOD_DATE, when);
}

/* On one line and without controls, as lines are shown. */
static char *line_of(struct vb_pdf *pdf, struct vb_view text)
{
    struct vb_pdf_line line;
    vb_pdf_set_line(pdf, VB_PDF_SMALL_TEXT, text, VB_PDF_INNER, 0, &line);
    char *copy = strdup(pango_layout_get_text(line.layout));
    vb_pdf_line_done(&line);
    return copy;
}

enum vb_status vb_pdf_open(struct vb_pdf *pdf, const struct vb_pdf_head *head,
                           struct vb_buffer *out, struct vb_error *err)
{
    vb_pdf_drop(pdf);
    pdf->writer = (struct vb_pdf_writer){.out = out};
    if (!vb_utf8_valid(head->title) || !vb_utf8_valid(head->about))
        return vb_fail(err, VB_SOURCE, "a title that is not valid UTF-8");
    pdf->surface = cairo_pdf_surface_create_for_stream(vb_pdf_writer_take, &pdf->writer,
                                                       VB_PDF_WIDTH, VB_PDF_HEIGHT);
    /* Later versions may have their catalog packed; see writer.h. */
    cairo_pdf_surface_restrict_to_version(pdf->surface, CAIRO_PDF_VERSION_1_5);
    pdf->cairo = cairo_create(pdf->surface);
    pdf->title = line_of(pdf, head->title);
    pdf->about = line_of(pdf, head->about);
    pdf->page = 1;
    pdf->is_fresh = false;
    pdf->outlined = pdf->links = 0;
    for (size_t i = 0; i < VB_PDF_PICTURES; i++)
        pdf->pictures[i].page = 0;
    pdf->ground = 0xFFFFFFu;
    set_properties(pdf, head->created_at);
    enum vb_status status = pdf->title && pdf->about ? VB_OK : VB_NO_MEMORY;
    vb_pdf_begin_tags(pdf);
    if (status == VB_OK)
        status = vb_pdf_draw_head(pdf, head);
    if (status == VB_OK)
        status = vb_pdf_status(pdf);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "the head of a transcript");
}

unsigned vb_pdf_pages(const struct vb_pdf *pdf)
{
    return pdf->page;
}

/* Fonts and outline are written by the end; what cairo calls finished has passed the writer. */
enum vb_status vb_pdf_close(struct vb_pdf *pdf, struct vb_buffer *out)
{
    pdf->writer.out = out;
    vb_pdf_draw_foot(pdf);
    vb_pdf_end_tags(pdf);
    vb_pdf_show_page(pdf);
    enum vb_status status = vb_pdf_status(pdf);
    cairo_destroy(pdf->cairo);
    pdf->cairo = NULL;
    pdf->writer.is_ending = true;
    cairo_surface_finish(pdf->surface);
    vb_pdf_writer_end(&pdf->writer);
    if (status == VB_OK)
        status = pdf->writer.status;
    if (status == VB_OK && cairo_surface_status(pdf->surface) != CAIRO_STATUS_SUCCESS)
        status = VB_NO_MEMORY;
    vb_pdf_drop(pdf);
    return status;
}

/* A surface that was not finished writes its end when it goes: the writer takes nothing more. */
void vb_pdf_drop(struct vb_pdf *pdf)
{
    pdf->writer.status = VB_STOPPED;
    vb_pdf_entry_reset(pdf);
    vb_pdf_outline_reset(pdf);
    if (pdf->cairo)
        cairo_destroy(pdf->cairo);
    if (pdf->surface)
        cairo_surface_destroy(pdf->surface);
    free(pdf->title);
    free(pdf->about);
    pdf->cairo = NULL;
    pdf->surface = NULL;
    pdf->title = pdf->about = NULL;
}
