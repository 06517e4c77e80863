/* A job as it is shown to who ordered it: the columns of a look at one, for every statement that
 * takes such a look. */
#ifndef VERBATIM_QUEUE_VIEW_H
#define VERBATIM_QUEUE_VIEW_H

#include "verbatim/columns.h"

/* Of verbatim.job AS j. EXPORT_IS_PRINTED: the specification has the order and the members that the
 * caller wrote. EXPORT_MEDIA and EXPORT_MEDIA_FAILED are 0 until the finish. EXPORT_COUNTS holds
 * enum export_count: what runs is counted from its segments; the rest has its counts in its
 * row. */
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
    NEXT(EXPORT_COUNTS, "coalesce(j.counts, verbatim.job_count(j.job_id))")
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
