/* verbatim serve and verbatim worker: waits for the database, starts the parts, waits for a signal,
 * stops them.
 *
 * Owns the service value, the contract, the storage and the parts, all for the life of the process;
 * the main thread does everything here. Holds no connection while the parts run.
 *
 * Nothing here knows what a part does. A new part is a header with the four verbs of
 * settings/service.h, a PART_FUNCTIONS line, a row in the table and a word in the enum, at the
 * place that the order of starting and stopping gives it.
 *
 * Ending is bounded: work that runs is handed back at once; the API goes on for stop_delay, so that
 * proxies turn away before it closes; what does not end within STOP_MOST from then on is cut off by
 * the watching thread. Nothing is lost by that, since leases end and others take over.
 */
#include "start.h"

#include "settings/process.h"
#include "settings/reload.h"
#include "settings/supervisor.h"

#include "api/doors/doors.h"
#include "database/capacity.h"
#include "mail/outbox.h"
#include "storage/storage.h"
#include "trace/tracer.h"
#include "upkeep/herald.h"
#include "upkeep/janitor.h"
#include "verbatim/source.h"
#include "verbatim/uuid.h"
#include "verbatim/version.h"
#include "work/workers.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Container runtimes commonly kill after 10 to 30 s. */
#define STOP_MOST (10 * VB_SECOND)
/* Beyond STOP_MOST, for the end of the process itself. */
#define STOP_MARGIN (10 * VB_SECOND)

/* The parts of a process behind one shape, so that they start and stop in loops. */
struct part {
    const char *name;
    bool (*wanted)(const struct vb_options *options, bool has_http);
    enum vb_status (*start)(const struct vb_service *service, void **ret_part,
                            struct vb_error *err);
    void (*ask)(void *part);
    void (*stop)(void *part);
    void (*connections)(const struct vb_service *service, struct vb_connections *sum);
};

/* Each part has a type of its own; these give it the table's shape without casting functions. */
#define PART_FUNCTIONS(noun)                                                                       \
    static enum vb_status start_##noun(const struct vb_service *service, void **ret_part,          \
                                       struct vb_error *err)                                       \
    {                                                                                              \
        struct vb_##noun *part = NULL;                                                             \
        enum vb_status status = vb_##noun##_start(service, &part, err);                            \
        if (status == VB_OK)                                                                       \
            *ret_part = part;                                                                      \
        return status;                                                                             \
    }                                                                                              \
    static void ask_##noun(void *part)                                                             \
    {                                                                                              \
        vb_##noun##_request_stop(part);                                                            \
    }                                                                                              \
    static void stop_##noun(void *part)                                                            \
    {                                                                                              \
        vb_##noun##_stop(part);                                                                    \
    }
#define PART(noun, condition)                                                                      \
    {                                                                                              \
        .name = "" #noun, .wanted = (condition), .start = start_##noun, .ask = ask_##noun,         \
        .stop = stop_##noun, .connections = vb_##noun##_connections                                \
    }

PART_FUNCTIONS(api)
PART_FUNCTIONS(workers)
PART_FUNCTIONS(janitor)
PART_FUNCTIONS(outbox)
PART_FUNCTIONS(herald)
PART_FUNCTIONS(tracer)

static bool wants_api(const struct vb_options *options, bool has_http)
{
    (void)options;
    return has_http;
}

/* The API alone sends no mail and cleans nothing up: a process of workers beside it does. */
static bool wants_workers(const struct vb_options *options, bool has_http)
{
    (void)has_http;
    return options->workers > 0;
}

static bool wants_outbox(const struct vb_options *options, bool has_http)
{
    (void)has_http;
    return options->workers > 0 && options->smtp_url;
}

/* Workers tell of themselves. */
static bool wants_herald(const struct vb_options *options, bool has_http)
{
    return has_http && options->workers == 0;
}

static bool wants_tracer(const struct vb_options *options, bool has_http)
{
    (void)has_http;
    return options->otlp_endpoint;
}

/* Each part may use those before it: started in this order, stopped in the reverse, so that new
 * requests end first and the workers can wake outbox and janitor to their last moment. */
enum { TRACER, HERALD, OUTBOX, JANITOR, WORKERS, API, PARTS };
static const struct part parts[PARTS] = {
    [TRACER] = PART(tracer, wants_tracer),    [HERALD] = PART(herald, wants_herald),
    [OUTBOX] = PART(outbox, wants_outbox),    [JANITOR] = PART(janitor, wants_workers),
    [WORKERS] = PART(workers, wants_workers), [API] = PART(api, wants_api),
};

/* Of the main thread's stack; parts see the service alone. */
struct process {
    struct vb_service service;
    struct vb_start start; /* what was found at the start */
    struct vb_storage *storage;
    void *running[PARTS]; /* by position in the table; NULL: not running */
};

/* On failure the parts that run are stopped by the caller, as at the end. */
static enum vb_status start_parts(struct process *process, bool has_http, struct vb_error *err)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (!parts[i].wanted(process->service.options, has_http))
            continue;
        enum vb_status status = parts[i].start(&process->service, &process->running[i], err);
        if (status != VB_OK) {
            vb_fail_within(err, status, "cannot start %s", parts[i].name);
            return status;
        }
        if (i == OUTBOX)
            process->service.outbox = vb_outbox_pulse(process->running[i]);
        if (i == JANITOR)
            process->service.janitor = vb_janitor_pulse(process->running[i]);
    }
    return VB_OK;
}

/* The API goes on meanwhile; a second signal does not wait. Nothing else is left to do here. */
static void wait_for_proxies(struct process *process, int64_t delay)
{
    vb_info("stopping: running work is handed back, requests are taken for another %lld ms",
            (long long)(delay / (VB_SECOND / 1000)));
    vb_api_leave(process->running[API]);
    const struct timespec time = {delay / VB_SECOND, (delay % VB_SECOND) * 1000};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* All are asked before any is waited for, so that they end side by side. From the last to the
 * first, so that no part stops while another may still wake it; but for the API in its delay, whose
 * wishes to the others come to nothing then. */
static void stop_parts(struct process *process, int64_t delay)
{
    for (size_t i = PARTS; i-- > 0;)
        if (process->running[i] && (i != API || delay == 0))
            parts[i].ask(process->running[i]);
    if (delay > 0) {
        wait_for_proxies(process, delay);
        parts[API].ask(process->running[API]);
    }
    vb_storage_request_stop(process->storage);
    for (size_t i = PARTS; i-- > 0;)
        if (process->running[i])
            parts[i].stop(process->running[i]);
}

static void tell_shortage(const struct vb_capacity *capacity, unsigned needed, const char *what)
{
    unsigned free = capacity->most > capacity->taken ? capacity->most - capacity->taken : 0;
    if (capacity->most > 0 && needed > free)
        vb_warn("needs at most %u connections to the server of the %s, which has %u and %u of them "
                "taken: lower the option workers, or raise max_connections there",
                needed, what, capacity->most, capacity->taken);
}

/* Each server by itself, or both at once where they are one. */
static void tell_shortages(const struct process *process, const struct vb_connections *sum)
{
    if (strcmp(process->start.database.server, process->start.source.server) == 0) {
        tell_shortage(&process->start.database, sum->database + sum->source,
                      "database and the source");
        return;
    }
    tell_shortage(&process->start.database, sum->database, "database");
    tell_shortage(&process->start.source, sum->source, "source");
}

/* For max_connections and the sizes of poolers. Before the parts start, so that it is known where
 * they get none. */
static void tell_connections(const struct process *process, bool has_http)
{
    struct vb_connections sum = {0};
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].wanted(process->service.options, has_http))
            parts[i].connections(&process->service, &sum);
    vb_info("needs at most %u connections to the database and %u to the source", sum.database,
            sum.source);
    tell_shortages(process, &sum);
}

/* For the log's first lines: what an operator asks when something is odd. */
static void tell_start(const struct vb_service *service, const struct vb_contract *contract,
                       bool has_http)
{
    const struct vb_options *options = service->options;
    const char *missing = vb_contract_missing(contract);
    if (*missing)
        vb_info("the source lacks optional columns, read as NULL: %s", missing);
    vb_info("verbatim %s started: %s%s, %lld workers, storage %s, process %s", vb_version_number,
            has_http ? "listening on " : "no API", has_http ? options->listen : "",
            (long long)options->workers, options->storage, service->process_id);
}

/* Who presses keys at a terminal waits for nobody's proxies. */
static int64_t delay_of(const struct process *process)
{
    return process->running[API] && !vb_signals_is_interrupt()
               ? process->service.options->stop_delay
               : 0;
}

/* The deadline covers a failed start too: parts that did start may hang in their end. */
static enum vb_status run_until_signal(struct process *process, bool has_http, struct vb_error *err)
{
    tell_connections(process, has_http);
    enum vb_status status = start_parts(process, has_http, err);
    int64_t delay = 0;
    if (status == VB_OK) {
        tell_start(&process->service, process->start.contract, has_http);
        if (!has_http) /* the API asks all the time */
            vb_start_tell_storage(process->storage, process->service.options);
        vb_reload_ready(has_http ? "taking requests" : "working");
        while (!vb_signals_wait(3600 * VB_SECOND))
            ;
        delay = delay_of(process);
        if (delay == 0)
            vb_info("stopping: running work is handed back");
    }
    vb_supervisor_stopping(delay + STOP_MOST + STOP_MARGIN);
    struct vb_error late;
    if (vb_signals_set_deadline(delay + STOP_MOST, &late) != VB_OK)
        vb_warn("stopping without a deadline: %s", late.text);
    stop_parts(process, delay);
    return status;
}

/* VB_STOPPED while waiting for the database is an end like any other. */
static enum vb_status run_process(const struct vb_arguments *arguments, bool has_http,
                                  struct vb_error *err)
{
    const struct vb_options *options = &arguments->options;
    struct process process = {.service = {.options = options, .serves = has_http},
                              .start = {.options = options}};
    struct vb_supervisor *supervisor = NULL;
    process.service.secrets = &process.start.secrets;
    vb_signals_block();
    vb_reload_start(&arguments->option_words, options);
    vb_uuid_format(vb_uuid_random(), process.service.process_id);
    enum vb_status status = vb_service_check(options, has_http, err);
    if (status == VB_OK)
        vb_start_tell_links(options, has_http);
    if (status == VB_OK)
        status = vb_process_prepare(err);
    if (status == VB_OK)
        status = vb_supervisor_start(&supervisor, err);
    if (status == VB_OK)
        status = vb_storage_new(options, &process.storage, err);
    if (status == VB_OK && options->source_pace == VB_SOURCE_GENTLE)
        status = vb_pace_new(&process.service.pace, err);
    if (status == VB_OK)
        status = vb_start_wait(&process.start, err);
    if (status == VB_OK) {
        process.service.storage = process.storage;
        process.service.contract = process.start.contract;
        status = run_until_signal(&process, has_http, err);
    }
    vb_supervisor_stop(supervisor);
    vb_contract_free(process.start.contract);
    vb_pace_free(process.service.pace);
    vb_storage_free(process.storage);
    vb_reload_done();
    explicit_bzero(&process.start.secrets, sizeof process.start.secrets);
    if (status == VB_STOPPED || status == VB_OK) {
        vb_info("stopped");
        return VB_OK;
    }
    return status;
}

enum vb_status vb_command_serve(const struct vb_arguments *arguments, struct vb_error *err)
{
    return run_process(arguments, true, err);
}

enum vb_status vb_command_worker(const struct vb_arguments *arguments, struct vb_error *err)
{
    return run_process(arguments, false, err);
}
