/* How far something is, while it goes on: one line of standard error that is written anew at a
 * terminal, and lines now and then elsewhere.
 *
 * A plain value of its owner, who ends it with vb_progress_end before anything else is written
 * there. One thread. What cannot be written is lost: progress is no result.
 */
#ifndef VERBATIM_COMMAND_OUTPUT_PROGRESS_H
#define VERBATIM_COMMAND_OUTPUT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct vb_progress {
    bool is_terminal, is_open; /* a line stands there without its end */
    unsigned width;            /* of the terminal */
    int64_t told_at;           /* monotonic; of the last line elsewhere */
    char told[32];             /* what was going on then */
};

void vb_progress_begin(struct vb_progress *progress);
/* `doing` is what is going on, such as "started"; `more` says how much of it. `total` 0 is not
 * known: then there is no bar. */
void vb_progress_tell(struct vb_progress *progress, const char *doing, const char *more,
                      uint64_t done, uint64_t total);
void vb_progress_end(struct vb_progress *progress);

#endif
