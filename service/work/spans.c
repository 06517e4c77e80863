/* See work/spans.h. */
#include "spans.h"

void vb_segment_span_begin(struct vb_span *span, struct vb_claim *claim)
{
    claim->trace = (struct vb_trace_place){.is_sampled = false};
    if (!vb_trace_is_on())
        return;
    const struct vb_trace_place job = vb_trace_job(claim->job.job_id, claim->job.trace_parent);
    claim->trace = vb_trace_below(&job);
    vb_span_begin(span, VB_SPAN_INTERNAL, "segment", &claim->trace, &job);
    vb_span_text(span, "verbatim.job_id", claim->job.job_id);
    vb_span_text(span, "verbatim.workspace_id", claim->job.workspace_id);
    vb_span_number(span, "verbatim.part_first", claim->part_first);
    vb_span_number(span, "verbatim.attempts", claim->attempts);
    vb_trace_enter(&claim->trace);
}

/* Handing back and waiting are no failures. */
void vb_segment_span_end(struct vb_span *span, const struct vb_claim *claim, uint64_t conversations,
                         uint64_t messages, enum vb_status status, const struct vb_error *err)
{
    vb_trace_enter(NULL);
    if (!claim->trace.is_sampled)
        return;
    vb_span_number(span, "verbatim.conversations", (int64_t)conversations);
    vb_span_number(span, "verbatim.messages", (int64_t)messages);
    if (status != VB_OK && status != VB_AGAIN && status != VB_END && status != VB_STOPPED)
        vb_span_fail(span, err->text);
    vb_span_end(span);
}

void vb_upload_span_begin(struct vb_span *span, const struct vb_trace_place *segment,
                          uint32_t number, uint64_t bytes)
{
    if (!segment->is_sampled || !vb_trace_is_on()) {
        span->place.is_sampled = false;
        return;
    }
    const struct vb_trace_place own = vb_trace_below(segment);
    vb_span_begin(span, VB_SPAN_CLIENT, "upload", &own, segment);
    if (number > 0)
        vb_span_number(span, "verbatim.part", number);
    vb_span_number(span, "verbatim.bytes", (int64_t)bytes);
    vb_trace_enter(&own);
}

void vb_upload_span_end(struct vb_span *span, const struct vb_trace_place *segment,
                        enum vb_status status, const struct vb_error *err)
{
    if (!span->place.is_sampled)
        return;
    vb_trace_enter(segment);
    if (status != VB_OK)
        vb_span_fail(span, err->text);
    vb_span_end(span);
}
