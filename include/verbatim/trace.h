/* Traces: W3C Trace Context, and spans that wait to be exported.
 *
 * Spans are values: whoever does a piece of work fills one and hands it over at its end. The queue
 * of those that wait is the process's, as the counters of metrics.h are; nothing is to be set up.
 * While nobody exports, handing one over is a look at one atomic. Any thread; the queue's lock is
 * held for a copy. No errors: a span that finds no room is dropped and counted
 * (VB_COUNT_SPANS_DROPPED), for tracing must never hold anything up.
 *
 * Source: W3C Trace Context (traceparent, version 00), OpenTelemetry's data model of spans.
 */
#ifndef VERBATIM_TRACE_H
#define VERBATIM_TRACE_H

#include "verbatim/clock.h"
#include "verbatim/text.h"
#include "verbatim/uuid.h"

#include <stdbool.h>
#include <stdint.h>

#define VB_TRACE_PARENT 56 /* of "00-...-...-01" with its NUL */
#define VB_TRACE_ID 16
#define VB_SPAN_ID 8

/* Where a span belongs; is_sampled false: nowhere, and nothing of it is recorded. */
struct vb_trace_place {
    uint8_t trace_id[VB_TRACE_ID];
    uint8_t span_id[VB_SPAN_ID]; /* of the parent, or of the span itself; zero: none */
    bool is_sampled;
};

/* The header's value; false: not one that this version understands, which counts as none. */
bool vb_trace_parse(struct vb_view text, struct vb_trace_place *ret_place);
void vb_trace_print(const struct vb_trace_place *place, char ret_text[VB_TRACE_PARENT]);
/* A place of its own in the same trace, with a random id; in a new trace where `parent` is NULL. */
struct vb_trace_place vb_trace_below(const struct vb_trace_place *parent);
/* The span of an export, which all of its workers know: its id is the job's, and so is the trace
 * where its order came with none (`parent` NULL or ""). */
struct vb_trace_place vb_trace_job(const char *job_id, const char *parent);

enum vb_span_kind { VB_SPAN_INTERNAL = 1, VB_SPAN_SERVER = 2, VB_SPAN_CLIENT = 3 };

#define VB_SPAN_ATTRIBUTES 8
#define VB_SPAN_TEXT 128
struct vb_span {
    struct vb_trace_place place; /* its own */
    uint8_t parent[VB_SPAN_ID];  /* zero: none */
    enum vb_span_kind kind;
    char name[VB_SPAN_TEXT];
    vb_instant start, end;
    bool has_failed;
    char message[VB_SPAN_TEXT]; /* where it has failed */
    struct {
        const char *name; /* a constant */
        bool is_number;
        int64_t number;
        char text[VB_SPAN_TEXT]; /* cut at a character */
    } attributes[VB_SPAN_ATTRIBUTES];
    size_t attribute_count;
};

/* Zero but for these; `parent` NULL or unsampled: without one. The start is now. */
void vb_span_begin(struct vb_span *span, enum vb_span_kind kind, const char *name,
                   const struct vb_trace_place *place, const struct vb_trace_place *parent);
/* More than there is room for are left out. */
void vb_span_text(struct vb_span *span, const char *name, const char *text);
void vb_span_number(struct vb_span *span, const char *name, int64_t number);
void vb_span_fail(struct vb_span *span, const char *message);
/* The end is now unless it is set. Does nothing where it is not sampled, or nobody exports. */
void vb_span_end(struct vb_span *span);

/* Whether somebody exports; what is only made for a span need not be made otherwise. */
bool vb_trace_is_on(void);

/* --- for the exporter --- */
void vb_trace_switch(bool on); /* off: what waits is dropped */
/* Up to `most` spans into `ret_spans`, the oldest first; returns how many. */
size_t vb_trace_take(struct vb_span *ret_spans, size_t most);
/* Waits until a span is there, for so long at most, or until vb_trace_wake. */
void vb_trace_wait(int64_t microseconds);
void vb_trace_wake(void);

/* --- the place of what this thread is doing, for requests that it sends; NULL: none --- */
void vb_trace_enter(const struct vb_trace_place *place); /* copied */
bool vb_trace_here(char ret_text[VB_TRACE_PARENT]);

#endif
