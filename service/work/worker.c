/* A worker thread: claims, runs, and says what became of it. The only place that logs a segment's
 * failure.
 *
 * How a run ends decides what becomes of the claim: VB_AGAIN hands it back without a charge,
 * VB_STOPPED hands it back or drops it, VB_NOT_FOUND of an upload and VB_CONFLICT of its parts
 * begin the archive anew, what may heal is charged and tried again after a back-off, and the rest
 * fails the job. Where that itself cannot be written down, the lease runs out, and others find the
 * segment as it was.
 */
#include "crew.h"
#include "spans.h"

#include "verbatim/hash.h"
#include "verbatim/log.h"
#include "verbatim/metrics.h"
#include "verbatim/thread.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define POLL_LISTENING (10 * VB_SECOND)
#define POLL_DEAF VB_SECOND
#define LOCKED_PAUSE (VB_SECOND / 200) /* "all locked" is not "empty"; doubled up to: */
#define LOCKED_PAUSE_MOST (VB_SECOND / 5)
#define LOCKED_LOOKS 64 /* in a row, about ten seconds: this is worth a word */
#define BIG_ARCHIVE_CONVERSATIONS 1000u

struct vb_worker {
    struct vb_crew *crew;
    struct vb_lease *lease;
    struct vb_pg *pg;
    struct vb_runner *runner;
    struct vb_claim_attempt taking;
    unsigned locked; /* looks in a row that found work, but others at it */
    uint64_t quiet;  /* one more than the generation of which nothing becomes due; 0: unknown */
    struct vb_thread thread;
    bool express;
    char name[16];
};

/* Between half and the whole, so that processes do not look in step. */
static int64_t jitter(int64_t microseconds)
{
    return (int64_t)((double)microseconds * (0.5 + vb_random_unit() / 2));
}

static enum vb_status release(struct vb_worker *worker, const struct vb_claim *claim,
                              enum vb_segment_release how, const char *reason, struct vb_error *err)
{
    enum vb_status status =
        vb_segment_release(worker->pg, &worker->crew->claimer, claim, how, reason, err);
    vb_crew_wake(worker->crew);
    return status;
}

/* The message is what the caller of the API reads as error_message. */
static enum vb_status fail_job(struct vb_worker *worker, const struct vb_claim *claim,
                               const char *message, struct vb_error *err)
{
    vb_error_log("job failed: %s", message);
    return vb_job_fail(worker->pg, &worker->crew->claimer, claim, message, err);
}

/* What cannot heal fails the job now; what can is tried again, max_attempts times in all. */
static enum vb_status settle_failure(struct vb_worker *worker, const struct vb_claim *claim,
                                     enum vb_status status, const struct vb_error *why,
                                     struct vb_error *err)
{
    int64_t most = worker->crew->service->options->max_attempts;
    char message[sizeof why->text + 64];
    if (!vb_status_retryable(status))
        return fail_job(worker, claim, why->text, err);
    if (claim->attempts + 1 >= most) {
        snprintf(message, sizeof message, "Given up after %lld attempts: %s", (long long)most,
                 why->text);
        return fail_job(worker, claim, message, err);
    }
    vb_warn("attempt %lld of %lld failed: %s", (long long)claim->attempts + 1, (long long)most,
            why->text);
    bool of_source = (status == VB_DATABASE_AWAY || status == VB_NETWORK) &&
                     vb_runner_source_away(worker->runner);
    return release(worker, claim, of_source ? VB_RELEASE_SOURCE : VB_RELEASE_RETRY, why->text, err);
}

/* A lifecycle rule of the bucket, or somebody's clean-up: what was recorded is gone with the
 * upload. Or the store wants other parts: the second time it is cut as any store takes it. */
static enum vb_status settle_upload(struct vb_worker *worker, const struct vb_claim *claim,
                                    const struct vb_error *why, struct vb_error *err)
{
    int64_t most = worker->crew->service->options->max_attempts;
    char message[sizeof why->text + 64];
    const struct vb_restart restart = {
        .reason = why->text,
        .most_attempts = most,
        .estimate = claim->estimate,
        .refused = why->status == VB_CONFLICT,
        .equal_parts = why->status == VB_CONFLICT &&
                       vb_storage_wants_equal_parts(worker->crew->service->storage),
    };
    enum vb_status status =
        vb_job_restart(worker->pg, &worker->crew->claimer, claim, &restart, err);
    if (status != VB_LIMIT)
        return status;
    snprintf(message, sizeof message, "Given up after %lld attempts: %s", (long long)most,
             why->text);
    return fail_job(worker, claim, message, err);
}

/* A stopped run is one of three: the process ends, the lease was lost, or no beat came through. */
static enum vb_status settle_stop(struct vb_worker *worker, const struct vb_claim *claim,
                                  struct vb_error *err)
{
    if (worker->lease->lost)
        return vb_fence_fail(err);
    if (!vb_lease_good(worker->lease))
        vb_warn("no heartbeat came through for two thirds of the lease: the work is dropped");
    return release(worker, claim, VB_RELEASE_STOP, NULL, err);
}

/* What was on its way to the store when the job was ended has arrived or failed by now. */
static void clean_again(struct vb_worker *worker, const struct vb_claim *claim)
{
    struct vb_error err;
    if (vb_job_clean_again(worker->pg, claim, &err) != VB_OK)
        vb_warn("what this work left behind waits for the janitor's second look: %s", err.text);
    else
        vb_pulse_wake(worker->crew->service->janitor); /* which may not hear of it */
}

/* VB_END: the claim ended within: the store lost parts, and their segments were opened again. */
static void settle(struct vb_worker *worker, const struct vb_claim *claim, enum vb_status status,
                   enum vb_segment_release back, const struct vb_error *why)
{
    struct vb_error err = {0};
    if (status == VB_AGAIN) {
        vb_info(worker->express ? "more than one page: handed to the other threads"
                                : "handed back until all other segments are recorded");
        status = release(worker, claim, back, NULL, &err);
    } else if (status == VB_STOPPED) {
        status = settle_stop(worker, claim, &err);
    } else if ((status == VB_NOT_FOUND || status == VB_CONFLICT) && claim->job.upload_id) {
        status = settle_upload(worker, claim, why, &err);
    } else if (status != VB_OK && status != VB_END && status != VB_FENCED) {
        status = settle_failure(worker, claim, status, why, &err);
    }
    if (status == VB_FENCED) {
        vb_count(VB_COUNT_FENCES_REFUSED, 1);
        vb_warn("the segment at part %u is not ours any more: its work is dropped",
                claim->part_first);
        clean_again(worker, claim);
    } else if (status != VB_OK && status != VB_END) {
        vb_warn("the segment is left to its lease: %s", err.text);
    }
}

static void run_claim(struct vb_worker *worker, struct vb_claim *claim)
{
    struct vb_error err = {0};
    enum vb_segment_release back = VB_RELEASE_STOP;
    enum vb_status status = VB_OK;
    char reason[128];
    struct vb_span span;
    vb_segment_span_begin(&span, claim);
    vb_log_set(VB_LOG_JOB, claim->job.job_id);
    vb_log_set(VB_LOG_WORKSPACE, claim->job.workspace_id);
    vb_debug("claimed parts %u-%u, epoch %lld", claim->part_first, claim->part_last,
             (long long)claim->epoch);
    /* A row that kills its reader must not go round for ever. */
    if (claim->lost_leases > VB_LOST_LEASES) {
        snprintf(reason, sizeof reason,
                 "Given up: the worker died %lld times in the middle of the same stretch.",
                 (long long)claim->lost_leases);
        status = vb_fail(&err, VB_LIMIT, "%s", reason);
    } else {
        status = vb_runner_run(worker->runner, claim, &back, &err);
    }
    settle(worker, claim, status, back, &err);
    vb_segment_span_end(&span, claim, worker->lease->conversations, worker->lease->messages, status,
                        &err);
    vb_log_set(VB_LOG_JOB, NULL);
    vb_log_set(VB_LOG_WORKSPACE, NULL);
    if (worker->lease->conversations > BIG_ARCHIVE_CONVERSATIONS)
        malloc_trim(
            0); /* a big job's memory goes back to the system, not to the heap's free lists */
}

static bool lease_holds(const void *lease, bool open)
{
    return open ? vb_lease_in_time(lease) : vb_lease_good(lease);
}

/* Idle worker threads are quicker than the express thread, and can do all that it can. */
static enum vb_status look_for_work(struct vb_worker *worker, struct vb_claim *claim)
{
    struct vb_crew *crew = worker->crew;
    struct vb_error err = {0};
    /* They wake for the same notification, but what this thread may have taken is known to it
     * alone. */
    if (worker->express && !worker->taking.token[0] && vb_crew_idle_count(crew) > 0)
        return VB_END;
    int64_t sent_at = vb_clock_monotonic();
    enum vb_status status =
        vb_claim_take(worker->pg, &crew->claimer, worker->express, &worker->taking, claim, &err);
    if (status == VB_OK) {
        vb_lease_hold(worker->lease, claim, sent_at);
        claim->holds = lease_holds;
        claim->lease = worker->lease;
    } else if (status != VB_END && status != VB_AGAIN)
        vb_warn("no claim: %s", err.text);
    return status;
}

/* Whoever holds what there is does so for milliseconds. If it takes longer, asking more often helps
 * nobody. */
static int64_t locked_time(struct vb_worker *worker)
{
    int64_t pause = LOCKED_PAUSE << (worker->locked < 8 ? worker->locked : 8);
    if (++worker->locked == LOCKED_LOOKS)
        vb_warn("there is work, but others have had their hands on it for seconds");
    return jitter(pause < LOCKED_PAUSE_MOST ? pause : LOCKED_PAUSE_MOST);
}

/* Something of started jobs that time alone makes claimable; -1: nothing. Where nothing was, it is
 * a new job that brings something, and that is heard of: until then nobody is asked again. */
static enum vb_status find_due(struct vb_worker *worker, uint64_t seen, int64_t *ret_due)
{
    struct vb_error err;
    *ret_due = -1;
    if (worker->express || (worker->crew->listening && worker->quiet == seen + 1))
        return VB_OK;
    enum vb_status status = vb_claim_next_due(worker->pg, ret_due, &err);
    worker->quiet = status == VB_OK && *ret_due < 0 ? seen + 1 : 0;
    return status;
}

static int64_t idle_time(struct vb_worker *worker, uint64_t seen, enum vb_status status)
{
    int64_t due = -1;
    int64_t poll = worker->crew->listening ? POLL_LISTENING : POLL_DEAF;
    if (status == VB_AGAIN)
        return locked_time(worker);
    worker->locked = 0;
    if (status != VB_END || find_due(worker, seen, &due) != VB_OK)
        return jitter(POLL_DEAF);
    int64_t wait = jitter(poll);
    if (due >= 0 && due < wait)
        wait = due + jitter(VB_SECOND / 20);
    return wait;
}

/* Where another thread would have found the same, it looks for both. True: this one's turn came by
 * the time alone. */
static bool rest(struct vb_worker *worker, uint64_t seen, enum vb_status status, bool had_turn)
{
    int64_t wait = idle_time(worker, seen, status);
    if (status == VB_END && !worker->express)
        return vb_crew_rest(worker->crew, seen, wait, had_turn);
    vb_crew_wait(worker->crew, seen, wait);
    return false;
}

/* Looks until there is something to do. False: the crew stops. */
static bool next_claim(struct vb_worker *worker, struct vb_claim *claim)
{
    struct vb_crew *crew = worker->crew;
    bool idle = false, is_turn = false;
    enum vb_status status = VB_END;
    while (!crew->stopping) {
        uint64_t seen = vb_crew_generation(crew);
        status = look_for_work(worker, claim);
        if (status == VB_OK)
            break;
        if (!idle && !worker->express)
            vb_crew_idle(crew, true);
        idle = true;
        is_turn = rest(worker, seen, status, is_turn);
    }
    worker->locked = 0;
    worker->quiet = 0; /* what this claim hands back becomes due in time */
    if (is_turn && status == VB_OK)
        vb_crew_wake(crew); /* there may be more than this */
    if (idle && !worker->express)
        vb_crew_idle(crew, false);
    return status == VB_OK;
}

static void *work(void *context)
{
    struct vb_worker *worker = context;
    struct vb_claim claim = {0};
    vb_log_set(VB_LOG_THREAD, worker->name);
    while (next_claim(worker, &claim)) {
        run_claim(worker, &claim);
        vb_lease_drop(worker->lease);
        vb_claim_done(&claim);
    }
    return NULL;
}

/* Connections are not opened yet: a database that is away delays the first claim, not the start. */
static enum vb_status open_worker(struct vb_worker *worker, struct vb_error *err)
{
    const struct vb_options *options = worker->crew->service->options;
    struct vb_pg_options pg = {.connection_string = options->database_url,
                               .application_name = "verbatim worker",
                               .role = VB_PG_QUEUE,
                               .prepared_statements = options->prepared_statements};
    enum vb_status status = vb_pg_new(&pg, &worker->pg, err);
    if (status != VB_OK)
        return status;
    struct vb_runner_options runner = {
        .crew = worker->crew, .lease = worker->lease, .pg = worker->pg, .express = worker->express};
    status = vb_runner_new(&runner, &worker->runner, err);
    if (status != VB_OK)
        return status;
    return vb_thread_start(&worker->thread, worker->express ? "vb-express" : "vb-worker", work,
                           worker, err);
}

static void close_worker(struct vb_worker *worker)
{
    vb_runner_free(worker->runner);
    vb_pg_free(worker->pg);
    free(worker);
}

enum vb_status vb_worker_start(struct vb_crew *crew, size_t index, bool express,
                               struct vb_worker **ret_worker, struct vb_error *err)
{
    struct vb_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a worker");
    worker->crew = crew;
    worker->lease = &crew->leases[index];
    worker->express = express;
    if (express)
        snprintf(worker->name, sizeof worker->name, "express");
    else
        snprintf(worker->name, sizeof worker->name, "worker-%zu", index + 1);
    enum vb_status status = open_worker(worker, err);
    if (status == VB_OK)
        *ret_worker = worker;
    else
        close_worker(worker);
    return status;
}

void vb_worker_join(struct vb_worker *worker)
{
    if (!worker)
        return;
    vb_thread_join(&worker->thread);
    close_worker(worker);
}
