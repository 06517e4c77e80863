/* POST of a preview: how much an export would hold. Nothing is queued. See INTERFACE 7.
 *
 * The counting may take long, so it has connections and a time of its own: look-ups for other
 * requests never wait behind it. What one request may cost the source is bounded by its statement
 * timeout.
 */
#include "range.h"
#include "resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below the pool's time for a ticket, and that below the deadline of an answer. */
#define COUNT_SECONDS 25
#define COUNT_TIME "25s"

struct preview {
    struct vb_api_lookup lookup; /* first, as api/resolve.h asks */
    int64_t rate;                /* messages a second, as of late */
    int64_t sent_at;             /* of the counting, monotonic */
};

/* What a job takes whatever it holds, and how fast messages are written where this workspace has
 * not shown it yet: below what was measured, since an estimate is rather kept than broken. */
#define LEAST_SECONDS 1
#define USUAL_RATE 20000
#define LEAST_MESSAGES 1000 /* of exports that show a speed */

/* Bytes of a format beside the texts of its messages, as measured on demo data, not packed. */
static const struct weight {
    const char *format, *layout; /* layout NULL: any */
    int64_t conversation, message;
    bool has_texts; /* of all messages; else of two a conversation */
    bool is_packed; /* by itself, so that deflate makes it no smaller */
    int64_t file;   /* what every file has */
} weights[] = {
    {"csv", "messages", 0, 185, true},
    {"csv", NULL, 150, 0, false},
    {"xlsx", "messages", 0, 75, true, .is_packed = true, .file = 4300},
    {"xlsx", NULL, 75, 0, false, .is_packed = true, .file = 4300},
    {"html", NULL, 600, 170, true, .file = 12000},
    /* Letters and emoji of its fonts are most of a short transcript. */
    {"pdf", NULL, 35000, 250, true, .is_packed = true},
    {NULL, NULL, 500, 270, true},
};
/* How many times smaller deflate makes large files, and small ones, each of which has headers in
 * the archive too. */
#define LARGE_RATIO 5.0
#define SMALL_RATIO 3.0
#define ENTRY 250.0

static void free_preview(void *state)
{
    struct preview *preview = state;
    vb_resolution_done(&preview->lookup.resolution);
    free(preview);
}

/* The last row fits all, so the walk ends. */
static const struct weight *weight_of(const struct vb_specification *specification)
{
    const struct weight *weight = weights;
    while (weight->format && (strcmp(weight->format, specification->format) != 0 ||
                              (weight->layout && specification->layout &&
                               strcmp(weight->layout, specification->layout) != 0)))
        weight++;
    return weight;
}

/* An estimate of the finished file from the counts and the mean text of a sample. Media are not in
 * it. */
static int64_t estimate(const struct vb_specification *specification, int64_t conversations,
                        int64_t messages, double text)
{
    const struct weight *weight = weight_of(specification);
    double texts = weight->has_texts ? (double)messages : 2.0 * (double)conversations;
    double bytes = (double)conversations * (double)weight->conversation +
                   (double)messages * (double)weight->message + texts * text;
    if (specification->files == VB_FILES_PER_CONVERSATION)
        bytes += (double)conversations * (double)weight->file;
    else
        bytes += (double)weight->file;
    if (specification->files == VB_FILES_CHUNKS)
        bytes = bytes / (weight->is_packed ? 1 : LARGE_RATIO);
    if (specification->files == VB_FILES_PER_CONVERSATION)
        bytes = bytes / (weight->is_packed ? 1 : SMALL_RATIO) + (double)conversations * ENTRY;
    return (int64_t)bytes;
}

/* Results of the source are text. */
static void answer_counts(struct vb_http_exchange *exchange, const PGresult *counts,
                          const PGresult *sample, const PGresult *timeless)
{
    const struct preview *preview = exchange->state;
    int64_t conversations = strtoll(PQgetvalue(counts, 0, 0), NULL, 10);
    int64_t messages = strtoll(PQgetvalue(counts, 0, 1), NULL, 10);
    int64_t sampled = strtoll(PQgetvalue(sample, 0, 0), NULL, 10);
    int64_t bytes = strtoll(PQgetvalue(sample, 0, 1), NULL, 10);
    double text = sampled > 0 ? (double)bytes / (double)sampled : 0;
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_member_integer(&json, "conversations", conversations);
    vb_json_member_integer(&json, "messages", messages);
    vb_json_member_integer(
        &json, "estimated_bytes",
        estimate(&preview->lookup.resolution.specification, conversations, messages, text));
    vb_json_member_integer(&json, "estimated_seconds", LEAST_SECONDS + messages / preview->rate);
    vb_json_member_integer(&json, "conversations_without_time",
                           strtoll(PQgetvalue(timeless, 0, 0), NULL, 10));
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

/* The time limit is the one failure that the caller can mend, by asking for less. */
static void on_counted(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    const struct preview *preview = exchange->state;
    if (vb_api_ended_in_time(exchange, outcome, preview->sent_at, COUNT_SECONDS * VB_SECOND,
                             "Counting took longer than 25 seconds. Narrow the selection; an "
                             "export has no such limit."))
        answer_counts(exchange, outcome->results[2], outcome->results[3], outcome->results[4]);
}

/* Without a name: texts that differ from request to request are not prepared. */
static struct vb_pg_statement statement_of(const struct vb_source_query *query)
{
    return (struct vb_pg_statement){NULL, query->sql, query->count};
}

/* All statements in one transaction, so of nearly the same moment. The pool has copied what it
 * needs when the call returns. */
static void send_counts(struct vb_http_exchange *exchange, const struct vb_selection *selection)
{
    static const struct vb_pg_statement limit = {
        NULL, "SELECT set_config('statement_timeout', '" COUNT_TIME "', true)", 0};
    const struct vb_pg_statement setup = {NULL, vb_source_count_settings(), 0};
    const struct vb_contract *contract = exchange->loop->site->service->contract;
    struct vb_source_query count = {0}, sample = {0}, timeless = {0};
    struct vb_error err = {0};
    enum vb_status status = vb_contract_count_query(contract, selection, &count, &err);
    if (status == VB_OK)
        status = vb_contract_sample_query(contract, selection, &sample, &err);
    if (status == VB_OK)
        status = vb_contract_timeless_query(contract, selection, &timeless, &err);
    if (status == VB_OK) {
        struct vb_pg_statement counting = statement_of(&count), sampling = statement_of(&sample);
        struct vb_pg_statement looking = statement_of(&timeless);
        const struct vb_pg_step steps[] = {{&limit, NULL},
                                           {&setup, NULL},
                                           {&counting, count.values},
                                           {&sampling, sample.values},
                                           {&looking, timeless.values}};
        ((struct preview *)exchange->state)->sent_at = vb_clock_monotonic();
        vb_api_send(exchange, exchange->loop->site->count_pool, steps, 5, on_counted);
    } else {
        vb_http_answer_error(exchange, &err);
    }
    vb_source_query_done(&count);
    vb_source_query_done(&sample);
    vb_source_query_done(&timeless);
}

static void on_found(struct vb_http_exchange *exchange)
{
    const struct vb_resolution *resolution =
        &((const struct preview *)exchange->state)->lookup.resolution;
    struct vb_selection selection = {.workspace = exchange->request->access.source_id,
                                     .as_of = resolution->as_of};
    vb_specification_select(&resolution->specification, &selection);
    const char *channel = vb_resolution_channel(resolution, CHANNEL_ID);
    if (channel)
        selection.channel_id = channel;
    if (vb_api_range_of(exchange, &resolution->specification, resolution->as_of, &selection.from,
                        &selection.to))
        send_counts(exchange, &selection);
}

static void on_body(struct vb_http_exchange *exchange)
{
    struct preview *preview = exchange->state;
    struct vb_problems problems;
    enum vb_status status =
        vb_specification_parse((struct vb_view){exchange->body.data, exchange->body.length},
                               &preview->lookup.resolution.specification, &problems);
    if (status == VB_OK && vb_api_range_judge(exchange, &preview->lookup.resolution.specification))
        vb_api_resolve(exchange);
    else if (status == VB_INVALID)
        vb_http_answer_problems(exchange, &problems);
    else if (status != VB_OK)
        vb_http_answer_status(exchange, status, "the specification");
    vb_problems_done(&problems);
}

/* From exports of late that were large enough to tell. */
static int64_t rate_of(const PGresult *speed)
{
    int64_t messages = vb_pg_integer(speed, 0, 0), microseconds = vb_pg_integer(speed, 0, 1);
    if (messages < LEAST_MESSAGES || microseconds <= 0)
        return USUAL_RATE;
    double rate = (double)messages * (double)VB_SECOND / (double)microseconds;
    return rate < 1 ? 1 : rate > 1e9 ? (int64_t)1e9 : (int64_t)rate;
}

static void on_speed(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    struct preview *preview = exchange->state;
    if (!vb_api_ended(exchange, outcome))
        return;
    preview->rate = rate_of(outcome->results[1]);
    vb_api_receive_json(exchange, on_body);
}

static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    struct preview *preview = calloc(1, sizeof(*preview));
    if (!preview) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the request");
        return;
    }
    exchange->state = preview;
    exchange->free_state = free_preview;
    preview->lookup.found = on_found;
    const char *const values[] = {exchange->request->access.workspace};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], values},
                                       {&vb_api_sql[VB_API_SQL_SPEED], values}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_speed);
}

void vb_api_preview_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
