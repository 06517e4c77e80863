/* What a thread keeps for the media of a claim, between the files that work on it. Inside
 * work/media.c, work/media_errors.c and work/backlog.c only.
 *
 * Attachments lie in the list as their messages went by. Two places move along it: up to `asked`
 * they were handed to the fetcher, up to `taken` they are in the archive or have a row that says
 * why not. Up to `due` the entries that name them have ended, so it is their turn; entries that
 * come after that wait in the backlog. All on the worker's thread.
 */
#ifndef VERBATIM_WORK_MEDIA_WORK_H
#define VERBATIM_WORK_MEDIA_WORK_H

#include "line.h"

#define VB_MEDIA_ITEM_CEILING (64u * 1024u * 1024u) /* of one attachment's texts, as of a row */

struct vb_media_work {
    struct vb_lease *lease;
    struct vb_reader *reader; /* of the claim at work */
    struct vb_fetcher *fetcher;
    struct vb_spool list; /* attachments: see vb_media_item */
    uint64_t asked, taken, due;
    struct vb_buffer item;      /* the one whose turn it is, read back */
    struct vb_buffer ahead;     /* one that is handed to the fetcher */
    struct vb_buffer backlog;   /* entries whose turn has not come */
    size_t replayed;            /* bytes of it that are in the archive */
    struct vb_line_list errors; /* media/errors.csv */
    uint64_t stored, failed, bytes;
    uint64_t left; /* bytes of the export's limit */
    int64_t held;  /* microseconds of fetching since the source was let go of, */
    int64_t begun; /* before the one that began here (monotonic) */
};

enum {
    VB_ITEM_CONVERSATION,
    VB_ITEM_ATTACHMENT,
    VB_ITEM_MESSAGE,
    VB_ITEM_URL,
    VB_ITEM_FILE_NAME,
    VB_ITEM_CONTENT_TYPE,
    VB_ITEM_TEXTS
};
/* An attachment. Its texts live in the buffer that it was read into. */
struct vb_media_item {
    vb_instant at;
    struct vb_view texts[VB_ITEM_TEXTS];
};

/* work/media.c: asks for as many of the list as the fetcher has places for. */
enum vb_status vb_media_ask(struct vb_media_work *work, struct vb_error *err) vb_must_check;
/* Whether the next in the list can be taken without waiting for a server. */
bool vb_media_is_ready(struct vb_media_work *work);
/* Fetches the next in the list and stores it, or the reason why it cannot be had. No entry of the
 * archive may be open. Conversations' views stay good, messages' do not. */
enum vb_status vb_media_take(struct vb_line *line, struct vb_error *err) vb_must_check;
/* The list is taken to its end: it begins anew. */
enum vb_status vb_media_begin_list(struct vb_media_work *work, struct vb_error *err) vb_must_check;

/* work/media_errors.c */
enum vb_status vb_media_note_error(struct vb_line *line, const struct vb_media_item *item,
                                   const char *entry, const char *reason,
                                   struct vb_error *err) vb_must_check;

#endif
