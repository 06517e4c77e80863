/* Pages of conversations and places within a second: see page.h. Owns the result and the places.
 *
 * The place of a conversation in its second names its file, so it must come out the same wherever a
 * page or a stretch begins. It is therefore counted over the selection, never over what was read.
 */
#include "page.h"

#include "times.h"

#include <stdlib.h>
#include <string.h>

vb_instant vb_second_of(vb_instant instant)
{
    vb_instant rest = instant % VB_SECOND;
    return instant - (rest < 0 ? rest + VB_SECOND : rest);
}

/* A field of a binary result; NULL data for SQL NULL. */
static struct vb_view field_of(const PGresult *result, int row, int field)
{
    if (PQgetisnull(result, row, field))
        return (struct vb_view){NULL, 0};
    return (struct vb_view){PQgetvalue(result, row, field),
                            (size_t)PQgetlength(result, row, field)};
}

static enum vb_status decode_created(const PGresult *result, int row,
                                     const struct vb_column *created_at,
                                     struct vb_cursor *ret_cursor)
{
    return vb_time_decode(created_at, field_of(result, row, VB_PAGE_CREATED_AT), ret_cursor);
}

/* The columns are looked up by whoever reads many rows, once. */
static enum vb_status decode_cursor(const PGresult *result, int row, Oid id_type,
                                    const struct vb_column *created_at,
                                    struct vb_cursor *ret_cursor, struct vb_error *err)
{
    struct vb_cursor cursor = {0};
    struct vb_view id = field_of(result, row, VB_PAGE_ID);
    if (!id.data)
        return vb_fail(err, VB_SOURCE, "a conversation has no id");
    if (vb_decode_id(id_type, id, cursor.id, NULL) != VB_OK)
        return vb_fail(err, VB_SOURCE, "a conversation's id of %zu bytes cannot be read (%.64s...)",
                       id.length, id.data);
    if (decode_created(result, row, created_at, &cursor) != VB_OK)
        return vb_fail(err, VB_SOURCE,
                       "conversation %s: created_at is not a time of the years 1 to 9999",
                       cursor.id);
    *ret_cursor = cursor;
    return VB_OK;
}

enum vb_status vb_result_cursor(const PGresult *result, int row, const struct vb_contract *contract,
                                struct vb_cursor *ret_cursor, struct vb_error *err)
{
    return decode_cursor(result, row, vb_contract_column(contract, "conversation", "id")->type,
                         vb_contract_column(contract, "conversation", "created_at"), ret_cursor,
                         err);
}

/* Without `upto` at most VB_CROWD + 1 are counted: beyond it only "too many" matters. */
enum vb_status vb_count_second(struct vb_session *session, const struct vb_scope *scope,
                               vb_instant second, const struct vb_cursor *upto, uint32_t *ret_count,
                               struct vb_error *err)
{
    struct vb_query query;
    vb_query_init(&query);
    vb_select_count(&query, scope, second, upto, upto ? UINT32_MAX : VB_CROWD + 1);
    PGresult *result = NULL;
    enum vb_status status = vb_session_query(session, &query, &result, err);
    vb_query_done(&query);
    if (status != VB_OK)
        return status;
    *ret_count = (uint32_t)vb_decode_uint64(PQgetvalue(result, 0, 0));
    PQclear(result);
    return VB_OK;
}

/* The places' memory is kept for the next page. */
static void drop_rows(struct vb_page *page)
{
    PQclear(page->rows);
    page->rows = NULL;
    page->count = 0;
}

void vb_page_reset(struct vb_page *page)
{
    drop_rows(page);
    page->second = (struct vb_second){0};
    page->more = false;
}

void vb_page_done(struct vb_page *page)
{
    vb_page_reset(page);
    free(page->places);
    page->places = NULL;
    page->capacity = 0;
}

/* By the id's own type: the text is what the server would print. */
enum vb_status vb_page_cursor(const struct vb_page *page, size_t index,
                              struct vb_cursor *ret_cursor, struct vb_error *err)
{
    return decode_cursor(page->rows, (int)index, page->id_type, page->created_at, ret_cursor, err);
}

/* The fields behind VB_PAGE_CHANNEL_ID, of texts; what was not asked for is NULL. */
static void fill_wide(const struct vb_page *page, int row, struct vb_conversation *conversation)
{
    const PGresult *rows = page->rows;
    conversation->channel = (struct vb_channel){
        .id = field_of(rows, row, VB_PAGE_CHANNEL_ID),
        .name = field_of(rows, row, VB_PAGE_CHANNEL_NAME),
        .type = field_of(rows, row, VB_PAGE_CHANNEL_TYPE),
        .phone_number = field_of(rows, row, VB_PAGE_CHANNEL_PHONE),
    };
    conversation->assistant_id = field_of(rows, row, VB_PAGE_ASSISTANT_ID);
    conversation->status = field_of(rows, row, VB_PAGE_STATUS);
    conversation->priority = field_of(rows, row, VB_PAGE_PRIORITY);
    conversation->assigned_agent = field_of(rows, row, VB_PAGE_ASSIGNED_AGENT);
    conversation->csat_comment = field_of(rows, row, VB_PAGE_CSAT_COMMENT);
    conversation->feedback = field_of(rows, row, VB_PAGE_FEEDBACK);
    conversation->summary = field_of(rows, row, VB_PAGE_SUMMARY);
    conversation->title = field_of(rows, row, VB_PAGE_TITLE);
    conversation->extra = field_of(rows, row, VB_PAGE_EXTRA);
    conversation->contact_id = field_of(rows, row, VB_PAGE_CONTACT_ID);
    conversation->contact_company = field_of(rows, row, VB_PAGE_CONTACT_COMPANY);
    conversation->contact_address = field_of(rows, row, VB_PAGE_CONTACT_ADDRESS);
    conversation->contact_website = field_of(rows, row, VB_PAGE_CONTACT_WEBSITE);
    conversation->contact_lead_status = field_of(rows, row, VB_PAGE_CONTACT_LEAD_STATUS);
}

/* The values that are no texts; what breaks the contract is told by its column. */
static const char *decode_wide(const struct vb_page *page, int row,
                               struct vb_conversation *conversation)
{
    struct vb_view ended = field_of(page->rows, row, VB_PAGE_ENDED_AT);
    struct vb_view rating = field_of(page->rows, row, VB_PAGE_CSAT_RATING);
    conversation->has_ended_at =
        vb_time_decode_optional(vb_contract_column(page->contract, "conversation", "ended_at"),
                                ended, &conversation->ended_at);
    conversation->deleted_at.is_set = vb_time_decode_optional(
        vb_contract_column(page->contract, "conversation", "deleted_at"),
        field_of(page->rows, row, VB_PAGE_DELETED_AT), &conversation->deleted_at.at);
    conversation->has_csat_rating = rating.data != NULL && rating.length == 8;
    if (conversation->has_csat_rating)
        conversation->csat_rating = (int64_t)vb_decode_uint64(rating.data);
    struct vb_view tags = field_of(page->rows, row, VB_PAGE_TAGS);
    struct vb_view audience = field_of(page->rows, row, VB_PAGE_AUDIENCE);
    conversation->has_audience = audience.data != NULL;
    if (vb_decode_text_list(tags, &conversation->tags) != VB_OK)
        return "its tags cannot be read";
    return vb_decode_text_list(audience, &conversation->audience) == VB_OK
               ? NULL
               : "its audience cannot be read";
}

enum vb_status vb_page_conversation(const struct vb_page *page, size_t index, const char *id,
                                    struct vb_conversation *ret_conversation, struct vb_error *err)
{
    int row = (int)index;
    struct vb_conversation conversation = {
        .id = vb_view_of(id),
        .contact_name = field_of(page->rows, row, VB_PAGE_CONTACT_NAME),
        .contact_phone = field_of(page->rows, row, VB_PAGE_CONTACT_PHONE),
        .contact_email = field_of(page->rows, row, VB_PAGE_CONTACT_EMAIL),
        .assistant_name = field_of(page->rows, row, VB_PAGE_ASSISTANT_NAME),
        .ordinal_in_second = page->places[index].ordinal,
        .count_in_second = page->places[index].count,
        .marks = page->marks,
    };
    struct vb_cursor place;
    if (decode_created(page->rows, row, page->created_at, &place) != VB_OK)
        return vb_fail(err, VB_SOURCE, "a conversation's created_at cannot be read");
    conversation.created_at = place.at;
    if (PQnfields(page->rows) == VB_PAGE_COUNT) {
        fill_wide(page, row, &conversation);
        const char *fault = decode_wide(page, row, &conversation);
        if (fault)
            return vb_fail(err, VB_SOURCE, "conversation %s: %s", id, fault);
    }
    *ret_conversation = conversation;
    return VB_OK;
}

static enum vb_status fetch(struct vb_page *page, struct vb_session *session,
                            const struct vb_scope *scope, size_t limit, struct vb_error *err)
{
    struct vb_query query;
    vb_query_init(&query);
    vb_select_page(&query, scope, (uint64_t)limit + 1); /* one more tells what follows */
    enum vb_status status = vb_session_query(session, &query, &page->rows, err);
    vb_query_done(&query);
    if (status != VB_OK)
        return status;
    size_t found = (size_t)PQntuples(page->rows);
    page->more = found > limit;
    page->marks = vb_select_marks(scope, "conversation");
    page->count = page->more ? limit : found;
    if (page->count <= page->capacity)
        return VB_OK;
    struct vb_place *places = realloc(page->places, page->count * sizeof *places);
    if (!places) {
        drop_rows(page);
        return vb_fail(err, VB_NO_MEMORY, "no memory for a page of %zu conversations", found);
    }
    page->places = places;
    page->capacity = page->count;
    return VB_OK;
}

/* A run of the page's conversations that began in one second: from `first` up to, not including,
 * `end`. */
struct run {
    size_t first, end;
    vb_instant second;
    bool continues; /* perhaps behind the page */
};

/* A row without a readable time makes a run of its own. */
static vb_instant row_second(const struct vb_page *page, size_t row)
{
    struct vb_cursor place;
    if (decode_created(page->rows, (int)row, page->created_at, &place) != VB_OK)
        return INT64_MIN; /* told with its conversation's name when that is handed out */
    return vb_second_of(place.at);
}

/* A run at the end of a page may go on behind it; only the next row can tell, and it was
 * asked for. */
static struct run run_from(const struct vb_page *page, const struct vb_scope *scope, size_t first)
{
    struct run run = {.first = first, .end = first + 1, .second = row_second(page, first)};
    while (run.end < page->count && row_second(page, run.end) == run.second)
        run.end++;
    if (run.end < page->count)
        return run;
    if (page->more)
        run.continues = row_second(page, page->count) == run.second;
    else
        run.continues = scope->high && vb_second_of(scope->high->at) == run.second;
    return run;
}

/* Three ways to know how many came before: the page before said so, the stretch begins inside the
 * second and they are counted, or the second begins here. */
static enum vb_status place_run(struct vb_page *page, struct vb_session *session,
                                const struct vb_scope *scope, const struct run *run,
                                struct vb_error *err)
{
    enum vb_status status = VB_OK;
    uint32_t before = 0;
    uint32_t size = (uint32_t)(run->end - run->first);
    bool carried = run->first == 0 && page->second.known && page->second.start == run->second;
    if (carried)
        before = page->second.ordinal;
    else if (run->first == 0 && scope->low && vb_second_of(scope->low->at) == run->second)
        status = vb_count_second(session, scope, run->second, scope->low, &before, err);
    uint32_t count = carried ? page->second.count : before + size;
    if (!carried && run->continues && status == VB_OK)
        status = vb_count_second(session, scope, run->second, NULL, &count, err);
    if (status != VB_OK)
        return status;
    if (count > VB_CROWD + 1)
        count = VB_CROWD + 1;
    for (size_t i = run->first; i < run->end; i++)
        page->places[i] = (struct vb_place){before + (uint32_t)(i - run->first) + 1, count};
    page->second = (struct vb_second){true, run->second, before + size, count};
    return VB_OK;
}

/* The inner statement demands the order; this catches a view or a join that lost it. */
static bool is_ordered(const struct vb_page *page)
{
    struct vb_cursor place, before = {.at = INT64_MIN};
    for (int row = 0; row < PQntuples(page->rows); row++) {
        if (decode_created(page->rows, row, page->created_at, &place) != VB_OK ||
            place.at < before.at)
            return false;
        before.at = place.at;
    }
    return true;
}

enum vb_status vb_page_read(struct vb_page *page, struct vb_session *session,
                            const struct vb_scope *scope, size_t limit, struct vb_error *err)
{
    drop_rows(page);
    page->contract = scope->contract;
    page->id_type = vb_contract_column(page->contract, "conversation", "id")->type;
    page->created_at = vb_contract_column(page->contract, "conversation", "created_at");
    enum vb_status status = fetch(page, session, scope, limit, err);
    if (status == VB_OK && !is_ordered(page))
        status = vb_fail(err, VB_SOURCE, "conversations came out of order");
    for (size_t first = 0; first < page->count && status == VB_OK;) {
        struct run run = run_from(page, scope, first);
        status = place_run(page, session, scope, &run, err);
        first = run.end;
    }
    if (status != VB_OK)
        drop_rows(page);
    return status;
}
