/* GET of an export's file: streamed from a directory, or passed on to the object store by a link of
 * its own. To be shown by a browser it is passed on in either case, to a place where no session is
 * at stake.
 *
 * Unlike the link of the resource it needs a key, so the audit knows who has it. See api/files.c
 * for ranges.
 */
#include "export.h"

#include <string.h>

#define KEY_MOST 2048u

/* False: answered. */
static bool take_key(struct vb_http_exchange *exchange, const struct vb_api_export *export,
                     char key[KEY_MOST], char job[VB_UUID_TEXT])
{
    struct vb_view stored = vb_api_export_key(export);
    if (stored.length >= KEY_MOST || !vb_api_export_name(exchange, job)) {
        vb_http_answer_detail(exchange, 500, "Internal Server Error");
        return false;
    }
    memcpy(key, stored.data, stored.length);
    key[stored.length] = '\0';
    return true;
}

/* The link ends with the file, and after a while in any case. Here it is known who looks, so here
 * it is noted. */
static void send_to_view(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    const struct vb_api_site_loop *site = exchange->loop->site;
    char key[KEY_MOST], job[VB_UUID_TEXT];
    vb_instant now = vb_clock_now(), end = vb_api_export_file_end(exchange, export);
    int64_t left = (end - now) / VB_SECOND + 1;
    struct vb_error err = {0};
    struct vb_buffer link;
    if (!take_key(exchange, export, key, job))
        return;
    vb_buffer_init(&link, VB_HTTP_LINK_MOST);
    if (vb_storage_view_link(site->service->storage, &site->secrets, key, now,
                             left < VB_API_VIEW_SECONDS ? left : VB_API_VIEW_SECONDS,
                             exchange->is_head, &link, &err) == VB_OK) {
        if (!exchange->is_head)
            vb_api_audit_download(exchange, job, NULL);
        vb_http_answer_header(exchange, "Location", link.data);
        vb_http_answer_detail(exchange, 302, "Found");
    } else {
        vb_http_answer_error(exchange, &err);
    }
    vb_buffer_done(&link);
}

void vb_api_export_send(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    char key[KEY_MOST], job[VB_UUID_TEXT];
    if (!take_key(exchange, export, key, job))
        return;
    const struct vb_api_file file = {
        .key = key,
        .job = job,
        .seconds = vb_api_redirect_seconds(vb_api_export_file_end(exchange, export))};
    vb_api_file_answer(exchange, &file);
}

static void refuse_disposition(struct vb_http_exchange *exchange)
{
    static const struct vb_problem problem = {.type = "enum",
                                              .member = "disposition",
                                              .index = -1,
                                              .message =
                                                  "Input should be 'attachment' or 'inline'"};
    struct vb_problems problems;
    vb_problems_init(&problems);
    problems.place = "query";
    vb_problems_add(&problems, &problem);
    vb_http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
}

/* Also behind the end of its link, which is for who has no key. 410 for what was there, 409 for
 * what is not there yet or never will be. */
static void on_seen(struct vb_http_exchange *exchange, const struct vb_api_export *export)
{
    bool is_shown = false;
    enum vb_status status = vb_api_file_is_shown(exchange, &is_shown);
    if (status == VB_NO_MEMORY)
        vb_http_answer_status(exchange, status, "the query");
    else if (status != VB_OK)
        refuse_disposition(exchange);
    else if (vb_api_export_file_end(exchange, export) > vb_clock_now())
        (is_shown ? send_to_view : vb_api_export_send)(exchange, export);
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
