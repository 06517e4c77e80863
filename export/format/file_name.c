/* What may stand in a file name; see file_name.h. Windows' rules are the strictest and so the ones
 * that count (Microsoft, "Naming Files, Paths, and Namespaces").
 *
 * Letters, digits and marks are the Unicode general categories as GLib knows them, so names keep
 * their script. Text is not normalized: what the source spells in one way is spelt so in the
 * archive, and names that differ only in spelling are told apart by numbers (name_numbers.c).
 */
#include "file_name.h"

#include "verbatim/text.h"

#include <glib.h>
#include <string.h>

/* Invisible characters that reorder or hide text, so that a name reads as another one. The joiners
 * U+200C and U+200D stay: emoji and several scripts are spelt with them. */
static bool is_disguise(uint32_t c)
{
    return c == 0x061C || c == 0x180E || c == 0x200B || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFB);
}

/* Controls of both sets, what Windows keeps for itself, disguises, and code points that are no
 * characters (U+FDD0 to U+FDEF, and the last two of each plane). */
static bool is_refused(uint32_t c)
{
    if (c < 0x80)
        return c < 0x20 || c == 0x7F || strchr("/\\:*?\"<>|", (int)c) != NULL;
    return c < 0xA0 || is_disguise(c) || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

/* Marks belong to the letter before them: without them many scripts could not be read. */
static bool is_word(uint32_t c)
{
    return c == '.' || c == '-' || g_unichar_isalnum(c) || g_unichar_ismark(c);
}

/* Appends one character of `text`, or '_' in its place. */
static enum vb_status append_one(struct vb_buffer *out, const char *text, size_t width, bool keep)
{
    return keep ? vb_buffer_append(out, text, width) : vb_buffer_append_byte(out, '_');
}

/* How many letters, digits and blanks of ASCII the text begins with. */
static size_t plain_run(struct vb_view text)
{
    size_t run = 0;
    while (run < text.length && (g_ascii_isalnum(text.data[run]) || text.data[run] == ' '))
        run++;
    return run;
}

/* As many of its bytes as there is room for. */
static enum vb_status append_run(struct vb_buffer *out, struct vb_view run)
{
    size_t room = out->ceiling - out->length;
    bool fits = run.length <= room;
    enum vb_status status = vb_buffer_append(out, run.data, fits ? run.length : room);
    return status == VB_OK && !fits ? VB_LIMIT : status;
}

/* `words` folds each run of what is not kept into one '_', else each character has its own.
 * VB_LIMIT is no failure here: the name is long enough then. */
static enum vb_status append_filtered(struct vb_buffer *out, struct vb_view text, bool words)
{
    bool in_run = false;
    while (text.length > 0) {
        size_t run = words ? 0 : plain_run(text);
        if (run > 0) {
            enum vb_status status = append_run(out, (struct vb_view){text.data, run});
            if (status != VB_OK)
                return status == VB_LIMIT ? VB_OK : status;
            text = (struct vb_view){text.data + run, text.length - run};
            continue;
        }
        const char *start = text.data;
        if (vb_utf8_width(text.data, text.length) == 0)
            return VB_INVALID;
        uint32_t c = vb_utf8_next(&text);
        bool keep = words ? is_word(c) : !is_refused(c);
        if (!keep && words && in_run)
            continue;
        in_run = !keep;
        enum vb_status status = append_one(out, start, (size_t)(text.data - start), keep);
        if (status != VB_OK)
            return status == VB_LIMIT ? VB_OK : status;
    }
    return VB_OK;
}

enum vb_status vb_file_name_append(struct vb_buffer *out, struct vb_view text)
{
    return append_filtered(out, text, false);
}

enum vb_status vb_file_name_append_word(struct vb_buffer *out, struct vb_view text)
{
    return append_filtered(out, text, true);
}

size_t vb_file_name_skip(struct vb_view name)
{
    struct vb_view rest = name;
    if (name.length > 0 && g_ascii_isalnum(name.data[0]))
        return 0;
    while (rest.length > 0) {
        struct vb_view next = rest;
        if (vb_utf8_width(rest.data, rest.length) == 0 || g_unichar_isalnum(vb_utf8_next(&next)))
            break;
        rest = next;
    }
    return name.length - rest.length;
}

/* `units` cuts what `bytes` left, so both hold. A character outside the first plane takes two
 * units. */
size_t vb_file_name_cut(struct vb_view name, size_t bytes, size_t units)
{
    struct vb_view rest = name;
    if (name.length <= bytes && name.length <= units) /* no character has fewer bytes than units */
        return name.length;
    rest.length = vb_utf8_cut(name, bytes);
    size_t length = rest.length, used = 0;
    while (rest.length > 0) {
        size_t before = rest.length;
        used += vb_utf8_next(&rest) > 0xFFFF ? 2 : 1;
        if (used > units)
            return length - before;
    }
    return length;
}

size_t vb_file_name_units(struct vb_view name)
{
    size_t units = 0;
    while (name.length > 0) {
        size_t run = plain_run(name);
        units += run;
        name = (struct vb_view){name.data + run, name.length - run};
        if (name.length > 0)
            units += vb_utf8_next(&name) > 0xFFFF ? 2 : 1;
    }
    return units;
}

/* COM and LPT with a digit; the superscripts 1 to 3 count as digits, as they do for Windows. */
static bool is_port(const char *name, size_t length)
{
    if (length < 4 ||
        (g_ascii_strncasecmp(name, "COM", 3) != 0 && g_ascii_strncasecmp(name, "LPT", 3) != 0))
        return false;
    if (length == 4)
        return g_ascii_isdigit(name[3]);
    return length == 5 &&
           (memcmp(name + 3, "\xC2\xB9", 2) == 0 || memcmp(name + 3, "\xC2\xB2", 2) == 0 ||
            memcmp(name + 3, "\xC2\xB3", 2) == 0);
}

/* Up to the first dot and not the last: Windows looks at no more ("con.tar.gz" is a device). */
static size_t base_length(struct vb_view name)
{
    const char *dot = name.length > 0 ? memchr(name.data, '.', name.length) : NULL;
    return dot ? (size_t)(dot - name.data) : name.length;
}

/* Blanks before the dot do not count for Windows either ("con .txt"). */
bool vb_file_name_is_device(struct vb_view name)
{
    static const char *const devices[] = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
    size_t length = base_length(name);
    while (length > 0 && name.data[length - 1] == ' ')
        length--;
    for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
        if (length == strlen(devices[i]) && g_ascii_strncasecmp(name.data, devices[i], length) == 0)
            return true;
    return is_port(name.data, length);
}

/* Behind the base, so that the name still begins with a letter. */
enum vb_status vb_file_name_mend_device(struct vb_buffer *name)
{
    struct vb_view view = {name->data, name->length};
    if (!vb_file_name_is_device(view))
        return VB_OK;
    size_t base = base_length(view);
    enum vb_status status = vb_buffer_append_byte(name, '_');
    if (status == VB_OK) {
        memmove(name->data + base + 1, name->data + base, name->length - 1 - base);
        name->data[base] = '_';
    }
    return status;
}
