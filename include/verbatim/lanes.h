/* Sixteen bytes at a time: GCC's and Clang's vector extensions, which become SSE2 here and NEON
 * elsewhere from the same code.
 *
 * For scans over text: load with memcpy (no alignment is needed), compare, OR together. A
 * comparison gives 0xFF or 0 in each lane. Values in registers: no owner, any thread, no errors.
 */
#ifndef VERBATIM_LANES_H
#define VERBATIM_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char vb_lanes __attribute__((vector_size(16)));

/* Some byte is not zero. Compares two words instead of sixteen bytes. */
static inline bool vb_lanes_any(vb_lanes lanes)
{
    uint64_t halves[2];
    memcpy(halves, &lanes, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* The place of the first byte that is not zero; there must be one. */
static inline unsigned vb_lanes_first(vb_lanes lanes)
{
    uint64_t halves[2];
    memcpy(halves, &lanes, sizeof halves);
    unsigned half = halves[0] == 0;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return 8 * half + (unsigned)__builtin_clzll(halves[half]) / 8;
#else
    return 8 * half + (unsigned)__builtin_ctzll(halves[half]) / 8;
#endif
}

#endif
