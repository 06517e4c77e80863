/* Ends of an export by a caller: cancel, and delete. What they leave in the store is the janitor's,
 * within moments.
 *
 * Both change the job in one transaction and show what became of it; a worker that still has a
 * segment finds its claim gone at its next word to the database. See the functions of the schema
 * for what happens inside.
 */
#include "export.h"

#include <string.h>

/* Cancelling twice is what somebody does who saw no answer: no error. */
static void on_cancelled(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    if (vb_api_export_status_is(export, "cancelled"))
        vb_api_export_answer(exchange, 200, export);
    else if (vb_api_export_status_is(export, "finished"))
        vb_http_answer_detail(exchange, 409, "The export has already finished.");
    else if (vb_api_export_status_is(export, "failed"))
        vb_http_answer_detail(exchange, 409, "The export has already failed.");
    else
        vb_http_answer_detail(exchange, 409, "The export cannot be cancelled now.");
}

/* Deleting twice is 404 at the second time: the row is gone. */
static void on_deleted(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    (void)export;
    vb_http_answer(exchange, 204, "", (struct vb_view){NULL, 0});
}

void vb_api_export_cancel_begin(struct vb_http_exchange *exchange)
{
    vb_api_export_show(exchange, &vb_api_sql[VB_API_SQL_EXPORT_CANCEL], false, on_cancelled);
}

void vb_api_export_delete_begin(struct vb_http_exchange *exchange)
{
    vb_api_export_show(exchange, &vb_api_sql[VB_API_SQL_EXPORT_DELETE], true, on_deleted);
}
