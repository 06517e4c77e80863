/* Counters of this process for /metrics, in one table; each counts from the process's start and
 * never goes down.
 *
 * What the database knows better (jobs and segments by state, age of the oldest) is asked there.
 * The table is the program's own; nothing is to be set up or freed. Atomic; any thread.
 * vb_metrics_write alone can fail, with the buffer's statuses, a part being written then. A value
 * read is good for the moment.
 */
#ifndef VERBATIM_METRICS_H
#define VERBATIM_METRICS_H

#include "verbatim/buffer.h"

enum vb_counter {
    VB_COUNT_JOBS_CREATED,
    VB_COUNT_JOBS_FINISHED,
    VB_COUNT_JOBS_FAILED,
    VB_COUNT_SEGMENTS_CLAIMED,
    VB_COUNT_SEGMENTS_RECORDED,
    VB_COUNT_SEGMENTS_SPLIT,
    VB_COUNT_SEGMENTS_ABSORBED,
    VB_COUNT_SEGMENT_RETRIES,
    VB_COUNT_LEASES_LOST,
    VB_COUNT_FENCES_REFUSED,
    VB_COUNT_QUEUE_POLLS,
    VB_COUNT_MESSAGES,
    VB_COUNT_CONVERSATIONS,
    VB_COUNT_MEDIA_STORED,
    VB_COUNT_MEDIA_FAILED,
    VB_COUNT_BAD_ROWS,
    VB_COUNT_BYTES_READ, /* rendered, before deflate */
    VB_COUNT_BYTES_STORED,
    VB_COUNT_PARTS_STORED,
    VB_COUNT_STORAGE_RETRIES,
    VB_COUNT_MAILS_SENT,
    VB_COUNT_MAILS_FAILED,
    VB_COUNT_CLEANUPS,
    VB_COUNT_HTTP_REQUESTS,
    VB_COUNT_HTTP_REFUSED, /* broken framing, limits, deadlines */
    VB_COUNT_SPANS_SENT,
    VB_COUNT_SPANS_DROPPED,
    VB_COUNT_TLS_FAILED,
    VB_COUNT_DATABASE_RECONNECTS,
    VB_COUNT_JOB_SECONDS_MICRO, /* sum over finished jobs of created to finished, microseconds */
    VB_COUNTERS
};

void vb_count(enum vb_counter counter, uint64_t by);
uint64_t vb_counted(enum vb_counter counter);
/* Prometheus text (exposition format 0.0.4) of all counters. */
enum vb_status vb_metrics_write(struct vb_buffer *out) vb_must_check;

#endif
