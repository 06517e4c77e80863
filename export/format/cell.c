/* Scans a cell sixteen bytes at a time for what needs care, then copies runs; see cell.h.
 *
 * Two things can be asked of a cell. Quoting is RFC 4180's: cells with the delimiter, a quote or a
 * line end stand in quotes, quotes in them are doubled, and nothing else is quoted unless the form
 * wants all texts in quotes. The guard is a
 * single quote before a text that a spreadsheet would take for a formula (OWASP, "CSV Injection");
 * a text that begins with guards already gets one more, so that taking one off every such cell
 * gives back what was there.
 *
 * Each cell is scanned once, its room reserved once for exactly what will be written, and a cell
 * that fails leaves nothing behind. Most have no special byte and cost one memcpy.
 */
#include "cell.h"

#include "verbatim/digits.h"
#include "verbatim/lanes.h"
#include "verbatim/text.h"

/* What a scan found; nonzero means there is at least one. */
struct findings {
    bool special;   /* delimiter, quote, CR, LF */
    bool non_ascii; /* to be validated */
};

static bool is_special(char c, char delimiter)
{
    return c == delimiter || c == '"' || c == '\r' || c == '\n';
}

/* Answers both questions in one pass; a special byte in the last fifteen is found one by one. */
static struct findings scan(struct vb_view text, char delimiter)
{
    vb_lanes special = {0}, high = {0}, lanes;
    size_t i = 0;
    for (; i + sizeof lanes <= text.length; i += sizeof lanes) {
        memcpy(&lanes, text.data + i, sizeof lanes);
        special |= (vb_lanes)((lanes == (unsigned char)delimiter) | (lanes == '"') |
                              (lanes == '\r') | (lanes == '\n'));
        high |= lanes & 0x80;
    }
    struct findings found = {vb_lanes_any(special), vb_lanes_any(high)};
    for (; i < text.length; i++) {
        found.special |= is_special(text.data[i], delimiter);
        found.non_ascii |= (text.data[i] & 0x80) != 0;
    }
    return found;
}

/* Says how much room doubling needs, so that it is reserved once. memchr jumps over what needs
 * nothing. */
static size_t count_byte(struct vb_view text, char byte)
{
    size_t count = 0;
    const char *at = text.data, *end = text.data + text.length;
    while (at < end && (at = memchr(at, byte, (size_t)(end - at))) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* Copies runs between quotes, and each quote twice. */
static char *copy_doubling(char *to, struct vb_view text)
{
    const char *at = text.data, *end = text.data + text.length;
    while (at < end) {
        const char *stop = memchr(at, '"', (size_t)(end - at));
        size_t run = stop ? (size_t)(stop - at) + 1 : (size_t)(end - at);
        memcpy(to, at, run);
        to += run;
        at += run;
        if (stop)
            *to++ = '"';
    }
    return to;
}

/* After leading guards and blanks: = + - @, tab, CR, or a full-width form (U+FF1D, U+FF0B, U+FF0D,
 * U+FF20), which spreadsheets in East Asia take for the plain one. */
static bool begins_formula(struct vb_view text)
{
    size_t i = 0;
    while (i < text.length && text.data[i] == '\'')
        i++;
    while (i < text.length && text.data[i] == ' ')
        i++;
    if (i == text.length)
        return false;
    if (text.data[i] != '\0' && strchr("=+-@\t\r", text.data[i]))
        return true;
    static const char wide[][4] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};
    for (size_t k = 0; k < 4 && text.length - i >= 3; k++)
        if (memcmp(text.data + i, wide[k], 3) == 0)
            return true;
    return false;
}

/* Most cells begin with a letter or digit: one look at a table settles them. The table must name
 * every byte that begins_formula could end well with; 0xEF is the first of the full-width forms. */
bool vb_cell_is_formula(struct vb_view text)
{
    static const bool suspect[256] = {
        [' '] = true, ['\''] = true, ['='] = true,  ['+'] = true, ['-'] = true,
        ['@'] = true, ['\t'] = true, ['\r'] = true, [0xEF] = true};
    return text.length > 0 && suspect[(unsigned char)text.data[0]] && begins_formula(text);
}

/* The slow way, for cells with a separator, a quote or a line end. The guard stands inside the
 * quotes. */
static enum vb_status append_quoted(struct vb_buffer *out, struct vb_view text, bool guard,
                                    struct vb_view end)
{
    size_t length = text.length + count_byte(text, '"') + 2 + guard + end.length;
    enum vb_status status = vb_buffer_reserve(out, length);
    if (status != VB_OK)
        return status;
    char *to = out->data + out->length;
    *to++ = '"';
    if (guard)
        *to++ = '\'';
    to = copy_doubling(to, text);
    *to++ = '"';
    memcpy(to, end.data, end.length);
    vb_buffer_grown(out, length);
    return VB_OK;
}

/* The cell and what stands behind it, in one piece. One byte more than needed is reserved, for a
 * guard. */
static inline enum vb_status append_ended(struct vb_buffer *out, struct vb_view text,
                                          struct vb_cell_form form, struct vb_view end)
{
    struct findings found = scan(text, form.delimiter);
    if (found.non_ascii && !vb_utf8_valid(text))
        return VB_SOURCE;
    bool guard = form.guard && vb_cell_is_formula(text);
    if (found.special || (form.quotes && text.data))
        return append_quoted(out, text, guard, end);
    enum vb_status status = vb_buffer_reserve(out, text.length + 1 + end.length);
    if (status != VB_OK)
        return status;
    char *to = out->data + out->length;
    if (guard)
        *to++ = '\'';
    if (text.data)
        memcpy(to, text.data, text.length);
    memcpy(to + text.length, end.data, end.length);
    vb_buffer_grown(out, text.length + guard + end.length);
    return VB_OK;
}

enum vb_status vb_cell_append(struct vb_buffer *out, struct vb_view text, struct vb_cell_form form)
{
    return text.length > 0 || form.quotes ? append_ended(out, text, form, VB_VIEW("")) : VB_OK;
}

/* Not all or nothing: cells before the one that failed stay, and the caller takes the row back. */
enum vb_status vb_cell_append_run(struct vb_buffer *out, const struct vb_view *cells, size_t count,
                                  struct vb_cell_form form)
{
    const struct vb_view end = {&form.delimiter, 1};
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = append_ended(out, cells[i], form, end);
    return status;
}

/* A number in E.164's form is no formula that does anything, and guarding it would make it useless
 * to whoever imports the file. */
enum vb_status vb_cell_append_phone(struct vb_buffer *out, struct vb_view phone,
                                    struct vb_cell_form form)
{
    if (vb_digits_is_e164(phone))
        form.guard = false;
    return vb_cell_append_run(out, &phone, 1, form);
}

/* What a list needs before its first byte is written. `length` counts one byte for each element's
 * comma, which covers the guard of a single one too. */
struct list_shape {
    size_t count, length; /* elements, bytes of the joined text with its escapes */
    bool quoted, guarded;
};

/* Walks a copy of the list. The guard looks at the first element only, since what stands behind it
 * is inside the cell. A comma costs two bytes more, as %2C. */
static enum vb_status measure_list(struct vb_text_list list, struct vb_cell_form form,
                                   struct list_shape *shape)
{
    struct vb_view element;
    *shape = (struct list_shape){.quoted = form.quotes};
    while (vb_text_list_next(&list, &element)) {
        if (!vb_utf8_valid(element))
            return VB_SOURCE;
        size_t quotes = count_byte(element, '"');
        if (shape->count++ == 0)
            shape->guarded = form.guard && vb_cell_is_formula(element);
        shape->quoted |=
            (shape->count > 1 && form.delimiter == ',') || quotes > 0 ||
            memchr(element.data, '\r', element.length) ||
            memchr(element.data, '\n', element.length) ||
            (form.delimiter != ',' && memchr(element.data, form.delimiter, element.length));
        shape->length += element.length + quotes + 2 * count_byte(element, ',') + 1;
    }
    return VB_OK;
}

/* Rare enough to go without tricks; the room is reserved already, so the appends cannot fail. */
static enum vb_status append_element(struct vb_buffer *out, struct vb_view element)
{
    enum vb_status status = VB_OK;
    const char *at = element.data, *end = element.data + element.length;
    while (at < end && status == VB_OK) {
        const char *stop = at;
        while (stop < end && *stop != ',' && *stop != '"')
            stop++;
        status = vb_buffer_append(out, at, (size_t)(stop - at));
        if (stop < end && status == VB_OK)
            status = vb_buffer_append_text(out, *stop == ',' ? "%2C" : "\"\"");
        at = stop < end ? stop + 1 : end;
    }
    return status;
}

enum vb_status vb_cell_append_list(struct vb_buffer *out, struct vb_text_list list,
                                   struct vb_cell_form form)
{
    if (list.count == 0)
        return VB_OK;
    struct list_shape shape;
    enum vb_status status = measure_list(list, form, &shape);
    if (shape.count == 0)
        return status;
    if (status == VB_OK)
        status = vb_buffer_reserve(out, shape.length + 3);
    if (status == VB_OK && shape.quoted)
        status = vb_buffer_append_byte(out, '"');
    if (status == VB_OK && shape.guarded)
        status = vb_buffer_append_byte(out, '\'');
    struct vb_view element;
    for (size_t i = 0; status == VB_OK && vb_text_list_next(&list, &element); i++) {
        if (i > 0)
            status = vb_buffer_append_byte(out, ',');
        if (status == VB_OK)
            status = append_element(out, element);
    }
    if (status == VB_OK && shape.quoted)
        status = vb_buffer_append_byte(out, '"');
    return status;
}
