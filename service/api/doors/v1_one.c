/* Door "v1": GET /v1/conversations/{id}/export, one conversation, answered at once.
 *
 * `json` has everything there is about it; `csv` is the layout of messages; `pdf` is for people,
 * often the customer, so that it has what is included by default and no internal notes. Media would
 * need an archive: their URLs are in all. The workspace is the key's own.
 */
#include "routes.h"

#include "api/api.h"
#include "api/direct.h"

#include <jansson.h>
#include <string.h>

/* NULL: no memory. */
static json_t *make_document(const struct vb_http_exchange *exchange, const char *format)
{
    const char *id = exchange->request->arguments[0].data;
    if (strcmp(format, "pdf") == 0)
        return json_pack("{s:{s:[s]}, s:s, s:s}", "select", "conversation_ids", id, "format", "pdf",
                         "files", "single");
    if (strcmp(format, "csv") == 0)
        return json_pack("{s:{s:[s]}, s:s, s:s, s:s}", "select", "conversation_ids", id, "format",
                         "csv", "layout", "messages", "files", "single");
    return json_pack("{s:{s:[s]}, s:s, s:s, s:[s, s, s, s, s, s, s]}", "select", "conversation_ids",
                     id, "format", "json", "files", "single", "include", "messages", "customer",
                     "tags", "notes", "events", "skills", "citations");
}

static bool is_format(struct vb_view text)
{
    return vb_api_direct_format(text) || vb_view_equals(text, VB_VIEW("pdf"));
}

/* One format parameter is all that the route takes; the query's parser refuses others. */
static const struct vb_api_direct_offer offer = {
    .format = {.name = "format",
               .holds = is_format,
               .type = "enum",
               .message = "Input should be 'json', 'csv' or 'pdf'"},
    .missing = "Conversation not found.",
    .document = make_document,
};

void vb_v1_one_begin(struct vb_http_exchange *exchange)
{
    vb_api_direct_enter(exchange, &offer);
}
