/* The files of the console's page, with a policy under which nothing but they can run.
 *
 * Asked for without a key: they hold nothing of anybody. Caches may keep them, but ask each time,
 * since another build may have other bytes at the same path.
 */
#include "console.h"

#include "api/api.h"

#include "console/files.h"

#include <stdio.h>
#include <string.h>

/* Nothing inline, nothing from or to elsewhere, in nobody's frame. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/* Browsers are told not to guess: a script or style of another type would not be taken. */
static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".json", "application/json"},
    };
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].ending, ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static const struct vb_embedded *find(const char *name)
{
    for (const struct vb_embedded *file = vb_console_files; file->name; file++)
        if (strcmp(file->name, name) == 0)
            return file;
    return NULL;
}

/* The policy goes out with a 304 as well: it may be another one for the same bytes. Each form of a
 * file has a tag of its own, since caches compare bytes. */
static void answer_file(struct vb_http_exchange *exchange, const char *name)
{
    const struct vb_embedded *file = find(name);
    bool is_packed = file && file->packed && vb_http_accepts_coding(&exchange->head, "gzip");
    char etag[48];
    if (!file) {
        vb_http_answer_detail(exchange, 404, "Not Found");
        return;
    }
    (void)snprintf(etag, sizeof(etag), "\"%.32s%s\"", file->sha256, is_packed ? ".gz" : "");
    if (is_packed)
        vb_http_answer_header(exchange, "Content-Encoding", "gzip");
    vb_http_answer_header(exchange, "Vary", "Accept-Encoding");
    vb_http_answer_header(exchange, "ETag", etag);
    vb_http_answer_header(exchange, "Cache-Control", "no-cache");
    vb_http_answer_header(exchange, "Content-Security-Policy", policy);
    vb_http_answer_header(exchange, "Referrer-Policy", "no-referrer");
    vb_http_answer_header(exchange, "Cross-Origin-Opener-Policy", "same-origin");
    exchange->may_be_kept = true;
    if (vb_http_tag_is_held(exchange, etag))
        vb_http_answer_unchanged(exchange);
    else
        vb_http_answer(exchange, 200, type_of(name),
                       is_packed ? (struct vb_view){file->packed, file->packed_length}
                                 : (struct vb_view){file->bytes, file->length});
}

/* Relative, so that it is right behind a proxy that serves us below a path of its own. */
void vb_console_root_begin(struct vb_http_exchange *exchange)
{
    vb_http_answer_header(exchange, "Location", "console/");
    vb_http_answer(exchange, 308, "", (struct vb_view){NULL, 0});
}

void vb_console_page_begin(struct vb_http_exchange *exchange)
{
    answer_file(exchange, VB_CONSOLE_PAGE);
}

void vb_console_asset_begin(struct vb_http_exchange *exchange)
{
    answer_file(exchange, exchange->request->arguments[0].data);
}
