/* GET of an export's life, moment by moment, the oldest first: from its row, its entry in the audit
 * and its mail. What the key may not see is not there, and has no history. */
#include "manage.h"

#include "api/export.h"
#include "api/row_field.h"

#include <string.h>

#define AUDIENCE (256u << 10)

enum { HISTORY_AT, HISTORY_KIND, HISTORY_BY };

static void put_event(struct vb_json *json, const PGresult *rows, int row)
{
    vb_json_begin_object(json);
    vb_api_row_put_time(json, "at", rows, row, HISTORY_AT);
    vb_api_row_put(json, "kind", rows, row, HISTORY_KIND);
    vb_api_row_put(json, "by", rows, row, HISTORY_BY);
    vb_json_end_object(json);
}

/* Whatever is there has been made. */
static void on_history(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (!vb_api_ended(exchange, outcome))
        return;
    const PGresult *rows = outcome->results[1];
    if (PQntuples(rows) == 0) {
        vb_api_export_missing(exchange);
        return;
    }
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "events");
    vb_json_begin_array(&json);
    for (int row = 0; row < PQntuples(rows); row++)
        put_event(&json, rows, row);
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_caller caller = vb_access_caller(&exchange->request->access);
    const char *audience = NULL;
    char job[VB_UUID_TEXT];
    struct vb_buffer text;
    vb_buffer_init(&text, AUDIENCE);
    if (!vb_api_export_name(exchange, job)) {
        vb_api_export_missing(exchange);
    } else if (vb_caller_audience(&caller, &text, &audience) != VB_OK) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "an audience");
    } else {
        const char *const values[] = {caller.workspace, job, audience};
        const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], values},
                                           {&vb_api_sql[VB_API_SQL_HISTORY], values}};
        vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_history);
    }
    vb_buffer_done(&text);
}

void vb_manage_history_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
