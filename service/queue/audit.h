/* The audit of exports, as workers and commands write to it: what became of a job, inside the
 * transaction that decides it.
 *
 * The entry itself is made with the job (or by a synchronous door, api/audit.c). Nothing in an
 * audit is ever updated: whatever comes later is a row of verbatim.audit_event. A job without an
 * entry, from before there were any, has none later either.
 */
#ifndef VERBATIM_QUEUE_AUDIT_H
#define VERBATIM_QUEUE_AUDIT_H

#include "database/pg.h"

/* The part of a WITH that notes how much was exported; `total` names the row: job_id,
 * conversations. */
#define VB_AUDIT_RECORDS(total)                                                                    \
    "INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, records)"                     \
    " SELECT a.audit_id, a.workspace_id, 'records', t.conversations"                               \
    " FROM " total " AS t JOIN verbatim.audit AS a USING (job_id)"

/* `kind`: "failed" or "download". `by_whom` NULL: nobody asked for it. Within the caller's
 * transaction. */
enum vb_status vb_audit_event(struct vb_pg *pg, const char *job_id, const char *kind,
                              const char *by_whom, struct vb_error *err) vb_must_check;

#endif
