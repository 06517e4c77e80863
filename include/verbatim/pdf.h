/* Transcripts as PDF: pages of headings and entries (bubbles, notes, lines), set by Pango and drawn
 * by cairo, whose bytes are appended to a buffer while they come.
 *
 * A press is what makes documents one after the other: fonts, the brand, and at most one open
 * document. It knows no conversations: the renderer in export/format does. Pages leave as they
 * fill, so memory does not grow with the document; what is left for its end is a number of bytes a
 * page, outline and links (both limited), and the letters that were used. The same calls give
 * the same bytes with the same fonts and libraries: no clock, no machine and no user's fontconfig
 * has a say.
 *
 * The press is its maker's until vb_pdf_free, and one thread's at a time. Views are borrowed for
 * the call. Errors: VB_INVALID from vb_pdf_new where a font is missing, with its Debian package;
 * VB_SOURCE for text that is not UTF-8; the buffer's VB_LIMIT and VB_NO_MEMORY. After an error the
 * document is of no use: vb_pdf_drop forgets it. GLib ends the process where it gets no memory.
 */
#ifndef VERBATIM_PDF_H
#define VERBATIM_PDF_H

#include "verbatim/brand.h"
#include "verbatim/clock.h"

struct vb_pdf;

/* Where Debian's fonts lie; fonts of its packages are found below it. */
#define VB_PDF_FONTS "/usr/share/fonts"
/* Days and sections in the outline of a document; those beyond have no entry. */
#define VB_PDF_OUTLINE 5000u
/* What a document costs until its end is less than 0.5 KiB a page; more pages than these are the
 * caller's to refuse. */
#define VB_PDF_PAGES 25000u
/* Lines of a document that can be followed; those beyond are text. */
#define VB_PDF_LINKS 10000u

/* `brand` may be NULL, and is borrowed for the press's life. */
enum vb_status vb_pdf_new(const char *fonts, const struct vb_brand *brand, struct vb_pdf **ret_pdf,
                          struct vb_error *err) vb_must_check;
void vb_pdf_free(struct vb_pdf *pdf); /* also with an open document; NULL is a no-op */
/* Whether all fonts are there: VB_INVALID names one that is missing, and its package. */
enum vb_status vb_pdf_check_fonts(const char *fonts, struct vb_error *err) vb_must_check;

/* A line of the facts under the title. */
struct vb_pdf_fact {
    const char *label;
    struct vb_view value; /* of no length: left out */
};

struct vb_pdf_head {
    struct vb_view title; /* also of the document and, with `about`, of each further page */
    struct vb_view about;
    const struct vb_pdf_fact *facts;
    size_t fact_count;
    vb_instant created_at; /* the only date in the document's properties */
};

/* Begins a document; bytes go to `out`, here and in all calls up to vb_pdf_close. */
enum vb_status vb_pdf_open(struct vb_pdf *pdf, const struct vb_pdf_head *head,
                           struct vb_buffer *out, struct vb_error *err) vb_must_check;
unsigned vb_pdf_pages(const struct vb_pdf *pdf); /* so far */

/* Between open and close. Errors carry a status alone: whoever calls knows the row. */
enum vb_pdf_heading { VB_PDF_DAY, VB_PDF_SECTION };
enum vb_status vb_pdf_add_heading(struct vb_pdf *pdf, enum vb_pdf_heading kind, struct vb_view text,
                                  struct vb_buffer *out) vb_must_check;

enum vb_pdf_voice {
    VB_PDF_CUSTOMER, /* left */
    VB_PDF_BOT,      /* right */
    VB_PDF_AGENT,    /* right, marked */
    VB_PDF_UNKNOWN,  /* left, framed */
    VB_PDF_NOTE,     /* the whole width */
    VB_PDF_LINE,     /* the whole width, without a ground */
    VB_PDF_VOICES
};

/* An entry: a heading line, then texts and lines in the order of the calls. */
enum vb_status vb_pdf_begin_entry(struct vb_pdf *pdf, enum vb_pdf_voice voice, struct vb_view name,
                                  struct vb_view detail, struct vb_buffer *out) vb_must_check;
/* Lines of any length and number; controls are shown as pictures of themselves. */
enum vb_status vb_pdf_add_text(struct vb_pdf *pdf, struct vb_view text,
                               struct vb_buffer *out) vb_must_check;
/* Small print, such as what became of a message. */
enum vb_status vb_pdf_add_small(struct vb_pdf *pdf, struct vb_view text,
                                struct vb_buffer *out) vb_must_check;
/* `text` as a link; a `target` that is no http or https URL is not followed. */
enum vb_status vb_pdf_add_link(struct vb_pdf *pdf, struct vb_view text, struct vb_view target,
                               struct vb_buffer *out) vb_must_check;
enum vb_status vb_pdf_end_entry(struct vb_pdf *pdf, struct vb_buffer *out) vb_must_check;

/* Writes what is left of the document. */
enum vb_status vb_pdf_close(struct vb_pdf *pdf, struct vb_buffer *out) vb_must_check;
void vb_pdf_drop(struct vb_pdf *pdf);

#endif
