/* A job as it is shown to who ordered it: the columns of a look at one, for every statement that
 * takes such a look. */
#ifndef VERBATIM_QUEUE_VIEW_H
#define VERBATIM_QUEUE_VIEW_H

/* Of verbatim.job AS j. What runs is counted from its segments; the rest has its counts in its
 * row. */
#define VB_JOB_VIEW                                                                                \
    "j.job_id::text, j.status, coalesce(j.printed, j.specification::text),"                        \
    " j.printed IS NOT NULL, j.conversations_total, j.error_message, j.requested_by,"              \
    " j.created_at, j.started_at, j.finished_at, j.as_of, j.link_expires_at, j.object_key,"        \
    " j.archive_deleted_at IS NOT NULL, j.file_name, j.content_type, j.size, j.crc32, j.media,"    \
    " j.media_failed, coalesce(j.counts, verbatim.job_count(j.job_id))"
#define VB_JOB_VIEW_FROM " FROM verbatim.job AS j"
enum {
    EXPORT_ID,
    EXPORT_STATUS,
    EXPORT_SPECIFICATION,
    EXPORT_IS_PRINTED, /* in the order and with the members that a caller writes */
    EXPORT_TOTAL,
    EXPORT_ERROR,
    EXPORT_AUTHOR,
    EXPORT_CREATED,
    EXPORT_STARTED,
    EXPORT_FINISHED,
    EXPORT_AS_OF,
    EXPORT_EXPIRES,
    EXPORT_KEY,
    EXPORT_DELETED,
    EXPORT_NAME,
    EXPORT_TYPE,
    EXPORT_SIZE,
    EXPORT_CRC,
    EXPORT_MEDIA, /* both 0 until the finish */
    EXPORT_MEDIA_FAILED,
    EXPORT_COUNTS, /* enum export_count */
    EXPORT_COLUMNS
};
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
