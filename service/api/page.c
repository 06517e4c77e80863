/* See api/page.h. A page is the state of its exchange, and goes with it.
 *
 * A cursor is signed for its list and workspace together, so that one of the audit opens no list of
 * exports. Limits of a page are of rows and of bytes, whichever comes first.
 */
#include "page.h"

#include "rules/job_status.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL 20
#define MOST 100
#define CONTEXT 320u
#define FIRST_TIME INT64_C(253402300800000000) /* the year 10000 */

enum { LIMIT, CURSOR, STATUS, PARAMETERS };

static bool is_status(struct vb_view text)
{
    enum vb_job_status status;
    return vb_job_status_find(text, &status);
}

static const struct vb_http_parameter table[PARAMETERS] = {
    [LIMIT] = {.name = "limit",
               .is_number = true,
               .least = 1,
               .most = MOST,
               .type = "int_range",
               .message = "Input should be a number from 1 to 100"},
    [CURSOR] = {.name = "cursor"},
    [STATUS] = {.name = "status",
                .holds = is_status,
                .type = "literal_error",
                .message =
                    "Input should be 'queued', 'started', 'finished', 'failed' or 'cancelled'"},
};

/* `status` stands last, so that a table without it is a shorter one. */
static size_t parameters_of(const struct vb_api_page_list *list)
{
    return list->has_status ? PARAMETERS : STATUS;
}

/* What a cursor is signed for. `text` is room for it. */
static const char *context_of(const struct vb_http_exchange *exchange,
                              const struct vb_api_page_list *list, char text[CONTEXT])
{
    if (!list->name)
        return exchange->request->arguments[0].data;
    (void)snprintf(text, CONTEXT, "%s of %s", list->name, exchange->request->access.workspace);
    return text;
}

static void free_page(void *state)
{
    struct vb_api_page *page = state;
    vb_http_query_done(&page->query);
    free(page);
}

/* False: the cursor is none of this list. */
static bool find_place(const struct vb_http_exchange *exchange, const struct vb_api_page_list *list,
                       struct vb_api_page *page)
{
    char context[CONTEXT];
    const char *cursor = page->query.values[CURSOR].text;
    page->goes_on = cursor != NULL;
    page->after.created_at = FIRST_TIME;
    memset(page->after.id.bytes, 0xff, sizeof(page->after.id.bytes));
    return !cursor ||
           vb_api_cursor_read(&exchange->loop->site->secrets, context_of(exchange, list, context),
                              vb_view_of(cursor), &page->after) == VB_OK;
}

/* Parameters as texts: they live in the page, since the statement is sent behind this call. */
static void fill_page(struct vb_api_page *page)
{
    const struct vb_http_value *limit = &page->query.values[LIMIT];
    page->limit = limit->text ? limit->number : USUAL;
    page->status = page->query.values[STATUS].text;
    (void)snprintf(page->most, sizeof(page->most), "%" PRId64, page->limit + 1);
    (void)snprintf(page->time, sizeof(page->time), "%" PRId64, page->after.created_at);
    vb_uuid_format(page->after.id, page->id);
}

/* Takes the query over. VB_NO_MEMORY; VB_INVALID: the cursor is none of this list, which the state
 * still holds. */
static enum vb_status make_page(struct vb_http_exchange *exchange,
                                const struct vb_api_page_list *list, struct vb_http_query *query)
{
    struct vb_api_page *page = calloc(1, sizeof(*page));
    if (!page) {
        vb_http_query_done(query);
        return VB_NO_MEMORY;
    }
    page->query = *query;
    exchange->state = page;
    exchange->free_state = free_page;
    if (!find_place(exchange, list, page))
        return VB_INVALID;
    fill_page(page);
    return VB_OK;
}

/* So that vb_api_page_begin finds an exchange without state. */
static void drop_page(struct vb_http_exchange *exchange)
{
    if (exchange->state)
        free_page(exchange->state);
    exchange->state = NULL;
    exchange->free_state = NULL;
}

struct vb_api_page *vb_api_page_peek(struct vb_http_exchange *exchange,
                                     const struct vb_api_page_list *list)
{
    struct vb_http_query query;
    struct vb_problems problems;
    enum vb_status status =
        vb_http_query_parse(exchange->head.query, table, parameters_of(list), &query, &problems);
    vb_problems_done(&problems);
    if (status == VB_OK)
        status = make_page(exchange, list, &query);
    if (status != VB_OK)
        drop_page(exchange);
    return exchange->state;
}

/* The problem's root is the text that it shows, and goes with the list. */
static void refuse_cursor(struct vb_http_exchange *exchange, const char *cursor)
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
    vb_http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
}

struct vb_api_page *vb_api_page_begin(struct vb_http_exchange *exchange,
                                      const struct vb_api_page_list *list)
{
    struct vb_http_query query;
    /* The secrets have not been read once since the start: no cursor can be judged or made yet. */
    if (exchange->loop->site->secrets.count == 0) {
        vb_http_answer_error_header(exchange, "Retry-After", "2");
        vb_http_answer_detail(exchange, 503, "The database is not available. Try again later.");
        return NULL;
    }
    if (!vb_http_query_read(exchange, table, parameters_of(list), &query))
        return NULL;
    enum vb_status status = make_page(exchange, list, &query);
    struct vb_api_page *page = exchange->state;
    if (status == VB_OK)
        return page;
    if (status == VB_INVALID)
        refuse_cursor(exchange, page->query.values[CURSOR].text);
    else
        vb_http_answer_status(exchange, status, "the list");
    return NULL;
}

void vb_api_page_put(struct vb_http_exchange *exchange, struct vb_json *json, const char *member,
                     const struct vb_api_page_list *list, const struct vb_api_cursor *last)
{
    char text[VB_API_CURSOR_TEXT], context[CONTEXT];
    if (last)
        vb_api_cursor_write(&exchange->loop->site->secrets, context_of(exchange, list, context),
                            last, text);
    vb_json_member_text(json, member, last ? text : NULL);
}

/* Behind the row before the export's, unless that was the last. */
static enum vb_status put_next(struct vb_http_exchange *exchange, struct vb_json *json,
                               const struct vb_api_page_list *list,
                               const struct vb_api_export *export)
{
    struct vb_api_cursor cursor;
    const struct vb_api_export last = {export->rows, export->row - 1};
    bool is_end = export->row == PQntuples(export->rows);
    if (!is_end && vb_uuid_parse(vb_api_export_id(&last), &cursor.id) != VB_OK)
        return VB_INVALID;
    if (!is_end)
        cursor.created_at = vb_api_export_created(&last);
    vb_api_page_put(exchange, json, "next_cursor", list, is_end ? NULL : &cursor);
    return VB_OK;
}

/* One row more was asked for than is shown: it says that there is a next page. */
void vb_api_page_exports(
    struct vb_http_exchange *exchange, const struct vb_api_page_list *list, const PGresult *rows,
    enum vb_status (*put)(struct vb_http_exchange *exchange, struct vb_json *json,
                          const struct vb_api_export *export, struct vb_error *err))
{
    const struct vb_api_page *page = exchange->state;
    struct vb_error err = {0};
    struct vb_json json = vb_http_json(exchange);
    struct vb_api_export export = {rows, 0};
    int count = PQntuples(rows);
    enum vb_status status = VB_OK;
    vb_json_begin_object(&json);
    vb_json_name(&json, "exports");
    vb_json_begin_array(&json);
    for (; status == VB_OK && export.row < count && export.row < page->limit &&
           json.out->length < VB_API_PAGE_BYTES;
         export.row++) {
        status = put(exchange, &json, &export, &err);
    }
    vb_json_end_array(&json);
    if (status == VB_OK)
        status = put_next(exchange, &json, list, &export);
    vb_json_end_object(&json);
    if (status == VB_OK)
        vb_http_answer_json(exchange, 200, &json);
    else
        vb_http_answer_error(exchange, &err);
}
