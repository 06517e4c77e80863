/* What a row of a page says: a message, or what else was asked for; see stream.c.
 *
 * A row that breaks the contract fails its export, named as well as it can be, or is listed
 * (bad_row.c): stream->fault says whether it is this row alone. Uses the reader's thread and memory
 * only.
 */
#include "reader.h"
#include "times.h"

#include <string.h>

/* Of rows that may be listed: also one whose every byte is written twice has to fit. */
#define ROW_MOST (VB_ROW_CEILING / 2u)

enum vb_status vb_row_broken(const struct vb_reader *reader, struct vb_error *err, const char *what)
{
    return vb_fail(err, VB_SOURCE, "conversation %s: %s", reader->conversation.id, what);
}

/* The same of one of its messages, which may be left out. */
static enum vb_status broken_message(struct vb_reader *reader, const char *id, struct vb_error *err,
                                     const char *what)
{
    reader->stream.fault = what;
    return vb_fail(err, VB_SOURCE, "conversation %s, message %s: %s", reader->conversation.id, id,
                   what);
}

/* What cannot be named by itself is told by its conversation. */
static enum vb_status decode_message_id(const struct vb_reader *reader, char ret_id[VB_CURSOR_ID],
                                        size_t *ret_length, struct vb_error *err)
{
    struct vb_view id = reader->stream.fields[VB_ROW_ID];
    if (!id.data)
        return vb_row_broken(reader, err, "a message has no id");
    if (vb_decode_id(reader->stream.id_type, id, ret_id, ret_length) == VB_OK)
        return VB_OK;
    return vb_fail(err, VB_SOURCE,
                   "conversation %s: a message's id of %zu bytes is longer than %d (%.64s...)",
                   reader->conversation.id, id.length, VB_CURSOR_ID - 1, id.data);
}

/* NULL came through on purpose (select_branch.c), to be told here by its message. */
static enum vb_status decode_time(struct vb_reader *reader, struct vb_cursor *cursor,
                                  struct vb_error *err)
{
    struct vb_view at = reader->stream.fields[VB_ROW_CREATED_AT];
    if (vb_time_decode(reader->stream.time, at, cursor) != VB_OK)
        return broken_message(reader, cursor->id, err,
                              at.data ? "created_at is not a time of the years 1 to 9999"
                                      : "it has no created_at");
    const struct vb_stream *stream = &reader->stream;
    if (stream->total > 0 && cursor->at < stream->places[stream->last].cursor.at)
        return vb_row_broken(reader, err, "its messages came out of order");
    return VB_OK;
}

/* Of the id's types but uuid. */
static enum vb_status decode_position(struct vb_reader *reader, const char *id,
                                      struct vb_message_place *ret_place, struct vb_error *err)
{
    struct vb_view position = reader->stream.fields[VB_ROW_POSITION];
    Oid type = reader->stream.position_type;
    ret_place->has_position = position.data != NULL;
    ret_place->position[0] = '\0';
    if (position.data && vb_decode_id(type, position, ret_place->position, NULL) != VB_OK)
        return broken_message(reader, id, err, "its position is longer than 255 bytes");
    return VB_OK;
}

/* The last message is where the conversation is read on, with those that share its place. The other
 * of the two places is now the last one's. */
static void note_last(struct vb_stream *stream)
{
    const struct vb_message_place *last = &stream->places[stream->last];
    const struct vb_message_place *place = &stream->places[1 - stream->last];
    bool is_tie = stream->total > 0 && place->cursor.at == last->cursor.at &&
                  strcmp(place->cursor.id, last->cursor.id) == 0 &&
                  strcmp(place->cursor.exact, last->cursor.exact) == 0 &&
                  place->has_position == last->has_position &&
                  strcmp(place->position, last->position) == 0;
    stream->ties = is_tie ? stream->ties + 1 : 1;
    stream->last = 1 - stream->last;
}

/* Views into the row, as all else. */
static enum vb_status decode_rich(const struct vb_view *fields, struct vb_message *message)
{
    message->feedback = fields[VB_ROW_FEEDBACK];
    enum vb_status status = vb_decode_text_list(fields[VB_ROW_CITATIONS], &message->citations);
    if (status == VB_OK)
        status = vb_decode_text_list(fields[VB_ROW_ATTACHMENTS], &message->attachments);
    message->edited_at = vb_decode_maybe_instant(fields[VB_ROW_EDITED_AT]);
    message->deleted_at = vb_decode_maybe_instant(fields[VB_ROW_DELETED_AT]);
    message->kind = fields[VB_ROW_MESSAGE_KIND];
    message->reply_to = fields[VB_ROW_REPLY_TO];
    message->format = fields[VB_ROW_FORMAT];
    message->extra = fields[VB_ROW_EXTRA];
    return status;
}

/* Text may be absent, where a message is media alone; so may direction and speaker_type, which not
 * every platform knows of every message. */
enum vb_status vb_row_message(struct vb_reader *reader, struct vb_message *ret_message,
                              struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    const struct vb_view *fields = stream->fields;
    struct vb_message message = {
        .direction = fields[VB_ROW_DIRECTION],
        .speaker_type = fields[VB_ROW_SPEAKER_TYPE],
        .speaker_name = fields[VB_ROW_SPEAKER_NAME],
        .text = fields[VB_ROW_TEXT],
        .status = fields[VB_ROW_STATUS],
        .sender_account = fields[VB_ROW_SENDER_ACCOUNT],
        .marks = stream->marks,
    };
    struct vb_message_place *place = &stream->places[1 - stream->last];
    const char *id = place->cursor.id;
    enum vb_status status = decode_message_id(reader, place->cursor.id, &message.id.length, err);
    if (status == VB_OK)
        status = decode_time(reader, &place->cursor, err);
    if (status == VB_OK)
        status = decode_position(reader, id, place, err);
    if (status != VB_OK)
        return status;
    if (vb_decode_text_list(fields[VB_ROW_MEDIA_URLS], &message.media_urls) != VB_OK)
        return broken_message(reader, id, err, "its media_urls cannot be read");
    if (stream->width == VB_ROW_COUNT && decode_rich(fields, &message) != VB_OK)
        return broken_message(reader, id, err, "its citations or attachments cannot be read");
    if (vb_lists_bad_rows(reader) && stream->rows.buffered > ROW_MOST)
        return broken_message(reader, id, err, "too large for one row");
    message.created_at = place->cursor.at;
    message.id.data = id;
    note_last(stream);
    *ret_message = message;
    return VB_OK;
}

/* Of a row that is no message, which may be left out: told by its conversation. */
static enum vb_status broken_extra(struct vb_reader *reader, struct vb_error *err, const char *what)
{
    reader->stream.fault = what;
    return vb_row_broken(reader, err, what);
}

/* Of a participant, a reaction or a revision. The last must have one. */
static enum vb_status decode_further_time(struct vb_reader *reader, struct vb_extra *extra,
                                          struct vb_error *err)
{
    const struct vb_view *fields = reader->stream.fields;
    struct vb_maybe_instant at = vb_decode_maybe_instant(fields[VB_ROW_DELETED_AT]);
    extra->left_at = vb_decode_maybe_instant(fields[VB_ROW_EDITED_AT]);
    extra->undated = !at.is_set;
    extra->created_at = at.at;
    if (extra->undated && extra->kind == VB_EXTRA_REVISION)
        return broken_extra(reader, err,
                            "created_at of a revision is not a time of the years 1 to 9999");
    return VB_OK;
}

static enum vb_status decode_extra_time(struct vb_reader *reader, enum vb_row_kind kind,
                                        struct vb_extra *extra, struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    struct vb_cursor place = {0};
    if (kind > VB_ROW_SKILL) {
        enum vb_status status = decode_further_time(reader, extra, err);
        if (status != VB_OK || extra->undated)
            return status;
    } else if (vb_time_decode(vb_select_time(reader->options.contract, kind),
                              stream->fields[VB_ROW_CREATED_AT], &place) == VB_OK) {
        extra->created_at = place.at;
    } else {
        return broken_extra(reader, err,
                            "created_at of a note, an event or a skill is not a time of the years "
                            "1 to 9999");
    }
    /* Times that the server made of local ones fall back where an hour was skipped. */
    bool is_made = kind > VB_ROW_SKILL && reader->options.contract->local;
    if (stream->of_kind > 0 && extra->created_at < stream->last_extra && !is_made)
        return vb_row_broken(reader, err, "its rows of one kind came out of order");
    stream->last_extra = extra->created_at;
    return VB_OK;
}

enum vb_status vb_row_extra(struct vb_reader *reader, enum vb_row_kind kind, struct vb_error *err)
{
    static const enum vb_extra_kind kinds[] = {
        [VB_ROW_NOTE] = VB_EXTRA_NOTE,         [VB_ROW_EVENT] = VB_EXTRA_EVENT,
        [VB_ROW_SKILL] = VB_EXTRA_SKILL,       [VB_ROW_PARTICIPANT] = VB_EXTRA_PARTICIPANT,
        [VB_ROW_REACTION] = VB_EXTRA_REACTION, [VB_ROW_REVISION] = VB_EXTRA_REVISION};
    struct vb_stream *stream = &reader->stream;
    const struct vb_view *fields = stream->fields;
    reader->extra = (struct vb_extra){
        .kind = kinds[kind],
        .id = fields[VB_ROW_DIRECTION],
        .first = fields[VB_ROW_SPEAKER_TYPE],
        .second = fields[VB_ROW_SPEAKER_NAME],
        .third = fields[VB_ROW_TEXT],
    };
    enum vb_status status = decode_extra_time(reader, kind, &reader->extra, err);
    if (status == VB_OK && vb_lists_bad_rows(reader) && stream->rows.buffered > ROW_MOST)
        return broken_extra(reader, err, "a note or the like is too large for one row");
    if (status == VB_OK)
        stream->of_kind++;
    return status;
}
