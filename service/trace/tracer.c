/* See trace/tracer.h. Spans go in batches: one thread takes what has gathered, sends it, and tries
 * again a few times where the collector may get over it. Meanwhile the ring fills up, which is the
 * bound of all of it. */
#include "tracer.h"

#include "otlp.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"
#include "verbatim/thread.h"
#include "verbatim/transfer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 256u
#define BODY (2u << 20)
#define GATHER (VB_SECOND / 5)
#define TRIES 3
#define PAUSE_FIRST VB_SECOND
#define REQUEST_MS 10000L
#define CONNECT_SECONDS 3L
#define LAST_WORDS (2 * VB_SECOND) /* for all that waits when the process stops */
#define PATH "/v1/traces"

struct vb_tracer {
    const struct vb_service *service;
    struct vb_thread thread;
    struct vb_span *batch;
    struct vb_buffer body, url;
    struct curl_slist *headers;
    CURLM *multi;
    CURL *easy;
    atomic_llong stop_by; /* monotonic; 0: it goes on */
    bool is_failing;      /* as the log said last */
};

/* Asked in every wait: the last words have their time, then it is over. */
static bool is_over(void *context)
{
    const struct vb_tracer *tracer = context;
    int64_t by = atomic_load(&tracer->stop_by);
    return by > 0 && vb_clock_monotonic() > by;
}

static bool is_stopping(void *context)
{
    return atomic_load(&((const struct vb_tracer *)context)->stop_by) > 0;
}

/* What the collector says about a batch is of no use to us. */
static size_t drop_body(const char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static CURLcode set_up(struct vb_tracer *tracer)
{
    CURLcode code = CURLE_OK;
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_URL, tracer->url.data);
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_NOSIGNAL, 1L);
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_TIMEOUT_MS, REQUEST_MS);
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_HTTPHEADER, tracer->headers);
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_WRITEFUNCTION, drop_body);
    return code;
}

/* VB_NETWORK: it may get over it. VB_INVALID: it takes no such thing. */
static enum vb_status send_once(struct vb_tracer *tracer, struct vb_error *err)
{
    long answer = 0;
    CURLcode code = CURLE_OK;
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_POSTFIELDS, tracer->body.data);
    VB_TRANSFER_SET(code, tracer->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                    (curl_off_t)tracer->body.length);
    if (code == CURLE_OK)
        code = vb_transfer(tracer->multi, tracer->easy, is_over, tracer);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(tracer->easy, CURLINFO_RESPONSE_CODE, &answer);
    if (code != CURLE_OK)
        return vb_fail(err, VB_NETWORK, "%s", curl_easy_strerror(code));
    if (answer >= 200 && answer < 300)
        return VB_OK;
    bool is_passing = answer == 408 || answer == 429 || answer >= 500;
    return vb_fail(err, is_passing ? VB_NETWORK : VB_INVALID, "HTTP %ld", answer);
}

static enum vb_status send_batch(struct vb_tracer *tracer, struct vb_error *err)
{
    int64_t pause = PAUSE_FIRST;
    for (int tried = 1;; tried++, pause *= 2) {
        enum vb_status status = send_once(tracer, err);
        if (status != VB_NETWORK || tried == TRIES || !vb_clock_wait(pause, is_stopping, tracer))
            return status;
    }
}

static void export(struct vb_tracer *tracer, size_t count)
{
    struct vb_error err;
    vb_error_clear(&err);
    vb_buffer_reset(&tracer->body);
    enum vb_status status =
        vb_otlp_write(tracer->batch, count, tracer->service->process_id, &tracer->body);
    status = status == VB_OK ? send_batch(tracer, &err)
                             : vb_fail(&err, status, "no room for a batch of spans");
    vb_count(status == VB_OK ? VB_COUNT_SPANS_SENT : VB_COUNT_SPANS_DROPPED, count);
    if (status != VB_OK && !tracer->is_failing)
        vb_warn("spans are dropped: %s: %s", tracer->url.data, err.text);
    if (status == VB_OK && tracer->is_failing)
        vb_info("spans are exported again");
    tracer->is_failing = status != VB_OK;
}

/* Some gather while the thread waits a little: a request for each would be dearer than what it
 * tells of. */
static void *run(void *context)
{
    struct vb_tracer *tracer = context;
    vb_log_set(VB_LOG_THREAD, "tracer");
    for (bool stops = false; !stops;) {
        if (!is_stopping(tracer)) {
            vb_trace_wait(10 * VB_SECOND);
            (void)vb_clock_wait(GATHER, is_stopping, tracer);
        }
        stops = is_stopping(tracer);
        for (size_t count; (count = vb_trace_take(tracer->batch, BATCH)) > 0;)
            export(tracer, count);
    }
    return NULL;
}

static void tracer_free(struct vb_tracer *tracer)
{
    if (tracer->easy)
        curl_easy_cleanup(tracer->easy);
    if (tracer->multi)
        curl_multi_cleanup(tracer->multi);
    curl_slist_free_all(tracer->headers);
    vb_buffer_done(&tracer->url);
    vb_buffer_done(&tracer->body);
    free(tracer->batch);
    free(tracer);
}

/* The endpoint is a base, as OpenTelemetry's OTEL_EXPORTER_OTLP_ENDPOINT is; the whole address is
 * taken as well. */
static bool make_parts(struct vb_tracer *tracer)
{
    const char *endpoint = tracer->service->options->otlp_endpoint;
    size_t length = strlen(endpoint), path = strlen(PATH);
    bool is_whole = length > path && strcmp(endpoint + length - path, PATH) == 0;
    vb_buffer_init(&tracer->url, 8192);
    vb_buffer_init(&tracer->body, BODY);
    tracer->batch = calloc(BATCH, sizeof *tracer->batch);
    tracer->multi = curl_multi_init();
    tracer->easy = curl_easy_init();
    tracer->headers = curl_slist_append(NULL, "Content-Type: application/json");
    return tracer->batch && tracer->multi && tracer->easy && tracer->headers &&
           vb_buffer_printf(&tracer->url, "%s%s", endpoint, is_whole ? "" : PATH) == VB_OK &&
           set_up(tracer) == CURLE_OK;
}

enum vb_status vb_tracer_start(const struct vb_service *service, struct vb_tracer **ret_tracer,
                               struct vb_error *err)
{
    struct vb_tracer *tracer = calloc(1, sizeof *tracer);
    if (!tracer)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the tracer");
    tracer->service = service;
    enum vb_status status =
        make_parts(tracer) ? VB_OK : vb_fail(err, VB_NO_MEMORY, "the tracer cannot be set up");
    vb_trace_switch(status == VB_OK);
    if (status == VB_OK)
        status = vb_thread_start(&tracer->thread, "vb-tracer", run, tracer, err);
    if (status == VB_OK) {
        *ret_tracer = tracer;
        return VB_OK;
    }
    vb_trace_switch(false);
    tracer_free(tracer);
    return status;
}

void vb_tracer_connections(const struct vb_service *service, struct vb_connections *sum)
{
    (void)service;
    (void)sum;
}

void vb_tracer_request_stop(struct vb_tracer *tracer)
{
    (void)tracer;
}

void vb_tracer_stop(struct vb_tracer *tracer)
{
    if (!tracer)
        return;
    atomic_store(&tracer->stop_by, vb_clock_monotonic() + LAST_WORDS);
    vb_trace_wake();
    vb_thread_join(&tracer->thread);
    vb_trace_switch(false);
    tracer_free(tracer);
}
