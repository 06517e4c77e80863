/* UTF-8 and percent-encoding. See text.h. Pure; nothing here depends on the locale.
 *
 * What is well-formed is decided in vb_utf8_width alone, by Table 3-7 of The Unicode Standard,
 * which RFC 3629, section 4, gives as a grammar; everything else here asks it. Nothing normalizes:
 * a letter with its accent in one character and the same in two are different texts, as they are
 * for the source.
 */
#include "verbatim/text.h"

#include "verbatim/hash.h"

#include <string.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t vb_utf8_width(const char *text, size_t length)
{
    const unsigned char *b = (const unsigned char *)text;
    if (length == 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    /* Continuations, and C0 and C1, which only overlong forms begin with. */
    if (b[0] < 0xC2)
        return 0;
    size_t width = b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : b[0] < 0xF5 ? 4 : 0;
    if (width == 0 || width > length)
        return 0;
    for (size_t i = 1; i < width; i++)
        if (!is_continuation(b[i]))
            return 0;
    /* Second-byte limits: no overlong forms, no surrogates, nothing past U+10FFFF. */
    if ((b[0] == 0xE0 && b[1] < 0xA0) || (b[0] == 0xED && b[1] > 0x9F) ||
        (b[0] == 0xF0 && b[1] < 0x90) || (b[0] == 0xF4 && b[1] > 0x8F))
        return 0;
    return width;
}

/* Eight bytes of ASCII: most text is, also between the letters of other scripts. */
static bool is_ascii_word(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool vb_utf8_valid(struct vb_view text)
{
    for (size_t i = 0; i < text.length;) {
        if (text.length - i >= 8 && is_ascii_word(text.data + i)) {
            i += 8;
            continue;
        }
        size_t width = vb_utf8_width(text.data + i, text.length - i);
        if (width == 0)
            return false;
        i += width;
    }
    return true;
}

/* At the end of the view it gives U+FFFD too and stays: loops ask for the length first. */
uint32_t vb_utf8_next(struct vb_view *text)
{
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    const unsigned char *b = (const unsigned char *)text->data;
    size_t width = vb_utf8_width(text->data, text->length);
    uint32_t character = 0xFFFD;
    if (width > 0) {
        character = b[0] & lead_bits[width];
        for (size_t i = 1; i < width; i++)
            character = character << 6 | (b[i] & 0x3F);
    }
    /* A bad byte counts for one character, so a loop over any text ends. */
    size_t step = width > 0 ? width : text->length > 0;
    text->data += step;
    text->length -= step;
    return character;
}

/* For characters up to U+10FFFF, as vb_utf8_next gives them; larger values have no check here. A
 * surrogate would be written as it is and make text that is not well-formed. */
enum vb_status vb_utf8_append(struct vb_buffer *buffer, uint32_t c)
{
    char bytes[4];
    size_t width = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = width - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    bytes[0] = (char)(leads[width] | c);
    return vb_buffer_append(buffer, bytes, width);
}

/* For valid text the result ends at a character: only continuation bytes are stepped back over, at
 * most three of them. */
size_t vb_utf8_cut(struct vb_view text, size_t limit)
{
    if (text.length <= limit)
        return text.length;
    while (limit > 0 && is_continuation((unsigned char)text.data[limit]))
        limit--;
    return limit;
}

/* RFC 3986, section 2.3; SigV4 demands exactly this set. */
static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

/* Not all or nothing: on failure a part may stand in `out`. UTF-8 goes octet by octet (section
 * 2.5). */
enum vb_status vb_percent_encode(struct vb_buffer *out, struct vb_view text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < text.length && status == VB_OK; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        if (is_unreserved((char)byte) || (keep_slash && byte == '/'))
            status = vb_buffer_append_byte(out, (char)byte);
        else
            status = vb_buffer_append(out, escape, sizeof escape);
    }
    return status;
}

/* %00 is decoded like any other; who needs text without a NUL looks for it. On failure a part may
 * stand in `out`. */
enum vb_status vb_percent_decode(struct vb_buffer *out, struct vb_view text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            if (text.length - i < 3 ||
                vb_hex_decode((struct vb_view){text.data + i + 1, 2}, &byte, 1) != VB_OK)
                return VB_INVALID;
            i += 2;
        }
        enum vb_status status = vb_buffer_append_byte(out, byte);
        if (status != VB_OK)
            return status;
    }
    return VB_OK;
}

bool vb_utf8_is_line(struct vb_view text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7F)
            return false;
    return vb_utf8_valid(text);
}

/* The apostrophe by its number: HTML 4 has no name for it. */
enum vb_status vb_markup_escape(struct vb_buffer *out, const char *text)
{
    enum vb_status status = VB_OK;
    for (; *text && status == VB_OK; text++) {
        const char *reference = *text == '&'    ? "&amp;"
                                : *text == '<'  ? "&lt;"
                                : *text == '>'  ? "&gt;"
                                : *text == '"'  ? "&quot;"
                                : *text == '\'' ? "&#39;"
                                                : NULL;
        status =
            reference ? vb_buffer_append_text(out, reference) : vb_buffer_append_byte(out, *text);
    }
    return status;
}
