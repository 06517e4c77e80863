/* Making a job from a specification: the one way, for every door and for commands.
 *
 * The range is judged first, then an earlier job of the same idempotency key is looked for, then
 * the source is asked, then the job, its first segment and its entry in the audit are written in
 * one transaction. The order sends nothing itself: it says what is to be sent next, to be driven by
 * a loop that never waits or by vb_order_make, which does. Belongs to one thread; everything that
 * is set by the caller is borrowed until the order is done.
 */
#ifndef VERBATIM_QUEUE_ORDER_H
#define VERBATIM_QUEUE_ORDER_H

#include "specification/resolve.h"

#include "verbatim/hash.h"
#include "verbatim/uuid.h"

/* Of one user's exports that are kept by number (kept_for), where a door keeps them so. */
#define VB_ORDER_KEPT_MOST 20

/* Every statement to Verbatim's own database beside vb_pg_enter; for pools, which prepare them. */
extern const struct vb_pg_statement_set vb_order_statements;

/* What is next, or how it ended. */
enum vb_order_state {
    VB_ORDER_ASK_MAIN,   /* `steps` are to be sent to Verbatim's own database, */
    VB_ORDER_ASK_SOURCE, /* or to the source, and vb_order_feed gets their results */
    VB_ORDER_MADE,       /* `job_id` is queued */
    VB_ORDER_FOUND,      /* `job_id` was made before by the same key and body */
    VB_ORDER_ACTIVE,     /* where one_active: `job_id` is in the way */
    VB_ORDER_DIFFERS,    /* the idempotency key came with another body before */
    VB_ORDER_NO_RANGE,   /* `member`, from or to of the filter, breaks the rule `message` */
    VB_ORDER_UNRESOLVED, /* `resolved` and `resolution` say why */
    VB_ORDER_FAILED      /* `error` */
};

struct vb_order {
    /* What is wanted. */
    struct vb_resolution resolution; /* its specification, owned */
    const char *door;                /* job.door, audit.door */
    struct vb_caller caller;
    bool one_active;  /* one queued or started job for a channel, a range and an audience */
    int64_t link_ttl; /* of the door, where the specification names none; 0: the workspace's */
    int64_t usual_link_ttl;  /* the option, where the workspace names none */
    int64_t retention;       /* microseconds after the creation; 0: the option, after the end */
    struct vb_view same;     /* idempotency key; NULL: none. Of one door, workspace and audience */
    struct vb_view body;     /* what a second body is compared by; NULL: the specification */
    const char *wanted_name; /* of the file, with its extension; NULL: after what it holds */
    /* Identity of the process's store: only workers with the same take the job. NULL: any. */
    const char *storage;
    const char *trace_parent; /* W3C Trace Context, checked; NULL: none */
    /* Whose it is among those of which only the newest `keep_most` are kept: the others are deleted
     * in the same transaction, also what is not done yet. NULL: nobody's. */
    const char *kept_for;
    int64_t keep_most;
    /* Of this process; they outlive the order. */
    const struct vb_contract *contract;
    const struct vb_pg_statement *source_statements; /* of vb_resolve_statements */
    struct vb_zone *zone; /* the workspace's; may be set anew before every call */

    /* What is next, and what came of it. */
    struct vb_pg_step steps[VB_PG_STEPS]; /* valid until the next call */
    size_t step_count;
    char job_id[VB_UUID_TEXT];
    const PGresult
        *job; /* VB_JOB_VIEW of it in row 0, of the results given last; NULL where one_active */
    enum vb_resolved resolved;
    const char *member, *message;
    struct vb_error error;

    /* The order's own. */
    enum { VB_ORDER_AT_SAME, VB_ORDER_AT_SOURCE, VB_ORDER_AT_INSERT } at;
    char active_key[VB_SHA256_HEX], same_key[VB_SHA256_HEX], request_hash[VB_SHA256_HEX];
    struct vb_buffer stored, shown, audience, clocks;
    const char *audience_text;
    struct vb_resolve_steps lookups;
    vb_instant from, to;
    const char *row[VB_PG_VALUES], *keys[3], *keep[4];
    char day_texts[2][16], numbers[7][24];
    int inserts;
    size_t made_at; /* the step that makes the job */
};

/* Empty, then filled in by the caller. */
void vb_order_init(struct vb_order *order);
void vb_order_done(struct vb_order *order);
enum vb_order_state vb_order_begin(struct vb_order *order);
/* `results`: one a step, of one transaction that was committed. Those of Verbatim's database may be
 * text or binary. */
enum vb_order_state vb_order_feed(struct vb_order *order, PGresult *const *results);

/* The whole of it for those who may block. `pg` is not in a transaction; `source` is any connection
 * to the source. What was lost on the way to Verbatim's database is asked again, so the answer is
 * true also where a commit's was lost. */
enum vb_order_state vb_order_make(struct vb_order *order, struct vb_pg *pg, PGconn *source);

#endif
