/* Scans a cell sixteen bytes at a time for what needs care, then copies runs; see cell.h.
 *
 * Two things can be asked of a cell. Quoting is RFC 4180's: cells with the delimiter, a quote or a
 * line end stand in quotes, quotes in them are doubled, and nothing else is quoted unless the form
 * wants all texts in quotes. The guard is a
 * single quote before a text that a spreadsheet would take for a formula (OWASP, "CSV Injection");
 * a text that begins with guards already gets one more, so that taking one off every such cell
 * gives back what was there.
 *
 * Each cell is copied and scanned in one pass, and written again where the scan found something.
 * Most have no special byte. A cell that fails leaves nothing behind.
 */
#include "cell.h"

#include "verbatim/lanes.h"
#include "verbatim/text.h"

#define SMALL_TEXT 4096u
#define EXTRAS 4u /* two quotes, a guard, the delimiter */

/* Which bytes make a cell stand in quotes. */
static inline vb_lanes special_lanes(vb_lanes lanes, char delimiter)
{
    return (vb_lanes)((lanes == (unsigned char)delimiter) | (lanes == '"') | (lanes == '\r') |
                      (lanes == '\n'));
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

/* Each quote twice. Sixteen bytes are written at a time, and those behind a quote once more: there
 * is room for them, since as many are still to come. */
static char *copy_doubling(char *to, struct vb_view text)
{
    const char *at = text.data, *end = text.data + text.length;
    vb_lanes lanes;
    while ((size_t)(end - at) >= sizeof lanes) {
        memcpy(&lanes, at, sizeof lanes);
        memcpy(to, &lanes, sizeof lanes);
        vb_lanes quotes = (vb_lanes)(lanes == '"');
        size_t run = vb_lanes_any(quotes) ? vb_lanes_first(quotes) + 1 : sizeof lanes;
        at += run;
        to += run;
        if (at[-1] == '"')
            *to++ = '"';
    }
    for (; at < end; at++) {
        *to++ = *at;
        if (*at == '"')
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
static const bool suspect[256] = {
    [' '] = true, ['\''] = true, ['='] = true,  ['+'] = true, ['-'] = true,
    ['@'] = true, ['\t'] = true, ['\r'] = true, [0xEF] = true};

bool vb_cell_is_formula(struct vb_view text)
{
    return text.length > 0 && suspect[(unsigned char)text.data[0]] && begins_formula(text);
}

/* The slow way: something in the text needs care. The guard stands inside the quotes. */
static char *put_with_care(char *to, struct vb_view text, const struct vb_cell_form *form,
                           const struct vb_lanes_seen *found)
{
    if (vb_lanes_any(found->high) && !vb_utf8_valid(text))
        return NULL;
    bool guard = form->guard && vb_cell_is_formula(text);
    bool quoted = vb_lanes_any(found->special) || (form->quotes && text.data);
    if (quoted)
        *to++ = '"';
    if (guard)
        *to++ = '\'';
    if (quoted) {
        to = copy_doubling(to, text);
        *to++ = '"';
    } else if (text.data) {
        memcpy(to, text.data, text.length);
        to += text.length;
    }
    return to;
}

/* Small texts have the most that they could need. Of large ones quotes are counted, for twice a
 * large message would be memory that nobody counts on. */
size_t vb_cell_room(struct vb_view text)
{
    return text.length + (text.length <= SMALL_TEXT ? text.length : count_byte(text, '"')) + EXTRAS;
}

char *vb_cell_put(char *to, struct vb_view text, const struct vb_cell_form *form)
{
    struct vb_lanes_seen found =
        vb_lanes_copy(to, text.data, text.length, special_lanes, form->delimiter);
    if (vb_lanes_any(found.special | found.high) || form->quotes ||
        (form->guard && text.length > 0 && suspect[(unsigned char)text.data[0]]))
        to = put_with_care(to, text, form, &found);
    else
        to += text.length;
    if (to)
        *to++ = form->delimiter;
    return to;
}

/* What was written and is not to be kept has overwritten the NUL behind the buffer's bytes. */
static enum vb_status refuse(struct vb_buffer *out)
{
    out->data[out->length] = '\0';
    return VB_SOURCE;
}

static enum vb_status append(struct vb_buffer *out, struct vb_view text,
                             const struct vb_cell_form *form, bool delimited)
{
    enum vb_status status = vb_buffer_reserve(out, vb_cell_room(text));
    if (status != VB_OK)
        return status;
    char *start = out->data + out->length, *to = vb_cell_put(start, text, form);
    if (!to)
        return refuse(out);
    vb_buffer_grown(out, (size_t)(to - start) - !delimited);
    return VB_OK;
}

enum vb_status vb_cell_append(struct vb_buffer *out, struct vb_view text, struct vb_cell_form form)
{
    return text.length > 0 || form.quotes ? append(out, text, &form, false) : VB_OK;
}

/* Not all or nothing: cells before the one that failed stay, and the caller takes the row back. */
enum vb_status vb_cell_append_run(struct vb_buffer *out, const struct vb_view *cells, size_t count,
                                  struct vb_cell_form form)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = append(out, cells[i], &form, true);
    return status;
}

enum vb_status vb_cell_append_phone(struct vb_buffer *out, struct vb_view phone,
                                    struct vb_cell_form form)
{
    form = vb_cell_phone_form(phone, form);
    return append(out, phone, &form, true);
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
