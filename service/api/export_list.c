/* GET of the exports of a workspace, the newest first, page by page: those of every door, as far as
 * the key sees them.
 *
 * Polled like a single export, hence one round trip: the query is read before the key is judged,
 * and complained of behind it.
 */
#include "page.h"

static const struct vb_api_page_list exports = {.has_status = true};

static void on_exports(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    vb_api_page_exports(exchange, &exports, outcome->results[2], vb_api_export_put);
}

/* The page is the state already, so its texts live until the callback. */
static void list(struct vb_http_exchange *exchange, const struct vb_api_page *page)
{
    const char *const values[] = {exchange->request->arguments[0].data, page->status, page->time,
                                  page->id, page->most};
    const struct vb_pg_step step = {&vb_api_sql[VB_API_SQL_EXPORTS], values};
    const struct vb_api_entry entry = {
        .is_poll = true, .more = &step, .count = 1, .then = on_exports};
    vb_api_enter(exchange, &entry);
}

/* Secrets may have come meanwhile: then the cursor is good after all. */
static void refuse(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    const struct vb_api_page *page = vb_api_page_begin(exchange, &exports);
    if (page)
        list(exchange, page);
}

void vb_api_export_list_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry refused = {.is_poll = true, .then = refuse};
    const struct vb_api_page *page =
        exchange->loop->site->secrets.count > 0 ? vb_api_page_peek(exchange, &exports) : NULL;
    if (page)
        list(exchange, page);
    else
        vb_api_enter(exchange, &refused);
}
