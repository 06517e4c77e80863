/* The outbox of a process: it sends the mails of finished exports, a few at a time by threads of
 * its own. Started only where smtp_url is given. See settings/service.h.
 *
 * Whoever starts it owns it; vb_outbox_request_stop and the pulse may be used from any thread.
 * Only the start can fail: a mail that cannot be sent is tried again until its link is dead, and
 * logged. What may have arrived, since a server took it and never answered, is tried again after
 * an hour, and twice at most. The service outlives it.
 */
#ifndef VERBATIM_MAIL_OUTBOX_H
#define VERBATIM_MAIL_OUTBOX_H

#include "settings/service.h"

struct vb_outbox;
void vb_outbox_connections(const struct vb_service *service, struct vb_connections *sum);
enum vb_status vb_outbox_start(const struct vb_service *service, struct vb_outbox **ret_outbox,
                               struct vb_error *err) vb_must_check;
/* For whoever leaves a mail to send; lives as long as the outbox. */
struct vb_pulse *vb_outbox_pulse(struct vb_outbox *outbox);
void vb_outbox_request_stop(struct vb_outbox *outbox);
void vb_outbox_stop(struct vb_outbox *outbox);

#endif
