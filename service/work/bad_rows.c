/* Rows of the source that could not be read: they go to the database as pieces of their segment,
 * and errors.csv is made of all segments' rows by whoever closes the archive.
 *
 * The order is that of the conversations, and of one conversation's rows that of their ids as text:
 * it is all that is known of a message that cannot be read. So it is the same however the archive
 * was cut. A segment that is the whole job keeps few rows in memory and costs no statement more. On
 * the worker's thread.
 */
#include "line.h"

#include "verbatim/bad_rows.h"

#include <stdlib.h>
#include <string.h>

#define FLUSH (64u * 1024u)

void vb_line_bad_rows_begin(struct vb_line *line)
{
    vb_buffer_init(&line->bad.text, 2 * FLUSH);
}

void vb_line_bad_rows_done(struct vb_line *line)
{
    vb_buffer_done(&line->bad.text);
    free(line->bad.rows);
    line->bad = (struct vb_line_bad_rows){0};
}

uint64_t vb_line_walked(const struct vb_line *line)
{
    return line->conversations + line->bad.conversations;
}

static enum vb_status flush_pieces(struct vb_line *line, size_t below, struct vb_error *err)
{
    struct vb_buffer *text = &line->bad.text;
    if (text->length <= below)
        return VB_OK;
    enum vb_status status =
        vb_piece_add(line->pg, &line->crew->claimer, line->claim, VB_PIECE_BAD_ROWS,
                     line->bad.pieces, text->data, text->length, err);
    vb_buffer_reset(text);
    line->bad.pieces++;
    return status;
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
        status = vb_bad_rows_add(&line->context, &bad->rows[i], &bad->text, err);
        if (status == VB_OK)
            status = flush_pieces(line, FLUSH, err);
    }
    bad->count = 0;
    return status;
}

enum vb_status vb_line_bad_row_note(struct vb_line *line, struct vb_error *err)
{
    const struct vb_bad_row *row = vb_reader_bad_row(line->reader);
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

enum vb_status vb_line_bad_rows_record(struct vb_line *line, struct vb_error *err)
{
    enum vb_status status = end_conversation(line, err);
    return status == VB_OK ? flush_pieces(line, 0, err) : status;
}

/* The entry begins with its first row. Its time is one of the rows' like any other entry's, so that
 * another export of the same rows has the same bytes. */
static enum vb_status write_rows(void *context, const void *data, size_t length,
                                 struct vb_error *err)
{
    struct vb_line *line = context;
    enum vb_status status = VB_OK;
    if (length == 0)
        return VB_OK;
    if (!line->file_open) {
        status = vb_archive_begin_entry(line->archive, VB_VIEW(VB_BAD_ROWS_NAME),
                                        vb_line_time(line, vb_line_last_time(line)), err);
        if (status == VB_OK)
            status = vb_bad_rows_begin(&line->context, line->out, err);
        if (status == VB_OK)
            status = vb_line_flush(line, 0, err);
        line->file_open = true;
    }
    return status == VB_OK ? vb_archive_write(line->archive, data, length, err) : status;
}

enum vb_status vb_line_bad_rows_close(struct vb_line *line, struct vb_error *err)
{
    const struct vb_piece_visitor visitor = {write_rows, line};
    struct vb_line_bad_rows *bad = &line->bad;
    if (line->files == VB_FILES_SINGLE)
        return VB_OK;
    enum vb_status status = end_conversation(line, err);
    if (status != VB_OK)
        return status;
    if (line->claim->stretch.has_low || bad->pieces > 0) {
        status = flush_pieces(line, 0, err);
        if (status == VB_OK)
            status = vb_close_listed(line->pg, line->claim, VB_PIECE_BAD_ROWS, &visitor, err);
    } else {
        status = write_rows(line, bad->text.data, bad->text.length, err);
    }
    if (status == VB_OK && line->file_open)
        status = vb_archive_end_entry(line->archive, err);
    line->file_open = false;
    return status;
}
