/* GET of the exports of a workspace, the newest first, page by page: those of every door, as far as the key sees them.
 *
 * A page may hold fewer than were asked for where they are large; only a `next_cursor` of null says that it was the last.
 */
#include "http_cursor.h"
#include "http_export.h"
#include "http_query.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define USUAL 20
#define MOST 100
#define PAGE_BYTES (512u << 10) /* of an answer, after which no further export is put */
/* Behind every row there can be. */
#define FIRST_TIME "253402300800000000"
#define FIRST_ID "ffffffff-ffff-ffff-ffff-ffffffffffff"

enum { LIMIT, CURSOR, STATUS, PARAMETERS };

static bool is_status(struct vb_view text)
{
    static const char *const statuses[] = {"queued", "started", "finished", "failed", "cancelled"};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (vb_view_equals(text, vb_view_of(statuses[i])))
            return true;
    return false;
}

static const struct http_parameter table[PARAMETERS] = {
    [LIMIT] = {.name = "limit",
               .is_number = true,
               .least = 1,
               .most = MOST,
               .type = "int_range",
               .message = "Input should be a number from 1 to 100"},
    [CURSOR] = {.name = "cursor"},
    [STATUS] = {.name = "status",
                .holds = is_status,
                .type = "literal_error",
                .message =
                    "Input should be 'queued', 'started', 'finished', 'failed' or 'cancelled'"},
};

struct listing {
    struct http_query query;
    int64_t limit;
};

static void free_listing(void *state)
{
    struct listing *listing = state;
    http_query_done(&listing->query);
    free(listing);
}

static void put_next(struct http_exchange *exchange, struct vb_json *json,
                     const struct http_export *last)
{
    char text[HTTP_CURSOR_TEXT];
    struct http_cursor cursor = {.created_at = http_export_created(last)};
    bool is_id = vb_uuid_parse(http_export_id(last), &cursor.id) == VB_OK;
    if (is_id)
        http_cursor_write(&exchange->loop->secrets, exchange->arguments[0].data, &cursor, text);
    vb_json_member_text(json, "next_cursor", is_id ? text : NULL);
}

/* One row more than the limit was asked for: it only tells whether there is a next page. */
static void on_exports(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    const struct listing *listing = exchange->state;
    struct vb_error err = {0};
    struct vb_json json = http_json(exchange);
    struct http_export export = {outcome->results[1], 0, KEY_COLUMNS};
    int count = PQntuples(export.rows), limit = (int)listing->limit;
    if (!http_export_id(&export).data)
        count = 0; /* the key alone */
    vb_json_begin_object(&json);
    vb_json_name(&json, "exports");
    vb_json_begin_array(&json);
    for (; export.row < count && export.row < limit && json.out->length < PAGE_BYTES; export.row++)
        if (http_export_put(exchange, &json, &export, &err) != VB_OK) {
            http_answer_error(exchange, &err);
            return;
        }
    vb_json_end_array(&json);
    if (export.row < count) {
        export.row--;
        put_next(exchange, &json, &export);
    } else {
        vb_json_member_text(&json, "next_cursor", NULL);
    }
    vb_json_end_object(&json);
    http_answer_json(exchange, 200, &json);
}

static void list(struct http_exchange *exchange, const char *time, const char *id)
{
    const struct listing *listing = exchange->state;
    char most[24];
    (void)snprintf(most, sizeof(most), "%" PRId64, listing->limit + 1);
    const struct http_entry entry = {.statement = HTTP_SQL_EXPORTS,
                                     .values = {listing->query.values[STATUS].text, time, id, most},
                                     .then = on_exports};
    http_enter(exchange, &entry);
}

/* The key is good; now the query may be complained of. */
static void refuse_query(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    (void)outcome;
    struct http_query query;
    struct vb_problems problems;
    if (!http_query_take(exchange, table, PARAMETERS, &query))
        return;
    json_t *text = json_string(query.values[CURSOR].text);
    const struct vb_problem problem = {.type = "value_error",
                                       .member = "cursor",
                                       .index = -1,
                                       .message = "Value error, cursor is not one of this list",
                                       .input = text};
    vb_problems_init(&problems);
    problems.place = "query";
    problems.root = text;
    vb_problems_add(&problems, &problem);
    http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
    http_query_done(&query);
}

/* False: no memory, and answered. */
static bool make_listing(struct http_exchange *exchange, const struct http_query *query)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    if (!listing) {
        struct vb_error err = {0};
        (void)vb_fail_retryable(&err, VB_NO_MEMORY, "no memory for a list");
        http_answer_error(exchange, &err);
        return false;
    }
    listing->query = *query;
    listing->limit = query->values[LIMIT].text ? query->values[LIMIT].number : USUAL;
    exchange->state = listing;
    exchange->free_state = free_listing;
    return true;
}

/* Where the list goes on. False: the cursor is none of ours. */
static bool find_place(struct http_exchange *exchange, const char *text, char time[24],
                       char id[VB_UUID_TEXT])
{
    struct http_cursor cursor;
    if (!text) {
        (void)snprintf(time, 24, "%s", FIRST_TIME);
        (void)snprintf(id, VB_UUID_TEXT, "%s", FIRST_ID);
        return true;
    }
    if (http_cursor_read(&exchange->loop->secrets, exchange->arguments[0].data, vb_view_of(text),
                         &cursor) != VB_OK)
        return false;
    (void)snprintf(time, 24, "%" PRId64, cursor.created_at);
    vb_uuid_format(cursor.id, id);
    return true;
}

/* Whoever has no good key is told so before anything about the query: it is looked at here and judged later. */
void http_export_list_begin(struct http_exchange *exchange)
{
    static const struct http_entry refused = {.statement = HTTP_SQL_KEY, .then = refuse_query};
    char time[24], id[VB_UUID_TEXT];
    struct http_query query;
    struct vb_problems problems;
    /* The secrets have not been read once since the start: no cursor can be judged or made yet. */
    if (exchange->loop->secrets.count == 0) {
        http_answer_header(exchange, "Retry-After", "2");
        http_answer_detail(exchange, 503, "The database is not available. Try again later.");
        return;
    }
    enum vb_status status =
        http_query_parse(exchange->head.query, table, PARAMETERS, &query, &problems);
    vb_problems_done(&problems);
    if (status == VB_OK && !make_listing(exchange, &query)) {
        http_query_done(&query);
        return;
    }
    if (status != VB_OK || !find_place(exchange, query.values[CURSOR].text, time, id))
        http_enter(exchange, &refused);
    else
        list(exchange, time, id);
}
