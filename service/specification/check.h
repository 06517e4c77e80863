/* The rules of a specification's document, apart from its life and its printing. Inside of this
 * folder.
 *
 * Borrows the value's document and fills the value; lists that it makes are the value's to free,
 * also after a failure. Any thread: pure. VB_INVALID: the problems list something; VB_NO_MEMORY.
 * What is filled in lives as long as the document; the names are static.
 */
#ifndef VERBATIM_SPECIFICATION_CHECK_H
#define VERBATIM_SPECIFICATION_CHECK_H

#include "specification.h"

/* Fills the value's members from its root, as far as they hold, and lists what does not. `stored`:
 * what only the service may write is let through. VB_INVALID: something is listed. VB_NO_MEMORY. */
enum vb_status vb_specification_check(struct vb_specification *specification, bool stored,
                                      struct vb_problems *problems) vb_must_check;

/* Names in the order of their enums; NULL ends. */
extern const char *const vb_specification_files[];
extern const char *const vb_specification_selects[]; /* members of `select` */

#endif
