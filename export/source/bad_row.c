/* Rows that are listed instead of failing: see VB_READ_BAD_ROW. The counterpart of the failures
 * that stream.c, page.c and blame.c name.
 *
 * What only this side refuses (a time, a list, a size) is passed over where it stands. What fails
 * its statement is found by blame.c; text that is not UTF-8 does, for the server checks even that
 * of SQL_ASCII on its way out. It is then kept out of the statements of its conversation, by its
 * id, which goes through a view before anything is computed of the row; of a kind of rows without
 * ids all are. A conversation is not kept out but stepped over: the page before it ends with the
 * one before it, and the next begins behind it. So places within a second are counted with it, and
 * names come out the same wherever pages begin.
 *
 * Uses the reader's thread and memory only.
 */
#include "reader.h"

#include "verbatim/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool vb_lists_bad_rows(const struct vb_reader *reader)
{
    return reader->selection.lists_bad_rows;
}

const struct vb_bad_row *vb_reader_bad_row(const struct vb_reader *reader)
{
    return &reader->bad_row;
}

static bool is_left_out(const struct vb_reader *reader, const struct vb_left_out_row *row)
{
    const struct vb_left_out *left_out = &reader->left_out;
    for (size_t i = 0; i < left_out->count; i++)
        if (left_out->rows[i].kind == row->kind && strcmp(left_out->rows[i].id, row->id) == 0)
            return true;
    return false;
}

static enum vb_status leave_out(struct vb_left_out *left_out, const struct vb_left_out_row *row,
                                struct vb_error *err)
{
    if (left_out->count == left_out->capacity) {
        size_t capacity = left_out->capacity > 0 ? 2 * left_out->capacity : 16;
        void *rows = realloc(left_out->rows, capacity * sizeof *left_out->rows);
        if (!rows)
            return vb_fail(err, VB_NO_MEMORY, "no memory for rows that are left out");
        left_out->rows = rows;
        left_out->capacity = capacity;
    }
    left_out->rows[left_out->count++] = *row;
    return VB_OK;
}

/* What a server says may repeat the very bytes that are no text. */
static void put_reason(const char *reason, char *to, size_t room)
{
    struct vb_view rest = vb_view_of(reason);
    struct vb_buffer text;
    enum vb_status status = VB_OK;
    vb_buffer_init(&text, 4 * strlen(reason) + 16);
    while (rest.length > 0 && status == VB_OK)
        status = vb_utf8_append(&text, vb_utf8_next(&rest));
    size_t length = text.data ? vb_utf8_cut((struct vb_view){text.data, text.length}, room - 1) : 0;
    if (length > 0)
        memcpy(to, text.data, length);
    to[length] = '\0';
    vb_buffer_done(&text);
}

enum vb_status vb_bad_row_note(struct vb_reader *reader, const char *conversation,
                               const struct vb_left_out_row *row, const char *reason,
                               struct vb_error *err)
{
    struct vb_bad_row *bad = &reader->bad_row;
    const char *message = row && row->kind == VB_ROW_MESSAGE ? row->id : "";
    enum vb_status status = VB_OK;
    if (reader->bad_rows == VB_BAD_ROWS_MOST)
        return vb_fail(err, VB_SOURCE,
                       "more than %u rows in one stretch of the export cannot be read, "
                       "conversation %s%s%s among them: %s",
                       VB_BAD_ROWS_MOST, conversation, message[0] ? ", message " : "", message,
                       reason);
    if (row)
        status = leave_out(&reader->left_out, row, err);
    if (status != VB_OK)
        return status;
    reader->bad_rows++;
    bad->is_conversation = reader->state != VB_READER_MESSAGES;
    memmove(bad->conversation_id, conversation, strlen(conversation) + 1);
    memmove(bad->message_id, message, strlen(message) + 1);
    put_reason(reason, bad->reason, sizeof bad->reason);
    return VB_AGAIN;
}

/* "source: DOING: WORDS", "conversation ID: WORDS". */
const char *vb_bad_row_reason(const struct vb_error *why, const char *conversation)
{
    static const char source[] = "source: ", owner[] = "conversation ";
    const char *text = why->text;
    size_t length = strlen(conversation);
    if (strncmp(text, source, sizeof source - 1) == 0) {
        const char *words = strstr(text + sizeof source - 1, ": ");
        return words ? words + 2 : text;
    }
    if (strncmp(text, owner, sizeof owner - 1) != 0)
        return text;
    const char *rest = text + sizeof owner - 1;
    bool is_own = strncmp(rest, conversation, length) == 0 && strncmp(rest + length, ": ", 2) == 0;
    return is_own ? rest + length + 2 : text;
}

/* --- statements --- */

/* A row whose statement fails in spite of leaving it out is refused by its very look-up: then
 * nothing helps. What is no message is told by the name of its relation. */
enum vb_status vb_stream_leave_out(struct vb_reader *reader, enum vb_status status,
                                   struct vb_error *err)
{
    const char *conversation = reader->conversation.id;
    struct vb_left_out_row row;
    struct vb_error why;
    char reason[sizeof why.text + VB_CURSOR_ID + 64];
    if (!vb_find_bad_row(reader, &row, &why))
        return vb_fail_within(err, status, "conversation %s", conversation);
    const char *relation = vb_select_relation(row.kind);
    const char *words = vb_bad_row_reason(&why, conversation);
    if (is_left_out(reader, &row))
        return vb_fail_within(err, status, "conversation %s, %s %s", conversation, relation,
                              row.id);
    if (row.kind == VB_ROW_MESSAGE)
        return vb_bad_row_note(reader, conversation, &row, words, err);
    snprintf(reason, sizeof reason, "%s%s %s: %s", row.id[0] ? "" : "every ", relation,
             row.id[0] ? row.id : "of it", words);
    return vb_bad_row_note(reader, conversation, &row, reason, err);
}

enum vb_status vb_page_leave_out(struct vb_reader *reader, size_t limit, enum vb_status status,
                                 struct vb_error *err)
{
    struct vb_cursor cursor;
    struct vb_error why;
    size_t place = 0;
    if (!vb_find_bad_conversation(reader, limit, &place, &why) ||
        !vb_find_conversation_at(reader, place, &cursor))
        return status;
    if (why.text[0] == '\0' || reader->has_fence)
        return vb_fail_within(err, status, "conversation %s", cursor.id);
    if (place > 1) {
        reader->has_fence = vb_find_conversation_at(reader, place - 1, &reader->fence);
        return reader->has_fence ? VB_OK : status;
    }
    reader->position = cursor;
    reader->placed = true;
    reader->page.second.known = false; /* counted anew, with the one stepped over */
    return vb_bad_row_note(reader, cursor.id, NULL, vb_bad_row_reason(&why, cursor.id), err);
}
