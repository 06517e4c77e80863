/* What segments leave for the end of an archive (directory records, rows of media/errors.csv and of
 * errors.csv):
 * compressed pieces in a table of their own, a few at a time in memory. */
#include "queue.h"

#include "verbatim/hash.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_CEILING                                                                              \
    (256u * 1024u)  /* a piece is about 64 KiB, and one record at most that again */
#define SLACK 1024u /* deflate of incompressible bytes is a little longer */

static const char no_memory[] = "no memory for the end of an archive";
static const char damaged[] = "a piece for the end of the archive is not what was written";

static const char add_piece[] =
    "INSERT INTO verbatim.segment_directory"
    " (job_id, part_first, claim_epoch, kind, piece, workspace_id, raw_size, records)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/* Raw deflate into `out`, which has room for length + SLACK. */
static size_t compress(const void *data, size_t length, unsigned char *out)
{
    struct isal_zstream stream;
    isal_deflate_stateless_init(&stream);
    stream.end_of_stream = 1;
    stream.flush = NO_FLUSH;
    /* ISA-L takes its input through a pointer without const and does not write to it. */
    memcpy(&stream.next_in, &(const void *){data}, sizeof stream.next_in);
    stream.avail_in = (uint32_t)length;
    stream.next_out = out;
    stream.avail_out = (uint32_t)(length + SLACK);
    return isal_deflate_stateless(&stream) == COMP_OK ? stream.total_out : 0;
}

/* bytea's text form: \x and hex digits. NULL when memory is out. */
static char *bytea_text(const unsigned char *bytes, size_t length)
{
    char *text = malloc(2 * length + 3);
    if (!text)
        return NULL;
    text[0] = '\\';
    text[1] = 'x';
    vb_hex_encode(bytes, length, text + 2);
    return text;
}

struct piece {
    enum vb_piece_kind kind;
    uint32_t number;
    size_t length;
    const char *text; /* compressed, as bytea's text form */
};

static enum vb_status add_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                               struct vb_error *err)
{
    const struct piece *piece = context;
    const struct vb_claim *claim = write->claim;
    struct vb_pg_args args = {0};
    vb_args_text(&args, claim->job.job_id);
    vb_args_number(&args, claim->part_first);
    vb_args_number(&args, claim->epoch);
    vb_args_number(&args, piece->kind);
    vb_args_number(&args, piece->number);
    vb_args_text(&args, claim->job.workspace_id);
    vb_args_number(&args, (int64_t)piece->length);
    vb_args_text(&args, piece->text);
    return vb_args_exec(pg, add_piece, &args, NULL, err);
}

enum vb_status vb_piece_add(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_claim *claim, enum vb_piece_kind kind, uint32_t number,
                            const void *data, size_t length, struct vb_error *err)
{
    if (length > PIECE_CEILING)
        return vb_fail(err, VB_LIMIT, "a piece for the end of the archive is too large");
    unsigned char *packed = malloc(length + SLACK);
    size_t packed_length = packed ? compress(data, length, packed) : 0;
    char *text = packed_length > 0 ? bytea_text(packed, packed_length) : NULL;
    free(packed);
    if (!text)
        return vb_fail(err, VB_NO_MEMORY, "%s", no_memory);
    struct piece piece = {kind, number, length, text};
    enum vb_status status = vb_fence_run(pg, claimer, claim, add_step, &piece, err);
    free(text);
    return status;
}

/* The raw deflate of a piece; `out` has room for exactly `length`. */
static enum vb_status expand(const unsigned char *packed, size_t packed_length, unsigned char *out,
                             size_t length, struct vb_error *err)
{
    struct inflate_state *state = malloc(sizeof *state); /* too large for a stack */
    if (!state)
        return vb_fail(err, VB_NO_MEMORY, "%s", no_memory);
    isal_inflate_init(state);
    memcpy(&state->next_in, &(const void *){packed}, sizeof state->next_in);
    state->avail_in = (uint32_t)packed_length;
    state->next_out = out;
    state->avail_out = (uint32_t)length;
    bool whole = isal_inflate_stateless(state) == ISAL_DECOMP_OK && state->total_out == length;
    free(state);
    return whole ? VB_OK : vb_fail(err, VB_CORRUPT, "%s", damaged);
}

/* One piece from its text form to the visitor. */
static enum vb_status feed_piece(struct vb_view text, size_t raw_size,
                                 const struct vb_piece_visitor *visitor, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    if (text.length < 4 || raw_size == 0 || raw_size > PIECE_CEILING)
        return vb_fail(err, VB_CORRUPT, "%s", damaged);
    size_t packed_length = (text.length - 2) / 2;
    unsigned char *packed = malloc(packed_length);
    unsigned char *raw = malloc(raw_size);
    struct vb_view digits = {text.data + 2, text.length - 2};
    if (!packed || !raw)
        status = vb_fail(err, VB_NO_MEMORY, "%s", no_memory);
    else if (vb_hex_decode(digits, packed, packed_length) != VB_OK)
        status = vb_fail(err, VB_CORRUPT, "%s", damaged);
    else
        status = expand(packed, packed_length, raw, raw_size, err);
    if (status == VB_OK)
        status = visitor->visit(visitor->context, raw, raw_size, err);
    free(packed);
    free(raw);
    return status;
}

/* Of the epoch that recorded the segment: pieces of claims that were lost stay behind, unread. A
 * few at a time, since each is held in memory as text. */
static const char next_pieces[] =
    "SELECT raw_size, records"
    " FROM verbatim.segment_directory"
    " WHERE job_id = $1 AND part_first = $2 AND claim_epoch = $3 AND kind = $4 AND piece >= $5"
    " ORDER BY piece LIMIT 4";

enum vb_status vb_piece_feed(struct vb_pg *pg, const char *job_id, uint32_t part_first,
                             int64_t epoch, enum vb_piece_kind kind,
                             const struct vb_piece_visitor *visitor, struct vb_error *err)
{
    int count = 1;
    for (int64_t piece = 0; count > 0; piece += count) {
        struct vb_pg_args args = {0};
        PGresult *result = NULL;
        vb_args_text(&args, job_id);
        vb_args_number(&args, part_first);
        vb_args_number(&args, epoch);
        vb_args_number(&args, kind);
        vb_args_number(&args, piece);
        enum vb_status status = vb_args_query(pg, next_pieces, &args, &result, err);
        if (status != VB_OK)
            return status;
        count = PQntuples(result);
        for (int row = 0; row < count && status == VB_OK; row++)
            status = feed_piece(vb_view_of(vb_pg_value(result, row, 1)),
                                (size_t)vb_row_number(result, row, 0), visitor, err);
        PQclear(result);
        if (status != VB_OK)
            return status;
    }
    return VB_OK;
}
