/* Workbooks of Excel (ECMA-376, Office Open XML), written as a stream.
 *
 * One table a workbook: a line of names, then rows of texts and numbers, which are neither looked
 * at nor changed. A text is a text cell whatever it looks like, so that nothing takes it for a
 * number, a date or a formula. What does not fit Excel's limits is continued, never cut: a text of
 * more than 32,767 characters in the cells behind the row's last column, rows beyond 1,048,576 on
 * the next sheet. No charts, no formulas, no shared texts, no properties that tell of time or
 * place: the same rows give the same bytes, however the calls were cut.
 *
 * A workbook is its maker's, who uses it for one file after another. Rows are borrowed for the
 * call; bytes are appended to the caller's buffer, which it may empty between any two calls. Fixed
 * memory, some 800 KiB, whatever the size of a file. One thread. Errors: VB_LIMIT and VB_NO_MEMORY
 * as the buffer says, VB_CORRUPT where deflate fails; after one the file is lost, and
 * vb_xlsx_begin starts the next. Texts must be UTF-8.
 */
#ifndef VERBATIM_XLSX_H
#define VERBATIM_XLSX_H

#include "verbatim/buffer.h"

#define VB_XLSX_ROWS 1048576u /* of a sheet, its line of names included */
#define VB_XLSX_UNITS 32767u  /* UTF-16 code units of a cell */
#define VB_XLSX_COLUMNS 64u   /* that a table may have */
/* No sheet may need ZIP64, which Excel does not take: the next one begins behind so many bytes. */
#define VB_XLSX_BYTES (UINT64_C(3) << 30)

enum vb_xlsx_kind { VB_XLSX_NOTHING, VB_XLSX_TEXT, VB_XLSX_NUMBER };
struct vb_xlsx_cell {
    enum vb_xlsx_kind kind;
    struct vb_view text; /* of a number: its digits */
};

struct vb_xlsx;

/* `sheet_rows` and `sheet_bytes`: where sheets end; 0: VB_XLSX_ROWS, VB_XLSX_BYTES. */
enum vb_status vb_xlsx_new(uint64_t sheet_rows, uint64_t sheet_bytes, struct vb_xlsx **ret_xlsx,
                           struct vb_error *err) vb_must_check;
void vb_xlsx_free(struct vb_xlsx *xlsx);

/* Drops what was begun before. `sheet`: the name of the first sheet, which outlives the file; those
 * that follow have a number behind it. `names`: of the columns, copied. */
enum vb_status vb_xlsx_begin(struct vb_xlsx *xlsx, const char *sheet,
                             const struct vb_xlsx_cell *names, size_t count, struct vb_buffer *out,
                             struct vb_error *err) vb_must_check;
enum vb_status vb_xlsx_row(struct vb_xlsx *xlsx, const struct vb_xlsx_cell *cells, size_t count,
                           struct vb_buffer *out, struct vb_error *err) vb_must_check;
enum vb_status vb_xlsx_end(struct vb_xlsx *xlsx, struct vb_buffer *out,
                           struct vb_error *err) vb_must_check;

#endif
