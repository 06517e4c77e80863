/* Every statement the HTTP front end sends, in one table. */
#ifndef VERBATIM_API_SQL_H
#define VERBATIM_API_SQL_H

#include "database/pool.h"

#include "verbatim/source.h"

/* To Verbatim's own database; results are binary. */
enum http_sql {
    HTTP_SQL_ENTER,       /* $1 workspace: the transaction is its and no other's */
    HTTP_SQL_ENTER_WRITE, /* the same, with limits on waiting for locks */
    HTTP_SQL_ENTER_KEY,   /* and $2 key id: for the statements about a key */
    HTTP_SQL_ENTER_KEY_WRITE,
    HTTP_SQL_KEY,      /* $1 key id, $2 workspace, $3 scope */
    HTTP_SQL_KEY_HOME, /* $1 key id, $2 scope: enters the key's own workspace as well */
    HTTP_SQL_KEY_POLL, /* as HTTP_SQL_KEY: only what it is judged by; for the polls behind it */
    HTTP_SQL_JOB,      /* a poll: $1 workspace, $2 job */
    HTTP_SQL_EXPORT,   /* a poll: $1 workspace, $2 job: HTTP_EXPORT_COLUMNS */
    HTTP_SQL_EXPORTS, /* a poll: $1 workspace, $2 status or NULL, $3 (microseconds) and $4 the row behind which to begin, $5 at most */
    HTTP_SQL_EXPORT_SEEN, /* $1 workspace, $2 job, $3 audience of who asks or NULL, $4 door or NULL: HTTP_EXPORT_COLUMNS */
    HTTP_SQL_EXPORTS_OF_DOOR, /* $1 workspace, $2 door, $3 (microseconds) and $4 the row behind which to begin, $5 at most */
    HTTP_SQL_EXPORT_CANCEL, /* $1 workspace, $2 job, $3 audience or NULL, $4 who asks */
    HTTP_SQL_EXPORT_DELETE, /* the same; one row where there was something */
    HTTP_SQL_CREATE,
    HTTP_SQL_ACTIVE, /* $1 workspace, $2 active_key: its job, if one is queued or started */
    HTTP_SQL_ORDERED, /* $1 workspace, $2 job or NULL, $3 idempotency_key or NULL: HTTP_EXPORT_COLUMNS, request_hash */
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

/* To the source; its statements come from the contract, results are text. */
enum http_source_sql {
    HTTP_SOURCE_BY_ID,
    HTTP_SOURCE_BY_PHONE,
    HTTP_SOURCE_MORE, /* enum vb_lookup from here on */
    HTTP_SOURCE_COUNT = HTTP_SOURCE_MORE + VB_LOOKUPS
};

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

/* Of verbatim.job AS j: an export as the native door shows it; for every look-up of one. What runs is counted from its
 * segments; the rest has its counts in its row. */
#define HTTP_EXPORT_COLUMNS                                                                        \
    "j.job_id::text, j.status, coalesce(j.printed, j.specification::text),"                        \
    " j.printed IS NOT NULL, j.conversations_total, j.error_message, j.requested_by,"              \
    " j.created_at, j.started_at, j.finished_at, j.as_of, j.link_expires_at, j.object_key,"        \
    " j.archive_deleted_at IS NOT NULL, j.file_name, j.content_type, j.size, j.crc32, j.media,"    \
    " j.media_failed, coalesce(j.counts, verbatim.job_count(j.job_id))"
#define HTTP_EXPORT_FROM " FROM verbatim.job AS j"
enum {
    EXPORT_ID,
    EXPORT_STATUS,
    EXPORT_SPECIFICATION,
    EXPORT_IS_PRINTED, /* in the order and with the members that a caller writes */
    EXPORT_TOTAL,
    EXPORT_ERROR,
    EXPORT_AUTHOR,
    EXPORT_CREATED,
    EXPORT_STARTED,
    EXPORT_FINISHED,
    EXPORT_AS_OF,
    EXPORT_EXPIRES,
    EXPORT_KEY,
    EXPORT_DELETED,
    EXPORT_NAME,
    EXPORT_TYPE,
    EXPORT_SIZE,
    EXPORT_CRC,
    EXPORT_MEDIA, /* both 0 until the finish */
    EXPORT_MEDIA_FAILED,
    EXPORT_COUNTS, /* enum export_count */
    EXPORT_COLUMNS
};
/* In the order of verbatim.job_count. */
enum export_count {
    COUNT_CONVERSATIONS,
    COUNT_MESSAGES,
    COUNT_BYTES,
    COUNT_RECORDED,
    COUNT_RUNNING,
    COUNT_WAITING,
    COUNT_ATTEMPTS,
    EXPORT_COUNT_KINDS
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
/* What follows in HTTP_SQL_ORDERED. */
enum { ORDERED_HASH = EXPORT_COLUMNS };

#endif
