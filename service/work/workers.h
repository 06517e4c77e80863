/* The worker threads, the express thread and the keeper (heartbeat, LISTEN) of a process. See
 * settings/service.h.
 *
 * Whoever starts them owns them, and calls from one thread; vb_workers_request_stop alone may come
 * from any. Only the start can fail, and then nothing runs: what fails later is logged, and tried
 * again. The service outlives them.
 */
#ifndef VERBATIM_WORK_WORKERS_H
#define VERBATIM_WORK_WORKERS_H

#include "settings/service.h"

struct vb_workers;
void vb_workers_connections(const struct vb_service *service, struct vb_connections *sum);
enum vb_status vb_workers_start(const struct vb_service *service, struct vb_workers **ret_workers,
                                struct vb_error *err) vb_must_check;
void vb_workers_request_stop(struct vb_workers *workers);
/* Running segments are handed back; at most 10 s. */
void vb_workers_stop(struct vb_workers *workers);

#endif
