/* Rows of look-ups: what they say is kept in the resolution, or answered. See api/lookup.h. */
#include "lookup.h"

#include "rules/channel_type.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 100

void http_lookup_no_memory(struct http_exchange *exchange)
{
    struct vb_error err = {0};
    (void)vb_fail_retryable(&err, VB_NO_MEMORY, "no memory for the request");
    http_answer_error(exchange, &err);
}

/* --- answers for most doors --- */

/* "No assistant found for select.assistant_id.": the same for what is unknown, foreign or out of sight. */
void http_lookup_missing(struct http_exchange *exchange, const char *member)
{
    struct http_resolution *resolution = exchange->state;
    if (resolution->missing) {
        resolution->missing(exchange, member);
        return;
    }
    const char *noun = strstr(member, "assistant")                            ? "assistant"
                       : strstr(member, "contact")                            ? "contact"
                       : strstr(member, "channel") || strstr(member, "phone") ? "channel"
                                                                              : "conversation";
    char detail[128];
    (void)snprintf(detail, sizeof detail, "No %s found for %s.", noun, member);
    http_answer_detail(exchange, 404, detail);
}

static void answer_several(struct http_exchange *exchange, const int *rows, size_t count)
{
    const struct http_resolution *resolution = exchange->state;
    const PGresult *channels = resolution->channels;
    struct vb_json json = http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "detail");
    vb_json_begin_object(&json);
    vb_json_member_text(
        &json, "message",
        "Multiple channels match this phone number. Specify channel_type or channel_id.");
    vb_json_name(&json, "candidates");
    vb_json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        vb_json_begin_object(&json);
        vb_json_member_text(&json, "channel_id", http_text(channels, rows[i], CHANNEL_ID));
        vb_json_member_text(&json, "channel_type", http_text(channels, rows[i], CHANNEL_TYPE));
        vb_json_member_text(&json, "name", http_text(channels, rows[i], CHANNEL_NAME));
        vb_json_end_object(&json);
    }
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_json_end_object(&json);
    http_answer_json(exchange, 409, &json);
}

/* --- taking what was found --- */

/* As text, so that the order is the same whatever type the source gives its ids. */
static int by_id(const void *a, const void *b, void *channels)
{
    const int *left = a, *right = b;
    return strcmp(http_text(channels, *left, CHANNEL_ID), http_text(channels, *right, CHANNEL_ID));
}

static bool type_fits(const PGresult *rows, int row, int column, const char *wanted)
{
    const char *detailed = wanted ? http_text(rows, row, column) : NULL;
    const char *coarse = detailed ? vb_channel_type_coarse(vb_view_of(detailed)) : NULL;
    return !wanted || (coarse && strcmp(coarse, wanted) == 0);
}

/* The selected channel. Its row is needed after the pool has freed the outcome. */
bool http_take_channel(struct http_exchange *exchange, const struct http_lookup *lookup,
                       const PGresult *found)
{
    struct http_resolution *resolution = exchange->state;
    resolution->channels = PQcopyResult(found, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    if (!resolution->channels) {
        http_lookup_no_memory(exchange);
        return false;
    }
    int rows[CANDIDATES];
    size_t count = 0;
    for (int row = 0; row < PQntuples(found) && count < CANDIDATES; row++)
        if (type_fits(found, row, CHANNEL_TYPE, resolution->specification.channel_type))
            rows[count++] = row;
    if (count == 0) {
        http_lookup_missing(exchange, lookup->member);
    } else if (count > 1) {
        qsort_r(rows, count, sizeof(rows[0]), by_id, resolution->channels);
        (resolution->several ? resolution->several : answer_several)(exchange, rows, count);
    } else {
        resolution->channel = rows[0];
        resolution->as_of = strtoll(http_resolution_channel(resolution, CHANNEL_AS_OF), NULL, 10);
    }
    return count == 1;
}

bool http_take_any(struct http_exchange *exchange, const struct http_lookup *lookup,
                   const PGresult *found)
{
    if (PQntuples(found) == 0)
        http_lookup_missing(exchange, lookup->member);
    return PQntuples(found) > 0;
}

bool http_take_titled(struct http_exchange *exchange, const struct http_lookup *lookup,
                      const PGresult *found)
{
    struct http_resolution *resolution = exchange->state;
    if (!http_take_any(exchange, lookup, found))
        return false;
    const char *name = http_text(found, 0, 0);
    if (!name)
        return true;
    resolution->title = strdup(name);
    if (!resolution->title)
        http_lookup_no_memory(exchange);
    return resolution->title;
}

/* The ids of the rows whose channel type fits (`coarse` NULL: all) as one of the specification's own lists. */
static bool limit_to(struct http_exchange *exchange, const char *member, const PGresult *found,
                     const char *coarse)
{
    struct http_resolution *resolution = exchange->state;
    const char **ids = calloc((size_t)PQntuples(found) + 1, sizeof *ids);
    size_t count = 0;
    for (int row = 0; row < PQntuples(found) && ids; row++)
        if (type_fits(found, row, 1, coarse))
            ids[count++] = PQgetvalue(found, row, 0);
    enum vb_status status = ids ? vb_specification_limit(&resolution->specification, member,
                                                         (struct vb_words){ids, count})
                                : VB_NO_MEMORY;
    free(ids);
    if (status != VB_OK)
        http_lookup_no_memory(exchange);
    return status == VB_OK;
}

/* None of the type is no error: then the export is empty. */
bool http_take_channels(struct http_exchange *exchange, const struct http_lookup *lookup,
                        const PGresult *found)
{
    return limit_to(exchange, "channel_ids", found, lookup->value);
}

bool http_take_person(struct http_exchange *exchange, const struct http_lookup *lookup,
                      const PGresult *found)
{
    (void)lookup;
    if (PQntuples(found) > (int)VB_SAME_PERSON) {
        http_answer_detail(exchange, 422,
                           "More than 1,000 contacts share this contact's e-mail or phone.");
        return false;
    }
    return limit_to(exchange, "contact_ids", found, NULL);
}

bool http_take_conversations(struct http_exchange *exchange, const struct http_lookup *lookup,
                             const PGresult *found)
{
    if (PQntuples(found) == 0)
        return true;
    char member[64];
    long place = strtol(PQgetvalue(found, 0, 0), NULL, 10);
    (void)snprintf(member, sizeof member, "%s.%ld", lookup->member, place - 1);
    http_lookup_missing(exchange, member);
    return false;
}

bool http_take_now(struct http_exchange *exchange, const struct http_lookup *lookup,
                   const PGresult *found)
{
    (void)lookup;
    struct http_resolution *resolution = exchange->state;
    resolution->as_of = strtoll(PQgetvalue(found, 0, 0), NULL, 10);
    resolution->snapshot = strdup(PQgetvalue(found, 0, 1));
    if (!resolution->snapshot)
        http_lookup_no_memory(exchange);
    return resolution->snapshot;
}

/* A filter by what this source does not have is refused, never left out. False: answered. */
bool http_lookup_possible(struct http_exchange *exchange)
{
    const struct http_resolution *resolution = exchange->state;
    struct vb_selection selection = {0};
    struct vb_error err;
    vb_specification_select(&resolution->specification, &selection);
    if (vb_contract_selection_check(exchange->loop->http->service->contract, &selection, &err) ==
        VB_OK)
        return true;
    struct vb_problems problems;
    const struct vb_problem problem = {
        .type = "value_error",
        .member = "filter",
        .index = -1,
        .message = err.text,
        .input = json_object_get(resolution->specification.root, "filter")};
    vb_problems_init(&problems);
    vb_problems_add(&problems, &problem);
    http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
    return false;
}
