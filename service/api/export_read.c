/* GET of one export, at polling speed; with `Prefer: wait=N` (RFC 7240) the answer waits for its
 * end.
 *
 * The wait begins before the first look, so no end falls between them, and each look judges the key
 * anew: one that was revoked meanwhile learns nothing. A client that closes its side gets what
 * there is, or nobody reads it.
 */
#include "export.h"
#include "http/prefer.h"
#include "http/waits.h"
#include "row_field.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_SECONDS 25 /* proxies and balancers commonly give up at 30 */

struct reading {
    struct vb_http_wait wait;
    int seconds;
    bool is_over;       /* what is found next is the answer */
    bool ended_between; /* a look is under way that may have been too early */
};

static void free_reading(void *state)
{
    struct reading *reading = state;
    vb_http_wait_end(&reading->wait);
    free(reading);
}

static void look(struct vb_http_exchange *exchange);

/* While a look is under way its answer decides; an end told meanwhile needs another look. */
static void on_woken(struct vb_http_exchange *exchange, enum vb_http_wake why)
{
    struct reading *reading = exchange->state;
    if (why != VB_HTTP_WAKE_ENDED)
        reading->is_over = true;
    if (!exchange->ticket)
        look(exchange);
    else if (why == VB_HTTP_WAKE_ENDED)
        reading->ended_between = true;
}

/* Still active, and somebody has time: the rest of the wait, and then as long as any answer may
 * take. */
static void go_on(struct vb_http_exchange *exchange, struct reading *reading)
{
    if (reading->ended_between) {
        reading->ended_between = false;
        look(exchange);
        return;
    }
    exchange->connection->deadline =
        exchange->begun_at + reading->seconds * VB_SECOND + exchange->loop->http->times.answer;
}

/* The wait ends first: nothing wakes an exchange that is answered. */
static void answer(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    struct reading *reading = exchange->state;
    char applied[32];
    if (reading) {
        vb_http_wait_end(&reading->wait);
        (void)snprintf(applied, sizeof(applied), "wait=%d", reading->seconds);
        vb_http_answer_header(exchange, "Preference-Applied", applied);
    }
    vb_api_export_answer(exchange, 200, export);
}

/* The rows are of all that looked together; -1: none is of the export asked for. */
static int own_row(struct vb_http_exchange *exchange, const PGresult *rows)
{
    char job[VB_UUID_TEXT];
    return vb_api_export_name(exchange, job) ? vb_api_row_find(rows, EXPORT_ID, vb_view_of(job))
                                             : -1;
}

static void on_export(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    struct reading *reading = exchange->state;
    const struct vb_api_export export = {outcome->results[2],
                                         own_row(exchange, outcome->results[2])};
    if (export.row < 0)
        vb_api_export_missing(exchange);
    else if (reading && !reading->is_over && vb_api_export_is_active(&export) &&
             !exchange->loop->is_draining)
        go_on(exchange, reading);
    else
        answer(exchange, &export);
}

static void look(struct vb_http_exchange *exchange)
{
    char job[VB_UUID_TEXT];
    /* An id of another form is looked for as NULL: the key is still judged first. */
    bool is_id = vb_api_export_name(exchange, job);
    const char *const values[] = {exchange->request->arguments[0].data, is_id ? job : NULL};
    const struct vb_pg_step step = {&vb_api_sql[VB_API_SQL_EXPORT], values};
    const struct vb_api_entry entry = {.is_poll = true,
                                       .more = &step,
                                       .count = 1,
                                       .is_shared = true,
                                       .many = 2,
                                       .then = on_export};
    vb_api_enter(exchange, &entry);
}

/* False: no memory, and answered. */
static bool begin_wait(struct vb_http_exchange *exchange, struct vb_uuid job, int seconds)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    if (!reading) {
        struct vb_error err = {0};
        (void)vb_fail(&err, VB_NO_MEMORY, "no memory for a waiting request");
        vb_http_answer_error(exchange, &err);
        return false;
    }
    reading->seconds = seconds;
    exchange->state = reading;
    exchange->free_state = free_reading;
    vb_http_wait_begin(&reading->wait, exchange, job, seconds, on_woken);
    return true;
}

void vb_api_export_read_begin(struct vb_http_exchange *exchange)
{
    const struct vb_buffer *name = &exchange->request->arguments[1];
    int seconds = vb_http_prefer_wait(&exchange->head);
    struct vb_uuid job;
    bool waits = seconds > 0 && !exchange->is_head &&
                 vb_uuid_parse((struct vb_view){name->data, name->length}, &job) == VB_OK;
    if (seconds > MOST_SECONDS)
        seconds = MOST_SECONDS;
    if (!waits || begin_wait(exchange, job, seconds))
        look(exchange);
}
