/* Claims: how a thread comes by a segment, and how it gives one back without a record.
 *
 * A struct vb_claim owns its job's strings, until vb_claim_done, and belongs to the thread that
 * took it; `holds` and `lease` are that thread's too, and outlive the claim. A struct vb_claimer is
 * shared, read-only, and outlives all claims. VB_AGAIN is an answer, not a failure: there is work,
 * but others have their hands on it. Errors that may heal were tried again by the fence already
 * where something was written; looks are the caller's to repeat.
 */
#ifndef VERBATIM_QUEUE_CLAIM_H
#define VERBATIM_QUEUE_CLAIM_H

#include "job.h"
#include "storage/storage.h"
#include "verbatim/trace.h"

#define VB_LOST_LEASES 20 /* a segment whose workers die more often fails its job */

/* A segment of ours, from claim to record. */
struct vb_claim {
    struct vb_job job;
    int64_t epoch;
    uint32_t part_first, part_last; /* its position; the highest number of its parts */
    uint32_t number_first;          /* the lowest one */
    struct vb_stretch stretch;
    int64_t estimate; /* bytes of archive per 1,000 conversations; 0: unknown */
    int64_t expected; /* conversations thought to be in it; -1: unknown */
    int64_t attempts, lost_leases;
    bool sent;                   /* it is noted that parts of it may lie in the store */
    bool was_sent;               /* by an earlier claim */
    struct vb_trace_place trace; /* of the work on it; unsampled: nobody asks */
    uint64_t first_conversation; /* conversations before it, where files hold several */
    /* Whether it is certain to hold yet: asked before a transaction is tried again. `open`: a
     * COMMIT may be why the row tells of us no more, so only the time counts. NULL: never again. */
    bool (*holds)(const void *lease, bool open);
    const void *lease; /* of `holds` */
};

/* Who claims: the same for all threads of a process. */
struct vb_claimer {
    const char *process_id;
    const char *storage;     /* identity of the store */
    const char *fingerprint; /* of the archives that this build makes */
    int64_t lease;           /* microseconds */
    int64_t max_running;
    const struct vb_storage *store; /* for the key */
    struct vb_look *look;
};

/* look.c: what looks for work have found, for all threads that claim; any of them may use it. */
struct vb_look;
enum vb_status vb_look_new(struct vb_look **ret_look, struct vb_error *err) vb_must_check;
/* NULL is a no-op. */
void vb_look_free(struct vb_look *look);

void vb_claim_done(struct vb_claim *claim);

/* claim.c */
/* A claim under way: whose answer was lost is found again by its token. One a thread, kept from
 * call to call; all zero at first. */
struct vb_claim_attempt {
    char token[VB_UUID_TEXT]; /* "": nothing is open */
};
/* VB_OK: *ret_claim is ours. VB_END: nothing claimable. VB_AGAIN: there is, but others hold it: ask
 * again in milliseconds. `express`: only jobs not yet started. After any other failure the next
 * call looks first for what that one may have taken. */
enum vb_status vb_claim_take(struct vb_pg *pg, const struct vb_claimer *claimer, bool express,
                             struct vb_claim_attempt *taking, struct vb_claim *ret_claim,
                             struct vb_error *err) vb_must_check;
/* Microseconds until a waiting segment comes due or a lease may have expired; -1: none in sight. */
enum vb_status vb_claim_next_due(struct vb_pg *pg, int64_t *ret_wait,
                                 struct vb_error *err) vb_must_check;

/* release.c: ways in which a claim ends without a record. */
enum vb_segment_release {
    VB_RELEASE_STOP,   /* as it was, at once, without a charge */
    VB_RELEASE_WAIT,   /* without a charge; claimable once all others are recorded */
    VB_RELEASE_RETRY,  /* charged; due after a back-off */
    VB_RELEASE_SOURCE, /* the same, since the source did not answer */
    VB_RELEASE_EXPRESS /* without a charge, with the claim's estimate */
};
/* `reason` is kept as last_error for VB_RELEASE_RETRY and _SOURCE. */
enum vb_status vb_segment_release(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  const struct vb_claim *claim, enum vb_segment_release how,
                                  const char *reason, struct vb_error *err) vb_must_check;
/* Segments whose recorded parts the store does not hold, and the closing one: to be done again. */
enum vb_status vb_segment_reopen(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 const struct vb_claim *claim, const uint32_t *part_numbers,
                                 size_t count, struct vb_error *err) vb_must_check;

#endif
