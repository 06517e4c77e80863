/* Whole numbers from text. See digits.h.
 *
 * By hand and not by strtoll, which takes signs, blanks and other bases, and stops silently at what
 * it does not know. Every step is checked, so no huge number comes out small.
 */
#include "verbatim/digits.h"

static bool add_digit(int64_t *number, char digit)
{
    return !__builtin_mul_overflow(*number, 10, number) &&
           !__builtin_add_overflow(*number, digit - '0', number);
}

enum vb_status vb_digits_parse(const char *text, int64_t *ret_number, const char **ret_rest)
{
    int64_t number = 0;
    if (*text < '0' || *text > '9')
        return VB_INVALID;
    for (; *text >= '0' && *text <= '9'; text++)
        if (!add_digit(&number, *text))
            return VB_INVALID;
    *ret_number = number;
    *ret_rest = text;
    return VB_OK;
}

enum vb_status vb_digits_whole(struct vb_view text, int64_t *ret_number)
{
    int64_t number = 0;
    if (text.length == 0)
        return VB_INVALID;
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < '0' || text.data[i] > '9' || !add_digit(&number, text.data[i]))
            return VB_INVALID;
    *ret_number = number;
    return VB_OK;
}

enum vb_status vb_digits_fixed(const char *text, size_t count, int *ret_number)
{
    int64_t number;
    if (count > 9 || vb_digits_whole((struct vb_view){text, count}, &number) != VB_OK)
        return VB_INVALID;
    *ret_number = (int)number;
    return VB_OK;
}
