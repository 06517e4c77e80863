/* Door "v3": GET /v3/agents/{agentId}/convos/export, all conversations of one agent, answered at
 * once.
 *
 * `json` is the renderer of turns, which no specification may name; `csv` the layout of messages.
 * The workspace is the key's own.
 */
#include "routes.h"

#include "api/api.h"
#include "api/direct.h"

#include <jansson.h>
#include <string.h>

/* NULL: no memory. */
static json_t *make_document(const struct vb_http_exchange *exchange, const char *format)
{
    const char *agent = exchange->request->arguments[0].data;
    if (strcmp(format, "csv") == 0)
        return json_pack("{s:{s:s}, s:s, s:s, s:s}", "select", "assistant_id", agent, "format",
                         "csv", "layout", "messages", "files", "single");
    return json_pack("{s:{s:s}, s:s, s:s, s:[s, s, s, s]}", "select", "assistant_id", agent,
                     "format", "json", "files", "single", "include", "messages", "customer", "tags",
                     "notes");
}

/* `turns` is for this door alone: no specification may name it. */
static const struct vb_api_direct_offer offer = {
    .format = {.name = "format",
               .holds = vb_api_direct_format,
               .type = "enum",
               .message = "Input should be 'csv' or 'json'"},
    .missing = "Agent not found.",
    .document = make_document,
    .json_layout = "turns",
};

void vb_v3_export_begin(struct vb_http_exchange *exchange)
{
    vb_api_direct_enter(exchange, &offer);
}
