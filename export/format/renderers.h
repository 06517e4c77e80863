/* The renderers there are, for the table in render.c. Private to export/.
 *
 * Static and constant: nobody owns them, any thread may use them with a context of its own, and
 * they live as long as the program. Errors are those of struct vb_renderer.
 */
#ifndef VERBATIM_EXPORT_FORMAT_RENDERERS_H
#define VERBATIM_EXPORT_FORMAT_RENDERERS_H

#include "verbatim/render.h"

extern const struct vb_renderer vb_csv_renderer;
extern const struct vb_renderer vb_csv_conversations_renderer;
extern const struct vb_renderer vb_csv_leads_renderer;
extern const struct vb_renderer vb_json_renderer;
extern const struct vb_renderer vb_ndjson_renderer;
extern const struct vb_renderer vb_pdf_renderer;
extern const struct vb_renderer vb_turns_renderer;
extern const struct vb_renderer vb_html_renderer;
extern const struct vb_renderer vb_xlsx_renderer;
extern const struct vb_renderer vb_xlsx_conversations_renderer;
extern const struct vb_renderer vb_xlsx_leads_renderer;

#endif
