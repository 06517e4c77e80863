/* One cell of a table, in each of its forms. Private to this folder.
 *
 * Pure; borrows its text. Errors are the buffer's.
 */
#ifndef VERBATIM_COMMAND_OUTPUT_CELL_H
#define VERBATIM_COMMAND_OUTPUT_CELL_H

#include "table.h"

#include "verbatim/json.h"

/* For a terminal or, whole and plain, for a pipe; without controls. `text` NULL: "-". */
enum vb_status vb_cell_write(enum vb_cell kind, const char *text, bool for_people,
                             struct vb_buffer *out) vb_must_check;
/* What is wrong with it sticks to the writer. */
void vb_cell_json(enum vb_cell kind, const char *text, struct vb_json *json);
/* The escape that begins its colour; "" for none. */
const char *vb_cell_colour(enum vb_cell kind, const char *text);

/* Columns that a terminal needs for the text. */
unsigned vb_text_width(struct vb_view text);
/* Appends as much of the text as fits, with an ellipsis where that is not all. */
enum vb_status vb_text_cut(struct vb_buffer *out, struct vb_view text,
                           unsigned width) vb_must_check;

#endif
