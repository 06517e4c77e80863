/* The end of an archive and of its job: what the closing owner asks the records, Complete, finish
 * and failure; and the beginning anew, where there is no end to come to.
 *
 * The claim stays the caller's, also where the job has ended: it is still to be freed. All of it on
 * the claim's thread; what changes rows is a fenced transaction a call (fence.h), but for
 * vb_job_restart_stranded, which has no claim, and vb_job_clean_again, which has lost it.
 * VB_FENCED: somebody else has the segment, or the job has ended by other hands.
 */
#ifndef VERBATIM_QUEUE_END_H
#define VERBATIM_QUEUE_END_H

#include "segment.h"
#include "verbatim/archive.h"

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
/* Hands out their pieces, and the claim's own that are in the database, to somebody else. */
enum vb_status vb_close_records(struct vb_pg *pg, const struct vb_claim *claim,
                                const struct vb_piece_visitor *visitor,
                                struct vb_error *err) vb_must_check;
/* Hands out the rows of a list (media/errors.csv, errors.csv) that the recorded segments and the
 * claim's own have in the database. */
enum vb_status vb_close_listed(struct vb_pg *pg, const struct vb_claim *claim,
                               enum vb_piece_kind kind, const struct vb_piece_visitor *visitor,
                               struct vb_error *err) vb_must_check;
/* Bytes of media in the job's recorded segments. */
enum vb_status vb_close_media_bytes(struct vb_pg *pg, const struct vb_claim *claim,
                                    uint64_t *ret_bytes, struct vb_error *err) vb_must_check;
/* Adds those of the job's recorded segments. */
enum vb_status vb_close_counts(struct vb_pg *pg, const struct vb_claim *claim,
                               uint64_t *conversations, uint64_t *messages,
                               struct vb_error *err) vb_must_check;
/* Where ours begins in a raw file. VB_END: the file's first segment holds no conversation, so those
 * behind it were written with a separator too many. */
enum vb_status vb_close_plain(struct vb_pg *pg, const struct vb_claim *claim, uint64_t *ret_base,
                              struct vb_error *err) vb_must_check;
/* Complete from records alone, and the finish. VB_AGAIN: segments were reopened. VB_NOT_FOUND: the
 * upload is gone, and no archive is there. VB_CONFLICT: the store wants other parts, or the upload
 * holds more than these. After both the archive begins anew (vb_job_restart). */
enum vb_status vb_job_complete(struct vb_pg *pg, const struct vb_claimer *claimer,
                               const struct vb_claim *claim, struct vb_storage_session *session,
                               struct vb_error *err) vb_must_check;

/* queue/end.c */
/* The finished file. */
struct vb_finished {
    uint64_t size;
    int64_t crc;         /* CRC-32 of the whole; -1: not known */
    const char *version; /* of vb_storage_version; borrowed; "" or NULL: none */
};
/* Finishes the job: totals, the file's facts, outbox row, clean-up row where an upload was begun,
 * all in one transaction with the record of the claim's segment. `result` NULL:
 * vb_segment_record_closing came before. */
enum vb_status vb_job_finish(struct vb_pg *pg, const struct vb_claimer *claimer,
                             const struct vb_claim *claim, const struct vb_segment_result *result,
                             const struct vb_finished *finished,
                             struct vb_error *err) vb_must_check;
/* After a claim was fenced, and nothing of it is on its way any more: what its job left behind is
 * looked at, unless others hold that yet, and looked at again, for something may have arrived in
 * the store since the last look. */
enum vb_status vb_job_clean_again(struct vb_pg *pg, const struct vb_claim *claim,
                                  struct vb_error *err) vb_must_check;
/* Fails the job of a claim of ours. */
enum vb_status vb_job_fail(struct vb_pg *pg, const struct vb_claimer *claimer,
                           const struct vb_claim *claim, const char *message,
                           struct vb_error *err) vb_must_check;

/* restart.c: one segment again, everything dropped, the old upload left to the janitor. */
enum vb_status vb_job_restart_stranded(struct vb_pg *pg, const struct vb_claimer *claimer,
                                       const char *job_id, struct vb_error *err) vb_must_check;

/* The same for a claim of ours whose archive cannot be gone on with. most_attempts > 0: it is
 * charged, and due after a back-off; VB_LIMIT, and nothing changed, when it was charged that often
 * with this one. */
struct vb_restart {
    const char *reason;
    int64_t most_attempts;
    bool refused;     /* for its parts: when it is charged again, they will be equal */
    bool equal_parts; /* of one size, without gaps in their numbers; one that was so stays so */
    int64_t estimate; /* bytes per 1,000 conversations, for the size of parts; 0: not known */
};
enum vb_status vb_job_restart(struct vb_pg *pg, const struct vb_claimer *claimer,
                              const struct vb_claim *claim, const struct vb_restart *restart,
                              struct vb_error *err) vb_must_check;

#endif
