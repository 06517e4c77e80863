/* GET of an export's file: streamed from a directory, or passed on to the object store by a link of
 * a minute.
 *
 * Unlike the link of the resource it needs a key, so the audit knows who has it. See api/files.c
 * for ranges.
 */
#include "export.h"

#include <string.h>

void vb_api_export_send(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    char key[2048], job[VB_UUID_TEXT];
    struct vb_view stored = vb_api_export_key(export);
    if (stored.length >= sizeof(key) || !vb_api_export_name(exchange, job)) {
        vb_http_answer_detail(exchange, 500, "Internal Server Error");
        return;
    }
    memcpy(key, stored.data, stored.length);
    key[stored.length] = '\0';
    const struct vb_api_file file = {.key = key, .job = job, .seconds = VB_API_REDIRECT_SECONDS};
    vb_api_file_answer(exchange, &file);
}

/* Also behind the end of its link, which is for who has no key. 410 for what was there, 409 for what is not there yet or never will be. */
static void on_seen(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    if (vb_api_export_file_end(exchange, export) > vb_clock_now())
        vb_api_export_send(exchange, export);
    else if (vb_api_export_status_is(export, "finished"))
        vb_http_answer_detail(exchange, 410, "The export's file has expired.");
    else if (vb_api_export_is_active(export))
        vb_http_answer_detail(exchange, 409, "The export has not finished yet.");
    else
        vb_http_answer_detail(exchange, 409, "The export has no file: it failed or was cancelled.");
}

void vb_api_export_download_begin(struct vb_http_exchange *exchange)
{
    vb_api_export_show(exchange, NULL, false, on_seen);
}
