/* The bytes of one document on their way from cairo to the caller's buffer, and what cairo 1.16
 * leaves out of the catalog: the language, and that a window shows the title.
 *
 * In its owner's struct, used from one thread. The buffer is borrowed and may be another one at
 * each call. A failure is kept in `status`, since cairo passes on only that there was one.
 */
#ifndef VERBATIM_EXPORT_PDF_WRITER_H
#define VERBATIM_EXPORT_PDF_WRITER_H

#include "verbatim/buffer.h"

#include <cairo.h>

#define VB_PDF_WRITER_HELD 64u

struct vb_pdf_writer {
    struct vb_buffer *out;
    enum vb_status status;
    bool is_ending;                /* from here on the catalog may come */
    char held[VB_PDF_WRITER_HELD]; /* the last bytes, while it is ending */
    size_t held_length;
    size_t added; /* to the catalog */
};

/* For cairo_pdf_surface_create_for_stream. */
cairo_status_t vb_pdf_writer_take(void *context, const unsigned char *bytes, unsigned length);
/* After the surface is finished: passes on what was held. */
void vb_pdf_writer_end(struct vb_pdf_writer *writer);

#endif
