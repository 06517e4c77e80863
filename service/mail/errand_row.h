/* The columns of a claimed row and of the job it tells of. Private to the errand's files.
 *
 * See errand.h for owner, thread and lifetime.
 */
#ifndef VERBATIM_MAIL_ERRAND_ROW_H
#define VERBATIM_MAIL_ERRAND_ROW_H

#include "errand.h"
#include "verbatim/columns.h"

/* The oldest link that is not revoked: so a mail that is sent again carries the same one. */
#define LINK_ENDS "coalesce(j.link_ends[j.links_revoked + 1], j.link_expires_at)"
#define ERRAND_ROW(FIRST, NEXT)                                                                    \
    FIRST(COLUMN_ID, "c.outbox_id")                                                                \
    NEXT(COLUMN_ATTEMPT, "c.attempts")                                                             \
    NEXT(COLUMN_UNANSWERED, "c.unanswered")                                                        \
    NEXT(COLUMN_RECIPIENT, "c.recipient")                                                          \
    NEXT(COLUMN_JOB, "c.job_id")                                                                   \
    NEXT(COLUMN_LINK, "j.links_revoked + 1")                                                       \
    NEXT(COLUMN_FINISHED, "(extract(epoch FROM j.finished_at) * 1000000)::bigint")                 \
    NEXT(COLUMN_EXPIRES, "(extract(epoch FROM " LINK_ENDS ") * 1000000)::bigint")                  \
    NEXT(COLUMN_REVOKED, "j.links_revoked >= j.links")                                             \
    NEXT(COLUMN_DEAD, LINK_ENDS " <= now()")                                                       \
    NEXT(COLUMN_CHANNEL, "j.channel_name")                                                         \
    NEXT(COLUMN_PHONE, "j.channel_phone")                                                          \
    NEXT(COLUMN_CHANNEL_ID, "j.channel_id")                                                        \
    NEXT(COLUMN_START, "j.start_date")                                                             \
    NEXT(COLUMN_END, "j.end_date")                                                                 \
    NEXT(COLUMN_CONVERSATIONS, "j.conversations")                                                  \
    NEXT(COLUMN_MESSAGES, "j.messages")                                                            \
    NEXT(COLUMN_SIZE, "j.size")                                                                    \
    NEXT(COLUMN_ZONE, "j.time_zone")                                                               \
    NEXT(COLUMN_WORKSPACE, "j.workspace_id")                                                       \
    NEXT(COLUMN_STATUS, "j.status")                                                                \
    NEXT(COLUMN_INCOMPLETE, "j.incomplete")                                                        \
    NEXT(COLUMN_FILE, "j.file_name")                                                               \
    NEXT(COLUMN_FORMAT, "coalesce(j.specification ->> 'format', 'csv')")                           \
    NEXT(COLUMN_TITLE,                                                                             \
         "coalesce(j.title, CASE WHEN j.specification #> '{select,conversation_ids}' IS NULL"      \
         " THEN j.workspace_name ELSE 'chosen conversations' END)")
#define ERRAND_ROW_LIST VB_COLUMN_LIST(ERRAND_ROW)
enum { VB_COLUMN_NAMES(ERRAND_ROW) ERRAND_COLUMNS };

/* What is held, as literals of arrays: rows, recipients, and domains that have their share of the
 * connections. Emptied by vb_errand_lists_done, also after an error: the buffer's. */
struct vb_errand_lists {
    struct vb_buffer ids, recipients, domains;
};
enum vb_status vb_errand_lists_fill(const struct vb_errands_held *held,
                                    struct vb_errand_lists *ret_lists) vb_must_check;
void vb_errand_lists_done(struct vb_errand_lists *lists);

/* NULL reads as "" and 0. */
const char *vb_errand_text(const struct vb_errand *errand, int column);
int64_t vb_errand_number(const struct vb_errand *errand, int column);

#endif
