/* The API's own description, and a page that shows it: files the build puts into the program
 * (cmake/Embed.cmake).
 *
 * The page draws what openapi.json says by a script of ours; without scripts it lists the route
 * table. It may load nothing from elsewhere, and its policy says so. Nobody is asked for a key.
 */
#include "api.h"

#include "database/embedded.h"

#include "verbatim/hash.h"

#include <stdio.h>
#include <string.h>

/* Of the page with its list of routes. */
#define PAGE (256u << 10)
#define MARK "<!-- routes -->" /* in docs.html */
/* In openapi.json, for what has no address yet: the place of base_url. */
#define SERVER "\"servers\": [{\"url\": "
#define SERVER_NONE "\"/\""
#define SERVED (2u << 20) /* the document with it */

/* Places in vb_document_files. */
enum { DOCUMENT, PAGE_FRAME, SCRIPT };

/* No inline scripts, and nothing from or to elsewhere. */
static const char policy[] = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; "
                             "connect-src 'self'; img-src data:; base-uri 'none'; "
                             "form-action 'none'; frame-ancestors 'none'";

/* Kept by caches, but asked about each time: another build may have other bytes. */
static void answer_tagged(struct vb_http_exchange *exchange, struct vb_view bytes,
                          const char *sha256, const char *type)
{
    char etag[40];
    (void)snprintf(etag, sizeof(etag), "\"%.32s\"", sha256);
    vb_http_answer_header(exchange, "ETag", etag);
    vb_http_answer_header(exchange, "Cache-Control", "no-cache");
    exchange->may_be_kept = true;
    if (vb_http_tag_is_held(exchange, etag))
        vb_http_answer_unchanged(exchange);
    else
        vb_http_answer(exchange, 200, type, bytes);
}

/* VB_INVALID: a document without the place, which the build would have embedded by mistake. */
static enum vb_status put_document(const char *base_url, struct vb_buffer *out)
{
    const struct vb_embedded *file = &vb_document_files[DOCUMENT];
    const char *at = strstr(file->bytes, SERVER SERVER_NONE);
    if (!at)
        return VB_INVALID;
    at += strlen(SERVER);
    enum vb_status status = vb_buffer_append(out, file->bytes, (size_t)(at - file->bytes));
    struct vb_json json;
    vb_json_init(&json, out);
    vb_json_text(&json, base_url);
    if (status == VB_OK)
        status = vb_json_status(&json);
    at += strlen(SERVER_NONE);
    if (status == VB_OK)
        status = vb_buffer_append(out, at, file->length - (size_t)(at - file->bytes));
    return status;
}

/* Clients that are made from the document call what stands there, behind a path of a proxy too. */
void vb_api_openapi_begin(struct vb_http_exchange *exchange)
{
    struct vb_buffer document;
    char sha256[VB_SHA256_HEX];
    vb_buffer_init(&document, SERVED);
    if (put_document(exchange->loop->site->service->options->base_url, &document) == VB_OK) {
        vb_sha256_hex(document.data, document.length, sha256);
        answer_tagged(exchange, (struct vb_view){document.data, document.length}, sha256,
                      "application/json");
    } else {
        vb_http_answer_detail(exchange, 500, "Internal Server Error");
    }
    vb_buffer_done(&document);
}

void vb_api_docs_script_begin(struct vb_http_exchange *exchange)
{
    const struct vb_embedded *file = &vb_document_files[SCRIPT];
    answer_tagged(exchange, (struct vb_view){file->bytes, file->length}, file->sha256,
                  "text/javascript; charset=utf-8");
}

/* What the page loads is beside `/docs`, not below it; relative, so a proxy's path stays. */
void vb_api_docs_slash_begin(struct vb_http_exchange *exchange)
{
    vb_http_answer_header(exchange, "Location", "../docs");
    vb_http_answer(exchange, 308, "", (struct vb_view){NULL, 0});
}

/* Patterns hold nothing that HTML would read otherwise. */
static enum vb_status put_routes(const struct vb_api_table *table, struct vb_buffer *page)
{
    const struct vb_api_route *route;
    enum vb_status status = VB_OK;
    for (size_t i = 0; (route = table->at(i)) && status == VB_OK; i++)
        status =
            vb_buffer_printf(page, "<li><code>%s %s</code></li>\n", route->method, route->pattern);
    return status;
}

/* VB_INVALID: a page without the mark, which the build would have embedded by mistake. */
static enum vb_status put_page(const struct vb_api_table *table, struct vb_buffer *page)
{
    const char *text = vb_document_files[PAGE_FRAME].bytes, *mark = strstr(text, MARK);
    if (!mark)
        return VB_INVALID;
    enum vb_status status = vb_buffer_append(page, text, (size_t)(mark - text));
    if (status == VB_OK)
        status = put_routes(table, page);
    if (status == VB_OK)
        status = vb_buffer_append_text(page, mark + strlen(MARK));
    return status;
}

void vb_api_docs_begin(struct vb_http_exchange *exchange)
{
    struct vb_buffer page;
    vb_buffer_init(&page, PAGE);
    vb_http_answer_header(exchange, "Content-Security-Policy", policy);
    vb_http_answer_header(exchange, "Referrer-Policy", "no-referrer");
    if (put_page(exchange->loop->site->table, &page) == VB_OK)
        vb_http_answer(exchange, 200, "text/html; charset=utf-8",
                       (struct vb_view){page.data, page.length});
    else
        vb_http_answer_detail(exchange, 500, "Internal Server Error");
    vb_buffer_done(&page);
}
