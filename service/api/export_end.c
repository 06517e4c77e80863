/* Ends of an export by a caller: cancel, and delete. What they leave in the store is the janitor's, within moments.
 *
 * Both change the job in one transaction and show what became of it; a worker that still has a segment finds its claim
 * gone at its next word to the database. See the functions of the schema for what happens inside.
 */
#include "export.h"

#include <string.h>

/* Cancelling twice is what somebody does who saw no answer: no error. */
static void on_cancelled(struct http_exchange *exchange, const struct http_export *export)
{
    if (http_export_status_is(export, "cancelled"))
        http_export_answer(exchange, 200, export);
    else if (http_export_status_is(export, "finished"))
        http_answer_detail(exchange, 409, "The export has already finished.");
    else if (http_export_status_is(export, "failed"))
        http_answer_detail(exchange, 409, "The export has already failed.");
    else
        http_answer_detail(exchange, 409, "The export cannot be cancelled now.");
}

static void on_deleted(struct http_exchange *exchange, const struct http_export *export)
{
    (void)export;
    http_answer(exchange, 204, "", (struct vb_view){NULL, 0});
}

void http_export_cancel_begin(struct http_exchange *exchange)
{
    http_export_see(exchange, &http_sql[HTTP_SQL_EXPORT_CANCEL], false, on_cancelled);
}

void http_export_delete_begin(struct http_exchange *exchange)
{
    http_export_see(exchange, &http_sql[HTTP_SQL_EXPORT_DELETE], true, on_deleted);
}
