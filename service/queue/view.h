/* A job as it is shown to who ordered it: the columns of a look at one, for every statement that
 * takes such a look. */
#ifndef VERBATIM_QUEUE_VIEW_H
#define VERBATIM_QUEUE_VIEW_H

#include "verbatim/columns.h"

/* Of verbatim.job AS j. EXPORT_IS_PRINTED: the specification has the order and the members that the
 * caller wrote. EXPORT_MEDIA, EXPORT_MEDIA_FAILED and EXPORT_BAD_ROWS are 0 until the finish.
 * EXPORT_COUNTS holds enum export_count: what runs is counted from its segments; the rest has its
 * counts in its row. EXPORT_SUBJECT is a name where there is one, else an id. EXPORT_KEPT: until
 * when, where the door or the workspace says so. EXPORT_MAIL knows nothing of whether mails can be
 * sent. EXPORT_LINK is the number of the newest short link, NULL where all are revoked. */
/* clang-format off */
#define VB_JOB_SUBJECT                                                                             \
    "coalesce(nullif(j.channel_name, ''), j.channel_phone, j.channel_id, nullif(j.title, ''),"     \
    " j.specification #>> '{select,assistant_id}', j.specification #>> '{select,contact_id}',"     \
    " CASE WHEN j.specification #> '{select,conversation_ids}' IS NULL THEN 'all'"                 \
    " ELSE 'conversations' END)"
#define VB_JOB_KEPT                                                                                \
    "CASE WHEN j.status = 'finished' AND j.archive_deleted_at IS NULL THEN"                        \
    " coalesce(j.created_at + j.retention, j.finished_at +"                                        \
    " (SELECT w.retention FROM verbatim.workspace AS w WHERE w.workspace_id = j.workspace_id)) END"
#define VB_JOB_MAIL                                                                                \
    "CASE WHEN j.notification_email IS NULL OR j.status IN ('failed', 'cancelled') THEN NULL"      \
    " WHEN j.status <> 'finished' THEN 'waiting'"                                                  \
    " ELSE verbatim.job_mail(j.job_id) END"
#define VB_JOB_WAITS                                                                               \
    "CASE WHEN j.status IN ('queued', 'started') THEN"                                             \
    " verbatim.job_waits(j.job_id, j.status, j.ordered_storage) END"
/* clang-format on */
#define VB_JOB_COUNTS "coalesce(j.counts, verbatim.job_count(j.job_id))"
#define VB_JOB_VIEW_TABLE(FIRST, NEXT)                                                             \
    FIRST(EXPORT_ID, "j.job_id::text")                                                             \
    NEXT(EXPORT_STATUS, "j.status")                                                                \
    NEXT(EXPORT_SPECIFICATION, "coalesce(j.printed, j.specification::text)")                       \
    NEXT(EXPORT_IS_PRINTED, "j.printed IS NOT NULL")                                               \
    NEXT(EXPORT_TOTAL, "j.conversations_total")                                                    \
    NEXT(EXPORT_ERROR, "j.error_message")                                                          \
    NEXT(EXPORT_AUTHOR, "j.requested_by")                                                          \
    NEXT(EXPORT_CREATED, "j.created_at")                                                           \
    NEXT(EXPORT_STARTED, "j.started_at")                                                           \
    NEXT(EXPORT_FINISHED, "j.finished_at")                                                         \
    NEXT(EXPORT_AS_OF, "j.as_of")                                                                  \
    NEXT(EXPORT_EXPIRES, "j.link_expires_at")                                                      \
    NEXT(EXPORT_KEY, "j.object_key")                                                               \
    NEXT(EXPORT_DELETED, "j.archive_deleted_at IS NOT NULL")                                       \
    NEXT(EXPORT_NAME, "j.file_name")                                                               \
    NEXT(EXPORT_TYPE, "j.content_type")                                                            \
    NEXT(EXPORT_SIZE, "j.size")                                                                    \
    NEXT(EXPORT_CRC, "j.crc32")                                                                    \
    NEXT(EXPORT_MEDIA, "j.media")                                                                  \
    NEXT(EXPORT_MEDIA_FAILED, "j.media_failed")                                                    \
    NEXT(EXPORT_BAD_ROWS, "j.bad_rows")                                                            \
    NEXT(EXPORT_DOOR, "j.door")                                                                    \
    NEXT(EXPORT_SUBJECT, VB_JOB_SUBJECT)                                                           \
    NEXT(EXPORT_KEPT, VB_JOB_KEPT)                                                                 \
    NEXT(EXPORT_MAIL, VB_JOB_MAIL)                                                                 \
    NEXT(EXPORT_COUNTS, VB_JOB_COUNTS)                                                             \
    NEXT(EXPORT_LINK, "CASE WHEN j.links > j.links_revoked THEN j.links::bigint END")              \
    NEXT(EXPORT_LINK_ENDS, "coalesce(j.link_ends[j.links], j.link_expires_at)")                    \
    NEXT(EXPORT_WAITS, VB_JOB_WAITS)                                                               \
    NEXT(EXPORT_INCOMPLETE, "j.incomplete")
#define VB_JOB_VIEW VB_COLUMN_LIST(VB_JOB_VIEW_TABLE)
enum { VB_COLUMN_NAMES(VB_JOB_VIEW_TABLE) EXPORT_COLUMNS };
#define VB_JOB_VIEW_FROM " FROM verbatim.job AS j"
/* In the order of verbatim.job_count. */
enum export_count {
    COUNT_CONVERSATIONS,
    COUNT_MESSAGES,
    COUNT_BYTES,
    COUNT_RECORDED,
    COUNT_RUNNING,
    COUNT_WAITING,
    COUNT_ATTEMPTS,
    EXPORT_COUNT_KINDS
};

#endif
