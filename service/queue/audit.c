/* Events of the audit from the side of workers and commands. One statement; the transaction is the
 * caller's. */
#include "audit.h"

#include "database/args.h"

static const char add_event[] =
    "INSERT INTO verbatim.audit_event (audit_id, workspace_id, by_whom, kind)"
    " SELECT audit_id, workspace_id, $3, $2 FROM verbatim.audit WHERE job_id = $1";

enum vb_status vb_audit_event(struct vb_pg *pg, const char *job_id, const char *kind,
                              const char *by_whom, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, job_id);
    vb_args_text(&args, kind);
    vb_args_text(&args, by_whom);
    return vb_args_exec(pg, add_event, &args, NULL, err);
}
