/* Which messages of a conversation a file has shown lately, so that a reply can say where the one
 * is that it answers. Private to export/format.
 *
 * The last VB_RECENT_MOST of them, by a hash of their ids: 64 KiB, taken when the first is noted.
 * Kept in a struct vb_render_state, which frees them; one thread. VB_NO_MEMORY.
 */
#ifndef VERBATIM_EXPORT_FORMAT_RECENT_H
#define VERBATIM_EXPORT_FORMAT_RECENT_H

#include "verbatim/render.h"

#define VB_RECENT_MOST 4096u

/* Before a conversation's first message. */
void vb_recent_forget(struct vb_render_state *state);
/* A message that was shown; only where the source knows replies. */
enum vb_status vb_recent_note(struct vb_render_state *state,
                              const struct vb_message *message) vb_must_check;
/* When the message with that id was sent; not set where it is not among them. */
struct vb_maybe_instant vb_recent_find(const struct vb_render_state *state, struct vb_view id);

#endif
