/* The job queue inside `service`: what a job and a claim are, and every statement that changes
 * them.
 *
 * All agreement between threads and machines is in these statements. A write for a claim is fenced:
 * it names the claim's epoch and process, and zero rows are VB_FENCED, which means "not ours any
 * more: stop". Lock order: the job, then its segments by position. Functions take the connection of
 * the calling thread and run their own transaction unless they say that they run inside the
 * caller's.
 */
#ifndef VERBATIM_QUEUE_QUEUE_H
#define VERBATIM_QUEUE_QUEUE_H

#include "database/args.h"

#include "rules/job_status.h"
#include "specification/specification.h"
#include "storage/storage.h"
#include "verbatim/archive.h"
#include "verbatim/source.h"
#include "verbatim/uuid.h"

#define VB_QUEUE_CHANNEL "verbatim_work"
#define VB_ENDED_CHANNEL "verbatim_ended" /* with the id of a job that has ended */
#define VB_PART_NUMBERS 10000u            /* S3: the highest number of a part */
#define VB_FRONT_NUMBERS 16u /* part numbers that a split leaves with the front, at least */
#define VB_LOST_LEASES 20    /* a segment whose workers die more often fails its job */

/* Facts of a job as read at the claim. Strings are owned; NULL as in the table. */
struct vb_job {
    char job_id[VB_UUID_TEXT];
    char *workspace_id;
    char *source_workspace;
    char *channel_id, *channel_name, *channel_type, *channel_phone; /* NULL: not one channel */
    char *time_zone;
    char *csv_profile;
    char *source_snapshot;
    char *notification_email;
    struct vb_specification specification; /* root NULL: not one that this build can read */
    char *title;               /* what the archive is named after; NULL: the channel, or all */
    struct vb_date start_date; /* the day of as_of where the range has no start */
    vb_instant from, to, as_of;
    /* The archive; object_key NULL until noted, upload_id NULL until an upload was begun. */
    int64_t archive_epoch;
    char *storage, *object_key, *upload_id, *fingerprint;
    uint64_t part_size;          /* 0 until noted */
    int64_t conversations_total; /* -1 until counted */
    bool closing;                /* job.size is noted: only Complete and the finish are left */
};

/* A segment of ours, from claim to record. */
struct vb_claim {
    struct vb_job job;
    int64_t epoch;
    uint32_t part_first, part_last;
    struct vb_stretch stretch;
    int64_t estimate; /* bytes of archive per 1,000 conversations; 0: unknown */
    int64_t expected; /* conversations thought to be in it; -1: unknown */
    int64_t attempts, lost_leases;
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
    const char *fingerprint; /* of the deflate */
    int64_t lease;           /* microseconds */
    int64_t max_running;
    const struct vb_storage *store; /* for the key */
};

/* job.c */
void vb_claim_done(struct vb_claim *claim);
/* The last part of the key: what a browser calls the file. */
const char *vb_job_file_name(const struct vb_job *job);
struct vb_channel vb_job_channel(const struct vb_job *job);
/* The renderer of its specification; NULL for one that is not known here. */
const struct vb_renderer *vb_job_renderer(const struct vb_job *job);
/* ".zip", or the renderer's where the archive is one raw file. */
const char *vb_job_extension(const struct vb_job *job);
/* What it reads, from its specification and what was resolved when it was created. Borrows from the
 * job; `columns` are the renderer's. */
struct vb_selection vb_job_selection(const struct vb_job *job);
/* Instant $N (Unix microseconds) as timestamptz, exactly. */
#define VB_SQL_INSTANT(parameter)                                                                  \
    "('epoch'::timestamptz + " parameter "::bigint * interval '1 microsecond')"

/* transition.c */
/* Takes the edge inside the caller's transaction; VB_FENCED when the job is not in `from`.
 * `message` goes to error_message (NULL: none). Sets the times that belong to the new status. */
enum vb_status vb_job_transition(struct vb_pg *pg, const char *job_id, enum vb_job_status from,
                                 enum vb_job_status to, const char *message,
                                 struct vb_error *err) vb_must_check;

/* fence.c: every transaction of a claim goes through here. */
/* One such transaction. `token` stands in the segment's last_write from its mark on; a step that
 * deletes the claim's segment writes it into another one of the job. */
struct vb_write {
    const struct vb_claim *claim;
    char token[VB_UUID_TEXT];
};
/* The statements behind the fence; anything but VB_OK rolls back and is what the caller gets. May
 * run several times, each time as if for the first; what it leaves in `context` counts only after
 * vb_fence_run is VB_OK, and then it is of the run that was committed. */
typedef enum vb_status vb_write_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                     struct vb_error *err);
/* Runs the step once: begins, locks the job (it must be started) and the claim's segment in that
 * order, and commits. A failure that may heal is tried again while the claim holds. After a COMMIT
 * whose answer was lost it is found out first whether it was carried out, also where the segment or
 * the job has ended by it.
 *
 * VB_OK: committed, once. VB_FENCED: the segment is not ours; nothing was written. Any other
 * status: nothing was written, or (a retryable one) the claim ceased to hold while that was open.
 * `err` must not be NULL. */
enum vb_status vb_fence_run(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_claim *claim, vb_write_step *step, void *context,
                            struct vb_error *err) vb_must_check;
/* Whether what failed with `status` is worth another try for this claim; waits a moment before it
 * says so. */
bool vb_claim_may_retry(const struct vb_claim *claim, enum vb_status status,
                        const struct vb_error *err);
/* Commits, or rolls back when `status` is not VB_OK; returns what became of it. For transactions
 * that are no claim's. */
enum vb_status vb_transaction_end(struct vb_pg *pg, enum vb_status status,
                                  struct vb_error *err) vb_must_check;
/* VB_FENCED with its message; the top counts it. */
enum vb_status vb_fence_fail(struct vb_error *err);

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

/* start.c: the oldest queued job of a workspace; VB_AGAIN when there is none to be had. `token`:
 * the claim's. */
enum vb_status vb_job_start(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const char *workspace_id, const char *token, struct vb_claim *ret_claim,
                            struct vb_error *err) vb_must_check;

/* restart.c: one segment again, everything dropped, the old upload left to the janitor. */
enum vb_status vb_job_restart_stranded(struct vb_pg *pg, const struct vb_claimer *claimer,
                                       const char *job_id, struct vb_error *err) vb_must_check;

/* The same for a claim of ours whose archive cannot be gone on with, for `reason`. most_attempts >
 * 0: it is charged, and due after a back-off; VB_LIMIT, and nothing changed, when it was charged
 * that often with this one. */
enum vb_status vb_job_restart(struct vb_pg *pg, const struct vb_claimer *claimer,
                              const struct vb_claim *claim, const char *reason,
                              int64_t most_attempts, struct vb_error *err) vb_must_check;

/* queue/note.c: key, epoch, store and part size on the job before anything is put there. */
/* Makes the key of `claim`'s epoch. */
enum vb_status vb_job_note_key(const struct vb_claimer *claimer, const struct vb_job *job,
                               int64_t epoch, struct vb_buffer *out,
                               struct vb_error *err) vb_must_check;
/* Notes a key of this claim's epoch on the job unless it stands there already; an earlier one goes
 * to clean-up. Only for a segment that covers the whole job. */
enum vb_status vb_job_note_archive(struct vb_pg *pg, const struct vb_claimer *claimer,
                                   struct vb_claim *claim, uint64_t part_size,
                                   struct vb_error *err) vb_must_check;
enum vb_status vb_job_note_upload(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  struct vb_claim *claim, const char *upload_id,
                                  struct vb_error *err) vb_must_check;

/* split.c: shrinks the claim to `cursor` and `numbers` part numbers; the rest becomes a waiting
 * segment. */
struct vb_split {
    struct vb_cursor cursor; /* last conversation of the front */
    uint32_t numbers;        /* part numbers the front keeps */
    int64_t estimate;        /* bytes per 1,000 conversations */
    int64_t front;           /* conversations of the front */
    int64_t rest;            /* conversations of the rest; -1: unknown */
    int64_t total;           /* of the whole job, where it was counted; -1 */
    int64_t rest_begins;     /* conversations before the rest; -1: not needed */
};
enum vb_status vb_segment_split(struct vb_pg *pg, const struct vb_claimer *claimer,
                                struct vb_claim *claim, const struct vb_split *split,
                                struct vb_error *err) vb_must_check;

/* absorb.c: takes over the successor's end and part numbers, whatever its state. VB_END: there is
 * none. */
enum vb_status vb_segment_absorb(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 struct vb_claim *claim, struct vb_error *err) vb_must_check;

/* record.c */
struct vb_segment_result {
    const struct vb_stored_part *parts; /* in order of position */
    size_t part_count;
    uint64_t size;
    uint64_t conversations, messages;
    uint64_t media, media_failed, media_bytes;
};
/* [{"number": 1, "etag": "...", "size": 6291456, "crc": 3421780262}, ...] */
enum vb_status vb_parts_write(const struct vb_stored_part *parts, size_t count,
                              struct vb_buffer *out) vb_must_check;
/* Inside a fenced transaction: the segment's row. `closing` keeps it running, for Complete is still
 * to come. */
enum vb_status vb_segment_record_result(struct vb_pg *pg, const struct vb_claim *claim,
                                        const struct vb_segment_result *result, bool closing,
                                        struct vb_error *err) vb_must_check;
/* Records a segment that does not close the archive. */
enum vb_status vb_segment_record(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 const struct vb_claim *claim,
                                 const struct vb_segment_result *result,
                                 struct vb_error *err) vb_must_check;
/* Records the closing segment, which stays ours, with the size of the whole archive: from here on
 * only Complete is left. VB_AGAIN when a segment is open again. */
enum vb_status vb_segment_record_closing(struct vb_pg *pg, const struct vb_claimer *claimer,
                                         const struct vb_claim *claim,
                                         const struct vb_segment_result *result,
                                         uint64_t total_size, struct vb_error *err) vb_must_check;

/* queue/pieces.c: what segments leave for the end of the archive, in the database. */
enum vb_piece_kind { VB_PIECE_DIRECTORY, VB_PIECE_MEDIA_ERRORS }; /* numbers as in the table */
enum vb_status vb_piece_add(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_claim *claim, enum vb_piece_kind kind, uint32_t piece,
                            const void *data, size_t length, struct vb_error *err) vb_must_check;
/* The data is borrowed for the call; anything but VB_OK ends the feeding. */
struct vb_piece_visitor {
    enum vb_status (*visit)(void *context, const void *data, size_t length, struct vb_error *err);
    void *context;
};
/* Hands out the pieces of one segment in order. */
enum vb_status vb_piece_feed(struct vb_pg *pg, const char *job_id, uint32_t part_first,
                             int64_t epoch, enum vb_piece_kind kind,
                             const struct vb_piece_visitor *visitor,
                             struct vb_error *err) vb_must_check;

/* release.c: ways in which a claim ends without a record. */
enum vb_segment_release {
    VB_RELEASE_STOP,   /* as it was, at once, without a charge */
    VB_RELEASE_WAIT,   /* without a charge; claimable once all others are recorded */
    VB_RELEASE_RETRY,  /* charged; due after a back-off */
    VB_RELEASE_EXPRESS /* without a charge, with the claim's estimate */
};
/* `reason` is kept as last_error for VB_RELEASE_RETRY. */
enum vb_status vb_segment_release(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  const struct vb_claim *claim, enum vb_segment_release how,
                                  const char *reason, struct vb_error *err) vb_must_check;
/* Segments whose recorded parts the store does not hold, and the closing one: to be done again. */
enum vb_status vb_segment_reopen(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 const struct vb_claim *claim, const uint32_t *part_numbers,
                                 size_t count, struct vb_error *err) vb_must_check;

/* queue/end.c */
/* The finished file. */
struct vb_finished {
    uint64_t size;
    int64_t crc; /* CRC-32 of the whole; -1: not known */
};
/* Finishes the job: totals, the file's facts, outbox row, clean-up row where an upload was begun,
 * all in one transaction with the record of the claim's segment. `result` NULL:
 * vb_segment_record_closing came before. */
enum vb_status vb_job_finish(struct vb_pg *pg, const struct vb_claimer *claimer,
                             const struct vb_claim *claim, const struct vb_segment_result *result,
                             const struct vb_finished *finished,
                             struct vb_error *err) vb_must_check;
/* After a claim was fenced: what the job of it left behind is looked at again, for something may
 * have arrived in the store since the last look. */
enum vb_status vb_job_clean_again(struct vb_pg *pg, const struct vb_claim *claim,
                                  struct vb_error *err) vb_must_check;
/* Fails the job of a claim of ours. */
enum vb_status vb_job_fail(struct vb_pg *pg, const struct vb_claimer *claimer,
                           const struct vb_claim *claim, const char *message,
                           struct vb_error *err) vb_must_check;

/* close.c: what the closing owner asks the records. */
struct vb_others {
    int64_t open;    /* segments of the job not recorded yet, ours included */
    bool claimable;  /* one of them waits for a worker */
    bool still_ours; /* the claim holds */
};
enum vb_status vb_close_look(struct vb_pg *pg, const struct vb_claimer *claimer,
                             const struct vb_claim *claim, struct vb_others *ret_others,
                             struct vb_error *err) vb_must_check;
/* Feeds the directories of all recorded segments before the claim's; *ret_base is where ours
 * begins. */
enum vb_status vb_close_directories(struct vb_pg *pg, const struct vb_claim *claim,
                                    struct vb_archive *archive, uint64_t *ret_base,
                                    struct vb_error *err) vb_must_check;
/* Hands out the rows of media/errors.csv that the recorded segments and the claim's own have in the
 * database. */
enum vb_status vb_close_media_errors(struct vb_pg *pg, const struct vb_claim *claim,
                                     const struct vb_piece_visitor *visitor,
                                     struct vb_error *err) vb_must_check;
/* Bytes of media in the job's recorded segments. */
enum vb_status vb_close_media_bytes(struct vb_pg *pg, const struct vb_claim *claim,
                                    uint64_t *ret_bytes, struct vb_error *err) vb_must_check;
/* Where ours begins in a raw file. VB_END: the file's first segment holds no conversation, so those
 * behind it were written with a separator too many. */
enum vb_status vb_close_plain(struct vb_pg *pg, const struct vb_claim *claim, uint64_t *ret_base,
                              struct vb_error *err) vb_must_check;
/* Complete from records alone, and the finish. VB_AGAIN: segments were reopened. VB_NOT_FOUND: the
 * upload is gone, and no archive is there. */
enum vb_status vb_job_complete(struct vb_pg *pg, const struct vb_claimer *claimer,
                               const struct vb_claim *claim, struct vb_storage_session *session,
                               struct vb_error *err) vb_must_check;

#endif
