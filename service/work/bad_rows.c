/* Rows of the source that could not be read, or not be written: the rows of errors.csv (list.c).
 *
 * Their order is that of the conversations, and of one conversation's rows that of their ids as
 * text: it is all that is known of a message that cannot be read. So it is the same however the
 * archive was cut. On the worker's thread.
 */
#include "line.h"

#include "verbatim/bad_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct vb_line_list_form form = {VB_PIECE_BAD_ROWS, VB_VIEW(VB_BAD_ROWS_NAME),
                                              vb_bad_rows_begin};

void vb_line_bad_rows_begin(struct vb_line *line)
{
    vb_buffer_init(&line->bad.list.rows, 2 * VB_LINE_LIST_FLUSH);
}

void vb_line_bad_rows_done(struct vb_line *line)
{
    vb_buffer_done(&line->bad.list.rows);
    free(line->bad.rows);
    line->bad = (struct vb_line_bad_rows){0};
}

uint64_t vb_line_walked(const struct vb_line *line)
{
    return line->conversations + line->bad.conversations;
}

static int compare(const void *a, const void *b)
{
    const struct vb_bad_row *one = a, *other = b;
    int order = strcmp(one->message_id, other->message_id);
    return order != 0 ? order : strcmp(one->reason, other->reason);
}

/* All of a conversation's are known. */
static enum vb_status end_conversation(struct vb_line *line, struct vb_error *err)
{
    struct vb_line_bad_rows *bad = &line->bad;
    enum vb_status status = VB_OK;
    if (bad->count > 1)
        qsort(bad->rows, bad->count, sizeof *bad->rows, compare);
    for (size_t i = 0; i < bad->count && status == VB_OK; i++) {
        status = vb_bad_rows_add(&line->context, &bad->rows[i], &bad->list.rows, err);
        if (status == VB_OK)
            status = vb_line_list_settle(line, &form, &bad->list, err);
    }
    bad->count = 0;
    return status;
}

static enum vb_status add(struct vb_line *line, const struct vb_bad_row *row, struct vb_error *err)
{
    struct vb_line_bad_rows *bad = &line->bad;
    enum vb_status status = VB_OK;
    if (bad->count > 0 && strcmp(bad->rows[0].conversation_id, row->conversation_id) != 0)
        status = end_conversation(line, err);
    if (status == VB_OK && bad->count == bad->capacity) {
        size_t capacity = bad->capacity > 0 ? 2 * bad->capacity : 8;
        struct vb_bad_row *rows = realloc(bad->rows, capacity * sizeof *rows);
        if (!rows)
            return vb_fail(err, VB_NO_MEMORY, "no memory for rows that are left out");
        bad->rows = rows;
        bad->capacity = capacity;
    }
    if (status == VB_OK) {
        bad->rows[bad->count++] = *row;
        bad->total++;
        bad->conversations += row->is_conversation ? 1 : 0;
    }
    return status;
}

enum vb_status vb_line_bad_row_note(struct vb_line *line, struct vb_error *err)
{
    return add(line, vb_reader_bad_row(line->reader), err);
}

enum vb_status vb_line_unfit_row_note(struct vb_line *line, struct vb_view conversation,
                                      struct vb_view message, struct vb_error *err)
{
    struct vb_bad_row row = {.is_conversation = false};
    if (line->bad.unfit == VB_BAD_ROWS_MOST)
        return VB_LIMIT;
    snprintf(row.conversation_id, sizeof row.conversation_id, "%.*s", (int)conversation.length,
             conversation.data);
    if (message.length > 0)
        snprintf(row.message_id, sizeof row.message_id, "%.*s", (int)message.length, message.data);
    snprintf(row.reason, sizeof row.reason, "%stoo large for one row of %s",
             message.length > 0 ? "" : "a note or the like is ", line->renderer->format);
    line->bad.unfit++;
    vb_buffer_done(line->out);
    enum vb_status status = add(line, &row, err);
    return status == VB_OK ? VB_AGAIN : status;
}

enum vb_status vb_line_bad_rows_record(struct vb_line *line, struct vb_error *err)
{
    enum vb_status status = end_conversation(line, err);
    return status == VB_OK ? vb_line_list_record(line, &form, &line->bad.list, err) : status;
}

enum vb_status vb_line_bad_rows_close(struct vb_line *line, struct vb_error *err)
{
    if (line->files == VB_FILES_SINGLE)
        return VB_OK;
    enum vb_status status = end_conversation(line, err);
    return status == VB_OK ? vb_line_list_close(line, &form, &line->bad.list, err) : status;
}
