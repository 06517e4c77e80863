/* What the viewers of a loop are told of a look. See api/events.h. */
#include "viewer.h"

#include "export.h"

#include "database/array.h"
#include "http/stream.h"

#include <string.h>

#define WORD_EVERY (15 * VB_SECOND) /* so that proxies and peers know that somebody is there */
#define EVENT_MOST (1u << 20)

/* One that cannot take it comes again, and begins anew. */
static void say(struct vb_api_viewer *viewer, struct vb_view text, int64_t now)
{
    viewer->said_at = now;
    if (vb_http_push(viewer->exchange, text) != VB_OK)
        vb_http_connection_break(viewer->exchange->connection);
}

void vb_api_viewer_ready(struct vb_api_viewer *viewer, int64_t now)
{
    viewer->is_ready = true;
    say(viewer, VB_VIEW("event: ready\nretry: 2000\ndata: {}\n\n"), now);
}

static bool has_text(const struct vb_words *words, struct vb_view text)
{
    for (size_t i = 0; i < words->count; i++)
        if (vb_view_equals(vb_view_of(words->items[i]), text))
            return true;
    return false;
}

static bool array_has(struct vb_view bytes, struct vb_view text)
{
    struct vb_pg_array array = vb_pg_array_of(bytes);
    struct vb_view each;
    while (vb_pg_array_next(&array, &each))
        if (each.data && vb_view_equals(each, text))
            return true;
    return false;
}

/* As KEY_SEES of api/sql.c: an editor sees what is of exactly its audience. */
static bool sees(const struct vb_access *access, const PGresult *rows, int row)
{
    if (!vb_view_equals(vb_pg_view(rows, row, CHANGES_WORKSPACE), vb_view_of(access->workspace)))
        return false;
    if (!access->is_restricted)
        return true;
    struct vb_view audience = vb_pg_view(rows, row, CHANGES_AUDIENCE), each;
    struct vb_pg_array array = vb_pg_array_of(audience);
    if (!audience.data)
        return false;
    while (vb_pg_array_next(&array, &each))
        if (!has_text(&access->audience, each))
            return false;
    for (size_t i = 0; i < access->audience.count; i++)
        if (!array_has(audience, vb_view_of(access->audience.items[i])))
            return false;
    return true;
}

/* One event is one line of data: JSON has line feeds between its words at most. */
static enum vb_status put_event(struct vb_buffer *out, const char *name,
                                const struct vb_buffer *json)
{
    enum vb_status status = vb_buffer_printf(out, "event: %s\ndata: ", name);
    size_t from = out->length;
    if (status == VB_OK)
        status = vb_buffer_append(out, json->data, json->length);
    for (size_t i = from; i < out->length; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
    return status == VB_OK ? vb_buffer_append_text(out, "\n\n") : status;
}

/* As this viewer may see it, and everybody of its workspace whose role has the same rights. */
static enum vb_status render(struct vb_http_exchange *exchange, const PGresult *rows, int row,
                             struct vb_buffer *out)
{
    struct vb_json json = vb_http_json(exchange);
    struct vb_error err = {0};
    enum vb_status status = VB_OK;
    bool is_gone = vb_pg_null(rows, row, EXPORT_ID);
    if (is_gone) {
        vb_json_begin_object(&json);
        vb_json_name(&json, "export_id");
        vb_json_view(&json, vb_pg_view(rows, row, CHANGES_JOB));
        vb_json_end_object(&json);
    } else {
        status = vb_api_export_put(exchange, &json, &(struct vb_api_export){rows, row}, &err);
    }
    if (status == VB_OK)
        status = vb_json_status(&json);
    return status == VB_OK ? put_event(out, is_gone ? "gone" : "export", json.out) : status;
}

/* Written once for those who may download and once for those who may not. */
static void tell_row(struct vb_api_site_loop *site, const struct vb_api_batch *batch, int row,
                     int64_t now)
{
    struct vb_buffer texts[2];
    vb_buffer_init(&texts[0], EVENT_MOST);
    vb_buffer_init(&texts[1], EVENT_MOST);
    for (struct vb_api_viewer *viewer = site->viewers; viewer; viewer = viewer->next) {
        const struct vb_access *access = &viewer->exchange->request->access;
        struct vb_buffer *text = &texts[vb_role_may(access->role, VB_RIGHT_DOWNLOAD)];
        if (viewer->first > batch->number || !sees(access, batch->rows, row))
            continue;
        if (text->length == 0 && render(viewer->exchange, batch->rows, row, text) != VB_OK)
            vb_http_connection_break(viewer->exchange->connection);
        else
            say(viewer, (struct vb_view){text->data, text->length}, now);
    }
    vb_buffer_done(&texts[0]);
    vb_buffer_done(&texts[1]);
}

/* Whose key or session has ended, or may something else: the page asks again, and is told. */
static void judge(struct vb_api_site_loop *site, const struct vb_api_batch *batch, int64_t now)
{
    struct vb_view good = vb_pg_view(batch->rows, 0, CHANGES_GOOD);
    for (struct vb_api_viewer *viewer = site->viewers; viewer; viewer = viewer->next) {
        if (viewer->first > batch->number)
            continue;
        if (batch->is_lost || !array_has(good, vb_view_of(viewer->who)))
            vb_http_push_end(viewer->exchange);
        else if (!viewer->is_ready)
            vb_api_viewer_ready(viewer, now);
    }
}

/* Rows by row, so that each viewer is told in the order in which things came about. */
void vb_api_batch_tell(struct vb_api_site_loop *site, const struct vb_api_batch *batch, int64_t now)
{
    judge(site, batch, now);
    for (int row = 0; row < PQntuples(batch->rows) && site->viewers; row++)
        if (batch->is_news[row])
            tell_row(site, batch, row, now);
}

void vb_api_viewers_word(struct vb_api_site_loop *site, int64_t now)
{
    for (struct vb_api_viewer *viewer = site->viewers; viewer; viewer = viewer->next)
        if (now - viewer->said_at >= WORD_EVERY)
            say(viewer, VB_VIEW(":\n\n"), now);
}
