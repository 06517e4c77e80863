/* GET of the exports of a workspace, the newest first, page by page: those of every door, as far as the key sees them.
 *
 * Polled like a single export, hence one round trip: the query is read before the key is judged, and complained of
 * behind it.
 */
#include "page.h"

static const struct http_page_list exports = {.has_status = true};

static void on_exports(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    http_page_exports(exchange, &exports, outcome->results[2], http_export_put);
}

static void list(struct http_exchange *exchange, const struct http_page *page)
{
    const char *const values[] = {exchange->request->arguments[0].data, page->status, page->time,
                                  page->id, page->most};
    const struct pg_step step = {&http_sql[HTTP_SQL_EXPORTS], values};
    const struct http_entry entry = {
        .is_poll = true, .more = &step, .count = 1, .then = on_exports};
    http_enter(exchange, &entry);
}

/* Secrets may have come meanwhile: then the cursor is good after all. */
static void refuse(struct http_exchange *exchange, const struct pg_outcome *outcome)
{
    (void)outcome;
    const struct http_page *page = http_page_begin(exchange, &exports);
    if (page)
        list(exchange, page);
}

void http_export_list_begin(struct http_exchange *exchange)
{
    static const struct http_entry refused = {.is_poll = true, .then = refuse};
    const struct http_page *page =
        exchange->loop->site->secrets.count > 0 ? http_page_peek(exchange, &exports) : NULL;
    if (page)
        list(exchange, page);
    else
        http_enter(exchange, &refused);
}
