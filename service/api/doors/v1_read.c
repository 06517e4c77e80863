/* GET of a job of the door "v1": what a client polls until its files are there. See INTERFACE 7.
 *
 * Statuses are the document's: queued, running, completed, failed; a cancelled job has failed, with
 * a word why. Only jobs of this door are seen.
 */
#include "routes.h"

#include "api/export_field.h"

#include <string.h>

/* A status that only a newer version knows is running. */
static const char *status_of(const struct vb_api_export *export)
{
    return vb_api_export_status_is(export, "queued")     ? "queued"
           : vb_api_export_is_active(export)             ? "running"
           : vb_api_export_status_is(export, "finished") ? "completed"
                                                         : "failed";
}

/* The layout of a table is this door's mode; other formats have one only. */
static void put_asked(struct vb_json *json, const struct vb_api_export *export)
{
    struct vb_specification specification;
    struct vb_error err = {0};
    bool is_known = vb_api_field_specification(export, &specification, &err) == VB_OK;
    bool is_messages =
        is_known && specification.layout && strcmp(specification.layout, "messages") == 0;
    vb_json_member_text(json, "format", is_known ? specification.format : NULL);
    vb_json_member_text(json, "mode", is_messages ? "messages" : "conversations");
    if (is_known)
        vb_specification_done(&specification);
}

/* The file stays listed while it is there; its URL is null once the link is dead or revoked, and
 * for who may not download. A short link, so that what is fetched from an object store is in the
 * audit as well. */
static enum vb_status put_files(struct vb_http_exchange *exchange, struct vb_json *json,
                                const struct vb_api_export *export, struct vb_error *err)
{
    struct vb_buffer link;
    vb_buffer_init(&link, VB_HTTP_LINK_MOST);
    enum vb_status status = vb_api_export_short_link(exchange, export, &link, err);
    vb_json_name(json, "files");
    vb_json_begin_array(json);
    if (vb_api_export_has_archive(export)) {
        vb_json_begin_object(json);
        vb_api_field_put(json, "name", export, EXPORT_NAME);
        vb_api_field_put_number(json, "size", export, EXPORT_SIZE);
        vb_json_member_text(json, "url", link.length > 0 ? link.data : NULL);
        vb_json_end_object(json);
    }
    vb_json_end_array(json);
    vb_buffer_done(&link);
    return status;
}

/* Written whole before it is known whether the link could be made: an error replaces it. */
static void on_seen(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    struct vb_error err = {0};
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_api_field_put(&json, "job_id", export, EXPORT_ID);
    vb_json_member_text(&json, "status", status_of(export));
    put_asked(&json, export);
    vb_json_member_integer(&json, "conversations",
                           vb_api_field_counts(export).of[COUNT_CONVERSATIONS]);
    vb_api_field_put_number(&json, "media", export, EXPORT_MEDIA);
    vb_api_field_put_number(&json, "media_failed", export, EXPORT_MEDIA_FAILED);
    vb_api_field_put_number(&json, "bad_rows", export, EXPORT_BAD_ROWS);
    enum vb_status status = put_files(exchange, &json, export, &err);
    vb_api_field_put_time(&json, "expires_at", export, EXPORT_LINK_ENDS);
    vb_api_field_put_error(&json, "error", export);
    vb_api_field_put_time(&json, "created_at", export, EXPORT_CREATED);
    vb_api_field_put_time(&json, "completed_at", export, EXPORT_FINISHED);
    vb_api_put_mail(exchange->loop->site, &json, vb_api_field(export, EXPORT_MAIL));
    vb_json_end_object(&json);
    if (status == VB_OK)
        vb_http_answer_json(exchange, 200, &json);
    else
        vb_http_answer_error(exchange, &err);
}

/* By vb_api_export_show: role, audience and door are judged there. */
void vb_v1_read_begin(struct vb_http_exchange *exchange)
{
    vb_api_export_show(exchange, NULL, false, on_seen);
}
