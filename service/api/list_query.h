/* What the queries of all lists share: parameters with their rules, and how one is refused that
 * only the whole query can tell. See http/query.h for the tables, api/page.h for the pages.
 *
 * Constants, and functions without state; the loop's thread. Errors are answers: 422 in the words
 * of the exchange's door, 503 while there are no secrets to judge cursors by.
 */
#ifndef VERBATIM_API_LIST_QUERY_H
#define VERBATIM_API_LIST_QUERY_H

#include "http/query.h"
#include "site.h"

#define VB_LIST_USUAL 20 /* rows of a page */
#define VB_LIST_MOST 100
#define VB_LIST_FIRST_TIME INT64_C(253402300800000000) /* the year 10000: before every row */

/* Rows of a table of parameters. */
#define VB_LIST_LIMIT                                                                              \
    {                                                                                              \
        .name = "limit", .is_number = true, .least = 1, .most = VB_LIST_MOST, .type = "int_range", \
        .message = "Input should be a number from 1 to 100"                                        \
    }
#define VB_LIST_CURSOR                                                                             \
    {                                                                                              \
        .name = "cursor"                                                                           \
    }
#define VB_LIST_FORMAT                                                                             \
    {                                                                                              \
        .name = "format", .words = vb_list_formats, .type = "literal_error",                       \
        .message = "Input should be 'csv', 'json', 'ndjson', 'html', 'pdf' or 'xlsx'"              \
    }
#define VB_LIST_AUTHOR(member)                                                                     \
    {                                                                                              \
        .name = (member), .holds = vb_list_is_author, .type = "string_length",                     \
        .message = "Input should have 1 to 1000 bytes"                                             \
    }
#define VB_LIST_DAY(member)                                                                        \
    {                                                                                              \
        .name = (member), .holds = vb_list_is_day, .type = "date_parsing",                         \
        .message = "Input should be a valid date in the form YYYY-MM-DD"                           \
    }

/* Of exports; what only a newer version knows cannot be asked for. */
extern const char *const vb_list_formats[];
bool vb_list_is_author(struct vb_view text);
bool vb_list_is_day(struct vb_view text);
/* The moment behind the day. */
vb_instant vb_list_day_end(struct vb_zone *zone, struct vb_date day);

#define VB_LIST_NO_PLACE "Value error, cursor is not one of this list"
#define VB_LIST_NO_RANGE "Value error, to must not be before from"
/* `input` is what the parameter held. */
void vb_list_refuse(struct vb_http_exchange *exchange, const char *parameter, const char *rule,
                    const char *input);
/* False: answered, since no cursor can be judged or made yet. */
bool vb_list_can_begin(struct vb_http_exchange *exchange);

#endif
