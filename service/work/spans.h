/* Spans of a worker's work: of an upload, and of the segment around it. See verbatim/trace.h.
 *
 * On the stack of who does the work, one thread. While nobody exports they cost next to nothing. No
 * errors.
 */
#ifndef VERBATIM_WORK_SPANS_H
#define VERBATIM_WORK_SPANS_H

#include "queue/queue.h"
#include "verbatim/trace.h"

/* The thread works on the claim from here on: claim->trace is set, and requests tell of it. */
void vb_segment_span_begin(struct vb_span *span, struct vb_claim *claim);
void vb_segment_span_end(struct vb_span *span, const struct vb_claim *claim, uint64_t conversations,
                         uint64_t messages, enum vb_status status, const struct vb_error *err);

/* One request with a part, or the whole, of an archive. `number` 0: the whole. */
void vb_upload_span_begin(struct vb_span *span, const struct vb_trace_place *segment,
                          uint32_t number, uint64_t bytes);
void vb_upload_span_end(struct vb_span *span, const struct vb_trace_place *segment,
                        enum vb_status status, const struct vb_error *err);

#endif
