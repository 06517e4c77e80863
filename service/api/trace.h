/* The trace of a request: what it came with, and the span that tells of it.
 *
 * Belongs to the exchange, on the loop's thread. The header is read at the first question. A
 * request that came with a trace is recorded if that one is; others are, but for those that only
 * look and come in their thousands. No errors: a header that is not good counts as none.
 */
#ifndef VERBATIM_API_TRACE_H
#define VERBATIM_API_TRACE_H

#include "verbatim/trace.h"

struct vb_http_exchange;

struct vb_api_trace {
    bool is_read, has_parent;
    struct vb_trace_place parent, own;
    char text[VB_TRACE_PARENT];
};

/* What is to be kept with an export that this request orders: the place of its own span, or what it
 * came with where that is not recorded; NULL: nothing. Lives as long as the exchange. */
const char *vb_api_trace_parent(struct vb_http_exchange *exchange);
/* At the end of the answer. */
void vb_api_trace_answered(struct vb_http_exchange *exchange, int64_t microseconds);

#endif
