/* Words and edges of a job's life. See rules/job_status.h.
 *
 * Callers compare statuses as enum values and rows hold words; the two meet here alone. The order
 * of the enum is nobody's business: nothing stores its numbers.
 */
#include "job_status.h"

#include <stddef.h>

static const char *const names[VB_JOB_STATUSES + 1] = {
    [VB_JOB_QUEUED] = "queued", [VB_JOB_STARTED] = "started",     [VB_JOB_FINISHED] = "finished",
    [VB_JOB_FAILED] = "failed", [VB_JOB_CANCELLED] = "cancelled", [VB_JOB_GONE] = "gone",
};

/* What has ended changes no more, and only what has ended goes: a deletion by a caller cancels
 * first. No statement takes queued -> failed: a job that cannot be begun is started, then
 * failed. */
static const struct edge {
    enum vb_job_status from, to;
} edges[] = {
    {VB_JOB_QUEUED, VB_JOB_STARTED},    {VB_JOB_QUEUED, VB_JOB_CANCELLED},
    {VB_JOB_STARTED, VB_JOB_FINISHED},  {VB_JOB_STARTED, VB_JOB_FAILED},
    {VB_JOB_STARTED, VB_JOB_CANCELLED}, {VB_JOB_FINISHED, VB_JOB_GONE},
    {VB_JOB_FAILED, VB_JOB_GONE},       {VB_JOB_CANCELLED, VB_JOB_GONE},
};

const char *vb_job_status_name(enum vb_job_status status)
{
    return names[status];
}

bool vb_job_status_follows(enum vb_job_status from, enum vb_job_status to)
{
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        if (edges[i].from == from && edges[i].to == to)
            return true;
    return false;
}
