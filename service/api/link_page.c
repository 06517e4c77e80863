/* The page of a short link that leads nowhere. See api/link_page.h.
 *
 * One page for all, of fixed words, in the colours of the mails (mail/notice.c). Its style is its
 * own by a nonce, and nothing else may be loaded or run.
 */
#include "link_page.h"

#include "verbatim/hash.h"

#include <stdio.h>
#include <string.h>

#define PAGE (8u << 10)

struct words {
    int status;
    const char *detail; /* for programs */
    const char *title, *advice;
};

static const struct words words_of[VB_LINK_TROUBLES] = {
    [VB_LINK_UNKNOWN] = {404, "Link not found.", "This link leads nowhere",
                         "It may have been cut off on its way: copy it whole, to its last letter. "
                         "Or the export was deleted; then whoever sent you the link can make a "
                         "new one."},
    [VB_LINK_REVOKED] = {410, "The link was revoked.", "This link was withdrawn",
                         "Somebody who looks after the export has stopped it. Ask whoever sent you "
                         "the link for a new one."},
    [VB_LINK_EXPIRED] = {410, "The link has expired.", "This link has expired",
                         "Links to exports live for a limited time. Ask whoever sent you the link "
                         "for a new one."},
    [VB_LINK_GONE] = {410, "The export's file is not kept any longer.", "This file is gone",
                      "Exports are kept for a limited time, and this one's is over. It has to be "
                      "exported again."},
    [VB_LINK_AWAY] = {503, "The file cannot be reached. Try again later.",
                      "The file cannot be reached",
                      "This should pass by itself. Try the link again in a minute."},
};

/* The nonce, the title twice, and the advice. */
static const char page[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n<style nonce=\"%s\">\n"
    ":root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --line: #dfe3e8;"
    " --text: #1b2027; --quiet: #5b6573; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ground: #12151a; --card: #1a1f26;"
    " --line: #303843; --text: #e3e8ef; --quiet: #9ba6b4; } }\n"
    "body { margin: 0; padding: 12vh 1rem 2rem; background: var(--ground); color: var(--text);"
    " font: 1rem/1.55 system-ui, sans-serif; }\n"
    "main { box-sizing: border-box; max-width: 34rem; margin: 0 auto; padding: 2rem;"
    " background: var(--card); border: 1px solid var(--line); border-radius: 10px; }\n"
    "h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.3; }\n"
    "p { margin: 0; color: var(--quiet); }\n"
    "</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n<p>%s</p>\n</main>\n</body>\n</html>\n";

/* The quality of a media range's parameters, in thousandths; without a `q`, or with one that cannot
 * be read, 1000. */
static int quality_of(struct vb_view parameters)
{
    const char *at = memmem(parameters.data, parameters.length, "q=", 2);
    int quality = 0, scale = 1000;
    if (!at)
        return 1000;
    const char *end = parameters.data + parameters.length;
    for (at += 2; at < end && scale >= 1 && ((*at >= '0' && *at <= '9') || *at == '.'); at++) {
        if (*at == '.')
            continue;
        quality += (*at - '0') * scale;
        scale /= 10;
    }
    return scale == 1000 || quality > 1000 ? 1000 : quality;
}

/* The quality of one media type that is named, in thousandths; 0: it is not. */
static int liking_of(struct vb_view accept, const char *type)
{
    while (accept.length > 0) {
        const char *comma = memchr(accept.data, ',', accept.length);
        size_t length = comma ? (size_t)(comma - accept.data) : accept.length;
        struct vb_view range = {accept.data, length};
        while (range.length > 0 && (*range.data == ' ' || *range.data == '\t')) {
            range.data++;
            range.length--;
        }
        size_t name = 0;
        while (name < range.length && !strchr("; \t", range.data[name]))
            name++;
        if (vb_http_same_word((struct vb_view){range.data, name}, type))
            return quality_of((struct vb_view){range.data + name, range.length - name});
        length += comma != NULL;
        accept = (struct vb_view){accept.data + length, accept.length - length};
    }
    return 0;
}

/* Whether `Accept` (RFC 9110, 12.5.1) likes text/html better than application/json. Wildcards like
 * both alike, and decide nothing. */
static bool is_wanted(struct vb_view accept)
{
    return liking_of(accept, "text/html") > liking_of(accept, "application/json");
}

static void answer_page(struct vb_http_exchange *exchange, const struct words *words)
{
    char nonce[33], policy[160];
    unsigned char random[16];
    struct vb_buffer text;
    vb_buffer_init(&text, PAGE);
    vb_random_bytes(random, sizeof(random));
    vb_hex_encode(random, sizeof(random), nonce);
    (void)snprintf(policy, sizeof(policy),
                   "default-src 'none'; style-src 'nonce-%s'; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'none'",
                   nonce);
    vb_http_answer_error_header(exchange, "Content-Security-Policy", policy);
    enum vb_status status =
        vb_buffer_printf(&text, page, words->title, nonce, words->title, words->advice);
    if (status == VB_OK)
        vb_http_answer(exchange, words->status, "text/html; charset=utf-8",
                       (struct vb_view){text.data, text.length});
    else
        vb_http_answer_status(exchange, status, "a page");
    vb_buffer_done(&text);
}

void vb_link_page_answer(struct vb_http_exchange *exchange, enum vb_link_trouble trouble)
{
    const struct words *words = &words_of[trouble];
    struct vb_view accept = vb_http_header_value(&exchange->head, "accept", NULL);
    vb_http_answer_error_header(exchange, "Vary", "Accept");
    vb_http_answer_error_header(exchange, "Referrer-Policy", "no-referrer");
    if (words->status == 503)
        vb_http_answer_error_header(exchange, "Retry-After", "2");
    if (is_wanted(accept))
        answer_page(exchange, words);
    else
        vb_http_answer_detail(exchange, words->status, words->detail);
}
