/* The janitor's statements on rows, apart from the clean-up rows it works off. Private to this
 * folder.
 *
 * Nothing is owned. Any thread with a connection, outside a transaction; any number at once. A
 * failure leaves what was done so far as it is, and a repeat goes on from there.
 */
#ifndef VERBATIM_UPKEEP_JANITOR_ROWS_H
#define VERBATIM_UPKEEP_JANITOR_ROWS_H

#include "database/pg.h"
#include "verbatim/clock.h"

/* Files younger than this are in nobody's way; of jobs that no row tells of, a day (a row may not
 * be committed yet, or the database may have been restored to an earlier moment). */
#define VB_JANITOR_LEAST_AGE (3600 * VB_SECOND)
#define VB_JANITOR_UNKNOWN_AGE (86400 * VB_SECOND)

/* Archives whose job ended longer ago than `retention`, or was created longer ago than its own, and
 * whose link is dead, are noted as deleted and get a clean-up row, in one statement, so that
 * nothing is forgotten. */
enum vb_status vb_janitor_expire(struct vb_pg *pg, const char *storage, int64_t retention,
                                 struct vb_error *err) vb_must_check;
/* How old a job's files must be to count as orphans: INT64_MAX while it lives. */
enum vb_status vb_janitor_patience(struct vb_pg *pg, const char *job_id, int64_t *ret_least_age,
                                   struct vb_error *err) vb_must_check;
/* Segments of ended jobs, settled mails, dead processes, jobs that ended 90 days ago. */
enum vb_status vb_janitor_old_rows(struct vb_pg *pg, struct vb_error *err) vb_must_check;
/* Stores other than `storage` that have clean-up overdue by a minute, with commas; "" for none. */
enum vb_status vb_janitor_foreign(struct vb_pg *pg, const char *storage, char *ret_text,
                                  size_t size, struct vb_error *err) vb_must_check;

#endif
