/* GET of the exports of a workspace, the newest first, page by page: those of every door, as far as
 * the key sees them.
 *
 * Polled like a single export, hence one round trip: the query is read before the key is judged,
 * and complained of behind it. A filter by days takes a second one.
 */
#include "page.h"

#include <string.h>

static const struct vb_api_page_list exports = {.has_filters = true};

static bool is_for(const struct vb_api_shown *shown, const struct vb_http_exchange *exchange)
{
    const struct vb_view target = {shown->target.data, shown->target.length};
    const struct vb_http_head *head = &exchange->head;
    return target.length == head->path.length + 1 + head->query.length &&
           memcmp(target.data, head->path.data, head->path.length) == 0 &&
           target.data[head->path.length] == '?' &&
           (head->query.length == 0 ||
            memcmp(target.data + head->path.length + 1, head->query.data, head->query.length) == 0);
}

/* For those behind it who share the rows, as the body lies in the loop's scratch. One that finds no
 * room is made anew for each. */
static void keep(struct vb_api_shown *shown, const struct vb_http_exchange *exchange,
                 uint64_t number)
{
    const struct vb_buffer *body = &exchange->loop->scratch;
    const struct vb_http_head *head = &exchange->head;
    shown->number = 0;
    vb_buffer_reset(&shown->target);
    vb_buffer_reset(&shown->body);
    if (vb_buffer_append(&shown->target, head->path.data, head->path.length) == VB_OK &&
        vb_buffer_append_byte(&shown->target, '?') == VB_OK &&
        (head->query.length == 0 ||
         vb_buffer_append(&shown->target, head->query.data, head->query.length) == VB_OK) &&
        body->length <= VB_API_SHOWN &&
        vb_buffer_append(&shown->body, body->data, body->length) == VB_OK)
        shown->number = number;
}

/* Who shares the rows has the same key, and so the same rights: with the same target it is the same
 * answer. */
static void on_exports(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    struct vb_api_shown *shown = &exchange->loop->site->list;
    if (shown->number == outcome->number && is_for(shown, exchange)) {
        vb_http_answer(exchange, 200, "application/json",
                       (struct vb_view){shown->body.data, shown->body.length});
        return;
    }
    vb_api_page_exports(exchange, &exports, outcome->results[2], vb_api_export_put);
    if (outcome->is_shared && exchange->status == 200)
        keep(shown, exchange, outcome->number);
}

/* The page is the state already, so its texts live until the callback. */
static void list(struct vb_http_exchange *exchange, const struct vb_api_page *page)
{
    bool is_narrow = page->statuses || page->doors || page->formats;
    enum vb_api_sql sql = page->author ? VB_API_SQL_EXPORTS_OF_AUTHOR
                          : is_narrow  ? VB_API_SQL_EXPORTS_OF_KIND
                                       : VB_API_SQL_EXPORTS;
    const char *const values[] = {exchange->request->arguments[0].data,
                                  page->time,
                                  page->id,
                                  page->most,
                                  page->first,
                                  page->statuses,
                                  page->doors,
                                  page->formats,
                                  page->author};
    const struct vb_pg_step step = {&vb_api_sql[sql], values};
    const struct vb_api_entry entry = {
        .is_poll = true, .more = &step, .count = 1, .is_shared = true, .then = on_exports};
    vb_api_enter(exchange, &entry);
}

/* What is known of the key by now goes: as a poll it is judged anew. */
static void on_zone(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    struct vb_api_page *page = exchange->state;
    if (!vb_api_page_days(exchange, page))
        return;
    vb_access_done(&exchange->request->access);
    list(exchange, page);
}

/* Days are those of the workspace, whose zone is known by the key's row only: one round trip
 * more. */
static void begin(struct vb_http_exchange *exchange, const struct vb_api_page *page)
{
    static const struct vb_api_entry zone = {.then = on_zone};
    if (page->has_days)
        vb_api_enter(exchange, &zone);
    else
        list(exchange, page);
}

/* Secrets may have come meanwhile: then the cursor is good after all. */
static void refuse(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_api_page *page = vb_api_page_begin(exchange, &exports);
    if (page)
        begin(exchange, page);
}

void vb_api_export_list_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry refused = {.is_poll = true, .then = refuse};
    const struct vb_api_page *page =
        exchange->loop->site->secrets.count > 0 ? vb_api_page_peek(exchange, &exports) : NULL;
    if (page)
        begin(exchange, page);
    else
        vb_api_enter(exchange, &refused);
}
