/* Demo conversations: the schema of the source contract as tables, filled with believable rows.
 *
 * The same options give the same rows. The schema carries a comment by which its own work is known:
 * it is replaced, any other schema of that name is left alone. One transaction: readers see the old
 * rows or the new. For trying out, tests and benchmarks; knows nothing of exports.
 *
 * Options are borrowed for the call; connection and buffers are its own. Any thread; blocks until
 * done, minutes for millions. VB_CONFLICT as below, VB_DATABASE with the server's words for all
 * else that fails, VB_LIMIT; nothing was changed then. Nothing lives beyond the call but the rows.
 */
#ifndef VERBATIM_COMMAND_DEMO_DATA_H
#define VERBATIM_COMMAND_DEMO_DATA_H

#include "verbatim/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Fixed, whatever the seed. Channels are VB_DEMO_CHANNEL_PREFIX and a number from 01; see
 * command/demo/world.c. */
#define VB_DEMO_WORKSPACE "00000000-0000-4000-8000-000000000001"
#define VB_DEMO_OTHER_WORKSPACE "00000000-0000-4000-8000-000000000002"
#define VB_DEMO_CHANNEL_PREFIX "00000000-0000-4000-8000-0000000001"
/* Half of the conversations: LOCAL, on the phone number that it shares with channel 05, a
 * WHATSAPP_BUSINESS_PLATFORM. */
#define VB_DEMO_CHANNEL VB_DEMO_CHANNEL_PREFIX "01"
#define VB_DEMO_PHONE "+12025550123"

struct vb_demo_options {
    const char *connection_string;      /* NULL: libpq's environment */
    const char *schema;                 /* NULL: chat */
    uint64_t conversations;             /* 0: 2,000; created 2026-01-01 to 2026-06-30 UTC */
    uint64_t messages_per_conversation; /* on average; 0: 12 */
    uint64_t seed;
    bool everything; /* also what few platforms have: edits, reactions, participants... */
};

/* VB_CONFLICT: a schema of that name that is not the demo's. */
enum vb_status vb_demo_data(const struct vb_demo_options *options,
                            struct vb_error *err) vb_must_check;

#endif
