/* The files of an archive as a segment writes them: one entry a conversation, one entry for
 * VB_CHUNK of them, or one raw file over all segments of the job.
 *
 * A segment of entries of many begins where one of them begins, so that it can count on from there.
 * Where rows went away since the job was cut, an entry comes short, and no number is given twice.
 * On the worker's thread.
 */
#include "line.h"

static enum vb_status begin_entry(struct vb_line *line, struct vb_view name, vb_instant at,
                                  struct vb_error *err)
{
    enum vb_status status = vb_line_entry_begin(line, name, vb_line_time(line, at), err);
    if (status == VB_OK)
        status = line->renderer->begin_file(&line->context, line->out, err);
    line->file_open = status == VB_OK;
    return status;
}

static enum vb_status end_entry(struct vb_line *line, struct vb_error *err)
{
    enum vb_status status = line->renderer->end_file(&line->context, line->out, err);
    if (status == VB_OK)
        status = vb_line_flush(line, 0, err);
    if (status == VB_OK)
        status = vb_line_entry_end(line, err);
    line->file_open = false;
    return status;
}

enum vb_status vb_line_file_start(struct vb_line *line, struct vb_error *err)
{
    if (line->files != VB_FILES_SINGLE || line->claim->stretch.has_low)
        return VB_OK;
    line->file_open = true;
    return line->renderer->begin_file(&line->context, line->out, err);
}

/* Whether another entry than the open one begins at or before `place`. Rows that appeared before
 * the segment's end after it was cut (the platform dated them back) go into its last entry: the
 * next number is the next segment's. */
static bool is_border(const struct vb_line *line, uint64_t place)
{
    const struct vb_claim *claim = line->claim;
    uint64_t end = claim->first_conversation + (uint64_t)claim->expected;
    if (claim->stretch.has_high && claim->expected >= 0 && place >= end)
        return false;
    return place / line->crew->tuning.chunk != line->chunk;
}

static enum vb_status choose_chunk(struct vb_line *line, const struct vb_conversation *conversation,
                                   bool *ret_first, struct vb_error *err)
{
    char name[VB_NAME_BYTES + 1];
    uint64_t place = line->claim->first_conversation + vb_line_walked(line);
    enum vb_status status = VB_OK;
    if (line->file_open && is_border(line, place))
        status = end_entry(line, err);
    *ret_first = !line->file_open;
    if (status != VB_OK || line->file_open)
        return status;
    line->chunk = place / line->crew->tuning.chunk;
    vb_chunk_name(line->chunk + 1, line->renderer->extension, name);
    return begin_entry(line, vb_view_of(name), conversation->created_at, err);
}

enum vb_status vb_line_file_before(struct vb_line *line, const struct vb_conversation *conversation,
                                   bool *ret_first, struct vb_error *err)
{
    char name[VB_NAME_BYTES + 1];
    enum vb_status status = VB_OK;
    switch (line->files) {
    case VB_FILES_PER_CONVERSATION:
        *ret_first = true;
        status = vb_namer_entry(line->namer, conversation, name, err);
        return status == VB_OK ? begin_entry(line, vb_view_of(name), conversation->created_at, err)
                               : status;
    case VB_FILES_CHUNKS:
        return choose_chunk(line, conversation, ret_first, err);
    case VB_FILES_SINGLE:
        *ret_first = !line->claim->stretch.has_low && line->conversations == 0;
        return VB_OK;
    }
    return VB_OK;
}

enum vb_status vb_line_file_after(struct vb_line *line, struct vb_error *err)
{
    return line->files == VB_FILES_PER_CONVERSATION ? end_entry(line, err) : VB_OK;
}

/* Where rows went away the entry is short. Should the next segment be taken over, its first entry
 * keeps the number it would have had there. */
enum vb_status vb_line_file_settle(struct vb_line *line, struct vb_error *err)
{
    uint64_t chunk = line->crew->tuning.chunk;
    uint64_t place = line->claim->first_conversation + vb_line_walked(line);
    if (!line->work || line->files != VB_FILES_CHUNKS || !line->file_open)
        return VB_OK;
    if (place % chunk != 0)
        line->claim->first_conversation += chunk - place % chunk;
    return end_entry(line, err);
}

struct vb_entry_time vb_line_time(const struct vb_line *line, vb_instant at)
{
    return (struct vb_entry_time){at, vb_zone_offset(line->zone, at)};
}

vb_instant vb_line_last_time(const struct vb_line *line)
{
    struct vb_cursor last = line->claim->stretch.low;
    return vb_reader_position(line->reader, &last) || line->claim->stretch.has_low ? last.at : 0;
}

enum vb_status vb_line_file_end(struct vb_line *line, bool closing, struct vb_error *err)
{
    if (line->files == VB_FILES_CHUNKS && line->file_open)
        return end_entry(line, err);
    if (line->files != VB_FILES_SINGLE)
        return VB_OK;
    enum vb_status status =
        closing ? line->renderer->end_file(&line->context, line->out, err) : VB_OK;
    return status == VB_OK ? vb_line_flush(line, 0, err) : status;
}
