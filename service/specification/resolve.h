/* What a specification names, looked up in the source: the channel, the assistant, the contact, the
 * conversations. And the moment as of which it is read.
 *
 * One round trip, whatever is named. Sends nothing itself: asking gives the statements, whoever has
 * a connection to the source sends them as one transaction and hands the results back.
 *
 * A resolution owns its specification and what was found, until vb_resolution_done; steps borrow
 * from both and from the caller. One thread. Answers are enum vb_resolved; VB_RESOLVED_FAILED is
 * want of memory. Texts live as long as the resolution, steps until they are done with or anything
 * they point into is.
 */
#ifndef VERBATIM_SPECIFICATION_RESOLVE_H
#define VERBATIM_SPECIFICATION_RESOLVE_H

#include "database/step.h"

#include "specification.h"

/* Who asks. Borrowed; all that of it decides what is found and what a job notes. */
struct vb_caller {
    const char *workspace, *source_id, *time_zone;
    const char *csv_profile, *delimiter, *csv_quote; /* of its workspace */
    enum vb_csv_mark csv_mark;                       /* likewise */
    const char *author, *key_id;                     /* key_id NULL: nobody with a key */
    bool is_restricted;                              /* sees only what carries one of `audience` */
    struct vb_words audience;                        /* sorted, without doubles */
};
/* `audience` as an array literal of PostgreSQL, as job.audience and audit.audience take it. Nothing
 * is written, and *ret_text is NULL, where the caller is not restricted. `out` owns the text. */
enum vb_status vb_caller_audience(const struct vb_caller *caller, struct vb_buffer *out,
                                  const char **ret_text) vb_must_check;

/* The statements; their SQL comes from the contract, which outlives them. */
enum vb_resolve_sql {
    VB_RESOLVE_BY_ID,
    VB_RESOLVE_BY_PHONE,
    VB_RESOLVE_MORE, /* enum vb_lookup from here on */
    VB_RESOLVE_STATEMENTS = VB_RESOLVE_MORE + VB_LOOKUPS
};
void vb_resolve_statements(const struct vb_contract *contract,
                           struct vb_pg_statement ret_statements[VB_RESOLVE_STATEMENTS]);

/* Columns of a channel's row; NULL where the source has none. */
enum { CHANNEL_ID, CHANNEL_NAME, CHANNEL_TYPE, CHANNEL_PHONE, CHANNEL_AS_OF, CHANNEL_SNAPSHOT };

/* How far it got. */
enum vb_resolved {
    VB_RESOLVED,
    /* `member` names something that is not there, is another workspace's, or cannot be seen: which
     * of them, nobody is told. */
    VB_RESOLVED_MISSING,
    VB_RESOLVED_SEVERAL,     /* `candidates`: rows of `channels`, all with the number */
    VB_RESOLVED_CROWD,       /* more than VB_SAME_PERSON contacts are the contact */
    VB_RESOLVED_UNSUPPORTED, /* the source has no column to filter by: `error` names it */
    VB_RESOLVED_FAILED       /* `error` */
};
#define VB_RESOLVE_CANDIDATES 100

struct vb_resolution {
    /* Set by whoever asks. */
    struct vb_specification
        specification; /* owned; limited to what the caller may see and to what was found */
    /* Found. Texts live as long as this. */
    PGresult *channels; /* text results; NULL where no one channel is selected */
    int channel;        /* its row */
    char *title;        /* the assistant's or the contact's name; NULL: none */
    char *snapshot;
    vb_instant as_of;
    /* Why not. */
    char member[64]; /* of the specification: "select.assistant_id", "select.conversation_ids.3" */
    int candidates[VB_RESOLVE_CANDIDATES]; /* in the order of their ids as text */
    size_t candidate_count;
    struct vb_error error;
};
void vb_resolution_done(struct vb_resolution *resolution);
/* Field of the selected channel; NULL for none. */
const char *vb_resolution_channel(const struct vb_resolution *resolution, int column);

/* The steps of one resolution. They point into the struct, which must not be moved, and into what
 * it was made from. */
struct vb_resolve_steps {
    struct vb_pg_step steps[VB_PG_STEPS];
    size_t count;
    const char *values[VB_PG_STEPS][3];
    struct vb_buffer list, audience;
};
void vb_resolve_steps_done(struct vb_resolve_steps *steps);

/* VB_RESOLVED: *ret_steps are to be sent. Anything else is the answer. In both cases they are the
 * caller's to be done with. What the caller may see becomes part of the specification here. */
enum vb_resolved vb_resolve_ask(struct vb_resolution *resolution,
                                const struct vb_contract *contract, const struct vb_caller *caller,
                                const struct vb_pg_statement statements[VB_RESOLVE_STATEMENTS],
                                struct vb_resolve_steps *ret_steps);
/* Keeps what was found; `results` are text, one a step. */
enum vb_resolved vb_resolve_feed(struct vb_resolution *resolution,
                                 const struct vb_contract *contract, PGresult *const *results);

#endif
