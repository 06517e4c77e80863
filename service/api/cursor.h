/* Where a page of a list ended, as an opaque text that only we can make. Encrypts nothing: it holds
 * what its reader was shown.
 *
 * A list goes on behind a row, not at a number, so rows that come or go meanwhile shift nothing.
 *
 * Pure values without an end; any thread. Errors: VB_INVALID, the same for every text that is none.
 */
#ifndef VERBATIM_API_CURSOR_H
#define VERBATIM_API_CURSOR_H

#include "storage/storage.h"
#include "verbatim/uuid.h"

struct vb_api_cursor {
    vb_instant created_at; /* of the last row shown */
    struct vb_uuid id;
};
#define VB_API_CURSOR_TEXT 81u /* with the NUL */

/* Signed with the newest secret, for this workspace alone. There is one at least. */
void vb_api_cursor_write(const struct vb_link_secrets *secrets, const char *workspace,
                         const struct vb_api_cursor *cursor, char text[VB_API_CURSOR_TEXT]);
/* VB_INVALID: not ours, tampered with, of another workspace, or signed by a secret that is gone. */
enum vb_status vb_api_cursor_read(const struct vb_link_secrets *secrets, const char *workspace,
                                  struct vb_view text,
                                  struct vb_api_cursor *ret_cursor) vb_must_check;

#endif
