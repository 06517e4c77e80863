/* JSON strings (RFC 8259, section 7): the hot path of JSON exports. See vb_json_append in json.h.
 *
 * A text is scanned sixteen bytes at a time for what needs care; most have nothing and are copied
 * whole. Room is reserved once, of single values for exactly what will be written. Pure; owns
 * nothing.
 *
 * Escaped is what the RFC demands (quote, backslash, bytes below 0x20), and the three line ends
 * beyond ASCII: NEL, U+2028 and U+2029. Some readers of lines split at those too (Python's
 * splitlines), and a conversation of NDJSON must be one line for everybody. The slash and all other
 * characters stand as they are, in UTF-8. The length that count_added
 * computes and the bytes that put_escaped writes must agree to the byte, since nothing is checked
 * in between.
 */
#include "verbatim/json.h"

#include "verbatim/lanes.h"
#include "verbatim/text.h"

/* What a scan found; true means there is at least one. */
struct findings {
    bool special;   /* quote, backslash, control; then perhaps a line end beyond ASCII */
    bool non_ascii; /* to be validated */
};

static bool is_special(unsigned char byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

/* One pass for both questions, without a branch in the loop. The lanes are unsigned, so that bytes
 * of UTF-8 (0x80 and up) do not count as control characters. */
static struct findings scan(struct vb_view text)
{
    vb_lanes special = {0}, high = {0}, lanes;
    size_t i = 0;
    for (; i + sizeof lanes <= text.length; i += sizeof lanes) {
        memcpy(&lanes, text.data + i, sizeof lanes);
        special |= (vb_lanes)((lanes == '"') | (lanes == '\\') | (lanes < 0x20));
        high |= lanes & 0x80;
    }
    struct findings found = {vb_lanes_any(special), vb_lanes_any(high)};
    for (; i < text.length; i++) {
        found.special |= is_special((unsigned char)text.data[i]);
        found.non_ascii |= (text.data[i] & 0x80) != 0;
    }
    return found;
}

/* Bytes of the line end beyond ASCII that stands at `at`: C2 85, E2 80 A8, E2 80 A9. 0: none does.
 * The text is UTF-8. */
static size_t line_end_width(const char *at, size_t left)
{
    const unsigned char *byte = (const unsigned char *)at;
    if (left >= 2 && byte[0] == 0xC2 && byte[1] == 0x85)
        return 2;
    return left >= 3 && byte[0] == 0xE2 && byte[1] == 0x80 && (byte[2] | 1) == 0xA9 ? 3 : 0;
}

/* False says that there is none; true, that it is worth the slow look. By the last two bytes, which
 * few other characters end in. */
static bool may_have_line_end(struct vb_view text)
{
    vb_lanes found = {0}, first, second;
    bool any = false;
    size_t i = 0;
    for (; i + sizeof first < text.length; i += sizeof first) {
        memcpy(&first, text.data + i, sizeof first);
        memcpy(&second, text.data + i + 1, sizeof second);
        found |= (vb_lanes)(((first == 0xC2) & (second == 0x85)) |
                            ((first == 0x80) & ((second | 1) == 0xA9)));
    }
    for (; i + 1 < text.length; i++) {
        unsigned char one = (unsigned char)text.data[i], two = (unsigned char)text.data[i + 1];
        any |= (one == 0xC2 && two == 0x85) || (one == 0x80 && (two | 1) == 0xA9);
    }
    return any || vb_lanes_any(found);
}

/* The letter of a short escape, or 0: the byte stands as it is or as \u00XX. \b and \f have none
 * here; the RFC leaves the choice, and the archives' bytes depend on it. */
static char short_escape(unsigned char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return (char)byte;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* Bytes that escaping adds: one for the backslash, or what "\uXXXX" has more than the character. */
static size_t count_added(struct vb_view text)
{
    size_t added = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (is_special(byte))
            added += short_escape(byte) ? 1 : 5;
        size_t width = byte >= 0xC2 ? line_end_width(text.data + i, text.length - i) : 0;
        if (width > 0)
            added += 6 - width;
    }
    return added;
}

/* Room for six bytes is the caller's care. */
static char *put_escape(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    char letter = short_escape(byte);
    *to++ = '\\';
    if (letter) {
        *to++ = letter;
        return to;
    }
    to[0] = 'u';
    to[1] = to[2] = '0';
    to[3] = digits[byte >> 4];
    to[4] = digits[byte & 15];
    return to + 5;
}

static char *put_line_end(char *to, const char *at)
{
    const char *text = (unsigned char)at[0] == 0xC2   ? "\\u0085"
                       : (unsigned char)at[2] == 0xA8 ? "\\u2028"
                                                      : "\\u2029";
    memcpy(to, text, 6);
    return to + 6;
}

/* What begins at `*at` and may not stand as it is, or else the byte; moves both on. */
static char *put_stop(char *to, const char **at, const char *end)
{
    unsigned char byte = (unsigned char)**at;
    size_t width = byte >= 0xC2 ? line_end_width(*at, (size_t)(end - *at)) : 0;
    if (width > 0)
        to = put_line_end(to, *at);
    else if (is_special(byte))
        to = put_escape(to, byte);
    else
        *to++ = **at;
    *at += width > 0 ? width : 1;
    return to;
}

/* Sixteen bytes are written at a time, and those behind a stop once more: there is room for them,
 * since as many are still to come. Line ends beyond ASCII begin with 0xC2 or 0xE2. Returns what
 * stands behind. */
static char *put_escaped(char *to, struct vb_view text)
{
    const char *at = text.data, *end = text.data + text.length;
    vb_lanes lanes;
    while ((size_t)(end - at) >= sizeof lanes) {
        memcpy(&lanes, at, sizeof lanes);
        memcpy(to, &lanes, sizeof lanes);
        vb_lanes stops = (vb_lanes)((lanes == '"') | (lanes == '\\') | (lanes < 0x20) |
                                    (lanes == 0xC2) | (lanes == 0xE2));
        bool stopped = vb_lanes_any(stops);
        size_t run = stopped ? vb_lanes_first(stops) : sizeof lanes;
        at += run;
        to += run;
        if (stopped)
            to = put_stop(to, &at, end);
    }
    while (at < end)
        to = put_stop(to, &at, end);
    return to;
}

/* Behind `lead`, with `quotes` (0 or 1) on each side. The only failures are VB_INVALID before
 * anything was reserved, and the buffer's; neither leaves a byte behind. */
static enum vb_status append_string(struct vb_buffer *out, struct vb_view lead, struct vb_view text,
                                    size_t quotes)
{
    struct findings found = scan(text);
    if (found.non_ascii && !vb_utf8_valid(text))
        return VB_INVALID;
    if (found.non_ascii)
        found.special |= may_have_line_end(text);
    size_t length = text.length + (found.special ? count_added(text) : 0) + 2 * quotes;
    enum vb_status status = vb_buffer_reserve(out, lead.length + length);
    if (status != VB_OK)
        return status;
    char *to = out->data + out->length;
    memcpy(to, lead.data, lead.length);
    to += lead.length;
    if (found.special)
        (void)put_escaped(to + quotes, text);
    else if (text.length > 0)
        memcpy(to + quotes, text.data, text.length);
    if (quotes > 0)
        to[0] = to[length - 1] = '"';
    vb_buffer_grown(out, lead.length + length);
    return VB_OK;
}

/* The NULL view is SQL's NULL, which JSON writes as a word and not as an empty string. */
static enum vb_status append_null(struct vb_buffer *out, struct vb_view lead)
{
    enum vb_status status = vb_buffer_reserve(out, lead.length + 4);
    if (status != VB_OK)
        return status;
    memcpy(out->data + out->length, lead.data, lead.length);
    memcpy(out->data + out->length + lead.length, "null", 4);
    vb_buffer_grown(out, lead.length + 4);
    return VB_OK;
}

enum vb_status vb_json_append(struct vb_buffer *out, struct vb_view lead, struct vb_view text)
{
    return text.data ? append_string(out, lead, text, 1) : append_null(out, lead);
}

enum vb_status vb_json_append_inside(struct vb_buffer *out, struct vb_view lead,
                                     struct vb_view text)
{
    return append_string(out, lead, text, 0);
}

/* As put_escaped, for what is escaped already: only line ends beyond ASCII are looked for. */
static char *put_value(char *to, struct vb_view json)
{
    const char *at = json.data, *end = json.data + json.length;
    while (at < end) {
        size_t width = (unsigned char)*at >= 0xC2 ? line_end_width(at, (size_t)(end - at)) : 0;
        if (width > 0)
            to = put_line_end(to, at);
        else
            *to++ = *at;
        at += width > 0 ? width : 1;
    }
    return to;
}

enum vb_status vb_json_append_value(struct vb_buffer *out, struct vb_view lead, struct vb_view json)
{
    if (!json.data)
        return append_null(out, lead);
    bool non_ascii = scan(json).non_ascii;
    if (non_ascii && !vb_utf8_valid(json))
        return VB_INVALID;
    bool escape = non_ascii && may_have_line_end(json);
    /* At worst a line end of two bytes becomes six. */
    size_t most = escape ? 3 * json.length : json.length;
    enum vb_status status = vb_buffer_reserve(out, lead.length + most);
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length, *to = start;
    memcpy(to, lead.data, lead.length);
    to += lead.length;
    if (escape)
        to = put_value(to, json);
    else
        to = (char *)memcpy(to, json.data, json.length) + json.length;
    vb_buffer_grown(out, (size_t)(to - start));
    return VB_OK;
}

/* --- runs of members: room is made once, and each text is copied and scanned in one pass --- */

#define SMALL_TEXT 4096u
#define MOST_OF_A_BYTE 6u /* "\u001f" */

/* Small texts have the most that they could need; of large ones it is counted, for six times a
 * large message would be memory that nobody counts on. */
static size_t room_of(const struct vb_json_member *member)
{
    const struct vb_view text = member->text;
    size_t value =
        text.length <= SMALL_TEXT ? MOST_OF_A_BYTE * text.length : text.length + count_added(text);
    return member->lead.length + value + 4; /* two quotes, or null */
}

static inline vb_lanes special_lanes(vb_lanes lanes, char other)
{
    (void)other;
    return (vb_lanes)((lanes == '"') | (lanes == '\\') | (lanes < 0x20));
}

/* Returns what stands behind; NULL: not UTF-8. */
static char *put_member(char *to, const struct vb_json_member *member)
{
    const struct vb_view text = member->text;
    to = vb_lanes_put(to, member->lead.data, member->lead.length);
    if (!text.data)
        return vb_lanes_put(to, "null", 4);
    *to++ = '"';
    struct vb_lanes_seen seen = vb_lanes_copy(to, text.data, text.length, special_lanes, 0);
    bool high = vb_lanes_any(seen.high);
    if (high && !vb_utf8_valid(text))
        return NULL;
    if (vb_lanes_any(seen.special) || (high && may_have_line_end(text)))
        to = put_escaped(to, text);
    else
        to += text.length;
    *to++ = '"';
    return to;
}

/* Where the ceiling leaves no room to spare. */
static enum vb_status append_one_by_one(struct vb_buffer *out, const struct vb_json_member *members,
                                        size_t count)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = vb_json_append(out, members[i].lead, members[i].text);
    return status;
}

/* What was written and is not to be kept has overwritten the NUL behind the buffer's bytes. */
static enum vb_status refuse(struct vb_buffer *out)
{
    if (out->data)
        out->data[out->length] = '\0';
    return VB_INVALID;
}

/* Not all or nothing: those before the one that failed may stay. What they are part of is then of
 * no use. */
enum vb_status vb_json_append_members(struct vb_buffer *out, const struct vb_json_member *members,
                                      size_t count)
{
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        room += room_of(&members[i]);
    if (vb_buffer_reserve(out, room) != VB_OK)
        return append_one_by_one(out, members, count);
    char *start = out->data + out->length, *to = start;
    for (size_t i = 0; i < count && to; i++)
        to = put_member(to, &members[i]);
    if (!to)
        return refuse(out);
    vb_buffer_grown(out, (size_t)(to - start));
    return VB_OK;
}
