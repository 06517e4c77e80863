/* Exports answered at once: see api/direct.h. Everything here runs on the loop's thread.
 *
 * The exchange's state is freed with the exchange; what has to outlive it, until the last word to
 * the audit, is in struct export, which belongs to the ticket that makes the entry in the audit and
 * then to the streamed answer.
 */
#include "direct.h"

#include "audit_end.h"
#include "brand/brand.h"
#include "http/stream.h"

#include "verbatim/log.h"
#include "verbatim/names.h"
#include "verbatim/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUDIENCE (256u * 1024u)
#define SPECIFICATION (256u * 1024u)
#define BRAND_STEP 2u   /* behind those that note the export */
#define RETRY_AFTER "5" /* seconds; most exports of this kind are shorter */

/* What has to outlive the exchange: from before its entry in the audit is sent for until its end is
 * noted there. */
struct export
{
    struct vb_http_loop *loop;
    struct vb_http_exchange *exchange; /* NULL once it is gone, or the stream has its answer */
    struct vb_direct_stream *stream;
    char *workspace;
    struct vb_uuid mark;        /* of its entry */
    struct vb_brand_kept brand; /* on its way into the order */
};

/* The stream is let go of in any case: a thread that still reads stops. */
static void free_export(struct export *export)
{
    if (!export)
        return;
    vb_direct_release(export->stream);
    free(export->workspace);
    vb_brand_done(&export->brand);
    free(export);
}

/* An entry that is under way is not called back: its answer finds nobody left and notes the end. */
static void free_direct(void *state)
{
    struct vb_api_direct *direct = state;
    if (direct->export)
        direct->export->exchange = NULL;
    vb_resolution_done(&direct->lookup.resolution);
    vb_buffer_done(&direct->shown);
    vb_buffer_done(&direct->audience);
    free(direct);
}

/* --- the end of it --- */

/* Nobody waits for it: the answer is over. */
static void note_end(const struct export *export, const char *kind, bool is_unsure)
{
    vb_api_end_note(export->loop->site, export->workspace, export->mark, kind,
                    vb_direct_conversations(export->stream), is_unsure);
}

/* Stopped is cancelled, whoever left: the client, a slow line, or the process. */
static void end(void *context, enum vb_status how)
{
    struct export *export = context;
    note_end(export, how == VB_OK ? "records" : how == VB_STOPPED ? "cancelled" : "failed", false);
    free_export(export);
}

/* To a caller the source is a database that is away, however it went. */
static enum vb_status outcome(void *context, struct vb_error *err)
{
    const struct export *export = context;
    enum vb_status status = vb_direct_outcome(export->stream, err);
    if (err->status == VB_NETWORK)
        err->status = VB_DATABASE_AWAY;
    return status;
}

/* --- the answer --- */

/* Named as archives are, after what was selected; the day is that of the workspace. */
static enum vb_status put_name(struct vb_http_exchange *exchange, struct vb_zone *zone,
                               struct vb_error *err)
{
    const struct vb_api_direct *direct = exchange->state;
    const struct vb_resolution *resolution = &direct->lookup.resolution;
    const char *what = resolution->title ? resolution->title : exchange->request->arguments[0].data;
    char id[VB_UUID_TEXT], name[VB_NAME_BYTES + 1];
    vb_uuid_format(vb_uuid_random(), id);
    enum vb_status status =
        vb_archive_name(vb_view_of(what), vb_zone_day_of(zone, resolution->as_of), id,
                        direct->renderer->extension, name, err);
    if (status == VB_OK)
        vb_http_answer_attachment(exchange, name);
    return status;
}

/* Specification and brand move into the order; the audit's entry was made from its text before. */
static enum vb_status make_order(struct vb_http_exchange *exchange, struct export *export,
                                 struct vb_direct_order *ret_order)
{
    struct vb_api_direct *direct = exchange->state;
    const struct vb_access *access = &exchange->request->access;
    *ret_order = (struct vb_direct_order){.renderer = direct->renderer,
                                          .as_of = direct->lookup.resolution.as_of,
                                          .workspace = strdup(access->source_id),
                                          .time_zone = strdup(access->time_zone),
                                          .csv_profile = strdup(access->csv_profile),
                                          .csv_mark = access->csv_mark};
    if (vb_csv_delimiter_parse(vb_view_of(access->delimiter), &ret_order->csv_delimiter) != VB_OK)
        ret_order->csv_delimiter = ',';
    if (vb_csv_quote_parse(vb_view_of(access->csv_quote), &ret_order->csv_quote) != VB_OK)
        ret_order->csv_quote = VB_CSV_QUOTE_MINIMAL;
    (void)snprintf(ret_order->request_id, sizeof(ret_order->request_id), "%s",
                   exchange->request_id);
    if (!ret_order->workspace || !ret_order->time_zone || !ret_order->csv_profile) {
        vb_direct_order_done(ret_order);
        return VB_NO_MEMORY;
    }
    ret_order->specification = direct->lookup.resolution.specification;
    direct->lookup.resolution.specification = (struct vb_specification){0};
    ret_order->brand = export->brand;
    export->brand = (struct vb_brand_kept){0};
    return VB_OK;
}

/* The order is taken over, also on failure. */
static enum vb_status begin_stream(struct vb_http_exchange *exchange, struct export *export,
                                   int *ret_fd, struct vb_error *err)
{
    struct vb_direct_order order;
    if (make_order(exchange, export, &order) != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an export");
    return vb_direct_begin(export->stream, &order, ret_fd, err);
}

/* From here on the export has an entry, which gets an end whatever happens. */
static void answer_export(struct vb_http_exchange *exchange, struct export *export)
{
    const struct vb_api_direct *direct = exchange->state;
    struct vb_error err = {0};
    struct vb_http_feed feed = {.context = export, .outcome = outcome, .end = end};
    if (begin_stream(exchange, export, &feed.fd, &err) == VB_OK) {
        vb_http_answer_stream(exchange, direct->renderer->content_type, &feed);
        return;
    }
    end(export, err.status);
    vb_http_answer_error(exchange, &err);
}

/* Who asked may be gone by now, or was told that it took too long. */
static void on_audited(void *context, const struct vb_pg_outcome *found)
{
    struct export *export = context;
    struct vb_http_exchange *exchange = export->exchange;
    export->loop->site->notes--;
    if (exchange)
        ((struct vb_api_direct *)exchange->state)->export = NULL;
    if (exchange && exchange->status != 0)
        exchange = NULL;
    if (found->status != VB_OK) {
        note_end(export, "failed", true);
        free_export(export);
        if (exchange)
            vb_http_answer_error(exchange, &found->error);
        return;
    }
    enum vb_status status = found->results[BRAND_STEP]
                                ? vb_brand_read(found->results[BRAND_STEP], &export->brand)
                                : VB_OK;
    if (exchange && status == VB_OK)
        answer_export(exchange, export);
    else
        end(export, status == VB_OK ? VB_STOPPED : status);
    if (exchange && status != VB_OK)
        vb_http_answer_status(exchange, status, "an export");
}

/* NULL: no memory. Takes the stream over. */
static struct export *make_export(struct vb_http_exchange *exchange,
                                  struct vb_direct_stream *stream)
{
    struct export *export = calloc(1, sizeof(*export));
    if (!export) {
        vb_direct_release(stream);
        return NULL;
    }
    *export = (struct export){
        .loop = exchange->loop, .exchange = exchange, .stream = stream, .mark = vb_uuid_random()};
    export->workspace = strdup(exchange->request->access.workspace);
    if (export->workspace)
        return export;
    free_export(export);
    return NULL;
}

/* The ticket is the export's, not the exchange's: what it makes must not be left without an end. */
static enum vb_status note_begin(struct vb_http_exchange *exchange, struct export *export,
                                 struct vb_error *err)
{
    struct vb_api_direct *direct = exchange->state;
    char mark[VB_UUID_TEXT];
    vb_uuid_format(export->mark, mark);
    const char *const enter[] = {exchange->request->access.workspace};
    const char *const entry[] = {exchange->request->route->door->name,
                                 exchange->request->access.author,
                                 direct->audience_text,
                                 direct->shown.data,
                                 direct->lookup.resolution.specification.format,
                                 mark};
    const struct vb_pg_step steps[BRAND_STEP + 1] = {{&vb_pg_enter[VB_PG_ENTER_WRITE], enter},
                                                     {&vb_api_sql[VB_API_SQL_AUDIT], entry},
                                                     {&vb_brand_statement, enter}};
    struct vb_pg_ticket *ticket;
    enum vb_status status =
        vb_pg_pool_send(exchange->loop->site->main_pool, steps,
                        direct->renderer->has_brand ? BRAND_STEP + 1 : BRAND_STEP, on_audited,
                        export, &ticket, err);
    if (status != VB_OK)
        return status;
    direct->export = export;
    exchange->loop->site->notes++;
    return VB_OK;
}

/* Takes the stream over. */
static void begin_export(struct vb_http_exchange *exchange, struct vb_direct_stream *stream,
                         struct vb_zone *zone)
{
    struct vb_error err = {0};
    struct export *export = make_export(exchange, stream);
    if (!export) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "an export");
        return;
    }
    enum vb_status status = put_name(exchange, zone, &err);
    if (status == VB_OK)
        status = note_begin(exchange, export, &err);
    if (status == VB_OK)
        return;
    free_export(export);
    vb_http_answer_error(exchange, &err);
}

/* HEAD says what there would be: nothing is read, so nothing is noted. */
static void answer_head(struct vb_http_exchange *exchange, struct vb_zone *zone)
{
    const struct vb_api_direct *direct = exchange->state;
    struct vb_error err = {0};
    if (put_name(exchange, zone, &err) == VB_OK)
        vb_http_answer_stream_head(exchange, direct->renderer->content_type);
    else
        vb_http_answer_error(exchange, &err);
}

/* A thread is reserved before the entry is made: the audit holds nothing that never began for want
 * of one. */
static void on_found(struct vb_http_exchange *exchange)
{
    struct vb_zone *zone = vb_api_zone(exchange);
    if (!zone)
        return;
    if (exchange->is_head) {
        answer_head(exchange, zone);
        return;
    }
    struct vb_direct_stream *stream = vb_direct_reserve(exchange->loop->site->streams);
    if (stream) {
        begin_export(exchange, stream, zone);
        return;
    }
    vb_http_answer_error_header(exchange, "Retry-After", RETRY_AFTER);
    vb_http_answer_detail(exchange, 503, "Too many exports are being answered. Try again later.");
}

/* --- the way in --- */

bool vb_api_direct_format(struct vb_view text)
{
    return vb_view_equals(text, VB_VIEW("json")) || vb_view_equals(text, VB_VIEW("csv"));
}

static void answer_missing(struct vb_http_exchange *exchange, const char *member)
{
    const struct vb_api_direct *direct = exchange->state;
    (void)member;
    vb_http_answer_detail(exchange, 404, direct->offer->missing);
}

/* The audit shows what was asked for, as it does for jobs: before the look-ups limit it further. */
static enum vb_status specify(struct vb_http_exchange *exchange, const char *format)
{
    struct vb_api_direct *direct = exchange->state;
    struct vb_specification *specification = &direct->lookup.resolution.specification;
    const char *layout = strcmp(format, "json") == 0 ? direct->offer->json_layout : NULL;
    struct vb_problems problems;
    enum vb_status status =
        vb_specification_from(direct->offer->document(exchange, format), specification, &problems);
    vb_problems_done(&problems);
    if (status != VB_OK)
        return status;
    direct->renderer = layout ? vb_renderer_find(VB_VIEW("json"), vb_view_of(layout))
                              : vb_specification_renderer(specification);
    status = vb_specification_write(specification, false, &direct->shown);
    if (status != VB_OK)
        return status;
    const struct vb_caller caller = vb_access_caller(&exchange->request->access);
    return vb_caller_audience(&caller, &direct->audience, &direct->audience_text);
}

static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *ignored)
{
    struct vb_api_direct *direct = exchange->state;
    struct vb_http_query query;
    (void)ignored;
    if (!vb_http_query_read(exchange, &direct->offer->format, 1, &query))
        return;
    const char *format = query.values[0].text ? query.values[0].text : "json";
    direct->lookup.found = on_found;
    direct->lookup.missing = answer_missing;
    enum vb_status status = specify(exchange, format);
    vb_http_query_done(&query);
    if (status == VB_OK)
        vb_api_resolve(exchange);
    else if (status == VB_INVALID)
        answer_missing(exchange, NULL); /* all that can be wrong is the id of the path */
    else
        vb_http_answer_status(exchange, status, "the export");
}

void vb_api_direct_enter(struct vb_http_exchange *exchange, const struct vb_api_direct_offer *offer)
{
    const struct vb_api_entry entry = {.then = on_entered};
    struct vb_api_direct *direct = calloc(1, sizeof(*direct));
    if (!direct) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "an export");
        return;
    }
    direct->offer = offer;
    vb_buffer_init(&direct->shown, SPECIFICATION);
    vb_buffer_init(&direct->audience, AUDIENCE);
    exchange->state = direct;
    exchange->free_state = free_direct;
    vb_api_enter(exchange, &entry);
}
