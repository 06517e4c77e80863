/* GET of an export job: one round trip to the database, one row, one JSON object.
 *
 * The link is made anew at each poll from what the job holds, so no URL is stored and each poll
 * gives the same one.
 */
#include "api.h"
#include "row_field.h"

#include "verbatim/uuid.h"

#include <stdio.h>
#include <string.h>

/* Of the rows of all that looked together, its own. */
struct job_row {
    const PGresult *rows;
    int row;
};

/* Statuses of the schema, compared as text. */
static bool row_is(const struct job_row *job, int column, const char *text)
{
    return vb_view_equals(vb_pg_view(job->rows, job->row, column), vb_view_of(text));
}

/* The wire's days count from 2000. */
static void put_date(struct vb_json *json, const char *name, const struct job_row *job, int column)
{
    struct vb_date date = vb_date_from_days(vb_pg_integer(job->rows, job->row, column) +
                                            VB_POSTGRES_EPOCH / VB_SECOND / 86400);
    char text[40];
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02d", date.year, date.month, date.day);
    vb_json_member_text(json, name, text);
}

/* The link into `out`; false: there is none (any more). `err` is set where it could not be made. */
static bool make_link(struct vb_http_exchange *exchange, const struct job_row *job,
                      struct vb_buffer *out, struct vb_error *err)
{
    vb_instant expires = vb_pg_integer(job->rows, job->row, JOB_EXPIRES) + VB_POSTGRES_EPOCH;
    if (!vb_role_may(exchange->request->access.role, VB_RIGHT_DOWNLOAD) ||
        !row_is(job, JOB_STATUS, "finished") || vb_pg_null(job->rows, job->row, JOB_EXPIRES) ||
        vb_pg_null(job->rows, job->row, JOB_KEY) ||
        vb_pg_boolean(job->rows, job->row, JOB_DELETED) || expires <= vb_clock_now())
        return false;
    char key[2048];
    struct vb_view stored = vb_pg_view(job->rows, job->row, JOB_KEY);
    if (stored.length >= sizeof(key))
        return false;
    memcpy(key, stored.data, stored.length);
    key[stored.length] = '\0';
    const char *slash = strrchr(key, '/');
    struct vb_http_loop *loop = exchange->loop;
    enum vb_status status = vb_storage_link(
        loop->site->service->storage, &loop->site->secrets, key, slash ? slash + 1 : key,
        vb_pg_integer(job->rows, job->row, JOB_FINISHED) + VB_POSTGRES_EPOCH, expires, out, err);
    return status == VB_OK;
}

/* Members in the order of the contract. Before the finish link and expiry are null, not absent. */
static void put_job(struct vb_http_exchange *exchange, const struct job_row *job,
                    struct vb_json *json, const char *link)
{
    bool is_cancelled = row_is(job, JOB_STATUS, "cancelled");
    vb_json_begin_object(json);
    vb_json_member_text(json, "export_job_id", exchange->request->arguments[1].data);
    vb_json_member_text(json, "workspace_id", exchange->request->arguments[0].data);
    vb_json_name(json, "channel_id");
    vb_json_view(json, vb_pg_view(job->rows, job->row, JOB_CHANNEL));
    put_date(json, "start_date", job, JOB_START);
    put_date(json, "end_date", job, JOB_END);
    vb_json_name(json, "status");
    /* This door's document knows no cancelled jobs. */
    vb_json_view(json,
                 is_cancelled ? VB_VIEW("failed") : vb_pg_view(job->rows, job->row, JOB_STATUS));
    vb_json_member_text(json, "presigned_url", link);
    vb_api_row_put_time(json, "presigned_url_expires_at", job->rows, job->row, JOB_EXPIRES);
    vb_json_name(json, "error_message");
    if (is_cancelled)
        vb_json_text(json, "Export cancelled.");
    else if (row_is(job, JOB_STATUS, "failed"))
        vb_json_view(json, vb_pg_view(job->rows, job->row, JOB_ERROR));
    else
        vb_json_null(json);
    vb_api_row_put_time(json, "created_time", job->rows, job->row, JOB_CREATED);
    vb_api_put_mail(exchange->loop->site, json, vb_pg_view(job->rows, job->row, JOB_MAIL));
    vb_api_row_put(json, "waiting_for", job->rows, job->row, JOB_WAITS);
    vb_api_row_put(json, "incomplete", job->rows, job->row, JOB_INCOMPLETE);
    vb_api_row_put_number(json, "bad_rows", job->rows, job->row, JOB_BAD_ROWS);
    vb_json_end_object(json);
}

static int own_row(const struct vb_http_exchange *exchange, const PGresult *rows)
{
    const struct vb_buffer *name = &exchange->request->arguments[1];
    struct vb_uuid wanted;
    if (vb_uuid_parse((struct vb_view){name->data, name->length}, &wanted) != VB_OK)
        return -1;
    const struct vb_view id = {(const char *)wanted.bytes, sizeof(wanted.bytes)};
    return vb_api_row_find(rows, JOB_ID, id);
}

/* A link that cannot be made is 503 rather than null: null would say that there is none. */
static void on_job(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    const struct job_row job = {outcome->results[2], own_row(exchange, outcome->results[2])};
    if (job.row < 0) {
        vb_http_answer_detail(exchange, 404, "Export job not found.");
        return;
    }
    struct vb_buffer link;
    vb_buffer_init(&link, VB_HTTP_LINK_MOST);
    struct vb_error err = {0};
    bool has_link = make_link(exchange, &job, &link, &err);
    if (err.status != VB_OK) {
        vb_http_answer_error(exchange, &err);
    } else {
        struct vb_json json = vb_http_json(exchange);
        put_job(exchange, &job, &json, has_link ? link.data : NULL);
        vb_http_answer_json(exchange, 200, &json);
    }
    vb_buffer_done(&link);
}

/* One row by its id, which is what clients ask for most: nothing is joined. */
void vb_api_job_begin(struct vb_http_exchange *exchange)
{
    char job[VB_UUID_TEXT];
    struct vb_buffer *name = &exchange->request->arguments[1];
    struct vb_uuid uuid;
    /* An id of another form is looked for as NULL: the key is still judged first. */
    bool is_uuid = vb_uuid_parse((struct vb_view){name->data, name->length}, &uuid) == VB_OK;
    if (is_uuid) {
        vb_uuid_format(uuid, job);
        memcpy(name->data, job, name->length); /* answered in its canonical form */
    }
    const char *const values[] = {exchange->request->arguments[0].data, is_uuid ? job : NULL};
    const struct vb_pg_step step = {&vb_api_sql[VB_API_SQL_JOB], values};
    const struct vb_api_entry entry = {
        .is_poll = true, .more = &step, .count = 1, .is_shared = true, .many = 2, .then = on_job};
    vb_api_enter(exchange, &entry);
}
