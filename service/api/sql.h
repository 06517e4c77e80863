/* The statements of the HTTP front end beside those that make a job (queue/order.h), in one table;
 * and the columns of their rows, which are numbered by the list that names them.
 *
 * Constant; any thread. Parameters are text, results binary. Errors are the pool's. A statement is
 * prepared by its name on each connection, where it stays as long as that.
 */
#ifndef VERBATIM_API_SQL_H
#define VERBATIM_API_SQL_H

#include "database/pool.h"
#include "queue/view.h"
#include "verbatim/columns.h"

/* To Verbatim's own database; results are binary. */
enum vb_api_sql {
    VB_API_SQL_ENTER_KEY, /* as VB_PG_ENTER_READ, and $2 key id: for the statements about a key */
    VB_API_SQL_ENTER_KEY_WRITE,
    VB_API_SQL_KEY,      /* $1 key id, $2 workspace, $3 scope */
    VB_API_SQL_KEY_HOME, /* $1 key id, $2 scope: enters the key's own workspace as well */
    VB_API_SQL_KEY_POLL, /* as VB_API_SQL_KEY: only what it is judged by; for the polls behind it */
    /* The same three for a session in the key's place, whose id is $1; the key's id is the last
     * column. They come behind VB_API_SQL_ENTER_SESSION, and name the key for what follows. */
    VB_API_SQL_ENTER_SESSION, /* as VB_PG_ENTER_READ, and $2 session */
    VB_API_SQL_ENTER_SESSION_WRITE,
    VB_API_SQL_SESSION,
    VB_API_SQL_SESSION_HOME,
    VB_API_SQL_SESSION_POLL,
    VB_API_SQL_SESSION_BEGIN, /* $1 session, $2 hash: no row where the key has ended; names it */
    VB_API_SQL_SESSION_END,
    /* of the key that the transaction names: one row, what it may do in one word */
    VB_API_SQL_KEY_WORD,
    /* as the worker, over all workspaces that are looked at: $1 those, $2 the snapshot of the look
     * before or NULL, $3 sessions and $4 keys of who looks: rows of VB_API_CHANGES_TABLE; one at
     * least, perhaps of no export */
    VB_API_SQL_CHANGES,
    VB_API_SQL_SESSION_ABOUT, /* who is here: ME_WORKSPACE_NAME and on */
    VB_API_SQL_JOB,           /* a poll: $1 workspace, $2 jobs */
    VB_API_SQL_EXPORT,        /* a poll: $1 workspace, $2 jobs: VB_JOB_VIEW */
    /* polls: $1 workspace, $2 (microseconds) and $3 the row behind which to begin, $4 at most,
     * $5 (microseconds) made then or later */
    VB_API_SQL_EXPORTS,
    VB_API_SQL_EXPORTS_OF_KIND,   /* and $6 statuses, $7 doors, $8 formats; each or NULL */
    VB_API_SQL_EXPORTS_OF_AUTHOR, /* and $9 who asked for them */
    /* $1 workspace, $2 job, $3 audience of who asks or NULL, $4 door or NULL: VB_JOB_VIEW */
    VB_API_SQL_EXPORT_SEEN,
    VB_API_SQL_EXPORTS_OF_DOOR, /* as VB_API_SQL_EXPORTS, and $6 door */
    VB_API_SQL_EXPORT_CANCEL,   /* $1 workspace, $2 job, $3 audience or NULL, $4 who asks */
    VB_API_SQL_EXPORT_DELETE,   /* the same; one row where there was something */
    VB_API_SQL_LINK_REVOKE,     /* the same */
    VB_API_SQL_LINK_ISSUE,      /* the same, and $5 how long archives are kept, in microseconds */
    /* in no workspace: $1 the first 8 hex digits of a job, $2 number, $3 MAC in hex: OPENED_JOB and
     * on */
    VB_API_SQL_LINK_OPEN,
    /* $1 workspace, $2 whose, $3 audience of who asks or NULL: VB_JOB_VIEW, whether it is seen */
    VB_API_SQL_EXPORTS_KEPT,
    VB_API_SQL_KEYS, /* $1 workspace, $2 at most: KEYS_ID and on */
    /* behind VB_API_SQL_ENTER_KEY_WRITE: $1 id, $2 name, $3 hash in hex, $4 scopes, $5 role,
     * $6 user, $7 audience: whether it was made */
    VB_API_SQL_KEY_MAKE,
    VB_API_SQL_KEY_REVOKE, /* likewise; $1 id: what became of it */
    VB_API_SQL_SETTINGS,   /* $1 workspace: SETTINGS_NAME and on */
    /* behind VB_API_SQL_ENTER_KEY_WRITE: $1 changes as JSON, $2 retention and $3 link_ttl of the
     * process, in microseconds: what became of it */
    VB_API_SQL_SETTINGS_CHANGE,
    VB_API_SQL_HISTORY, /* $1 workspace, $2 job, $3 audience or NULL: moment, kind, by whom */
    VB_API_SQL_SPEED,   /* $1 workspace: messages of late, and the microseconds they took */
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
    /* pages of the same, narrowed: $1 workspace, $2 (microseconds) and $3 the entry behind which to
     * begin, $4 at most, $5 (microseconds) made then or later: AUDITS_ID and on, and then
     * AUDITS_STATUS and on */
    VB_API_SQL_AUDIT_PAGE,
    VB_API_SQL_AUDIT_PAGE_OF_KIND, /* and $6 doors, $7 formats, $8 whether without a job; or NULL */
    VB_API_SQL_AUDIT_PAGE_OF_AUTHOR, /* and $9 author */
    VB_API_SQL_COUNT
};
extern const struct vb_pg_statement vb_api_sql[VB_API_SQL_COUNT];
/* These and those of the modules below: all that the front end ever sends to Verbatim's own
 * database by name. */
void vb_api_sql_sets(struct vb_pg_statement_set ret_sets[VB_PG_STATEMENT_SETS]);

/* What follows VB_JOB_VIEW in VB_API_SQL_EXPORTS_KEPT. */
enum { KEPT_IS_SEEN = EXPORT_COLUMNS };

/* What every statement of an entry begins with, to judge by: no more, since each column is felt in
 * a status poll. FROM verbatim.key_here AS k; `home`: whether the workspace asked for is the key's;
 * `scope`: the parameter that the key has to have. */
#define VB_API_KEY_TABLE(FIRST, NEXT, home, scope)                                                 \
    FIRST(KEY_HOME, home)                                                                          \
    NEXT(KEY_HASH, "k.secret_hash")                                                                \
    NEXT(KEY_SCOPE, scope " = ANY (k.scopes)")                                                     \
    NEXT(KEY_ROLE, "k.role")
#define VB_API_KEY_COLUMNS(home, scope)                                                            \
    VB_API_KEY_TABLE(VB_COLUMN_FIRST, VB_COLUMN_NEXT, home, scope)
enum { VB_API_KEY_TABLE(VB_COLUMN_NAME, VB_COLUMN_NAME, "", "") KEY_COLUMNS };

/* What follows in VB_API_SQL_KEY and _KEY_HOME, with verbatim.key_about AS a: the rest of struct
 * vb_access. */
#define VB_API_ABOUT_TABLE(FIRST, NEXT)                                                            \
    FIRST(ABOUT_WORKSPACE, "k.workspace_id")                                                       \
    NEXT(ABOUT_AUDIENCE, "k.audience")                                                             \
    NEXT(ABOUT_USER, "a.user_email")                                                               \
    NEXT(ABOUT_NAME, "a.name")                                                                     \
    NEXT(ABOUT_ZONE, "a.time_zone")                                                                \
    NEXT(ABOUT_SOURCE, "a.source_id")                                                              \
    NEXT(ABOUT_PROFILE, "a.csv_profile")                                                           \
    NEXT(ABOUT_DELIMITER, "a.delimiter")                                                           \
    NEXT(ABOUT_QUOTE, "a.csv_quote")                                                               \
    NEXT(ABOUT_MARK, "a.byte_order_mark")
#define VB_API_ABOUT_LIST VB_COLUMN_LIST(VB_API_ABOUT_TABLE)
enum { ABOUT_BEFORE = KEY_COLUMNS - 1, VB_COLUMN_NAMES(VB_API_ABOUT_TABLE) ABOUT_COLUMNS };

/* What follows VB_JOB_VIEW in VB_API_SQL_CHANGES; all of that is NULL of an export that is gone. */
#define VB_API_CHANGES_MOST 2000
#define VB_API_CHANGES_TABLE(FIRST, NEXT)                                                          \
    FIRST(CHANGES_SNAPSHOT, "b.snapshot")                                                          \
    NEXT(CHANGES_GOOD, "b.good")                                                                   \
    NEXT(CHANGES_JOB, "c.job_id::text")                                                            \
    NEXT(CHANGES_WORKSPACE, "c.workspace_id")                                                      \
    NEXT(CHANGES_AUDIENCE, "c.audience")
#define VB_API_CHANGES_LIST VB_COLUMN_LIST(VB_API_CHANGES_TABLE)
enum { CHANGES_BEFORE = EXPORT_COLUMNS - 1, VB_COLUMN_NAMES(VB_API_CHANGES_TABLE) CHANGES_COLUMNS };

/* Of VB_API_SQL_SESSION_ABOUT: verbatim.workspace AS w, verbatim.key_about AS a, and
 * verbatim.session_here AS s where there is one. */
#define VB_API_ME_TABLE(FIRST, NEXT)                                                               \
    FIRST(ME_WORKSPACE_NAME, "w.name")                                                             \
    NEXT(ME_KEY_NAME, "a.name")                                                                    \
    NEXT(ME_USER, "a.user_email")                                                                  \
    NEXT(ME_EXPIRES, "s.expires_at")
#define VB_API_ME_LIST VB_COLUMN_LIST(VB_API_ME_TABLE)
enum { VB_COLUMN_NAMES(VB_API_ME_TABLE) ME_COLUMNS };

/* Of VB_API_SQL_SETTINGS: verbatim.workspace AS w. Spans are microseconds. */
#define VB_API_SETTINGS_TABLE(FIRST, NEXT)                                                         \
    FIRST(SETTINGS_NAME, "w.name")                                                                 \
    NEXT(SETTINGS_ZONE, "w.time_zone")                                                             \
    NEXT(SETTINGS_PROFILE, "w.csv_profile")                                                        \
    NEXT(SETTINGS_DELIMITER, "w.delimiter")                                                        \
    NEXT(SETTINGS_QUOTE, "w.csv_quote")                                                            \
    NEXT(SETTINGS_MARK, "w.byte_order_mark")                                                       \
    NEXT(SETTINGS_RUNNING, "w.max_running")                                                        \
    NEXT(SETTINGS_RETENTION, "(extract(epoch FROM w.retention) * 1000000)::bigint")                \
    NEXT(SETTINGS_LINK_TTL, "(extract(epoch FROM w.link_ttl) * 1000000)::bigint")
#define VB_API_SETTINGS_LIST VB_COLUMN_LIST(VB_API_SETTINGS_TABLE)
enum { VB_COLUMN_NAMES(VB_API_SETTINGS_TABLE) SETTINGS_COLUMNS };

/* Of VB_API_SQL_KEYS: verbatim.api_key AS k. */
#define VB_API_KEYS_TABLE(FIRST, NEXT)                                                             \
    FIRST(KEYS_ID, "k.key_id")                                                                     \
    NEXT(KEYS_NAME, "k.name")                                                                      \
    NEXT(KEYS_ROLE, "k.role")                                                                      \
    NEXT(KEYS_USER, "k.user_email")                                                                \
    NEXT(KEYS_AUDIENCE, "CASE k.role WHEN 'editor' THEN to_json(k.audience)::text END")            \
    NEXT(KEYS_SCOPES, "to_json(k.scopes)::text")                                                   \
    NEXT(KEYS_CREATED, "k.created_at")                                                             \
    NEXT(KEYS_USED, "k.last_used_at")                                                              \
    NEXT(KEYS_REVOKED, "k.revoked_at")
#define VB_API_KEYS_LIST VB_COLUMN_LIST(VB_API_KEYS_TABLE)
enum { VB_COLUMN_NAMES(VB_API_KEYS_TABLE) KEYS_COLUMNS };

/* Of VB_API_SQL_JOB: verbatim.job AS j. */
#define VB_API_JOB_TABLE(FIRST, NEXT)                                                              \
    FIRST(JOB_STATUS, "j.status")                                                                  \
    NEXT(JOB_CHANNEL, "j.channel_id")                                                              \
    NEXT(JOB_START, "j.start_date")                                                                \
    NEXT(JOB_END, "j.end_date")                                                                    \
    NEXT(JOB_ERROR, "j.error_message")                                                             \
    NEXT(JOB_CREATED, "j.created_at")                                                              \
    NEXT(JOB_FINISHED, "j.finished_at")                                                            \
    NEXT(JOB_EXPIRES, "j.link_expires_at")                                                         \
    NEXT(JOB_KEY, "j.object_key")                                                                  \
    NEXT(JOB_DELETED, "j.archive_deleted_at IS NOT NULL")                                          \
    NEXT(JOB_MAIL, VB_JOB_MAIL)                                                                    \
    NEXT(JOB_WAITS, VB_JOB_WAITS)                                                                  \
    NEXT(JOB_INCOMPLETE, "j.incomplete")                                                           \
    NEXT(JOB_BAD_ROWS, "j.bad_rows")                                                               \
    NEXT(JOB_ID, "j.job_id")
#define VB_API_JOB_LIST VB_COLUMN_LIST(VB_API_JOB_TABLE)
enum { VB_COLUMN_NAMES(VB_API_JOB_TABLE) JOB_COLUMNS };

/* Of VB_API_SQL_LINK_OPEN: verbatim.link_open. */
#define VB_API_OPENED_TABLE(FIRST, NEXT)                                                           \
    FIRST(OPENED_JOB, "o.job_id::text")                                                            \
    NEXT(OPENED_KEY, "o.object_key")                                                               \
    NEXT(OPENED_STATE, "o.state")                                                                  \
    NEXT(OPENED_LEFT, "o.microseconds_left")
#define VB_API_OPENED_LIST VB_COLUMN_LIST(VB_API_OPENED_TABLE)
enum { VB_COLUMN_NAMES(VB_API_OPENED_TABLE) OPENED_COLUMNS };

/* Of VB_API_SQL_AUDITS: verbatim.audit AS a. What became of an entry stands in rows of its own. A
 * link can be fetched any number of times, hence the bound on the JSON array of downloads. */
/* clang-format off */
#define VB_API_AUDITS_RECORDS                                                                      \
    "(SELECT e.records"                                                                            \
    " FROM verbatim.audit_event AS e"                                                              \
    " WHERE e.audit_id = a.audit_id"                                                               \
    " AND e.workspace_id = a.workspace_id"                                                         \
    " AND e.kind = 'records'"                                                                      \
    " ORDER BY e.audit_event_id DESC"                                                              \
    " LIMIT 1)"
#define VB_API_AUDITS_DOWNLOADS                                                                    \
    "(SELECT coalesce(jsonb_agg(jsonb_build_object("                                               \
    "'at', to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'),"              \
    " 'by', d.by_whom, 'client', host(d.client), 'bytes', d.bytes)"                                \
    " ORDER BY d.audit_event_id), '[]')::text"                                                     \
    " FROM (SELECT e.*"                                                                            \
    " FROM verbatim.audit_event AS e"                                                              \
    " WHERE e.audit_id = a.audit_id"                                                               \
    " AND e.workspace_id = a.workspace_id"                                                         \
    " AND e.kind = 'download'"                                                                     \
    " ORDER BY e.audit_event_id DESC"                                                              \
    " LIMIT 1000) AS d)"
/* clang-format on */
#define VB_API_AUDITS_TABLE(FIRST, NEXT)                                                           \
    FIRST(AUDITS_ID, "a.audit_id")                                                                 \
    NEXT(AUDITS_AUTHOR, "a.author")                                                                \
    NEXT(AUDITS_CREATED, "a.created_at")                                                           \
    NEXT(AUDITS_FILTER, "a.filter::text")                                                          \
    NEXT(AUDITS_FORMAT, "a.format")                                                                \
    NEXT(AUDITS_DOOR, "a.door")                                                                    \
    NEXT(AUDITS_JOB, "a.job_id::text")                                                             \
    NEXT(AUDITS_RECORDS, VB_API_AUDITS_RECORDS)                                                    \
    NEXT(AUDITS_DOWNLOADS, VB_API_AUDITS_DOWNLOADS)
#define VB_API_AUDITS_LIST VB_COLUMN_LIST(VB_API_AUDITS_TABLE)
enum { VB_COLUMN_NAMES(VB_API_AUDITS_TABLE) AUDITS_COLUMNS };

/* What follows in a page: how the export ended, or where it is; its downloads by number and the
 * last of them; who deleted it when. */
/* clang-format off */
#define VB_API_AUDITS_LAST(column, kinds)                                                          \
    "(SELECT " column                                                                              \
    " FROM verbatim.audit_event AS e"                                                              \
    " WHERE e.audit_id = a.audit_id"                                                               \
    " AND e.workspace_id = a.workspace_id"                                                         \
    " AND e.kind IN (" kinds ")"                                                                   \
    " ORDER BY e.audit_event_id DESC"                                                              \
    " LIMIT 1)"
#define VB_API_AUDITS_COUNT                                                                        \
    "(SELECT count(*)"                                                                             \
    " FROM verbatim.audit_event AS e"                                                              \
    " WHERE e.audit_id = a.audit_id"                                                               \
    " AND e.workspace_id = a.workspace_id"                                                         \
    " AND e.kind = 'download')"
#define VB_API_AUDITS_STATUS                                                                       \
    "coalesce("                                                                                    \
    VB_API_AUDITS_LAST("CASE e.kind WHEN 'records' THEN 'finished' ELSE e.kind END",               \
                       "'records', 'failed', 'cancelled'")                                         \
    ", (SELECT j.status FROM verbatim.job AS j"                                                    \
    " WHERE j.job_id = a.job_id AND j.workspace_id = a.workspace_id),"                             \
    " CASE WHEN a.job_id IS NULL THEN 'started' END)"
/* Of a job that is still there: what it is of in words, as a list of exports says it. */
#define VB_API_AUDITS_SUBJECT                                                                      \
    "(SELECT " VB_JOB_SUBJECT " FROM verbatim.job AS j"                                            \
    " WHERE j.job_id = a.job_id AND j.workspace_id = a.workspace_id)"
/* clang-format on */
#define VB_API_AUDIT_MORE_TABLE(FIRST, NEXT)                                                       \
    FIRST(AUDITS_STATUS, VB_API_AUDITS_STATUS)                                                     \
    NEXT(AUDITS_SUBJECT, VB_API_AUDITS_SUBJECT)                                                    \
    NEXT(AUDITS_DOWNLOAD_COUNT, VB_API_AUDITS_COUNT)                                               \
    NEXT(AUDITS_DOWNLOADED, VB_API_AUDITS_LAST("e.created_at", "'download'"))                      \
    NEXT(AUDITS_DOWNLOADED_BY, VB_API_AUDITS_LAST("e.by_whom", "'download'"))                      \
    NEXT(AUDITS_DELETED, VB_API_AUDITS_LAST("e.created_at", "'deleted'"))                          \
    NEXT(AUDITS_DELETED_BY, VB_API_AUDITS_LAST("e.by_whom", "'deleted'"))
#define VB_API_AUDIT_MORE_LIST VB_COLUMN_LIST(VB_API_AUDIT_MORE_TABLE)
enum {
    AUDITS_BEFORE_MORE = AUDITS_COLUMNS - 1,
    VB_COLUMN_NAMES(VB_API_AUDIT_MORE_TABLE) AUDIT_PAGE_COLUMNS
};

#endif
