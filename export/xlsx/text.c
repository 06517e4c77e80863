/* What XML cannot say, or readers would take for something else; see text.h.
 *
 * XML 1.0 has no controls but tab, LF and CR. ECMA-376 (part 1, 22.9.2.19, ST_Xstring) writes the
 * others as _xHHHH_, and a text that looks like that with its first line escaped: _x005F_xHHHH_. A
 * CR is written as a character reference, since parsers make LF of a bare one.
 */
#include "text.h"

#include "verbatim/hash.h"

#include <stdio.h>
#include <string.h>

/* At `at` stands _xHHHH_, which readers would take for a character. */
static bool looks_escaped(const char *at, const char *end)
{
    return end - at >= 7 && at[1] == 'x' && at[6] == '_' && vb_hex_value(at[2]) >= 0 &&
           vb_hex_value(at[3]) >= 0 && vb_hex_value(at[4]) >= 0 && vb_hex_value(at[5]) >= 0;
}

/* What stands for the character at `at`, and its length in *ret_taken; 0: itself. */
static size_t escape_at(const char *at, const char *end, char text[16], size_t *ret_taken)
{
    unsigned char c = (unsigned char)*at;
    *ret_taken = 1;
    switch (c) {
    case '&':
        return (size_t)snprintf(text, 16, "&amp;");
    case '<':
        return (size_t)snprintf(text, 16, "&lt;");
    case '>':
        return (size_t)snprintf(text, 16, "&gt;");
    case '\r':
        return (size_t)snprintf(text, 16, "&#13;");
    case '\t':
    case '\n':
        return 0;
    case '_':
        return looks_escaped(at, end) ? (size_t)snprintf(text, 16, "_x005F_") : 0;
    case 0xEF: /* U+FFFE and U+FFFF */
        if (end - at < 3 || memcmp(at, "\xEF\xBF", 2) != 0 || (unsigned char)at[2] < 0xBE)
            return 0;
        *ret_taken = 3;
        return (size_t)snprintf(text, 16, (unsigned char)at[2] == 0xBE ? "_xFFFE_" : "_xFFFF_");
    default:
        return c < 0x20 ? (size_t)snprintf(text, 16, "_x%04X_", c) : 0;
    }
}

/* What escape_at has to look at. */
static const bool suspect[256] = {
    [0] = true,   [1] = true,   [2] = true,   [3] = true,   [4] = true,   [5] = true,
    [6] = true,   [7] = true,   [8] = true,   [11] = true,  [12] = true,  [13] = true,
    [14] = true,  [15] = true,  [16] = true,  [17] = true,  [18] = true,  [19] = true,
    [20] = true,  [21] = true,  [22] = true,  [23] = true,  [24] = true,  [25] = true,
    [26] = true,  [27] = true,  [28] = true,  [29] = true,  [30] = true,  [31] = true,
    ['&'] = true, ['<'] = true, ['>'] = true, ['_'] = true, [0xEF] = true};

enum vb_status vb_xlsx_append_text(struct vb_buffer *xml, struct vb_view text)
{
    const char *at = text.data, *run = at, *end = at + text.length;
    enum vb_status status = VB_OK;
    while (at < end && status == VB_OK) {
        char escaped[16];
        size_t taken = 1, length = 0;
        if (suspect[(unsigned char)*at])
            length = escape_at(at, end, escaped, &taken);
        if (length > 0) {
            status = vb_buffer_append(xml, run, (size_t)(at - run));
            if (status == VB_OK)
                status = vb_buffer_append(xml, escaped, length);
            run = at + taken;
        }
        at += taken;
    }
    return status == VB_OK && end > run ? vb_buffer_append(xml, run, (size_t)(end - run)) : status;
}
