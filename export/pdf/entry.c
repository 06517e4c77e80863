/* Entries: rows wait until the entry ends or the page is full, then its box is drawn and they on
 * it. A box is as wide as its widest row, unless it goes on on another page: then it has the whole
 * width that there is.
 *
 * An entry that would be cut near its beginning moves to the next page instead.
 */
#include "press.h"

#include "verbatim/text.h"

#include <stdlib.h>
#include <string.h>

#define URL_MOST 8000u
#define PADDING_X 9.0
#define PADDING_Y 5.5
#define GAP 7.0      /* below an entry */
#define PART_GAP 6.0 /* between a name and what stands beside it */
#define MOST 0.76    /* of the width, for one side */
#define MOVED 90.0   /* what is lower moves to the next page as a whole */
#define BAR 2.5      /* at an agent's and a note's side */
#define FRAME 0.7
#define WHITE 0xFFFFFFu
#define NOTE 0xFFF6DBu
#define NOTE_BAR 0xE0A800u
#define CUSTOMER 0xF0F2F5u

static double most_of(enum vb_pdf_voice voice)
{
    return voice >= VB_PDF_NOTE ? VB_PDF_INNER : VB_PDF_INNER * MOST;
}

/* Lines without a ground begin where the page's other words do. */
static double padding_of(enum vb_pdf_voice voice)
{
    return voice == VB_PDF_LINE ? 0 : PADDING_X;
}

static double row_width(const struct vb_pdf_row *row)
{
    return row->second.layout ? row->first.width + PART_GAP + row->second.width : row->first.width;
}

static double row_height(const struct vb_pdf_row *row)
{
    double height = row->second.height > row->first.height ? row->second.height : row->first.height;
    return row->above + height;
}

static void row_done(struct vb_pdf_row *row)
{
    vb_pdf_line_done(&row->first);
    vb_pdf_line_done(&row->second);
    free(row->target);
    row->target = NULL;
}

static void drop_rows(struct vb_pdf_entry *entry)
{
    for (size_t i = 0; i < entry->count; i++)
        row_done(&entry->rows[i]);
    entry->count = 0;
    entry->height = 0;
}

void vb_pdf_entry_reset(struct vb_pdf *pdf)
{
    drop_rows(&pdf->entry);
    pdf->entry.is_open = false;
}

/* --- on paper --- */

static uint32_t ground_of(const struct vb_pdf *pdf)
{
    switch (pdf->entry.voice) {
    case VB_PDF_CUSTOMER:
        return CUSTOMER;
    case VB_PDF_BOT:
        return vb_pdf_tint(pdf->color, 0.09);
    case VB_PDF_AGENT:
        return vb_pdf_tint(pdf->color, 0.20);
    case VB_PDF_NOTE:
        return NOTE;
    case VB_PDF_UNKNOWN:
    case VB_PDF_LINE:
    case VB_PDF_VOICES:
        break;
    }
    return WHITE;
}

/* What tells the voices apart beside the side: a ground, a bar, a frame. */
static void draw_ground(struct vb_pdf *pdf, double x, double height, bool is_last)
{
    const struct vb_pdf_entry *entry = &pdf->entry;
    bool is_first = !entry->has_begun;
    double width = entry->width;
    if (entry->voice == VB_PDF_UNKNOWN) {
        vb_pdf_draw_box(pdf, x, pdf->y, width, height, is_first, is_last, VB_PDF_HAIRLINE);
        vb_pdf_draw_box(pdf, x + FRAME, pdf->y + FRAME, width - 2 * FRAME, height - 2 * FRAME,
                        is_first, is_last, WHITE);
    } else if (entry->voice == VB_PDF_NOTE) {
        vb_pdf_draw_box(pdf, x, pdf->y, width, height, false, false, pdf->ground);
        vb_pdf_draw_rule(pdf, x, pdf->y, BAR, height, NOTE_BAR);
    } else if (entry->voice != VB_PDF_LINE) {
        vb_pdf_draw_box(pdf, x, pdf->y, width, height, is_first, is_last, pdf->ground);
    }
    if (entry->voice == VB_PDF_AGENT)
        vb_pdf_draw_rule(pdf, x + width + BAR, pdf->y, BAR, height, pdf->color);
}

/* The link lies over the words, not over the whole row. Only a row with two lines has lines of
 * different height. */
static void draw_row(struct vb_pdf *pdf, const struct vb_pdf_row *row, double x, double inner)
{
    const struct vb_pdf_line *first = &row->first, *second = &row->second;
    double base =
        pdf->y + row->above + (second->ascent > first->ascent ? second->ascent : first->ascent);
    double left = first->is_rtl ? x + inner - first->width : x;
    if (row->target)
        cairo_tag_begin(pdf->cairo, CAIRO_TAG_LINK, row->target);
    vb_pdf_draw_line(pdf, first, left, base - first->ascent);
    if (row->target)
        cairo_tag_end(pdf->cairo, CAIRO_TAG_LINK);
    left += first->is_rtl ? -PART_GAP - second->width : first->width + PART_GAP;
    if (second->layout)
        vb_pdf_draw_line(pdf, second, left, base - second->ascent);
    pdf->y += row_height(row);
}

/* What waits goes onto the page, which has room for it. */
static void put_rows(struct vb_pdf *pdf, bool is_last)
{
    struct vb_pdf_entry *entry = &pdf->entry;
    double pad = entry->voice == VB_PDF_LINE ? 0 : PADDING_Y;
    double above = entry->has_begun ? 0 : pad, below = is_last ? pad : 0;
    bool is_right = entry->voice == VB_PDF_BOT || entry->voice == VB_PDF_AGENT;
    if (!entry->has_begun) {
        double natural = entry->natural + 2 * padding_of(entry->voice),
               most = most_of(entry->voice);
        entry->width = !is_last || natural > most || entry->voice >= VB_PDF_NOTE ? most : natural;
    }
    double x = is_right ? VB_PDF_WIDTH - VB_PDF_MARGIN - entry->width : VB_PDF_MARGIN;
    pdf->ground = ground_of(pdf);
    draw_ground(pdf, x, above + entry->height + below, is_last);
    pdf->y += above;
    for (size_t i = 0; i < entry->count; i++)
        draw_row(pdf, &entry->rows[i], x + padding_of(entry->voice),
                 entry->width - 2 * padding_of(entry->voice));
    pdf->y += below;
    pdf->ground = WHITE;
    pdf->is_fresh = false;
    entry->has_begun = true;
    drop_rows(entry);
}

/* The page has no room for one row more. */
static void turn_page(struct vb_pdf *pdf)
{
    struct vb_pdf_entry *entry = &pdf->entry;
    bool moves = !entry->has_begun && !pdf->is_fresh && (entry->height < MOVED || entry->count < 2);
    if (!moves)
        put_rows(pdf, false);
    vb_pdf_new_page(pdf);
}

/* Takes the row over. */
static enum vb_status add_row(struct vb_pdf *pdf, struct vb_pdf_row *row)
{
    struct vb_pdf_entry *entry = &pdf->entry;
    double above = entry->has_begun ? 0 : PADDING_Y;
    double end = pdf->y + above + entry->height + row_height(row) + PADDING_Y;
    if ((end > VB_PDF_BOTTOM && (entry->count > 0 || !pdf->is_fresh)) ||
        entry->count == VB_PDF_ROWS)
        turn_page(pdf);
    if (row_width(row) > entry->natural)
        entry->natural = row_width(row);
    entry->height += row_height(row);
    entry->rows[entry->count++] = *row;
    *row = (struct vb_pdf_row){0};
    return vb_pdf_status(pdf);
}

/* What is free above the first line of a text, a link or small print. */
struct piece {
    double above;
    struct vb_view target;
};

static enum vb_status take_line(struct vb_pdf *pdf, void *context, struct vb_pdf_line *line)
{
    struct piece *piece = context;
    struct vb_pdf_row row = {.first = *line, .above = piece->above};
    piece->above = 0;
    return add_row(pdf, &row);
}

static double inner_of(enum vb_pdf_voice voice)
{
    return most_of(voice) - 2 * padding_of(voice);
}

/* --- what callers add --- */

enum vb_status vb_pdf_begin_entry(struct vb_pdf *pdf, enum vb_pdf_voice voice, struct vb_view name,
                                  struct vb_view detail, struct vb_buffer *out)
{
    struct vb_pdf_row row = {0};
    double inner = inner_of(voice);
    pdf->writer.out = out;
    if (!vb_utf8_valid(name) || !vb_utf8_valid(detail))
        return VB_SOURCE;
    vb_pdf_entry_reset(pdf);
    pdf->entry.voice = voice;
    pdf->entry.is_open = true;
    pdf->entry.has_begun = false;
    pdf->entry.natural = 0;
    vb_pdf_set_line(pdf, VB_PDF_SMALL_TEXT, detail, inner, VB_PDF_MUTED, &row.second);
    vb_pdf_set_line(pdf, VB_PDF_NAME_TEXT, name, inner - row.second.width - PART_GAP, VB_PDF_INK,
                    &row.first);
    return add_row(pdf, &row);
}

enum vb_status vb_pdf_add_text(struct vb_pdf *pdf, struct vb_view text, struct vb_buffer *out)
{
    struct piece piece = {.above = 1.5};
    pdf->writer.out = out;
    return vb_pdf_break_text(pdf, VB_PDF_BODY_TEXT, text, inner_of(pdf->entry.voice), VB_PDF_INK,
                             take_line, &piece);
}

enum vb_status vb_pdf_add_small(struct vb_pdf *pdf, struct vb_view text, struct vb_buffer *out)
{
    struct piece piece = {.above = 2.5};
    pdf->writer.out = out;
    return vb_pdf_break_text(pdf, VB_PDF_SMALL_TEXT, text, inner_of(pdf->entry.voice), VB_PDF_MUTED,
                             take_line, &piece);
}

/* --- links --- */

static bool is_web(struct vb_view target)
{
    return (target.length > 7 && strncasecmp(target.data, "http://", 7) == 0) ||
           (target.length > 8 && strncasecmp(target.data, "https://", 8) == 0);
}

/* cairo's words for a link. What a URL cannot hold, and what would end a string in cairo's words or
 * in PDF, is encoded. */
static enum vb_status make_target(struct vb_view url, char **ret_target)
{
    struct vb_buffer words;
    vb_buffer_init(&words, 64u * 1024u);
    enum vb_status status = vb_buffer_append_text(&words, "uri='");
    for (size_t i = 0; i < url.length && status == VB_OK; i++) {
        unsigned char byte = (unsigned char)url.data[i];
        bool is_plain = byte > 0x20 && byte < 0x7f && !strchr("'\\()<>\"{}|^`", byte);
        status = is_plain ? vb_buffer_append_byte(&words, (char)byte)
                          : vb_buffer_printf(&words, "%%%02X", byte);
    }
    if (status == VB_OK)
        status = vb_buffer_append_byte(&words, '\'');
    if (status == VB_OK)
        *ret_target = vb_buffer_take(&words);
    vb_buffer_done(&words);
    return status;
}

/* Shown in the lines it needs, each of which leads there. */
static enum vb_status take_link(struct vb_pdf *pdf, void *context, struct vb_pdf_line *line)
{
    struct piece *piece = context;
    struct vb_view *target = &piece->target;
    struct vb_pdf_row row = {.first = *line, .above = piece->above};
    enum vb_status status = VB_OK;
    piece->above = 0;
    if (is_web(*target) && target->length <= URL_MOST && pdf->links < VB_PDF_LINKS) {
        pdf->links++;
        status = make_target(*target, &row.target);
    }
    if (status == VB_OK)
        return add_row(pdf, &row);
    row_done(&row);
    return status;
}

enum vb_status vb_pdf_add_link(struct vb_pdf *pdf, struct vb_view text, struct vb_view target,
                               struct vb_buffer *out)
{
    struct piece piece = {.above = 2.5, .target = target};
    pdf->writer.out = out;
    return vb_pdf_break_text(pdf, VB_PDF_VALUE_TEXT, text, inner_of(pdf->entry.voice),
                             is_web(target) ? VB_PDF_LINK : VB_PDF_INK, take_link, &piece);
}

enum vb_status vb_pdf_end_entry(struct vb_pdf *pdf, struct vb_buffer *out)
{
    pdf->writer.out = out;
    put_rows(pdf, true);
    pdf->y += GAP;
    pdf->entry.is_open = false;
    return vb_pdf_status(pdf);
}
