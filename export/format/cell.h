/* One cell of a CSV file: RFC 4180 quoting and the guard against formulas. The hot path of an
 * export.
 *
 * Writes UTF-8 or nothing; repairs nothing. Private to export/. Owns nothing: texts are borrowed
 * for the call, the buffer is the caller's. Any thread: no state. VB_SOURCE for text that is not
 * UTF-8, VB_LIMIT and VB_NO_MEMORY as the buffer says; a single cell that fails leaves the buffer
 * as it was.
 *
 * In the form with all texts in quotes a NULL is nothing and an empty text is two quotes, which is
 * how PostgreSQL and others tell the two apart.
 */
#ifndef VERBATIM_EXPORT_FORMAT_CELL_H
#define VERBATIM_EXPORT_FORMAT_CELL_H

#include "verbatim/conversation.h"
#include "verbatim/digits.h"

/* How the cells of a file are written. */
struct vb_cell_form {
    char delimiter;
    bool quotes; /* around every text, whatever is in it */
    bool guard;  /* against formulas */
};
#define VB_CELL_FORM ((struct vb_cell_form){.delimiter = ',', .guard = true})
/* For ids and times: their forms cannot be formulas, and importers join by them. */
static inline struct vb_cell_form vb_cell_unguarded(struct vb_cell_form form)
{
    form.guard = false;
    return form;
}

/* A number in E.164's form is no formula that does anything, and guarding it would make it useless
 * to whoever imports the file. */
static inline struct vb_cell_form vb_cell_phone_form(struct vb_view phone, struct vb_cell_form form)
{
    return vb_digits_is_e164(phone) ? vb_cell_unguarded(form) : form;
}

/* For rows of many cells, whose room is made at once: at most so many bytes become of a text, with
 * the delimiter. */
size_t vb_cell_room(struct vb_view text);
/* Writes a cell and its delimiter where there is room for it; returns what stands behind. NULL:
 * not UTF-8, and some of the room is overwritten. */
char *vb_cell_put(char *to, struct vb_view text, const struct vb_cell_form *form);

/* Appends one cell, without delimiter; NULL is an empty one. VB_SOURCE for text that is not
 * UTF-8, VB_LIMIT and VB_NO_MEMORY as the buffer says. */
enum vb_status vb_cell_append(struct vb_buffer *out, struct vb_view text,
                              struct vb_cell_form form) vb_must_check;
/* A run of cells, each with the delimiter behind it. */
enum vb_status vb_cell_append_run(struct vb_buffer *out, const struct vb_view *cells, size_t count,
                                  struct vb_cell_form form) vb_must_check;
/* A telephone number and the delimiter. */
enum vb_status vb_cell_append_phone(struct vb_buffer *out, struct vb_view phone,
                                    struct vb_cell_form form) vb_must_check;
/* Elements joined by commas, a comma inside one as %2C. */
enum vb_status vb_cell_append_list(struct vb_buffer *out, struct vb_text_list list,
                                   struct vb_cell_form form) vb_must_check;

/* A spreadsheet could take the text for a formula, or it already begins with the guard of one. */
bool vb_cell_is_formula(struct vb_view text);

#endif
