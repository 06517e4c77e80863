/* Reading conversations by the source contract (INTERFACE 5): introspection, then keyset pages.
 *
 * Every page is read in its own short transactions; no statement or snapshot stays open longer than
 * VB_PAGE_STALL. Ids are opaque text here, whatever their type. Writes nothing, and asks for
 * nothing but what the contract names.
 *
 * vb_contract is read once at start, belongs to whoever read it and outlives its readers; a
 * vb_reader owns one connection and the memory of its page. The contract is shared, read-only, by
 * all threads; a reader belongs to one. Errors: VB_SOURCE for a contract or a row that is broken,
 * VB_DATABASE_AWAY and VB_NETWORK for what passes, VB_STOPPED, VB_NO_MEMORY. Views live until the
 * next call on the reader; SQL texts as long as the contract.
 */
#ifndef VERBATIM_SOURCE_H
#define VERBATIM_SOURCE_H

#include "verbatim/conversation.h"
#include "verbatim/statistics.h"

#include <libpq-fe.h>

/* The longest rendered row, so the ceiling of buffers that rows are appended to: a text of 64 MiB
 * of which every byte is written as two (a quote in CSV), or two such texts in the layouts that
 * quote them, and the other cells. Memory is taken as a row needs it. */
#define VB_ROW_CEILING ((2u * 64u + 1u) << 20)

struct vb_contract;

/* Reads the catalogue. Missing required columns: VB_SOURCE, all of them named in one message. A
 * type that cannot serve (an id that is no uuid, bigint, integer or text; ids of two sides that
 * cannot be compared; a key by whose collation different ids are equal) is named the same way.
 * `schema` is copied. */
enum vb_status vb_contract_read(PGconn *connection, const char *schema,
                                struct vb_contract **ret_contract,
                                struct vb_error *err) vb_must_check;
void vb_contract_free(struct vb_contract *contract);
/* By which clock timestamps without zone were written: offsets from 1970 on, the first of which
 * also holds before (vb_zone_changes), and the name by which the server knows the zone. Copied.
 * Before anything else is made of the contract; without it they are UTC. VB_NO_MEMORY. */
enum vb_status vb_contract_set_clock(struct vb_contract *contract, const char *zone,
                                     const struct vb_offset_change *changes, size_t count,
                                     struct vb_error *err) vb_must_check;
/* Optional columns that are missing (read as NULL), comma-separated; "" for none. */
const char *vb_contract_missing(const struct vb_contract *contract);
/* Whether conversations tell when their last message came: last_message_at. */
bool vb_contract_knows_activity(const struct vb_contract *contract);

/* Pairs of ids with two collations, which the server refuses to compare (42P22) where an export
 * needs it: "contact.id (x) and conversation.contact_id (y)", comma-separated; "" for none. */
const char *vb_contract_clashes(const struct vb_contract *contract);

/* SQL of channel look-ups, for the HTTP loops: parameters are text, results are text. NULL columns
 * are given as NULL literals; ids are compared in their own type, and an id that does not parse as
 * that type must be refused by vb_contract_id_valid before it is sent.
 *   by id:    $1 source workspace, $2 channel id
 *   by phone: $1 source workspace, $2 phone number
 * Columns: id, name, channel_type, phone_number, as_of (Unix microseconds of clock_timestamp()),
 * snapshot (pg_current_snapshot() as text). */
const char *vb_contract_channel_by_id_sql(const struct vb_contract *contract);
const char *vb_contract_channel_by_phone_sql(const struct vb_contract *contract);

/* The others. Rows are text as well; $1 is the source workspace throughout, $3 an array literal of
 * the caller's audience, or NULL for one who sees all. */
enum vb_lookup {
    VB_LOOKUP_CHANNELS,  /* $1: id, channel_type of all of them */
    VB_LOOKUP_ASSISTANT, /* $1, $2 id: name */
    VB_LOOKUP_CONTACT,   /* $1, $2 id, $3: name, else phone, else e-mail */
    /* $1, $2 id: ids with the same e-mail (whatever its case) or phone, in their order */
    VB_LOOKUP_SAME_PERSON,
    /* $1, $2 array literal of ids, $3: place of the first one that cannot be seen */
    VB_LOOKUP_CONVERSATIONS,
    VB_LOOKUP_NOW, /* as_of and snapshot, as above */
    VB_LOOKUPS
};
#define VB_SAME_PERSON 1000u /* contacts of one person; one row more tells that there are more */
const char *vb_contract_lookup_sql(const struct vb_contract *contract, enum vb_lookup lookup);

/* What people look for by a piece of its name. Rows are text, ordered by name and id; nothing is
 * found in a relation that is not there.
 *   $1 source workspace, $2 pattern of LIKE for texts, or NULL for everything, $3 at most
 * Columns: id, name, channel_type and phone_number (of channels alone). A search of contacts has
 *   $4 pattern for the digits of a phone number, or NULL, $5 what was typed: who is called or
 *   reached exactly so comes first
 * and the columns id, name, email, phone, company. It may read every contact of the workspace: its
 * sender limits its time. */
enum vb_find { VB_FIND_ASSISTANTS, VB_FIND_CHANNELS, VB_FIND_CONTACTS, VB_FINDS };
const char *vb_contract_find_sql(const struct vb_contract *contract, enum vb_find what);

enum vb_id_kind { VB_ID_CHANNEL, VB_ID_ASSISTANT, VB_ID_CONTACT, VB_ID_CONVERSATION };
bool vb_contract_id_valid(const struct vb_contract *contract, enum vb_id_kind kind,
                          struct vb_view id);
bool vb_contract_workspace_id_valid(const struct vb_contract *contract, struct vb_view id);

/* Which conversations, and how much of them. Plain values; strings borrowed until the reader's
 * free. Everything that is given must hold. Ids must have passed the contract's check of their
 * column's type. */
struct vb_selection {
    const char *workspace;  /* the workspace's id in the source */
    const char *channel_id; /* these three: NULL for any */
    const char *assistant_id;
    const char *contact_id;
    struct vb_words conversation_ids, channel_ids, contact_ids;
    struct vb_words statuses;
    struct vb_words tags;     /* any of them */
    struct vb_words audience; /* any of them in `audience`, or in `tags` where that is NULL */
    bool completed_only;      /* ended_at is set and not after as_of */
    bool deleted;             /* rows with a deleted_at too; else they are left out */
    /* The range is one of messages: conversations of any age that have one in it, and of them the
     * messages, notes, events and skills in it, and what hangs on those messages. */
    bool activity;
    bool lists_bad_rows;  /* VB_READ_BAD_ROW in place of a failure */
    unsigned columns;     /* enum vb_columns */
    vb_instant from, to;  /* created_at >= from and < to */
    vb_instant as_of;     /* nothing created after this instant is read */
    const char *snapshot; /* pg_snapshot text noted with as_of; NULL: do not wait */
};

/* Whether the source has the columns that the selection filters by; no statement is sent. VB_SOURCE
 * names the first that is missing: a filter is refused, never left out. */
enum vb_status vb_contract_selection_check(const struct vb_contract *contract,
                                           const struct vb_selection *selection,
                                           struct vb_error *err) vb_must_check;

/* A statement with its parameters, all text, for whatever connection sends it. Results may be asked
 * for as text. */
#define VB_SOURCE_PARAMETERS 32
struct vb_source_query {
    char *sql; /* owned, with `values`: free by vb_source_query_done */
    int count;
    const char *values[VB_SOURCE_PARAMETERS]; /* point into `memory` */
    char *memory;
};
void vb_source_query_done(struct vb_source_query *query);

/* What has to precede the reader's statements wherever they are run or explained, so that a plan
 * looked at is the plan of an export: for a session, or as the beginning of a transaction that can
 * only read. One simple query, static. `server_version` is PQserverVersion's: a server gets no
 * setting that it does not know. */
enum vb_source_scope { VB_SOURCE_SESSION, VB_SOURCE_TRANSACTION };
const char *vb_source_settings(enum vb_source_scope scope, int server_version);
/* Behind those, for a statement that reads a relation from end to end on purpose; within a
 * transaction. Static. */
const char *vb_source_stretch_settings(void);
/* Of these what a preview's statements need, for the transaction: one SELECT without parameters,
 * for any server. */
const char *vb_source_count_settings(void);

/* For previews: one row of two bigints, the conversations of the selection and their messages up to
 * as_of. Checks the selection first. Its snapshot is not waited for; its columns do not matter. */
enum vb_status vb_contract_count_query(const struct vb_contract *contract,
                                       const struct vb_selection *selection,
                                       struct vb_source_query *ret_query,
                                       struct vb_error *err) vb_must_check;
/* Likewise: how many messages there are in a small sample, and the bytes of their texts. */
enum vb_status vb_contract_sample_query(const struct vb_contract *contract,
                                        const struct vb_selection *selection,
                                        struct vb_source_query *ret_query,
                                        struct vb_error *err) vb_must_check;

/* Likewise, one bigint: conversations that the selection would have if it had no range, and that no
 * export holds, since created_at is NULL, infinite or BC. */
#define VB_TIMELESS_MOST 1000u /* no more are counted */
enum vb_status vb_contract_timeless_query(const struct vb_contract *contract,
                                          const struct vb_selection *selection,
                                          struct vb_source_query *ret_query,
                                          struct vb_error *err) vb_must_check;

/* For `doctor`, which looks at the plans of what the reader sends. A sample: at most `limit`
 * conversations that have a time, in no order, as text: id, created_at (Unix microseconds),
 * workspace_id, channel_id, contact_id, assistant_id. */
enum vb_status vb_contract_some_query(const struct vb_contract *contract, size_t limit,
                                      struct vb_source_query *ret_query,
                                      struct vb_error *err) vb_must_check;
/* Rows that exports leave out or tell half of, among at most `limit` in no order. The result is one
 * row, as text: how many were looked at, then for each of the finding's cases how many there are
 * and the id of one of them (NULL: none). `now`: what lies later than 5 minutes behind it is in the
 * future. */
enum vb_oddities {
    /* conversations without created_at, before the year 1, in the future; behind them the latest
     * created_at of the others, in Unix microseconds (NULL: none) */
    VB_ODD_TIMES,
    VB_ODD_DOUBLES,         /* ids that several conversations have */
    VB_ODD_LINKS,           /* channel_id, contact_id, assistant_id that find nothing */
    VB_ODD_LAST_MESSAGES,   /* conversations with a message later than their last_message_at */
    VB_ODD_MESSAGES,        /* as TIMES; direction NULL, unknown; speaker_type NULL, unknown */
    VB_ODD_MESSAGE_DOUBLES, /* ids that several messages of a conversation have */
    VB_ODD_GIANT,           /* the same in the conversation with most messages of those */
    VB_ODDITIES
};
enum vb_status vb_contract_oddities_query(const struct vb_contract *contract, enum vb_oddities what,
                                          vb_instant now, size_t limit,
                                          struct vb_source_query *ret_query,
                                          struct vb_error *err) vb_must_check;
/* A page of the selection's conversations behind `low` (NULL: from the first). */
enum vb_status vb_contract_page_query(const struct vb_contract *contract,
                                      const struct vb_selection *selection,
                                      const struct vb_cursor *low, size_t limit,
                                      struct vb_source_query *ret_query,
                                      struct vb_error *err) vb_must_check;
/* Messages of the listed conversations, at most `limit` of each, with the further rows and columns
 * that the selection asks for. The connection is for quoting alone. */
enum vb_status vb_contract_rows_query(const struct vb_contract *contract, PGconn *connection,
                                      const struct vb_selection *selection,
                                      const struct vb_words *conversations, size_t limit,
                                      struct vb_source_query *ret_query,
                                      struct vb_error *err) vb_must_check;

/* Whether the source has any of the relations whose rows the selection asks for. */
bool vb_contract_has_rows(const struct vb_contract *contract, const struct vb_selection *selection);

/* A look-up in a relation of rows that belong to conversations, as an export makes it for each
 * conversation, or for each message of one; and the message's without its conversation. */
enum vb_source_lookup { VB_LOOKUP_CONVERSATION, VB_LOOKUP_MESSAGE, VB_LOOKUP_MESSAGE_ALONE };
/* By ids that are nobody's; *ret_mark (static) is how the last of them reads in a plan.
 * VB_NOT_FOUND: the source has no such relation. */
enum vb_status vb_contract_lookup_query(const struct vb_contract *contract, const char *relation,
                                        enum vb_source_lookup lookup,
                                        struct vb_source_query *ret_query, const char **ret_mark,
                                        struct vb_error *err) vb_must_check;

/* Columns of the contract's relation as they stand there, of all its rows: for what a plan shows
 * behind them. `columns` ends with NULL. VB_NOT_FOUND: the source has none of them. */
enum vb_status vb_contract_columns_query(const struct vb_contract *contract, const char *relation,
                                         const char *const *columns,
                                         struct vb_source_query *ret_query,
                                         struct vb_error *err) vb_must_check;

/* A stretch of the ordered conversations: after `low`, up to and including `high`. */
struct vb_stretch {
    struct vb_cursor low, high;
    bool has_low, has_high; /* false: open on that side */
};

/* How gently the readers of a process treat the source. Made once, shared by all of them, freed
 * after them; any thread. With one they send a statement at a time, in turns, and pause twice as
 * long as each took; statements are short. Without one each goes as fast as it can. The rows are
 * the same. */
struct vb_pace;
enum vb_status vb_pace_new(struct vb_pace **ret_pace, struct vb_error *err) vb_must_check;
void vb_pace_free(struct vb_pace *pace);

struct vb_reader_options {
    const char *connection_string; /* libpq keywords or URI; NULL: environment */
    const char *application_name;
    const struct vb_contract *contract;
    struct vb_pace *pace; /* borrowed; NULL: full speed */
    bool prepared_statements;
    size_t page_conversations; /* of a page, the first one included */
    size_t giant_messages;     /* a conversation is read on by keyset after so many; 0: default */
    int64_t page_stall;        /* microseconds; 0: VB_PAGE_STALL */
    int64_t replica_wait;      /* microseconds that a replica gets to catch up; 0: 10 s */
    /* Asked between pages and in every wait for the source, also within libpq's connect: true ends
     * the read with VB_STOPPED within a second or two, the statement called off. On the reader's
     * thread. May be NULL. */
    bool (*stop)(void *context);
    void *stop_context;
    /* Told once, on the reader's thread: the source looks conversations up so slowly that they are
     * asked for in another form from here on. A sentence with the plan. May be NULL. */
    void (*slow)(const char *text);
};

struct vb_reader;

enum vb_status vb_reader_new(const struct vb_reader_options *options, struct vb_reader **ret_reader,
                             struct vb_error *err) vb_must_check;
void vb_reader_free(struct vb_reader *reader);

/* A statement without parameters: one row of one text. NULL on a server that is no replica; else
 * the milliseconds that what is replayed lies behind: 0 where all that was received is; -1 where
 * nothing was yet. Servers that do not tell refuse it with the SQLSTATE 0A000 or 42501. */
extern const char vb_source_lag_sql[];

/* Why rows that belong into the stretch may be missing. */
enum vb_source_lag {
    VB_LAG_NONE,
    VB_LAG_WRITERS, /* transactions that were open at as_of still are */
    VB_LAG_REPLICA  /* a replica has not caught up with as_of */
};

/* Starts reading a stretch. Waits until the transactions open at `snapshot` have ended (at most 10
 * s), and on a replica until its replay has passed as_of (at most replica_wait), then goes on:
 * *ret_lag, which may be NULL, tells what was waited for in vain. */
enum vb_status vb_reader_begin(struct vb_reader *reader, const struct vb_selection *selection,
                               const struct vb_stretch *stretch, enum vb_source_lag *ret_lag,
                               struct vb_error *err) vb_must_check;
/* Moves the end of the stretch that is being read: earlier after a split, later after an absorb
 * (also after VB_READ_END: reading goes on then). NULL: open. Between pages only, and not before
 * what was already handed out, else VB_INVALID. */
enum vb_status vb_reader_set_high(struct vb_reader *reader, const struct vb_cursor *high,
                                  struct vb_error *err) vb_must_check;

enum vb_reader_event {
    VB_READ_CONVERSATION, /* *conversation is filled; its messages follow */
    VB_READ_MESSAGE,      /* *message is filled */
    VB_READ_EXTRA,        /* vb_reader_extra tells it; only where the selection asks for such */
    VB_READ_BAD_ROW,      /* vb_reader_bad_row tells it; only where the selection lists them */
    VB_READ_END_CONVERSATION,
    VB_READ_END_PAGE, /* no transaction is open now: the place to split, record, stop */
    VB_READ_END       /* the stretch is exhausted */
};

/* The next event. Views live until the next call. VB_DATABASE_AWAY and VB_NETWORK pass by beginning
 * again; VB_SOURCE is a row that breaks the contract, named in `err` with its conversation. A page
 * that is not consumed within VB_PAGE_STALL gives up its transaction at the next call and is read
 * on by itself, without repeating rows; who waits for longer between two calls uses
 * vb_reader_pause. */
enum vb_status vb_reader_next(struct vb_reader *reader, enum vb_reader_event *ret_event,
                              struct vb_conversation *conversation, struct vb_message *message,
                              struct vb_error *err) vb_must_check;
#define VB_PAGE_STALL (10 * VB_SECOND)
/* The row of VB_READ_EXTRA; its views live until the next vb_reader_next. */
const struct vb_extra *vb_reader_extra(const struct vb_reader *reader);

/* A row that the source cannot give, or that breaks the contract: it is left out. A message, or
 * something else of a conversation (no message_id), between that one's events; a whole conversation
 * (no message_id) between those of others. Told once each, those of one conversation in no order.
 * Whatever cannot be named so still fails, and so do more than VB_BAD_ROWS_MOST since
 * vb_reader_begin: then it is the source that is broken. */
struct vb_bad_row {
    char conversation_id[VB_CURSOR_ID], message_id[VB_CURSOR_ID];
    bool is_conversation; /* a whole one */
    char reason[256];     /* words of ours or of the source's server; UTF-8 */
};
#define VB_BAD_ROWS_MOST 1000u
/* The row of VB_READ_BAD_ROW, until the next vb_reader_next. */
const struct vb_bad_row *vb_reader_bad_row(const struct vb_reader *reader);

/* Lets go of the statement and transaction of the page, if one is open: for a consumer that has to
 * wait for long between two calls. Views die; the next call reads on behind the last message,
 * without repeating rows. */
void vb_reader_pause(struct vb_reader *reader);
/* For a consumer that has to wait, perhaps not for long: what the open statement still gives within
 * `patience` microseconds is taken into memory as far as it fits, so that its transaction can end.
 * Views stay. */
void vb_reader_settle(struct vb_reader *reader, int64_t patience);
/* Whether the last thing asked of the source failed in a way that trying again may cure. */
bool vb_reader_source_away(const struct vb_reader *reader);

/* The last conversation handed out whole. False before the first. */
bool vb_reader_position(const struct vb_reader *reader, struct vb_cursor *ret_cursor);

/* The cursor about `ahead` conversations after `from` (an index-only skip), moved to the end of its
 * UTC second unless more than VB_CROWD conversations share it. VB_END when the stretch ends before.
 * Between pages only. */
enum vb_status vb_reader_look_ahead(struct vb_reader *reader, const struct vb_cursor *from,
                                    uint64_t ahead, struct vb_cursor *ret_cursor,
                                    struct vb_error *err) vb_must_check;

/* The same exactly `ahead` conversations after `from`, wherever in its second that is. */
enum vb_status vb_reader_look_ahead_exactly(struct vb_reader *reader, const struct vb_cursor *from,
                                            uint64_t ahead, struct vb_cursor *ret_cursor,
                                            struct vb_error *err) vb_must_check;

/* Whether the page that just ended was the stretch's last. */
bool vb_reader_exhausted(const struct vb_reader *reader);
/* How many conversations of the stretch are still to come. Between pages only. */
enum vb_status vb_reader_count(struct vb_reader *reader, uint64_t *ret_count,
                               struct vb_error *err) vb_must_check;

/* The numbers of the whole selection, as of its instant, by one statement for every some ten
 * thousands of conversations. `changes`: of the zone of its days and hours. Between pages only. The
 * caller is done with *ret_statistics. */
enum vb_status vb_reader_statistics(struct vb_reader *reader,
                                    const struct vb_offset_change *changes, size_t change_count,
                                    struct vb_statistics *ret_statistics,
                                    struct vb_error *err) vb_must_check;
/* Whether the selection has at most `most` conversations. Between pages only. */
enum vb_status vb_reader_fits(struct vb_reader *reader, uint64_t most, bool *ret_fits,
                              struct vb_error *err) vb_must_check;

/* Rows of memory the reader holds now, in bytes: for the budget and its test. */
size_t vb_reader_memory(const struct vb_reader *reader);

#endif
