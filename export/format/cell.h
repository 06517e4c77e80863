/* One cell of a CSV file: RFC 4180 quoting and the guard against formulas. The hot path of an
 * export.
 *
 * Writes UTF-8 or nothing; repairs nothing. Private to export/. Owns nothing: texts are borrowed
 * for the call, the buffer is the caller's. Any thread: no state. VB_SOURCE for text that is not
 * UTF-8, VB_LIMIT and VB_NO_MEMORY as the buffer says; a single cell that fails leaves the buffer
 * as it was.
 */
#ifndef VERBATIM_EXPORT_FORMAT_CELL_H
#define VERBATIM_EXPORT_FORMAT_CELL_H

#include "verbatim/conversation.h"

/* Appends one cell, without separator; NULL is an empty one. VB_SOURCE for text that is not
 * UTF-8, VB_LIMIT and VB_NO_MEMORY as the buffer says. */
enum vb_status vb_cell_append(struct vb_buffer *out, struct vb_view text, bool guard) vb_must_check;
/* A run of cells, each with the comma behind it. */
enum vb_status vb_cell_append_run(struct vb_buffer *out, const struct vb_view *cells, size_t count,
                                  bool guard) vb_must_check;
/* A telephone number and the comma: E.164 needs no guard. */
enum vb_status vb_cell_append_phone(struct vb_buffer *out, struct vb_view phone,
                                    bool guard) vb_must_check;
/* Elements joined by commas, a comma inside one as %2C. */
enum vb_status vb_cell_append_list(struct vb_buffer *out, struct vb_text_list list,
                                   bool guard) vb_must_check;

/* A spreadsheet could take the text for a formula, or it already begins with the guard of one. */
bool vb_cell_is_formula(struct vb_view text);

#endif
