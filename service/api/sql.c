/* The statements themselves. All data goes in as parameters; workspace_id stands in every WHERE
 * although row level security would see to it, so that a mistake in either is no leak.
 *
 * One clause a line; the parameters of each stand in sql.h. Names are those of prepared statements,
 * so no two may be alike.
 */
#include "sql.h"

#include "queue/order.h"

/* The workspace of the transaction, for statements that come after an entry. */
#define HERE "current_setting('verbatim.workspace_id')"
#define KEY_IN_PATH VB_API_KEY_COLUMNS("k.workspace_id = $2", "$3")
#define ABOUT                                                                                      \
    ", " VB_API_ABOUT_LIST                                                                         \
    " FROM verbatim.key_here AS k LEFT JOIN verbatim.key_about($1) AS a ON true"
/* In the place of verbatim.key_here: the session's key, which the transaction then names too. */
#define SESSION_NAMES_KEY                                                                          \
    " FROM verbatim.session_here AS k"                                                             \
    " CROSS JOIN LATERAL set_config('verbatim.key_id', k.key_id, true) AS named(key_id)"
#define SESSION_ABOUT                                                                              \
    ", " VB_API_ABOUT_LIST ", k.key_id" SESSION_NAMES_KEY                                          \
    " LEFT JOIN LATERAL verbatim.key_about(named.key_id) AS a ON true"
#define NAMES_SESSION ", set_config('verbatim.session_id', $2, true)"
#define NAMES_KEY ", set_config('verbatim.key_id', $2, true)"
/* For KEY_SEES of what follows. */
#define KEY_SEEN                                                                                   \
    ", set_config('verbatim.sees',"                                                                \
    " CASE k.role WHEN 'editor' THEN 'audience' ELSE 'all' END, true),"                            \
    " set_config('verbatim.audience', k.audience::text, true)"
/* Whether the key that VB_API_SQL_KEY_POLL named may see a job; nothing where it named none. */
#define KEY_SEES                                                                                   \
    "(current_setting('verbatim.sees', true) = 'all'"                                              \
    " OR (j.audience @> nullif(current_setting('verbatim.audience', true), '')::text[]"            \
    " AND j.audience <@ nullif(current_setting('verbatim.audience', true), '')::text[]))"
/* In the order of a list. `time` in microseconds since 1970. */
/* clang-format off */
#define BEHIND(time, id)                                                                           \
    "(j.created_at, j.job_id) < "                                                                  \
    "(timestamptz 'epoch' + " time "::bigint * interval '1 microsecond', " id "::uuid)"

/* Pages of jobs. What a list is filtered by stands before the order in its index, so the newest of
 * each kind that there is are looked up, and of these the newest are the page: however rare what is
 * looked for is, no page walks over what it does not show (schema/011_console.sql). */
#define SEES_ALL "current_setting('verbatim.sees', true) = 'all'"
#define SEEN_BY                                                                                    \
    "(SELECT verbatim.audience_word("                                                              \
    "nullif(current_setting('verbatim.audience', true), '')::text[]))"
#define NEWEST(most) " ORDER BY j.created_at DESC, j.job_id DESC LIMIT " most "::bigint"
/* Rows of verbatim.job AS j; `and`: narrower. */
#define PAGE_ROWS(and)                                                                             \
    "SELECT j.created_at, j.job_id"                                                                \
    " FROM verbatim.job AS j"                                                                      \
    " WHERE j.workspace_id = $1 " and                                                              \
    " AND " BEHIND("$2", "$3")                                                                     \
    " AND j.created_at >= timestamptz 'epoch' + $5::bigint * interval '1 microsecond'"             \
    NEWEST("$4")
/* Those of each kind AS k; `where`: which kinds. */
#define PAGE_KINDS(seen, author, and, where)                                                       \
    "SELECT p.created_at, p.job_id"                                                                \
    " FROM verbatim.job_kinds(" seen ", " author ") AS k CROSS JOIN LATERAL ("                     \
    PAGE_ROWS("AND j.status = k.status AND j.door = k.door AND j.format = k.format " and)          \
    ") AS p WHERE " where
#define PAGE_WHERE                                                                                 \
    " AND ($6::text[] IS NULL OR k.status = ANY ($6::text[]))"                                     \
    " AND ($7::text[] IS NULL OR k.door = ANY ($7::text[]))"                                       \
    " AND ($8::text[] IS NULL OR k.format = ANY ($8::text[]))"
#define PAGE_SEEN(where)                                                                           \
    PAGE_KINDS(SEEN_BY, "NULL", "AND j.seen_by = " SEEN_BY, "NOT " SEES_ALL where)
/* The page itself: `rows` are more than it needs. */
#define PAGE(rows, most, sees)                                                                     \
    "SELECT " VB_JOB_VIEW                                                                          \
    " FROM (SELECT * FROM (" rows ") AS j" NEWEST(most) ") AS page"                                \
    " JOIN verbatim.job AS j ON j.job_id = page.job_id"                                            \
    " WHERE j.workspace_id = $1 " sees                                                             \
    " ORDER BY page.created_at DESC, page.job_id DESC"
/* The same of the audit, which is in the order of its moments. */
#define AUDIT_NEWEST " ORDER BY a.created_at DESC, a.audit_id DESC LIMIT $4::bigint"
#define AUDIT_ROWS(and)                                                                            \
    "SELECT a.created_at, a.audit_id"                                                              \
    " FROM verbatim.audit AS a"                                                                    \
    " WHERE a.workspace_id = $1 " and                                                              \
    " AND (a.created_at, a.audit_id) <"                                                            \
    " (timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::bigint)"                   \
    " AND a.created_at >= timestamptz 'epoch' + $5::bigint * interval '1 microsecond'"             \
    AUDIT_NEWEST
#define AUDIT_KINDS(author, and)                                                                   \
    "SELECT p.created_at, p.audit_id"                                                              \
    " FROM verbatim.audit_kinds(" author ") AS k CROSS JOIN LATERAL ("                             \
    AUDIT_ROWS("AND a.door = k.door AND a.format = k.format AND a.is_direct = k.is_direct " and)   \
    ") AS p"                                                                                       \
    " WHERE ($6::text[] IS NULL OR k.door = ANY ($6::text[]))"                                     \
    " AND ($7::text[] IS NULL OR k.format = ANY ($7::text[]))"                                     \
    " AND ($8::boolean IS NULL OR k.is_direct = $8::boolean)"
#define AUDIT_PAGE(rows)                                                                           \
    "SELECT " VB_API_AUDITS_LIST ", " VB_API_AUDIT_MORE_LIST                                       \
    " FROM (SELECT * FROM (" rows ") AS a" AUDIT_NEWEST ") AS page"                                \
    " JOIN verbatim.audit AS a ON a.audit_id = page.audit_id"                                      \
    " WHERE a.workspace_id = $1"                                                                   \
    " ORDER BY page.created_at DESC, page.audit_id DESC"
/* clang-format on */

/* clang-format off */
const struct vb_pg_statement vb_api_sql[VB_API_SQL_COUNT] = {
    [VB_API_SQL_ENTER_KEY] = {"enter_key", VB_PG_ENTER NAMES_KEY, 2},
    [VB_API_SQL_ENTER_KEY_WRITE] = {"enter_key_write", VB_PG_ENTER NAMES_KEY VB_PG_ENTER_LIMITS, 2},
    /* $1 key id, $2 workspace of the path, $3 scope of the route. */
    [VB_API_SQL_KEY] = {"key",
        "SELECT " KEY_IN_PATH ABOUT
        " WHERE k.key_id = $1", 3},
    /* For doors without a workspace in their paths. What stands in the same statement cannot rely
     * on row level security yet; statements behind it in the same transaction can. $1 key id,
     * $2 scope of the route. */
    [VB_API_SQL_KEY_HOME] = {"key_home",
        "SELECT " VB_API_KEY_COLUMNS("true", "$2") ABOUT
        " CROSS JOIN LATERAL set_config('verbatim.workspace_id', k.workspace_id, true)"
        " WHERE k.key_id = $1", 2},
    /* A statement of its own costs less than a join: what a plan holds is set up anew each time it
     * runs. Parameters as of VB_API_SQL_KEY. */
    [VB_API_SQL_KEY_POLL] = {"key_poll",
        "SELECT " KEY_IN_PATH KEY_SEEN
        " FROM verbatim.key_here AS k"
        " WHERE k.key_id = $1", 3},
    [VB_API_SQL_ENTER_SESSION] = {"enter_session", VB_PG_ENTER NAMES_SESSION, 2},
    [VB_API_SQL_ENTER_SESSION_WRITE] = {"enter_session_write",
        VB_PG_ENTER NAMES_SESSION VB_PG_ENTER_LIMITS, 2},
    /* $1 session, $2 workspace of the path, $3 scope of the route. */
    [VB_API_SQL_SESSION] = {"session",
        "SELECT " KEY_IN_PATH SESSION_ABOUT
        " WHERE k.session_id = $1::uuid", 3},
    /* $1 session, $2 scope of the route. */
    [VB_API_SQL_SESSION_HOME] = {"session_home",
        "SELECT " VB_API_KEY_COLUMNS("true", "$2") SESSION_ABOUT
        " CROSS JOIN LATERAL set_config('verbatim.workspace_id', k.workspace_id, true)"
        " WHERE k.session_id = $1::uuid", 2},
    [VB_API_SQL_SESSION_POLL] = {"session_poll",
        "SELECT " KEY_IN_PATH KEY_SEEN ", k.key_id" SESSION_NAMES_KEY
        " WHERE k.session_id = $1::uuid", 3},
    [VB_API_SQL_SESSION_BEGIN] = {"session_begin",
        "SELECT set_config('verbatim.session_id', $1::text, true)"
        " FROM verbatim.session_begin($1::text::uuid, $2::bytea)", 2},
    [VB_API_SQL_SESSION_END] = {"session_end", "SELECT verbatim.session_end()", 0},
    [VB_API_SQL_KEY_WORD] = {"key_word",
        "SELECT verbatim.key_word(k.workspace_id, k.role, k.audience, k.scopes)"
        " FROM verbatim.key_here AS k", 0},
    /* What has become visible since then, by two indexes, and what is running. $1 workspaces,
     * $2 snapshot, $3 sessions, $4 keys. */
    [VB_API_SQL_CHANGES] = {"changes",
        "SELECT " VB_JOB_VIEW ", " VB_API_CHANGES_LIST
        " FROM (SELECT pg_current_snapshot()::text AS snapshot,"
        " verbatim.viewers_good($3::uuid[], $4::text[]) AS good) AS b"
        " LEFT JOIN (SELECT x.job_id, x.workspace_id, x.audience, max(x.place) AS place"
        " FROM (SELECT e.job_id, e.workspace_id, e.audience, e.change_id AS place"
        " FROM verbatim.job_change AS e"
        " WHERE e.workspace_id = ANY ($1::text[])"
        " AND e.changed >= pg_snapshot_xmin($2::pg_snapshot)"
        " AND NOT pg_visible_in_snapshot(e.changed, $2::pg_snapshot)"
        " UNION ALL SELECT s.job_id, s.workspace_id, s.audience, 0"
        " FROM verbatim.job AS s"
        " WHERE s.workspace_id = ANY ($1::text[])"
        " AND s.status = 'started') AS x"
        " GROUP BY x.job_id, x.workspace_id, x.audience"
        " ORDER BY place, x.job_id"
        " LIMIT 2001) AS c ON true"
        " LEFT JOIN verbatim.job AS j ON j.job_id = c.job_id"
        " ORDER BY c.place, c.job_id", 4},
    /* Of the key and the session that the transaction names. */
    [VB_API_SQL_SESSION_ABOUT] = {"session_about",
        "SELECT " VB_API_ME_LIST
        " FROM verbatim.workspace AS w"
        " CROSS JOIN verbatim.key_about(current_setting('verbatim.key_id')) AS a"
        " LEFT JOIN verbatim.session_here AS s ON true"
        " WHERE w.workspace_id = " HERE, 0},
    /* $1 workspace, $2 job; NULL, an id of another form, finds nothing. */
    [VB_API_SQL_JOB] = {"job",
        "SELECT " VB_API_JOB_LIST
        " FROM verbatim.job AS j"
        " WHERE j.job_id = ANY ($2::uuid[])"
        " AND j.workspace_id = $1"
        " AND j.door = 'main'"
        " AND " KEY_SEES, 2},
    /* $1 workspace, $2 job, likewise; of any door. */
    [VB_API_SQL_EXPORT] = {"export",
        "SELECT " VB_JOB_VIEW VB_JOB_VIEW_FROM
        " WHERE j.job_id = ANY ($2::uuid[])"
        " AND j.workspace_id = $1"
        " AND " KEY_SEES, 2},
    /* $1 workspace, $2 and $3 the row behind which to begin, $4 at most, $5 the first moment. Of
     * the two halves one is never looked at. */
    [VB_API_SQL_EXPORTS] = {"exports",
        PAGE("(" PAGE_ROWS("AND " SEES_ALL) ") UNION ALL (" PAGE_SEEN("") ")", "$4",
             "AND " KEY_SEES), 5},
    /* The same, and $6 statuses, $7 doors, $8 formats. */
    [VB_API_SQL_EXPORTS_OF_KIND] = {"exports_of_kind",
        PAGE("(" PAGE_KINDS("NULL", "NULL", "", SEES_ALL PAGE_WHERE) ")"
             " UNION ALL (" PAGE_SEEN(PAGE_WHERE) ")", "$4",
             "AND " KEY_SEES), 8},
    /* The same, and $9 the author. */
    [VB_API_SQL_EXPORTS_OF_AUTHOR] = {"exports_of_author",
        PAGE(PAGE_KINDS("CASE WHEN " SEES_ALL " THEN NULL ELSE " SEEN_BY " END", "$9",
                        "AND j.requested_by = $9 AND j.seen_by = k.seen_by", "true" PAGE_WHERE),
             "$4", "AND " KEY_SEES), 9},
    /* $1 workspace, $2 job, $3 audience or NULL for who sees all, $4 door or NULL for every. */
    [VB_API_SQL_EXPORT_SEEN] = {"export_seen",
        "SELECT " VB_JOB_VIEW VB_JOB_VIEW_FROM
        " WHERE j.workspace_id = $1"
        " AND j.job_id = $2::uuid"
        " AND ($3::text[] IS NULL OR (j.audience @> $3 AND j.audience <@ $3))"
        " AND ($4::text IS NULL OR j.door = $4)", 4},
    /* Nobody with an audience is behind the doors that have such a list. $1 workspace, $2 and $3
     * the row behind which to begin, $4 at most, $5 the first moment, $6 door. */
    [VB_API_SQL_EXPORTS_OF_DOOR] = {"exports_of_door",
        PAGE(PAGE_KINDS("NULL", "NULL", "", "k.door = $6"), "$4", ""), 6},
    /* All of one user's that are kept by number, which are few. What a key may not see counts too.
     * $1 workspace, $2 whose, $3 audience or NULL. */
    [VB_API_SQL_EXPORTS_KEPT] = {"exports_kept",
        "SELECT " VB_JOB_VIEW
        ", $3::text[] IS NULL OR (j.audience @> $3 AND j.audience <@ $3)" VB_JOB_VIEW_FROM
        " WHERE j.workspace_id = $1"
        " AND j.kept_for = $2"
        " ORDER BY j.created_at DESC, j.job_id DESC"
        " LIMIT 100", 3},
    /* The page is cut before the columns, two of which are looked up for each row of it.
     * $1 workspace, $2 the entry behind which to begin or NULL, $3 at most. */
    [VB_API_SQL_AUDITS] = {"audits",
        "SELECT " VB_API_AUDITS_LIST
        " FROM (SELECT * FROM verbatim.audit AS a"
        " WHERE a.workspace_id = $1"
        " AND ($2::bigint IS NULL OR a.audit_id < $2::bigint)"
        " ORDER BY a.audit_id DESC"
        " LIMIT $3::bigint) AS a"
        " ORDER BY a.audit_id DESC", 3},
    /* $1 workspace, $2 and $3 the entry behind which to begin, $4 at most, $5 the first moment. */
    [VB_API_SQL_AUDIT_PAGE] = {"audit_page", AUDIT_PAGE(AUDIT_ROWS("")), 5},
    /* The same, and $6 doors, $7 formats, $8 whether without a job. */
    [VB_API_SQL_AUDIT_PAGE_OF_KIND] = {"audit_page_of_kind",
        AUDIT_PAGE(AUDIT_KINDS("NULL", "")), 8},
    /* The same, and $9 author. */
    [VB_API_SQL_AUDIT_PAGE_OF_AUTHOR] = {"audit_page_of_author",
        AUDIT_PAGE(AUDIT_KINDS("$9", "AND a.author = $9")), 9},
    /* $1 workspace, $2 job, $3 audience or NULL, $4 who asks: both. */
    [VB_API_SQL_EXPORT_CANCEL] = {"export_cancel",
        "SELECT verbatim.job_cancel($1, $2::uuid, $3::text[], $4)", 4},
    [VB_API_SQL_EXPORT_DELETE] = {"export_delete",
        "SELECT verbatim.job_delete($1, $2::uuid, $3::text[], $4)", 4},
    [VB_API_SQL_LINK_REVOKE] = {"link_revoke",
        "SELECT verbatim.link_revoke($1, $2::uuid, $3::text[], $4)", 4},
    [VB_API_SQL_LINK_ISSUE] = {"link_issue",
        "SELECT verbatim.link_issue($1, $2::uuid, $3::text[], $4, $5::bigint)", 5},
    [VB_API_SQL_LINK_OPEN] = {"link_open",
        "SELECT " VB_API_OPENED_LIST
        " FROM verbatim.link_open($1, $2::integer, decode($3, 'hex')) AS o", 3},
    /* Those that are good first, the newest first. $1 workspace, $2 at most. */
    [VB_API_SQL_KEYS] = {"keys",
        "SELECT " VB_API_KEYS_LIST
        " FROM verbatim.api_key AS k"
        " WHERE k.workspace_id = $1"
        " ORDER BY k.revoked_at IS NOT NULL, k.created_at DESC, k.key_id"
        " LIMIT $2::bigint", 2},
    /* $1 id, $2 name, $3 hash in hex, $4 scopes, $5 role, $6 user, $7 audience. */
    [VB_API_SQL_KEY_MAKE] = {"key_make",
        "SELECT verbatim.key_make($1, $2, decode($3, 'hex'), $4::text[], $5, $6, $7::text[])", 7},
    [VB_API_SQL_KEY_REVOKE] = {"key_revoke", "SELECT verbatim.key_revoke($1)", 1},
    [VB_API_SQL_SETTINGS] = {"settings",
        "SELECT " VB_API_SETTINGS_LIST
        " FROM verbatim.workspace AS w"
        " WHERE w.workspace_id = $1", 1},
    /* $1 changes, $2 retention and $3 link_ttl of the process. */
    [VB_API_SQL_SETTINGS_CHANGE] = {"settings_change",
        "SELECT verbatim.workspace_change($1::jsonb, $2::bigint, $3::bigint)", 3},
    /* Moments of the row, of the audit, of the mail. A link can be fetched any number of times, so
     * there is a bound. $1 workspace, $2 job, $3 audience or NULL. */
    [VB_API_SQL_HISTORY] = {"history",
        "WITH j AS (SELECT * FROM verbatim.job AS j"
        " WHERE j.workspace_id = $1"
        " AND j.job_id = $2::uuid"
        " AND ($3::text[] IS NULL OR (j.audience @> $3 AND j.audience <@ $3))),"
        " e AS (SELECT e.created_at, e.kind, e.by_whom"
        " FROM j JOIN verbatim.audit AS a ON a.job_id = j.job_id AND a.workspace_id = $1"
        " JOIN verbatim.audit_event AS e ON e.audit_id = a.audit_id AND e.workspace_id = $1"
        " ORDER BY e.audit_event_id DESC LIMIT 1000)"
        " SELECT t.at, t.kind, t.by FROM ("
        "SELECT created_at AS at, 'created' AS kind, requested_by AS by, 0 AS place FROM j"
        " UNION ALL SELECT started_at, 'started', NULL, 1 FROM j WHERE started_at IS NOT NULL"
        " UNION ALL SELECT finished_at, status,"
        " (SELECT e.by_whom FROM e WHERE e.kind = 'cancelled' LIMIT 1), 2"
        " FROM j WHERE finished_at IS NOT NULL"
        " UNION ALL SELECT o.sent_at, 'mailed', NULL, 3"
        " FROM j JOIN verbatim.outbox AS o ON o.job_id = j.job_id AND o.workspace_id = $1"
        " WHERE o.sent_at IS NOT NULL"
        " UNION ALL SELECT e.created_at,"
        " CASE e.kind WHEN 'download' THEN 'downloaded' ELSE e.kind END, e.by_whom, 4"
        " FROM e WHERE e.kind IN ('download', 'link_revoked', 'link_issued', 'mail_resent')"
        " UNION ALL SELECT archive_deleted_at, 'deleted', NULL, 5"
        " FROM j WHERE archive_deleted_at IS NOT NULL) AS t"
        " ORDER BY t.at, t.place", 3},
    /* Of what is found among the newest jobs: no walk through all there are. */
    [VB_API_SQL_SPEED] = {"speed",
        "SELECT coalesce(sum(j.messages), 0)::bigint,"
        " coalesce(sum(extract(epoch FROM j.finished_at - j.started_at) * 1000000), 0)::bigint"
        " FROM (SELECT * FROM verbatim.job AS j"
        " WHERE j.workspace_id = $1"
        " ORDER BY j.created_at DESC, j.job_id DESC LIMIT 100) AS j"
        " WHERE j.status = 'finished' AND j.messages >= 100 AND j.started_at IS NOT NULL", 1},
    [VB_API_SQL_TOUCH] = {"touch", "SELECT verbatim.key_touch($1)", 1},
    [VB_API_SQL_SECRETS] = {"secrets",
        "SELECT generation, secret, verbatim.mail_is_sent()"
        " FROM verbatim.link_secret"
        " ORDER BY generation DESC"
        " LIMIT 2", 0},
    [VB_API_SQL_PING] = {"ping", "SELECT 1", 0},
    [VB_API_SQL_AS_WORKER] = {"as_worker",
        "SELECT " VB_ROLE_TAKE("worker", "true") ","
        " set_config('statement_timeout', '4s', true)", 0},
    /* Over all workspaces, hence the worker's role. Ages by the database's clock. A row is a
     * sample's name with its labels, and its value. */
    [VB_API_SQL_GAUGES] = {"gauges",
        "SELECT 'verbatim_jobs{status=\"' || s || '\"}',"
        " (SELECT count(*) FROM verbatim.job WHERE status = s)::text"
        " FROM unnest(ARRAY['queued', 'started', 'finished', 'failed', 'cancelled']) AS s"
        " UNION ALL SELECT 'verbatim_segments{status=\"' || s || '\"}',"
        " (SELECT count(*) FROM verbatim.segment WHERE status = s)::text"
        " FROM unnest(ARRAY['waiting', 'running', 'recorded']) AS s"
        /* Sent ones are a counter. */
        " UNION ALL SELECT 'verbatim_mails{state=\"' || s || '\"}',"
        " (SELECT count(*) FROM verbatim.outbox"
        " WHERE sent_at IS NULL"
        " AND verbatim.mail_state(sent_at, given_up_at, unanswered) = s)::text"
        " FROM unnest(ARRAY['waiting', 'unconfirmed', 'failed']) AS s"
        " UNION ALL SELECT 'verbatim_oldest_waiting_seconds',"
        " coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)"
        "::numeric(20, 3)::text"
        " FROM verbatim.job"
        " WHERE status = 'queued'"
        " UNION ALL SELECT 'verbatim_oldest_lapsed_lease_seconds',"
        " coalesce(extract(epoch FROM clock_timestamp() - min(lease_until)), 0)"
        "::numeric(20, 3)::text"
        " FROM verbatim.segment"
        " WHERE status = 'running'"
        " AND lease_until < clock_timestamp()"
        " UNION ALL SELECT 'verbatim_waiting_jobs{reason=\"' || w.reason || '\"}', w.jobs::text"
        " FROM verbatim.jobs_waiting() AS w"
        " UNION ALL SELECT 'verbatim_cleanup_rows', count(*)::text FROM verbatim.cleanup"
        " UNION ALL SELECT 'verbatim_oldest_cleanup_seconds',"
        " coalesce(extract(epoch FROM clock_timestamp() - min(not_before)), 0)"
        "::numeric(20, 3)::text"
        " FROM verbatim.cleanup"
        " WHERE not_before < clock_timestamp()"
        " UNION ALL SELECT 'verbatim_worker_processes', count(*)::text FROM verbatim.worker_alive"
        " UNION ALL SELECT 'verbatim_worker_threads', coalesce(sum(worker_threads), 0)::text"
        " FROM verbatim.worker_alive"
        " UNION ALL SELECT 'verbatim_worker_beat_age_seconds',"
        " extract(epoch FROM clock_timestamp() - max(beat_at))::numeric(20, 3)::text"
        " FROM verbatim.process"
        " WHERE worker_threads > 0"
        " HAVING count(*) > 0", 0},
    /* $1 door, $2 author, $3 audience, $4 specification, $5 format, $6 the entry's mark. */
    [VB_API_SQL_AUDIT] = {"audit",
        "INSERT INTO verbatim.audit"
        " (workspace_id, door, author, audience, filter, format, mark)"
        " VALUES (" HERE ", $1, $2, $3::text[], $4::jsonb, $5, $6::uuid)", 6},
    /* Once for each entry, however often it is sent. $1 mark, $2 how it ended, $3 conversations. */
    [VB_API_SQL_AUDIT_END] = {"audit_end",
        "INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, records)"
        " SELECT a.audit_id, a.workspace_id, $2, $3::bigint"
        " FROM verbatim.audit AS a"
        " WHERE a.mark = $1::uuid"
        " AND a.workspace_id = " HERE
        " AND NOT EXISTS (SELECT FROM verbatim.audit_event AS e"
        " WHERE e.audit_id = a.audit_id"
        " AND e.workspace_id = a.workspace_id"
        " AND e.kind IN ('records', 'cancelled', 'failed'))", 3},
    /* $1 job, $2 kind, $3 by whom, $4 from where, $5 bytes that went out. */
    [VB_API_SQL_AUDIT_EVENT] = {"audit_event",
        "INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, by_whom, client, bytes)"
        " SELECT audit_id, workspace_id, $2, $3, $4::inet, $5::bigint"
        " FROM verbatim.audit"
        " WHERE job_id = $1::uuid"
        " AND workspace_id = " HERE, 5},
    /* A client that fetches a file piece by piece, or goes on after a break, has downloaded once.
     * $1 job, $2 whether only a part was fetched, $3 from where, $4 bytes that went out. */
    [VB_API_SQL_AUDIT_LINK] = {"audit_link",
        "INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, by_whom, client, bytes)"
        " SELECT a.audit_id, a.workspace_id, 'download', 'link', $3::inet, $4::bigint"
        " FROM verbatim.audit AS a"
        " WHERE a.job_id = $1::uuid"
        " AND NOT ($2::boolean AND EXISTS (SELECT FROM verbatim.audit_event AS e"
        " WHERE e.audit_id = a.audit_id"
        " AND e.workspace_id = a.workspace_id"
        " AND e.kind = 'download'"
        " AND e.by_whom = 'link'"
        " AND e.created_at > clock_timestamp() - interval '1 hour'))", 4},
};
/* clang-format on */

void vb_api_sql_sets(struct vb_pg_statement_set ret_sets[VB_PG_STATEMENT_SETS])
{
    ret_sets[0] = (struct vb_pg_statement_set){vb_pg_enter, VB_PG_ENTERS};
    ret_sets[1] = (struct vb_pg_statement_set){vb_api_sql, VB_API_SQL_COUNT};
    ret_sets[2] = vb_order_statements;
    ret_sets[3] = (struct vb_pg_statement_set){NULL, 0};
}
