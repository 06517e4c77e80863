/* GET of the audit of a workspace's exports, the newest first: those of every door, also the ones answered at once.
 *
 * Entries are never changed, so behind an entry a list always goes on at the same one. See INTERFACE 7.
 */
#include "routes.h"

#include "api/export_field.h"
#include "api/page.h"

static const struct http_page_list list = {.name = "audit"};

static void put_view(struct vb_json *json, const char *name, const PGresult *rows, int row,
                     int column)
{
    vb_json_name(json, name);
    vb_json_view(json, pg_view(rows, row, column));
}

/* JSON that the database has written. */
static void put_json(struct vb_json *json, const char *name, const PGresult *rows, int row,
                     int column)
{
    vb_json_name(json, name);
    vb_json_raw(json, PQgetvalue(rows, row, column));
}

static void put_entry(struct vb_json *json, const PGresult *rows, int row)
{
    vb_json_begin_object(json);
    put_view(json, "author", rows, row, AUDITS_AUTHOR);
    http_put_instant(json, "created_at", pg_integer(rows, row, AUDITS_CREATED) + VB_POSTGRES_EPOCH);
    put_json(json, "filter", rows, row, AUDITS_FILTER);
    put_view(json, "format", rows, row, AUDITS_FORMAT);
    vb_json_name(json, "records");
    if (pg_null(rows, row, AUDITS_RECORDS))
        vb_json_null(json); /* not finished, or never */
    else
        vb_json_integer(json, pg_integer(rows, row, AUDITS_RECORDS));
    put_json(json, "downloads", rows, row, AUDITS_DOWNLOADS);
    put_view(json, "door", rows, row, AUDITS_DOOR);
    put_view(json, "job_id", rows, row, AUDITS_JOB);
    vb_json_end_object(json);
}

static void on_audits(void *context, const struct pg_outcome *outcome)
{
    struct http_exchange *exchange = context;
    const struct http_page *page = exchange->state;
    if (!http_ended(exchange, outcome))
        return;
    const PGresult *rows = outcome->results[1];
    struct vb_json json = http_json(exchange);
    struct http_cursor last = {0};
    int row = 0, count = PQntuples(rows);
    vb_json_begin_object(&json);
    vb_json_name(&json, "entries");
    vb_json_begin_array(&json);
    for (; row < count && row < page->limit && json.out->length < HTTP_PAGE_BYTES; row++) {
        put_entry(&json, rows, row);
        last.created_at = pg_integer(rows, row, AUDITS_ID);
    }
    vb_json_end_array(&json);
    http_page_put(exchange, &json, "next", &list, row < count ? &last : NULL);
    vb_json_end_object(&json);
    http_answer_json(exchange, 200, &json);
}

static void on_entered(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    (void)outcome;
    const struct http_page *page = http_page_begin(exchange, &list);
    if (!page)
        return;
    const char *const values[] = {exchange->request->access.workspace,
                                  page->goes_on ? page->time : NULL, page->most};
    const struct pg_step steps[] = {{&pg_enter[PG_ENTER_READ], values},
                                    {&http_sql[HTTP_SQL_AUDITS], values}};
    http_ask(exchange, exchange->loop->site->main_pool, steps, 2, on_audits);
}

void http_v1_audit_begin(struct http_exchange *exchange)
{
    const struct http_entry entry = {.then = on_entered};
    http_enter(exchange, &entry);
}
