/* What the worker threads of one process share: wake-ups, leases, tuning; and the parts of a
 * thread.
 *
 * The crew is its starter's (work/workers.c); each thread owns its lease, its connection, its
 * runner. The mutex guards the generation, the idle count and who holds which lease; the rest is
 * atomic or read-only, and every function may be called by any thread unless it says whose it is.
 * Only what starts something can fail; a failure of one claim is settled by its thread and goes no
 * further. struct vb_crew outlives all threads, and the keeper outlives the workers.
 */
#ifndef VERBATIM_WORK_CREW_H
#define VERBATIM_WORK_CREW_H

#include "media/media.h"
#include "queue/queue.h"
#include "verbatim/pulse.h"
#include "workers.h"

#include <pthread.h>
#include <stdatomic.h>

/* How segments are cut and read. Nothing here but `chunk` may change a byte of an archive; tests
 * prove it. */
struct vb_tuning {
    size_t page_conversations; /* of a page of the reader */
    size_t giant_messages;     /* 0: the reader's default */
    uint64_t absorb_below;     /* a segment smaller than this takes its successor over */
    uint64_t part_size;
    uint64_t split_unit;    /* bytes that a segment's aim is counted in; the part size */
    uint32_t segment_units; /* about how many of them a segment of a large export holds */
    uint32_t front_numbers; /* part numbers that stay with a front, at least */
    uint64_t random_cuts;   /* not 0: fronts of 1 to so many conversations, by chance */
    uint64_t chunk;   /* conversations of a file where that holds many; VB_CHUNK but in tests */
    bool one_segment; /* equal parts: never split */
};
void vb_tuning_of(const struct vb_service *service, struct vb_tuning *ret_tuning);

struct vb_crew;

/* The right to one running segment. The thread counts into it, the keeper sends the beats. */
struct vb_lease {
    struct vb_crew *crew;
    bool held; /* guarded by the crew's mutex, as is what follows */
    char job_id[VB_UUID_TEXT];
    uint32_t part_first;
    int64_t epoch;
    _Atomic uint64_t conversations, messages, bytes; /* progress */
    _Atomic bool lost;         /* the database says that it is somebody else's */
    _Atomic int64_t beaten_at; /* monotonic; when the last good beat was sent */
};

struct vb_crew {
    const struct vb_service *service;
    struct vb_claimer claimer;
    struct vb_tuning tuning;
    struct vb_media *media;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* generation or stopping */
    uint64_t generation;    /* rises when there may be work */
    int64_t empty_until;    /* monotonic; threads that rest look no earlier */
    unsigned idle; /* worker threads that wait for work; the express thread is not counted */
    _Atomic bool stopping;
    _Atomic bool listening;  /* notifications come in: polling may be slow */
    struct vb_lease *leases; /* one a thread */
    size_t lease_count;
};

enum vb_status vb_crew_init(struct vb_crew *crew, const struct vb_service *service, size_t threads,
                            struct vb_error *err) vb_must_check;
void vb_crew_done(struct vb_crew *crew);
/* There may be work: all idle threads look. Any thread. */
void vb_crew_wake(struct vb_crew *crew);
uint64_t vb_crew_generation(struct vb_crew *crew);
/* Waits until the generation differs from `seen`, the crew stops, or the time is over. */
void vb_crew_wait(struct vb_crew *crew, uint64_t seen, int64_t microseconds);
/* The calling thread has looked at that generation, found nothing, and expects nothing before the
 * time is over: waits for a new one, a stop, or its turn, since one look is enough for all idle
 * threads. Some of them look at the same time, so the earliest time that one expects something is
 * everybody's. `had_turn`: whether the look was one for all. True: its turn is now. */
bool vb_crew_rest(struct vb_crew *crew, uint64_t seen, int64_t microseconds, bool had_turn);
void vb_crew_stop(struct vb_crew *crew);
/* Counts the calling worker thread as idle or not; no idle one left wakes the express thread. */
void vb_crew_idle(struct vb_crew *crew, bool idle);
unsigned vb_crew_idle_count(struct vb_crew *crew);

/* `sent_at`: monotonic time before the claim was sent; the lease counts from there. */
void vb_lease_hold(struct vb_lease *lease, const struct vb_claim *claim, int64_t sent_at);
void vb_lease_drop(struct vb_lease *lease);
/* Not lost, and beaten within two thirds of the lease. */
bool vb_lease_good(const struct vb_lease *lease);
/* Beaten within two thirds of the lease, whatever the last beat was told. */
bool vb_lease_in_time(const struct vb_lease *lease);
/* `stop` of readers and storage sessions: the lease is not good or the process ends. */
bool vb_lease_stop(void *lease);

/* work/keeper.c: heartbeat and LISTEN on a thread and a connection of their own. */
struct vb_keeper;
enum vb_status vb_keeper_start(struct vb_crew *crew, struct vb_keeper **ret_keeper,
                               struct vb_error *err) vb_must_check;
/* After the workers have ended: their last hand-backs still need beats. */
void vb_keeper_stop(struct vb_keeper *keeper);

/* uploader.c: a companion thread that stores one part while the next one is made. */
struct vb_uploader;
enum vb_status vb_uploader_new(struct vb_storage *storage, struct vb_lease *lease,
                               struct vb_uploader **ret_uploader,
                               struct vb_error *err) vb_must_check;
void vb_uploader_free(struct vb_uploader *uploader);
/* Where the next parts go; strings are borrowed until vb_uploader_drain. Forgets earlier
 * results. */
void vb_uploader_begin(struct vb_uploader *uploader, const char *key, const char *upload_id,
                       int64_t epoch, const struct vb_trace_place *trace);
/* Waits so long for the part in flight; false: it is still on its way. */
bool vb_uploader_wait(struct vb_uploader *uploader, int64_t microseconds);
/* Waits for the part before, then hands this one over. Owns `body` also on failure. Answers an
 * earlier part's failure. */
enum vb_status vb_uploader_put(struct vb_uploader *uploader, uint32_t number, struct vb_body *body,
                               struct vb_error *err) vb_must_check;
/* Waits for the last part. */
enum vb_status vb_uploader_drain(struct vb_uploader *uploader, struct vb_error *err) vb_must_check;
/* Stored parts in order of their numbers; after drain. Lives until the next begin. */
const struct vb_stored_part *vb_uploader_parts(struct vb_uploader *uploader, size_t *ret_count);

/* work/runner.c */
struct vb_runner;
struct vb_runner_options {
    struct vb_crew *crew;
    struct vb_lease *lease;
    struct vb_pg *pg; /* of the thread, for the queue */
    bool express;
};
enum vb_status vb_runner_new(const struct vb_runner_options *options, struct vb_runner **ret_runner,
                             struct vb_error *err) vb_must_check;
void vb_runner_free(struct vb_runner *runner);
/* One straight line: reads, renders, stores and records the claim. VB_OK: recorded or finished.
 * VB_AGAIN: not for this thread, or not yet; *ret_back says how to hand it back. Else as the
 * failure says. */
enum vb_status vb_runner_run(struct vb_runner *runner, struct vb_claim *claim,
                             enum vb_segment_release *ret_back, struct vb_error *err) vb_must_check;
/* Whether the last run ended because the source did not answer. */
bool vb_runner_source_away(const struct vb_runner *runner);

/* work/worker.c: one thread's loop; `index` is its lease. The last one is the express thread. */
struct vb_worker;
enum vb_status vb_worker_start(struct vb_crew *crew, size_t index, bool express,
                               struct vb_worker **ret_worker, struct vb_error *err) vb_must_check;
void vb_worker_join(struct vb_worker *worker);

/* The same as vb_workers_start with other tuning: for tests of the cuts. */
enum vb_status vb_workers_start_tuned(const struct vb_service *service,
                                      const struct vb_tuning *tuning,
                                      struct vb_workers **ret_workers,
                                      struct vb_error *err) vb_must_check;

#endif
