/* Whole numbers in decimal digits, and nothing else: no sign, no blank, no other base.
 *
 * Nothing is owned; any thread: pure. VB_INVALID: no such text, or a number that does not fit;
 * nothing is written then.
 */
#ifndef VERBATIM_DIGITS_H
#define VERBATIM_DIGITS_H

#include "verbatim/buffer.h"

/* The digits at the start, at least one; *ret_rest is what follows. */
enum vb_status vb_digits_parse(const char *text, int64_t *ret_number,
                               const char **ret_rest) vb_must_check;
/* All of the text. */
enum vb_status vb_digits_whole(struct vb_view text, int64_t *ret_number) vb_must_check;
/* The first `count` bytes, at most nine, which must be there. */
enum vb_status vb_digits_fixed(const char *text, size_t count, int *ret_number) vb_must_check;

/* Writes the last two digits, and returns what stands behind them. */
static inline char *vb_digits_put_two(char *to, unsigned value)
{
    to[0] = (char)('0' + value / 10 % 10);
    to[1] = (char)('0' + value % 10);
    return to + 2;
}

/* E.164: '+' and at most fifteen digits, the first not 0; at least two, as the export contract's
 * pattern has it. In the header since it is asked for each row. */
static inline bool vb_digits_is_e164(struct vb_view text)
{
    if (text.length < 3 || text.length > 16 || text.data[0] != '+' || text.data[1] == '0')
        return false;
    for (size_t i = 1; i < text.length; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

#endif
