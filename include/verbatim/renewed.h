/* Texts of the options that may be replaced while the process runs: connection strings, passwords.
 *
 * Who uses such a text keeps the pointer that he was given at the start, and asks for its present
 * form each time he uses it. So a replacement reaches whoever connects from then on, and nobody has
 * to be told.
 *
 * The table is the process's. Replacing is one thread's at a time; asking any thread's, without a
 * lock. A text that was replaced is kept until vb_renewed_done, since somebody may still read it.
 * Errors: VB_NO_MEMORY, VB_LIMIT beyond 8 texts; the text is as it was then.
 */
#ifndef VERBATIM_RENEWED_H
#define VERBATIM_RENEWED_H

#include "verbatim/status.h"

/* The present form of the text that began as `original`, which may be NULL: then NULL. */
const char *vb_renewed_text(const char *original);
/* Copies. Told apart by the pointer, not by what is written there. */
enum vb_status vb_renewed_put(const char *original, const char *text,
                              struct vb_error *err) vb_must_check;
/* Wipes and frees all; nobody may ask any more. */
void vb_renewed_done(void);

#endif
