/* RFC 4180, byte by byte, as strictly as exports write it: see content.h. */
#include "content.h"

#include <inttypes.h>
#include <stdio.h>

enum state { CELL, BARE, QUOTED, QUOTE, RETURN }; /* CELL: at its beginning; QUOTE: inside, seen */

static bool is_delimiter(struct vb_csv_feed *feed, unsigned char byte)
{
    if (feed->delimiter == 0 && feed->rows == 0 && (byte == ',' || byte == ';' || byte == '\t'))
        feed->delimiter = (char)byte;
    return feed->delimiter != 0 && byte == (unsigned char)feed->delimiter;
}

static const char *end_row(struct vb_csv_feed *feed, char text[100])
{
    uint64_t columns = feed->columns + 1;
    if (feed->rows == 0)
        feed->header_columns = columns;
    feed->rows++;
    feed->columns = 0;
    feed->state = CELL;
    if (columns == feed->header_columns)
        return NULL;
    (void)snprintf(text, 100, "row %" PRIu64 " has %" PRIu64 " columns, the header has %" PRIu64,
                   feed->rows, columns, feed->header_columns);
    return text;
}

static const char *at_row(const struct vb_csv_feed *feed, const char *what, char text[100])
{
    (void)snprintf(text, 100, "row %" PRIu64 ": %s", feed->rows + 1, what);
    return text;
}

/* Outside quotes, at a cell's beginning or behind its quotes too. */
static const char *outside(struct vb_csv_feed *feed, unsigned char byte, char text[100])
{
    if (is_delimiter(feed, byte)) {
        feed->columns++;
        feed->state = CELL;
    } else if (byte == '\r') {
        feed->state = RETURN;
    } else if (byte == '\n') {
        return at_row(feed, "a line feed without its carriage return", text);
    } else if (byte == '"') {
        if (feed->state != CELL)
            return at_row(feed, "a quote where none may stand", text);
        feed->state = QUOTED;
    } else if (feed->state == QUOTE) {
        return at_row(feed, "a character behind the closing quote", text);
    } else {
        feed->state = BARE;
    }
    return NULL;
}

const char *vb_csv_feed(struct vb_csv_feed *feed, unsigned char byte, char text[100])
{
    switch (feed->state) {
    case QUOTED:
        if (byte == '"')
            feed->state = QUOTE;
        return NULL;
    case QUOTE:
        if (byte == '"') {
            feed->state = QUOTED;
            return NULL;
        }
        return outside(feed, byte, text);
    case RETURN:
        return byte == '\n' ? end_row(feed, text)
                            : at_row(feed, "a carriage return without its line feed", text);
    default:
        return outside(feed, byte, text);
    }
}

const char *vb_csv_feed_end(const struct vb_csv_feed *feed)
{
    if (feed->rows == 0)
        return "there is no header line";
    return feed->state == CELL && feed->columns == 0 ? NULL : "the last row has no end";
}
