/* What can be exported, found by a piece of its name: assistants and channels for whoever may
 * export, contacts for those who see every conversation.
 *
 * A search may read every contact of a workspace, so it has connections of its own and a time of
 * its own: no look-up and no count waits behind it. What was typed is text: a percent sign finds a
 * percent sign.
 */
#include "manage.h"

#include "api/api.h"
#include "http/query.h"
#include "rules/channel_type.h"

#include "verbatim/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIND_TIME "3s" /* below the pool's time for a ticket */
#define FIND_SECONDS 3
#define USUAL 20
#define MOST 50
#define TYPED 200u      /* bytes */
#define LEAST_DIGITS 3u /* of a phone number: fewer find everybody */

enum { LIMIT, TYPED_TEXT, PARAMETERS };

/* One of the three: how its rows are told. */
struct offer {
    enum vb_find what;
    const char *list; /* the answer's member */
    const struct vb_http_parameter *parameters;
    void (*put)(struct vb_json *json, const PGresult *rows, int row);
};

struct finding {
    const struct offer *offer;
    int64_t limit;
    struct vb_http_query query;
    int64_t sent_at; /* monotonic */
    char most[24], pattern[2 * TYPED + 3], digits[TYPED + 3];
};

static void free_finding(void *state)
{
    struct finding *finding = state;
    vb_http_query_done(&finding->query);
    free(finding);
}

/* --- the answer --- */

static void put_named(struct vb_json *json, const PGresult *rows, int row)
{
    vb_json_member_text(json, "id", vb_api_text(rows, row, 0));
    vb_json_member_text(json, "name", vb_api_text(rows, row, 1));
}

/* The type as exports tell it, where it is one of those. */
static void put_channel(struct vb_json *json, const PGresult *rows, int row)
{
    const char *type = vb_api_text(rows, row, 2);
    const char *coarse = type ? vb_channel_type_coarse(vb_view_of(type)) : NULL;
    put_named(json, rows, row);
    vb_json_member_text(json, "type", coarse ? coarse : type);
    vb_json_member_text(json, "phone_number", vb_api_text(rows, row, 3));
}

static void put_contact(struct vb_json *json, const PGresult *rows, int row)
{
    static const char *const names[] = {"email", "phone", "company"};
    put_named(json, rows, row);
    for (int i = 0; i < 3; i++)
        vb_json_member_text(json, names[i], vb_api_text(rows, row, 2 + i));
}

/* `rows` NULL: nothing was asked for, since nothing could be there. One row more than is shown
 * tells that there are more. */
static void answer(struct vb_http_exchange *exchange, const PGresult *rows)
{
    const struct finding *finding = exchange->state;
    struct vb_json json = vb_http_json(exchange);
    int count = rows ? PQntuples(rows) : 0;
    vb_json_begin_object(&json);
    vb_json_name(&json, finding->offer->list);
    vb_json_begin_array(&json);
    for (int row = 0; row < count && row < finding->limit; row++) {
        vb_json_begin_object(&json);
        finding->offer->put(&json, rows, row);
        vb_json_end_object(&json);
    }
    vb_json_end_array(&json);
    vb_json_member_boolean(&json, "more", count > finding->limit);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 200, &json);
}

static void on_found(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    const struct finding *finding = exchange->state;
    if (vb_api_ended_in_time(exchange, outcome, finding->sent_at, FIND_SECONDS * VB_SECOND,
                             "Searching took longer than 3 seconds. Type more of the name, the "
                             "address or the number."))
        answer(exchange, outcome->results[1]);
}

/* --- the question --- */

/* A text that holds what was typed; LIKE's own characters stand for themselves. */
static void make_pattern(const char *typed, char pattern[2 * TYPED + 3])
{
    char *at = pattern;
    *at++ = '%';
    for (; *typed; typed++) {
        if (strchr("%_\\", *typed))
            *at++ = '\\';
        *at++ = *typed;
    }
    *at++ = '%';
    *at = '\0';
}

/* False: what was typed is no piece of a phone number. */
static bool make_digits(const char *typed, char digits[TYPED + 3])
{
    size_t count = 0;
    digits[0] = '%';
    for (; *typed; typed++) {
        if (*typed >= '0' && *typed <= '9')
            digits[++count] = *typed;
        else if (!strchr("+-() ./", *typed))
            return false;
    }
    digits[count + 1] = '%';
    digits[count + 2] = '\0';
    return count >= LEAST_DIGITS;
}

/* What was typed, if more than blanks; NULL: everything. */
static const char *typed_of(struct finding *finding)
{
    const struct vb_http_value *value = &finding->query.values[TYPED_TEXT];
    return value->text && value->text[strspn(value->text, " ")] ? value->text : NULL;
}

static void send_search(struct vb_http_exchange *exchange, struct finding *finding)
{
    static const struct vb_pg_statement time = {
        NULL, "SELECT set_config('statement_timeout', '" FIND_TIME "', true)", 0};
    const struct vb_api_site_loop *site = exchange->loop->site;
    const char *typed = typed_of(finding);
    if (typed)
        make_pattern(typed, finding->pattern);
    bool is_number = typed && make_digits(typed, finding->digits);
    const char *const values[] = {exchange->request->access.source_id,
                                  typed ? finding->pattern : NULL, finding->most,
                                  is_number ? finding->digits : NULL, typed};
    const struct vb_pg_statement search = {
        NULL, vb_contract_find_sql(site->service->contract, finding->offer->what),
        finding->offer->what == VB_FIND_CONTACTS ? 5 : 3};
    const struct vb_pg_step steps[] = {{&time, NULL}, {&search, values}};
    vb_api_send(exchange, site->search_pool, steps, 2, on_found);
}

/* A workspace whose id cannot be one of the source's has nothing there. */
static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    struct finding *finding = exchange->state;
    struct vb_http_query *query = &finding->query;
    if (!vb_http_query_read(exchange, finding->offer->parameters, PARAMETERS, query))
        return;
    finding->limit = query->values[LIMIT].text ? query->values[LIMIT].number : USUAL;
    (void)snprintf(finding->most, sizeof(finding->most), "%" PRId64, finding->limit + 1);
    if (vb_contract_workspace_id_valid(exchange->loop->site->service->contract,
                                       vb_view_of(exchange->request->access.source_id)))
        send_search(exchange, finding);
    else
        answer(exchange, NULL);
}

static void begin(struct vb_http_exchange *exchange, const struct offer *offer)
{
    static const struct vb_api_entry entry = {.then = on_entered};
    struct finding *finding = calloc(1, sizeof(*finding));
    if (!finding) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "a search");
        return;
    }
    finding->offer = offer;
    exchange->state = finding;
    exchange->free_state = free_finding;
    vb_api_enter(exchange, &entry);
}

/* --- the three --- */

static bool is_typed(struct vb_view text)
{
    return text.length <= TYPED;
}

/* Everybody is too many: somebody is looked for by something. */
static bool is_something(struct vb_view text)
{
    size_t blanks = 0;
    while (blanks < text.length && text.data[blanks] == ' ')
        blanks++;
    return is_typed(text) && blanks < text.length;
}

#define HOW_MANY                                                                                   \
    {                                                                                              \
        .name = "limit", .is_number = true, .least = 1, .most = MOST, .type = "int_range",         \
        .message = "Input should be a number from 1 to 50"                                         \
    }
static const struct vb_http_parameter by_name[PARAMETERS] = {
    [LIMIT] = HOW_MANY,
    [TYPED_TEXT] = {.name = "q",
                    .holds = is_typed,
                    .type = "string_too_long",
                    .message = "Input should have at most 200 bytes"},
};
static const struct vb_http_parameter by_something[PARAMETERS] = {
    [LIMIT] = HOW_MANY,
    [TYPED_TEXT] = {.name = "q",
                    .required = true,
                    .holds = is_something,
                    .type = "string_length",
                    .message = "Input should have 1 to 200 bytes that are not all blanks"},
};
static const struct offer assistants = {VB_FIND_ASSISTANTS, "assistants", by_name, put_named};
static const struct offer channels = {VB_FIND_CHANNELS, "channels", by_name, put_channel};
static const struct offer contacts = {VB_FIND_CONTACTS, "contacts", by_something, put_contact};

void vb_manage_assistants_begin(struct vb_http_exchange *exchange)
{
    begin(exchange, &assistants);
}

void vb_manage_channels_begin(struct vb_http_exchange *exchange)
{
    begin(exchange, &channels);
}

void vb_manage_contacts_begin(struct vb_http_exchange *exchange)
{
    begin(exchange, &contacts);
}
