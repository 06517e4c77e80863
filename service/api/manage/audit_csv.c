/* GET of all of the audit as CSV: read page by page and streamed, so that it takes the same memory
 * whatever its length, and neither a thread nor an open transaction.
 *
 * Everything is on the loop's thread: a page is asked for when the one before has gone into the
 * pipe, and the pipe is emptied as fast as the client reads. Texts that a spreadsheet could take
 * for a formula are guarded like those of exports. An error in the middle breaks the answer.
 */
#include "manage.h"

#include "audit_filter.h"
#include "format/cell.h"
#include "http/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TYPE "text/csv; charset=utf-8"
#define PAGE 100
#define ROOM (4u << 20) /* of a page as CSV */

/* Of one answer; freed at its end. */
struct csv {
    struct vb_http_loop *loop;
    struct vb_audit_filter filter;
    char *workspace;
    struct vb_pg_ticket *ticket;
    struct vb_buffer out;
    size_t sent;
    int pipe; /* its writing end; -1: closed */
    struct event room;
    bool is_last;
    bool *ended; /* told, where somebody still uses it when it ends */
    enum vb_status status;
    struct vb_error error;
};

/* --- rows --- */

static const char header[] =
    "audit_id,at_utc,author,door,format,export_id,status,records,downloads,last_download_at_utc,"
    "last_download_by,deleted_at_utc,deleted_by,specification\r\n";

/* One of people's texts is guarded, and all of them have a comma behind them but the last. */
static enum vb_status put_text(struct vb_buffer *out, const PGresult *rows, int row, int column,
                               bool is_theirs)
{
    enum vb_status status =
        vb_cell_append(out, vb_pg_view(rows, row, column),
                       is_theirs ? VB_CELL_FORM : vb_cell_unguarded(VB_CELL_FORM));
    return status == VB_OK ? vb_buffer_append_byte(out, ',') : status;
}

static enum vb_status put_number(struct vb_buffer *out, const PGresult *rows, int row, int column)
{
    if (vb_pg_null(rows, row, column))
        return vb_buffer_append_byte(out, ',');
    return vb_buffer_printf(out, "%" PRId64 ",", vb_pg_integer(rows, row, column));
}

static enum vb_status put_time(struct vb_buffer *out, const PGresult *rows, int row, int column)
{
    char text[VB_INSTANT_TEXT];
    if (vb_pg_null(rows, row, column))
        return vb_buffer_append_byte(out, ',');
    vb_instant_text(vb_pg_integer(rows, row, column) + VB_POSTGRES_EPOCH, text);
    return vb_buffer_printf(out, "%s,", text);
}

/* In the order of the header; the specification comes last. */
static enum vb_status put_row(struct vb_buffer *out, const PGresult *rows, int row)
{
    static const struct {
        int column;
        enum { NUMBER, TIME, WORD, THEIRS } kind;
    } cells[] = {
        {AUDITS_ID, NUMBER},
        {AUDITS_CREATED, TIME},
        {AUDITS_AUTHOR, THEIRS},
        {AUDITS_DOOR, WORD},
        {AUDITS_FORMAT, WORD},
        {AUDITS_JOB, WORD},
        {AUDITS_STATUS, WORD},
        {AUDITS_RECORDS, NUMBER},
        {AUDITS_DOWNLOAD_COUNT, NUMBER},
        {AUDITS_DOWNLOADED, TIME},
        {AUDITS_DOWNLOADED_BY, THEIRS},
        {AUDITS_DELETED, TIME},
        {AUDITS_DELETED_BY, THEIRS},
    };
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]) && status == VB_OK; i++)
        status = cells[i].kind == NUMBER ? put_number(out, rows, row, cells[i].column)
                 : cells[i].kind == TIME
                     ? put_time(out, rows, row, cells[i].column)
                     : put_text(out, rows, row, cells[i].column, cells[i].kind == THEIRS);
    if (status == VB_OK)
        status = vb_cell_append(out, vb_pg_view(rows, row, AUDITS_FILTER), VB_CELL_FORM);
    return status == VB_OK ? vb_buffer_append_text(out, "\r\n") : status;
}

/* --- the way of the bytes --- */

/* The reader finds the end, and asks how it went. */
static void close_pipe(struct csv *csv)
{
    if (csv->pipe >= 0)
        close(csv->pipe);
    csv->pipe = -1;
}

static void fail(struct csv *csv, enum vb_status status, const char *why)
{
    csv->status = vb_fail(&csv->error, status, "the audit as CSV: %s", why);
    close_pipe(csv);
}

static void ask(struct csv *csv);

/* Into the pipe as far as it has room; the next page once all of this one is in. */
static void drain(struct csv *csv)
{
    while (csv->sent < csv->out.length) {
        ssize_t count = write(csv->pipe, csv->out.data + csv->sent, csv->out.length - csv->sent);
        if (count >= 0) {
            csv->sent += (size_t)count;
        } else if (errno == EAGAIN) {
            if (event_add(&csv->room, NULL) != 0)
                fail(csv, VB_NO_MEMORY, "no memory for an event");
            return;
        } else if (errno != EINTR) {
            fail(csv, VB_STOPPED, "the client has left");
            return;
        }
    }
    vb_buffer_reset(&csv->out);
    csv->sent = 0;
    if (csv->is_last)
        close_pipe(csv);
    else
        ask(csv);
}

static void on_room(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    drain(context);
}

static void on_page(void *context, const struct vb_pg_outcome *outcome)
{
    struct csv *csv = context;
    csv->ticket = NULL;
    if (outcome->status != VB_OK) {
        fail(csv, outcome->status, outcome->error.text);
        return;
    }
    const PGresult *rows = outcome->results[1];
    enum vb_status status = VB_OK;
    int count = PQntuples(rows);
    for (int row = 0; row < count && status == VB_OK; row++)
        status = put_row(&csv->out, rows, row);
    if (status != VB_OK) {
        fail(csv, status, "a page cannot be written");
        return;
    }
    csv->is_last = count < PAGE;
    if (count > 0)
        vb_audit_filter_pass(&csv->filter, rows, count - 1);
    drain(csv);
}

static void ask(struct csv *csv)
{
    const char *const enter[] = {csv->workspace};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], enter},
                                       vb_audit_filter_step(&csv->filter, csv->workspace, PAGE)};
    struct vb_error err = {0};
    enum vb_status status =
        vb_pg_pool_send(csv->loop->site->main_pool, steps, 2, on_page, csv, &csv->ticket, &err);
    if (status != VB_OK)
        fail(csv, status, err.text);
}

/* --- the answer --- */

static enum vb_status outcome_of(void *context, struct vb_error *err)
{
    const struct csv *csv = context;
    if (csv->status != VB_OK)
        *err = csv->error;
    return csv->status;
}

static void free_csv(struct csv *csv)
{
    vb_pg_ticket_drop(csv->ticket);
    if (event_initialized(&csv->room))
        event_del(&csv->room);
    close_pipe(csv);
    vb_audit_filter_done(&csv->filter);
    vb_buffer_done(&csv->out);
    free(csv->workspace);
    free(csv);
}

static void on_end(void *context, enum vb_status how)
{
    struct csv *csv = context;
    (void)how;
    if (csv->ended)
        *csv->ended = true;
    free_csv(csv);
}

/* *ret_fd: the reading end, the caller's. */
static enum vb_status open_pipe(struct csv *csv, int *ret_fd)
{
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
        return VB_IO;
    csv->pipe = fds[1];
    *ret_fd = fds[0];
    return event_assign(&csv->room, csv->loop->base, csv->pipe, EV_WRITE, on_room, csv) == 0
               ? VB_OK
               : VB_NO_MEMORY;
}

/* The answer owns it once it has begun, also where it ends at once. */
static void begin_stream(struct vb_http_exchange *exchange, struct csv *csv)
{
    struct vb_http_feed feed = {.fd = -1, .context = csv, .outcome = outcome_of, .end = on_end};
    bool ended = false;
    enum vb_status status = vb_buffer_append_text(&csv->out, header);
    if (status == VB_OK)
        status = open_pipe(csv, &feed.fd);
    if (status != VB_OK) {
        if (feed.fd >= 0)
            close(feed.fd);
        free_csv(csv);
        vb_http_answer_status(exchange, status, "the audit as CSV");
        return;
    }
    csv->ended = &ended;
    vb_http_answer_stream(exchange, TYPE, &feed);
    if (ended)
        return;
    csv->ended = NULL;
    drain(csv);
}

/* NULL: answered. */
static struct csv *make_csv(struct vb_http_exchange *exchange)
{
    struct csv *csv = calloc(1, sizeof(*csv));
    char *workspace = strdup(exchange->request->access.workspace);
    if (!csv || !workspace) {
        free(csv);
        free(workspace);
        vb_http_answer_status(exchange, VB_NO_MEMORY, "the audit as CSV");
        return NULL;
    }
    *csv = (struct csv){.loop = exchange->loop, .workspace = workspace, .pipe = -1};
    vb_buffer_init(&csv->out, ROOM);
    if (vb_audit_filter_read(exchange, false, &csv->filter))
        return csv;
    free_csv(csv);
    return NULL;
}

static void on_entered(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome)
{
    (void)outcome;
    struct csv *csv = make_csv(exchange);
    if (!csv)
        return;
    vb_http_answer_attachment(exchange, "audit.csv");
    if (exchange->is_head) {
        free_csv(csv);
        vb_http_answer_stream_head(exchange, TYPE);
    } else {
        begin_stream(exchange, csv);
    }
}

void vb_manage_audit_csv_begin(struct vb_http_exchange *exchange)
{
    static const struct vb_api_entry entry = {.then = on_entered};
    vb_api_enter(exchange, &entry);
}
