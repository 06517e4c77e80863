/* The only entry of an archive without conversations. See work/line.h and nothing_found.h.
 *
 * Asked at the close, when all segments are recorded: only then is it known that none of them holds
 * anything. Its time is the start of the range, which two exports of the same have in common.
 */
#include "line.h"

#include "verbatim/nothing_found.h"

static enum vb_status see_records(void *context, const void *data, size_t length,
                                  struct vb_error *err)
{
    bool *any = context;
    (void)data;
    (void)err;
    *any = *any || length > 0;
    return VB_OK;
}

/* The directory records of a small export never left the archive. */
static enum vb_status has_entries(struct vb_line *line, bool *ret_any, struct vb_error *err)
{
    const struct vb_piece_visitor visitor = {see_records, ret_any};
    *ret_any = vb_archive_totals(line->archive).entries > 0;
    if (*ret_any || (!line->claim->stretch.has_low && line->pieces == 0))
        return VB_OK;
    return vb_close_records(line->pg, line->claim, &visitor, err);
}

static enum vb_status write_entry(struct vb_line *line, struct vb_error *err)
{
    const struct vb_job *job = &line->claim->job;
    struct vb_render_about about = vb_line_tell(line);
    struct vb_render_context context = line->context;
    vb_instant at = about.has_from ? job->from : 0;
    context.about = &about;
    enum vb_status status = vb_archive_begin_entry(line->archive, VB_VIEW(VB_NOTHING_FOUND_NAME),
                                                   vb_line_time(line, at), err);
    if (status == VB_OK && vb_nothing_found(&context, line->out) != VB_OK)
        status = vb_fail(err, VB_NO_MEMORY, "no memory for " VB_NOTHING_FOUND_NAME);
    if (status == VB_OK)
        status = vb_line_flush(line, 0, err);
    return status == VB_OK ? vb_archive_end_entry(line->archive, err) : status;
}

enum vb_status vb_line_nothing_close(struct vb_line *line, bool *ret_nothing, struct vb_error *err)
{
    bool any = true;
    enum vb_status status = VB_OK;
    if (line->files != VB_FILES_SINGLE)
        status = has_entries(line, &any, err);
    *ret_nothing = !any;
    return status == VB_OK && !any ? write_entry(line, err) : status;
}
