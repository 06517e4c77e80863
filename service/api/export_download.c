/* GET of an export's file: streamed from a directory, or passed on to the object store by a link of a minute.
 *
 * Unlike the link of the resource it needs a key, so the audit knows who has it. See api/files.c for ranges.
 */
#include "export.h"

#include <string.h>

void http_export_send(struct http_exchange *exchange, const struct http_export *export)
{
    char key[2048], job[VB_UUID_TEXT];
    struct vb_view stored = http_export_key(export);
    if (stored.length >= sizeof(key) || !http_export_name(exchange, job)) {
        http_answer_detail(exchange, 500, "Internal Server Error");
        return;
    }
    memcpy(key, stored.data, stored.length);
    key[stored.length] = '\0';
    http_file_answer(exchange, key, job);
}

static void on_seen(struct http_exchange *exchange, const struct http_export *export)
{
    if (http_export_has_file(export))
        http_export_send(exchange, export);
    else if (http_export_status_is(export, "finished"))
        http_answer_detail(exchange, 410, "The export's file has expired.");
    else if (http_export_is_active(export))
        http_answer_detail(exchange, 409, "The export has not finished yet.");
    else
        http_answer_detail(exchange, 409, "The export has no file: it failed or was cancelled.");
}

void http_export_download_begin(struct http_exchange *exchange)
{
    http_export_see(exchange, NULL, false, on_seen);
}
