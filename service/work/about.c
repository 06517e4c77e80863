/* What the heads of a job's files say of the whole export: see work/line.h.
 *
 * All of it comes from the job's row, so that every segment writes the same head, whoever works on
 * it and when. The statistics get there with the note of the archive, before anything is stored; an
 * export that is one piece needs no row for them. A job that is begun anew takes them anew.
 */
#include "line.h"

#include <stdlib.h>

#define PRINTED_CEILING (1024u * 1024u)

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

static struct vb_view title_of(const struct vb_job *job)
{
    if (job->title)
        return vb_view_of(job->title);
    return job->channel_id ? vb_channel_title(vb_job_channel(job)) : (struct vb_view){NULL, 0};
}

/* The job keeps them as text: its row is written from there. */
static enum vb_status keep(struct vb_line *line, struct vb_error *err)
{
    struct vb_buffer text;
    vb_buffer_init(&text, PRINTED_CEILING);
    enum vb_status status = vb_statistics_print(&line->statistics, &text);
    if (status == VB_OK)
        line->claim->job.statistics = vb_buffer_take(&text);
    vb_buffer_done(&text);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no memory for an export's statistics");
}

static enum vb_status take(struct vb_line *line, struct vb_error *err)
{
    struct vb_offset_change *changes = NULL;
    size_t count = 0;
    enum vb_status status = vb_zone_changes(line->zone, line->claim->job.as_of, &changes, &count);
    if (status != VB_OK)
        return vb_fail(err, status, "no memory for an export's statistics");
    status = vb_reader_statistics(line->reader, changes, count, &line->statistics, err);
    free(changes);
    return status == VB_OK ? keep(line, err) : status;
}

/* What does not fit the express thread's first page it hands on, rather than count it. */
static enum vb_status find_statistics(struct vb_line *line, struct vb_error *err)
{
    const char *noted = line->claim->job.statistics;
    bool fits = true;
    enum vb_status status = VB_OK;
    if (noted)
        return vb_statistics_parse(vb_view_of(noted), &line->statistics, err);
    if (line->express)
        status = vb_reader_fits(line->reader, line->crew->tuning.page_conversations, &fits, err);
    if (status == VB_OK && !fits)
        return VB_AGAIN;
    return status == VB_OK ? take(line, err) : status;
}

struct vb_render_about vb_line_tell(const struct vb_line *line)
{
    const struct vb_job *job = &line->claim->job;
    return (struct vb_render_about){
        .kind = kinds[line->files],
        .what = word_of(job->specification.kind),
        .title = title_of(job),
        .workspace = vb_view_of(job->workspace_name),
        .time_zone = job->time_zone,
        .selection = &line->selection,
        .has_from = job->from > VB_INSTANT_FIRST,
        .has_to = job->to != job->as_of + 1,
        .statistics = &line->statistics,
    };
}

enum vb_status vb_line_about(struct vb_line *line, struct vb_error *err)
{
    if (!line->renderer->has_statistics)
        return VB_OK;
    line->about = vb_line_tell(line);
    line->context.about = &line->about;
    return find_statistics(line, err);
}
