/* GET of what happens to the exports of a workspace, as server-sent events: one for each export
 * that has changed, of those that the key may see. See api/events.h.
 *
 * Source: HTML Standard, 9.2 (Server-sent events).
 */
#include "events.h"

#include "api.h"

#include "http/stream.h"

#include <stdio.h>

/* The key may have ended between its judgement and this look. */
static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    const PGresult *row = outcome->results[2];
    char word[33];
    if (PQntuples(row) < 1) {
        vb_api_refuse_key(exchange);
        return;
    }
    (void)snprintf(word, sizeof(word), "%s", PQgetvalue(row, 0, 0));
    if (exchange->is_head)
        vb_http_answer_stream_head(exchange, "text/event-stream");
    else
        vb_api_events_join(exchange, word);
}

void vb_api_export_events_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_pg_step word[] = {{&vb_api_sql[VB_API_SQL_KEY_WORD], NULL}};
    const struct vb_api_entry entry = {.more = word, .count = 1, .then = on_entered};
    vb_api_enter(exchange, &entry);
}
