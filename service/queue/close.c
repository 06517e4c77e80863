/* Closing an archive of several segments: when it may happen, the directories, and Complete from
 * records.
 *
 * The owner of the last stretch (the one without an end) closes. It keeps what it has made and
 * waits until every other segment is recorded, writes the end of the archive from what those left
 * in the database, records itself with the size of the whole, and completes the upload.
 *
 * The sequence. (1) `look_around`, again and again: open_segments is 1 when ours alone is left. A
 * segment that nobody works on may be waiting for this very thread; then ours goes back
 * (work/end.c). (2) Pieces and sizes of all segments before ours are read; no lock is held, for a
 * recorded segment changes only if it is absorbed (by its predecessor, which then is not recorded)
 * or reopened. (3) vb_segment_record_closing writes our record and job.size in one fenced
 * transaction, and only if open_segments is still 1 under the job's lock: that is where what may
 * have changed since the look is found out, and VB_AGAIN has the claim handed back. From its COMMIT
 * on the job is `closing`: whoever claims the segment reads nothing and only completes. (4)
 * vb_job_complete: the list of parts is made from the rows alone, never from what a process
 * remembers, so any process may do it. (5) Complete at the store, and the finish (end.c) in one
 * fenced transaction.
 *
 * Lost answers. Looks and reads are asked again. A lost record is found by its token. A Complete
 * that is lost, or carried out by an owner that died behind it, is found by its effect: the storage
 * asks whether the object is there with the size that the rows say. A finish that is lost is found
 * by its token; if nobody finds it, the job is finished, and the fence refuses everybody else.
 *
 * Somebody else in between. Two owners may complete at once when a lease was lost in the middle;
 * both name the same parts, so either gives the same object, and one finish is fenced. A store that
 * lost a part names it: its segments and ours are opened again (vb_segment_reopen), in one
 * transaction with job.size, and REOPENS times at most. Where the upload may hold parts that nobody
 * names (absorb.c, record.c), it is looked at first: such a part would stay in some stores for
 * ever, and others refuse the completion for it. Then the archive begins anew, and the abort of the
 * old upload takes everything away.
 *
 * A change must not break: nothing is completed before job.size is committed; parts are listed by
 * position of the segment and place within it, which is the order of their bytes; `record.bad` and
 * `record.owners` go with the parts, index by index.
 */
#include "queue.h"

#include "verbatim/columns.h"
#include "verbatim/hash.h"
#include "verbatim/log.h"

#include <stdio.h>
#include <stdlib.h>

/* $1: job, $2: position, $3: epoch, $4: process. */
static const char look_around[] =
    "SELECT j.open_segments,"
    " EXISTS (SELECT FROM verbatim.segment AS o"
    "  WHERE o.job_id = $1"
    "  AND (o.status = 'waiting' OR (o.status = 'running' AND o.lease_until < clock_timestamp()))),"
    " EXISTS (SELECT FROM verbatim.segment AS s"
    "  WHERE s.job_id = $1 AND s.part_first = $2"
    "  AND s.claim_epoch = $3 AND s.process_id = $4 AND s.status = 'running')"
    " FROM verbatim.job AS j"
    " WHERE j.job_id = $1";

enum vb_status vb_close_look(struct vb_pg *pg, const struct vb_claimer *claimer,
                             const struct vb_claim *claim, struct vb_others *ret_others,
                             struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    vb_args_number(&args, claim->epoch);
    vb_args_text(&args, claimer->process_id);
    enum vb_status status = vb_args_query(pg, look_around, &args, &result, err);
    if (status != VB_OK)
        return status;
    *ret_others = (struct vb_others){0}; /* the job itself may have been deleted */
    if (PQntuples(result) > 0)
        *ret_others = (struct vb_others){.open = vb_row_number(result, 0, 0),
                                         .claimable = vb_row_true(result, 0, 1),
                                         .still_ours = vb_row_true(result, 0, 2)};
    PQclear(result);
    return VB_OK;
}

/* clang-format off */
static const char earlier[] =
    "SELECT part_first, claim_epoch, size"
    " FROM verbatim.segment"
    " WHERE job_id = $1 AND part_first < $2"
    " ORDER BY part_first";
/* clang-format on */

/* Pieces of one kind, segment by segment up to the claim's own. *base: where the segment being fed
 * begins in the archive, at last the claim's. */
static enum vb_status feed_segments(struct vb_pg *pg, const struct vb_claim *claim,
                                    enum vb_piece_kind kind, const struct vb_piece_visitor *visitor,
                                    uint64_t *base, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *rows = NULL;
    *base = 0;
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    enum vb_status status = vb_args_query(pg, earlier, &args, &rows, err);
    if (status != VB_OK)
        return status;
    int count = PQntuples(rows);
    for (int row = 0; row < count && status == VB_OK; row++) {
        status = vb_piece_feed(pg, claim->job.job_id, (uint32_t)vb_row_number(rows, row, 0),
                               vb_row_number(rows, row, 1), kind, visitor, err);
        *base += (uint64_t)vb_row_number(rows, row, 2);
    }
    PQclear(rows);
    if (status == VB_OK)
        status = vb_piece_feed(pg, claim->job.job_id, claim->part_first, claim->epoch, kind,
                               visitor, err);
    return status;
}

struct directory {
    struct vb_archive *archive;
    uint64_t base;
};

static enum vb_status add_records(void *context, const void *data, size_t length,
                                  struct vb_error *err)
{
    struct directory *directory = context;
    return vb_archive_add_directory(directory->archive, directory->base, data, length, err);
}

enum vb_status vb_close_directories(struct vb_pg *pg, const struct vb_claim *claim,
                                    struct vb_archive *archive, uint64_t *ret_base,
                                    struct vb_error *err)
{
    struct directory directory = {.archive = archive};
    const struct vb_piece_visitor visitor = {add_records, &directory};
    enum vb_status status =
        feed_segments(pg, claim, VB_PIECE_DIRECTORY, &visitor, &directory.base, err);
    if (status == VB_OK)
        *ret_base = directory.base;
    return status;
}

enum vb_status vb_close_records(struct vb_pg *pg, const struct vb_claim *claim,
                                const struct vb_piece_visitor *visitor, struct vb_error *err)
{
    uint64_t base = 0;
    return feed_segments(pg, claim, VB_PIECE_DIRECTORY, visitor, &base, err);
}

enum vb_status vb_close_listed(struct vb_pg *pg, const struct vb_claim *claim,
                               enum vb_piece_kind kind, const struct vb_piece_visitor *visitor,
                               struct vb_error *err)
{
    uint64_t base = 0;
    return feed_segments(pg, claim, kind, visitor, &base, err);
}

/* clang-format off */
static const char media_before[] =
    "SELECT coalesce(sum(media_bytes), 0)::bigint"
    " FROM verbatim.segment"
    " WHERE job_id = $1 AND status = 'recorded'";
/* clang-format on */

enum vb_status vb_close_media_bytes(struct vb_pg *pg, const struct vb_claim *claim,
                                    uint64_t *ret_bytes, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *row = NULL;
    vb_args_text(&args, claim->job.job_id);
    enum vb_status status = vb_args_query(pg, media_before, &args, &row, err);
    if (status == VB_OK)
        *ret_bytes = (uint64_t)vb_row_number(row, 0, 0);
    PQclear(row);
    return status;
}

/* clang-format off */
static const char counts_before[] =
    "SELECT coalesce(sum(conversations), 0)::bigint, coalesce(sum(messages), 0)::bigint"
    " FROM verbatim.segment"
    " WHERE job_id = $1 AND status = 'recorded'";
/* clang-format on */

enum vb_status vb_close_counts(struct vb_pg *pg, const struct vb_claim *claim,
                               uint64_t *conversations, uint64_t *messages, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *row = NULL;
    vb_args_text(&args, claim->job.job_id);
    enum vb_status status = vb_args_query(pg, counts_before, &args, &row, err);
    if (status == VB_OK) {
        *conversations += (uint64_t)vb_row_number(row, 0, 0);
        *messages += (uint64_t)vb_row_number(row, 0, 1);
    }
    PQclear(row);
    return status;
}

/* Of a raw file: the bytes before the claim's, and the first segment's conversations. Both NULL for
 * a claim that is the first segment itself. */
static const char before_plain[] =
    "SELECT sum(size)::bigint, (array_agg(conversations ORDER BY part_first))[1]"
    " FROM verbatim.segment"
    " WHERE job_id = $1 AND part_first < $2";

enum vb_status vb_close_plain(struct vb_pg *pg, const struct vb_claim *claim, uint64_t *ret_base,
                              struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *row = NULL;
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    enum vb_status status = vb_args_query(pg, before_plain, &args, &row, err);
    if (status != VB_OK)
        return status;
    if (!vb_row_null(row, 0, 1) && vb_row_number(row, 0, 1) == 0)
        status = VB_END;
    else
        *ret_base = (uint64_t)vb_row_number(row, 0, 0);
    PQclear(row);
    return status;
}

/* All recorded parts of a job in order, and the position of the segment that each belongs to. */
struct record {
    struct vb_stored_part *parts;
    uint32_t *owners;
    bool *bad;
    size_t count;
    uint64_t size;
    int64_t crc;      /* of all parts; -1: one of them was recorded without */
    bool loose;       /* the upload may hold others */
    int64_t attempts; /* most charged to one segment; a beginning anew is charged to all */
};

static void record_done(struct record *record)
{
    free(record->parts);
    free(record->owners);
    free(record->bad);
}

static bool record_room(struct record *record, size_t count)
{
    record->parts = calloc(count + 1, sizeof *record->parts);
    record->owners = calloc(count + 1, sizeof *record->owners);
    record->bad = calloc(count + 1, sizeof *record->bad);
    return record->parts && record->owners && record->bad;
}

#define PART_ROW(FIRST, NEXT)                                                                      \
    FIRST(PART_OWNER, "s.part_first")                                                              \
    NEXT(PART_NUMBER, "p.part ->> 'number'")                                                       \
    NEXT(PART_ETAG, "p.part ->> 'etag'")                                                           \
    NEXT(PART_SIZE, "p.part ->> 'size'")                                                           \
    NEXT(PART_CRC, "p.part ->> 'crc'")                                                             \
    NEXT(PART_LOOSE, "j.loose_parts")                                                              \
    NEXT(PART_ATTEMPTS, "max(s.attempts) OVER ()")                                                 \
    NEXT(PART_TOTAL_SIZE, "j.size")
#define PART_ROW_LIST VB_COLUMN_LIST(PART_ROW)
enum { VB_COLUMN_NAMES(PART_ROW) PART_COLUMNS };

/* Row by row, so that no more than one part's fields are held twice. */
/* clang-format off */
static const char list_parts[] =
    "SELECT " PART_ROW_LIST
    " FROM verbatim.segment AS s JOIN verbatim.job AS j USING (job_id)"
    " LEFT JOIN LATERAL jsonb_array_elements(s.parts) WITH ORDINALITY AS p(part, place) ON true"
    " WHERE s.job_id = $1"
    " ORDER BY s.part_first, p.place";
/* clang-format on */

static enum vb_status read_record(struct vb_pg *pg, const struct vb_claim *claim,
                                  struct record *record, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *rows = NULL;
    vb_args_text(&args, claim->job.job_id);
    enum vb_status status = vb_args_query(pg, list_parts, &args, &rows, err);
    if (status != VB_OK)
        return status;
    int count = PQntuples(rows);
    if (!record_room(record, (size_t)count)) {
        PQclear(rows);
        return vb_fail(err, VB_NO_MEMORY, "no memory for the parts of an archive");
    }
    for (int row = 0; row < count; row++) {
        record->size = (uint64_t)vb_row_number(rows, row, PART_TOTAL_SIZE);
        record->loose = vb_row_true(rows, row, PART_LOOSE);
        record->attempts = vb_row_number(rows, row, PART_ATTEMPTS);
        if (vb_row_null(rows, row, PART_NUMBER)) /* a segment without parts */
            continue;
        struct vb_stored_part *part = &record->parts[record->count];
        record->owners[record->count++] = (uint32_t)vb_row_number(rows, row, PART_OWNER);
        part->number = (uint32_t)vb_row_number(rows, row, PART_NUMBER);
        part->size = (uint64_t)vb_row_number(rows, row, PART_SIZE);
        snprintf(part->etag, sizeof part->etag, "%s", vb_pg_value(rows, row, PART_ETAG));
        part->crc = (uint32_t)vb_row_number(rows, row, PART_CRC);
        if (vb_row_null(rows, row, PART_CRC))
            record->crc = -1;
        else if (record->crc >= 0)
            record->crc = vb_crc32_combine((uint32_t)record->crc, part->crc, part->size);
    }
    PQclear(rows);
    return VB_OK;
}

/* A store that loses what it confirmed is given this many closes. */
#define REOPENS 4

static enum vb_status reopen_bad(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 const struct vb_claim *claim, const struct record *record,
                                 struct vb_error *err)
{
    if (claim->attempts >= REOPENS)
        return vb_fail(err, VB_STORAGE, "the store does not keep parts that it has confirmed");
    uint32_t *positions = calloc(record->count + 1, sizeof *positions);
    size_t count = 0;
    if (!positions)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a list of segments");
    for (size_t i = 0; i < record->count; i++)
        if (record->bad[i] && (count == 0 || positions[count - 1] != record->owners[i]))
            positions[count++] = record->owners[i];
    vb_warn("the store differs in %zu segments: they are done again", count);
    enum vb_status status = vb_segment_reopen(pg, claimer, claim, positions, count, err);
    free(positions);
    return status == VB_OK ? VB_AGAIN : status;
}

/* Parts that nobody names. An archive that was begun anew already is closed with them. */
#define LOOSE_ATTEMPTS 2

static enum vb_status look_for_loose(const struct vb_claim *claim, const struct record *record,
                                     struct vb_storage_session *session, struct vb_error *err)
{
    bool more = false;
    if (!record->loose || record->attempts >= LOOSE_ATTEMPTS)
        return VB_OK;
    enum vb_status status =
        vb_storage_look_for_more(session, claim->job.object_key, claim->job.upload_id,
                                 record->parts, record->count, &more, err);
    if (status == VB_OK && more)
        status = vb_fail(err, VB_CONFLICT,
                         "the upload holds parts that no part of the archive has written over");
    /* Gone, or not to be listed: the completion finds out what that means. */
    return status == VB_NOT_FOUND || status == VB_DENIED || status == VB_STORAGE ? VB_OK : status;
}

enum vb_status vb_job_complete(struct vb_pg *pg, const struct vb_claimer *claimer,
                               const struct vb_claim *claim, struct vb_storage_session *session,
                               struct vb_error *err)
{
    struct record record = {0};
    enum vb_close_result result = VB_CLOSE_DONE;
    enum vb_status status = read_record(pg, claim, &record, err);
    if (status == VB_OK)
        status = look_for_loose(claim, &record, session, err);
    if (status == VB_OK)
        status =
            vb_storage_close(session, claim->job.object_key, claim->job.upload_id, record.parts,
                             record.count, record.size, &result, record.bad, err);
    if (status == VB_OK && result == VB_CLOSE_PARTS_DIFFER)
        status = reopen_bad(pg, claimer, claim, &record, err);
    else if (status == VB_OK)
        status = vb_job_finish(
            pg, claimer, claim, NULL,
            &(struct vb_finished){record.size, record.crc, vb_storage_version(session)}, err);
    record_done(&record);
    return status;
}
