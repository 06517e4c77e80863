/* The inside of a press, for the files of this room: pdf.c makes it and opens documents, flow.c
 * keeps the place on the page, furniture.c draws what pages carry apart from entries, entry.c
 * collects entries, line.c breaks texts into lines, draw.c draws them.
 *
 * Lengths are points, y grows downwards. Everything is the press's and its thread's. Functions that
 * draw cannot fail: cairo keeps its failure, which vb_pdf_status finds.
 */
#ifndef VERBATIM_EXPORT_PDF_PRESS_H
#define VERBATIM_EXPORT_PDF_PRESS_H

#include "verbatim/pdf.h"
#include "writer.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

/* A4, as most of the world prints it. */
#define VB_PDF_WIDTH 595.276
#define VB_PDF_HEIGHT 841.89
#define VB_PDF_MARGIN 48.0
#define VB_PDF_TOP 66.0     /* of what flows, on pages with a head */
#define VB_PDF_BOTTOM 784.0 /* the foot is below */
#define VB_PDF_INNER (VB_PDF_WIDTH - 2 * VB_PDF_MARGIN)

enum vb_pdf_style {
    VB_PDF_TITLE_TEXT,
    VB_PDF_BRAND_TEXT,
    VB_PDF_SECTION_TEXT,
    VB_PDF_DAY_TEXT,
    VB_PDF_NAME_TEXT,
    VB_PDF_BODY_TEXT,
    VB_PDF_VALUE_TEXT,
    VB_PDF_SMALL_TEXT,
    VB_PDF_STYLES
};

/* 0xRRGGBB */
#define VB_PDF_INK 0x1C2430u
#define VB_PDF_MUTED 0x5D6775u
#define VB_PDF_HAIRLINE 0xD9DEE5u
#define VB_PDF_LINK 0x1A56B0u
#define VB_PDF_BRAND 0x2B4C7Eu /* where the workspace has no colour */

/* One line of a laid-out text: keeps its layout alive. */
struct vb_pdf_line {
    PangoLayout *layout; /* NULL: nothing */
    PangoLayoutLine *line;
    double width, ascent, height;
    bool is_rtl;
    uint32_t color;
};

/* What stands side by side in an entry, and where a click leads. */
struct vb_pdf_row {
    struct vb_pdf_line first, second;
    char *target; /* NULL: nowhere */
    double above; /* kept free */
};

/* No page has more lines than this. */
#define VB_PDF_ROWS 160

/* Rows of the open entry that are not on paper yet. */
struct vb_pdf_entry {
    enum vb_pdf_voice voice;
    bool is_open;
    bool has_begun; /* a piece of it is on paper */
    double width;   /* of its box, once a piece is on paper */
    double natural; /* of its widest row so far */
    double height;  /* of the rows that wait */
    size_t count, lines;
    struct vb_pdf_row rows[VB_PDF_ROWS];
};

/* No page has more headings than this. */
#define VB_PDF_WAITING 64u

/* An entry of the outline whose page is not written yet. */
struct vb_pdf_mark {
    char *title;
    double y;
};

#define VB_PDF_PICTURES 64u

#define VB_PDF_COPIES 16u

/* A glyph of the font of pictures, drawn once. cairo 1.16 names a surface twice in the page's list
 * where it is painted twice, so that each further one on a page is a frame around the same
 * picture. */
struct vb_pdf_picture {
    PangoGlyph glyph;
    cairo_surface_t *surface;
    cairo_surface_t *copies[VB_PDF_COPIES];
    unsigned page, used; /* so many times on that page */
};

struct vb_pdf {
    const struct vb_brand *brand; /* may be NULL */
    uint32_t color;
    cairo_surface_t *logo; /* NULL: none */
    PangoFontMap *map;
    PangoContext *context;
    PangoFontDescription *styles[VB_PDF_STYLES];
    PangoAttrList *attributes;
    struct vb_pdf_picture pictures[VB_PDF_PICTURES];
    size_t next_picture;
    cairo_scaled_font_t *dash; /* what stands under pictures, in the colour of the ground */
    unsigned long dash_glyph;

    /* the open document */
    cairo_surface_t *surface; /* NULL: none */
    cairo_t *cairo;
    struct vb_pdf_writer writer;
    unsigned page;
    double y;                 /* where the next thing goes */
    bool is_fresh;            /* nothing flowed onto the page yet */
    unsigned outlined, links; /* in the outline, and that can be followed */
    uint32_t ground;          /* under what is drawn */
    struct vb_pdf_mark waiting[VB_PDF_WAITING];
    size_t waiting_count;
    char *title, *about;
    struct vb_buffer scratch; /* text on its way into lines */
    struct vb_pdf_entry entry;
};

/* --- line.c --- */

/* The text as one line, cut with an ellipsis at `width`. */
void vb_pdf_set_line(struct vb_pdf *pdf, enum vb_pdf_style style, struct vb_view text, double width,
                     uint32_t color, struct vb_pdf_line *ret_line);
void vb_pdf_line_done(struct vb_pdf_line *line);
/* Breaks a text of any length and calls `take` for each line, which takes it over. VB_SOURCE. */
typedef enum vb_status vb_pdf_take_line(struct vb_pdf *pdf, void *context,
                                        struct vb_pdf_line *line);
enum vb_status vb_pdf_break_text(struct vb_pdf *pdf, enum vb_pdf_style style, struct vb_view text,
                                 double width, uint32_t color, vb_pdf_take_line *take,
                                 void *context) vb_must_check;

/* --- draw.c --- */
/* A colour as it looks thinly on white: `share` of it. */
uint32_t vb_pdf_tint(uint32_t color, double share);
/* At its top left corner. */
void vb_pdf_draw_line(struct vb_pdf *pdf, const struct vb_pdf_line *line, double x, double y);
void vb_pdf_draw_rule(struct vb_pdf *pdf, double x, double y, double width, double thickness,
                      uint32_t color);
void vb_pdf_draw_box(struct vb_pdf *pdf, double x, double y, double width, double height,
                     bool is_top, bool is_bottom, uint32_t color);

void vb_pdf_pictures_done(struct vb_pdf *pdf);

/* --- flow.c --- */
/* Makes sure of room for `height`, on a new page if need be. */
void vb_pdf_need(struct vb_pdf *pdf, double height);
void vb_pdf_new_page(struct vb_pdf *pdf);
/* What a screen reader goes by: the document, one long paragraph, and the links in it. */
void vb_pdf_begin_tags(struct vb_pdf *pdf);
void vb_pdf_end_tags(struct vb_pdf *pdf);
void vb_pdf_show_page(struct vb_pdf *pdf);
void vb_pdf_outline_reset(struct vb_pdf *pdf);
void vb_pdf_outline(struct vb_pdf *pdf, const char *title, double y);
/* The document's first fault; nothing of it can be used any more. */
enum vb_status vb_pdf_status(struct vb_pdf *pdf) vb_must_check;
void vb_pdf_keep_status(struct vb_pdf *pdf, enum vb_status status);

/* --- furniture.c --- */
enum vb_status vb_pdf_draw_head(struct vb_pdf *pdf, const struct vb_pdf_head *head) vb_must_check;
void vb_pdf_draw_running_head(struct vb_pdf *pdf);
void vb_pdf_draw_foot(struct vb_pdf *pdf);

/* --- entry.c --- */
void vb_pdf_entry_reset(struct vb_pdf *pdf);

#endif
