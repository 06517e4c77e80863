/* What a failed statement is followed by: smaller ones, or a failure that has a name.
 *
 * - A row that cannot be read fails the statement of all. From where the consumer stands, the
 *   conversations that it covered are asked for one by one: those before the row in question come
 *   through, and the one that fails by itself is named (blame.c). Where each statement looks at all
 *   messages there are, their number is halved instead.
 * - A statement that compares ids of two collations is refused: they are named.
 * - A replica that has to catch up ends statements that are in its way (40001), all the sooner the
 *   longer they take. Half as many conversations are asked for then, and again half.
 *
 * Uses the reader's thread. What was handed out is not repeated: the stream goes on by keyset.
 */
#include "reader.h"

#include "verbatim/log.h"

#include <string.h>

/* In a row, without a row: enough to come from the largest page to one conversation. */
#define CONFLICTS_MOST 16u
#define CONFLICT_PAUSE (VB_SECOND / 20)

/* Classes of SQLSTATE that say that the statement itself is refused, whatever the rows: features,
 * transactions, logins, catalogues and schemas, syntax and rights. */
static const char *const refusals[] = {"0A", "25", "28", "3D", "3F", "42"};

bool vb_is_of_rows(enum vb_status status, const struct vb_error *err)
{
    if (status != VB_SOURCE || !err->sqlstate[0])
        return false;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (strncmp(err->sqlstate, refusals[i], 2) == 0)
            return false;
    return true;
}

static bool is_conflict(enum vb_status status, const struct vb_error *err)
{
    return status == VB_DATABASE_AWAY && strcmp(err->sqlstate, "40001") == 0;
}

/* A statement that ran into its timeout, as far as the server tells it from one that somebody
 * called off. */
static bool is_late(const struct vb_error *err)
{
    return strcmp(err->sqlstate, "57014") == 0;
}

/* Once a stretch: the replica is set in a way that makes exports slower than they need be. */
static void tell_conflict(struct vb_reader *reader)
{
    if (!reader->has_told_conflict)
        vb_warn("the source is a replica whose replay ended a statement in its way (40001): fewer "
                "conversations are asked for at a time -> set hot_standby_feedback = on or raise "
                "max_standby_streaming_delay there, or read from the primary");
    reader->has_told_conflict = true;
}

/* The replica gets a moment; without any progress it is left to the owner to try again later. */
static bool may_try_again(struct vb_reader *reader)
{
    if (++reader->conflicts > CONFLICTS_MOST)
        return false;
    vb_clock_sleep(CONFLICT_PAUSE);
    return true;
}

enum vb_status vb_stream_recover(struct vb_reader *reader, enum vb_status status,
                                 struct vb_error *err)
{
    struct vb_stream *stream = &reader->stream;
    size_t covered = stream->end - reader->current;
    bool is_of_rows = vb_is_of_rows(status, err);
    bool is_stretch = stream->form == VB_FORM_STRETCH;
    if (!is_of_rows &&
        !((is_conflict(status, err) || (is_stretch && is_late(err))) && may_try_again(reader)))
        return status;
    if (is_conflict(status, err))
        tell_conflict(reader);
    vb_stream_close(reader);
    if (is_of_rows && covered <= 1)
        return vb_lists_bad_rows(reader) ? vb_stream_leave_out(reader, status, err)
                                         : vb_blame_row(reader, status, err);
    if (is_of_rows && !is_stretch)
        stream->singly = stream->end;
    else
        stream->reach = covered / 2 > 0 ? covered / 2 : 1;
    return VB_OK;
}

enum vb_status vb_page_recover(struct vb_reader *reader, size_t limit, enum vb_status status,
                               struct vb_error *err)
{
    if (is_conflict(status, err) && may_try_again(reader)) {
        tell_conflict(reader);
        reader->page_limit = limit / 2 > 0 ? limit / 2 : 1;
        return VB_OK;
    }
    if (vb_is_of_rows(status, err))
        return vb_lists_bad_rows(reader) ? vb_page_leave_out(reader, limit, status, err)
                                         : vb_blame_conversation(reader, limit, status, err);
    return status;
}

/* "could not determine which collation to use" names no column. */
enum vb_status vb_name_clash(const struct vb_reader *reader, enum vb_status status,
                             struct vb_error *err)
{
    const char *clashes = vb_contract_clashes(reader->options.contract);
    if (status != VB_SOURCE || strcmp(err->sqlstate, "42P22") != 0 || !clashes[0])
        return status;
    return vb_fail_within(err, status, "the source compares ids of two collations: %s", clashes);
}
