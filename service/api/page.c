/* See api/page.h. A page is the state of its exchange, and goes with it.
 *
 * A cursor is signed for its list and workspace together, so that one of the audit opens no list of
 * exports. Limits of a page are of rows and of bytes, whichever comes first.
 */
#include "page.h"

#include "list_query.h"

#include "verbatim/zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 320u

enum { LIMIT, CURSOR, STATUS, DOOR, FORMAT, REQUESTED_BY, FROM, TO, PARAMETERS };

/* Words that are stored with jobs; what only a newer version knows cannot be asked for here. */
static const char *const statuses[] = {"queued", "started",   "finished",
                                       "failed", "cancelled", NULL};
static const char *const doors[] = {"main", "native", "app", "v1", "console", NULL};

static const struct vb_http_parameter table[PARAMETERS] = {
    [LIMIT] = VB_LIST_LIMIT,
    [CURSOR] = VB_LIST_CURSOR,
    [STATUS] = {.name = "status",
                .words = statuses,
                .type = "literal_error",
                .message =
                    "Input should be 'queued', 'started', 'finished', 'failed' or 'cancelled'"},
    [DOOR] = {.name = "door",
              .words = doors,
              .type = "literal_error",
              .message = "Input should be 'main', 'native', 'app', 'v1' or 'console'"},
    [FORMAT] = VB_LIST_FORMAT,
    [REQUESTED_BY] = VB_LIST_AUTHOR("requested_by"),
    [FROM] = VB_LIST_DAY("from"),
    [TO] = VB_LIST_DAY("to"),
};

/* Filters stand last, so that a table without them is a shorter one. */
static size_t parameters_of(const struct vb_api_page_list *list)
{
    return list->has_filters ? PARAMETERS : STATUS;
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
    page->after.created_at = VB_LIST_FIRST_TIME;
    memset(page->after.id.bytes, 0xff, sizeof(page->after.id.bytes));
    return !cursor ||
           vb_api_cursor_read(&exchange->loop->site->secrets, context_of(exchange, list, context),
                              vb_view_of(cursor), &page->after) == VB_OK;
}

/* False: the range ends before it begins. Texts hold their rules already. */
static bool fill_days(struct vb_api_page *page)
{
    const char *from = page->query.values[FROM].text, *to = page->query.values[TO].text;
    page->has_days = from || to;
    page->from.is_given = from && vb_date_parse(vb_view_of(from), &page->from.date) == VB_OK;
    page->to.is_given = to && vb_date_parse(vb_view_of(to), &page->to.date) == VB_OK;
    return !from || !to || vb_date_compare(page->from.date, page->to.date) <= 0;
}

static void fill_place(struct vb_api_page *page, vb_instant first)
{
    (void)snprintf(page->time, sizeof(page->time), "%" PRId64, page->after.created_at);
    (void)snprintf(page->first, sizeof(page->first), "%" PRId64, first);
    vb_uuid_format(page->after.id, page->id);
}

/* Parameters as texts: they live in the page, since the statement is sent behind this call. */
static void fill_page(struct vb_api_page *page)
{
    const struct vb_http_value *values = page->query.values;
    page->limit = values[LIMIT].text ? values[LIMIT].number : VB_LIST_USUAL;
    page->statuses = vb_http_value_list(&values[STATUS], statuses, page->words[0]);
    page->doors = vb_http_value_list(&values[DOOR], doors, page->words[1]);
    page->formats = vb_http_value_list(&values[FORMAT], vb_list_formats, page->words[2]);
    page->author = values[REQUESTED_BY].text;
    (void)snprintf(page->most, sizeof(page->most), "%" PRId64, page->limit + 1);
    fill_place(page, VB_INSTANT_FIRST);
}

/* The day after the last one begins where the list may begin, if its place is not behind that. */
bool vb_api_page_days(struct vb_http_exchange *exchange, struct vb_api_page *page)
{
    vb_instant first = VB_INSTANT_FIRST;
    struct vb_zone *zone = vb_api_zone(exchange);
    if (!zone)
        return false;
    if (page->from.is_given)
        first = vb_zone_day_start(zone, page->from.date);
    if (page->to.is_given) {
        vb_instant end = vb_list_day_end(zone, page->to.date);
        if (end <= page->after.created_at)
            page->after = (struct vb_api_cursor){.created_at = end};
    }
    fill_place(page, first);
    return true;
}

/* Takes the query over. VB_NO_MEMORY; VB_INVALID: the page, which is the state all the same, says
 * what is refused. */
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
    if (!find_place(exchange, list, page)) {
        page->refused = "cursor";
        page->rule = VB_LIST_NO_PLACE;
    } else if (!fill_days(page)) {
        page->refused = "to";
        page->rule = VB_LIST_NO_RANGE;
    }
    fill_page(page);
    return page->refused ? VB_INVALID : VB_OK;
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

static void refuse(struct vb_http_exchange *exchange, const struct vb_api_page *page)
{
    bool is_cursor = strcmp(page->refused, table[CURSOR].name) == 0;
    vb_list_refuse(exchange, page->refused, page->rule,
                   page->query.values[is_cursor ? CURSOR : TO].text);
}

struct vb_api_page *vb_api_page_begin(struct vb_http_exchange *exchange,
                                      const struct vb_api_page_list *list)
{
    struct vb_http_query query;
    if (!vb_list_can_begin(exchange) ||
        !vb_http_query_read(exchange, table, parameters_of(list), &query))
        return NULL;
    enum vb_status status = make_page(exchange, list, &query);
    struct vb_api_page *page = exchange->state;
    if (status == VB_OK)
        return page;
    if (status == VB_INVALID)
        refuse(exchange, page);
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
