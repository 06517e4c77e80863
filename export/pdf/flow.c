/* The place on the page, and the pages. */
#include "press.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_TAG "Document"
#define TEXT_TAG "P"

enum vb_status vb_pdf_status(struct vb_pdf *pdf)
{
    if (pdf->writer.status != VB_OK)
        return pdf->writer.status;
    bool is_good = cairo_status(pdf->cairo) == CAIRO_STATUS_SUCCESS &&
                   cairo_surface_status(pdf->surface) == CAIRO_STATUS_SUCCESS;
    return is_good ? VB_OK : VB_NO_MEMORY;
}

/* What has no status of its own to return must not leave words out unnoticed. */
void vb_pdf_keep_status(struct vb_pdf *pdf, enum vb_status status)
{
    if (pdf->writer.status == VB_OK)
        pdf->writer.status = status;
}

/* cairo 1.16 writes a damaged file where there are links and nothing around them. Whatever has a
 * tag stays in memory until the end, so all of the document is one paragraph. */
void vb_pdf_begin_tags(struct vb_pdf *pdf)
{
    cairo_tag_begin(pdf->cairo, DOCUMENT_TAG, NULL);
    cairo_tag_begin(pdf->cairo, TEXT_TAG, NULL);
}

void vb_pdf_end_tags(struct vb_pdf *pdf)
{
    cairo_tag_end(pdf->cairo, TEXT_TAG);
    cairo_tag_end(pdf->cairo, DOCUMENT_TAG);
}

void vb_pdf_new_page(struct vb_pdf *pdf)
{
    vb_pdf_draw_foot(pdf);
    vb_pdf_show_page(pdf);
    pdf->page++;
    vb_pdf_draw_running_head(pdf);
    pdf->y = VB_PDF_TOP;
    pdf->is_fresh = true;
}

void vb_pdf_need(struct vb_pdf *pdf, double height)
{
    if (!pdf->is_fresh && pdf->y + height > VB_PDF_BOTTOM)
        vb_pdf_new_page(pdf);
}

/* --- the outline --- */

/* Each entry of it stays in memory until the end of the document. */
void vb_pdf_outline(struct vb_pdf *pdf, const char *title, double y)
{
    if (pdf->outlined >= VB_PDF_OUTLINE || pdf->waiting_count == VB_PDF_WAITING)
        return;
    char *copy = strdup(title);
    vb_pdf_keep_status(pdf, copy ? VB_OK : VB_NO_MEMORY);
    pdf->outlined++;
    pdf->waiting[pdf->waiting_count++] = (struct vb_pdf_mark){copy, y};
}

/* cairo 1.16 crashes at the end of a document whose outline names a page that was not written: an
 * entry waits until its page is. */
static void put_outline(struct vb_pdf *pdf)
{
    char place[64];
    for (size_t i = 0; i < pdf->waiting_count; i++) {
        (void)snprintf(place, sizeof place, "page=%u pos=[%d %d]", pdf->page, (int)VB_PDF_MARGIN,
                       (int)pdf->waiting[i].y);
        if (pdf->waiting[i].title)
            (void)cairo_pdf_surface_add_outline(pdf->surface, CAIRO_PDF_OUTLINE_ROOT,
                                                pdf->waiting[i].title, place, 0);
    }
}

void vb_pdf_outline_reset(struct vb_pdf *pdf)
{
    for (size_t i = 0; i < pdf->waiting_count; i++)
        free(pdf->waiting[i].title);
    pdf->waiting_count = 0;
}

void vb_pdf_show_page(struct vb_pdf *pdf)
{
    cairo_show_page(pdf->cairo);
    if (vb_pdf_status(pdf) == VB_OK)
        put_outline(pdf);
    vb_pdf_outline_reset(pdf);
}
