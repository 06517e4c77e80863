/* Fails one allocation: preloaded into a program, or linked into a unit test that steers it itself.
 *
 * Only calls from the executable's own code count, told by their return address, and those of
 * libraries that are named. Any thread.
 */
#ifndef VERBATIM_TESTS_FAILING_ALLOCATIONS_H
#define VERBATIM_TESTS_FAILING_ALLOCATIONS_H

#include <stdatomic.h>
#include <stdint.h>

struct control {
    _Atomic uint64_t seen;    /* allocations so far */
    _Atomic uint64_t fail_at; /* the one that fails; 0: none */
    _Atomic uint64_t place; /* where it was asked for, as an offset in the executable; 0: not yet */
};

/* From here on `steering`, which must stay, steers. `libraries` are parts of file names, such as
 * "libjansson", NULL at the end; at most seven. Before any other thread. */
void failing_allocations_steer(struct control *steering, const char *const *libraries);

#endif
