/* See writer.h.
 *
 * The catalog is the last object before the table of their places, so what is put into it moves
 * only that table, whose own place stands in the last line: "startxref", a number, "%%EOF". Where
 * another version of cairo writes another end, nothing is found and nothing is changed.
 *
 * While the document ends, the last bytes are held back, so that a word that comes in two pieces is
 * seen, and the last line is not gone before it is known to be the last.
 */
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char catalog[] = "<< /Type /Catalog\n";
static const char addition[] = "   /Lang (en)\n   /ViewerPreferences << /DisplayDocTitle true >>\n";
static const char place[] = "startxref\n";

static void pass_on(struct vb_pdf_writer *writer, const char *data, size_t length)
{
    if (writer->status == VB_OK && length > 0)
        writer->status = vb_buffer_append(writer->out, data, length);
}

/* All but the last bytes of what is held and what has come, which never lie together. */
static void move_on(struct vb_pdf_writer *writer, const char *data, size_t length)
{
    size_t room = sizeof(writer->held) - writer->held_length;
    if (length > room) {
        size_t going = writer->held_length < length - room ? writer->held_length : length - room;
        pass_on(writer, writer->held, going);
        writer->held_length -= going;
        memmove(writer->held, writer->held + going, writer->held_length);
        size_t whole = length - (sizeof(writer->held) - writer->held_length);
        if (length > sizeof(writer->held) - writer->held_length) {
            pass_on(writer, data, whole);
            data += whole;
            length -= whole;
        }
    }
    memcpy(writer->held + writer->held_length, data, length);
    writer->held_length += length;
}

/* Byte by byte over the seam: where the word ends in what has come, everything up to there is
 * passed on with the addition behind it. */
static size_t find_catalog(const struct vb_pdf_writer *writer, const char *data, size_t length)
{
    const size_t word = sizeof(catalog) - 1;
    char seam[2 * (sizeof(catalog) - 1)];
    size_t before = writer->held_length < word - 1 ? writer->held_length : word - 1;
    size_t behind = length < word - 1 ? length : word - 1;
    memcpy(seam, writer->held + writer->held_length - before, before);
    memcpy(seam + before, data, behind);
    const char *found = memmem(seam, before + behind, catalog, word);
    if (found)
        return (size_t)(found - seam) + word - before;
    found = memmem(data, length, catalog, word);
    return found ? (size_t)(found - data) + word : 0;
}

cairo_status_t vb_pdf_writer_take(void *context, const unsigned char *bytes, unsigned length)
{
    struct vb_pdf_writer *writer = context;
    const char *data = (const char *)bytes;
    size_t left = length;
    if (!writer->is_ending) {
        pass_on(writer, data, left);
    } else {
        size_t found = writer->added == 0 ? find_catalog(writer, data, left) : 0;
        if (found > 0) {
            move_on(writer, data, found);
            move_on(writer, addition, sizeof(addition) - 1);
            writer->added = sizeof(addition) - 1;
            data += found;
            left -= found;
        }
        move_on(writer, data, left);
    }
    return writer->status == VB_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* The number of the last line grows by what was added before it. */
void vb_pdf_writer_end(struct vb_pdf_writer *writer)
{
    const size_t word = sizeof(place) - 1;
    char *found = memmem(writer->held, writer->held_length, place, word);
    if (writer->added > 0 && found) {
        char line[VB_PDF_WRITER_HELD + 1], *rest;
        size_t head = (size_t)(found - writer->held) + word, tail = writer->held_length - head;
        memcpy(line, writer->held + head, tail);
        line[tail] = '\0';
        unsigned long long at = strtoull(line, &rest, 10) + writer->added;
        pass_on(writer, writer->held, head);
        if (writer->status == VB_OK)
            writer->status = vb_buffer_printf(writer->out, "%llu%s", at, rest);
    } else {
        pass_on(writer, writer->held, writer->held_length);
    }
    writer->held_length = 0;
}
