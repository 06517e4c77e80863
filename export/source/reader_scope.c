/* What is still to be read, for all statements of a reader. See reader.h. The scope points into the
 * reader: it is used before the next event moves the position. */
#include "reader.h"

struct vb_scope vb_reader_scope(const struct vb_reader *reader)
{
    /* Behind what was read, else behind the stretch's lower end, else from the start of the
     * range. */
    struct vb_scope scope = {.contract = reader->options.contract,
                             .selection = &reader->selection,
                             .by_range = reader->by_range,
                             .left_out = &reader->left_out};
    if (reader->placed)
        scope.low = &reader->position;
    else if (reader->stretch.has_low)
        scope.low = &reader->stretch.low;
    if (reader->stretch.has_high)
        scope.high = &reader->stretch.high;
    return scope;
}
