/* How exports that were answered at once ended, for the audit: written behind their entries, and
 * tried again until it is known to stand there.
 *
 * Belongs to a loop; on its thread. A loop that stops waits for them as long as it may (notes).
 */
#ifndef VERBATIM_API_AUDIT_END_H
#define VERBATIM_API_AUDIT_END_H

#include "site.h"

#include "verbatim/uuid.h"

/* `kind`: records, cancelled or failed; a constant. `is_unsure`: nobody knows whether there is an
 * entry, or whether it is still being made. */
void vb_api_end_note(struct vb_api_site_loop *site, const char *workspace, struct vb_uuid mark,
                     const char *kind, uint64_t records, bool is_unsure);
void vb_api_end_tick(struct vb_api_site_loop *site, int64_t now);
/* The log tells of those that were not noted. No pool is left that could answer one. */
void vb_api_end_done(struct vb_api_site_loop *site);

#endif
