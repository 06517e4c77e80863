/* What a segment leaves in the database when its last part is stored: the checkpoint of the export.
 *
 * A crash costs what is not recorded, and nothing else. The parts lie in the store before they are
 * recorded, so a record never names what was not confirmed.
 */
#include "queue.h"

#include "verbatim/json.h"
#include "verbatim/metrics.h"

#define PARTS_CEILING (4u * 1024u * 1024u) /* JSON of 10,000 parts with long ETags */

/* JSON in one column: parts are read and written only as a whole. */
enum vb_status vb_parts_write(const struct vb_stored_part *parts, size_t count,
                              struct vb_buffer *out)
{
    struct vb_json json;
    vb_json_init(&json, out);
    vb_json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        vb_json_begin_object(&json);
        vb_json_member_integer(&json, "number", parts[i].number);
        vb_json_member_text(&json, "etag", parts[i].etag);
        vb_json_member_integer(&json, "size", (int64_t)parts[i].size);
        vb_json_member_integer(&json, "crc", parts[i].crc);
        vb_json_end_object(&json);
    }
    vb_json_end_array(&json);
    return vb_json_status(&json);
}

void vb_segment_parts_init(struct vb_buffer *parts)
{
    vb_buffer_init(parts, PARTS_CEILING);
}

enum vb_status vb_segment_result_args(const struct vb_segment_result *result,
                                      struct vb_buffer *parts, struct vb_pg_args *args,
                                      struct vb_error *err)
{
    enum vb_status status = vb_parts_write(result->parts, result->part_count, parts);
    if (status != VB_OK)
        return vb_fail(err, status, "the parts of a segment do not fit their record");
    vb_args_text(args, parts->data);
    vb_args_number(args, (int64_t)result->size);
    vb_args_number(args, (int64_t)result->conversations);
    vb_args_number(args, (int64_t)result->messages);
    vb_args_number(args, (int64_t)result->media);
    vb_args_number(args, (int64_t)result->media_failed);
    vb_args_number(args, (int64_t)result->media_bytes);
    vb_args_number(args, (int64_t)result->bad_rows);
    return VB_OK;
}

/* The CASE keeps a closing segment running: its owner still has to complete. $1: job, $2: position,
 * $3: closing, $4: parts, $5 to $7: size and counts, $8 to $10: media, $11: rows left
 * out. */
/* clang-format off */
static const char store_result[] =
    "UPDATE verbatim.segment"
    " SET parts = $4, size = $5, conversations = $6, messages = $7,"
    " media = $8, media_failed = $9, media_bytes = $10, bad_rows = $11,"
    " status = CASE WHEN $3 THEN 'running' ELSE 'recorded' END,"
    " process_id = CASE WHEN $3 THEN process_id END,"
    " lease_until = CASE WHEN $3 THEN lease_until END"
    " WHERE job_id = $1 AND part_first = $2";
/* clang-format on */

/* Inside a fenced transaction: the segment's row. */
static enum vb_status store_segment(struct vb_pg *pg, const struct vb_claim *claim,
                                    const struct vb_segment_result *result, bool closing,
                                    struct vb_error *err)
{
    struct vb_pg_args args = {0};
    struct vb_buffer parts;
    vb_segment_parts_init(&parts);
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    vb_args_text(&args, closing ? "t" : "f");
    enum vb_status status = vb_segment_result_args(result, &parts, &args, err);
    if (status == VB_OK)
        status = vb_args_exec(pg, store_result, &args, NULL, err);
    vb_buffer_done(&parts);
    return status;
}

/* The owner of the last segment may be waiting for this one, and idle threads for its turn to come.
 * $2: an earlier claim has sent parts of it. Rows may have changed since, or the size of parts been
 * raised: some of those may have numbers that ours need no more. */
/* clang-format off */
static const char one_less[] =
    "WITH lessened AS ("
    "UPDATE verbatim.job SET open_segments = open_segments - 1, loose_parts = loose_parts OR $2"
    " WHERE job_id = $1"
    " RETURNING open_segments) "
    "SELECT pg_notify('" VB_QUEUE_CHANNEL "', '')"
    " FROM lessened"
    " WHERE open_segments = 1";
/* clang-format on */

static enum vb_status record_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                  struct vb_error *err)
{
    const struct vb_segment_result *result = context;
    struct vb_pg_args args = {0};
    vb_args_text(&args, write->claim->job.job_id);
    vb_args_text(&args, write->claim->was_sent ? "t" : "f");
    enum vb_status status = store_segment(pg, write->claim, result, false, err);
    return status == VB_OK ? vb_args_exec(pg, one_less, &args, NULL, err) : status;
}

enum vb_status vb_segment_record(struct vb_pg *pg, const struct vb_claimer *claimer,
                                 const struct vb_claim *claim,
                                 const struct vb_segment_result *result, struct vb_error *err)
{
    struct vb_segment_result own = *result;
    enum vb_status status = vb_fence_run(pg, claimer, claim, record_step, &own, err);
    if (status == VB_OK)
        vb_count(VB_COUNT_SEGMENTS_RECORDED, 1);
    return status;
}

/* No row: a segment was opened again since the look, so its end in the archive is not written. */
static const char note_size[] = "UPDATE verbatim.job SET size = $2, loose_parts = loose_parts OR $3"
                                " WHERE job_id = $1 AND open_segments = 1";

struct closing {
    const struct vb_segment_result *result;
    uint64_t total_size;
};

static enum vb_status closing_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                   struct vb_error *err)
{
    const struct closing *closing = context;
    struct vb_pg_args args = {0};
    uint64_t rows = 0;
    vb_args_text(&args, write->claim->job.job_id);
    vb_args_number(&args, (int64_t)closing->total_size);
    vb_args_text(&args, write->claim->was_sent ? "t" : "f");
    enum vb_status status = store_segment(pg, write->claim, closing->result, true, err);
    if (status == VB_OK)
        status = vb_args_exec(pg, note_size, &args, &rows, err);
    return status == VB_OK && rows == 0 ? VB_AGAIN : status;
}

enum vb_status vb_segment_record_closing(struct vb_pg *pg, const struct vb_claimer *claimer,
                                         const struct vb_claim *claim,
                                         const struct vb_segment_result *result,
                                         uint64_t total_size, struct vb_error *err)
{
    struct closing closing = {result, total_size};
    return vb_fence_run(pg, claimer, claim, closing_step, &closing, err);
}
