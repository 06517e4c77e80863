/* The native door's resource, member by member (INTERFACE 7). See http_export.h.
 *
 * The link is made anew each time from what the job holds, so no URL is stored and each look gives the same one.
 */
#include "http_export.h"

#include "verbatim/specification.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_view(struct vb_json *json, const char *name, const PGresult *rows, int row,
                     int column)
{
    vb_json_name(json, name);
    vb_json_view(json, pg_view(rows, row, column));
}

static void put_number(struct vb_json *json, const char *name, const PGresult *rows, int row,
                       int column)
{
    vb_json_name(json, name);
    if (pg_null(rows, row, column))
        vb_json_null(json);
    else
        vb_json_integer(json, pg_integer(rows, row, column));
}

/* The wire's microseconds count from 2000. */
static vb_instant time_of(const PGresult *rows, int row, int column)
{
    return pg_integer(rows, row, column) + VB_POSTGRES_EPOCH;
}

static void put_time(struct vb_json *json, const char *name, const PGresult *rows, int row,
                     int column)
{
    char text[VB_INSTANT_TEXT];
    vb_json_name(json, name);
    if (pg_null(rows, row, column)) {
        vb_json_null(json);
        return;
    }
    vb_instant_text(time_of(rows, row, column), text);
    vb_json_text(json, text);
}

static bool status_is(const PGresult *rows, int row, const char *status)
{
    return vb_view_equals(pg_view(rows, row, EXPORT_STATUS), vb_view_of(status));
}

/* As a caller would have to write it today, whatever order the database keeps its members in. */
static enum vb_status put_specification(struct vb_json *json, const PGresult *rows, int row,
                                        struct vb_error *err)
{
    struct vb_specification specification;
    struct vb_buffer text;
    enum vb_status status =
        vb_specification_read(pg_view(rows, row, EXPORT_SPECIFICATION), &specification, err);
    if (status != VB_OK)
        return status;
    vb_buffer_init(&text, 1u << 20);
    status = vb_specification_write(&specification, false, &text);
    if (status == VB_OK) {
        vb_json_name(json, "specification");
        vb_json_raw(json, text.data);
    } else {
        vb_fail(err, status, "no memory for a specification");
    }
    vb_buffer_done(&text);
    vb_specification_done(&specification);
    return status;
}

/* What is left at the speed so far; null before there is one. */
static void put_eta(struct vb_json *json, const PGresult *rows, int row)
{
    int64_t done = pg_integer(rows, row, EXPORT_CONVERSATIONS);
    int64_t total = pg_integer(rows, row, EXPORT_TOTAL);
    vb_json_name(json, "eta_seconds");
    if (!status_is(rows, row, "started") || total <= 0 || done <= 0 ||
        pg_null(rows, row, EXPORT_STARTED)) {
        vb_json_null(json);
        return;
    }
    double seconds =
        (double)(vb_clock_now() - time_of(rows, row, EXPORT_STARTED)) / (double)VB_SECOND;
    double left = seconds * (double)(total > done ? total - done : 0) / (double)done;
    vb_json_integer(json, left > 0 ? (int64_t)(left + 0.5) : 0);
}

static void put_progress(struct vb_json *json, const PGresult *rows, int row)
{
    vb_json_name(json, "progress");
    vb_json_begin_object(json);
    put_number(json, "conversations_done", rows, row, EXPORT_CONVERSATIONS);
    /* A small export is never counted before it is done. */
    put_number(json, "conversations_total", rows, row,
               status_is(rows, row, "finished") ? EXPORT_CONVERSATIONS : EXPORT_TOTAL);
    put_number(json, "messages_done", rows, row, EXPORT_MESSAGES);
    put_number(json, "bytes_written", rows, row,
               pg_null(rows, row, EXPORT_SIZE) ? EXPORT_BYTES : EXPORT_SIZE);
    put_eta(json, rows, row);
    vb_json_end_object(json);
}

static bool has_file(const PGresult *rows, int row)
{
    return status_is(rows, row, "finished") && !pg_null(rows, row, EXPORT_KEY) &&
           !pg_boolean(rows, row, EXPORT_DELETED);
}

static void put_files(struct vb_json *json, const PGresult *rows, int row)
{
    vb_json_name(json, "files");
    vb_json_begin_array(json);
    if (has_file(rows, row)) {
        char crc[16];
        (void)snprintf(crc, sizeof(crc), "%08" PRIx32, (uint32_t)pg_integer(rows, row, EXPORT_CRC));
        vb_json_begin_object(json);
        put_view(json, "name", rows, row, EXPORT_NAME);
        put_number(json, "size", rows, row, EXPORT_SIZE);
        vb_json_member_text(json, "crc32", pg_null(rows, row, EXPORT_CRC) ? NULL : crc);
        put_view(json, "content_type", rows, row, EXPORT_TYPE);
        vb_json_end_object(json);
    }
    vb_json_end_array(json);
}

static enum vb_status put_link(struct http_exchange *exchange, struct vb_json *json,
                               const PGresult *rows, int row, struct vb_error *err)
{
    struct http_loop *loop = exchange->loop;
    struct vb_buffer link, key;
    vb_buffer_init(&link, 8192);
    vb_buffer_init(&key, 2048);
    enum vb_status status = VB_OK;
    bool is_shown = has_file(rows, row) && !pg_null(rows, row, EXPORT_EXPIRES) &&
                    time_of(rows, row, EXPORT_EXPIRES) > vb_clock_now() &&
                    http_role_may(exchange->access.role, HTTP_RIGHT_DOWNLOAD);
    if (is_shown) {
        struct vb_view stored = pg_view(rows, row, EXPORT_KEY);
        status = vb_buffer_append(&key, stored.data, stored.length);
        const char *slash = key.data ? strrchr(key.data, '/') : NULL;
        if (status == VB_OK)
            status =
                vb_storage_link(loop->http->service->storage, &loop->secrets, key.data,
                                slash ? slash + 1 : key.data, time_of(rows, row, EXPORT_FINISHED),
                                time_of(rows, row, EXPORT_EXPIRES), &link, err);
        else
            vb_fail(err, status, "the key of the object is too long");
    }
    if (status == VB_OK) {
        vb_json_member_text(json, "download_url", is_shown ? link.data : NULL);
        put_time(json, "download_url_expires_at", rows, row, EXPORT_EXPIRES);
    }
    vb_buffer_done(&key);
    vb_buffer_done(&link);
    return status;
}

static void put_end(struct vb_json *json, const PGresult *rows, int row)
{
    put_view(json, "error_message", rows, row, EXPORT_ERROR);
    put_view(json, "requested_by", rows, row, EXPORT_AUTHOR);
    put_time(json, "created_time", rows, row, EXPORT_CREATED);
    put_time(json, "started_time", rows, row, EXPORT_STARTED);
    put_time(json, "finished_time", rows, row, EXPORT_FINISHED);
    put_time(json, "as_of", rows, row, EXPORT_AS_OF);
    vb_json_name(json, "segments");
    vb_json_begin_object(json);
    put_number(json, "recorded", rows, row, EXPORT_RECORDED);
    put_number(json, "running", rows, row, EXPORT_RUNNING);
    put_number(json, "waiting", rows, row, EXPORT_WAITING);
    vb_json_end_object(json);
    put_number(json, "attempts", rows, row, EXPORT_ATTEMPTS);
}

enum vb_status http_export_put(struct http_exchange *exchange, struct vb_json *json,
                               const PGresult *rows, int row, struct vb_error *err)
{
    vb_json_begin_object(json);
    put_view(json, "export_id", rows, row, EXPORT_ID);
    vb_json_member_text(json, "workspace_id", exchange->access.workspace);
    put_view(json, "status", rows, row, EXPORT_STATUS);
    enum vb_status status = put_specification(json, rows, row, err);
    if (status != VB_OK)
        return status;
    put_progress(json, rows, row);
    put_files(json, rows, row);
    status = put_link(exchange, json, rows, row, err);
    put_end(json, rows, row);
    vb_json_end_object(json);
    return status;
}
