/* Pages of a list, cut behind a row. See http_page.h. Runs on the loop's thread. */
#include "http_page.h"

#include "http_query.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define USUAL 20
#define MOST 100
#define CONTEXT 320u

enum { LIMIT, CURSOR, PARAMETERS };

static const struct http_parameter table[PARAMETERS] = {
    [LIMIT] = {.name = "limit",
               .is_number = true,
               .least = 1,
               .most = MOST,
               .type = "int_range",
               .message = "Input should be a number from 1 to 100"},
    [CURSOR] = {.name = "cursor"},
};

/* What a cursor is signed for. */
static void name_context(const struct http_exchange *exchange, const char *list,
                         char context[CONTEXT])
{
    (void)snprintf(context, CONTEXT, "%s of %s", list, exchange->access.workspace);
}

static void refuse_cursor(struct http_exchange *exchange, const char *cursor)
{
    json_t *text = json_string(cursor);
    const struct vb_problem problem = {.type = "value_error",
                                       .member = "cursor",
                                       .index = -1,
                                       .message = "Value error, cursor is not one of this list",
                                       .input = text};
    struct vb_problems problems;
    vb_problems_init(&problems);
    problems.place = "query";
    problems.root = text;
    vb_problems_add(&problems, &problem);
    http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
}

static bool take(struct http_exchange *exchange, const char *list, struct http_page *page)
{
    struct http_query query;
    char context[CONTEXT];
    if (!http_query_take(exchange, table, PARAMETERS, &query))
        return false;
    const char *cursor = query.values[CURSOR].text;
    page->limit = query.values[LIMIT].text ? query.values[LIMIT].number : USUAL;
    page->goes_on = cursor != NULL;
    name_context(exchange, list, context);
    bool is_good = !cursor || http_cursor_read(&exchange->loop->secrets, context,
                                               vb_view_of(cursor), &page->after) == VB_OK;
    if (!is_good)
        refuse_cursor(exchange, cursor);
    http_query_done(&query);
    return is_good;
}

struct http_page *http_page_begin(struct http_exchange *exchange, const char *list)
{
    /* The secrets have not been read once since the start: no cursor can be judged or made yet. */
    if (exchange->loop->secrets.count == 0) {
        http_answer_header(exchange, "Retry-After", "2");
        http_answer_detail(exchange, 503, "The database is not available. Try again later.");
        return NULL;
    }
    struct http_page *page = calloc(1, sizeof(*page));
    if (!page) {
        struct vb_error err = {0};
        (void)vb_fail_retryable(&err, VB_NO_MEMORY, "no memory for a list");
        http_answer_error(exchange, &err);
        return NULL;
    }
    exchange->state = page;
    exchange->free_state = free;
    return take(exchange, list, page) ? page : NULL;
}

void http_page_put(struct http_exchange *exchange, struct vb_json *json, const char *member,
                   const char *list, const struct http_cursor *last)
{
    char text[HTTP_CURSOR_TEXT], context[CONTEXT];
    name_context(exchange, list, context);
    if (last)
        http_cursor_write(&exchange->loop->secrets, context, last, text);
    vb_json_member_text(json, member, last ? text : NULL);
}
