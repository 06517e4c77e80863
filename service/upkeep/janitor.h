/* The janitor of a process, a thread: retention, orphans, old rows. See settings/service.h.
 *
 * Whoever starts it owns it; vb_janitor_request_stop and the pulse may be used from any thread.
 * Only the start can fail: a round that fails is logged, and the next one does its work. Several
 * processes run one each, at once. The service outlives it.
 */
#ifndef VERBATIM_UPKEEP_JANITOR_H
#define VERBATIM_UPKEEP_JANITOR_H

#include "settings/service.h"

struct vb_janitor;
void vb_janitor_connections(const struct vb_service *service, struct vb_connections *sum);
enum vb_status vb_janitor_start(const struct vb_service *service, struct vb_janitor **ret_janitor,
                                struct vb_error *err) vb_must_check;
/* For whoever leaves something to clean up; lives as long as the janitor. */
struct vb_pulse *vb_janitor_pulse(struct vb_janitor *janitor);
void vb_janitor_request_stop(struct vb_janitor *janitor);
void vb_janitor_stop(struct vb_janitor *janitor);

#endif
