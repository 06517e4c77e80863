/* The native door's resource, member by member (INTERFACE 7). See api/export.h.
 *
 * The link is made anew each time from what the job holds, so no URL is stored and each look gives
 * the same one.
 */
#include "export_field.h"
#include "storage/short_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool vb_api_export_status_is(const struct vb_api_export *export, const char *status)
{
    return vb_view_equals(vb_api_field(export, EXPORT_STATUS), vb_view_of(status));
}

bool vb_api_export_is_active(const struct vb_api_export *export)
{
    return !vb_api_export_status_is(export, "finished") &&
           !vb_api_export_status_is(export, "failed") &&
           !vb_api_export_status_is(export, "cancelled");
}

struct vb_view vb_api_export_key(const struct vb_api_export *export)
{
    return vb_api_field(export, EXPORT_KEY);
}

struct vb_view vb_api_export_id(const struct vb_api_export *export)
{
    return vb_api_field(export, EXPORT_ID);
}

vb_instant vb_api_export_created(const struct vb_api_export *export)
{
    return vb_api_field_time(export, EXPORT_CREATED);
}

/* Read and written again: the database keeps jsonb, which forgets the order of members. */
static enum vb_status print(struct vb_view stored, struct vb_buffer *out)
{
    struct vb_specification specification;
    struct vb_error err = {0};
    enum vb_status status = vb_specification_read(stored, &specification, &err);
    if (status != VB_OK)
        return status;
    status = vb_specification_write(&specification, false, out);
    vb_specification_done(&specification);
    return status;
}

/* As a caller would have to write it today, whatever order the database keeps its members in. Null
 * where it is none that this build can read: one old job must not make a list unreadable. */
static void put_specification(struct vb_json *json, const struct vb_api_export *export)
{
    struct vb_view stored = vb_api_field(export, EXPORT_SPECIFICATION);
    struct vb_buffer text;
    vb_json_name(json, "specification");
    if (vb_pg_boolean(export->rows, export->row, EXPORT_IS_PRINTED)) {
        vb_json_raw(json, stored.data);
        return;
    }
    vb_buffer_init(&text, 1u << 20);
    enum vb_status status = print(stored, &text);
    if (status == VB_OK)
        vb_json_raw(json, text.data);
    else
        vb_json_null(json);
    vb_buffer_done(&text);
}

/* What is left at the speed so far; null before there is one. */
static void put_eta(struct vb_json *json, const struct vb_api_export *export, int64_t done)
{
    int64_t total = vb_api_field_integer(export, EXPORT_TOTAL);
    vb_json_name(json, "eta_seconds");
    if (!vb_api_export_status_is(export, "started") || total <= 0 || done <= 0 ||
        vb_api_field_is_null(export, EXPORT_STARTED)) {
        vb_json_null(json);
        return;
    }
    double seconds =
        (double)(vb_clock_now() - vb_api_field_time(export, EXPORT_STARTED)) / (double)VB_SECOND;
    double left = seconds * (double)(total > done ? total - done : 0) / (double)done;
    vb_json_integer(json, left > 0 ? (int64_t)(left + 0.5) : 0);
}

static void put_progress(struct vb_json *json, const struct vb_api_export *export,
                         const struct vb_api_counts *counts)
{
    int64_t done = counts->of[COUNT_CONVERSATIONS];
    vb_json_name(json, "progress");
    vb_json_begin_object(json);
    vb_json_member_integer(json, "conversations_done", done);
    /* A small export is never counted before it is done. */
    if (vb_api_export_status_is(export, "finished"))
        vb_json_member_integer(json, "conversations_total", done);
    else
        vb_api_field_put_number(json, "conversations_total", export, EXPORT_TOTAL);
    vb_json_member_integer(json, "messages_done", counts->of[COUNT_MESSAGES]);
    if (vb_api_field_is_null(export, EXPORT_SIZE))
        vb_json_member_integer(json, "bytes_written", counts->of[COUNT_BYTES]);
    else
        vb_api_field_put_number(json, "bytes_written", export, EXPORT_SIZE);
    put_eta(json, export, done);
    vb_json_end_object(json);
}

bool vb_api_export_has_archive(const struct vb_api_export *export)
{
    return vb_api_export_status_is(export, "finished") &&
           !vb_api_field_is_null(export, EXPORT_KEY) &&
           !vb_pg_boolean(export->rows, export->row, EXPORT_DELETED);
}

/* There is a file, and the link of the store lives. */
static bool has_file(const struct vb_api_export *export)
{
    return vb_api_export_has_archive(export) && !vb_api_field_is_null(export, EXPORT_EXPIRES) &&
           vb_api_field_time(export, EXPORT_EXPIRES) > vb_clock_now();
}

vb_instant vb_api_export_file_end(const struct vb_http_exchange *exchange,
                                  const struct vb_api_export *export)
{
    if (!vb_api_export_has_archive(export))
        return INT64_MIN;
    const struct vb_options *options = exchange->loop->site->service->options;
    vb_instant end = vb_api_field_is_null(export, EXPORT_KEPT)
                         ? vb_api_field_time(export, EXPORT_FINISHED) + options->retention
                         : vb_api_field_time(export, EXPORT_KEPT);
    vb_instant link = vb_api_field_is_null(export, EXPORT_EXPIRES)
                          ? end
                          : vb_api_field_time(export, EXPORT_EXPIRES);
    return link > end ? link : end;
}

/* Listed while the archive is there, also when its link is dead. */
static void put_files(struct vb_json *json, const struct vb_api_export *export)
{
    vb_json_name(json, "files");
    vb_json_begin_array(json);
    if (vb_api_export_has_archive(export)) {
        char crc[16];
        (void)snprintf(crc, sizeof(crc), "%08" PRIx32,
                       (uint32_t)vb_api_field_integer(export, EXPORT_CRC));
        vb_json_begin_object(json);
        vb_api_field_put(json, "name", export, EXPORT_NAME);
        vb_api_field_put_number(json, "size", export, EXPORT_SIZE);
        vb_json_member_text(json, "crc32", vb_api_field_is_null(export, EXPORT_CRC) ? NULL : crc);
        vb_api_field_put(json, "content_type", export, EXPORT_TYPE);
        vb_json_end_object(json);
    }
    vb_json_end_array(json);
}

/* The link of the store, the same at each look; nothing is written where there is none, or for who
 * may not download. */
static enum vb_status append_link(struct vb_http_exchange *exchange,
                                  const struct vb_api_export *export, struct vb_buffer *ret_link,
                                  struct vb_error *err)
{
    struct vb_http_loop *loop = exchange->loop;
    if (!has_file(export) || !vb_role_may(exchange->request->access.role, VB_RIGHT_DOWNLOAD))
        return VB_OK;
    struct vb_buffer key;
    vb_buffer_init(&key, 2048);
    struct vb_view stored = vb_api_field(export, EXPORT_KEY);
    enum vb_status status = vb_buffer_append(&key, stored.data, stored.length);
    const char *slash = key.data ? strrchr(key.data, '/') : NULL;
    if (status == VB_OK)
        status = vb_storage_link(loop->site->service->storage, &loop->site->secrets, key.data,
                                 slash ? slash + 1 : key.data,
                                 vb_api_field_time(export, EXPORT_FINISHED),
                                 vb_api_field_time(export, EXPORT_EXPIRES), ret_link, err);
    else
        vb_fail(err, status, "the key of the object is too long");
    vb_buffer_done(&key);
    return status;
}

enum vb_status vb_api_export_short_link(struct vb_http_exchange *exchange,
                                        const struct vb_api_export *export,
                                        struct vb_buffer *ret_link, struct vb_error *err)
{
    const struct vb_api_site_loop *site = exchange->loop->site;
    char job[VB_UUID_TEXT];
    if (!vb_api_export_has_archive(export) || vb_api_field_is_null(export, EXPORT_LINK) ||
        vb_api_field_is_null(export, EXPORT_LINK_ENDS) ||
        vb_api_field_time(export, EXPORT_LINK_ENDS) <= vb_clock_now() ||
        !vb_role_may(exchange->request->access.role, VB_RIGHT_DOWNLOAD))
        return VB_OK;
    struct vb_view id = vb_api_field(export, EXPORT_ID);
    (void)snprintf(job, sizeof(job), "%.*s", (int)id.length, id.data);
    return vb_short_link_write(site->service->options->base_url, &site->secrets, job,
                               (int)vb_api_field_integer(export, EXPORT_LINK), ret_link, err);
}

/* The expiry of each is told only where the links could be made. */
static enum vb_status put_links(struct vb_http_exchange *exchange, struct vb_json *json,
                                const struct vb_api_export *export, struct vb_error *err)
{
    struct vb_buffer link, short_link;
    vb_buffer_init(&link, VB_HTTP_LINK_MOST);
    vb_buffer_init(&short_link, VB_HTTP_LINK_MOST);
    enum vb_status status = append_link(exchange, export, &link, err);
    if (status == VB_OK)
        status = vb_api_export_short_link(exchange, export, &short_link, err);
    if (status == VB_OK) {
        vb_json_member_text(json, "download_url", link.length > 0 ? link.data : NULL);
        vb_api_field_put_time(json, "download_url_expires_at", export, EXPORT_EXPIRES);
        vb_json_member_text(json, "link", short_link.length > 0 ? short_link.data : NULL);
        vb_api_field_put_time(json, "link_expires_at", export, EXPORT_LINK_ENDS);
    }
    vb_buffer_done(&short_link);
    vb_buffer_done(&link);
    return status;
}

/* What a list shows of it before all else. */
static void put_summary(struct vb_http_exchange *exchange, struct vb_json *json,
                        const struct vb_api_export *export)
{
    vb_api_field_put(json, "door", export, EXPORT_DOOR);
    vb_api_field_put(json, "name", export, EXPORT_NAME);
    vb_api_field_put(json, "subject", export, EXPORT_SUBJECT);
    vb_api_put_instant(json, "expires_at", vb_api_export_file_end(exchange, export));
    vb_api_put_mail(exchange->loop->site, json, vb_api_field(export, EXPORT_MAIL));
    vb_api_field_put(json, "waiting_for", export, EXPORT_WAITS);
    vb_api_field_put(json, "incomplete", export, EXPORT_INCOMPLETE);
}

static void put_end(struct vb_json *json, const struct vb_api_export *export,
                    const struct vb_api_counts *counts)
{
    vb_api_field_put(json, "error_message", export, EXPORT_ERROR);
    vb_api_field_put(json, "requested_by", export, EXPORT_AUTHOR);
    vb_api_field_put_time(json, "created_time", export, EXPORT_CREATED);
    vb_api_field_put_time(json, "started_time", export, EXPORT_STARTED);
    vb_api_field_put_time(json, "finished_time", export, EXPORT_FINISHED);
    vb_api_field_put_time(json, "as_of", export, EXPORT_AS_OF);
    vb_json_name(json, "segments");
    vb_json_begin_object(json);
    vb_json_member_integer(json, "recorded", counts->of[COUNT_RECORDED]);
    vb_json_member_integer(json, "running", counts->of[COUNT_RUNNING]);
    vb_json_member_integer(json, "waiting", counts->of[COUNT_WAITING]);
    vb_json_end_object(json);
    vb_json_member_integer(json, "attempts", counts->of[COUNT_ATTEMPTS]);
    vb_api_field_put_number(json, "media", export, EXPORT_MEDIA);
    vb_api_field_put_number(json, "media_failed", export, EXPORT_MEDIA_FAILED);
    vb_api_field_put_number(json, "bad_rows", export, EXPORT_BAD_ROWS);
}

enum vb_status vb_api_export_put(struct vb_http_exchange *exchange, struct vb_json *json,
                                 const struct vb_api_export *export, struct vb_error *err)
{
    const struct vb_api_counts counts = vb_api_field_counts(export);
    vb_json_begin_object(json);
    vb_api_field_put(json, "export_id", export, EXPORT_ID);
    vb_json_member_text(json, "workspace_id", exchange->request->arguments[0].data);
    vb_api_field_put(json, "status", export, EXPORT_STATUS);
    put_specification(json, export);
    put_progress(json, export, &counts);
    put_files(json, export);
    enum vb_status status = put_links(exchange, json, export, err);
    put_end(json, export, &counts);
    put_summary(exchange, json, export);
    vb_json_end_object(json);
    return status;
}

void vb_api_export_answer(struct vb_http_exchange *exchange, int status,
                          const struct vb_api_export *export)
{
    struct vb_error err = {0};
    struct vb_json json = vb_http_json(exchange);
    if (vb_api_export_put(exchange, &json, export, &err) == VB_OK)
        vb_http_answer_json(exchange, status, &json);
    else
        vb_http_answer_error(exchange, &err);
}

void vb_api_export_missing(struct vb_http_exchange *exchange)
{
    vb_http_answer_detail(exchange, 404, "Export not found.");
}

bool vb_api_export_name(struct vb_http_exchange *exchange, char ret_job[VB_UUID_TEXT])
{
    const struct vb_api_door *door = exchange->request->route->door;
    const struct vb_buffer *name = &exchange->request->arguments[door->names_workspace ? 1 : 0];
    struct vb_uuid uuid;
    if (vb_uuid_parse((struct vb_view){name->data, name->length}, &uuid) != VB_OK)
        return false;
    vb_uuid_format(uuid, ret_job);
    return true;
}
