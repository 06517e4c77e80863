/* Taking an export's numbers: see vb_reader_statistics in verbatim/source.h.
 *
 * The statement reads the messages as an export reads them, conversation by conversation by their
 * index, once, and sums them up twice: by local hour and speaker, and for each conversation the
 * first question and the first answer. Where the bot spoke first, the answer behind the question is
 * looked up by itself. Selections of very many conversations are taken in stretches, since no
 * statement may be open for long; what they count as of is the same instant.
 */
#include "decode.h"
#include "reader.h"
#include "times.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Conversations of one statement. */
#define STRETCH 20000u

/* Seconds between question and answer, each a place of its own up to an hour, then minutes up to a
 * day, then hours up to a year. */
#define HOUR 3600u
#define DAY 86400u
#define MINUTES (DAY / 60u - 60u)
#define HOURS (366u * 24u - 24u)
#define WAITS (HOUR + MINUTES + HOURS)

/* The offsets as two array literals: changes, and what holds from each on. */
struct zone_texts {
    struct vb_buffer borders, offsets;
};

static enum vb_status print_zone(const struct vb_offset_change *changes, size_t count,
                                 struct zone_texts *texts)
{
    enum vb_status status = vb_buffer_append_byte(&texts->borders, '{');
    if (status == VB_OK)
        status = vb_buffer_printf(&texts->offsets, "{%d", count > 0 ? changes[0].offset : 0);
    for (size_t i = 1; i < count && status == VB_OK; i++) {
        status = vb_buffer_printf(&texts->borders, "%s%" PRId64, i > 1 ? "," : "",
                                  changes[i].at / VB_SECOND);
        if (status == VB_OK)
            status = vb_buffer_printf(&texts->offsets, ",%d", changes[i].offset);
    }
    if (status == VB_OK)
        status = vb_buffer_append_byte(&texts->borders, '}');
    return status == VB_OK ? vb_buffer_append_byte(&texts->offsets, '}') : status;
}

/* --- the statement --- */

static void add_text_column(struct vb_query *query, const struct vb_scope *scope, const char *name)
{
    if (query->status == VB_OK)
        query->status = vb_contract_append(scope->contract, &query->sql, "m", "message", name);
}

/* A message's time to count with. */
static void add_stamp(struct vb_query *query, const struct vb_scope *scope)
{
    if (query->status == VB_OK)
        query->status =
            vb_time_append_stamp(scope->contract, &query->sql, "m", "message", "created_at");
}

/* What a row of messages is looked at for. OFFSET is a fence: the look-up stays one for each
 * conversation. */
static void add_messages(struct vb_query *query, const struct vb_scope *scope)
{
    vb_query_add(query, "SELECT ");
    add_stamp(query, scope);
    vb_query_add(query, " AS at, CASE ");
    add_text_column(query, scope, "speaker_type");
    vb_query_add(query,
                 " WHEN 'customer' THEN 0 WHEN 'bot' THEN 1 WHEN 'agent' THEN 2 ELSE 3 END AS who"
                 " FROM %s.message m WHERE ",
                 scope->contract->schema);
    vb_scope_bind_rows(query, scope, "m", "message");
    vb_query_add(query, " AND m.conversation_id = ");
}

/* Hours since 1970 of local time. */
static void add_hour(struct vb_query *query, const struct zone_texts *zone)
{
    vb_query_add(query, "floor((date_part('epoch', m.at) + (");
    vb_query_bind(query, zone->offsets.data, "int[]");
    vb_query_add(query, ")[1 + width_bucket(date_part('epoch', m.at), ");
    vb_query_bind(query, zone->borders.data, "float8[]");
    vb_query_add(query, ")]) / 3600)::bigint");
}

/* `g`: a row for each hour and speaker, and one for each conversation. */
static void add_sums(struct vb_query *query, const struct vb_scope *scope,
                     const struct zone_texts *zone)
{
    struct vb_span span = vb_scope_span(scope);
    vb_query_add(query, "WITH g AS (SELECT grouping(r.id) AS is_hour, r.hour, r.who, r.id,"
                        " count(r.at) AS n,"
                        " min(r.at) FILTER (WHERE r.who = 0) AS asked,"
                        " min(r.at) FILTER (WHERE r.who IN (1, 2)) AS answered"
                        " FROM (SELECT c.id, m.at, m.who, ");
    add_hour(query, zone);
    vb_query_add(query, " AS hour FROM (");
    vb_scope_select(query, scope, &span, "c.id", VB_ORDER_NONE);
    vb_query_add(query, " OFFSET 0) c LEFT JOIN LATERAL (");
    add_messages(query, scope);
    vb_query_add(query, "c.id OFFSET 0) m ON true) r"
                        " GROUP BY GROUPING SETS ((r.hour, r.who), (r.id)))");
}

/* The first answer behind the question, where others came before it. */
static void add_waits(struct vb_query *query, const struct vb_scope *scope)
{
    vb_query_add(query, " SELECT 2::bigint,"
                        " CASE WHEN w.s < 3600 THEN w.s WHEN w.s < 86400 THEN w.s - w.s %% 60"
                        " ELSE w.s - w.s %% 3600 END AS wait, NULL::bigint, count(*)::bigint"
                        " FROM (SELECT floor(date_part('epoch', CASE WHEN g.answered >= g.asked"
                        " THEN g.answered ELSE later.at END - g.asked))::bigint AS s"
                        " FROM g LEFT JOIN LATERAL (SELECT min(l.at) AS at FROM (");
    add_messages(query, scope);
    vb_query_add(query, "g.id AND g.answered < g.asked AND ");
    add_stamp(query, scope);
    vb_query_add(query, " >= g.asked OFFSET 0) l"
                        " WHERE l.who IN (1, 2)) later ON true"
                        " WHERE g.is_hour = 0 AND g.asked IS NOT NULL) w"
                        " WHERE w.s IS NOT NULL GROUP BY wait");
}

/* Rows of four numbers: what, and its values. */
enum { HOUR_ROW, CONVERSATIONS_ROW, WAIT_ROW };
enum { WHAT, VALUE, WHO, COUNT };

static void build(struct vb_query *query, const struct vb_scope *scope,
                  const struct zone_texts *zone)
{
    add_sums(query, scope, zone);
    vb_query_add(query, " SELECT 0::bigint, g.hour, g.who::bigint, g.n::bigint"
                        " FROM g WHERE g.is_hour = 1 AND g.n > 0"
                        " UNION ALL"
                        " SELECT 1::bigint, NULL::bigint, NULL::bigint, count(*)::bigint"
                        " FROM g WHERE g.is_hour = 0"
                        " UNION ALL");
    add_waits(query, scope);
}

/* --- the sums --- */

struct tally {
    struct vb_statistics *statistics;
    uint64_t *waits; /* WAITS of them */
};

static uint64_t number_of(const PGresult *result, int row, int column)
{
    return vb_decode_uint64(PQgetvalue(result, row, column));
}

/* Rounds towards the past, also before 1970. */
static int64_t day_of_hour(int64_t hour)
{
    return hour / 24 - (hour % 24 < 0);
}

static enum vb_status add_hour_row(struct tally *tally, int64_t hour, uint64_t who, uint64_t count)
{
    int64_t day = day_of_hour(hour);
    if (who >= VB_SPEAKERS)
        return VB_OK;
    tally->statistics->messages[who] += count;
    tally->statistics->hours[hour - day * 24] += count;
    return vb_statistics_add(tally->statistics, day, (enum vb_speaker)who, count);
}

static size_t place_of_wait(uint64_t seconds)
{
    if (seconds < HOUR)
        return seconds;
    if (seconds < DAY)
        return HOUR + (seconds - HOUR) / 60;
    uint64_t hours = (seconds - DAY) / 3600;
    return HOUR + MINUTES + (hours < HOURS ? hours : HOURS - 1);
}

static uint64_t wait_of_place(size_t place)
{
    if (place < HOUR)
        return place;
    if (place < HOUR + MINUTES)
        return HOUR + (place - HOUR) * 60;
    return DAY + (place - HOUR - MINUTES) * 3600;
}

/* Only the values that its kind of row has are read: the others are NULL, and have no bytes. */
static enum vb_status add_row(struct tally *tally, const PGresult *result, int row)
{
    uint64_t count = number_of(result, row, COUNT);
    switch (number_of(result, row, WHAT)) {
    case HOUR_ROW:
        return add_hour_row(tally, (int64_t)number_of(result, row, VALUE),
                            number_of(result, row, WHO), count);
    case CONVERSATIONS_ROW:
        tally->statistics->conversations += count;
        return VB_OK;
    default:
        tally->statistics->answered += count;
        tally->waits[place_of_wait(number_of(result, row, VALUE))] += count;
        return VB_OK;
    }
}

/* The lower one of two in the middle. */
static uint64_t median_of(const struct tally *tally)
{
    uint64_t before = 0;
    for (size_t i = 0; i < WAITS; i++) {
        before += tally->waits[i];
        if (before > 0 && before * 2 >= tally->statistics->answered)
            return wait_of_place(i);
    }
    return 0;
}

static enum vb_status take_stretch(struct vb_reader *reader, const struct vb_scope *scope,
                                   const struct zone_texts *zone, struct tally *tally,
                                   struct vb_error *err)
{
    struct vb_query query;
    PGresult *result = NULL;
    vb_query_init(&query);
    build(&query, scope, zone);
    enum vb_status status = vb_session_query(&reader->session, &query, &result, err);
    vb_query_done(&query);
    if (status != VB_OK)
        return status;
    for (int row = 0; row < PQntuples(result) && status == VB_OK; row++)
        status = add_row(tally, result, row);
    PQclear(result);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no memory for an export's statistics");
}

/* Where the stretch of `size` conversations behind `low` ends. VB_END: with the selection. */
static enum vb_status find_high(struct vb_reader *reader, const struct vb_cursor *low, size_t size,
                                struct vb_cursor *ret_high, struct vb_error *err)
{
    const struct vb_contract *contract = reader->options.contract;
    const struct vb_scope scope = {
        .contract = contract, .selection = &reader->selection, .low = low};
    struct vb_query query;
    PGresult *result = NULL;
    vb_query_init(&query);
    vb_select_skip(&query, &scope, size);
    enum vb_status status = vb_session_query(&reader->session, &query, &result, err);
    vb_query_done(&query);
    if (status != VB_OK)
        return status;
    status = PQntuples(result) == 0 ? VB_END : vb_result_cursor(result, 0, contract, ret_high, err);
    PQclear(result);
    return status;
}

/* What the next statement is about. */
struct progress {
    struct vb_cursor low; /* behind it, if there is one */
    bool has_low;
    size_t size;
    size_t left_out; /* conversations that cannot be counted */
};

/* A stretch that fails by one of its rows is halved until it is one conversation, `last`. Where bad
 * rows are listed that one is counted nowhere. VB_AGAIN: *ret_skip says whether it is passed over.
 */
static enum vb_status leave_out(const struct vb_reader *reader, enum vb_status status,
                                const struct vb_cursor *last, struct progress *progress,
                                bool *ret_skip, struct vb_error *err)
{
    *ret_skip = progress->size == 1;
    if (!vb_is_of_rows(status, err))
        return status;
    if (progress->size > 1) {
        progress->size /= 2;
        return VB_AGAIN;
    }
    if (!vb_lists_bad_rows(reader))
        return vb_fail_within(err, status, "conversation %s", last->id);
    if (++progress->left_out > VB_BAD_ROWS_MOST)
        return vb_fail_within(err, status,
                              "more than %u conversations cannot be counted, %s among them",
                              VB_BAD_ROWS_MOST, last->id);
    return VB_AGAIN;
}

/* One stretch, or less of it. VB_END: the last. */
static enum vb_status take_next(struct vb_reader *reader, const struct zone_texts *zone,
                                struct tally *tally, struct progress *progress,
                                struct vb_error *err)
{
    struct vb_cursor high = {0};
    bool skips = false;
    const struct vb_cursor *low = progress->has_low ? &progress->low : NULL;
    enum vb_status found = find_high(reader, low, progress->size, &high, err);
    if (found != VB_OK && found != VB_END)
        return found;
    const struct vb_scope scope = {.contract = reader->options.contract,
                                   .selection = &reader->selection,
                                   .low = low,
                                   .high = found == VB_OK ? &high : NULL};
    enum vb_status status = take_stretch(reader, &scope, zone, tally, err);
    if (status != VB_OK) {
        status = leave_out(reader, status, &high, progress, &skips, err);
        if (status != VB_AGAIN || !skips)
            return status == VB_AGAIN ? VB_OK : status;
    } else if (progress->size < STRETCH) {
        progress->size = 2 * progress->size < STRETCH ? 2 * progress->size : STRETCH;
    }
    progress->low = high;
    progress->has_low = true;
    return found;
}

static enum vb_status take_all(struct vb_reader *reader, const struct zone_texts *zone,
                               struct tally *tally, struct vb_error *err)
{
    struct progress progress = {.size = STRETCH};
    enum vb_status status = VB_OK;
    while (status == VB_OK)
        status = take_next(reader, zone, tally, &progress, err);
    return status == VB_END ? VB_OK : status;
}

/* Everything that was selected counts, whatever the stretch of the reader. */
enum vb_status vb_reader_statistics(struct vb_reader *reader,
                                    const struct vb_offset_change *changes, size_t change_count,
                                    struct vb_statistics *ret_statistics, struct vb_error *err)
{
    struct vb_statistics statistics = {0};
    struct tally tally = {&statistics, calloc(WAITS, sizeof(uint64_t))};
    struct zone_texts zone;
    vb_buffer_init(&zone.borders, 64u * 1024u);
    vb_buffer_init(&zone.offsets, 64u * 1024u);
    enum vb_status status = tally.waits ? print_zone(changes, change_count, &zone) : VB_NO_MEMORY;
    if (status != VB_OK)
        vb_fail(err, status, "no memory for an export's statistics");
    else if (reader->state != VB_READER_PAGE && reader->state != VB_READER_DONE)
        status = vb_fail(err, VB_INVALID, "statistics are for between pages");
    else
        status = take_all(reader, &zone, &tally, err);
    if (status == VB_OK) {
        statistics.median_answer = median_of(&tally);
        *ret_statistics = statistics;
    } else {
        vb_statistics_done(&statistics);
    }
    free(tally.waits);
    vb_buffer_done(&zone.borders);
    vb_buffer_done(&zone.offsets);
    return status;
}
