/* See trace/otlp.h. */
#include "otlp.h"

#include "verbatim/hash.h"
#include "verbatim/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATUS_ERROR 2

static void put_hex(struct vb_json *json, const char *name, const uint8_t *bytes, size_t count)
{
    char text[2 * VB_TRACE_ID + 1];
    vb_hex_encode(bytes, count, text);
    vb_json_member_text(json, name, text);
}

static void put_nanoseconds(struct vb_json *json, const char *name, vb_instant instant)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64 "000", instant);
    vb_json_member_text(json, name, text);
}

static void begin_attribute(struct vb_json *json, const char *key)
{
    vb_json_begin_object(json);
    vb_json_member_text(json, "key", key);
    vb_json_name(json, "value");
    vb_json_begin_object(json);
}

static void put_text(struct vb_json *json, const char *key, const char *text)
{
    begin_attribute(json, key);
    vb_json_member_text(json, "stringValue", text);
    vb_json_end_object(json);
    vb_json_end_object(json);
}

static void put_number(struct vb_json *json, const char *key, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    begin_attribute(json, key);
    vb_json_member_text(json, "intValue", text);
    vb_json_end_object(json);
    vb_json_end_object(json);
}

static void put_attributes(struct vb_json *json, const struct vb_span *span)
{
    vb_json_name(json, "attributes");
    vb_json_begin_array(json);
    for (size_t i = 0; i < span->attribute_count; i++)
        if (span->attributes[i].is_number)
            put_number(json, span->attributes[i].name, span->attributes[i].number);
        else
            put_text(json, span->attributes[i].name, span->attributes[i].text);
    vb_json_end_array(json);
}

static void put_span(struct vb_json *json, const struct vb_span *span)
{
    static const uint8_t none[VB_SPAN_ID];
    vb_json_begin_object(json);
    put_hex(json, "traceId", span->place.trace_id, VB_TRACE_ID);
    put_hex(json, "spanId", span->place.span_id, VB_SPAN_ID);
    if (memcmp(span->parent, none, sizeof none) != 0)
        put_hex(json, "parentSpanId", span->parent, VB_SPAN_ID);
    vb_json_member_text(json, "name", span->name);
    vb_json_member_integer(json, "kind", span->kind);
    put_nanoseconds(json, "startTimeUnixNano", span->start);
    put_nanoseconds(json, "endTimeUnixNano", span->end);
    put_attributes(json, span);
    vb_json_name(json, "status");
    vb_json_begin_object(json);
    if (span->has_failed) {
        vb_json_member_integer(json, "code", STATUS_ERROR);
        vb_json_member_text(json, "message", span->message);
    }
    vb_json_end_object(json);
    vb_json_end_object(json);
}

/* Who tells all of it. */
static void put_resource(struct vb_json *json, const char *process_id)
{
    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    vb_json_name(json, "resource");
    vb_json_begin_object(json);
    vb_json_name(json, "attributes");
    vb_json_begin_array(json);
    put_text(json, "service.name", "verbatim");
    put_text(json, "service.version", vb_version_number);
    put_text(json, "service.instance.id", process_id);
    put_text(json, "host.name", host);
    vb_json_end_array(json);
    vb_json_end_object(json);
}

enum vb_status vb_otlp_write(const struct vb_span *spans, size_t count, const char *process_id,
                             struct vb_buffer *out)
{
    struct vb_json json;
    vb_json_init(&json, out);
    vb_json_begin_object(&json);
    vb_json_name(&json, "resourceSpans");
    vb_json_begin_array(&json);
    vb_json_begin_object(&json);
    put_resource(&json, process_id);
    vb_json_name(&json, "scopeSpans");
    vb_json_begin_array(&json);
    vb_json_begin_object(&json);
    vb_json_name(&json, "scope");
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "name", "verbatim");
    vb_json_end_object(&json);
    vb_json_name(&json, "spans");
    vb_json_begin_array(&json);
    for (size_t i = 0; i < count; i++)
        put_span(&json, &spans[i]);
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    return vb_json_status(&json);
}
