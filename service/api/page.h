/* The lists of all doors: `limit`, `cursor` and perhaps filters, and pages cut behind a row. See
 * api/cursor.h.
 *
 * A page may hold fewer rows than were asked for where they are large; only a null for the next one
 * says that it was the last.
 *
 * A page is the state of its exchange and is freed with it; its texts live as long. The loop's
 * thread. Errors are answers: 422 for a query that breaks a rule or a cursor of another list, 503
 * while there are no secrets to judge cursors by.
 */
#ifndef VERBATIM_API_PAGE_H
#define VERBATIM_API_PAGE_H

#include "cursor.h"
#include "export.h"
#include "http/query.h"

#define VB_API_PAGE_BYTES (512u << 10) /* of an answer, after which no further row is put */

struct vb_api_page_list {
    const char *name; /* keeps the cursors of a workspace's lists apart; NULL: the native one */
    /* `status`, `door` and `format` (several of each), `requested_by`, and `from` and `to`: days of
     * the creation */
    bool has_filters;
};

struct vb_api_page {
    int64_t limit;
    bool goes_on; /* behind `after`; else at the newest */
    struct vb_api_cursor after;
    /* As parameters: one row more than the limit, which only tells whether there is a next page,
     * and the row behind which to begin, which is behind every row there can be unless it goes
     * on. */
    char most[24], time[24], id[VB_UUID_TEXT];
    /* Of the filters, likewise: array literals, NULL: any; the first moment that is shown, which is
     * before every one unless there is a `from`. */
    const char *statuses, *doors, *formats, *author;
    char first[24];
    bool has_days; /* vb_api_page_days is to be called before `time`, `id` and `first` are used */
    char words[3][VB_HTTP_LIST];
    struct vb_moment from, to;
    const char *refused; /* the parameter that breaks `rule`, of what only all of them can tell */
    const char *rule;
    struct vb_http_query query;
};

/* Becomes the exchange's state. NULL: answered, which is for exchanges that have entered: nobody
 * without a good key is told about his query. */
struct vb_api_page *vb_api_page_begin(struct vb_http_exchange *exchange,
                                      const struct vb_api_page_list *list);
/* The same before the key is judged, for a list that is one round trip. NULL: nothing was answered,
 * and there is no page; vb_api_page_begin says why. */
struct vb_api_page *vb_api_page_peek(struct vb_http_exchange *exchange,
                                     const struct vb_api_page_list *list);
/* Days of the workspace's zone as moments. False: answered, where there is no such zone here. */
bool vb_api_page_days(struct vb_http_exchange *exchange, struct vb_api_page *page);
/* The member for the next page; `last` NULL: there is none. */
void vb_api_page_put(struct vb_http_exchange *exchange, struct vb_json *json, const char *member,
                     const struct vb_api_page_list *list, const struct vb_api_cursor *last);

/* Answers with the page's exports: rows of VB_JOB_VIEW, each written by `put`. */
void vb_api_page_exports(
    struct vb_http_exchange *exchange, const struct vb_api_page_list *list, const PGresult *rows,
    enum vb_status (*put)(struct vb_http_exchange *exchange, struct vb_json *json,
                          const struct vb_api_export *export, struct vb_error *err));

#endif
