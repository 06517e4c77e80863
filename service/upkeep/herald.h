/* Tells of a process that only takes requests: that it lives, and in the log when exports wait and
 * nobody is there who would take them. Not started where workers do so themselves. See
 * settings/service.h.
 *
 * Whoever starts it owns it; one thread and one connection. Only the start can fail: a beat that
 * does not get through is made with the next one. The service outlives it.
 */
#ifndef VERBATIM_UPKEEP_HERALD_H
#define VERBATIM_UPKEEP_HERALD_H

#include "settings/service.h"

struct vb_herald;
void vb_herald_connections(const struct vb_service *service, struct vb_connections *sum);
enum vb_status vb_herald_start(const struct vb_service *service, struct vb_herald **ret_herald,
                               struct vb_error *err) vb_must_check;
void vb_herald_request_stop(struct vb_herald *herald);
/* Takes the process's row away as well. NULL is a no-op. */
void vb_herald_stop(struct vb_herald *herald);

#endif
