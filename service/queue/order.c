/* From a specification to a queued job. See order.h.
 *
 * Insert or read, in a loop, since what was in the way may have gone in between. The id is drawn
 * once for an order, so that who asks again after a lost answer finds the job to be his own.
 */
#include "order.h"

#include "view.h"

#include "verbatim/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INSERTS 5 /* tries, where the active job ends between insert and read */
#define STORED (2u << 20)
#define AUDIENCE (256u << 10)
#define CLOCKS (64u << 10)

enum { SQL_CREATE, SQL_ACTIVE, SQL_ORDERED, SQL_KEEP_TURN, SQL_KEEP, STATEMENTS };
/* What follows VB_JOB_VIEW in SQL_ORDERED. */
enum { ORDERED_HASH = EXPORT_COLUMNS };

static const struct vb_pg_statement statements[STATEMENTS] = {
    /* One statement, so one snapshot: the job, its first segment, its entry in the audit, the hint
     * to the workers. Either of two unique keys may be taken already: then there is nothing made.
     * Parameters as in make_row. */
    [SQL_CREATE] =
        {"create",
         "WITH made AS ("
         "INSERT INTO verbatim.job (job_id, workspace_id, door, specification, active_key,"
         " notification_email, source_workspace, channel_id, channel_name, channel_type,"
         " channel_phone, start_date, end_date, range_from, range_to, time_zone, csv_profile,"
         " as_of, source_snapshot, link_ttl, title, requested_by, requested_key, audience,"
         " idempotency_key, request_hash, retention, printed, kept_for, wanted_name,"
         " ordered_storage, trace_parent, zone_clocks)"
         " VALUES ($1::uuid, $2, $3, $4::jsonb, $5,"
         " $6, $7, $8, $9, $10,"
         " $11, $12::date, $13::date,"
         " timestamptz 'epoch' + $14::bigint * interval '1 microsecond',"
         " timestamptz 'epoch' + $15::bigint * interval '1 microsecond', $16, $17,"
         " timestamptz 'epoch' + $18::bigint * interval '1 microsecond', $19,"
         " coalesce($20::bigint * interval '1 microsecond',"
         " (SELECT w.link_ttl FROM verbatim.workspace AS w WHERE w.workspace_id = $2),"
         " $30::bigint * interval '1 microsecond'), $21, $22, $23, $24::text[],"
         " $25, $26, $27::bigint * interval '1 microsecond', $28::text, $31, $32,"
         " $33, $34, $35)"
         " ON CONFLICT DO NOTHING"
         " RETURNING job_id, workspace_id, door, requested_by, audience), "
         "piece AS ("
         "INSERT INTO verbatim.segment (job_id, workspace_id, part_first, part_last)"
         " SELECT job_id, workspace_id, 1, 10000 FROM made), "
         "entry AS ("
         "INSERT INTO verbatim.audit (workspace_id, job_id, door, author, audience, filter, format)"
         " SELECT workspace_id, job_id, door, requested_by, audience, $28::text::jsonb, $29"
         " FROM made)"
         " SELECT pg_notify('verbatim_work', '') FROM made",
         35},
    /* Behind it, with a snapshot of its own: ours, or the one that was there first. $1 workspace,
     * $2 active_key. */
    [SQL_ACTIVE] = {"active",
                    "SELECT job_id::text FROM verbatim.job"
                    " WHERE workspace_id = $1 AND active_key = $2"
                    " AND status IN ('queued', 'started')",
                    2},
    /* The same. $1 workspace, $2 job or NULL, $3 idempotency_key or NULL. */
    [SQL_ORDERED] = {"ordered",
                     "SELECT " VB_JOB_VIEW ", j.request_hash" VB_JOB_VIEW_FROM
                     " WHERE j.workspace_id = $1"
                     " AND (j.job_id = $2::uuid OR j.idempotency_key = $3)",
                     3},
    /* Before the job is made: two orders of one user, wherever they come from, are one after the
     * other, or each would leave room for itself alone. $1 workspace, $2 whose. */
    [SQL_KEEP_TURN] = {"keep_turn",
                       "SELECT pg_advisory_xact_lock("
                       "hashtextextended('verbatim.job.kept_for ' || $1::text || ' ' || $2::text,"
                       " 0))",
                       2},
    /* The job itself is the newest. $1 workspace, $2 whose, $3 how many stay, $4 who asks. */
    [SQL_KEEP] = {"keep",
                  "SELECT verbatim.job_delete($1, old.job_id, NULL, $4)"
                  " FROM (SELECT j.job_id FROM verbatim.job AS j"
                  " WHERE j.workspace_id = $1 AND j.kept_for = $2"
                  " ORDER BY j.created_at DESC, j.job_id DESC"
                  " OFFSET $3::bigint) AS old",
                  4},
};
const struct vb_pg_statement_set vb_order_statements = {statements, STATEMENTS};

void vb_order_init(struct vb_order *order)
{
    *order = (struct vb_order){0};
    vb_buffer_init(&order->stored, STORED);
    vb_buffer_init(&order->shown, STORED);
    vb_buffer_init(&order->audience, AUDIENCE);
    vb_buffer_init(&order->clocks, CLOCKS);
}

void vb_order_done(struct vb_order *order)
{
    vb_resolution_done(&order->resolution);
    vb_resolve_steps_done(&order->lookups);
    vb_buffer_done(&order->stored);
    vb_buffer_done(&order->shown);
    vb_buffer_done(&order->audience);
    vb_buffer_done(&order->clocks);
}

static enum vb_order_state fail(struct vb_order *order, enum vb_status status, const char *what)
{
    if (status == VB_NO_MEMORY)
        (void)vb_fail(&order->error, status, "no memory for %s", what);
    else
        (void)vb_fail(&order->error, status, "%s cannot be written", what);
    return VB_ORDER_FAILED;
}

static void put_step(struct vb_order *order, const struct vb_pg_statement *statement,
                     const char *const *values)
{
    order->steps[order->step_count++] = (struct vb_pg_step){statement, values};
}

/* --- the job's row --- */

/* The day in the workspace's zone on which an end of the range lies; NULL: it is open. */
static const char *day_text(struct vb_zone *zone, const struct vb_moment *moment, vb_instant within,
                            char text[16])
{
    if (!moment->is_given)
        return NULL;
    struct vb_date date = moment->is_instant ? vb_zone_day_of(zone, within) : moment->date;
    (void)snprintf(text, 16, "%04d-%02d-%02d", date.year, date.month, date.day);
    return text;
}

static const char *number_text(int64_t number, char text[24])
{
    (void)snprintf(text, 24, "%" PRId64, number);
    return text;
}

/* What makes two exports the same for "one at a time": the channel, however it was named, the
 * range and what it is about, the audience. */
static enum vb_status make_active_key(struct vb_order *order, const char *start, const char *end)
{
    const char *channel = vb_resolution_channel(&order->resolution, CHANNEL_ID);
    char hash[VB_SHA256_HEX];
    struct vb_buffer text;
    if (!order->one_active || !channel)
        return VB_OK;
    vb_sha256_hex(channel, strlen(channel), hash);
    vb_buffer_init(&text, AUDIENCE + 256);
    enum vb_status status =
        vb_buffer_printf(&text, "%s main %s %s", hash, start ? start : "", end ? end : "");
    if (status == VB_OK && order->resolution.specification.filter.activity)
        status = vb_buffer_append_text(&text, " activity");
    if (status == VB_OK && order->audience_text)
        status = vb_buffer_printf(&text, " %s", order->audience_text);
    if (status == VB_OK)
        vb_sha256_hex(text.data, text.length, order->active_key);
    vb_buffer_done(&text);
    return status;
}

static const char *given(const char *text)
{
    return *text ? text : NULL;
}

/* The facts are copied into the row: a channel renamed later changes neither bytes nor names. */
static enum vb_status make_row(struct vb_order *order)
{
    const struct vb_resolution *resolution = &order->resolution;
    const struct vb_specification *specification = &resolution->specification;
    const struct vb_caller *caller = &order->caller;
    const char *first =
        day_text(order->zone, &specification->filter.from, order->from, order->day_texts[0]);
    const char *last =
        day_text(order->zone, &specification->filter.to, order->to - 1, order->day_texts[1]);
    const char *snapshot = vb_resolution_channel(resolution, CHANNEL_SNAPSHOT);
    int64_t link_ttl = specification->link_ttl > 0 ? specification->link_ttl : order->link_ttl;
    enum vb_status status = make_active_key(order, first, last);
    vb_buffer_reset(&order->clocks);
    if (status == VB_OK)
        status = vb_zone_write(order->zone, &order->clocks);
    const char *const row[] = {
        order->job_id,
        caller->workspace,
        order->door,
        order->stored.data,
        given(order->active_key),
        specification->notification_email,
        caller->source_id,
        vb_resolution_channel(resolution, CHANNEL_ID),
        vb_resolution_channel(resolution, CHANNEL_NAME),
        vb_resolution_channel(resolution, CHANNEL_TYPE),
        vb_resolution_channel(resolution, CHANNEL_PHONE),
        first,
        last,
        number_text(order->from, order->numbers[0]),
        number_text(order->to, order->numbers[1]),
        caller->time_zone,
        specification->csv_profile ? specification->csv_profile : caller->csv_profile,
        number_text(resolution->as_of, order->numbers[2]),
        resolution->snapshot ? resolution->snapshot : snapshot,
        link_ttl > 0 ? number_text(link_ttl, order->numbers[3]) : NULL,
        resolution->title,
        caller->author,
        caller->key_id,
        order->audience_text,
        given(order->same_key),
        given(order->request_hash),
        order->retention > 0 ? number_text(order->retention, order->numbers[4]) : NULL,
        order->shown.data,
        specification->format,
        number_text(order->usual_link_ttl, order->numbers[5]),
        order->kept_for,
        order->wanted_name,
        order->storage,
        order->trace_parent,
        order->clocks.data};
    _Static_assert(sizeof row <= sizeof order->row, "a row has room");
    memcpy(order->row, row, sizeof row);
    return status;
}

static enum vb_order_state insert(struct vb_order *order)
{
    enum vb_status status = make_row(order);
    if (status != VB_OK)
        return fail(order, status, "the job");
    order->at = VB_ORDER_AT_INSERT;
    order->inserts++;
    order->step_count = 0;
    order->keys[0] = order->caller.workspace;
    order->keys[1] = order->one_active ? order->active_key : order->job_id;
    order->keys[2] = given(order->same_key);
    order->keep[0] = order->caller.workspace;
    order->keep[1] = order->kept_for;
    order->keep[2] = number_text(order->keep_most, order->numbers[6]);
    order->keep[3] = order->caller.author;
    put_step(order, &vb_pg_enter[VB_PG_ENTER_WRITE], order->keys);
    if (order->kept_for)
        put_step(order, &statements[SQL_KEEP_TURN], order->keep);
    order->made_at = order->step_count;
    put_step(order, &statements[SQL_CREATE], order->row);
    put_step(order, &statements[order->one_active ? SQL_ACTIVE : SQL_ORDERED], order->keys);
    if (order->kept_for)
        put_step(order, &statements[SQL_KEEP], order->keep);
    return VB_ORDER_ASK_MAIN;
}

/* --- what was answered --- */

static enum vb_order_state count_made(void)
{
    vb_count(VB_COUNT_JOBS_CREATED, 1);
    return VB_ORDER_MADE;
}

/* Somebody's job in row 0, unless it is this order's own: made by a transaction whose answer was
 * lost. */
static enum vb_order_state take_other(struct vb_order *order, const PGresult *found,
                                      enum vb_order_state other)
{
    if (strcmp(PQgetvalue(found, 0, EXPORT_ID), order->job_id) == 0)
        return count_made();
    (void)snprintf(order->job_id, sizeof(order->job_id), "%s", PQgetvalue(found, 0, EXPORT_ID));
    return other;
}

/* The job of the idempotency key: the body has to be the same. */
static enum vb_order_state judge_same(struct vb_order *order, const PGresult *found)
{
    if (strcmp(PQgetvalue(found, 0, ORDERED_HASH), order->request_hash) != 0)
        return VB_ORDER_DIFFERS;
    order->job = found;
    return take_other(order, found, VB_ORDER_FOUND);
}

/* Either our row, or the one that already holds a key; neither, if that one ended between the two
 * statements. */
static enum vb_order_state take_inserted(struct vb_order *order, const PGresult *made,
                                         const PGresult *found)
{
    bool is_made = PQntuples(made) == 1, is_found = PQntuples(found) == 1;
    order->job = order->one_active ? NULL : found;
    if (is_made)
        return count_made();
    if (is_found && order->one_active)
        return take_other(order, found, VB_ORDER_ACTIVE);
    if (is_found)
        return judge_same(order, found);
    if (order->inserts < INSERTS)
        return insert(order); /* the one in the way has ended meanwhile */
    (void)vb_fail(&order->error, VB_CONFLICT, "the job could neither be made nor found");
    return VB_ORDER_FAILED;
}

/* What the workspace says is decided here and stored, as the usual only where it is not: earlier
 * versions of the program, which know nothing else, may work on the job then. */
static void decide_csv(struct vb_specification *specification, const struct vb_caller *caller)
{
    if (!specification->delimiter && caller->delimiter && strcmp(caller->delimiter, ",") != 0)
        specification->delimiter = caller->delimiter;
    if (!specification->csv_quote && caller->csv_quote && strcmp(caller->csv_quote, "minimal") != 0)
        specification->csv_quote = caller->csv_quote;
    if (specification->csv_mark == VB_CSV_MARK_OF_PROFILE)
        specification->csv_mark = caller->csv_mark;
}

/* The moment is known: so is the range, and the stored form. */
static enum vb_order_state take_found(struct vb_order *order, PGresult *const *results)
{
    struct vb_resolution *resolution = &order->resolution;
    order->resolved = vb_resolve_feed(resolution, order->contract, results);
    if (order->resolved != VB_RESOLVED)
        return VB_ORDER_UNRESOLVED;
    if (vb_specification_range(&resolution->specification, order->zone, resolution->as_of,
                               &order->from, &order->to) != VB_OK) {
        (void)vb_fail(&order->error, VB_INVALID, "a range that was judged holds no instant");
        return VB_ORDER_FAILED;
    }
    decide_csv(&resolution->specification, &order->caller);
    enum vb_status status =
        vb_specification_write(&resolution->specification, true, &order->stored);
    return status == VB_OK ? insert(order) : fail(order, status, "the specification");
}

static enum vb_order_state ask_source(struct vb_order *order)
{
    vb_resolve_steps_done(&order->lookups);
    order->at = VB_ORDER_AT_SOURCE;
    order->resolved = vb_resolve_ask(&order->resolution, order->contract, &order->caller,
                                     order->source_statements, &order->lookups);
    if (order->resolved != VB_RESOLVED)
        return VB_ORDER_UNRESOLVED;
    order->step_count = order->lookups.count;
    memcpy(order->steps, order->lookups.steps, sizeof(order->steps));
    return VB_ORDER_ASK_SOURCE;
}

enum vb_order_state vb_order_feed(struct vb_order *order, PGresult *const *results)
{
    switch (order->at) {
    case VB_ORDER_AT_SAME:
        /* An earlier job of the same key is found even where what it named has gone since. */
        return PQntuples(results[1]) == 0 ? ask_source(order) : judge_same(order, results[1]);
    case VB_ORDER_AT_SOURCE:
        return take_found(order, results);
    case VB_ORDER_AT_INSERT:
        return take_inserted(order, results[order->made_at], results[order->made_at + 1]);
    }
    return VB_ORDER_FAILED;
}

/* --- before the source is asked --- */

static enum vb_order_state ask_same(struct vb_order *order)
{
    order->at = VB_ORDER_AT_SAME;
    order->step_count = 0;
    order->keys[0] = order->caller.workspace;
    order->keys[1] = NULL;
    order->keys[2] = order->same_key;
    put_step(order, &vb_pg_enter[VB_PG_ENTER_READ], order->keys);
    put_step(order, &statements[SQL_ORDERED], order->keys);
    return VB_ORDER_ASK_MAIN;
}

/* A key is good within its door, workspace and audience; bodies are compared by what they mean. */
static enum vb_status make_same_key(struct vb_order *order)
{
    if (!order->same.data)
        return VB_OK;
    struct vb_buffer text;
    vb_buffer_init(&text, AUDIENCE + 1024);
    enum vb_status status = vb_buffer_printf(&text, "%s %s ", order->door,
                                             order->audience_text ? order->audience_text : "");
    if (status == VB_OK)
        status = vb_buffer_append(&text, order->same.data, order->same.length);
    if (status == VB_OK) {
        vb_sha256_hex(text.data, text.length, order->same_key);
        struct vb_view body = order->body.data
                                  ? order->body
                                  : (struct vb_view){order->shown.data, order->shown.length};
        vb_sha256_hex(body.data, body.length, order->request_hash);
    }
    vb_buffer_done(&text);
    return status;
}

enum vb_order_state vb_order_begin(struct vb_order *order)
{
    const struct vb_specification *specification = &order->resolution.specification;
    if (!vb_specification_judge_range(specification, order->zone, vb_clock_now(), &order->member,
                                      &order->message))
        return VB_ORDER_NO_RANGE;
    vb_uuid_format(vb_uuid_random(), order->job_id);
    enum vb_status status =
        vb_caller_audience(&order->caller, &order->audience, &order->audience_text);
    if (status == VB_OK)
        status = vb_specification_write(specification, false, &order->shown);
    if (status == VB_OK)
        status = make_same_key(order);
    if (status != VB_OK)
        return fail(order, status, "the request");
    return order->same.data ? ask_same(order) : ask_source(order);
}

/* --- for those who may block --- */

#define SENDS 3 /* of one round, where the connection is lost */

static enum vb_status send_round(struct vb_order *order, enum vb_order_state where,
                                 struct vb_pg *pg, PGconn *source, PGresult *results[VB_PG_STEPS])
{
    enum vb_status status = VB_DATABASE;
    if (where == VB_ORDER_ASK_SOURCE)
        return vb_pg_steps_read(source, order->steps, order->step_count, results, &order->error);
    for (int sends = 0; sends < SENDS; sends++) {
        status = vb_pg_steps_run(pg, order->steps, order->step_count, results, &order->error);
        if (status == VB_OK || !vb_status_retryable(status))
            break;
    }
    return status;
}

enum vb_order_state vb_order_make(struct vb_order *order, struct vb_pg *pg, PGconn *source)
{
    enum vb_order_state state = vb_order_begin(order);
    while (state == VB_ORDER_ASK_MAIN || state == VB_ORDER_ASK_SOURCE) {
        PGresult *results[VB_PG_STEPS] = {NULL};
        state = send_round(order, state, pg, source, results) == VB_OK
                    ? vb_order_feed(order, results)
                    : VB_ORDER_FAILED;
        vb_pg_results_clear(results);
    }
    order->job = NULL; /* went with the results */
    return state;
}
