/* Tables of commands. See table.h.
 *
 * Cells are kept as they came; each form makes its own of them. The terminal's needs every cell
 * twice, for the widths and for the line, so it writes them once more rather than keep them.
 */
#include "table.h"

#include "cell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CEILING (64u << 20)
#define COLUMNS_MOST 32
#define SHRINK_LEAST 12
#define BOLD "\033[1m"
#define PLAIN "\033[0m"
static const size_t none = SIZE_MAX; /* the place of a NULL */

void vb_table_init(struct vb_table *table, const struct vb_column *columns, size_t column_count)
{
    *table = (struct vb_table){.columns = columns, .column_count = column_count};
    vb_buffer_init(&table->text, CEILING);
    vb_buffer_init(&table->places, CEILING);
}

void vb_table_done(struct vb_table *table)
{
    vb_buffer_done(&table->text);
    vb_buffer_done(&table->places);
}

static enum vb_status add_cell(struct vb_table *table, const char *text)
{
    size_t place = text ? table->text.length : none;
    enum vb_status status = VB_OK;
    if (text)
        status = vb_buffer_append(&table->text, text, strlen(text) + 1);
    if (status == VB_OK)
        status = vb_buffer_append(&table->places, &place, sizeof place);
    return status;
}

enum vb_status vb_table_add(struct vb_table *table, const char *const *cells)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < table->column_count && status == VB_OK; i++)
        status = add_cell(table, cells[i]);
    if (status == VB_OK)
        table->row_count++;
    return status;
}

enum vb_status vb_table_add_rows(struct vb_table *table, const PGresult *rows)
{
    enum vb_status status = VB_OK;
    for (int row = 0; row < PQntuples(rows) && status == VB_OK; row++) {
        for (size_t i = 0; i < table->column_count && status == VB_OK; i++)
            status = add_cell(
                table, PQgetisnull(rows, row, (int)i) ? NULL : PQgetvalue(rows, row, (int)i));
        if (status == VB_OK)
            table->row_count++;
    }
    return status;
}

const char *vb_table_cell(const struct vb_table *table, size_t row, size_t column)
{
    size_t place;
    memcpy(&place, table->places.data + (row * table->column_count + column) * sizeof place,
           sizeof place);
    return place == none ? NULL : table->text.data + place;
}

/* --- JSON --- */

static void put_object(const struct vb_table *table, size_t row, struct vb_json *json)
{
    vb_json_begin_object(json);
    for (size_t i = 0; i < table->column_count; i++) {
        vb_json_name(json, table->columns[i].name);
        vb_cell_json(table->columns[i].kind, vb_table_cell(table, row, i), json);
    }
    vb_json_end_object(json);
}

static enum vb_status render_json(const struct vb_table *table, bool is_one, struct vb_buffer *out)
{
    struct vb_json json;
    vb_json_init(&json, out);
    if (is_one && table->row_count > 0) {
        put_object(table, 0, &json);
    } else {
        vb_json_begin_array(&json);
        for (size_t row = 0; row < table->row_count; row++)
            put_object(table, row, &json);
        vb_json_end_array(&json);
    }
    enum vb_status status = vb_json_status(&json);
    return status == VB_OK ? vb_buffer_append_byte(out, '\n') : status;
}

/* --- lines --- */

/* As people read it. */
static enum vb_status write_label(struct vb_buffer *out, const struct vb_column *column)
{
    if (column->label)
        return vb_buffer_append_text(out, column->label);
    enum vb_status status = VB_OK;
    for (const char *at = column->name; *at && status == VB_OK; at++)
        status = vb_buffer_append_byte(out, *at == '_' ? ' ' : *at);
    return status;
}

static unsigned label_width(const struct vb_column *column)
{
    return vb_text_width(vb_view_of(column->label ? column->label : column->name));
}

/* One line a row, for cut(1) and awk(1). */
static enum vb_status render_lines(const struct vb_table *table, struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    size_t count = table->column_count;
    for (size_t i = 0; i < count && status == VB_OK; i++) {
        status = write_label(out, &table->columns[i]);
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, i + 1 < count ? '\t' : '\n');
    }
    for (size_t at = 0; at < table->row_count * count && status == VB_OK; at++) {
        const struct vb_column *column = &table->columns[at % count];
        status =
            vb_cell_write(column->kind, vb_table_cell(table, at / count, at % count), false, out);
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, at % count + 1 < count ? '\t' : '\n');
    }
    return status;
}

/* --- for people --- */

static enum vb_status write_blanks(struct vb_buffer *out, unsigned count)
{
    enum vb_status status = VB_OK;
    while (count-- > 0 && status == VB_OK)
        status = vb_buffer_append_byte(out, ' ');
    return status;
}

static enum vb_status measure(const struct vb_table *table, unsigned widths[COLUMNS_MOST])
{
    struct vb_buffer one;
    enum vb_status status = VB_OK;
    vb_buffer_init(&one, CEILING);
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = label_width(&table->columns[i]);
    for (size_t at = 0; at < table->row_count * table->column_count && status == VB_OK; at++) {
        size_t i = at % table->column_count;
        vb_buffer_reset(&one);
        status = vb_cell_write(table->columns[i].kind,
                               vb_table_cell(table, at / table->column_count, i), true, &one);
        unsigned width = vb_text_width((struct vb_view){one.data, one.length});
        if (width > widths[i])
            widths[i] = width;
    }
    vb_buffer_done(&one);
    return status;
}

/* The widest of those that may give, until the line fits or nothing is left to give. */
static void shrink(const struct vb_table *table, unsigned most, unsigned widths[COLUMNS_MOST])
{
    unsigned sum = 0;
    for (size_t i = 0; i < table->column_count; i++)
        sum += widths[i] + (i > 0 ? 2 : 0);
    while (most > 0 && sum > most) {
        size_t widest = table->column_count;
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].may_shrink && widths[i] > SHRINK_LEAST &&
                (widest == table->column_count || widths[i] > widths[widest]))
                widest = i;
        if (widest == table->column_count)
            return;
        widths[widest]--;
        sum--;
    }
}

static enum vb_status write_aligned(struct vb_buffer *out, struct vb_view text, unsigned width,
                                    bool to_right, bool is_last, const char *colour)
{
    struct vb_buffer shown;
    vb_buffer_init(&shown, CEILING);
    enum vb_status status = vb_text_cut(&shown, text, width);
    unsigned used = vb_text_width((struct vb_view){shown.data, shown.length});
    unsigned blanks = used < width ? width - used : 0;
    if (status == VB_OK && to_right)
        status = write_blanks(out, blanks);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "%s%s%s", colour, shown.data ? shown.data : "",
                                  *colour ? PLAIN : "");
    if (status == VB_OK && !to_right && !is_last)
        status = write_blanks(out, blanks);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, is_last ? "\n" : "  ");
    vb_buffer_done(&shown);
    return status;
}

static bool is_to_right(enum vb_cell kind)
{
    return kind == VB_CELL_NUMBER || kind == VB_CELL_SIZE;
}

/* `row` beyond the last: the labels. */
static enum vb_status write_row(const struct vb_table *table, size_t row, const unsigned *widths,
                                const struct vb_look *look, struct vb_buffer *out)
{
    struct vb_buffer one;
    enum vb_status status = VB_OK;
    bool is_head = row == table->row_count;
    vb_buffer_init(&one, CEILING);
    for (size_t i = 0; i < table->column_count && status == VB_OK; i++) {
        const struct vb_column *column = &table->columns[i];
        const char *text = is_head ? NULL : vb_table_cell(table, row, i);
        const char *colour = is_head ? BOLD : vb_cell_colour(column->kind, text);
        vb_buffer_reset(&one);
        status =
            is_head ? write_label(&one, column) : vb_cell_write(column->kind, text, true, &one);
        if (status == VB_OK)
            status = write_aligned(out, (struct vb_view){one.data, one.length}, widths[i],
                                   is_to_right(column->kind), i + 1 == table->column_count,
                                   look->has_colours ? colour : "");
    }
    vb_buffer_done(&one);
    return status;
}

static enum vb_status render_people(const struct vb_table *table, const struct vb_look *look,
                                    struct vb_buffer *out)
{
    unsigned widths[COLUMNS_MOST];
    if (table->column_count > COLUMNS_MOST)
        return VB_LIMIT;
    enum vb_status status = measure(table, widths);
    shrink(table, look->width, widths);
    if (status == VB_OK)
        status = write_row(table, table->row_count, widths, look, out);
    for (size_t row = 0; row < table->row_count && status == VB_OK; row++)
        status = write_row(table, row, widths, look, out);
    return status;
}

enum vb_status vb_table_render(const struct vb_table *table, const struct vb_look *look,
                               struct vb_buffer *out)
{
    if (look->as_json)
        return render_json(table, false, out);
    return look->is_terminal ? render_people(table, look, out) : render_lines(table, out);
}

enum vb_status vb_table_render_one(const struct vb_table *table, const struct vb_look *look,
                                   struct vb_buffer *out)
{
    if (look->as_json || table->row_count == 0)
        return render_json(table, true, out);
    enum vb_status status = VB_OK;
    unsigned widest = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        unsigned width = label_width(&table->columns[i]);
        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < table->column_count && status == VB_OK; i++) {
        const struct vb_column *column = &table->columns[i];
        const char *text = vb_table_cell(table, 0, i), *colour = vb_cell_colour(column->kind, text);
        bool has_colour = look->has_colours && *colour;
        status = write_label(out, column);
        if (status == VB_OK && !look->is_terminal)
            status = vb_buffer_append_byte(out, '\t');
        else if (status == VB_OK)
            status = write_blanks(out, widest + 2 - label_width(column));
        if (status == VB_OK && has_colour)
            status = vb_buffer_append_text(out, colour);
        if (status == VB_OK)
            status = vb_cell_write(column->kind, text, look->is_terminal, out);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, has_colour ? PLAIN "\n" : "\n");
    }
    return status;
}

/* --- to standard output --- */

struct vb_look vb_look_here(bool as_json)
{
    struct winsize size = {0};
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool is_terminal = isatty(STDOUT_FILENO) == 1;
    if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        size.ws_col = 0;
    return (struct vb_look){.as_json = as_json,
                            .is_terminal = is_terminal,
                            .has_colours = is_terminal && !(no_color && *no_color) &&
                                           !(terminal && strcmp(terminal, "dumb") == 0),
                            .width = size.ws_col};
}

static enum vb_status print(const struct vb_table *table, bool as_json, bool is_one,
                            struct vb_error *err)
{
    struct vb_buffer text;
    struct vb_look look = vb_look_here(as_json);
    vb_buffer_init(&text, 2 * CEILING);
    enum vb_status status =
        is_one ? vb_table_render_one(table, &look, &text) : vb_table_render(table, &look, &text);
    if (status != VB_OK)
        vb_fail(err, status, "no room for the list");
    else if (fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout) == EOF)
        status = vb_fail_system(err, VB_IO, errno, "cannot write to standard output");
    vb_buffer_done(&text);
    return status;
}

enum vb_status vb_table_print(const struct vb_table *table, bool as_json, struct vb_error *err)
{
    return print(table, as_json, false, err);
}

enum vb_status vb_table_print_one(const struct vb_table *table, bool as_json, struct vb_error *err)
{
    return print(table, as_json, true, err);
}

enum vb_status vb_rows_print(const PGresult *rows, const struct vb_column *columns, size_t count,
                             bool as_json, struct vb_error *err)
{
    struct vb_table table;
    vb_table_init(&table, columns, count);
    enum vb_status status = vb_table_add_rows(&table, rows);
    if (status == VB_OK)
        status = vb_table_print(&table, as_json, err);
    else
        vb_fail(err, status, "no room for the list");
    vb_table_done(&table);
    return status;
}
