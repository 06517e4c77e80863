/* What an export holds, in numbers: taken once from the source as of the export's instant, kept
 * with the job, and written at the head of files that people read.
 *
 * Local days and hours are those of a zone, so that they agree with the times in the file. The
 * struct owns its days until vb_statistics_done; the rest are plain values. One thread at a time.
 * VB_NO_MEMORY, and VB_INVALID for a text that is none of vb_statistics_print.
 */
#ifndef VERBATIM_STATISTICS_H
#define VERBATIM_STATISTICS_H

#include "verbatim/clock.h"

/* Who speaks, by the speaker's type; a NULL is of the others too. */
enum vb_speaker { VB_SPEAKER_CUSTOMER, VB_SPEAKER_BOT, VB_SPEAKER_AGENT, VB_SPEAKER_OTHER };
#define VB_SPEAKERS 4

/* What a row of `days` counts: days as long as there are at most VB_DAYS_MOST between the first and
 * the last message, then months, then years. */
enum vb_calendar { VB_CALENDAR_DAYS, VB_CALENDAR_MONTHS, VB_CALENDAR_YEARS };
#define VB_DAYS_MOST 400u

struct vb_day_count {
    struct vb_date day; /* the first of the month, or of the year */
    uint64_t messages[VB_SPEAKERS];
};

struct vb_statistics {
    uint64_t conversations;
    uint64_t messages[VB_SPEAKERS];
    uint64_t hours[24]; /* messages by the local hour */
    enum vb_calendar unit;
    struct vb_day_count *days; /* owned; in order, without gaps */
    size_t day_count;
    /* Conversations in which a bot or an agent spoke after the customer first did, and the median
     * of the times between, in microseconds; 0 where there are none. */
    uint64_t answered;
    int64_t median_answer;
};

void vb_statistics_done(struct vb_statistics *statistics);
uint64_t vb_statistics_messages(const struct vb_statistics *statistics);

#endif
