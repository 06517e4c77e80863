/* Spans as the body of an export request of OTLP/HTTP in its JSON form.
 *
 * Source: opentelemetry-proto, trace/v1 and collector/trace/v1, with the JSON mapping of the OTLP
 * specification: ids in hex, 64-bit numbers as text, enums as numbers. Private to the room.
 * Borrows; any thread. The buffer's statuses.
 */
#ifndef VERBATIM_TRACE_OTLP_H
#define VERBATIM_TRACE_OTLP_H

#include "verbatim/json.h"
#include "verbatim/trace.h"

/* `process_id`: of this start of the process, as service.instance.id. */
enum vb_status vb_otlp_write(const struct vb_span *spans, size_t count, const char *process_id,
                             struct vb_buffer *out) vb_must_check;

#endif
