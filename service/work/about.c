/* What the heads of a job's files say of the whole export: see work/line.h.
 *
 * All of it comes from the job's row, so that every segment writes the same head, whoever works on
 * it and when.
 */
#include "line.h"

static const enum vb_file_kind kinds[] = {
    [VB_FILES_PER_CONVERSATION] = VB_FILE_CONVERSATION,
    [VB_FILES_SINGLE] = VB_FILE_WHOLE,
    [VB_FILES_CHUNKS] = VB_FILE_CHUNK,
};

/* A channel stands in the head by itself. */
static const char *word_of(enum vb_select_kind kind)
{
    return kind == VB_SELECT_ASSISTANT ? "Assistant" : kind == VB_SELECT_CONTACT ? "Contact" : NULL;
}

enum vb_status vb_line_about(struct vb_line *line, struct vb_error *err)
{
    const struct vb_job *job = &line->claim->job;
    struct vb_channel channel = vb_job_channel(job);
    (void)err;
    line->about = (struct vb_render_about){
        .kind = kinds[line->files],
        .what = word_of(job->specification.kind),
        .title = job->title        ? vb_view_of(job->title)
                 : job->channel_id ? vb_channel_title(channel)
                                   : (struct vb_view){NULL, 0},
        .time_zone = job->time_zone,
        .selection = &line->selection,
        .has_from = job->from > VB_INSTANT_FIRST,
        .has_to = job->to != job->as_of + 1,
    };
    line->context.about = &line->about;
    return VB_OK;
}
