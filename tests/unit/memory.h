/* Calls a function again and again, each time with another of its allocations failing.
 *
 * Want of memory may pass: whatever allocation it was, the answer is VB_NO_MEMORY, VB_OK where the
 * call can do without, or, where a library told it as something else, a status that may pass too.
 */
#ifndef VERBATIM_TESTS_MEMORY_H
#define VERBATIM_TESTS_MEMORY_H

#include "failing_allocations.h"
#include "verbatim/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct control memory;

/* `call` returns with nothing held. `least` is how many allocations it has for sure. */
static inline void each_allocation_fails(const char *what, enum vb_status (*call)(void *context),
                                         void *context, unsigned least)
{
    unsigned number = 0, wrong = 0, told = 0;
    assert_int_equal(call(context), VB_OK);
    do {
        memory.place = 0;
        memory.fail_at = memory.seen + ++number;
        enum vb_status status = call(context);
        memory.fail_at = 0;
        told += memory.place && status == VB_NO_MEMORY;
        if (status != VB_OK && (!memory.place || !vb_status_retryable(status))) {
            print_message("%s: allocation %u fails: %s\n", what, number, vb_status_name(status));
            wrong++;
        }
    } while (memory.place);
    assert_int_equal(wrong, 0);
    assert_true(told >= least);
}

#endif
