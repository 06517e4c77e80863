/* Rows of verbatim.job and verbatim.segment as structs: what is selected, and how it is read.
 * Private to the room.
 *
 * A column that is added here is read in job.c by its name; no statement names columns a second
 * time. Results are borrowed for the call. Any thread.
 */
#ifndef VERBATIM_QUEUE_ROW_H
#define VERBATIM_QUEUE_ROW_H

#include "queue.h"

#include "verbatim/columns.h"

/* Instant $N (Unix microseconds) as timestamptz, exactly. */
#define VB_SQL_INSTANT(parameter)                                                                  \
    "('epoch'::timestamptz + " parameter "::bigint * interval '1 microsecond')"
/* The other way. */
#define ROW_MICROSECONDS(instant) "(extract(epoch FROM " instant ") * 1000000)::bigint"

/* Whoever took the order signs the links, by its own store: an archive elsewhere would be a dead
 * link. Rows of versions that did not note it are anybody's. A long queue for a store that nobody
 * here has is walked over at each look. Written so that the planner takes it for true as often as
 * not: where it expected few such rows it would sort a backlog rather than walk the index to the
 * first. The parameter is our store. */
#define JOB_IS_OURS(parameter) "coalesce(j.ordered_storage = " parameter ", true)"

/* Of verbatim.job AS j. */
#define JOB_ROW(FIRST, NEXT)                                                                       \
    FIRST(JOB_ROW_ID, "j.job_id")                                                                  \
    NEXT(JOB_ROW_WORKSPACE, "j.workspace_id")                                                      \
    NEXT(JOB_ROW_SOURCE_WORKSPACE, "j.source_workspace")                                           \
    NEXT(JOB_ROW_CHANNEL_ID, "j.channel_id")                                                       \
    NEXT(JOB_ROW_CHANNEL_NAME, "j.channel_name")                                                   \
    NEXT(JOB_ROW_CHANNEL_TYPE, "j.channel_type")                                                   \
    NEXT(JOB_ROW_CHANNEL_PHONE, "j.channel_phone")                                                 \
    NEXT(JOB_ROW_SPECIFICATION, "j.specification::text")                                           \
    NEXT(JOB_ROW_TIME_ZONE, "j.time_zone")                                                         \
    NEXT(JOB_ROW_ZONE_CLOCKS, "j.zone_clocks")                                                     \
    NEXT(JOB_ROW_CSV_PROFILE, "j.csv_profile")                                                     \
    NEXT(JOB_ROW_SOURCE_SNAPSHOT, "j.source_snapshot")                                             \
    NEXT(JOB_ROW_NOTIFICATION_EMAIL, "j.notification_email")                                       \
    NEXT(JOB_ROW_START_DATE, "coalesce(j.start_date, (j.as_of AT TIME ZONE 'UTC')::date)")         \
    NEXT(JOB_ROW_FROM, ROW_MICROSECONDS("j.range_from"))                                           \
    NEXT(JOB_ROW_TO, ROW_MICROSECONDS("j.range_to"))                                               \
    NEXT(JOB_ROW_AS_OF, ROW_MICROSECONDS("j.as_of"))                                               \
    NEXT(JOB_ROW_ARCHIVE_EPOCH, "j.archive_epoch")                                                 \
    NEXT(JOB_ROW_STORAGE, "j.storage")                                                             \
    NEXT(JOB_ROW_OBJECT_KEY, "j.object_key")                                                       \
    NEXT(JOB_ROW_UPLOAD_ID, "j.upload_id")                                                         \
    NEXT(JOB_ROW_FINGERPRINT, "j.fingerprint")                                                     \
    NEXT(JOB_ROW_DEFLATE_TABLES, "j.deflate_tables")                                               \
    NEXT(JOB_ROW_PART_SIZE, "j.part_size")                                                         \
    NEXT(JOB_ROW_EQUAL_PARTS, "j.equal_parts")                                                     \
    NEXT(JOB_ROW_CONVERSATIONS_TOTAL, "j.conversations_total")                                     \
    NEXT(JOB_ROW_CLOSING, "j.size IS NOT NULL")                                                    \
    NEXT(JOB_ROW_TITLE, "j.title")                                                                 \
    NEXT(JOB_ROW_STATISTICS, "j.statistics::text")                                                 \
    NEXT(JOB_ROW_WORKSPACE_NAME,                                                                   \
         "coalesce(j.workspace_name, (SELECT w.name"                                               \
         " FROM verbatim.workspace AS w WHERE w.workspace_id = j.workspace_id))")                  \
    NEXT(JOB_ROW_MANIFEST_KEY, "j.manifest_key")                                                   \
    NEXT(JOB_ROW_WANTED_NAME, "j.wanted_name")                                                     \
    NEXT(JOB_ROW_TRACE_PARENT, "j.trace_parent")                                                   \
    NEXT(JOB_ROW_CREATED, ROW_MICROSECONDS("j.created_at"))
#define JOB_ROW_LIST VB_COLUMN_LIST(JOB_ROW)
enum { VB_COLUMN_NAMES(JOB_ROW) JOB_ROW_COLUMNS };

/* Of verbatim.segment AS s. */
#define SEGMENT_ROW(FIRST, NEXT)                                                                   \
    FIRST(SEGMENT_ROW_EPOCH, "s.claim_epoch")                                                      \
    NEXT(SEGMENT_ROW_PART_FIRST, "s.part_first")                                                   \
    NEXT(SEGMENT_ROW_PART_LAST, "s.part_last")                                                     \
    NEXT(SEGMENT_ROW_NUMBER_FIRST, "coalesce(s.number_first, s.part_first)")                       \
    NEXT(SEGMENT_ROW_LOW_AT, ROW_MICROSECONDS("s.low_at"))                                         \
    NEXT(SEGMENT_ROW_LOW_ID, "s.low_id")                                                           \
    NEXT(SEGMENT_ROW_HIGH_AT, ROW_MICROSECONDS("s.high_at"))                                       \
    NEXT(SEGMENT_ROW_HIGH_ID, "s.high_id")                                                         \
    NEXT(SEGMENT_ROW_ESTIMATE, "s.estimate")                                                       \
    NEXT(SEGMENT_ROW_EXPECTED, "s.expected")                                                       \
    NEXT(SEGMENT_ROW_ATTEMPTS, "s.attempts")                                                       \
    NEXT(SEGMENT_ROW_LOST_LEASES, "s.lost_leases")                                                 \
    NEXT(SEGMENT_ROW_SENT, "s.sent")                                                               \
    NEXT(SEGMENT_ROW_FIRST_CONVERSATION, "s.first_conversation")
#define SEGMENT_ROW_LIST VB_COLUMN_LIST(SEGMENT_ROW)
enum { VB_COLUMN_NAMES(SEGMENT_ROW) SEGMENT_ROW_COLUMNS };

/* The job's columns of a row, from `column` on. A specification that this build cannot read is left
 * out, with a warning. */
enum vb_status vb_job_read(const PGresult *result, int row, int column, struct vb_job *ret_job,
                           struct vb_error *err) vb_must_check;
/* What a job read by itself owns; a claim's goes with vb_claim_done. */
void vb_job_done(struct vb_job *job);
/* The segment's columns of a claim, from `column` on. */
void vb_segment_read(const PGresult *result, int row, int column, struct vb_claim *claim);

#endif
