/* `limit` and `cursor` of the lists of doors that take the workspace from the key. See http_cursor.h. */
#ifndef VERBATIM_SERVICE_HTTP_PAGE_H
#define VERBATIM_SERVICE_HTTP_PAGE_H

#include "http_cursor.h"
#include "http_server.h"

#define HTTP_PAGE_BYTES (512u << 10) /* of an answer, after which no further row is put */

struct http_page {
    int64_t limit;
    bool goes_on; /* behind `after`; else at the newest */
    struct http_cursor after;
};

/* For an exchange that has entered; becomes its state. `list` keeps the cursors of two lists apart. NULL: answered. */
struct http_page *http_page_begin(struct http_exchange *exchange, const char *list);
/* The member for the next page; `last` NULL: there is none. */
void http_page_put(struct http_exchange *exchange, struct vb_json *json, const char *member,
                   const char *list, const struct http_cursor *last);

#endif
