/* GET of a short link: the file, or the way to it, for whoever holds the link. See
 * storage/short_link.h.
 *
 * One round trip, and no key: the database tells of the export only to who holds the link. A
 * directory's file is streamed from here, so a revoked link stops with the next request. An object
 * store is passed on to by a fresh link, which cannot be called back: so it lives for minutes, long
 * enough for a slow start and for a browser that asks twice.
 */
#include "link_page.h"
#include "storage/short_link.h"

#include "verbatim/log.h"

#include <stdio.h>

#define STORE_SECONDS 600

static void refuse_file(struct vb_http_exchange *exchange, int status)
{
    vb_link_page_answer(exchange, status == 404 ? VB_LINK_GONE : VB_LINK_AWAY);
}

static enum vb_link_trouble trouble_of(struct vb_view state)
{
    return vb_view_equals(state, VB_VIEW("revoked"))   ? VB_LINK_REVOKED
           : vb_view_equals(state, VB_VIEW("expired")) ? VB_LINK_EXPIRED
                                                       : VB_LINK_GONE;
}

/* A link of the store never outlives the link that led to it. */
static void send_file(struct vb_http_exchange *exchange, const PGresult *row)
{
    int64_t left = vb_pg_integer(row, 0, OPENED_LEFT) / VB_SECOND;
    const struct vb_api_file file = {
        .key = vb_api_text(row, 0, OPENED_KEY),
        .job = vb_api_text(row, 0, OPENED_JOB),
        .is_by_link = true,
        .seconds = left > STORE_SECONDS ? STORE_SECONDS
                   : left > 0           ? left
                                        : 1,
        .refuse = refuse_file,
    };
    vb_http_answer_header(exchange, "Referrer-Policy", "no-referrer");
    vb_http_answer_header(exchange, "X-Robots-Tag", "noindex");
    vb_api_file_answer(exchange, &file);
}

/* Result 0 is the entry's. */
static void on_opened(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    exchange->ticket = NULL;
    if (outcome->status != VB_OK) {
        vb_warn("a link could not be looked up: %s", outcome->error.text);
        vb_link_page_answer(exchange, VB_LINK_AWAY);
        return;
    }
    const PGresult *row = outcome->results[1];
    if (PQntuples(row) == 0)
        vb_link_page_answer(exchange, VB_LINK_UNKNOWN);
    else if (!vb_view_equals(vb_pg_view(row, 0, OPENED_STATE), VB_VIEW("open")))
        vb_link_page_answer(exchange, trouble_of(vb_pg_view(row, 0, OPENED_STATE)));
    else
        send_file(exchange, row);
}

void vb_api_short_link_begin(struct vb_http_exchange *exchange)
{
    const struct vb_buffer *token = &exchange->request->arguments[0];
    struct vb_short_link link;
    struct vb_error err = {0};
    char number[12];
    if (vb_short_link_parse((struct vb_view){token->data, token->length}, &link) != VB_OK) {
        vb_link_page_answer(exchange, VB_LINK_UNKNOWN);
        return;
    }
    (void)snprintf(number, sizeof(number), "%d", link.number);
    const char *const nowhere[] = {""}, *const asked[] = {link.prefix, number, link.mac};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], nowhere},
                                       {&vb_api_sql[VB_API_SQL_LINK_OPEN], asked}};
    if (vb_pg_pool_send(exchange->loop->site->main_pool, steps, 2, on_opened, exchange,
                        &exchange->ticket, &err) != VB_OK)
        vb_link_page_answer(exchange, VB_LINK_AWAY);
}
