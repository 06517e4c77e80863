/* Where a segment ends: the rest put back after a page, or the successor taken over.
 *
 * Cuts are guesses about sizes, and no byte of the archive depends on them: wherever the borders
 * fall, the parts in order are the same file. What they decide is how many threads can share a job,
 * how much a crash costs, and how far the part numbers go. Rows: queue/split.c, queue/absorb.c.
 */
#include "line.h"

#include "verbatim/hash.h"
#include "verbatim/log.h"

#define MEBIBYTE UINT64_C(1048576)
#define MOST_UNITS 8u
#define LARGEST_PART (1024 * MEBIBYTE)

/* How the rest of a job is cut: units a segment, and the size of a part. */
struct plan {
    uint32_t units, numbers;
    uint64_t part_size;
};

/* Segments that the store's numbers allow at 16 each, and how much of that an estimate may use. */
static uint64_t segments_planned(const struct vb_line *line)
{
    uint64_t most = vb_storage_part_most(line->crew->service->storage);
    return most < 20 ? 1 : most / 20;
}

/* Segments leave numbers unused, at most about half of them; parts of one size leave none. */
static uint64_t parts_planned(const struct vb_line *line)
{
    uint64_t most = vb_storage_part_most(line->crew->service->storage);
    uint64_t planned = line->equal_parts ? most * 4 / 5 : most * 2 / 5;
    return planned > 0 ? planned : 1;
}

uint64_t vb_line_part_size(const struct vb_line *line, uint64_t bytes)
{
    uint64_t least = line->part_size, planned = bytes / parts_planned(line);
    if (planned <= least)
        return least;
    planned = (planned / MEBIBYTE + 1) * MEBIBYTE;
    return planned < LARGEST_PART ? planned : LARGEST_PART;
}

enum vb_status vb_line_bound_numbers(struct vb_line *line, struct vb_error *err)
{
    struct vb_claim *claim = line->claim;
    uint32_t most = vb_storage_part_most(line->crew->service->storage);
    if (claim->number_first > most)
        return vb_fail(err, VB_CONFLICT,
                       "the segment's part numbers begin at %u, and the store takes them up to %u",
                       claim->number_first, most);
    if (claim->part_last > most)
        claim->part_last = most;
    return VB_OK;
}

/* Very large exports get longer segments first and larger parts after that, so that the part
 * numbers last even if the estimate is short by half. */
static struct plan make_plan(const struct vb_line *line, uint64_t estimate)
{
    const struct vb_tuning *tuning = &line->crew->tuning;
    struct plan plan = {.units = tuning->segment_units, .part_size = line->part_size};
    uint64_t needed = estimate / plan.part_size / segments_planned(line) + 1;
    if (needed > plan.units)
        plan.units = needed < MOST_UNITS ? (uint32_t)needed : MOST_UNITS;
    plan.part_size = vb_line_part_size(line, estimate);
    plan.numbers = 2 * plan.units > tuning->front_numbers ? 2 * plan.units : tuning->front_numbers;
    return plan;
}

/* Counts what is left once a job; later segments carry their share from split to split. */
static enum vb_status know_expected(struct vb_line *line, struct vb_error *err)
{
    uint64_t rest = 0;
    if (line->claim->expected >= 0)
        return VB_OK;
    enum vb_status status = vb_reader_count(line->reader, &rest, err);
    if (status == VB_OK)
        line->claim->expected = (int64_t)(vb_line_walked(line) + rest);
    if (status == VB_OK && !line->claim->stretch.has_low)
        line->claim->job.conversations_total = line->claim->expected;
    return status;
}

/* How many conversations from here the front should end; 0: keep everything. A quarter of the rest,
 * so that threads which share a job end together, within [about one part, the plan's units]. */
static uint64_t choose_ahead(const struct vb_line *line, uint64_t left, uint64_t per_thousand,
                             const struct plan *plan)
{
    const struct vb_tuning *tuning = &line->crew->tuning;
    uint64_t done = vb_archive_totals(line->archive).size;
    /* Of parts that are larger than usual, a segment is to hold as many. */
    uint64_t unit = tuning->split_unit * plan->part_size / tuning->part_size;
    uint64_t rest = left * per_thousand / 1000;
    if (tuning->random_cuts > 0)
        return 1 + (uint64_t)(vb_random_unit() * (double)tuning->random_cuts);
    if (done + rest < unit + unit / 5 * 3)
        return 0;
    uint64_t least = unit + unit / 10, most = unit * plan->units;
    uint64_t front = (done + rest) / 4;
    front = front < least ? least : front > most ? most : front;
    if (front <= done) /* the page alone was more: the rest begins behind it */
        return 1;
    return (front - done) * 1000 / (per_thousand > 0 ? per_thousand : 1) + 1;
}

static enum vb_status split_at(struct vb_line *line, const struct vb_cursor *cursor, uint64_t front,
                               int64_t estimate, const struct plan *plan, struct vb_error *err)
{
    struct vb_claim *claim = line->claim;
    struct vb_split split = {
        .cursor = *cursor,
        .numbers = plan->numbers,
        .estimate = estimate,
        .front = (int64_t)front,
        .rest = claim->expected > (int64_t)front ? claim->expected - (int64_t)front : 0,
        .total = claim->job.conversations_total,
        .rest_begins = -1};
    if (line->files == VB_FILES_CHUNKS)
        split.rest_begins = (int64_t)(claim->first_conversation + front);
    /* From here on another process may need the upload: it is noted before there is a second
     * segment. */
    enum vb_status status = vb_line_begin_upload(line, plan->part_size, err);
    if (status != VB_OK)
        return status;
    status = vb_segment_split(line->pg, &line->crew->claimer, claim, &split, err);
    if (status != VB_OK)
        return status;
    vb_crew_wake(line->crew);
    vb_info("split: parts %u-%u keep about %lld conversations, %lld go back", claim->part_first,
            claim->part_last, (long long)split.front, (long long)split.rest);
    return vb_reader_set_high(line->reader, cursor, err);
}

/* A bounded segment was cut to size before, and its part numbers were meant for it alone. A single
 * file that is one stream is one thread's work. What others have to know of the archive's beginning
 * must be known. */
static bool may_split(const struct vb_line *line)
{
    const struct vb_tuning *tuning = &line->crew->tuning;
    const struct vb_claim *claim = line->claim;
    bool one_stream = line->files == VB_FILES_SINGLE && line->renderer->one_piece;
    return !line->express && !line->equal_parts && !one_stream && !claim->stretch.has_high &&
           vb_archive_is_settled(line->archive) && line->conversations > 0 &&
           !vb_reader_exhausted(line->reader) &&
           claim->part_last - claim->number_first >= 2 * tuning->front_numbers;
}

/* A file of several conversations is never divided: the border moves on to the file's end. */
static uint64_t round_ahead(const struct vb_line *line, uint64_t ahead)
{
    uint64_t place = line->claim->first_conversation + vb_line_walked(line);
    uint64_t chunk = line->crew->tuning.chunk;
    if (line->files != VB_FILES_CHUNKS)
        return ahead;
    return (place + ahead + chunk - 1) / chunk * chunk - place;
}

/* Only names of entries ask for whole seconds. */
static enum vb_status look_ahead(struct vb_line *line, const struct vb_cursor *position,
                                 uint64_t ahead, struct vb_cursor *ret_cursor, struct vb_error *err)
{
    if (line->files == VB_FILES_PER_CONVERSATION)
        return vb_reader_look_ahead(line->reader, position, ahead, ret_cursor, err);
    return vb_reader_look_ahead_exactly(line->reader, position, ahead, ret_cursor, err);
}

enum vb_status vb_line_consider_split(struct vb_line *line, struct vb_error *err)
{
    struct vb_claim *claim = line->claim;
    struct vb_cursor position, cursor;
    if (!may_split(line) || !vb_reader_position(line->reader, &position))
        return VB_OK;
    enum vb_status status = know_expected(line, err);
    if (status != VB_OK)
        return status;
    uint64_t per_thousand = vb_archive_totals(line->archive).size * 1000 / line->conversations;
    uint64_t total = claim->job.conversations_total > 0 ? (uint64_t)claim->job.conversations_total
                                                        : (uint64_t)claim->expected;
    uint64_t expected = (uint64_t)claim->expected;
    uint64_t walked = vb_line_walked(line);
    uint64_t left = expected > walked ? expected - walked : 0;
    struct plan plan = make_plan(line, total * per_thousand / 1000);
    uint64_t ahead = choose_ahead(line, left, per_thousand, &plan);
    if (ahead == 0 || plan.numbers > claim->part_last - claim->number_first)
        return VB_OK;
    ahead = round_ahead(line, ahead);
    status = look_ahead(line, &position, ahead, &cursor, err);
    if (status == VB_END) /* less is left than was thought */
        return VB_OK;
    if (status != VB_OK)
        return status;
    return split_at(line, &cursor, walked + ahead, (int64_t)per_thousand, &plan, err);
}

enum vb_status vb_line_absorb(struct vb_line *line, struct vb_error *err)
{
    bool sent = vb_archive_totals(line->archive).parts > 0;
    enum vb_status status =
        vb_segment_absorb(line->pg, &line->crew->claimer, line->claim, sent, err);
    if (status == VB_OK) {
        line->high_moved = true;
        status = vb_line_bound_numbers(line, err);
    }
    return status;
}

enum vb_status vb_line_follow(struct vb_line *line, struct vb_error *err)
{
    const struct vb_stretch *stretch = &line->claim->stretch;
    if (!line->high_moved)
        return VB_OK;
    line->high_moved = false;
    return vb_reader_set_high(line->reader, stretch->has_high ? &stretch->high : NULL, err);
}
