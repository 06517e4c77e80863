/* Which names one second has used, without regard to case, and the number that the next equal one
 * gets.
 *
 * Remembers hashes, not names: at most 4,096 conversations share a second here, and two names of
 * one hash would only cost a number that nobody needed. Private to export/.
 *
 * Begins zeroed; owns its slots until vb_name_numbers_done. One thread. VB_NO_MEMORY alone, the
 * table is as it was then. Numbers hold until the next reset.
 */
#ifndef VERBATIM_EXPORT_FORMAT_NAME_NUMBERS_H
#define VERBATIM_EXPORT_FORMAT_NAME_NUMBERS_H

#include "verbatim/buffer.h"

struct vb_name_number {
    uint64_t hash; /* 0: free */
    uint32_t next; /* number for the next name that is equal */
};

struct vb_name_numbers {
    struct vb_name_number *slots;
    size_t capacity, count;
};

void vb_name_numbers_done(struct vb_name_numbers *numbers);
/* Forgets everything: a second is over. */
void vb_name_numbers_reset(struct vb_name_numbers *numbers);
/* Notes one more use of a name: *ret_number is 1 for the first, then 2 and so on. */
enum vb_status vb_name_numbers_next(struct vb_name_numbers *numbers, struct vb_view name,
                                    uint32_t *ret_number) vb_must_check;

#endif
