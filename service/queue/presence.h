/* A process's row in verbatim.process, by which others know that it lives: who works, for which
 * store, and who takes requests.
 *
 * A struct vb_presence is its process's, constant after the start, with all it points to. Functions
 * take the connection of the calling thread. Errors are the connection's: a beat that fails is
 * repeated with the next one. Whoever is silent for its own lease is taken for gone; its row goes
 * an hour later.
 */
#ifndef VERBATIM_QUEUE_PRESENCE_H
#define VERBATIM_QUEUE_PRESENCE_H

#include "database/pg.h"

/* Of a row of verbatim.process: whether it is not silent for longer than that, as the view
 * worker_alive asks. Versions before this one note no lease. */
#define VB_PRESENCE_LIVES "beat_at > clock_timestamp() - coalesce(lease, interval '2 minutes')"

struct vb_presence {
    const char *process_id;
    const char *storage;     /* identity of the store */
    const char *fingerprint; /* of the deflate; "": it does not write archives */
    int64_t worker_threads;
    int64_t lease; /* microseconds; three beats fit into it */
    bool serves;
};

enum vb_status vb_presence_beat(struct vb_pg *pg, const struct vb_presence *presence,
                                struct vb_error *err) vb_must_check;
/* At an orderly end. What fails is left to its age. */
void vb_presence_forget(struct vb_pg *pg, const char *process_id);

/* Exports that no living process takes, and the stores they were ordered for, as a list, cut to
 * `size`; "" where any store will do. */
enum vb_status vb_presence_unmanned(struct vb_pg *pg, int64_t *ret_jobs, char *ret_text,
                                    size_t size, struct vb_error *err) vb_must_check;
/* The same of the stores other than this one for which exports are queued or started: "" for
 * none. */
enum vb_status vb_presence_foreign(struct vb_pg *pg, const char *storage, char *ret_text,
                                   size_t size, struct vb_error *err) vb_must_check;

#endif
