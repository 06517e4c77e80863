/* Rows of job and segment as structs. See queue/queue.h. The column lists VB_JOB_COLUMNS and
 * VB_SEGMENT_COLUMNS there and the numbers here go together: a column that is added stands last in
 * both.
 *
 * A struct vb_job owns its strings; the result it was read from may go at once.
 */
#include "queue.h"

#include "verbatim/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies the field; a NULL stays NULL. False when memory is out. */
static bool copy_field(const PGresult *result, int row, int column, char **ret_text)
{
    const char *text = vb_pg_value(result, row, column);
    *ret_text = text ? strdup(text) : NULL;
    return !text || *ret_text;
}

/* One that cannot be read (a later build's) must not keep the queue from other jobs: whoever works
 * on the job finds it missing, and fails the job in the usual way. False when memory is out. */
static bool read_specification(const char *text, struct vb_job *job)
{
    struct vb_error err;
    enum vb_status status = vb_specification_read(vb_view_of(text), &job->specification, &err);
    if (status == VB_INVALID)
        vb_warn("job %s: %s", job->job_id, err.text);
    return status == VB_OK || status == VB_INVALID;
}

enum vb_status vb_job_read(const PGresult *result, int row, int column, struct vb_job *ret_job,
                           struct vb_error *err)
{
    struct vb_job job = {0};
    const char *id = vb_pg_value(result, row, column);
    const char *start = vb_pg_value(result, row, column + 12);
    snprintf(job.job_id, sizeof job.job_id, "%s", id ? id : "");
    /* Columns 1 to 11 in this order, without the specification. */
    char **texts[] = {&job.workspace_id,
                      &job.source_workspace,
                      &job.channel_id,
                      &job.channel_name,
                      &job.channel_type,
                      &job.channel_phone,
                      NULL,
                      &job.time_zone,
                      &job.csv_profile,
                      &job.source_snapshot,
                      &job.notification_email};
    bool copied = read_specification(vb_pg_value(result, row, column + 7), &job);
    for (int i = 0; i < 11; i++)
        copied = (!texts[i] || copy_field(result, row, column + 1 + i, texts[i])) && copied;
    copied = copy_field(result, row, column + 17, &job.storage) && copied;
    copied = copy_field(result, row, column + 18, &job.object_key) && copied;
    copied = copy_field(result, row, column + 19, &job.upload_id) && copied;
    copied = copy_field(result, row, column + 20, &job.fingerprint) && copied;
    copied = copy_field(result, row, column + 24, &job.title) && copied;
    job.from = vb_row_number(result, row, column + 13);
    job.to = vb_row_number(result, row, column + 14);
    job.as_of = vb_row_number(result, row, column + 15);
    job.archive_epoch = vb_row_number(result, row, column + 16);
    job.part_size = (uint64_t)vb_row_number(result, row, column + 21);
    job.conversations_total =
        vb_row_null(result, row, column + 22) ? -1 : vb_row_number(result, row, column + 22);
    job.closing = vb_row_true(result, row, column + 23);
    enum vb_status status = copied ? vb_date_parse(vb_view_of(start), &job.start_date)
                                   : vb_fail(err, VB_NO_MEMORY, "no memory for a job");
    if (status == VB_INVALID)
        vb_fail(err, VB_INVALID, "the job's start date is not a date");
    if (status == VB_OK)
        *ret_job = job;
    else
        vb_job_done(&job);
    return status;
}

void vb_job_done(struct vb_job *job)
{
    if (!job)
        return;
    char *texts[] = {job->workspace_id,    job->source_workspace,   job->channel_id,
                     job->channel_name,    job->channel_type,       job->channel_phone,
                     job->title,           job->time_zone,          job->csv_profile,
                     job->source_snapshot, job->notification_email, job->storage,
                     job->object_key,      job->upload_id,          job->fingerprint};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    vb_specification_done(&job->specification);
    *job = (struct vb_job){0};
}

void vb_claim_done(struct vb_claim *claim)
{
    if (!claim)
        return;
    vb_job_done(&claim->job);
    *claim = (struct vb_claim){0};
}

/* The name that the person with the link sees: the last part of the object's key. */
const char *vb_job_file_name(const struct vb_job *job)
{
    const char *slash = strrchr(job->object_key, '/');
    return slash ? slash + 1 : job->object_key;
}

struct vb_channel vb_job_channel(const struct vb_job *job)
{
    return (struct vb_channel){
        .id = vb_view_of(job->channel_id),
        .name = vb_view_of(job->channel_name),
        .type = vb_view_of(job->channel_type),
        .phone_number = vb_view_of(job->channel_phone),
    };
}

/* A NULL id: the stretch has no border on this side. */
static bool read_cursor(const PGresult *result, int row, int column, struct vb_cursor *cursor)
{
    const char *id = vb_pg_value(result, row, column + 1);
    if (!id)
        return false;
    cursor->at = vb_row_number(result, row, column);
    snprintf(cursor->id, sizeof cursor->id, "%s", id);
    return true;
}

void vb_segment_read(const PGresult *result, int row, int column, struct vb_claim *claim)
{
    struct vb_stretch *stretch = &claim->stretch;
    claim->epoch = vb_row_number(result, row, column);
    claim->part_first = (uint32_t)vb_row_number(result, row, column + 1);
    claim->part_last = (uint32_t)vb_row_number(result, row, column + 2);
    stretch->has_low = read_cursor(result, row, column + 3, &stretch->low);
    stretch->has_high = read_cursor(result, row, column + 5, &stretch->high);
    claim->estimate = vb_row_number(result, row, column + 7);
    claim->expected =
        vb_row_null(result, row, column + 8) ? -1 : vb_row_number(result, row, column + 8);
    claim->attempts = vb_row_number(result, row, column + 9);
    claim->lost_leases = vb_row_number(result, row, column + 10);
    claim->first_conversation = (uint64_t)vb_row_number(result, row, column + 11);
}
