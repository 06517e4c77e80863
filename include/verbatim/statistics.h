/* What an export holds, in numbers: taken once from the source as of the export's instant, kept
 * with the job, and written at the head of files that people read.
 *
 * Local days and hours are those of a zone, so that they agree with the times in the file. The
 * struct owns its days until vb_statistics_done; the rest are plain values. One thread at a time.
 * VB_NO_MEMORY is the only failure.
 */
#ifndef VERBATIM_STATISTICS_H
#define VERBATIM_STATISTICS_H

#include "verbatim/clock.h"

/* Who speaks, by the speaker's type; a NULL is of the others too. */
enum vb_speaker { VB_SPEAKER_CUSTOMER, VB_SPEAKER_BOT, VB_SPEAKER_AGENT, VB_SPEAKER_OTHER };
#define VB_SPEAKERS 4

/* What a row of `days` counts: calendar days, and months or years where there would be too many. */
enum vb_calendar { VB_CALENDAR_DAYS, VB_CALENDAR_MONTHS, VB_CALENDAR_YEARS };
#define VB_DAYS_MOST 400u

struct vb_day_count {
    int64_t day; /* since 1970-01-01; the first of the month or year */
    uint64_t messages[VB_SPEAKERS];
};

struct vb_statistics {
    uint64_t conversations;
    uint64_t messages[VB_SPEAKERS];
    uint64_t hours[24]; /* messages by the local hour */
    enum vb_calendar unit;
    struct vb_day_count *days; /* owned; in order, only those with messages */
    size_t day_count, day_capacity;
    /* Conversations in which a bot or an agent spoke after the customer first did, and the median
     * of the times between, in seconds: whole minutes beyond an hour, whole hours beyond a day. */
    uint64_t answered, median_answer;
};

void vb_statistics_done(struct vb_statistics *statistics);
uint64_t vb_statistics_messages(const struct vb_statistics *statistics);
/* Adds to a day, which need not be there yet. Days become months, and months years, as soon as more
 * than VB_DAYS_MOST of them lie between the first and the last. */
enum vb_status vb_statistics_add(struct vb_statistics *statistics, int64_t day,
                                 enum vb_speaker speaker, uint64_t messages) vb_must_check;
/* The first day of what `day` is counted with. */
int64_t vb_calendar_start(enum vb_calendar unit, int64_t day);
/* How many days, months or years `day` lies behind `first`. */
int64_t vb_calendar_distance(enum vb_calendar unit, int64_t first, int64_t day);

/* Seconds east of UTC from an instant on, until the next change. The first one's offset also holds
 * before it. */
struct vb_offset_change {
    vb_instant at;
    int offset;
};

#endif
