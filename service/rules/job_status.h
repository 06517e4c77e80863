/* The statuses of a job, and the edges between them: the one table of its life.
 *
 * What a status means to SQL (columns that belong to it, who is told) stands with the statements
 * that take an edge: vb_job_transition, the functions job_cancel and job_delete of the schema, and
 * pruning. A test takes every one of them and holds them against this table.
 *
 * Static data without an owner; names live as long as the program. Any thread: pure. No errors.
 * VB_JOB_GONE is in no row.
 */
#ifndef VERBATIM_RULES_JOB_STATUS_H
#define VERBATIM_RULES_JOB_STATUS_H

#include <stdbool.h>

enum vb_job_status {
    VB_JOB_QUEUED,
    VB_JOB_STARTED,
    VB_JOB_FINISHED,
    VB_JOB_FAILED,
    VB_JOB_CANCELLED,
    VB_JOB_STATUSES,
    VB_JOB_GONE = VB_JOB_STATUSES /* there is no row any more: never in one */
};

/* As job.status has it: "queued". */
const char *vb_job_status_name(enum vb_job_status status);
/* Whether the table of edges holds from -> to. */
bool vb_job_status_follows(enum vb_job_status from, enum vb_job_status to);

#endif
