/* See api/trace.h. Attributes are named by OpenTelemetry's conventions for HTTP. */
#include "api.h"

#include <stdio.h>

static struct vb_api_trace *trace_of(struct vb_http_exchange *exchange)
{
    struct vb_api_trace *trace = &exchange->request->trace;
    if (trace->is_read)
        return trace;
    size_t count = 0;
    struct vb_view value = vb_http_header_value(&exchange->head, "traceparent", &count);
    *trace = (struct vb_api_trace){.is_read = true};
    trace->has_parent = count == 1 && vb_trace_parse(value, &trace->parent);
    trace->own = vb_trace_below(trace->has_parent ? &trace->parent : NULL);
    return trace;
}

const char *vb_api_trace_parent(struct vb_http_exchange *exchange)
{
    struct vb_api_trace *trace = trace_of(exchange);
    bool is_recorded = vb_trace_is_on() && trace->own.is_sampled;
    if (!is_recorded && !trace->has_parent)
        return NULL;
    vb_trace_print(is_recorded ? &trace->own : &trace->parent, trace->text);
    return trace->text;
}

void vb_api_trace_answered(struct vb_http_exchange *exchange, int64_t microseconds)
{
    const struct vb_api_route *route = exchange->request->route;
    struct vb_api_trace *trace = trace_of(exchange);
    if (!trace->has_parent && (!route || exchange->loop->http->site->is_poll(exchange)))
        return;
    struct vb_span span;
    char name[VB_SPAN_TEXT];
    (void)snprintf(name, sizeof(name), "%s %s", route ? route->method : "other",
                   route ? route->pattern : "other");
    vb_span_begin(&span, VB_SPAN_SERVER, name, &trace->own,
                  trace->has_parent ? &trace->parent : NULL);
    span.end = span.start;
    span.start -= microseconds;
    vb_span_text(&span, "http.request.method", route ? route->method : "other");
    vb_span_text(&span, "http.route", route ? route->pattern : NULL);
    vb_span_number(&span, "http.response.status_code", exchange->status);
    vb_span_text(&span, "verbatim.request_id", exchange->request_id);
    if (exchange->status >= 500)
        vb_span_fail(&span, "");
    vb_span_end(&span);
}
