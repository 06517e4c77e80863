/* How many conversations one statement covers, and how soon the source is done with it.
 *
 * A statement holds a snapshot on the source, which keeps vacuum from cleaning up, so it should be
 * short however large the conversations are: the share of the next one follows from the times of
 * the last two. Part of a statement's time is the same for one conversation as for many (planning,
 * above all where there are many partitions) and is not helped by smaller shares: two statements of
 * different shares tell the one from the other.
 *
 * A consumer that is slower than the source would hold the statement open for its own time. What is
 * left is then taken into memory, within VB_ROWS_KEPT. Uses the reader's thread.
 */
#include "reader.h"

/* Of a selection's first statement; giants may be among them. */
#define FIRST_SHARE 32u
/* From one statement to the next; and behind one that took longer than it should. */
#define GROWTH 8u
#define SLOW_GROWTH 2u
/* At least so much of a statement's time is taken to be for its conversations. */
#define LEAST_PART (1.0 / 16)

void vb_stream_begin_share(struct vb_stream *stream)
{
    stream->share = FIRST_SHARE;
    stream->measured = (struct vb_measure){0};
    stream->looked_up = 0;
    stream->looked_for = 0;
}

/* Of the statement's time that which is for a conversation, in microseconds: by the line through
 * this statement and the one before. */
static double time_of_one(const struct vb_measure *before, const struct vb_measure *now)
{
    double whole = now->took / now->conversations, least = whole * LEAST_PART;
    if (before->conversations <= 0)
        return whole;
    if (before->conversations == now->conversations)
        return before->each < least ? least : before->each > whole ? whole : before->each;
    double slope = (now->took - before->took) / (now->conversations - before->conversations);
    return slope < least ? least : slope > whole ? whole : slope;
}

/* Where the rest of the time is long anyway, as much again is for the conversations. */
void vb_stream_note_share(struct vb_reader *reader, size_t conversations)
{
    struct vb_stream *stream = &reader->stream;
    if (stream->alone || stream->form == VB_FORM_STRETCH || stream->rows.took <= 0)
        return;
    double aim = (double)vb_pace_aim(reader->options.pace);
    struct vb_measure now = {(double)conversations, (double)stream->rows.took, 0};
    now.each = time_of_one(&stream->measured, &now);
    double rest = now.took - now.each * now.conversations;
    double fits = (aim - rest > rest ? aim - rest : rest) / now.each;
    size_t most = (now.took > aim ? SLOW_GROWTH : GROWTH) * conversations;
    if (most < stream->share)
        most = stream->share;
    stream->share = fits >= (double)most ? most : fits < 1 ? 1 : (size_t)fits;
    stream->measured = now;
}

enum vb_status vb_stream_settle(struct vb_reader *reader, int64_t deadline, struct vb_error *err)
{
    return vb_rows_keep(&reader->stream.rows, deadline, err);
}
