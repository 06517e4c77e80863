/* Short links of an export: revoked, or one more issued.
 *
 * Both act in every process at once, since a link is judged by the job's row each time it is
 * opened. What a link led to before goes on: bytes under way, and a link of the object store for as
 * long as that lives (api/link.c).
 */
#include "export_field.h"

/* Revoking twice is what somebody does who saw no answer: no error. */
static void on_revoked(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    if (vb_api_export_is_active(export))
        vb_http_answer_detail(exchange, 409, "The export has not finished yet.");
    else if (!vb_api_export_status_is(export, "finished"))
        vb_http_answer_detail(exchange, 409, "The export has no file: it failed or was cancelled.");
    else
        vb_api_export_answer(exchange, 200, export);
}

void vb_api_link_revoke_begin(struct vb_http_exchange *exchange)
{
    vb_api_export_show(exchange, &vb_api_sql[VB_API_SQL_LINK_REVOKE], false, on_revoked);
}

/* Of a finished export: the archive is gone or about to be, or 255 links were issued. */
static void refuse_issue(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    if (vb_api_export_is_active(export))
        vb_http_answer_detail(exchange, 409, "The export has not finished yet.");
    else if (!vb_api_export_status_is(export, "finished"))
        vb_http_answer_detail(exchange, 409, "The export has no file: it failed or was cancelled.");
    else if (vb_api_field_is_null(export, EXPORT_LINK) && vb_api_export_has_archive(export))
        vb_http_answer_detail(exchange, 409, "The export has had too many links.");
    else
        vb_http_answer_detail(exchange, 410, "The export's file has expired.");
}

static void on_issued(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    struct vb_error err = {0};
    struct vb_buffer link;
    vb_buffer_init(&link, VB_HTTP_LINK_MOST);
    enum vb_status status = vb_api_export_short_link(exchange, export, &link, &err);
    if (status != VB_OK) {
        vb_http_answer_error(exchange, &err);
    } else if (link.length == 0) {
        refuse_issue(exchange, export);
    } else {
        struct vb_json json = vb_http_json(exchange);
        vb_json_begin_object(&json);
        vb_json_member_text(&json, "url", link.data);
        vb_api_field_put_time(&json, "expires_at", export, EXPORT_LINK_ENDS);
        vb_json_end_object(&json);
        vb_http_answer_json(exchange, 201, &json);
    }
    vb_buffer_done(&link);
}

void vb_api_link_issue_begin(struct vb_http_exchange *exchange)
{
    vb_api_export_show(exchange, &vb_api_sql[VB_API_SQL_LINK_ISSUE], false, on_issued);
}
