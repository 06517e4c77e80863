/* Putting CRC-32s together. A CRC is the rest of a polynomial over GF(2) divided by that of CRC-32,
 * so appending `length` bytes multiplies it by x^(8 * length): about 64 products of 32 steps each,
 * whatever the length. The polynomial and the bit order are those of RFC 1952, section 8. Pure.
 */
#include "verbatim/hash.h"

#define POLYNOMIAL 0xEDB88320u /* reflected: the highest power of x is the lowest bit */
#define ONE 0x80000000u        /* x^0 */
#define BYTE 0x00800000u       /* x^8 */

/* a * b modulo the polynomial: at each step b has been multiplied by x once more, which in
 * reflected order is a shift to the right. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = ONE; bit != 0; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? (b >> 1) ^ POLYNOMIAL : b >> 1;
    }
    return product;
}

/* The inversions before and after a CRC cancel each other out in this sum. `power` is x^8 to the
 * power of 1, 2, 4, ... and `shift` the product of those that `length` is made of, so each length
 * up to 2^64 - 1 is exact. The CRC-32 of an archive is made of its parts' so, without a byte being
 * read again. */
uint32_t vb_crc32_combine(uint32_t first, uint32_t second, uint64_t length)
{
    uint32_t shift = ONE;
    for (uint32_t power = BYTE; length > 0; length >>= 1) {
        if (length & 1)
            shift = multiply(shift, power);
        power = multiply(power, power);
    }
    return multiply(shift, first) ^ second;
}
