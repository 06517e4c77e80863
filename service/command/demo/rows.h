/* The rows of the demo data as lines of COPY text: pure functions of the seed and a number.
 *
 * In the order in which the tables are filled. Static tables without an owner; lines are appended
 * to the caller's buffer. Any thread: no state. Errors are the buffer's, a part of a line may stand
 * in it then. Nothing lives beyond a call.
 */
#ifndef VERBATIM_COMMAND_DEMO_ROWS_H
#define VERBATIM_COMMAND_DEMO_ROWS_H

#include "data.h"
#include "verbatim/buffer.h"

/* One table: which columns are filled, and the lines that one number gives (none, one or
 * several). */
struct vb_demo_table {
    const char *name;
    const char *columns;
    uint64_t (*count)(const struct vb_demo_options *options); /* numbers run from 0 */
    enum vb_status (*lines)(const struct vb_demo_options *options, uint64_t number,
                            struct vb_buffer *out);
};

extern const struct vb_demo_table vb_demo_tables[];
extern const size_t vb_demo_table_count;

#endif
