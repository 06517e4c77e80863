/* Waiting until what was open at as_of has ended, so that rows cannot turn up behind the reader.
 *
 * The list of a pg_snapshot is not enough: the newest transactions open at that moment lie at or
 * above its xmax and are not listed. So the writers open when reading begins are taken from
 * pg_locks, without those of other databases and those that began after as_of (where this role may
 * see when they began), and that fixed set is waited for: transactions that begin later are no
 * concern. Limits: a transaction that had not written anything when reading began, and later
 * inserts rows dated before as_of, is not seen. On a replica the locks of the primary do not show:
 * there replay has to pass as_of (or to have caught up with all that was received) and the oldest
 * open transaction the snapshot's xmax.
 */
#include "decode.h"
#include "reader.h"

#include "verbatim/log.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE (10 * VB_SECOND)
#define FIRST_PAUSE 2000 /* microseconds, doubled up to the longest */
#define LONGEST_PAUSE 100000

/* Of as many transactions as a server can have at a time (2^18 backends). */
#define WRITERS_CEILING (3u * 1024u * 1024u)

/* Transaction ids as the text of an array. A transaction with savepoints has a lock for each that
 * has written; the oldest is its own, and ends last. $1 as_of. */
/* clang-format off */
static const char writers_sql[] =
    "SELECT '{' || coalesce(string_agg(w.id, ','), '') || '}'"
    " FROM (SELECT DISTINCT ON (l.virtualtransaction) l.transactionid::text AS id"
    " FROM pg_catalog.pg_locks l"
    " LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'transactionid'"
    " AND l.mode = 'ExclusiveLock'"
    " AND l.granted"
    " AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()"
    " AND (a.datname IS NULL OR a.datname = pg_catalog.current_database())"
    " AND (a.xact_start IS NULL OR a.xact_start <= ";
/* clang-format on */

/* One wait; owns the list of writers. */
struct wait {
    struct vb_reader *reader;
    bool replica;
    bool past_patience; /* as_of is so long ago that everybody had time */
    int64_t early;      /* as_of is still to come in so many microseconds: it was rounded up */
    struct vb_buffer writers;
};

/* Ends the query in any case; the caller clears the result. */
static enum vb_status query_row(const struct wait *wait, struct vb_query *query,
                                PGresult **ret_result, struct vb_error *err)
{
    enum vb_status status = vb_session_query(&wait->reader->session, query, ret_result, err);
    vb_query_done(query);
    return status;
}

/* With its zone, so that the session's is of no matter. */
static void bind_as_of(const struct wait *wait, struct vb_query *query)
{
    char text[VB_INSTANT_TEXT + 8];
    vb_instant_text(wait->reader->selection.as_of, text);
    memcpy(text + strlen(text), "+00", sizeof "+00");
    vb_query_bind(query, text, "timestamptz");
}

static int64_t patience_of(const struct vb_reader *reader, bool is_replica)
{
    return is_replica && reader->options.replica_wait > 0 ? reader->options.replica_wait : PATIENCE;
}

/* The set to wait for, and what kind of server this is: one round trip, all there is in the usual
 * case. */
static enum vb_status look(struct wait *wait, struct vb_error *err)
{
    struct vb_query query;
    vb_query_init(&query);
    vb_query_add(&query, "SELECT pg_catalog.pg_is_in_recovery(), (extract(epoch FROM"
                         " pg_catalog.clock_timestamp() - ");
    bind_as_of(wait, &query);
    vb_query_add(&query, ") * 1000000)::bigint, (");
    vb_query_add(&query, "%s", writers_sql);
    bind_as_of(wait, &query);
    vb_query_add(&query, ")");
    vb_query_add(&query,
                 " ORDER BY l.virtualtransaction, pg_catalog.age(l.transactionid) DESC) w)");
    PGresult *result = NULL;
    enum vb_status status = query_row(wait, &query, &result, err);
    if (status != VB_OK)
        return status;
    wait->replica = PQgetvalue(result, 0, 0)[0] != 0;
    int64_t since = (int64_t)vb_decode_uint64(PQgetvalue(result, 0, 1));
    wait->past_patience = since > patience_of(wait->reader, wait->replica);
    /* Farther ahead than it was rounded it is by the clock of another server. */
    wait->early = since < 0 && -since <= wait->reader->options.contract->resolution ? -since : 0;
    vb_buffer_reset(&wait->writers);
    status = vb_buffer_append_text(&wait->writers, PQgetvalue(result, 0, 2));
    if (status != VB_OK)
        (void)vb_fail(err, status,
                      status == VB_LIMIT ? "too many open transactions in the source"
                                         : "no memory for the source's open transactions");
    PQclear(result);
    return status;
}

/* Compared as text, since a transaction's number is reused only after two billion others. */
static void add_writers_ended(const struct wait *wait, struct vb_query *query)
{
    /* clang-format off */
    vb_query_add(query, "SELECT NOT EXISTS ("
                        "SELECT FROM pg_catalog.pg_locks l"
                        " WHERE l.locktype = 'transactionid'"
                        " AND l.mode = 'ExclusiveLock'"
                        " AND l.granted"
                        " AND l.transactionid::text = ANY (");
    /* clang-format on */
    vb_query_bind(query, wait->writers.data, "text[]");
    vb_query_add(query, "))");
}

/* pg_last_xact_replay_timestamp stands still while the primary is idle: then what was received has
 * been replayed, and as_of is a second ago. */
static void add_replayed(const struct wait *wait, struct vb_query *query)
{
    vb_query_add(query, "(pg_catalog.pg_last_xact_replay_timestamp() >= ");
    bind_as_of(wait, query);
    /* clang-format off */
    vb_query_add(query, " OR (coalesce("
                        "pg_catalog.pg_last_wal_receive_lsn() = "
                        "pg_catalog.pg_last_wal_replay_lsn(), true)"
                        " AND pg_catalog.clock_timestamp() - ");
    /* clang-format on */
    bind_as_of(wait, query);
    vb_query_add(query, " > interval '1 s'))");
}

/* Where the server does not say how far it is: as long as replicas usually are behind, and more. */
static void add_time_passed(const struct wait *wait, struct vb_query *query)
{
    vb_query_add(query, "pg_catalog.clock_timestamp() - ");
    bind_as_of(wait, query);
    vb_query_add(query, " > interval '3 s'");
}

static void add_replica_passed(const struct wait *wait, struct vb_query *query)
{
    vb_query_add(query, "SELECT ");
    if (wait->reader->waits_by_clock)
        add_time_passed(wait, query);
    else
        add_replayed(wait, query);
    vb_query_add(query, " AND pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) >= "
                        "pg_catalog.pg_snapshot_xmax(");
    vb_query_bind(query, wait->reader->selection.snapshot, "pg_snapshot");
    vb_query_add(query, ")");
}

/* Readers of Aurora do not have the functions (0A000), hardened servers take them from all (42501),
 * before anything is evaluated. */
static bool is_refused(const struct vb_error *err)
{
    return strcmp(err->sqlstate, "0A000") == 0 || strcmp(err->sqlstate, "42501") == 0;
}

static enum vb_status ask_passed(const struct wait *wait, PGresult **ret_result,
                                 struct vb_error *err)
{
    struct vb_query query;
    vb_query_init(&query);
    if (wait->replica)
        add_replica_passed(wait, &query);
    else
        add_writers_ended(wait, &query);
    return query_row(wait, &query, ret_result, err);
}

static enum vb_status has_passed(struct wait *wait, bool *ret_passed, struct vb_error *err)
{
    PGresult *result = NULL;
    enum vb_status status = ask_passed(wait, &result, err);
    if (status != VB_OK && wait->replica && !wait->reader->waits_by_clock && is_refused(err)) {
        vb_warn("the source's replica does not tell how far it is, so the clock alone decides how "
                "long it is waited for: %s",
                err->text);
        wait->reader->waits_by_clock = true;
        status = ask_passed(wait, &result, err);
    }
    if (status != VB_OK)
        return status;
    *ret_passed = PQgetlength(result, 0, 0) == 1 && PQgetvalue(result, 0, 0)[0] != 0;
    PQclear(result);
    return VB_OK;
}

/* Not passed within the patience is no failure: the caller learns of it and tells so. */
static enum vb_status wait_for(struct wait *wait, bool *ret_waited_out, struct vb_error *err)
{
    int64_t patience = patience_of(wait->reader, wait->replica);
    int64_t start = vb_clock_monotonic();
    int64_t pause = FIRST_PAUSE;
    for (;;) {
        bool passed = false;
        enum vb_status status = has_passed(wait, &passed, err);
        if (status == VB_OK)
            status = vb_stop_check(&wait->reader->session.stop, err);
        if (status != VB_OK)
            return status;
        bool out = wait->past_patience || vb_clock_monotonic() - start > patience;
        if (passed || out) {
            *ret_waited_out = !passed;
            return VB_OK;
        }
        vb_clock_sleep(pause);
        pause = pause * 2 > LONGEST_PAUSE ? LONGEST_PAUSE : pause * 2;
    }
}

/* Whoever writes until as_of has to be seen, so the last look is one behind it. */
static enum vb_status look_behind(struct wait *wait, struct vb_error *err)
{
    enum vb_status status = look(wait, err);
    if (status != VB_OK || wait->early == 0)
        return status;
    vb_clock_sleep(wait->early + 1);
    status = vb_stop_check(&wait->reader->session.stop, err);
    return status == VB_OK ? look(wait, err) : status;
}

enum vb_status vb_wait_as_of(struct vb_reader *reader, enum vb_source_lag *ret_lag,
                             struct vb_error *err)
{
    struct wait wait = {.reader = reader};
    vb_buffer_init(&wait.writers, WRITERS_CEILING);
    bool waited_out = false;
    enum vb_status status = look_behind(&wait, err);
    if (status == VB_OK && (wait.replica || wait.writers.length > strlen("{}")))
        status = wait_for(&wait, &waited_out, err);
    vb_buffer_done(&wait.writers);
    if (status == VB_OK)
        *ret_lag = !waited_out ? VB_LAG_NONE : wait.replica ? VB_LAG_REPLICA : VB_LAG_WRITERS;
    return status;
}

/* The age of the last commit is the lag only while more is there to be replayed: on an idle primary
 * it rises by itself. */
const char vb_source_lag_sql[] =
    "SELECT (CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN NULL"
    " WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0"
    " ELSE coalesce((extract(epoch FROM pg_catalog.clock_timestamp()"
    " - pg_catalog.pg_last_xact_replay_timestamp()) * 1000)::bigint, -1) END)::text";
