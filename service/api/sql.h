/* The statements of the HTTP front end beside those that make a job (queue/order.h), in one table. */
#ifndef VERBATIM_API_SQL_H
#define VERBATIM_API_SQL_H

#include "database/pool.h"
#include "queue/view.h"

/* To Verbatim's own database; results are binary. */
enum http_sql {
    HTTP_SQL_ENTER_KEY, /* as PG_ENTER_READ, and $2 key id: for the statements about a key */
    HTTP_SQL_ENTER_KEY_WRITE,
    HTTP_SQL_KEY,      /* $1 key id, $2 workspace, $3 scope */
    HTTP_SQL_KEY_HOME, /* $1 key id, $2 scope: enters the key's own workspace as well */
    HTTP_SQL_KEY_POLL, /* as HTTP_SQL_KEY: only what it is judged by; for the polls behind it */
    HTTP_SQL_JOB,      /* a poll: $1 workspace, $2 job */
    HTTP_SQL_EXPORT,   /* a poll: $1 workspace, $2 job: VB_JOB_VIEW */
    HTTP_SQL_EXPORTS, /* a poll: $1 workspace, $2 status or NULL, $3 (microseconds) and $4 the row behind which to begin, $5 at most */
    HTTP_SQL_EXPORT_SEEN, /* $1 workspace, $2 job, $3 audience of who asks or NULL, $4 door or NULL: VB_JOB_VIEW */
    HTTP_SQL_EXPORTS_OF_DOOR, /* $1 workspace, $2 door, $3 (microseconds) and $4 the row behind which to begin, $5 at most */
    HTTP_SQL_EXPORT_CANCEL, /* $1 workspace, $2 job, $3 audience or NULL, $4 who asks */
    HTTP_SQL_EXPORT_DELETE, /* the same; one row where there was something */
    HTTP_SQL_TOUCH,
    HTTP_SQL_SECRETS,
    HTTP_SQL_PING,
    HTTP_SQL_AS_WORKER,
    HTTP_SQL_GAUGES,
    HTTP_SQL_AUDIT, /* an export without a job: $1 door, $2 author, $3 audience, $4 specification, $5 format; gives the id */
    HTTP_SQL_AUDIT_END, /* $1 that id, $2 how it ended: records, cancelled, failed; $3 conversations written */
    HTTP_SQL_AUDIT_EVENT, /* $1 job, $2 kind, $3 by whom */
    HTTP_SQL_AUDIT_LINK,  /* as the worker: $1 job, $2 whether only a part was fetched */
    HTTP_SQL_AUDITS, /* $1 workspace, $2 the entry behind which to begin or NULL, $3 at most: AUDITS_ID and on */
    HTTP_SQL_COUNT
};
extern const struct pg_statement http_sql[HTTP_SQL_COUNT];
/* These and those of the modules below: all that the front end ever sends to Verbatim's own database by name. */
void http_sql_sets(struct pg_statement_set ret_sets[PG_STATEMENT_SETS]);

/* What every statement of an entry begins with, to judge by: no more, since each column is felt in a status poll. */
enum {
    KEY_HOME, /* the workspace asked for is the key's */
    KEY_HASH,
    KEY_SCOPE, /* the key has it */
    KEY_ROLE,
    KEY_COLUMNS
};
/* FROM verbatim.key_here AS k; $2 is the workspace of the path, $3 the scope. */
#define HTTP_KEY_COLUMNS "k.workspace_id = $2, k.secret_hash, $3 = ANY (k.scopes), k.role"

/* What follows in HTTP_SQL_KEY and _KEY_HOME: the rest of struct http_access. */
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
/* Of HTTP_SQL_JOB. */
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

/* Of HTTP_SQL_AUDITS. */
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
