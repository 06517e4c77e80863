/* What the parts of a running process share: main builds one vb_service and hands it to every part.
 *
 * To them it is read-only, and it outlives them. Each part has a header with the same four verbs:
 * `connections` counts what it will open, `start` returns once it runs, `request_stop` tells it to
 * end, `stop` returns once its threads have ended and its memory is free. All parts are told before
 * any is waited for, so that they end side by side.
 *
 * Owned by the command that runs the parts, with all it points to. Filled on the main thread before
 * the first part starts and not written afterwards, so any thread may read it. It holds no errors.
 * Everything in it lives until the last part has stopped.
 */
#ifndef VERBATIM_SETTINGS_SERVICE_H
#define VERBATIM_SETTINGS_SERVICE_H

#include "options.h"

struct vb_contract;
struct vb_link_secrets;
struct vb_pace;
struct vb_pulse;
struct vb_storage;

struct vb_service {
    const struct vb_options *options;
    struct vb_storage *storage;
    const struct vb_contract *contract;
    struct vb_pace *pace; /* of all that reads the source for exports; NULL: full speed */
    char process_id[37];  /* random UUID of this process start */
    bool serves;          /* it takes requests */
    /* As of the start; NULL or empty where they could not be read yet. */
    const struct vb_link_secrets *secrets;
    /* Wake the outbox when a job is finished, the janitor when something has to go at once. NULL
     * where this process has none. Set before the workers start, ended after them. */
    struct vb_pulse *outbox, *janitor;
};

/* Connections that a part may have open at the same time, at most. A part that starts counts its
 * own in. */
struct vb_connections {
    unsigned database, source;
};

#endif
