/* One streamed export: reader, renderer, pipe; a straight line on a stream's thread. See
 * direct/direct.h.
 *
 * Everything opened here is closed here. A pipe that stays full is a client that reads slowly: then
 * the source's transaction is let go of, so that a slow client holds no snapshot there. Open
 * transactions are not waited for, as a job does: what was committed when its page is read is in,
 * and nobody resumes this reading later.
 */
#include "direct.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"
#include "verbatim/render.h"
#include "verbatim/zone.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#define FLUSH (32u * 1024u)
#define PAGE_CONVERSATIONS 200
#define SLICE 100                /* milliseconds: how late a stop may be heard */
#define PATIENCE (1 * VB_SECOND) /* with a full pipe, before the transaction goes */

/* Everything of one export; run() opens it, vb_direct_export closes it. */
struct line {
    const struct vb_direct_work *work;
    struct vb_zone *zone;
    struct vb_reader *reader;
    struct vb_buffer out;
    struct vb_render_state state;
    struct vb_render_context context;
    uint64_t conversations;
};

/* --- the pipe --- */

static enum vb_status stopped(struct vb_error *err)
{
    return vb_fail(err, VB_STOPPED, "the client has left");
}

/* The reader keeps its place: it reads on behind the last message, in a new transaction. */
static enum vb_status wait_for_room(struct line *line, int64_t since, struct vb_error *err)
{
    struct pollfd room = {line->work->out, POLLOUT, 0};
    if (line->work->stop(line->work->context))
        return stopped(err);
    if (vb_clock_monotonic() - since > PATIENCE)
        vb_reader_pause(line->reader);
    if (poll(&room, 1, SLICE) < 0 && errno != EINTR)
        vb_clock_sleep((int64_t)SLICE * 1000);
    return VB_OK;
}

/* Writes all of it. EPIPE is the client's end: SIGPIPE is ignored in the process. */
static enum vb_status flush(struct line *line, struct vb_error *err)
{
    struct vb_buffer *out = &line->out;
    enum vb_status status = VB_OK;
    int64_t since = 0;
    for (size_t sent = 0; sent < out->length && status == VB_OK;) {
        ssize_t count = write(line->work->out, out->data + sent, out->length - sent);
        if (count >= 0) {
            sent += (size_t)count;
        } else if (errno == EAGAIN) {
            since = since > 0 ? since : vb_clock_monotonic();
            status = wait_for_room(line, since, err);
        } else if (errno != EINTR) {
            return stopped(err);
        }
    }
    vb_count(VB_COUNT_BYTES_READ, out->length);
    vb_buffer_reset(out);
    if (out->capacity > 8 * FLUSH) /* an oversized row leaves no memory behind */
        vb_buffer_done(out);
    atomic_store(line->work->conversations, line->conversations);
    return status;
}

static enum vb_status flush_above(struct line *line, size_t least, struct vb_error *err)
{
    return line->out.length > least ? flush(line, err) : VB_OK;
}

/* --- opening --- */

/* VB_INVALID for a profile or zone that this build does not know. */
static enum vb_status open_renderer(struct line *line, struct vb_error *err)
{
    const struct vb_direct_order *order = line->work->order;
    enum vb_csv_profile profile = VB_CSV_SAFE;
    if (vb_csv_profile_parse(vb_view_of(order->csv_profile), &profile) != VB_OK)
        return vb_fail(err, VB_INVALID, "the CSV profile \"%s\" is not known here",
                       order->csv_profile);
    enum vb_status status = vb_zone_new(order->time_zone, &line->zone, err);
    if (status != VB_OK)
        return status;
    line->context = (struct vb_render_context){.zone = line->zone,
                                               .csv_profile = profile,
                                               .csv_quote = order->csv_quote,
                                               .csv_mark = order->csv_mark,
                                               .csv_delimiter = order->csv_delimiter,
                                               .include = order->specification.include,
                                               .state = &line->state,
                                               .zone_name = order->time_zone,
                                               .fonts = line->work->service->options->fonts,
                                               .brand = &order->brand.brand};
    return VB_OK;
}

/* No snapshot is named: there is nothing to wait for. */
static enum vb_status select_rows(const struct vb_direct_order *order, struct vb_zone *zone,
                                  struct vb_selection *ret_selection)
{
    *ret_selection =
        (struct vb_selection){.workspace = order->workspace,
                              .as_of = order->as_of,
                              .columns = order->renderer->columns(order->specification.include)};
    vb_specification_select(&order->specification, ret_selection);
    return vb_specification_range(&order->specification, zone, order->as_of, &ret_selection->from,
                                  &ret_selection->to);
}

/* The reader's words, with the request of the thread's lines. */
static void tell_slow(const char *text)
{
    vb_warn("%s", text);
}

/* No giant or stall settings: a client's slowness is handled in wait_for_room. */
static enum vb_status open_reader(struct line *line, struct vb_error *err)
{
    const struct vb_direct_work *work = line->work;
    const struct vb_service *service = work->service;
    struct vb_reader_options options = {
        .connection_string = service->options->source_url,
        .application_name = "verbatim stream",
        .contract = service->contract,
        .pace = service->pace,
        .prepared_statements = service->options->prepared_statements,
        .page_conversations = PAGE_CONVERSATIONS,
        .stop = work->stop,
        .stop_context = work->context,
        .slow = tell_slow,
    };
    struct vb_selection selection;
    enum vb_status status = vb_reader_new(&options, &line->reader, err);
    if (status != VB_OK)
        return status;
    if (select_rows(work->order, line->zone, &selection) != VB_OK)
        return vb_fail(err, VB_INVALID, "the range of the export ends before it begins");
    return vb_reader_begin(line->reader, &selection, NULL, NULL, err);
}

/* --- reading --- */

/* Counted as written once it is in the buffer; the count is published with the next flush. */
static enum vb_status end_conversation(struct line *line,
                                       const struct vb_conversation *conversation,
                                       struct vb_error *err)
{
    const struct vb_renderer *renderer = line->work->order->renderer;
    enum vb_status status =
        renderer->end_conversation(&line->context, conversation, &line->out, err);
    line->conversations++;
    return status;
}

/* One event into the buffer. */
static enum vb_status render(struct line *line, enum vb_reader_event event,
                             const struct vb_conversation *conversation,
                             const struct vb_message *message, struct vb_error *err)
{
    const struct vb_renderer *renderer = line->work->order->renderer;
    const struct vb_render_context *context = &line->context;
    switch (event) {
    case VB_READ_CONVERSATION:
        return renderer->conversation(context, conversation, line->conversations == 0, &line->out,
                                      err);
    case VB_READ_MESSAGE:
        return renderer->message(context, conversation, message, &line->out, err);
    case VB_READ_EXTRA:
        return renderer->extra ? renderer->extra(context, conversation,
                                                 vb_reader_extra(line->reader), &line->out, err)
                               : VB_OK;
    case VB_READ_END_CONVERSATION:
        return end_conversation(line, conversation, err);
    case VB_READ_END_PAGE:
        return flush(line, err); /* no transaction is open: whoever waits, waits without one */
    case VB_READ_BAD_ROW:        /* not asked for: there is no place to list them */
    case VB_READ_END:
        break;
    }
    return VB_OK;
}

/* Texts of a message live until the next event, and are rendered before it. */
static enum vb_status read_all(struct line *line, struct vb_error *err)
{
    struct vb_conversation conversation = {0};
    struct vb_message message = {0};
    enum vb_reader_event event = VB_READ_END_PAGE;
    enum vb_status status = VB_OK;
    while (status == VB_OK && event != VB_READ_END) {
        status = vb_reader_next(line->reader, &event, &conversation, &message, err);
        if (status == VB_OK)
            status = render(line, event, &conversation, &message, err);
        if (status == VB_OK)
            status = flush_above(line, FLUSH, err);
    }
    return status;
}

static enum vb_status run(struct line *line, struct vb_error *err)
{
    const struct vb_renderer *renderer = line->work->order->renderer;
    enum vb_status status = open_renderer(line, err);
    if (status == VB_OK)
        status = open_reader(line, err);
    if (status == VB_OK)
        status = renderer->begin_file(&line->context, &line->out, err);
    if (status == VB_OK)
        status = read_all(line, err);
    if (status == VB_OK)
        status = renderer->end_file(&line->context, &line->out, err);
    return status == VB_OK ? flush(line, err) : status;
}

enum vb_status vb_direct_export(const struct vb_direct_work *work, struct vb_error *err)
{
    struct line line = {.work = work};
    vb_buffer_init(&line.out, VB_ROW_CEILING);
    vb_render_state_init(&line.state);
    enum vb_status status = run(&line, err);
    vb_reader_free(line.reader);
    vb_zone_free(line.zone);
    vb_render_state_done(&line.state);
    vb_buffer_done(&line.out);
    /* What the database says to a statement that was called off is no news. */
    if (status != VB_OK && work->stop(work->context))
        return stopped(err);
    return status;
}
