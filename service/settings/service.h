/* What the parts of a running process share, and how each part starts and stops.
 *
 * main builds one vb_service and hands it to every part; to them it is read-only, and it outlives them. Start
 * functions return once the part runs; stop functions return once its threads have ended and its memory
 * is free. Stopping is asked first of all parts (ask), then waited for (stop), so that they end side by side.
 */
#ifndef VERBATIM_SETTINGS_SERVICE_H
#define VERBATIM_SETTINGS_SERVICE_H

#include "options.h"
#include "storage/storage.h"
#include "verbatim/source.h"

struct vb_janitor;
struct vb_outbox;

struct vb_service {
    const struct vb_options *options;
    struct vb_storage *storage;
    const struct vb_contract *contract;
    char process_id[37];            /* random UUID of this process start */
    struct vb_link_secrets secrets; /* as of the start; none where they could not be read yet */
    /* NULL where this process sends no mail. Set before the workers start, ended after them: they wake it
     * when a job is finished. */
    struct vb_outbox *outbox;
    /* NULL where this process cleans nothing up. Set before the workers start, ended after them: they wake it when
     * something has to go at once. */
    struct vb_janitor *janitor;
};

/* Connections that a part may have open at the same time, at most. A part that starts counts its own in. */
struct vb_connections {
    unsigned database, source;
};
void vb_workers_connections(const struct vb_service *service, struct vb_connections *sum);
void vb_http_connections(const struct vb_service *service, struct vb_connections *sum);
void vb_janitor_connections(const struct vb_service *service, struct vb_connections *sum);
void vb_outbox_connections(const struct vb_service *service, struct vb_connections *sum);

/* Worker threads, the express thread and the keeper (heartbeat, LISTEN). */
struct vb_workers;
enum vb_status vb_workers_start(const struct vb_service *service, struct vb_workers **ret_workers,
                                struct vb_error *err) vb_must_check;
void vb_workers_ask(struct vb_workers *workers);
/* Running segments are handed back; at most 10 s. */
void vb_workers_stop(struct vb_workers *workers);

/* HTTP loops. */
struct vb_http;
enum vb_status vb_http_start(const struct vb_service *service, struct vb_http **ret_http,
                             struct vb_error *err) vb_must_check;
void vb_http_ask(struct vb_http *http); /* no more new connections; answers under way go on */
void vb_http_stop(struct vb_http *http);

/* Retention, orphans, old rows. */
enum vb_status vb_janitor_start(const struct vb_service *service, struct vb_janitor **ret_janitor,
                                struct vb_error *err) vb_must_check;
/* There is something to clean up: look now. Any thread; NULL is nobody to wake. */
void vb_janitor_wake(struct vb_janitor *janitor);
void vb_janitor_ask(struct vb_janitor *janitor);
void vb_janitor_stop(struct vb_janitor *janitor);

/* Mail from the outbox. Started only where smtp_url is given. */
enum vb_status vb_outbox_start(const struct vb_service *service, struct vb_outbox **ret_outbox,
                               struct vb_error *err) vb_must_check;
/* There may be mail: look now. Any thread; NULL is nobody to wake. */
void vb_outbox_wake(struct vb_outbox *outbox);
void vb_outbox_ask(struct vb_outbox *outbox);
void vb_outbox_stop(struct vb_outbox *outbox);

#endif
