/* What a command found: a table for people at a terminal, lines with tabs for pipes, or JSON.
 *
 * A terminal gets aligned columns, cut to its width, with colours unless NO_COLOR says otherwise. A
 * pipe gets one line a row, its cells whole and with tabs between them, below a line of names. JSON
 * is an array of objects, or the one object. What is NULL is "-", in JSON null. Controls in texts,
 * which are other people's, never reach the terminal.
 *
 * The table is its maker's, owns copies of its cells until vb_table_done, and borrows the columns,
 * which are static as a rule. One thread. VB_LIMIT past some 64 MiB, VB_NO_MEMORY; VB_IO where
 * standard output takes no more.
 */
#ifndef VERBATIM_COMMAND_OUTPUT_TABLE_H
#define VERBATIM_COMMAND_OUTPUT_TABLE_H

#include "verbatim/buffer.h"

#include <libpq-fe.h>

enum vb_cell {
    VB_CELL_TEXT,
    VB_CELL_NUMBER,  /* as it is; to the right */
    VB_CELL_SIZE,    /* bytes; for people in KiB and so on */
    VB_CELL_TIME,    /* a timestamptz as PostgreSQL writes it in UTC; told in UTC */
    VB_CELL_BOOLEAN, /* t or f */
    VB_CELL_STATE,   /* a word, coloured by what it means */
    VB_CELL_LIST,    /* an array of texts as JSON; elsewhere joined by commas */
    VB_CELL_JSON     /* JSON that goes in as it is */
};

struct vb_column {
    const char *name; /* in JSON */
    enum vb_cell kind;
    bool may_shrink;   /* cut off where a line is longer than the terminal's */
    const char *label; /* for people; NULL: the name, with blanks for underscores */
};

struct vb_table {
    const struct vb_column *columns;
    size_t column_count, row_count;
    struct vb_buffer text, places; /* cells, NUL-terminated; where each begins */
};

void vb_table_init(struct vb_table *table, const struct vb_column *columns, size_t column_count);
void vb_table_done(struct vb_table *table);
/* One row: as many cells as there are columns, NULL for none. */
enum vb_status vb_table_add(struct vb_table *table, const char *const *cells) vb_must_check;
/* All rows of a result whose fields are the columns, as text. */
enum vb_status vb_table_add_rows(struct vb_table *table, const PGresult *rows) vb_must_check;
/* As it was added; NULL for none. */
const char *vb_table_cell(const struct vb_table *table, size_t row, size_t column);

/* To standard output, as it fits there. */
enum vb_status vb_table_print(const struct vb_table *table, bool as_json,
                              struct vb_error *err) vb_must_check;
/* The first row alone, a line a column: for commands that show one thing. */
enum vb_status vb_table_print_one(const struct vb_table *table, bool as_json,
                                  struct vb_error *err) vb_must_check;
/* The common end of a command that lists: rows become a table, which is printed. */
enum vb_status vb_rows_print(const PGresult *rows, const struct vb_column *columns, size_t count,
                             bool as_json, struct vb_error *err) vb_must_check;

/* How it is to look; for tests, and for what is no table. */
struct vb_look {
    bool as_json, is_terminal, has_colours;
    unsigned width; /* of the terminal; 0: not known */
};
/* Of standard output. */
struct vb_look vb_look_here(bool as_json);
enum vb_status vb_table_render(const struct vb_table *table, const struct vb_look *look,
                               struct vb_buffer *out) vb_must_check;
enum vb_status vb_table_render_one(const struct vb_table *table, const struct vb_look *look,
                                   struct vb_buffer *out) vb_must_check;

#endif
