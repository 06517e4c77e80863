/* Handlers of the routes, and what they share: the key's check, and waiting for the database.
 *
 * All of it runs on the loop's thread; handlers never wait, they ask and are called back.
 */
#ifndef VERBATIM_SERVICE_HTTP_API_H
#define VERBATIM_SERVICE_HTTP_API_H

#include "http_server.h"
#include "http_sql.h"

/* The handlers of the route table. */
void http_create_begin(struct http_exchange *exchange);
void http_job_begin(struct http_exchange *exchange);
void http_alive_begin(struct http_exchange *exchange);
void http_ready_begin(struct http_exchange *exchange);
void http_metrics_begin(struct http_exchange *exchange);
void http_file_begin(struct http_exchange *exchange);

/* Sends the steps to Verbatim's database for this exchange; `then` gets the exchange as its context, must clear
 * exchange->ticket (http_ended does), and has to answer. Away: answered here. */
void http_ask(struct http_exchange *exchange, struct pg_pool *pool, const struct pg_step *steps,
              size_t count, pg_done *then);
/* Takes the ticket off; false: it failed, and was answered. */
bool http_ended(struct http_exchange *exchange, const struct pg_outcome *outcome);

/* The form of X-API-Key; false: 401 was answered. */
bool http_key_parse(struct http_exchange *exchange, char ret_key_id[16]);
/* Checks the row of HTTP_SQL_KEY, _WORKSPACE or _JOB; false: 401, 403 or 404 was answered, in this order. */
bool http_key_judge(struct http_exchange *exchange, const PGresult *row, bool any_workspace);

/* Field of a source result (text); NULL for SQL NULL. */
const char *http_text(const PGresult *result, int row, int column);

#endif
