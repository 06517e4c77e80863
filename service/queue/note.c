/* What is noted on a job before anything is put into the store, so that a crash leaves a trail.
 *
 * A key carries the epoch of the claim that noted it, so two claims never begin an archive at one
 * key: what a stalled owner still sends arrives where nobody looks but the janitor. It is noted
 * with the start of the job (start.c), and again by a later claim that begins the archive itself.
 * Once an upload's id stands on the job, key and part size stay as they are until the job ends or
 * is restarted, since recorded parts belong to them.
 */
#include "queue.h"

#include "verbatim/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The month that the range begins in; of an open range, the month that it ends in. */
static enum vb_status name_month(const struct vb_job *job, struct vb_date *ret_month,
                                 struct vb_error *err)
{
    struct vb_zone *zone = NULL;
    *ret_month = job->start_date;
    if (job->from > VB_INSTANT_FIRST)
        return VB_OK;
    enum vb_status status = vb_job_zone(job, &zone, err);
    if (status == VB_OK)
        *ret_month = vb_zone_day_of(zone, job->as_of);
    vb_zone_free(zone);
    return status;
}

static struct vb_view title_of(const struct vb_job *job)
{
    if (job->channel_id)
        return vb_channel_title(vb_job_channel(job));
    if (job->title)
        return vb_view_of(job->title);
    bool is_chosen = job->specification.root && job->specification.kind == VB_SELECT_CONVERSATIONS;
    return is_chosen ? VB_VIEW("conversations") : VB_VIEW("all");
}

/* By what the door wants, else after what it holds. */
static enum vb_status make_name(const struct vb_job *job, char ret_name[VB_NAME_BYTES + 1],
                                struct vb_error *err)
{
    struct vb_date month = {0};
    if (job->wanted_name && strlen(job->wanted_name) <= VB_NAME_BYTES) {
        (void)snprintf(ret_name, VB_NAME_BYTES + 1, "%s", job->wanted_name);
        return VB_OK;
    }
    enum vb_status status = name_month(job, &month, err);
    if (status != VB_OK)
        return status;
    return vb_archive_name(title_of(job), month, job->job_id, vb_job_extension(job), ret_name, err);
}

static enum vb_status make_key(const struct vb_claimer *claimer, const struct vb_job *job,
                               int64_t epoch, struct vb_buffer *out, struct vb_error *err)
{
    char name[VB_NAME_BYTES + 1];
    enum vb_status status = make_name(job, name, err);
    if (status != VB_OK)
        return status;
    return vb_storage_key(claimer->store, job->workspace_id, job->job_id, epoch, name, out, err);
}

/* The epoch is the last number before the name, which holds no slash. */
enum vb_status vb_job_note_key_around(const struct vb_claimer *claimer, const struct vb_job *job,
                                      struct vb_buffer *head, struct vb_buffer *tail,
                                      struct vb_error *err)
{
    enum vb_status status = make_key(claimer, job, 0, head, err);
    if (status != VB_OK)
        return status;
    const char *slash = strrchr(head->data, '/');
    status = vb_buffer_append_text(tail, slash);
    if (status != VB_OK)
        return vb_fail(err, status, "no memory for an object key");
    head->length = (size_t)(slash - head->data) - 1; /* the zero too */
    head->data[head->length] = '\0';
    return VB_OK;
}

/* The object of an earlier claim at another key is nobody's: it goes, whatever it is. */
static const char leave_old[] =
    "INSERT INTO verbatim.cleanup"
    " (workspace_id, job_id, storage, object_key, upload_id, keep_object)"
    " SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), false"
    " FROM verbatim.job"
    " WHERE job_id = $1 AND object_key IS NOT NULL AND archive_epoch <> $2";

/* $1: job, $2: epoch, $3: store, $4: key, $5: part size, $6: fingerprint of the build's archives,
 * $7: statistics, $8: the workspace's name, $9: the manifest's key, $10: deflate's tables. These
 * four shape the bytes. $11: whether the parts are equal. A new upload holds none yet. */
static const char note[] =
    "UPDATE verbatim.job"
    " SET archive_epoch = $2, storage = $3, object_key = $4, upload_id = NULL,"
    " part_size = $5, fingerprint = $6, statistics = $7::jsonb, workspace_name = $8,"
    " manifest_key = $9, deflate_tables = $10, equal_parts = $11, loose_parts = false"
    " WHERE job_id = $1";

struct note {
    const struct vb_claimer *claimer;
    const char *key;
    uint64_t part_size;
};

static enum vb_status note_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                struct vb_error *err)
{
    const struct note *facts = context;
    struct vb_pg_args args = {0};
    vb_args_text(&args, write->claim->job.job_id);
    vb_args_number(&args, write->claim->epoch);
    enum vb_status status = vb_args_exec(pg, leave_old, &args, NULL, err);
    if (status != VB_OK)
        return status;
    vb_args_text(&args, facts->claimer->storage);
    vb_args_text(&args, facts->key);
    vb_args_number(&args, (int64_t)facts->part_size);
    vb_args_text(&args, facts->claimer->fingerprint);
    vb_args_text(&args, write->claim->job.statistics);
    vb_args_text(&args, write->claim->job.workspace_name);
    vb_args_text(&args, write->claim->job.manifest_key);
    vb_args_text(&args, write->claim->job.deflate_tables);
    vb_args_text(&args, write->claim->job.equal_parts ? "t" : "f");
    return vb_args_exec(pg, note, &args, NULL, err);
}

/* The struct follows the row only after the commit. */
enum vb_status vb_job_note_archive(struct vb_pg *pg, const struct vb_claimer *claimer,
                                   struct vb_claim *claim, uint64_t part_size, struct vb_error *err)
{
    struct vb_buffer key;
    vb_buffer_init(&key, 4096);
    enum vb_status status = make_key(claimer, &claim->job, claim->epoch, &key, err);
    if (status == VB_OK) {
        struct note facts = {claimer, key.data, part_size};
        status = vb_fence_run(pg, claimer, claim, note_step, &facts, err);
    }
    if (status == VB_OK) {
        free(claim->job.object_key);
        free(claim->job.upload_id);
        claim->job.object_key = vb_buffer_take(&key);
        claim->job.upload_id = NULL;
        claim->job.archive_epoch = claim->epoch;
        claim->job.part_size = part_size;
    }
    vb_buffer_done(&key);
    return status;
}

static const char note_upload[] = "UPDATE verbatim.job SET upload_id = $2 WHERE job_id = $1";

/* `context`: the upload's id. */
static enum vb_status upload_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                  struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, write->claim->job.job_id);
    vb_args_text(&args, context);
    return vb_args_exec(pg, note_upload, &args, NULL, err);
}

enum vb_status vb_job_note_upload(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  struct vb_claim *claim, const char *upload_id,
                                  struct vb_error *err)
{
    /* Before the transaction: a failure after the commit would leave the struct behind the row. */
    char *copy = strdup(upload_id);
    if (!copy)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an upload");
    enum vb_status status = vb_fence_run(pg, claimer, claim, upload_step, copy, err);
    if (status != VB_OK) {
        free(copy);
        return status;
    }
    free(claim->job.upload_id);
    claim->job.upload_id = copy;
    return VB_OK;
}

static enum vb_status sent_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                struct vb_error *err)
{
    (void)context;
    struct vb_pg_args args = {0};
    vb_args_text(&args, write->claim->job.job_id);
    vb_args_number(&args, write->claim->part_first);
    return vb_args_exec(pg,
                        "UPDATE verbatim.segment SET sent = true"
                        " WHERE job_id = $1 AND part_first = $2",
                        &args, NULL, err);
}

enum vb_status vb_segment_note_sent(struct vb_pg *pg, const struct vb_claimer *claimer,
                                    struct vb_claim *claim, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    if (!claim->sent)
        status = vb_fence_run(pg, claimer, claim, sent_step, NULL, err);
    claim->sent |= status == VB_OK;
    return status;
}

static enum vb_status incomplete_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                      struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, write->claim->job.job_id);
    vb_args_text(&args, *(const char *const *)context);
    return vb_args_exec(pg,
                        "UPDATE verbatim.job SET incomplete = coalesce(incomplete, $2)"
                        " WHERE job_id = $1",
                        &args, NULL, err);
}

enum vb_status vb_job_note_incomplete(struct vb_pg *pg, const struct vb_claimer *claimer,
                                      const struct vb_claim *claim, const char *reason,
                                      struct vb_error *err)
{
    return vb_fence_run(pg, claimer, claim, incomplete_step, &reason, err);
}
