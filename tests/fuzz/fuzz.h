/* What the fuzz targets share: an assertion that stays in every build, and the entry point's
 * prototype. */
#ifndef VB_FUZZ_H
#define VB_FUZZ_H

#include "verbatim/buffer.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct vb_view fuzz_view(const uint8_t *data, size_t size)
{
    return (struct vb_view){(const char *)data, size};
}

#endif
