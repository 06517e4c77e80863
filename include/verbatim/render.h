/* Formats: a renderer turns conversations and messages into the bytes of a file.
 *
 * A format is one file in export/ and one row in the table of render.c. A renderer appends to the
 * output buffer, which the caller empties between calls; a call appends a bounded amount (one row).
 * State between two conversations is small plain data, so a segment can begin anywhere.
 */
#ifndef VERBATIM_RENDER_H
#define VERBATIM_RENDER_H

#include "verbatim/conversation.h"
#include "verbatim/zone.h"

enum vb_csv_profile { VB_CSV_SAFE, VB_CSV_EXCEL, VB_CSV_RAW };
/* VB_INVALID for anything but safe, excel, raw. */
enum vb_status vb_csv_profile_parse(struct vb_view text,
                                    enum vb_csv_profile *ret_profile) vb_must_check;
const char *vb_csv_profile_name(enum vb_csv_profile profile);

/* What every renderer may know; borrowed for the renderer's life. */
struct vb_render_context {
    struct vb_zone *zone;
    enum vb_csv_profile csv_profile;
    struct vb_channel channel;
};

/* All calls of one renderer come from one thread. Each may answer VB_LIMIT (a row larger than the
 * buffer's ceiling), VB_NO_MEMORY or VB_SOURCE (a value that cannot be rendered); `err` names the
 * conversation and the message then. */
struct vb_renderer {
    const char *name;      /* "csv" */
    const char *extension; /* ".csv" */
    const char *content_type;
    enum vb_status (*begin_file)(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err);
    enum vb_status (*conversation)(const struct vb_render_context *context,
                                   const struct vb_conversation *conversation,
                                   struct vb_buffer *out, struct vb_error *err);
    enum vb_status (*message)(const struct vb_render_context *context,
                              const struct vb_conversation *conversation,
                              const struct vb_message *message, struct vb_buffer *out,
                              struct vb_error *err);
    enum vb_status (*end_file)(const struct vb_render_context *context, struct vb_buffer *out,
                               struct vb_error *err);
};

/* NULL for a name that is no format. */
const struct vb_renderer *vb_renderer_find(struct vb_view name);

#endif
