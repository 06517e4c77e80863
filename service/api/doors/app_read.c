/* The door "app" beyond its POST: one export, the list of them, and the file. See INTERFACE 7.
 *
 * Only exports of this door are seen here. An expired one is still shown until the daily prune
 * takes row and file.
 */
#include "routes.h"

#include "api/page.h"
#include "app.h"
#include "database/step.h"

#include <stdio.h>
#include <string.h>

#define DOWNLOAD "/app/conversation-exports/"

static const struct vb_api_page_list list = {.name = "exports of the app"};

/* From the creation, not from the finish: the document promises it so. */
static vb_instant expiry_of(const struct vb_api_export *export)
{
    return vb_api_export_created(export) + VB_APP_KEPT;
}

/* Finished, also where the file has gone since. */
static bool is_ready(const struct vb_api_export *export)
{
    return vb_api_export_status_is(export, "finished");
}

/* By time, or since somebody took the file before. */
static bool has_expired(const struct vb_api_export *export)
{
    return expiry_of(export) <= vb_clock_now() ||
           (is_ready(export) && !vb_api_export_has_archive(export));
}

/* The document knows four; a cancelled export has failed for it. A status that only a newer version
 * knows is processing. */
static const char *status_of(const struct vb_api_export *export)
{
    return vb_api_export_status_is(export, "queued") ? "pending"
           : vb_api_export_is_active(export)         ? "processing"
           : is_ready(export)                        ? "ready"
                                                     : "failed";
}

/* --- the object --- */

/* As it was asked for, day or instant. */
static void put_moment(struct vb_json *json, const char *name, const struct vb_moment *moment)
{
    char text[VB_MOMENT_TEXT];
    if (moment->is_given)
        vb_moment_text(moment, text);
    vb_json_member_text(json, name, moment->is_given ? text : NULL);
}

/* Null members throughout where this build cannot read an old job: it must not make a list
 * unreadable. */
static void put_asked(struct vb_json *json, const struct vb_api_export *export)
{
    struct vb_specification specification = {0};
    struct vb_error err = {0};
    bool is_known = vb_api_field_specification(export, &specification, &err) == VB_OK;
    vb_json_member_text(json, "format", is_known ? specification.format : NULL);
    vb_json_name(json, "filters");
    vb_json_begin_object(json);
    vb_json_member_text(json, "agent_id", is_known ? specification.select : NULL);
    put_moment(json, "from", &specification.filter.from);
    put_moment(json, "to", &specification.filter.to);
    vb_json_end_object(json);
    if (is_known)
        vb_specification_done(&specification);
}

/* Our own route, not a link to the store: it asks for the key each time, so it may stand in an
 * object that is passed on. */
static enum vb_status put_download(struct vb_http_exchange *exchange, struct vb_json *json,
                                   const struct vb_api_export *export, struct vb_error *err)
{
    struct vb_view id = vb_api_export_id(export);
    struct vb_buffer url;
    vb_buffer_init(&url, VB_HTTP_LINK_MOST);
    enum vb_status status =
        vb_buffer_printf(&url, "%s" DOWNLOAD "%.*s/download",
                         exchange->loop->site->service->options->base_url, (int)id.length, id.data);
    bool is_shown = is_ready(export) && !has_expired(export);
    if (status == VB_OK)
        vb_json_member_text(json, "download_url", is_shown ? url.data : NULL);
    else
        vb_fail(err, status, "the URL of a download is too long");
    vb_buffer_done(&url);
    return status;
}

/* Members in the order of the document. VB_LIMIT or VB_NO_MEMORY where the URL could not be
 * made. */
static enum vb_status put_export(struct vb_http_exchange *exchange, struct vb_json *json,
                                 const struct vb_api_export *export, struct vb_error *err)
{
    vb_json_begin_object(json);
    vb_api_field_put(json, "id", export, EXPORT_ID);
    vb_json_member_text(json, "workspace_id", exchange->request->access.workspace);
    vb_json_member_text(json, "status", status_of(export));
    put_asked(json, export);
    if (is_ready(export)) {
        vb_api_field_put_number(json, "file_size", export, EXPORT_SIZE);
        vb_json_member_integer(json, "row_count",
                               vb_api_field_counts(export).of[COUNT_CONVERSATIONS]);
    } else {
        vb_json_member_text(json, "file_size", NULL);
        vb_json_member_text(json, "row_count", NULL);
    }
    vb_api_field_put_error(json, "error_message", export);
    vb_api_field_put_time(json, "created_at", export, EXPORT_CREATED);
    vb_api_put_instant(json, "expires_at", expiry_of(export));
    enum vb_status status = put_download(exchange, json, export, err);
    vb_json_end_object(json);
    return status;
}

void vb_app_answer(struct vb_http_exchange *exchange, int status,
                   const struct vb_api_export *export)
{
    struct vb_error err = {0};
    struct vb_json json = vb_http_json(exchange);
    if (put_export(exchange, &json, export, &err) == VB_OK)
        vb_http_answer_json(exchange, status, &json);
    else
        vb_http_answer_error(exchange, &err);
}

/* --- one export, and its file --- */

static void on_seen(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    vb_app_answer(exchange, 200, export);
}

void vb_app_read_begin(struct vb_http_exchange *exchange)
{
    vb_api_export_show(exchange, NULL, false, on_seen);
}

/* 410 before all else: a finished export that has expired is gone, not unready. */
static void on_wanted(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    if (has_expired(export))
        vb_http_answer_detail(exchange, 410, "The export has expired.");
    else if (is_ready(export))
        vb_api_export_send(exchange, export);
    else if (vb_api_export_is_active(export))
        vb_http_answer_detail(exchange, 409, "The export is not ready yet.");
    else
        vb_http_answer_detail(exchange, 409, "The export has failed: there is no file.");
}

void vb_app_download_begin(struct vb_http_exchange *exchange)
{
    vb_api_export_show(exchange, NULL, false, on_wanted);
}

/* --- the list --- */

/* Result 0 is the entry's. */
static void on_listed(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    if (vb_api_ended(exchange, outcome))
        vb_api_page_exports(exchange, &list, outcome->results[1], put_export);
}

/* Two round trips: the workspace is known by the key's row only. */
static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_api_page *page = vb_api_page_begin(exchange, &list);
    if (!page)
        return;
    const char *const values[] = {
        exchange->request->access.workspace, page->time, page->id, page->most, page->first,
        exchange->request->route->door->name};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], values},
                                       {&vb_api_sql[VB_API_SQL_EXPORTS_OF_DOOR], values}};
    vb_api_send(exchange, exchange->loop->site->main_pool, steps, 2, on_listed);
}

void vb_app_list_begin(struct vb_http_exchange *exchange)
{
    const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
