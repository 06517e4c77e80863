/* Sixteen bytes at a time: GCC's and Clang's vector extensions, which become SSE2 here and NEON
 * elsewhere from the same code.
 *
 * For scans over text and for short copies: load with memcpy (no alignment is needed), compare, OR
 * together. A comparison gives 0xFF or 0 in each lane. Values in registers: no owner, any thread,
 * no errors.
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

/* Copies fewer than sixteen bytes as two words that overlap, or as three bytes: none behind the end
 * is touched. Returns them, some more than once, which does no harm to who looks for any; blanks
 * where there are none. */
static inline vb_lanes vb_lanes_copy_short(char *to, const char *from, size_t length)
{
    vb_lanes lanes;
    if (length >= 8) {
        uint64_t words[2];
        memcpy(&words[0], from, 8);
        memcpy(&words[1], from + length - 8, 8);
        memcpy(to, &words[0], 8);
        memcpy(to + length - 8, &words[1], 8);
        memcpy(&lanes, words, sizeof lanes);
    } else if (length >= 4) {
        uint32_t words[4];
        memcpy(&words[0], from, 4);
        memcpy(&words[1], from + length - 4, 4);
        memcpy(to, &words[0], 4);
        memcpy(to + length - 4, &words[1], 4);
        words[2] = words[0];
        words[3] = words[1];
        memcpy(&lanes, words, sizeof lanes);
    } else if (length > 0) {
        unsigned char first = (unsigned char)from[0];
        unsigned char middle = (unsigned char)from[length / 2];
        unsigned char last = (unsigned char)from[length - 1];
        to[0] = (char)first;
        to[length / 2] = (char)middle;
        to[length - 1] = (char)last;
        lanes = (vb_lanes){0} + first;
        lanes[1] = middle;
        lanes[2] = last;
    } else {
        lanes = (vb_lanes){0} + (unsigned char)' ';
    }
    return lanes;
}

/* What copying a text has seen of it; a byte that is not zero means there is at least one. */
struct vb_lanes_seen {
    vb_lanes special; /* that the caller asked for */
    vb_lanes high;    /* beyond ASCII */
};
/* Which bytes are special; `other` is one that only the caller knows. */
typedef vb_lanes vb_lanes_special(vb_lanes lanes, char other);

static inline __attribute__((always_inline)) void vb_lanes_look(vb_lanes lanes,
                                                                vb_lanes_special *special,
                                                                char other,
                                                                struct vb_lanes_seen *seen)
{
    seen->special |= special(lanes, other);
    seen->high |= lanes & 0x80;
}

/* Copies and looks in one pass; the last sixteen bytes may be seen twice. Inlined with `special`,
 * which has to be a function that the caller's file holds. */
static inline __attribute__((always_inline)) struct vb_lanes_seen vb_lanes_copy(
    char *to, const char *from, size_t length, vb_lanes_special *special, char other)
{
    struct vb_lanes_seen seen = {{0}, {0}};
    vb_lanes lanes;
    if (length < sizeof lanes) {
        vb_lanes_look(vb_lanes_copy_short(to, from, length), special, other, &seen);
        return seen;
    }
    size_t last = length - sizeof lanes;
    for (size_t i = 0; i < last; i += sizeof lanes) {
        memcpy(&lanes, from + i, sizeof lanes);
        memcpy(to + i, &lanes, sizeof lanes);
        vb_lanes_look(lanes, special, other, &seen);
    }
    memcpy(&lanes, from + last, sizeof lanes);
    memcpy(to + last, &lanes, sizeof lanes);
    vb_lanes_look(lanes, special, other, &seen);
    return seen;
}

/* A copy of mostly less than 32 bytes, without a call for those. Returns what stands behind. */
static inline char *vb_lanes_put(char *to, const char *from, size_t length)
{
    vb_lanes front, back;
    if (length < sizeof front) {
        (void)vb_lanes_copy_short(to, from, length);
    } else if (length <= 2 * sizeof front) {
        memcpy(&front, from, sizeof front);
        memcpy(&back, from + length - sizeof back, sizeof back);
        memcpy(to, &front, sizeof front);
        memcpy(to + length - sizeof back, &back, sizeof back);
    } else {
        memcpy(to, from, length);
    }
    return to + length;
}

#endif
