/* The renderers there are, for the table in render.c. Private to export/. */
#ifndef VERBATIM_EXPORT_FORMAT_RENDERERS_H
#define VERBATIM_EXPORT_FORMAT_RENDERERS_H

#include "verbatim/render.h"

extern const struct vb_renderer vb_csv_renderer;
extern const struct vb_renderer vb_csv_conversations_renderer;
extern const struct vb_renderer vb_csv_leads_renderer;
extern const struct vb_renderer vb_json_renderer;
extern const struct vb_renderer vb_ndjson_renderer;
extern const struct vb_renderer vb_turns_renderer;

#endif
