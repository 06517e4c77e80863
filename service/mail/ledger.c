/* See ledger.h. States are those of the schema's mail_state, as polls and metrics tell them. */
#include "ledger.h"

#include "errand_row.h"

#define STATE "verbatim.mail_state(o.sent_at, o.given_up_at, o.unanswered)"
/* $1 job, $2 workspace, $3 states. */
#define CHOSEN                                                                                     \
    "($1::uuid IS NULL OR o.job_id = $1::uuid)"                                                    \
    " AND ($2::text IS NULL OR o.workspace_id = $2)"                                               \
    " AND ($3::text[] IS NULL OR " STATE " = ANY ($3::text[]))"
/* By the rules of whoever sends it. */
#define HAS_LINK                                                                                   \
    "(j.status = 'finished' AND j.links_revoked < j.links AND coalesce(" LINK_ENDS                 \
    " > now(), false))"

enum vb_status vb_mail_list(struct vb_pg *pg, const struct vb_mail_choice *choice,
                            const char *limit, PGresult **ret_rows, struct vb_error *err)
{
    static const char sql[] =
        "SELECT o.job_id, o.workspace_id, o.recipient, " STATE ", o.attempts, o.created_at,"
        " CASE WHEN o.sent_at IS NULL AND o.given_up_at IS NULL THEN o.not_before END,"
        " coalesce(o.sent_at, o.given_up_at), o.last_error"
        " FROM verbatim.outbox AS o"
        " WHERE " CHOSEN " ORDER BY o.outbox_id DESC LIMIT $4::bigint";
    const char *const parameters[] = {choice->job, choice->workspace, choice->states, limit};
    return vb_pg_query(pg, sql, 4, parameters, ret_rows, err);
}

/* Attempts go on counting: they are the fence against whoever had the row before. */
enum vb_status vb_mail_resend(struct vb_pg *pg, const struct vb_mail_choice *choice,
                              PGresult **ret_rows, struct vb_error *err)
{
    static const char sql[] =
        "WITH chosen AS ("
        "SELECT o.outbox_id, o.job_id, o.workspace_id, o.recipient,"
        " CASE WHEN o.sent_at IS NOT NULL THEN 'sent'"
        " WHEN NOT " HAS_LINK " THEN 'no_link'"
        " WHEN o.process_id IS NOT NULL AND o.not_before > now() THEN 'busy'"
        " ELSE 'again' END AS outcome"
        " FROM verbatim.outbox AS o JOIN verbatim.job AS j USING (job_id)"
        " WHERE " CHOSEN " AND ($1::uuid IS NOT NULL OR o.sent_at IS NULL)"
        " ORDER BY o.outbox_id FOR UPDATE OF o),"
        " again AS ("
        "UPDATE verbatim.outbox AS o SET given_up_at = NULL, last_error = NULL, unanswered = 0,"
        " unanswered_at = NULL, not_before = now(), process_id = NULL"
        " FROM chosen AS c WHERE c.outbox_id = o.outbox_id AND c.outcome = 'again'),"
        " noted AS ("
        "INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, by_whom)"
        " SELECT a.audit_id, a.workspace_id, 'mail_resent', 'command line'"
        " FROM chosen AS c JOIN verbatim.audit AS a"
        " ON a.job_id = c.job_id AND a.workspace_id = c.workspace_id"
        " WHERE c.outcome = 'again')"
        " SELECT job_id, recipient, outcome FROM chosen ORDER BY outbox_id";
    const char *const parameters[] = {choice->job, choice->workspace, choice->states};
    return vb_pg_query(pg, sql, 3, parameters, ret_rows, err);
}
