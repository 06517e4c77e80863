/* Filters of the audit. See audit_filter.h. Entries are never changed and come in the order of
 * their moments, so a walk behind an entry loses none. */
#include "audit_filter.h"

#include "api/cursor.h"
#include "api/list_query.h"
#include "specification/specification.h"

#include "verbatim/zone.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { DOOR, FORMAT, KIND, AUTHOR, FROM, TO, LIMIT, CURSOR, PARAMETERS };

static const char *const doors[] = {"main", "native", "app", "v1", "v3", "console", NULL};

static bool is_kind(struct vb_view text)
{
    return vb_view_equals(text, VB_VIEW("job")) || vb_view_equals(text, VB_VIEW("direct"));
}

static const struct vb_http_parameter table[PARAMETERS] = {
    [DOOR] = {.name = "door",
              .words = doors,
              .type = "literal_error",
              .message = "Input should be 'main', 'native', 'app', 'v1', 'v3' or 'console'"},
    [FORMAT] = VB_LIST_FORMAT,
    [KIND] = {.name = "kind",
              .holds = is_kind,
              .type = "literal_error",
              .message = "Input should be 'job' or 'direct'"},
    [AUTHOR] = VB_LIST_AUTHOR("author"),
    [FROM] = VB_LIST_DAY("from"),
    [TO] = VB_LIST_DAY("to"),
    [LIMIT] = VB_LIST_LIMIT,
    [CURSOR] = VB_LIST_CURSOR,
};

/* --- cursors --- */

/* Signed for the audit alone. */
static void context_of(const struct vb_http_exchange *exchange, char context[320])
{
    (void)snprintf(context, 320, "entries of %s", exchange->request->access.workspace);
}

/* The entry's number stands where a job's id would. */
static bool read_cursor(const struct vb_http_exchange *exchange, const char *text,
                        struct vb_audit_filter *filter)
{
    char context[320];
    struct vb_api_cursor cursor;
    context_of(exchange, context);
    if (vb_api_cursor_read(&exchange->loop->site->secrets, context, vb_view_of(text), &cursor) !=
        VB_OK)
        return false;
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | cursor.id.bytes[i];
    filter->after_at = cursor.created_at;
    filter->after_id = (int64_t)number;
    return true;
}

void vb_audit_filter_put(struct vb_http_exchange *exchange, struct vb_json *json,
                         const struct vb_audit_filter *filter)
{
    char context[320], text[VB_API_CURSOR_TEXT];
    struct vb_api_cursor cursor = {.created_at = filter->after_at};
    for (size_t i = 0; i < 8; i++)
        cursor.id.bytes[i] = (unsigned char)((uint64_t)filter->after_id >> (56 - 8 * i));
    context_of(exchange, context);
    vb_api_cursor_write(&exchange->loop->site->secrets, context, &cursor, text);
    vb_json_text(json, text);
}

/* --- the query --- */

/* Days of the workspace, both inclusive. False: answered. */
static bool take_days(struct vb_http_exchange *exchange, struct vb_audit_filter *filter)
{
    const char *from = filter->query.values[FROM].text, *to = filter->query.values[TO].text;
    struct vb_date first = {0}, last = {0};
    if (!from && !to)
        return true;
    struct vb_zone *zone = vb_api_zone(exchange);
    if (!zone)
        return false;
    bool has_from = from && vb_date_parse(vb_view_of(from), &first) == VB_OK;
    bool has_to = to && vb_date_parse(vb_view_of(to), &last) == VB_OK;
    if (has_from && has_to && vb_date_compare(first, last) > 0) {
        vb_list_refuse(exchange, "to", VB_LIST_NO_RANGE, to);
        return false;
    }
    if (has_from)
        filter->first = vb_zone_day_start(zone, first);
    vb_instant end = has_to ? vb_list_day_end(zone, last) : VB_LIST_FIRST_TIME;
    if (end < filter->after_at) {
        filter->after_at = end;
        filter->after_id = 0;
    }
    return true;
}

/* False: answered. */
static bool take_values(struct vb_http_exchange *exchange, bool has_pages,
                        struct vb_audit_filter *filter)
{
    const struct vb_http_value *values = filter->query.values;
    const char *kind = values[KIND].text;
    filter->doors = vb_http_value_list(&values[DOOR], doors, filter->words[0]);
    filter->formats = vb_http_value_list(&values[FORMAT], vb_list_formats, filter->words[1]);
    filter->direct = !kind ? NULL : strcmp(kind, "direct") == 0 ? "t" : "f";
    filter->author = values[AUTHOR].text;
    filter->limit = has_pages && values[LIMIT].text ? values[LIMIT].number : VB_LIST_USUAL;
    if (has_pages && values[CURSOR].text && !read_cursor(exchange, values[CURSOR].text, filter)) {
        vb_list_refuse(exchange, "cursor", VB_LIST_NO_PLACE, values[CURSOR].text);
        return false;
    }
    return take_days(exchange, filter);
}

bool vb_audit_filter_read(struct vb_http_exchange *exchange, bool has_pages,
                          struct vb_audit_filter *ret_filter)
{
    *ret_filter = (struct vb_audit_filter){
        .after_at = VB_LIST_FIRST_TIME, .after_id = INT64_MAX, .first = VB_INSTANT_FIRST};
    if ((has_pages && !vb_list_can_begin(exchange)) ||
        !vb_http_query_read(exchange, table, has_pages ? PARAMETERS : LIMIT, &ret_filter->query))
        return false;
    if (take_values(exchange, has_pages, ret_filter))
        return true;
    vb_audit_filter_done(ret_filter);
    return false;
}

void vb_audit_filter_done(struct vb_audit_filter *filter)
{
    vb_http_query_done(&filter->query);
}

/* --- pages --- */

static const char *number_text(int64_t number, char text[24])
{
    (void)snprintf(text, 24, "%" PRId64, number);
    return text;
}

struct vb_pg_step vb_audit_filter_step(struct vb_audit_filter *filter, const char *workspace,
                                       int64_t most)
{
    bool is_narrow = filter->doors || filter->formats || filter->direct;
    enum vb_api_sql sql = filter->author ? VB_API_SQL_AUDIT_PAGE_OF_AUTHOR
                          : is_narrow    ? VB_API_SQL_AUDIT_PAGE_OF_KIND
                                         : VB_API_SQL_AUDIT_PAGE;
    const char *const values[] = {workspace,
                                  number_text(filter->after_at, filter->numbers[0]),
                                  number_text(filter->after_id, filter->numbers[1]),
                                  number_text(most, filter->numbers[2]),
                                  number_text(filter->first, filter->numbers[3]),
                                  filter->doors,
                                  filter->formats,
                                  filter->direct,
                                  filter->author};
    memcpy(filter->values, values, sizeof(values));
    return (struct vb_pg_step){&vb_api_sql[sql], filter->values};
}

void vb_audit_filter_pass(struct vb_audit_filter *filter, const PGresult *rows, int row)
{
    filter->after_at = vb_pg_integer(rows, row, AUDITS_CREATED) + VB_POSTGRES_EPOCH;
    filter->after_id = vb_pg_integer(rows, row, AUDITS_ID);
}
