/* A ring of hashes; see recent.h. Looked through from end to end, which a reply alone costs. */
#include "recent.h"

#include "verbatim/hash.h"

#include <stdlib.h>

/* Two ids of one hash would make a link to the wrong one of them, no more. */
struct vb_recent {
    size_t count; /* since the conversation began */
    uint64_t hashes[VB_RECENT_MOST];
    vb_instant times[VB_RECENT_MOST];
};

void vb_recent_forget(struct vb_render_state *state)
{
    if (state->recent)
        state->recent->count = 0;
}

enum vb_status vb_recent_note(struct vb_render_state *state, const struct vb_message *message)
{
    if (!(message->marks & VB_MARK_REPLY_TO))
        return VB_OK;
    if (!state->recent)
        state->recent = calloc(1, sizeof *state->recent);
    struct vb_recent *recent = state->recent;
    if (!recent)
        return VB_NO_MEMORY;
    recent->hashes[recent->count % VB_RECENT_MOST] = vb_fnv1a(message->id.data, message->id.length);
    recent->times[recent->count % VB_RECENT_MOST] = message->created_at;
    recent->count++;
    return VB_OK;
}

struct vb_maybe_instant vb_recent_find(const struct vb_render_state *state, struct vb_view id)
{
    const struct vb_recent *recent = state->recent;
    size_t count = !recent ? 0 : recent->count < VB_RECENT_MOST ? recent->count : VB_RECENT_MOST;
    const uint64_t wanted = vb_fnv1a(id.data, id.length);
    for (size_t i = 0; i < count; i++)
        if (recent->hashes[i] == wanted)
            return (struct vb_maybe_instant){true, recent->times[i]};
    return (struct vb_maybe_instant){0};
}
