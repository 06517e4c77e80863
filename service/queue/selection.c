/* What a job exports, from its specification: the rows, the renderer, the packaging. See
 * queue/queue.h.
 *
 * What was resolved when the job was created (the channel, the range) stands in the job's columns
 * and goes before the specification's own words. Everything is borrowed from the job.
 */
#include "queue.h"

const struct vb_renderer *vb_job_renderer(const struct vb_job *job)
{
    if (!job->specification.root)
        return NULL;
    return vb_specification_renderer(&job->specification);
}

const char *vb_job_extension(const struct vb_job *job)
{
    const struct vb_renderer *renderer = vb_job_renderer(job);
    return renderer && job->specification.files == VB_FILES_SINGLE ? renderer->extension : ".zip";
}

/* The renderer's, and what names of entries need. Facts of the job's one channel are the job's, so
 * that a channel that is renamed meanwhile does not change the bytes. */
static unsigned choose_columns(const struct vb_job *job)
{
    const struct vb_specification *specification = &job->specification;
    const struct vb_renderer *renderer = vb_job_renderer(job);
    unsigned columns = renderer ? renderer->columns(specification->include) : 0;
    /* They hang on messages, whether the format shows those or not. */
    if (specification->include & VB_INCLUDE_MEDIA)
        columns = (columns | VB_COLUMNS_MEDIA) & ~(unsigned)VB_COLUMNS_NO_MESSAGES;
    if (job->channel_id)
        return columns & ~(unsigned)VB_COLUMNS_CHANNEL;
    if (specification->files == VB_FILES_PER_CONVERSATION)
        columns |= VB_COLUMNS_CHANNEL;
    return columns;
}

struct vb_selection vb_job_selection(const struct vb_job *job)
{
    struct vb_selection selection = {
        .workspace = job->source_workspace,
        .columns = choose_columns(job),
        .from = job->from,
        .to = job->to,
        .as_of = job->as_of,
        .snapshot = job->source_snapshot,
    };
    vb_specification_select(&job->specification, &selection);
    if (job->channel_id)
        selection.channel_id = job->channel_id;
    return selection;
}
