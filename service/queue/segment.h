/* A segment between its claim and its record: what is noted before it stores anything, where it
 * ends, and what it leaves.
 *
 * The claim is the caller's, and follows its rows: a function that changes both changes the struct
 * only after VB_OK. All of it on the claim's thread; what writes is a fenced transaction of its own
 * (fence.h) unless it says that it runs inside one. VB_FENCED: the work is to be dropped.
 */
#ifndef VERBATIM_QUEUE_SEGMENT_H
#define VERBATIM_QUEUE_SEGMENT_H

#include "claim.h"
#include "database/args.h"

#define VB_FRONT_NUMBERS 16u /* part numbers that a split leaves with the front, at least */

/* queue/note.c: key, epoch, store and part size on the job before anything is put there. */
/* What a job's key has before a claim's epoch, and what behind it. */
enum vb_status vb_job_note_key_around(const struct vb_claimer *claimer, const struct vb_job *job,
                                      struct vb_buffer *head, struct vb_buffer *tail,
                                      struct vb_error *err) vb_must_check;
/* Notes a key of this claim's epoch on the job, without an upload; that of another epoch goes to
 * clean-up. Only for a segment that covers the whole job: others' parts would lie elsewhere. */
enum vb_status vb_job_note_archive(struct vb_pg *pg, const struct vb_claimer *claimer,
                                   struct vb_claim *claim, uint64_t part_size,
                                   struct vb_error *err) vb_must_check;
/* Notes on the job why rows may be missing; the first reason stays. */
enum vb_status vb_job_note_incomplete(struct vb_pg *pg, const struct vb_claimer *claimer,
                                      const struct vb_claim *claim, const char *reason,
                                      struct vb_error *err) vb_must_check;
enum vb_status vb_job_note_upload(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  struct vb_claim *claim, const char *upload_id,
                                  struct vb_error *err) vb_must_check;

/* Before the first part of the claim is sent, unless it is noted already: whoever absorbs the
 * segment has to know. */
enum vb_status vb_segment_note_sent(struct vb_pg *pg, const struct vb_claimer *claimer,
                                    struct vb_claim *claim, struct vb_error *err) vb_must_check;

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

/* absorb.c: takes over the successor's end and part numbers, whatever its state. `sent`: parts of
 * ours have their numbers already; else the claim's numbers may begin anew with the successor's.
 * VB_END: there is none. */
enum vb_status vb_segment_absorb(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 struct vb_claim *claim, bool sent,
                                 struct vb_error *err) vb_must_check;

/* record.c */
struct vb_segment_result {
    const struct vb_stored_part *parts; /* in order of position */
    size_t part_count;
    uint64_t size;
    uint64_t conversations, messages;
    uint64_t media, media_failed, media_bytes;
    uint64_t bad_rows; /* of the source, left out */
};
/* [{"number": 1, "etag": "...", "size": 6291456, "crc": 3421780262}, ...] */
enum vb_status vb_parts_write(const struct vb_stored_part *parts, size_t count,
                              struct vb_buffer *out) vb_must_check;
/* What a statement stores of a result: parts, size, conversations, messages, media, media_failed,
 * media_bytes. `parts` is the caller's, made by the first of these, and kept until the statement
 * has run. */
void vb_segment_parts_init(struct vb_buffer *parts);
enum vb_status vb_segment_result_args(const struct vb_segment_result *result,
                                      struct vb_buffer *parts, struct vb_pg_args *args,
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
/* Numbers as in the table. */
enum vb_piece_kind { VB_PIECE_DIRECTORY, VB_PIECE_MEDIA_ERRORS, VB_PIECE_BAD_ROWS };
enum vb_status vb_piece_add(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_claim *claim, enum vb_piece_kind kind, uint32_t number,
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

#endif
