/* See html_text.h. A text is looked through once for what needs care; most have nothing and are
 * copied whole.
 *
 * Escaped are & < and >, and within quotes both quotes. Directional marks stay, for they are the
 * text's own; none of them reaches beyond its element, since each element is isolated from its
 * neighbours (dir=auto, or by the style).
 */
#include "html_text.h"

#include "verbatim/lanes.h"
#include "verbatim/text.h"

#include <strings.h>

/* What a scan found; true means there is at least one. */
struct findings {
    bool special;   /* what is_special says */
    bool non_ascii; /* to be validated */
    bool wide;      /* beyond U+057F, where scripts that run from right to left begin */
};

#define WIDE 0xD6u /* first byte of U+0580 in UTF-8 */

static bool is_control(unsigned char byte)
{
    return (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') || byte == 0x7F;
}

/* `quoted`: within the quotes of an attribute. */
static bool is_special(unsigned char byte, bool quoted)
{
    return byte == '&' || byte == '<' || byte == '>' || (quoted && (byte == '"' || byte == '\'')) ||
           is_control(byte);
}

/* Bytes that are not zero mean that there is at least one. */
struct seen {
    vb_lanes special, high, wide;
};

static inline void look_at(vb_lanes lanes, bool quoted, struct seen *seen)
{
    const unsigned char one = quoted ? '"' : '&', other = quoted ? '\'' : '&';
    seen->special |=
        (vb_lanes)((lanes == '&') | (lanes == '<') | (lanes == '>') | (lanes == one) |
                   (lanes == other) | (lanes == 0x7F) |
                   ((lanes < 0x20) & (lanes != '\n') & (lanes != '\t') & (lanes != '\r')));
    seen->high |= lanes & 0x80;
    seen->wide |= (vb_lanes)(lanes >= WIDE);
}

/* The last sixteen bytes may be seen twice. */
static inline struct findings scan(struct vb_view text, bool quoted)
{
    struct seen seen = {{0}, {0}, {0}};
    vb_lanes lanes;
    char copy[sizeof lanes];
    if (text.length < sizeof lanes) {
        look_at(vb_lanes_copy_short(copy, text.data, text.length), quoted, &seen);
    } else {
        for (size_t i = 0; i + sizeof lanes < text.length; i += sizeof lanes) {
            memcpy(&lanes, text.data + i, sizeof lanes);
            look_at(lanes, quoted, &seen);
        }
        memcpy(&lanes, text.data + text.length - sizeof lanes, sizeof lanes);
        look_at(lanes, quoted, &seen);
    }
    return (struct findings){vb_lanes_any(seen.special), vb_lanes_any(seen.high),
                             vb_lanes_any(seen.wide)};
}

/* The longest, and the length that is reserved for each special byte. */
#define REFERENCE 5u

static char *put_reference(char *to, unsigned char byte)
{
    struct vb_view reference = byte == '&'   ? VB_VIEW("&amp;")
                               : byte == '<' ? VB_VIEW("&lt;")
                               : byte == '>' ? VB_VIEW("&gt;")
                               : byte == '"' ? VB_VIEW("&#34;")
                                             : VB_VIEW("&#39;");
    if (is_control(byte)) {
        *to++ = '\xE2';
        *to++ = '\x90';
        *to++ = byte == 0x7F ? '\xA1' : (char)(0x80 + byte);
        return to;
    }
    memcpy(to, reference.data, reference.length);
    return to + reference.length;
}

static enum vb_status append_escaped(struct vb_buffer *out, struct vb_view text, bool quoted)
{
    size_t special = 0, run = 0;
    for (size_t i = 0; i < text.length; i++)
        special += is_special((unsigned char)text.data[i], quoted);
    enum vb_status status = vb_buffer_reserve(out, text.length + special * (REFERENCE - 1));
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length, *to = start;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (!is_special(byte, quoted))
            continue;
        memcpy(to, text.data + run, i - run);
        to = put_reference(to + (i - run), byte);
        run = i + 1;
    }
    memcpy(to, text.data + run, text.length - run);
    vb_buffer_grown(out, (size_t)(to - start) + text.length - run);
    return VB_OK;
}

static enum vb_status append_found(struct vb_buffer *out, struct vb_view text, bool quoted,
                                   const struct findings *found)
{
    if (found->non_ascii && !vb_utf8_valid(text))
        return VB_INVALID;
    if (!found->special)
        return text.length > 0 ? vb_buffer_append(out, text.data, text.length) : VB_OK;
    return append_escaped(out, text, quoted);
}

enum vb_status vb_html_append(struct vb_buffer *out, struct vb_view text)
{
    struct findings found = scan(text, false);
    return append_found(out, text, false, &found);
}

/* Most texts need nothing but their copy: one look for room, then all of it. */
static enum vb_status append_between(struct vb_buffer *out, const struct vb_view *before,
                                     size_t count, struct vb_view text,
                                     const struct findings *found, struct vb_view behind)
{
    size_t room = text.length + behind.length;
    for (size_t i = 0; i < count; i++)
        room += before[i].length;
    enum vb_status status = vb_buffer_reserve(out, room);
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length, *to = start;
    for (size_t i = 0; i < count; i++)
        to = vb_lanes_put(to, before[i].data, before[i].length);
    if (found->special || found->non_ascii) {
        vb_buffer_grown(out, (size_t)(to - start));
        status = append_found(out, text, false, found);
        return status == VB_OK ? vb_buffer_append(out, behind.data, behind.length) : status;
    }
    to = vb_lanes_put(to, text.data, text.length);
    to = vb_lanes_put(to, behind.data, behind.length);
    vb_buffer_grown(out, (size_t)(to - start));
    return VB_OK;
}

enum vb_status vb_html_put_element(struct vb_buffer *out, struct vb_view open, struct vb_view text,
                                   struct vb_view close)
{
    struct findings found = scan(text, false);
    const struct vb_view before[] = {open, found.wide ? VB_VIEW(" dir=auto>") : VB_VIEW(">")};
    return append_between(out, before, 2, text, &found, close);
}

enum vb_status vb_html_put_words(struct vb_buffer *out, struct vb_view lead, struct vb_view text,
                                 struct vb_view trail)
{
    struct findings found = scan(text, false);
    const struct vb_view before[] = {lead, found.wide ? VB_VIEW("<bdi>") : VB_VIEW("")};
    enum vb_status status =
        append_between(out, before, 2, text, &found, found.wide ? VB_VIEW("</bdi>") : trail);
    return status == VB_OK && found.wide ? vb_buffer_append(out, trail.data, trail.length) : status;
}

static bool is_plain(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

static inline vb_lanes other_than_plain(vb_lanes lanes)
{
    vb_lanes letter = lanes | 0x20;
    return ~(vb_lanes)(((letter >= 'a') & (letter <= 'z')) | ((lanes >= '0') & (lanes <= '9')) |
                       (lanes == '-') | (lanes == '_'));
}

/* Sixteen at a time, the last ones twice: ids are mostly UUIDs or numbers, and each message has
 * one. */
static bool is_all_plain(struct vb_view id)
{
    vb_lanes other = {0}, lanes;
    if (id.length < sizeof lanes) {
        for (size_t i = 0; i < id.length; i++)
            if (!is_plain((unsigned char)id.data[i]))
                return false;
        return true;
    }
    for (size_t i = 0; i + sizeof lanes < id.length; i += sizeof lanes) {
        memcpy(&lanes, id.data + i, sizeof lanes);
        other |= other_than_plain(lanes);
    }
    memcpy(&lanes, id.data + id.length - sizeof lanes, sizeof lanes);
    return !vb_lanes_any(other | other_than_plain(lanes));
}

enum vb_status vb_html_append_id(struct vb_buffer *out, struct vb_view id)
{
    static const char digits[] = "0123456789ABCDEF";
    if (is_all_plain(id))
        return id.length > 0 ? vb_buffer_append(out, id.data, id.length) : VB_OK;
    enum vb_status status = vb_buffer_reserve(out, id.length * 3);
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length, *to = start;
    for (size_t i = 0; i < id.length; i++) {
        unsigned char byte = (unsigned char)id.data[i];
        if (is_plain(byte)) {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '.';
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    vb_buffer_grown(out, (size_t)(to - start));
    return VB_OK;
}

/* By its first bytes, as a browser reads them: it takes blanks and controls out before it looks for
 * the scheme, so an address with any of them is none here. */
bool vb_html_is_link(struct vb_view url)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < url.length; i++)
        if ((unsigned char)url.data[i] <= 0x20 || url.data[i] == 0x7F)
            return false;
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(schemes[i]);
        if (url.length > length && strncasecmp(url.data, schemes[i], length) == 0)
            return true;
    }
    return false;
}

enum vb_status vb_html_append_quoted(struct vb_buffer *out, const char *lead, struct vb_view text)
{
    struct findings found = scan(text, true);
    enum vb_status status = vb_buffer_append_text(out, lead);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, '"');
    if (status == VB_OK)
        status = append_found(out, text, true, &found);
    return status == VB_OK ? vb_buffer_append_byte(out, '"') : status;
}
