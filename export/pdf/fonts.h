/* Fonts of documents: a fontconfig of our own, which sees Debian's font packages and nothing of a
 * user's configuration, so that a document looks the same wherever it is made.
 *
 * The configuration is the process's, read once and kept, also by threads that use it at once; a
 * failure is not kept, so that a package installed meanwhile is found. A font map is its maker's
 * and its thread's. VB_INVALID: a font is missing, and the text names its family and package.
 */
#ifndef VERBATIM_EXPORT_PDF_FONTS_H
#define VERBATIM_EXPORT_PDF_FONTS_H

#include "verbatim/status.h"

#include <pango/pangocairo.h>

/* Families in the order in which they are asked for a letter. */
extern const char vb_pdf_families[];

/* *ret_map is to be given back with g_object_unref. */
enum vb_status vb_pdf_font_map(const char *directory, PangoFontMap **ret_map,
                               struct vb_error *err) vb_must_check;
/* Whether its glyphs are pictures. */
bool vb_pdf_font_has_pictures(PangoFont *font);

#endif
