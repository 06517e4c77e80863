/* One statement's plan, and whether it walks further than it needs. Private to this folder, for
 * plans.c and lookups.c.
 *
 * Two looks, both with the reader's own settings and in a transaction that can only read. The first
 * runs nothing and forbids sorts as well as sequential scans: what stands in the plan all the same
 * stands there for want of an index, also where the platform is still too small for that to hurt.
 * The second runs the statement as an export would, within a time limit, and counts what was
 * walked.
 *
 * Owns nothing beyond a call; connection and query are the caller's. The connection's thread.
 * Errors: what the server says to the statement (VB_DATABASE, VB_DATABASE_AWAY), VB_LIMIT for one
 * that is too long, VB_NO_MEMORY; a plan that is bad is a verdict.
 */
#ifndef VERBATIM_COMMAND_DOCTOR_PLAN_H
#define VERBATIM_COMMAND_DOCTOR_PLAN_H

#include "verbatim/source.h"

/* Where good ends, all in one place. */
#define VB_PLAN_PAGE 200u           /* conversations of the page that is tried */
#define VB_PLAN_LARGE 1000.0        /* rows: a sequential scan of less is no matter */
#define VB_PLAN_WALKED_LEAST 2000.0 /* rows walked that are no matter, however few come of them */
#define VB_PLAN_WALKED_FACTOR 20.0  /* rows walked for each that comes of them */
#define VB_PLAN_TIMEOUT "10s"       /* of one statement */

enum vb_plan_verdict {
    VB_PLAN_GOOD,
    VB_PLAN_SCANS,   /* `relation` is read from end to end */
    VB_PLAN_SORTS,   /* the order comes from no index */
    VB_PLAN_FILTERS, /* `relation` has an index, but not of all that is asked for */
    VB_PLAN_WALKS,   /* far more rows are looked at than come of it, most of them of `relation` */
    VB_PLAN_LATE     /* it did not end within the limit */
};

struct vb_plan {
    enum vb_plan_verdict verdict;
    bool reads_all; /* some table, of whatever size */
    double rows, walked;
    char relation[160]; /* schema.table, of the platform's own tables */
};

/* `ordered`: the rows have to come in order without a sort. */
enum vb_status vb_plan_look(PGconn *source, const struct vb_source_query *query, bool ordered,
                            struct vb_plan *ret_plan, struct vb_error *err) vb_must_check;

/* The second look alone: for rows that are few enough to be sorted. */
enum vb_status vb_plan_run(PGconn *source, const struct vb_source_query *query,
                           struct vb_plan *ret_plan, struct vb_error *err) vb_must_check;

/* The first look alone, at a look-up by ids that are nobody's: whether `mark`, one of them, is
 * found by an index. */
enum vb_status vb_plan_lookup(PGconn *source, const struct vb_source_query *query, const char *mark,
                              struct vb_plan *ret_plan, struct vb_error *err) vb_must_check;

#endif
