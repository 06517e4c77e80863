/* The statements of the HTTP front end beside those that make a job (queue/order.h), in one
 * table. */
#ifndef VERBATIM_API_SQL_H
#define VERBATIM_API_SQL_H

#include "database/pool.h"
#include "queue/view.h"

/* To Verbatim's own database; results are binary. */
enum vb_api_sql {
    VB_API_SQL_ENTER_KEY, /* as VB_PG_ENTER_READ, and $2 key id: for the statements about a key */
    VB_API_SQL_ENTER_KEY_WRITE,
    VB_API_SQL_KEY,      /* $1 key id, $2 workspace, $3 scope */
    VB_API_SQL_KEY_HOME, /* $1 key id, $2 scope: enters the key's own workspace as well */
    VB_API_SQL_KEY_POLL, /* as VB_API_SQL_KEY: only what it is judged by; for the polls behind it */
    VB_API_SQL_JOB,      /* a poll: $1 workspace, $2 job */
    VB_API_SQL_EXPORT,   /* a poll: $1 workspace, $2 job: VB_JOB_VIEW */
    /* a poll: $1 workspace, $2 status or NULL, $3 (microseconds) and $4 the row behind which to
     * begin, $5 at most */
    VB_API_SQL_EXPORTS,
    /* $1 workspace, $2 job, $3 audience of who asks or NULL, $4 door or NULL: VB_JOB_VIEW */
    VB_API_SQL_EXPORT_SEEN,
    /* $1 workspace, $2 door, $3 (microseconds) and $4 the row behind which to begin, $5 at most */
    VB_API_SQL_EXPORTS_OF_DOOR,
    VB_API_SQL_EXPORT_CANCEL, /* $1 workspace, $2 job, $3 audience or NULL, $4 who asks */
    VB_API_SQL_EXPORT_DELETE, /* the same; one row where there was something */
    VB_API_SQL_TOUCH,
    VB_API_SQL_SECRETS,
    VB_API_SQL_PING,
    VB_API_SQL_AS_WORKER,
    VB_API_SQL_GAUGES,
    /* an export without a job: $1 door, $2 author, $3 audience, $4 specification, $5 format, $6 its
     * mark */
    VB_API_SQL_AUDIT,
    /* $1 that mark, $2 how it ended: records, cancelled, failed; $3 conversations written. Once. */
    VB_API_SQL_AUDIT_END,
    VB_API_SQL_AUDIT_EVENT, /* $1 job, $2 kind, $3 by whom */
    VB_API_SQL_AUDIT_LINK,  /* as the worker: $1 job, $2 whether only a part was fetched */
    /* $1 workspace, $2 the entry behind which to begin or NULL, $3 at most: AUDITS_ID and on */
    VB_API_SQL_AUDITS,
    VB_API_SQL_COUNT
};
extern const struct vb_pg_statement vb_api_sql[VB_API_SQL_COUNT];
/* These and those of the modules below: all that the front end ever sends to Verbatim's own
 * database by name. */
void vb_api_sql_sets(struct vb_pg_statement_set ret_sets[VB_PG_STATEMENT_SETS]);

/* What every statement of an entry begins with, to judge by: no more, since each column is felt in
 * a status poll. */
enum {
    KEY_HOME, /* the workspace asked for is the key's */
    KEY_HASH,
    KEY_SCOPE, /* the key has it */
    KEY_ROLE,
    KEY_COLUMNS
};
/* FROM verbatim.key_here AS k; $2 is the workspace of the path, $3 the scope. */
#define VB_API_KEY_COLUMNS "k.workspace_id = $2, k.secret_hash, $3 = ANY (k.scopes), k.role"

/* What follows in VB_API_SQL_KEY and _KEY_HOME: the rest of struct vb_access. */
enum {
    ABOUT_WORKSPACE = KEY_COLUMNS,
    ABOUT_AUDIENCE,
    ABOUT_USER,
    ABOUT_NAME,
    ABOUT_ZONE,
    ABOUT_SOURCE,
    ABOUT_PROFILE,
    ABOUT_COLUMNS
};
/* Of VB_API_SQL_JOB. */
enum {
    JOB_STATUS,
    JOB_CHANNEL,
    JOB_START,
    JOB_END,
    JOB_ERROR,
    JOB_CREATED,
    JOB_FINISHED,
    JOB_EXPIRES,
    JOB_KEY,
    JOB_DELETED
};

/* Of VB_API_SQL_AUDITS. */
enum {
    AUDITS_ID,
    AUDITS_AUTHOR,
    AUDITS_CREATED,
    AUDITS_FILTER,
    AUDITS_FORMAT,
    AUDITS_DOOR,
    AUDITS_JOB,
    AUDITS_RECORDS,
    AUDITS_DOWNLOADS /* a JSON array */
};
#endif
