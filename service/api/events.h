/* Lists of exports that follow by themselves: who looks at them, and one look a second at what has
 * changed, for all of them together.
 *
 * A viewer is a streamed answer (http/stream.h) that stays open. While there is one, some loop of
 * the process asks the database once a second what has become visible since the last time, in all
 * workspaces that are looked at, and whether the viewers' keys and sessions are still what they
 * were. What it finds is handed to all loops, and each tells its own viewers what they may see.
 * Nothing is queued but the few kilobytes that a viewer has not taken yet: one that is slower is
 * dropped, and comes again.
 *
 * The hub belongs to the process, is made before the loops and ends behind them; what is shared is
 * under its mutex. A viewer is its exchange's state and its loop's. Errors: VB_NO_MEMORY. A
 * database that is away makes events late; whoever looks then is told nothing, and when it was away
 * for long has to begin anew.
 */
#ifndef VERBATIM_API_EVENTS_H
#define VERBATIM_API_EVENTS_H

#include "site.h"

#define VB_API_VIEWERS_MOST 200u /* of a process */

struct vb_api_events;
enum vb_status vb_api_events_new(struct vb_api_events **ret_events,
                                 struct vb_error *err) vb_must_check;
void vb_api_events_free(struct vb_api_events *events); /* NULL is a no-op */

/* Several times a second: tells what is new, and asks where it is time to. */
void vb_api_events_tick(struct vb_http_loop *loop, int64_t now);
/* Before the loop's pools go. */
void vb_api_events_leave(struct vb_api_site_loop *site);

/* The answer becomes a viewer's; `word` is what its key may do, as VB_API_SQL_KEY_WORD has it. 503
 * where there are too many. */
void vb_api_events_join(struct vb_http_exchange *exchange, const char *word);

#endif
