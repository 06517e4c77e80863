/* Exports spans to a collector by OTLP/HTTP. Started only where otlp_endpoint is given. See
 * settings/service.h.
 *
 * Whoever starts it owns it; one thread, no connection to a database. It is to start before all
 * that makes spans and to stop behind it: what waits then is sent within a moment, or dropped. A
 * collector that does not answer costs spans, which are counted (verbatim_spans_dropped_total) and
 * told of in the log when that begins and ends, and never holds up who makes them. Errors of the
 * start: VB_NO_MEMORY.
 */
#ifndef VERBATIM_TRACE_TRACER_H
#define VERBATIM_TRACE_TRACER_H

#include "settings/service.h"

struct vb_tracer;
void vb_tracer_connections(const struct vb_service *service, struct vb_connections *sum);
enum vb_status vb_tracer_start(const struct vb_service *service, struct vb_tracer **ret_tracer,
                               struct vb_error *err) vb_must_check;
/* Nothing: others still make spans while they stop. */
void vb_tracer_request_stop(struct vb_tracer *tracer);
/* NULL is a no-op. */
void vb_tracer_stop(struct vb_tracer *tracer);

#endif
