/* Rows of job and segment as structs. See row.h and queue.h.
 *
 * A struct vb_job owns its strings; the result it was read from may go at once.
 */
#include "queue.h"
#include "row.h"

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

/* The texts that a job owns, with their columns. */
struct job_text {
    int column;
    char **text;
};
#define JOB_TEXTS 22

static void list_texts(struct vb_job *job, struct job_text ret_texts[JOB_TEXTS])
{
    const struct job_text texts[] = {
        {JOB_ROW_WORKSPACE, &job->workspace_id},
        {JOB_ROW_SOURCE_WORKSPACE, &job->source_workspace},
        {JOB_ROW_CHANNEL_ID, &job->channel_id},
        {JOB_ROW_CHANNEL_NAME, &job->channel_name},
        {JOB_ROW_CHANNEL_TYPE, &job->channel_type},
        {JOB_ROW_CHANNEL_PHONE, &job->channel_phone},
        {JOB_ROW_TITLE, &job->title},
        {JOB_ROW_WANTED_NAME, &job->wanted_name},
        {JOB_ROW_TIME_ZONE, &job->time_zone},
        {JOB_ROW_ZONE_CLOCKS, &job->zone_clocks},
        {JOB_ROW_CSV_PROFILE, &job->csv_profile},
        {JOB_ROW_SOURCE_SNAPSHOT, &job->source_snapshot},
        {JOB_ROW_NOTIFICATION_EMAIL, &job->notification_email},
        {JOB_ROW_STORAGE, &job->storage},
        {JOB_ROW_OBJECT_KEY, &job->object_key},
        {JOB_ROW_UPLOAD_ID, &job->upload_id},
        {JOB_ROW_FINGERPRINT, &job->fingerprint},
        {JOB_ROW_DEFLATE_TABLES, &job->deflate_tables},
        {JOB_ROW_STATISTICS, &job->statistics},
        {JOB_ROW_MANIFEST_KEY, &job->manifest_key},
        {JOB_ROW_WORKSPACE_NAME, &job->workspace_name},
        {JOB_ROW_TRACE_PARENT, &job->trace_parent},
    };
    _Static_assert(sizeof texts / sizeof texts[0] == JOB_TEXTS, "every text of a job");
    memcpy(ret_texts, texts, sizeof texts);
}

void vb_job_done(struct vb_job *job)
{
    struct job_text texts[JOB_TEXTS];
    list_texts(job, texts);
    for (int i = 0; i < JOB_TEXTS; i++)
        free(*texts[i].text);
    vb_specification_done(&job->specification);
    *job = (struct vb_job){0};
}

static bool copy_texts(const PGresult *result, int row, int column, struct vb_job *job)
{
    struct job_text texts[JOB_TEXTS];
    bool copied = true;
    list_texts(job, texts);
    for (int i = 0; i < JOB_TEXTS; i++)
        copied = copy_field(result, row, column + texts[i].column, texts[i].text) && copied;
    return copied;
}

static int64_t number_or(const PGresult *result, int row, int column, int64_t where_null)
{
    return vb_row_null(result, row, column) ? where_null : vb_row_number(result, row, column);
}

enum vb_status vb_job_read(const PGresult *result, int row, int column, struct vb_job *ret_job,
                           struct vb_error *err)
{
    struct vb_job job = {0};
    const char *id = vb_pg_value(result, row, column + JOB_ROW_ID);
    const char *start = vb_pg_value(result, row, column + JOB_ROW_START_DATE);
    snprintf(job.job_id, sizeof job.job_id, "%s", id ? id : "");
    bool copied =
        read_specification(vb_pg_value(result, row, column + JOB_ROW_SPECIFICATION), &job);
    copied = copy_texts(result, row, column, &job) && copied;
    job.from = vb_row_number(result, row, column + JOB_ROW_FROM);
    job.to = vb_row_number(result, row, column + JOB_ROW_TO);
    job.as_of = vb_row_number(result, row, column + JOB_ROW_AS_OF);
    job.created = vb_row_number(result, row, column + JOB_ROW_CREATED);
    job.archive_epoch = vb_row_number(result, row, column + JOB_ROW_ARCHIVE_EPOCH);
    job.part_size = (uint64_t)vb_row_number(result, row, column + JOB_ROW_PART_SIZE);
    job.equal_parts = vb_row_true(result, row, column + JOB_ROW_EQUAL_PARTS);
    job.conversations_total = number_or(result, row, column + JOB_ROW_CONVERSATIONS_TOTAL, -1);
    job.closing = vb_row_true(result, row, column + JOB_ROW_CLOSING);
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

enum vb_status vb_job_zone(const struct vb_job *job, struct vb_zone **ret_zone,
                           struct vb_error *err)
{
    return job->zone_clocks ? vb_zone_read(vb_view_of(job->zone_clocks), ret_zone, err)
                            : vb_zone_new(job->time_zone, ret_zone, err);
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
static bool read_cursor(const PGresult *result, int row, int at, int id, struct vb_cursor *cursor)
{
    if (vb_row_null(result, row, id))
        return false;
    cursor->at = vb_row_number(result, row, at);
    vb_cursor_read(vb_pg_value(result, row, id), cursor);
    return true;
}

void vb_segment_read(const PGresult *result, int row, int column, struct vb_claim *claim)
{
    struct vb_stretch *stretch = &claim->stretch;
    claim->epoch = vb_row_number(result, row, column + SEGMENT_ROW_EPOCH);
    claim->part_first = (uint32_t)vb_row_number(result, row, column + SEGMENT_ROW_PART_FIRST);
    claim->part_last = (uint32_t)vb_row_number(result, row, column + SEGMENT_ROW_PART_LAST);
    claim->number_first = (uint32_t)vb_row_number(result, row, column + SEGMENT_ROW_NUMBER_FIRST);
    stretch->has_low = read_cursor(result, row, column + SEGMENT_ROW_LOW_AT,
                                   column + SEGMENT_ROW_LOW_ID, &stretch->low);
    stretch->has_high = read_cursor(result, row, column + SEGMENT_ROW_HIGH_AT,
                                    column + SEGMENT_ROW_HIGH_ID, &stretch->high);
    claim->estimate = vb_row_number(result, row, column + SEGMENT_ROW_ESTIMATE);
    claim->expected = number_or(result, row, column + SEGMENT_ROW_EXPECTED, -1);
    claim->attempts = vb_row_number(result, row, column + SEGMENT_ROW_ATTEMPTS);
    claim->lost_leases = vb_row_number(result, row, column + SEGMENT_ROW_LOST_LEASES);
    claim->sent = claim->was_sent = vb_row_true(result, row, column + SEGMENT_ROW_SENT);
    claim->first_conversation =
        (uint64_t)vb_row_number(result, row, column + SEGMENT_ROW_FIRST_CONVERSATION);
}
