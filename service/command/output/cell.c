/* Cells of tables. See cell.h. */
#include "cell.h"

#include "verbatim/digits.h"
#include "verbatim/text.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

/* A text of somebody else's may hold what a terminal would obey, and line ends. */
static bool is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0) ||
           (character >= 0x202A && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069);
}

static enum vb_status write_plain(struct vb_buffer *out, const char *text)
{
    struct vb_view rest = vb_view_of(text);
    enum vb_status status = VB_OK;
    while (rest.length > 0 && status == VB_OK) {
        uint32_t character = vb_utf8_next(&rest);
        status = is_control(character) ? vb_buffer_append_byte(out, ' ')
                                       : vb_utf8_append(out, character);
    }
    return status;
}

static enum vb_status write_size(struct vb_buffer *out, const char *text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    int64_t bytes;
    size_t unit = 0;
    if (vb_digits_whole(vb_view_of(text), &bytes) != VB_OK)
        return write_plain(out, text);
    double size = (double)bytes;
    while (size >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        size /= 1024;
        unit++;
    }
    return vb_buffer_printf(out, unit > 0 && size < 100 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

#define TO_SECONDS 19 /* of YYYY-MM-DD HH:MM:SS */

/* PostgreSQL writes 2026-02-01 03:04:05.678+00; infinity and years before Christ stay as they
 * are. */
static bool is_time(const char *text)
{
    size_t length = strlen(text);
    return length >= TO_SECONDS + 3 && text[10] == ' ' && strcmp(text + length - 3, "+00") == 0;
}

static enum vb_status write_time(struct vb_buffer *out, const char *text, bool for_people)
{
    if (!is_time(text))
        return write_plain(out, text);
    return vb_buffer_printf(out, "%.10s%c%.8sZ", text, for_people ? ' ' : 'T', text + 11);
}

/* The elements of a JSON array of texts, with commas: made by the database, so its form is taken
 * for granted. An escaped control becomes a blank. */
static enum vb_status write_list(struct vb_buffer *out, const char *text)
{
    struct vb_buffer plain;
    enum vb_status status = VB_OK;
    bool inside = false;
    vb_buffer_init(&plain, out->ceiling);
    for (const char *at = text; *at && status == VB_OK; at++) {
        if (*at == '"')
            inside = !inside;
        else if (inside && *at == '\\' && at[1])
            status = vb_buffer_append_byte(&plain, *++at == '"' || *at == '\\' ? *at : ' ');
        else if (inside || *at == ',')
            status = vb_buffer_append_byte(&plain, *at);
    }
    if (status == VB_OK && plain.length > 0)
        status = write_plain(out, plain.data);
    vb_buffer_done(&plain);
    return status;
}

enum vb_status vb_cell_write(enum vb_cell kind, const char *text, bool for_people,
                             struct vb_buffer *out)
{
    if (!text || (kind == VB_CELL_LIST && strcmp(text, "[]") == 0))
        return vb_buffer_append_byte(out, '-');
    switch (kind) {
    case VB_CELL_SIZE:
        return for_people ? write_size(out, text) : write_plain(out, text);
    case VB_CELL_TIME:
        return write_time(out, text, for_people);
    case VB_CELL_BOOLEAN:
        return vb_buffer_append_text(out, *text == 't' ? "yes" : "no");
    case VB_CELL_LIST:
        return write_list(out, text);
    case VB_CELL_TEXT:
    case VB_CELL_NUMBER:
    case VB_CELL_STATE:
    case VB_CELL_JSON:
        break;
    }
    return write_plain(out, text);
}

/* With all the digits it has, as the HTTP interface writes it. */
static void put_time(struct vb_json *json, const char *text)
{
    char iso[48];
    size_t length = strlen(text);
    if (!is_time(text) || length >= sizeof iso) {
        vb_json_text(json, text);
        return;
    }
    snprintf(iso, sizeof iso, "%.*sZ", (int)(length - 3), text);
    iso[10] = 'T';
    vb_json_text(json, iso);
}

void vb_cell_json(enum vb_cell kind, const char *text, struct vb_json *json)
{
    if (!text)
        vb_json_null(json);
    else if (kind == VB_CELL_NUMBER || kind == VB_CELL_SIZE || kind == VB_CELL_LIST ||
             kind == VB_CELL_JSON)
        vb_json_raw(json, text);
    else if (kind == VB_CELL_TIME)
        put_time(json, text);
    else if (kind == VB_CELL_BOOLEAN)
        vb_json_boolean(json, *text == 't');
    else
        vb_json_text(json, text);
}

/* Good, bad and under way; words without a meaning here have no colour. */
const char *vb_cell_colour(enum vb_cell kind, const char *text)
{
    static const struct {
        const char *word, *colour;
    } words[] = {{"finished", "\033[32m"}, {"sent", "\033[32m"},    {"live", "\033[32m"},
                 {"failed", "\033[31m"},   {"silent", "\033[31m"},  {"started", "\033[36m"},
                 {"waiting", "\033[33m"},  {"cancelled", "\033[2m"}};
    if (kind == VB_CELL_STATE && text)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strcmp(words[i].word, text) == 0)
                return words[i].colour;
    return "";
}

static unsigned width_of(uint32_t character)
{
    return g_unichar_iszerowidth(character) ? 0 : g_unichar_iswide(character) ? 2 : 1;
}

unsigned vb_text_width(struct vb_view text)
{
    unsigned width = 0;
    while (text.length > 0)
        width += width_of(vb_utf8_next(&text));
    return width;
}

enum vb_status vb_text_cut(struct vb_buffer *out, struct vb_view text, unsigned width)
{
    enum vb_status status = VB_OK;
    if (vb_text_width(text) <= width)
        return vb_buffer_append(out, text.data, text.length);
    for (unsigned used = 1; text.length > 0 && status == VB_OK;) { /* 1: the ellipsis */
        uint32_t character = vb_utf8_next(&text);
        used += width_of(character);
        if (used > width)
            break;
        status = vb_utf8_append(out, character);
    }
    return status == VB_OK ? vb_buffer_append_text(out, "\u2026") : status;
}
