/* How exports that were answered at once ended, for the audit: written behind their entries, and
 * tried again until it is known to stand there. At most a few hundred a loop: beyond that the log
 * is all that tells.
 *
 * Belongs to a loop, whose `notes` count them; on its thread. Each owns copies of what it was
 * given, until it is noted or given up. A loop that stops waits for them as long as it may. Errors
 * go to the log: nobody waits for the note.
 */
#ifndef VERBATIM_API_AUDIT_END_H
#define VERBATIM_API_AUDIT_END_H

#include "site.h"

#include "verbatim/uuid.h"

/* `kind`: records, cancelled or failed; a constant. `is_unsure`: nobody knows whether there is an
 * entry, or whether it is still being made. */
void vb_api_end_note(struct vb_api_site_loop *site, const char *workspace, struct vb_uuid mark,
                     const char *kind, uint64_t records, bool is_unsure);
/* Sends those whose next try is due. */
void vb_api_end_tick(struct vb_api_site_loop *site, int64_t now);
/* The log tells of those that were not noted. No pool is left that could answer one. */
void vb_api_end_done(struct vb_api_site_loop *site);

#endif
