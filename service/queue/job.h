/* A job as its workers see it: the facts read at the claim, what it exports, and the edges of its
 * life.
 *
 * A struct vb_job owns its strings and goes with its claim (vb_claim_done); what the functions here
 * answer is borrowed from it. Plain values without a lock: one thread at a time. A specification
 * that this build cannot read is no error of the claim, for others may be able to: its root is
 * NULL, and whoever works on the job fails it.
 */
#ifndef VERBATIM_QUEUE_JOB_H
#define VERBATIM_QUEUE_JOB_H

#include "database/pg.h"

#include "rules/job_status.h"
#include "specification/specification.h"
#include "verbatim/source.h"
#include "verbatim/uuid.h"
#include "verbatim/zone.h"

/* Facts of a job as read at the claim. Strings are owned; NULL as in the table. */
struct vb_job {
    char job_id[VB_UUID_TEXT];
    char *workspace_id;
    char *source_workspace;
    char *channel_id, *channel_name, *channel_type, *channel_phone; /* NULL: not one channel */
    char *time_zone;
    char *zone_clocks; /* NULL: of an order of before */
    char *csv_profile;
    char *source_snapshot;
    char *notification_email;
    struct vb_specification specification; /* root NULL: not one that this build can read */
    char *statistics; /* as printed; NULL: not taken yet, and noted with the archive */
    char *workspace_name;
    char *manifest_key;        /* id of the key that signs it; NULL: no manifest; noted likewise */
    char *title;               /* what the archive is named after; NULL: the channel, or all */
    char *wanted_name;         /* of its file; NULL: after the title */
    struct vb_date start_date; /* the day of as_of where the range has no start */
    vb_instant from, to, as_of, created;
    char *trace_parent; /* W3C Trace Context of its order */
    /* The archive; object_key NULL until noted, upload_id NULL until an upload was begun. */
    int64_t archive_epoch;
    char *storage, *object_key, *upload_id, *fingerprint;
    char *deflate_tables;        /* of the archive's small entries; NULL: none; noted likewise */
    uint64_t part_size;          /* 0 until noted */
    bool equal_parts;            /* and numbered without gaps: one segment; noted likewise */
    int64_t conversations_total; /* -1 until counted */
    bool closing;                /* job.size is noted: only Complete and the finish are left */
};

/* The last part of the key: what a browser calls the file. */
const char *vb_job_file_name(const struct vb_job *job);
struct vb_channel vb_job_channel(const struct vb_job *job);
/* The renderer of its specification; NULL for one that is not known here. */
const struct vb_renderer *vb_job_renderer(const struct vb_job *job);
/* ".zip", or the renderer's where the archive is one raw file. */
const char *vb_job_extension(const struct vb_job *job);
/* What it reads, from its specification and what was resolved when it was created. Borrows from the
 * job; `columns` are the renderer's. */
struct vb_selection vb_job_selection(const struct vb_job *job);

/* statistics.c: the numbers in a job's row. VB_INVALID: not ours. */
enum vb_status vb_statistics_print(const struct vb_statistics *statistics,
                                   struct vb_buffer *out) vb_must_check;
enum vb_status vb_statistics_parse(struct vb_view text, struct vb_statistics *ret_statistics,
                                   struct vb_error *err) vb_must_check;

/* The clocks of its times and names, for vb_zone_free: those that were decided with the order,
 * whatever this machine's files say; of an order of before, by the zone's name. VB_INVALID: the row
 * holds no clocks, or nobody here knows the zone; VB_NO_MEMORY. */
enum vb_status vb_job_zone(const struct vb_job *job, struct vb_zone **ret_zone,
                           struct vb_error *err) vb_must_check;

/* transition.c */
/* Takes the edge inside the caller's transaction; VB_FENCED when the job is not in `from`.
 * `message` goes to error_message (NULL: none). Sets the times that belong to the new status. */
enum vb_status vb_job_transition(struct vb_pg *pg, const char *job_id, enum vb_job_status from,
                                 enum vb_job_status to, const char *message,
                                 struct vb_error *err) vb_must_check;

#endif
