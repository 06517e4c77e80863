/* The CSV of the main contract: twelve columns, one row a message; see INTERFACE, "The archive".
 *
 * Appends to the caller's buffer and keeps nothing but a cache of the hour written last, one per
 * thread. A row that fails leaves the buffer as it was. */
#include "cell.h"
#include "renderers.h"

#include <stdio.h>
#include <string.h>

static const char byte_order_mark[] = "\xEF\xBB\xBF";
static const char header[] =
    "message_id,conversation_id,contact_name,contact_phone,direction,speaker_type,speaker_name,"
    "message_time,message_text,media_url,status,sender_account\r\n";

static enum vb_status begin_file(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err)
{
    enum vb_status status = VB_OK;
    if (context->csv_profile == VB_CSV_EXCEL)
        status = vb_buffer_append_text(out, byte_order_mark);
    if (status == VB_OK)
        status = vb_buffer_append(out, header, sizeof header - 1);
    return status == VB_OK ? status : vb_fail(err, status, "no room for the header of a CSV file");
}

/* Every row names its conversation: nothing stands between the header and the rows. */
static enum vb_status begin_conversation(const struct vb_render_context *context,
                                         const struct vb_conversation *conversation,
                                         bool first_in_file, struct vb_buffer *out,
                                         struct vb_error *err)
{
    (void)context, (void)conversation, (void)first_in_file, (void)out, (void)err;
    return VB_OK;
}

static enum vb_status end_conversation(const struct vb_render_context *context,
                                       const struct vb_conversation *conversation,
                                       struct vb_buffer *out, struct vb_error *err)
{
    (void)context, (void)conversation, (void)out, (void)err;
    return VB_OK;
}

static unsigned columns(unsigned include)
{
    return include & VB_INCLUDE_MEDIA ? VB_COLUMNS_MEDIA : 0;
}

static enum vb_status end_file(const struct vb_render_context *context, struct vb_buffer *out,
                               struct vb_error *err)
{
    (void)context, (void)out, (void)err;
    return VB_OK;
}

/* The name the contract gives a speaker who has none of their own. */
static struct vb_view speaker_name(const struct vb_conversation *conversation,
                                   const struct vb_message *message)
{
    if (message->speaker_name.length > 0)
        return message->speaker_name;
    if (vb_view_equals(message->speaker_type, VB_VIEW("customer")))
        return conversation->contact_name;
    if (vb_view_equals(message->speaker_type, VB_VIEW("bot")))
        return conversation->assistant_name;
    return (struct vb_view){NULL, 0};
}

/* The start of a local time up to the hour, "2026-04-08T03:": messages come in order, so it mostly
 * is the one written last. */
struct hour_text {
    int64_t hour; /* local, since 1970 */
    size_t length;
    char text[32];
};
static _Thread_local struct hour_text last_hour = {.hour = INT64_MIN};

static const struct hour_text *text_of_hour(int64_t hour)
{
    if (last_hour.hour != hour) {
        struct vb_civil c = vb_civil_of(hour * 3600 * VB_SECOND, 0);
        last_hour.length =
            (size_t)snprintf(last_hour.text, sizeof last_hour.text,
                             "%04d-%02d-%02dT%02d:", c.date.year, c.date.month, c.date.day, c.hour);
        last_hour.hour = hour;
    }
    return &last_hour;
}

/* Two digits without printf: six of them for each message. */
static char *put_two(char *to, unsigned value)
{
    to[0] = (char)('0' + value / 10 % 10);
    to[1] = (char)('0' + value % 10);
    return to + 2;
}

/* "+05:45"; seconds only where a zone of long ago has them. */
static char *put_offset(char *to, int offset)
{
    unsigned distance = offset < 0 ? 0u - (unsigned)offset : (unsigned)offset;
    *to++ = offset < 0 ? '-' : '+';
    to = put_two(to, distance / 3600);
    *to++ = ':';
    to = put_two(to, distance / 60 % 60);
    if (distance % 60 != 0) {
        *to++ = ':';
        to = put_two(to, distance % 60);
    }
    return to;
}

#define TIME_TEXT 64u

static enum vb_status append_time(struct vb_buffer *out, struct vb_zone *zone, vb_instant at)
{
    int offset = vb_zone_offset(zone, at);
    int64_t local = at + offset * VB_SECOND, hour_length = 3600 * VB_SECOND;
    int64_t hour = local / hour_length - (local % hour_length < 0);
    const struct hour_text *front = text_of_hour(hour);
    /* Once for the longest form; the rest writes without asking. */
    enum vb_status status = vb_buffer_reserve(out, TIME_TEXT);
    if (status != VB_OK)
        return status;
    uint32_t rest = (uint32_t)((uint64_t)(local - hour * hour_length) % 60000000u);
    unsigned minute = (unsigned)((local - hour * hour_length) / (60 * VB_SECOND));
    char *start = out->data + out->length, *to = start;
    memcpy(to, front->text, front->length);
    to = put_two(to + front->length, minute);
    *to++ = ':';
    to = put_two(to, rest / 1000000u);
    *to++ = '.';
    to = put_two(to, rest / 10000u % 100);
    to = put_two(to, rest / 100u % 100);
    to = put_two(to, rest % 100);
    to = put_offset(to, offset);
    vb_buffer_grown(out, (size_t)(to - start));
    return VB_OK;
}

/* A run of text cells, each with the comma behind it. */
static enum vb_status append_cells(struct vb_buffer *out, const struct vb_view *cells, size_t count,
                                   bool guard)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < count && status == VB_OK; i++) {
        status = vb_cell_append(out, cells[i], guard);
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, ',');
    }
    return status;
}

/* The twelve columns in the contract's order. Ids and the time are never guarded. */
static enum vb_status append_row(const struct vb_render_context *context,
                                 const struct vb_conversation *c, const struct vb_message *m,
                                 struct vb_buffer *out)
{
    bool guard = context->csv_profile != VB_CSV_RAW;
    const struct vb_view ids[] = {m->id, c->id};
    const struct vb_view people[] = {m->direction, m->speaker_type, speaker_name(c, m)};
    enum vb_status status = append_cells(out, ids, 2, false);
    if (status == VB_OK)
        status = append_cells(out, &c->contact_name, 1, guard);
    if (status == VB_OK)
        status =
            append_cells(out, &c->contact_phone, 1, guard && !vb_cell_is_e164(c->contact_phone));
    if (status == VB_OK)
        status = append_cells(out, people, 3, guard);
    if (status == VB_OK)
        status = append_time(out, context->zone, m->created_at);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, ',');
    if (status == VB_OK)
        status = append_cells(out, &m->text, 1, guard);
    if (status == VB_OK)
        status = vb_cell_append_list(out, m->media_urls, guard);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, ',');
    if (status == VB_OK)
        status = append_cells(out, &m->status, 1, guard);
    if (status == VB_OK)
        status = vb_cell_append(out, m->sender_account, guard);
    return status == VB_OK ? vb_buffer_append(out, "\r\n", 2) : status;
}

/* Names the row but quotes nothing of it: messages are private, logs are not. */
static enum vb_status fail_row(enum vb_status status, const struct vb_conversation *c,
                               const struct vb_message *m, struct vb_error *err)
{
    const char *reason = status == VB_SOURCE  ? "text that is not valid UTF-8"
                         : status == VB_LIMIT ? "the message is too large for one row"
                                              : "no memory for a row";
    return vb_fail(err, status, "conversation %.*s, message %.*s: %s", (int)c->id.length,
                   c->id.data, (int)m->id.length, m->id.data, reason);
}

static enum vb_status append_message(const struct vb_render_context *context,
                                     const struct vb_conversation *conversation,
                                     const struct vb_message *message, struct vb_buffer *out,
                                     struct vb_error *err)
{
    size_t before = out->length;
    enum vb_status status = append_row(context, conversation, message, out);
    if (status == VB_OK)
        return VB_OK;
    out->length = before;
    if (out->data)
        out->data[before] = '\0';
    return fail_row(status, conversation, message, err);
}

const struct vb_renderer vb_csv_renderer = {
    .format = "csv",
    .layout = "messages",
    .extension = ".csv",
    .content_type = "text/csv; charset=utf-8",
    .columns = columns,
    .begin_file = begin_file,
    .conversation = begin_conversation,
    .message = append_message,
    .end_conversation = end_conversation,
    .end_file = end_file,
};
