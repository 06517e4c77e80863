/* One claim on its straight line: reader, namer, renderer, archive, part sink. Inside the runner
 * only.
 *
 * work/line.c makes and reads it, work/file.c begins and ends its files, work/media.c puts media
 * behind them (work/backlog.c keeps what comes meanwhile), work/parts.c is its part sink (the one
 * place where export and storage meet), work/cut.c splits and absorbs, work/end.c records or
 * closes.
 *
 * The line owns what it opens (zone, namer, archive); reader, session, uploader and row buffer are
 * the runner's, the claim is the worker's. All on the worker's thread. VB_FENCED: the segment is
 * somebody else's; VB_STOPPED: the lease or the process ends; whatever comes up, the worker settles
 * it. One line lives for one claim, from vb_line_open to vb_line_done.
 */
#ifndef VERBATIM_WORK_LINE_H
#define VERBATIM_WORK_LINE_H

#include "brand/brand.h"
#include "crew.h"
#include "storage/storage.h"

#include "verbatim/archive.h"
#include "verbatim/names.h"
#include "verbatim/render.h"
#include "verbatim/source.h"

/* What a list is of (work/list.c): its entry's name, and what stands before its rows. */
struct vb_line_list_form {
    enum vb_piece_kind kind;
    struct vb_view name;
    enum vb_status (*begin)(const struct vb_render_context *context, struct vb_buffer *out,
                            struct vb_error *err);
};

#define VB_LINE_LIST_FLUSH                                                                         \
    (64u * 1024u) /* bytes of rows that are kept in memory, and one row more */

struct vb_line_list {
    struct vb_buffer rows; /* that are not in the database; whoever adds some settles behind it */
    uint32_t pieces;       /* of those that are */
};

/* Rows of the source that could not be read (work/bad_rows.c). */
struct vb_line_bad_rows {
    struct vb_bad_row *rows; /* of the conversation being read, in no order; owned */
    size_t count, capacity;
    struct vb_line_list list; /* errors.csv */
    uint64_t total;
    uint64_t conversations; /* whole ones among them */
    uint64_t unfit;         /* that the format could not write */
};

struct vb_line {
    struct vb_crew *crew;
    struct vb_lease *lease;
    struct vb_pg *pg;
    struct vb_reader *reader;
    struct vb_storage_session *session;
    struct vb_uploader *uploader; /* NULL on the express thread */
    struct vb_buffer *out;        /* rows on their way to the archive */
    struct vb_media_work *work;   /* NULL where the job asks for no media */
    bool express;
    bool equal_parts; /* of one size, without gaps in their numbers: never split */

    struct vb_claim *claim;
    struct vb_zone *zone;
    struct vb_namer *namer;
    const struct vb_renderer *renderer;
    struct vb_render_context context;
    struct vb_render_state state;
    struct vb_brand_kept brand;    /* of formats that show it */
    struct vb_selection selection; /* what the claim's job reads */
    struct vb_render_about about;
    struct vb_statistics statistics;
    enum vb_files files;
    bool file_open; /* an entry of the archive, or the raw file, has begun here */
    uint64_t chunk; /* which one, of entries of many; from 0 */
    struct vb_line_bad_rows bad;
    struct vb_archive *archive;
    uint64_t part_size; /* of this archive; the job's may have been raised since */
    uint64_t conversations, messages;
    uint32_t pieces;      /* directory pieces in the database */
    bool uploading;       /* the uploader knows where to */
    bool high_moved;      /* by an absorb in the middle of a page: the reader has to be told */
    struct vb_body whole; /* the only part of the only segment: stored in one piece */
};

/* work/line.c */
enum vb_status vb_line_open(struct vb_line *line, struct vb_error *err) vb_must_check;
void vb_line_done(struct vb_line *line);
/* Reads to the end of the stretch. VB_AGAIN: too much for the express thread. */
enum vb_status vb_line_read(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Whether a look that failed is worth another: the database may be back before the lease is over.
 * Transactions repeat themselves (queue.h). */
bool vb_line_may_retry(const struct vb_line *line, enum vb_status status,
                       const struct vb_error *err);

/* work/about.c: what heads of files say of the whole export. Before the first file begins.
 * VB_AGAIN: too much for the express thread. */
enum vb_status vb_line_about(struct vb_line *line, struct vb_error *err) vb_must_check;
/* What was asked for; borrows from the line, whose statistics may not have been taken. */
struct vb_render_about vb_line_tell(const struct vb_line *line);

/* work/file.c: entries of one conversation, entries of many, or one raw file. */
/* Before the first conversation: a raw file begins with the job. */
enum vb_status vb_line_file_start(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Makes sure that there is a file for the conversation; *ret_first says whether it is the file's
 * first. */
enum vb_status vb_line_file_before(struct vb_line *line, const struct vb_conversation *conversation,
                                   bool *ret_first, struct vb_error *err) vb_must_check;
enum vb_status vb_line_file_after(struct vb_line *line, struct vb_error *err) vb_must_check;
/* The stretch is read, and another may still be absorbed. An entry of many that has media ends
 * here: their bytes have to be known before the segment's parts are counted. */
enum vb_status vb_line_file_settle(struct vb_line *line, struct vb_error *err) vb_must_check;
/* The segment is read to its end; `closing`: and with it the job. */
enum vb_status vb_line_file_end(struct vb_line *line, bool closing,
                                struct vb_error *err) vb_must_check;
/* Hands rendered rows over when there are more than `below` bytes of them. */
enum vb_status vb_line_flush(struct vb_line *line, size_t below,
                             struct vb_error *err) vb_must_check;

/* work/backlog.c: the entries of conversations on their way to the archive. Where a job has media,
 * an entry may wait for those before it; then all these may fetch and store media. Conversations'
 * views stay good, messages' do not. */
enum vb_status vb_line_entry_begin(struct vb_line *line, struct vb_view name,
                                   struct vb_entry_time time, struct vb_error *err) vb_must_check;
enum vb_status vb_line_entry_write(struct vb_line *line, const void *data, size_t length,
                                   struct vb_error *err) vb_must_check;
enum vb_status vb_line_entry_end(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Waits until the archive holds everything that was handed over, and the media that are due. */
enum vb_status vb_line_catch_up(struct vb_line *line, struct vb_error *err) vb_must_check;

/* work/media.c, work/media_errors.c: media of the messages, stored behind the file that names them.
 * Without `work` nothing happens. */
/* What a thread keeps for media from claim to claim: connections and temporary files. */
struct vb_media_work;
enum vb_status vb_media_work_new(struct vb_crew *crew, struct vb_lease *lease,
                                 struct vb_media_work **ret_work,
                                 struct vb_error *err) vb_must_check;
void vb_media_work_free(struct vb_media_work *work);
/* Before the first conversation of a claim. */
enum vb_status vb_line_media_begin(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Remembers the message's attachments. */
enum vb_status vb_line_media_note(struct vb_line *line, const struct vb_conversation *conversation,
                                  const struct vb_message *message,
                                  struct vb_error *err) vb_must_check;
/* Gives up what is under way. */
void vb_line_media_drop(struct vb_line *line);
/* Leaves the reasons of what could not be had to the owner of the last segment. */
enum vb_status vb_line_media_record(struct vb_line *line, struct vb_error *err) vb_must_check;
/* All segments' reasons as media/errors.csv, where there are any. */
enum vb_status vb_line_media_close(struct vb_line *line, struct vb_error *err) vb_must_check;
void vb_line_media_count(const struct vb_line *line, struct vb_segment_result *result);

/* work/list.c: for a new claim. */
void vb_line_list_begin(struct vb_line_list *list);
/* Where many rows have gathered they go to the database. */
enum vb_status vb_line_list_settle(struct vb_line *line, const struct vb_line_list_form *form,
                                   struct vb_line_list *list, struct vb_error *err) vb_must_check;
/* Leaves the rows to the owner of the last segment. */
enum vb_status vb_line_list_record(struct vb_line *line, const struct vb_line_list_form *form,
                                   struct vb_line_list *list, struct vb_error *err) vb_must_check;
/* All segments' rows as an entry, where there are any. */
enum vb_status vb_line_list_close(struct vb_line *line, const struct vb_line_list_form *form,
                                  struct vb_line_list *list, struct vb_error *err) vb_must_check;

/* work/bad_rows.c */
void vb_line_bad_rows_begin(struct vb_line *line);
void vb_line_bad_rows_done(struct vb_line *line);
/* Conversations of the stretch so far, with those that are left out: what counts for places, which
 * are the same for whoever cut the archive. */
uint64_t vb_line_walked(const struct vb_line *line);
/* Remembers the reader's bad row. */
enum vb_status vb_line_bad_row_note(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Remembers a row that its format refuses as too large (`message` empty: a note or the like), and
 * gives the memory back that it took. VB_AGAIN; VB_LIMIT, with `err` as it was, for more of them
 * than a reader may list. */
enum vb_status vb_line_unfit_row_note(struct vb_line *line, struct vb_view conversation,
                                      struct vb_view message, struct vb_error *err) vb_must_check;
/* Leaves the rows to the owner of the last segment. */
enum vb_status vb_line_bad_rows_record(struct vb_line *line, struct vb_error *err) vb_must_check;
/* All segments' rows as errors.csv, where there are any. */
enum vb_status vb_line_bad_rows_close(struct vb_line *line, struct vb_error *err) vb_must_check;

/* work/manifest.c: before the archive is made: whether it has a manifest is the job's. */
enum vb_status vb_line_manifest_open(struct vb_line *line, struct vb_error *err) vb_must_check;
/* The last entries: what the archive holds, signed. */
enum vb_status vb_line_manifest_close(struct vb_line *line, struct vb_error *err) vb_must_check;

/* All segments' files as index.html, where the format has such and the archive several files. */
enum vb_status vb_line_index_close(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Of the last conversation in the archive, however it was cut: a stretch without any begins behind
 * the one that was the last before it. The time of entries that are of no conversation. */
vb_instant vb_line_last_time(const struct vb_line *line);
/* An entry's time, told in the job's zone. */
struct vb_entry_time vb_line_time(const struct vb_line *line, vb_instant at);
/* All segments' conversations are none: an entry that says so, and of what. */
enum vb_status vb_line_nothing_close(struct vb_line *line, bool *ret_nothing,
                                     struct vb_error *err) vb_must_check;

/* work/parts.c */
struct vb_part_sink vb_line_sink(struct vb_line *line);
/* Notes the archive and begins its upload, unless that was done. */
enum vb_status vb_line_begin_upload(struct vb_line *line, uint64_t part_size,
                                    struct vb_error *err) vb_must_check;

/* work/cut.c */
/* Between pages: puts the rest back when there is enough of it. */
enum vb_status vb_line_consider_split(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Where the store takes fewer numbers than the claim has: fewer. VB_CONFLICT: none of them. */
enum vb_status vb_line_bound_numbers(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Before the first page: the size of parts with which so many bytes have numbers enough. */
uint64_t vb_line_part_size(const struct vb_line *line, uint64_t bytes);
/* Takes the successor over; the reader is told by vb_line_follow. VB_END: there is none. */
enum vb_status vb_line_absorb(struct vb_line *line, struct vb_error *err) vb_must_check;
/* Tells the reader of an end that an absorb moved. */
enum vb_status vb_line_follow(struct vb_line *line, struct vb_error *err) vb_must_check;

/* work/end.c */
/* After the stretch was read: records the segment or closes the archive. VB_AGAIN: *ret_back says
 * why. */
enum vb_status vb_line_end(struct vb_line *line, enum vb_segment_release *ret_back,
                           struct vb_error *err) vb_must_check;
/* Only Complete is left of the job. VB_END: segments were reopened, nothing is ours any more. */
enum vb_status vb_line_complete(struct vb_line *line, struct vb_error *err) vb_must_check;

#endif
