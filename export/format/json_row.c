/* Pieces of rows in JSON: see json_row.h. */
#include "json_row.h"

#include "row.h"
#include "time_text.h"

#include "verbatim/json.h"
#include "verbatim/lanes.h"

/* A time with its quotes behind `lead`: ISO 8601 holds nothing that would need an escape. */
enum vb_status vb_json_row_time(const struct vb_render_context *context, struct vb_view lead,
                                vb_instant at, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_reserve(out, lead.length + VB_TIME_ROOM + 2);
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length, *to = vb_lanes_put(start, lead.data, lead.length);
    *to++ = '"';
    to = vb_time_put(to, context->zone, at);
    *to++ = '"';
    vb_buffer_grown(out, (size_t)(to - start));
    return VB_OK;
}

enum vb_status vb_json_row_maybe_time(const struct vb_render_context *context, struct vb_view lead,
                                      struct vb_maybe_instant time, struct vb_buffer *out)
{
    return time.is_set ? vb_json_row_time(context, lead, time.at, out)
                       : vb_json_append(out, lead, vb_row_nothing);
}

/* What few platforms tell: there in every conversation of a source that has the column. */
enum vb_status vb_json_row_conversation_marks(const struct vb_render_context *context,
                                              const struct vb_conversation *c,
                                              struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    if (c->marks & VB_MARK_TITLE)
        status = vb_json_append(out, VB_VIEW(",\"title\":"), c->title);
    if (status == VB_OK && c->marks & VB_MARK_DELETED_AT)
        status = vb_json_row_maybe_time(context, VB_VIEW(",\"deleted_at\":"), c->deleted_at, out);
    if (status == VB_OK && c->marks & VB_MARK_EXTRA)
        status = vb_json_append_value(out, VB_VIEW(",\"extra\":"), c->extra);
    return status;
}

/* Likewise. */
enum vb_status vb_json_row_message_marks(const struct vb_render_context *context,
                                         const struct vb_message *m, struct vb_buffer *out)
{
    const struct {
        enum vb_marks mark;
        struct vb_json_member member;
    } texts[] = {
        {VB_MARK_KIND, {VB_VIEW(",\"kind\":"), m->kind}},
        {VB_MARK_REPLY_TO, {VB_VIEW(",\"reply_to\":"), m->reply_to}},
        {VB_MARK_FORMAT, {VB_VIEW(",\"format\":"), m->format}},
    };
    enum vb_status status = VB_OK;
    if (m->marks & VB_MARK_EDITED_AT)
        status = vb_json_row_maybe_time(context, VB_VIEW(",\"edited_at\":"), m->edited_at, out);
    if (status == VB_OK && m->marks & VB_MARK_DELETED_AT)
        status = vb_json_row_maybe_time(context, VB_VIEW(",\"deleted_at\":"), m->deleted_at, out);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && status == VB_OK; i++)
        if (m->marks & (unsigned)texts[i].mark)
            status = vb_json_append_members(out, &texts[i].member, 1);
    if (status == VB_OK && m->marks & VB_MARK_EXTRA)
        status = vb_json_append_value(out, VB_VIEW(",\"extra\":"), m->extra);
    return status;
}
