/* GET of the audit of a workspace's exports for people: the newest first, narrowed by who, where,
 * what and when. The door v1 has a list of its own, in its document's words. */
#include "manage.h"

#include "api/page.h"
#include "api/row_field.h"
#include "audit_filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void free_filter(void *state)
{
    vb_audit_filter_done(state);
    free(state);
}

static void put_deleted(struct vb_json *json, const PGresult *rows, int row)
{
    vb_json_name(json, "deleted");
    if (vb_pg_null(rows, row, AUDITS_DELETED)) {
        vb_json_null(json);
        return;
    }
    vb_json_begin_object(json);
    vb_api_row_put_time(json, "at", rows, row, AUDITS_DELETED);
    vb_api_row_put(json, "by", rows, row, AUDITS_DELETED_BY);
    vb_json_end_object(json);
}

/* Numbers of entries grow for ever, so they are texts; records are null until the end. */
static void put_entry(struct vb_json *json, const PGresult *rows, int row)
{
    char id[24];
    (void)snprintf(id, sizeof(id), "%" PRId64, vb_pg_integer(rows, row, AUDITS_ID));
    vb_json_begin_object(json);
    vb_json_member_text(json, "audit_id", id);
    vb_api_row_put_time(json, "at", rows, row, AUDITS_CREATED);
    vb_api_row_put(json, "author", rows, row, AUDITS_AUTHOR);
    vb_api_row_put(json, "door", rows, row, AUDITS_DOOR);
    vb_api_row_put(json, "format", rows, row, AUDITS_FORMAT);
    vb_api_row_put(json, "export_id", rows, row, AUDITS_JOB);
    vb_api_row_put_json(json, "specification", rows, row, AUDITS_FILTER);
    vb_api_row_put(json, "subject", rows, row, AUDITS_SUBJECT);
    vb_api_row_put(json, "status", rows, row, AUDITS_STATUS);
    vb_api_row_put_number(json, "records", rows, row, AUDITS_RECORDS);
    vb_api_row_put_json(json, "downloads", rows, row, AUDITS_DOWNLOADS);
    put_deleted(json, rows, row);
    vb_json_end_object(json);
}

static void on_page(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    struct vb_audit_filter *filter = exchange->state;
    if (!vb_api_ended(exchange, outcome))
        return;
    const PGresult *rows = outcome->results[1];
    struct vb_json json = vb_http_json(exchange);
    int row = 0, count = PQntuples(rows);
    vb_json_begin_object(&json);
    vb_json_name(&json, "entries");
    vb_json_begin_array(&json);
    for (; row < count && row < filter->limit && json.out->length < VB_API_PAGE_BYTES; row++) {
        put_entry(&json, rows, row);
        vb_audit_filter_pass(filter, rows, row);
    }
    vb_json_end_array(&json);
    vb_json_name(&json, "next_cursor");
    if (row < count)
        vb_audit_filter_put(exchange, &json, filter);
    else
        vb_json_null(&json);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

/* Behind the key, since an audit is for those alone whose role may read it. */
static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    struct vb_audit_filter *filter = calloc(1, sizeof(*filter));
    if (!filter) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the audit");
        return;
    }
    if (!vb_audit_filter_read(exchange, true, filter)) {
        free(filter);
        return;
    }
    exchange->state = filter;
    exchange->free_state = free_filter;
    const char *const enter[] = {exchange->request->access.workspace};
    const struct vb_pg_step steps[] = {
        {&vb_pg_enter[VB_PG_ENTER_READ], enter},
        vb_audit_filter_step(filter, exchange->request->access.workspace, filter->limit + 1)};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_page);
}

void vb_manage_audit_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
