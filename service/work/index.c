/* The last entry of an archive that people open: a page with links to its other files. See
 * work/line.h.
 *
 * Written at the close, when all segments are recorded, from their directory records: so it names
 * what there is, in the archive's order, whoever wrote it, and needs no memory for it. Media are
 * reached from the files of their conversations.
 */
#include "line.h"

#include "verbatim/bad_rows.h"

#include <stdio.h>
#include <string.h>

#define LINKS_FLUSH (64u * 1024u)

/* Files of conversations lie at the archive's top, media below. What is missing in them is told
 * where they are listed. */
static bool is_listed(const struct vb_line *line, struct vb_view name)
{
    const char *extension = line->renderer->extension;
    size_t length = strlen(extension);
    if (vb_view_equals(name, VB_VIEW(VB_BAD_ROWS_NAME)))
        return true;
    return name.length > length && !memchr(name.data, '/', name.length) &&
           memcmp(name.data + name.length - length, extension, length) == 0;
}

/* A piece of records, whole ones only. */
static enum vb_status list_records(void *context, const void *data, size_t length,
                                   struct vb_error *err)
{
    struct vb_line *line = context;
    struct vb_view records = {data, length};
    struct vb_archive_record record;
    enum vb_status status;
    while ((status = vb_archive_record_next(&records, &record)) == VB_OK) {
        if (is_listed(line, record.name))
            status = line->renderer->index_file(&line->context, record.name, line->out, err);
        if (status == VB_OK)
            status = vb_line_flush(line, LINKS_FLUSH, err);
        if (status != VB_OK)
            return status;
    }
    return status == VB_END ? VB_OK
                            : vb_fail(err, status, "the archive's directory records are damaged");
}

/* Those of a small export never left the archive. */
static enum vb_status list_all(struct vb_line *line, struct vb_error *err)
{
    const struct vb_piece_visitor visitor = {list_records, line};
    struct vb_view own = vb_archive_own_records(line->archive);
    enum vb_status status = VB_OK;
    if (line->claim->stretch.has_low || line->pieces > 0)
        status = vb_close_records(line->pg, line->claim, &visitor, err);
    return status == VB_OK ? list_records(line, own.data, own.length, err) : status;
}

enum vb_status vb_line_index_close(struct vb_line *line, struct vb_error *err)
{
    const struct vb_renderer *renderer = line->renderer;
    char name[32];
    if (!renderer->begin_index || line->files == VB_FILES_SINGLE)
        return VB_OK;
    snprintf(name, sizeof name, VB_INDEX_NAME "%s", renderer->extension);
    enum vb_status status = vb_archive_begin_entry(
        line->archive, vb_view_of(name), vb_line_time(line, vb_line_last_time(line)), err);
    if (status == VB_OK)
        status = renderer->begin_index(&line->context, line->out, err);
    if (status == VB_OK)
        status = list_all(line, err);
    if (status == VB_OK)
        status = renderer->end_index(&line->context, line->out, err);
    if (status == VB_OK)
        status = vb_line_flush(line, 0, err);
    return status == VB_OK ? vb_archive_end_entry(line->archive, err) : status;
}
