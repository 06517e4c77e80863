/* What has become of mails, for operators, and their being sent again; by the rows that the outbox
 * works on.
 *
 * Results are the caller's (PQclear); all else is borrowed for the call. The connection's login is
 * the operator's and sees all workspaces. One thread. Errors are the database's.
 */
#ifndef VERBATIM_MAIL_LEDGER_H
#define VERBATIM_MAIL_LEDGER_H

#include "database/pg.h"

/* Which mails; a member that is NULL leaves none out. */
struct vb_mail_choice {
    const char *job; /* the export's id, by which a mail is known */
    const char *workspace;
    const char *states; /* a literal of an array: waiting, unconfirmed, failed, sent */
};
/* Rows of job_id, workspace_id, recipient, state, attempts, created_at, next_try_at, ended_at,
 * last_error, the newest first. A mail that nobody tries any more has no next try. */
enum vb_status vb_mail_list(struct vb_pg *pg, const struct vb_mail_choice *choice,
                            const char *limit, PGresult **ret_rows,
                            struct vb_error *err) vb_must_check;

/* Has those that were not sent tried at once, as if for the first time, each noted in the audit of
 * its export. Rows of job_id, recipient, and what was done: `again`, or why not: `sent` (only where
 * one job was named), `busy` (it is being sent), `no_link` (its link has ended: it needs another
 * one). One transaction. */
enum vb_status vb_mail_resend(struct vb_pg *pg, const struct vb_mail_choice *choice,
                              PGresult **ret_rows, struct vb_error *err) vb_must_check;

#endif
