/* GET of the audit of a workspace's exports, the newest first: those of every door, also the ones
 * answered at once.
 *
 * Entries are never changed, so behind an entry a list always goes on at the same one. See
 * INTERFACE 7.
 */
#include "routes.h"

#include "api/page.h"
#include "api/row_field.h"
#include "database/pool.h"

static const struct vb_api_page_list list = {.name = "audit"};

/* `records` and `downloads` come from rows behind the entry, which never changes itself. */
static void put_entry(struct vb_json *json, const PGresult *rows, int row)
{
    vb_json_begin_object(json);
    vb_api_row_put(json, "author", rows, row, AUDITS_AUTHOR);
    vb_api_row_put_time(json, "created_at", rows, row, AUDITS_CREATED);
    vb_api_row_put_json(json, "filter", rows, row, AUDITS_FILTER);
    vb_api_row_put(json, "format", rows, row, AUDITS_FORMAT);
    vb_api_row_put_number(json, "records", rows, row, AUDITS_RECORDS);
    vb_api_row_put_json(json, "downloads", rows, row, AUDITS_DOWNLOADS);
    vb_api_row_put(json, "door", rows, row, AUDITS_DOOR);
    vb_api_row_put(json, "job_id", rows, row, AUDITS_JOB);
    vb_json_end_object(json);
}

/* The cursor's time is an entry's number here: it counts upwards as times do. */
static void on_audits(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    const struct vb_api_page *page = exchange->state;
    if (!vb_api_ended(exchange, outcome))
        return;
    const PGresult *rows = outcome->results[1];
    struct vb_json json = vb_http_json(exchange);
    struct vb_api_cursor last = {0};
    int row = 0, count = PQntuples(rows);
    vb_json_begin_object(&json);
    vb_json_name(&json, "entries");
    vb_json_begin_array(&json);
    for (; row < count && row < page->limit && json.out->length < VB_API_PAGE_BYTES; row++) {
        put_entry(&json, rows, row);
        last.created_at = vb_pg_integer(rows, row, AUDITS_ID);
    }
    vb_json_end_array(&json);
    vb_api_page_put(exchange, &json, "next", &list, row < count ? &last : NULL);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

/* Behind the key, since an audit is for those alone whose role may read it. */
static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_api_page *page = vb_api_page_begin(exchange, &list);
    if (!page)
        return;
    const char *const values[] = {exchange->request->access.workspace,
                                  page->goes_on ? page->time : NULL, page->most};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], values},
                                       {&vb_api_sql[VB_API_SQL_AUDITS], values}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_audits);
}

void vb_v1_audit_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
