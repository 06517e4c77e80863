/* POST of an export: key and workspace, body, channel, job; the order of checks is INTERFACE.md's.
 *
 * Three round trips: the key before a byte of the body is looked at, the channel from the source, then the job with
 * its first segment in one transaction. Everything a later step needs is kept in struct create.
 */
#include "http_api.h"

#include "verbatim/channel_type.h"
#include "verbatim/export_request.h"
#include "verbatim/hash.h"
#include "verbatim/metrics.h"
#include "verbatim/uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 100
#define INSERTS 5 /* tries, where the active job ends between insert and read */

struct create {
    struct vb_export_request request;
    bool has_request;
    PGresult *channels; /* text; the job's channel is `channel` */
    int channel;
    struct vb_buffer specification;
    char job_id[VB_UUID_TEXT];
    char active_key[VB_SHA256_HEX];
    int inserts;
};

/* Columns of the contract's look-ups. */
enum { CHANNEL_ID, CHANNEL_NAME, CHANNEL_TYPE, CHANNEL_PHONE, CHANNEL_AS_OF, CHANNEL_SNAPSHOT };

/* Runs when the exchange ends in any way, also when the client leaves in the middle. */
static void free_create(void *state)
{
    struct create *create = state;
    if (create->has_request)
        vb_export_request_done(&create->request);
    PQclear(create->channels);
    vb_buffer_done(&create->specification);
    free(create);
}

static void answer_status(struct http_exchange *exchange, enum vb_status status, const char *what)
{
    struct vb_error err;
    (void)vb_fail(&err, status, "%s: %s", what, vb_status_name(status));
    http_answer_error(exchange, &err);
}

/* --- the job --- */

static void answer_created(struct http_exchange *exchange)
{
    const struct create *create = exchange->state;
    vb_count(VB_COUNT_JOBS_CREATED, 1);
    struct vb_json json = http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "export_job_id", create->job_id);
    vb_json_member_text(&json, "status", "queued");
    vb_json_member_text(
        &json, "message",
        create->request.notification_email
            ? "Export job created. You will be emailed a download link when it is ready."
            : "Export job created.");
    vb_json_end_object(&json);
    http_answer_json(exchange, 202, &json);
}

/* The body of the contract: the message, and the job that is in the way. */
static void answer_running(struct http_exchange *exchange, struct vb_view job)
{
    struct vb_json json = http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "detail");
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "message",
                        "An export for this channel and date range is already in progress.");
    vb_json_name(&json, "export_job_id");
    vb_json_view(&json, job);
    vb_json_end_object(&json);
    vb_json_end_object(&json);
    http_answer_json(exchange, 409, &json);
}

static void insert_job(struct http_exchange *exchange);

/* Either our row, or the one that already holds the key; neither, if that one ended between the two
 * statements. */
static void on_inserted(void *context, const struct pg_outcome *outcome)
{
    struct http_exchange *exchange = context;
    const struct create *create = exchange->state;
    if (!http_ended(exchange, outcome))
        return;
    const PGresult *made = outcome->results[1], *active = outcome->results[2];
    if (PQntuples(made) == 1)
        answer_created(exchange);
    else if (PQntuples(active) == 1)
        answer_running(exchange, pg_view(active, 0, 0));
    else if (create->inserts < INSERTS)
        insert_job(exchange); /* the one in the way has ended meanwhile */
    else
        answer_status(exchange, VB_CONFLICT, "the job could neither be made nor found");
}

/* What makes two exports the same for "one at a time": the channel, however it was named, and the range. */
static void make_active_key(struct create *create, const char *start, const char *end)
{
    const char *channel = http_text(create->channels, create->channel, CHANNEL_ID);
    char text[64 + VB_SHA256_HEX];
    vb_sha256_hex(channel, strlen(channel), text);
    size_t length = strlen(text);
    int more = snprintf(text + length, sizeof(text) - length, " main %s %s", start, end);
    vb_sha256_hex(text, length + (size_t)more, create->active_key);
}

/* Forty bytes hold any two ints, so the compiler can see that nothing is cut. */
static void date_text(struct vb_date date, char text[40])
{
    (void)snprintf(text, 40, "%04d-%02d-%02d", date.year, date.month, date.day);
}

/* The job's facts are copied into its row: a channel renamed later changes neither bytes nor
 * names. */
static void send_insert(struct http_exchange *exchange, struct vb_zone *zone, const char *profile)
{
    struct create *create = exchange->state;
    const struct vb_export_request *request = &create->request;
    const PGresult *channel = create->channels;
    int row = create->channel;
    const char *workspace = exchange->arguments[0].data;
    struct vb_date after = vb_date_from_days(vb_date_to_days(request->end) + 1);
    char start[40], end[40], from[24], to[24], ttl[24];
    date_text(request->start, start);
    date_text(request->end, end);
    (void)snprintf(from, sizeof(from), "%" PRId64, vb_zone_day_start(zone, request->start));
    (void)snprintf(to, sizeof(to), "%" PRId64, vb_zone_day_start(zone, after));
    (void)snprintf(ttl, sizeof(ttl), "%" PRId64, exchange->loop->http->service->options->link_ttl);
    make_active_key(create, start, end);
    const char *const enter[] = {workspace};
    const char *const job[] = {create->job_id,
                               workspace,
                               create->specification.data,
                               create->active_key,
                               request->notification_email,
                               exchange->access.source_id,
                               http_text(channel, row, CHANNEL_ID),
                               http_text(channel, row, CHANNEL_NAME),
                               http_text(channel, row, CHANNEL_TYPE),
                               http_text(channel, row, CHANNEL_PHONE),
                               start,
                               end,
                               from,
                               to,
                               exchange->access.time_zone,
                               profile,
                               http_text(channel, row, CHANNEL_AS_OF),
                               http_text(channel, row, CHANNEL_SNAPSHOT),
                               ttl};
    const char *const active[] = {workspace, create->active_key};
    const struct pg_step steps[] = {{&http_sql[HTTP_SQL_ENTER_WRITE], enter},
                                    {&http_sql[HTTP_SQL_CREATE], job},
                                    {&http_sql[HTTP_SQL_ACTIVE], active}};
    http_ask(exchange, exchange->loop->main_pool, steps, 3, on_inserted);
}

static enum vb_status write_specification(struct create *create)
{
    struct vb_specification specification;
    struct vb_problems problems;
    enum vb_status status =
        vb_export_request_specification(&create->request, &specification, &problems);
    vb_problems_done(&problems);
    if (status != VB_OK)
        return status;
    status = vb_specification_write(&specification, true, &create->specification);
    vb_specification_done(&specification);
    return status;
}

static void insert_job(struct http_exchange *exchange)
{
    struct create *create = exchange->state;
    const char *profile =
        create->request.csv_profile ? create->request.csv_profile : exchange->access.csv_profile;
    create->inserts++;
    vb_uuid_format(vb_uuid_random(), create->job_id);
    vb_buffer_done(&create->specification);
    enum vb_status status = write_specification(create);
    if (status != VB_OK) {
        answer_status(exchange, status, "the specification");
        return;
    }
    struct vb_error err = {0};
    struct vb_zone *zone = http_loop_zone(exchange->loop, exchange->access.time_zone, &err);
    if (zone)
        send_insert(exchange, zone, profile);
    else
        http_answer_error(exchange, &err);
}

/* --- the channel --- */

/* A channel_id is exact: a type beside it says nothing more. */
static bool type_fits(const struct create *create, int row)
{
    const char *wanted = create->request.channel_type;
    if (!wanted || create->request.channel_id)
        return true;
    const char *detailed = http_text(create->channels, row, CHANNEL_TYPE);
    const char *coarse = detailed ? vb_channel_type_coarse(vb_view_of(detailed)) : NULL;
    return coarse && strcmp(coarse, wanted) == 0;
}

/* As text, so that the order is the same whatever type the source gives its ids. */
static int by_id(const void *a, const void *b, void *channels)
{
    const int *left = a, *right = b;
    return strcmp(http_text(channels, *left, CHANNEL_ID), http_text(channels, *right, CHANNEL_ID));
}

static void answer_several(struct http_exchange *exchange, const int *rows, size_t count)
{
    const struct create *create = exchange->state;
    struct vb_json json = http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "detail");
    vb_json_begin_object(&json);
    vb_json_member_text(
        &json, "message",
        "Multiple channels match this phone number. Specify channel_type or channel_id.");
    vb_json_name(&json, "candidates");
    vb_json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        vb_json_begin_object(&json);
        vb_json_member_text(&json, "channel_id", http_text(create->channels, rows[i], CHANNEL_ID));
        vb_json_member_text(&json, "channel_type",
                            http_text(create->channels, rows[i], CHANNEL_TYPE));
        vb_json_member_text(&json, "name", http_text(create->channels, rows[i], CHANNEL_NAME));
        vb_json_end_object(&json);
    }
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_json_end_object(&json);
    http_answer_json(exchange, 409, &json);
}

static void answer_no_channel(struct http_exchange *exchange)
{
    const struct create *create = exchange->state;
    http_answer_detail(exchange, 404,
                       create->request.channel_id ? "No channel found for the given channel_id."
                                                  : "No channel found for the phone number.");
}

static void on_channels(void *context, const struct pg_outcome *outcome)
{
    struct http_exchange *exchange = context;
    struct create *create = exchange->state;
    if (!http_ended(exchange, outcome))
        return;
    /* The pool frees the outcome after this call; the channel is needed for two more steps. */
    create->channels = PQcopyResult(outcome->results[0], PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    if (!create->channels) {
        answer_status(exchange, VB_NO_MEMORY, "the channels");
        return;
    }
    int rows[CANDIDATES];
    size_t count = 0;
    for (int row = 0; row < PQntuples(create->channels) && count < CANDIDATES; row++)
        if (type_fits(create, row))
            rows[count++] = row;
    if (count == 0) {
        answer_no_channel(exchange);
    } else if (count > 1) {
        qsort_r(rows, count, sizeof(rows[0]), by_id, create->channels);
        answer_several(exchange, rows, count);
    } else {
        create->channel = rows[0];
        insert_job(exchange);
    }
}

static void find_channel(struct http_exchange *exchange)
{
    struct create *create = exchange->state;
    const struct vb_contract *contract = exchange->loop->http->service->contract;
    const char *id = create->request.channel_id;
    /* An id that cannot be of the column's type is not sent: the server would answer with an error,
     * not with no row. */
    if (!vb_contract_workspace_id_valid(contract, vb_view_of(exchange->access.source_id)) ||
        (id && !vb_contract_channel_id_valid(contract, vb_view_of(id)))) {
        answer_no_channel(exchange);
        return;
    }
    const char *const values[] = {exchange->access.source_id,
                                  id ? id : create->request.phone_number};
    const struct pg_statement *statements = exchange->loop->http->source_statements;
    const struct pg_step step = {&statements[id ? HTTP_SOURCE_BY_ID : HTTP_SOURCE_BY_PHONE],
                                 values};
    http_ask(exchange, exchange->loop->source_pool, &step, 1, on_channels);
}

/* --- the body --- */

/* Today is the workspace's today: in Auckland tomorrow has begun when UTC says today. */
static void judge_start(struct http_exchange *exchange)
{
    const struct create *create = exchange->state;
    struct vb_error err = {0};
    struct vb_zone *zone = http_loop_zone(exchange->loop, exchange->access.time_zone, &err);
    if (!zone)
        http_answer_error(exchange, &err);
    else if (vb_date_compare(create->request.start, vb_zone_day_of(zone, vb_clock_now())) > 0)
        http_answer_detail(exchange, 400, "start_date is in the future.");
    else
        find_channel(exchange);
}

static void on_body(struct http_exchange *exchange)
{
    struct create *create = exchange->state;
    struct vb_problems problems;
    enum vb_status status = vb_export_request_parse(
        (struct vb_view){exchange->body.data, exchange->body.length}, &create->request, &problems);
    create->has_request = status == VB_OK;
    if (status == VB_OK)
        judge_start(exchange);
    else if (status == VB_INVALID)
        http_answer_problems(exchange, &problems);
    else
        answer_status(exchange, status, "the request");
    vb_problems_done(&problems);
}

/* application/json, in UTF-8 if it says so; no body needs no type. */
static bool type_is_json(const struct http_exchange *exchange)
{
    size_t count = 0;
    struct vb_view type = vb_http_header_value(&exchange->head, "content-type", &count);
    if (count == 0)
        return !http_exchange_has_body(exchange);
    const char *mark = memchr(type.data, ';', type.length);
    struct vb_view media = {type.data, mark ? (size_t)(mark - type.data) : type.length};
    while (media.length > 0 &&
           (media.data[media.length - 1] == ' ' || media.data[media.length - 1] == '\t'))
        media.length--;
    if (count > 1 || !vb_http_same_word(media, "application/json"))
        return false;
    if (!mark)
        return true;
    struct vb_view rest = {mark + 1, type.length - (size_t)(mark + 1 - type.data)};
    while (rest.length > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t'))
        rest = (struct vb_view){rest.data + 1, rest.length - 1};
    return rest.length == 0 || vb_http_same_word(rest, "charset=utf-8") ||
           vb_http_same_word(rest, "charset=\"utf-8\"");
}

/* Only who holds a good key learns anything about size and type, and only then is the body read. */
static void on_workspace(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    (void)outcome;
    if (exchange->head.content_length > VB_HTTP_BODY)
        http_answer_detail(exchange, 413, "The request body is larger than 64 KiB.");
    else if (!type_is_json(exchange))
        http_answer_detail(exchange, 415, "The request body must be application/json.");
    else
        http_exchange_read_body(exchange, on_body);
}

void http_create_begin(struct http_exchange *exchange)
{
    struct create *create = calloc(1, sizeof(*create));
    if (!create) {
        answer_status(exchange, VB_NO_MEMORY, "the request");
        return;
    }
    vb_buffer_init(&create->specification, 2 * VB_HTTP_BODY);
    exchange->state = create;
    exchange->free_state = free_create;
    struct http_entry entry = {.statement = HTTP_SQL_KEY, .then = on_workspace};
    http_enter(exchange, &entry);
}
