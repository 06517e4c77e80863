/* The insides of a vb_reader, shared by reader.c (events), stream.c (rows), row.c, recover.c,
 * blame.c, bad_row.c, form.c, share.c, slow.c, way.c, skip.c, count.c and wait.c.
 *
 * The reader owns all of it, and vb_reader_free frees it; what the options and the selection point
 * at is borrowed, and outlives the reader. One thread. Errors are those of verbatim/source.h;
 * whatever fails leaves no statement open. Views handed out live until the next event.
 */
#ifndef VERBATIM_EXPORT_SOURCE_READER_H
#define VERBATIM_EXPORT_SOURCE_READER_H

#include "page.h"
#include "rows.h"

enum vb_reader_state {
    VB_READER_IDLE,         /* nothing begun, or it failed */
    VB_READER_PAGE,         /* a page has to be read */
    VB_READER_CONVERSATION, /* conversation `current` comes next */
    VB_READER_MESSAGES,     /* its messages */
    VB_READER_DONE
};

/* What a statement of several conversations took, in microseconds: in all, and each of them. */
struct vb_measure {
    double conversations, took, each;
};

/* Where the rows of the page stand: messages, and what else was asked for. */
struct vb_stream {
    struct vb_rows rows;
    struct vb_view fields[VB_ROW_COUNT];
    struct vb_row_kinds kinds;  /* of the selection */
    enum vb_rows_form form;     /* of the statements (form.c, slow.c) */
    int64_t form_seen;          /* monotonic: when a plan was looked at; 0: never */
    size_t width;               /* fields of a row */
    unsigned marks;             /* enum vb_marks, of messages */
    Oid id_type, position_type; /* of messages, looked up once */
    const struct vb_column *time;
    const char *fault; /* what breaks the contract in the pending row alone; NULL: nothing */
    bool pending;      /* `fields` hold a row not yet handed out */
    bool more;         /* a statement was started and has not ended */
    bool alone;        /* it holds the messages of one conversation, and no other kind of rows */
    size_t first, end; /* conversations of the page that it covers */
    size_t covered;    /* those before it were given whole, up to the limit of a statement */
    size_t reach;      /* how many the next statement may cover */
    size_t share;      /* how many it should, so that it is a short one (share.c) */
    struct vb_measure measured; /* of the last one; zeros: none yet */
    size_t singly;              /* those before it are asked for one by one (recover.c) */
    size_t given;               /* messages of the current conversation by this statement */
    size_t total;               /* messages of the current conversation in all */
    uint64_t ties;              /* how many of the last ones share their time and id */
    bool by_place; /* the current conversation was read on from a place, which leaves out messages
                      without a time */
    bool undated;  /* it is those that are read */
    size_t kind;   /* place among the kinds of the current conversation */
    uint64_t of_kind;  /* rows of that kind handed out, where they are no messages */
    int64_t started;   /* monotonic */
    int64_t looked_up; /* microseconds that rows were waited for since the last look at it, */
    size_t looked_for; /* of so many conversations (slow.c) */
    struct vb_message_place places[2];
    unsigned last;         /* which place is the last message's; its id is lent to the caller */
    vb_instant last_extra; /* of the kind */
};

struct vb_reader {
    struct vb_reader_options options;
    struct vb_session session;
    struct vb_selection selection;
    struct vb_stretch stretch;
    enum vb_reader_state state;
    unsigned conflicts; /* with the replay of a replica, since the last row */
    struct vb_page page;
    size_t page_limit; /* what a page was cut down to (recover.c); SIZE_MAX: it was not */
    size_t current;    /* conversation of the page */
    struct vb_cursor position;
    struct vb_cursor conversation; /* the current one */
    struct vb_stream stream;
    struct vb_extra extra;
    struct vb_left_out left_out; /* of the current conversation */
    struct vb_cursor fence;
    size_t bad_rows; /* told since vb_reader_begin */
    struct vb_bad_row bad_row;
    bool is_under_way; /* a page was read since vb_reader_begin */
    bool has_told_conflict;
    bool by_range;       /* see struct vb_scope */
    bool placed;         /* `position` is valid */
    bool waits_by_clock; /* the source's replica does not tell what it has received (wait.c) */
    bool has_fence;      /* the next page ends with `fence`: what is behind it cannot be read */
};

/* The scope of what is still to be read (reader_scope.c). */
struct vb_scope vb_reader_scope(const struct vb_reader *reader);

/* Into reader->by_range, for a selection of a range of messages: looks whether the source finds
 * those of a conversation by an index (way.c). */
void vb_reader_choose_way(struct vb_reader *reader);

/* Before the first page of a selection. */
void vb_stream_begin(struct vb_reader *reader);
/* Before the first row of a page's conversations. */
void vb_stream_begin_page(struct vb_reader *reader);
/* Forgets how much of the conversation before was read; a statement that runs goes on. */
void vb_stream_begin_conversation(struct vb_reader *reader);
/* The next row of the current conversation: a message, or else reader->extra. VB_END after the
 * last. */
enum vb_status vb_stream_next(struct vb_reader *reader, struct vb_message *ret_message,
                              bool *ret_is_message, struct vb_error *err) vb_must_check;
/* row.c: the pending row, of a message or of another kind. VB_SOURCE: it breaks the contract;
 * stream->fault says why, if that is the row's alone. A message becomes the last one of its
 * conversation. */
enum vb_status vb_row_message(struct vb_reader *reader, struct vb_message *ret_message,
                              struct vb_error *err) vb_must_check;
enum vb_status vb_row_extra(struct vb_reader *reader, enum vb_row_kind kind,
                            struct vb_error *err) vb_must_check;
/* VB_SOURCE, of the current conversation. Not retryable: the rows will be the same. */
enum vb_status vb_row_broken(const struct vb_reader *reader, struct vb_error *err,
                             const char *what);
/* Before a statement of several conversations: looks, once in a while, whether the source finds
 * them by an index. */
void vb_stream_choose_form(struct vb_reader *reader);
/* How many conversations the next page has at most, as far as it is the form's to say. */
size_t vb_stream_page(const struct vb_reader *reader);
/* The conversation `ahead` - 1 places behind the scope's low end. VB_END: there are fewer. */
enum vb_status vb_stream_skip(struct vb_reader *reader, const struct vb_scope *scope,
                              uint64_t ahead, struct vb_cursor *ret_cursor,
                              struct vb_error *err) vb_must_check;
/* The share before the first statement, and after one of several conversations has ended. */
void vb_stream_begin_share(struct vb_stream *stream);
void vb_stream_note_share(struct vb_reader *reader, size_t conversations);
/* What the source still has of the open statement is taken into memory as far as it fits and has
 * come by the deadline (monotonic; 0: none), so that its transaction can end. A failure is that of
 * the statement. */
enum vb_status vb_stream_settle(struct vb_reader *reader, int64_t deadline,
                                struct vb_error *err) vb_must_check;
/* A statement of several conversations was ended, or given up, behind `conversations` of them: if
 * the server took long, the form of the next ones changes, and the owner is told (slow.c). */
void vb_stream_look_again(struct vb_reader *reader, size_t conversations);
/* Nothing stays open; what was handed out is remembered. */
void vb_stream_close(struct vb_reader *reader);

/* After a statement of rows has failed, or one of a page: VB_OK if smaller ones may do, which start
 * where the reader stands; else the failure, with a name if it is a row's. */
enum vb_status vb_stream_recover(struct vb_reader *reader, enum vb_status status,
                                 struct vb_error *err) vb_must_check;
enum vb_status vb_page_recover(struct vb_reader *reader, size_t limit, enum vb_status status,
                               struct vb_error *err) vb_must_check;
/* The failure of any statement, with the columns if it is their collations'. */
enum vb_status vb_name_clash(const struct vb_reader *reader, enum vb_status status,
                             struct vb_error *err);
/* Whether a failure is that of the rows: with others the same statement would have passed. */
bool vb_is_of_rows(enum vb_status status, const struct vb_error *err);
/* The row of the current conversation that cannot be read, of rows without ids all of its kind; or
 * the conversation within the next `limit` + 1, by its place, which counts from 1. False where none
 * is found. Both leave what the row alone is refused with in `ret_why`. No stream is open. */
bool vb_find_bad_row(struct vb_reader *reader, struct vb_left_out_row *ret_row,
                     struct vb_error *ret_why);
bool vb_find_bad_conversation(struct vb_reader *reader, size_t limit, size_t *ret_place,
                              struct vb_error *ret_why);
/* The conversation at that place behind the reader's position. */
bool vb_find_conversation_at(struct vb_reader *reader, size_t place, struct vb_cursor *ret_cursor);
/* `status` with the name of that message, or of that conversation, as far as they can be found. */
enum vb_status vb_blame_row(struct vb_reader *reader, enum vb_status status, struct vb_error *err);
enum vb_status vb_blame_conversation(struct vb_reader *reader, size_t limit, enum vb_status status,
                                     struct vb_error *err);

/* bad_row.c: rows that are listed instead of failing. Whether the selection asks for that. */
bool vb_lists_bad_rows(const struct vb_reader *reader);
/* Keeps the row for VB_READ_BAD_ROW: VB_AGAIN, after which it is in no statement of its
 * conversation. `row` NULL: the conversation, or one that no statement has to leave out. Else a
 * failure: too many, or no memory. */
enum vb_status vb_bad_row_note(struct vb_reader *reader, const char *conversation,
                               const struct vb_left_out_row *row, const char *reason,
                               struct vb_error *err) vb_must_check;
/* What is left of an error's text without whose it is and what was being done. */
const char *vb_bad_row_reason(const struct vb_error *why, const char *conversation);
/* After a statement of one conversation's rows has failed by one of them, and after one of a page
 * of at most `limit` + 1: VB_AGAIN, VB_OK if a shorter page is to be read first, else the
 * failure. */
enum vb_status vb_stream_leave_out(struct vb_reader *reader, enum vb_status status,
                                   struct vb_error *err) vb_must_check;
enum vb_status vb_page_leave_out(struct vb_reader *reader, size_t limit, enum vb_status status,
                                 struct vb_error *err) vb_must_check;

/* Waits for what was open at as_of; see vb_reader_begin. */
enum vb_status vb_wait_as_of(struct vb_reader *reader, enum vb_source_lag *ret_lag,
                             struct vb_error *err) vb_must_check;

#endif
